"""When a server is left alone, who tries it again, and when all may."""

from bot.domain.breaker import Breaker


class Time:
    """A clock that is set."""

    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


def opened(now: Time, faults: int = 3) -> Breaker:
    """One that has seen so many faults in a row."""
    breaker = Breaker(now=now)
    for _ in range(faults):
        breaker.failed("no answer")
    return breaker


def test_two_faults_are_no_reason() -> None:
    """Only three in a row are, and an answer in between begins the count again."""
    now = Time()
    breaker = opened(now, 2)
    assert not breaker.holds()
    breaker.worked()
    breaker.failed("no answer")
    breaker.failed("no answer")
    assert not breaker.holds()
    assert breaker.trouble == ""
    breaker.failed("no answer")
    assert breaker.holds()
    assert breaker.trouble == "no answer; 3 times in a row, so it is left alone for 5 s"


def test_one_tries_again_for_all() -> None:
    """After the pause a single request goes; the others still do without, until it has worked."""
    now = Time()
    breaker = opened(now)
    now.at += 5.0
    assert [breaker.holds() for _ in range(4)] == [False, True, True, True]
    breaker.worked()
    assert not any(breaker.holds() for _ in range(4))


def test_the_pause_grows_to_half_a_minute() -> None:
    """5, 10, 20, 30, 30 s: normal is back within a minute, however long it took."""
    now, pauses = Time(), []
    breaker = opened(now)
    for _ in range(5):
        began = now.at
        while breaker.holds():
            now.at += 1.0
        pauses.append(now.at - began)
        breaker.failed("still none")
    assert pauses == [5.0, 10.0, 20.0, 30.0, 30.0]


def test_a_probe_that_never_ends_is_not_waited_for() -> None:
    """Whoever tried may be cancelled: after half a minute the next one tries."""
    now = Time()
    breaker = opened(now)
    now.at += 5.0
    assert not breaker.holds()
    now.at += 29.0
    assert breaker.holds()
    now.at += 1.0
    assert not breaker.holds()


def test_what_is_sure_to_fail_again_opens_it_at_once() -> None:
    """A refused key, a spent budget."""
    breaker = Breaker(now=Time())
    breaker.failed("the key is refused", at_once=True)
    assert breaker.holds()
    assert breaker.trouble == "the key is refused; it is left alone for 5 s"


def test_many_under_way_when_it_opens_are_one_fault() -> None:
    """Twenty who waited together fail together: the pause stays short, and one tries after it."""
    now = Time()
    breaker = opened(now, 20)
    now.at += 5.0
    assert [breaker.holds(), breaker.holds()] == [False, True]
    breaker.failed("still none")
    now.at += 9.0
    assert breaker.holds()
    now.at += 1.0
    assert not breaker.holds()

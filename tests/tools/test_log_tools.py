"""The tools over logs: what is new, what there is, which lines match."""

from dataclasses import replace

import pytest

from bot.domain.errors import BadArguments, SourceRefused
from bot.tools import _logs, search_logs
from bot.tools.log_patterns import TOOL as PATTERNS
from bot.tools.new_log_patterns import TOOL as NEW
from bot.tools.search_logs import TOOL as SEARCH
from tests.tools.logbook import Logs, logs_desk, usual
from tests.tools.stores import NOW

BROKEN = [(-600.0 + n, "pay", f"ERROR could not charge card of user {n}: token expired") for n in range(40)]
CALM = [(-7000.0 + n * 70, "pay", f"INFO charged {n} cents") for n in range(100)]
STORE = Logs([*usual(), *CALM, *BROKEN])


async def test_new_ones_are_told_with_their_first_moment() -> None:
    """What was never seen before stands first, with count, level, first moment and a line to look at."""
    found = await NEW.run(logs_desk(STORE), since="2026-11-23T11:50:00Z")
    top = found.facts["logs"][0]
    assert (top["service"], top["kind"], top["level"], top["count"]) == ("pay", "new", "ERROR", 40)
    assert top["first"] == "2026-11-23T11:50:00+00:00"
    assert "could not charge card" in top["sample"]
    assert "pay: NEW, 40 times ERROR first 11:50:00 UTC: ERROR could not charge card of user 0" in found.text
    assert found.summary.startswith("1 new patterns (1 errors); pay: ")
    assert found.missing == ()
    assert found.chart is not None
    (bars,) = found.chart.series
    assert (found.chart.kind, bars.labels["template"][:9], sum(bars.values)) == ("bars", "pay ERROR", 40)
    assert all(at >= NOW.timestamp() - 660 for at, count in zip(bars.times, bars.values, strict=True) if count)


async def test_nothing_new_is_said() -> None:
    """Where the logs are as ever, nothing is reported."""
    found = await NEW.run(logs_desk(Logs([*usual(), *CALM])), since="2026-11-23T11:30:00Z")
    assert found.facts["logs"] == []
    assert found.summary == "nothing new in the logs"
    assert "nothing new, no burst, nothing silent; " in found.text


async def test_a_service_that_only_speaks_now() -> None:
    """All that a service says is new when it never spoke before; without times no moment is claimed."""
    store = Logs([*usual(), *BROKEN], untimed=True)
    top = (await NEW.run(logs_desk(store), since="2026-11-23T11:45:00Z")).facts["logs"][0]
    assert (top["service"], top["kind"], top["first"]) == ("pay", "new", "")


async def test_without_times_there_is_no_chart() -> None:
    """Nothing is drawn that is not known."""
    found = await NEW.run(logs_desk(Logs([*usual(), *BROKEN], untimed=True)), since="2026-11-23T11:45:00Z")
    assert found.chart is None


async def test_one_that_fell_silent() -> None:
    """What is no longer said is told, too."""
    store = Logs(
        [*usual(400, until=-900), *usual(400, "mail"), *[(n - 900.0, "cart", f"WARN slow {n}") for n in range(99)]]
    )
    facts = (await NEW.run(logs_desk(store), since="2026-11-23T11:45:00Z")).facts["logs"]
    assert {(fact["service"], fact["kind"]) for fact in facts} == {("cart", "gone"), ("cart", "new")}


async def test_secrets_are_masked_before_a_line_is_cut() -> None:
    """Cutting must not leave half of a secret that no rule knows any more."""
    secret = "s3cr3t" * 20
    store = Logs(
        [*usual(), *((-60.0 - n, "pay", f"ERROR {'x' * 250} login failed with {secret} at {n}") for n in range(9))]
    )
    desk = replace(logs_desk(store), redact=lambda text: text.replace(secret, "[masked]"))
    for tool in (NEW, PATTERNS):
        found = await tool.run(desk)
        assert "s3cr3t" not in found.text + str(found.facts) + str(found.raw)
    assert "s3cr3t" not in (await SEARCH.run(desk, contains="login")).text


async def test_much_is_read_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of more than may be read a part of each stretch is, and that is said."""
    store = Logs([*usual(2_000)])
    monkeypatch.setattr(_logs, "USUAL", _logs.Reading(most=6_000))
    found = await PATTERNS.run(logs_desk(store))
    asked = [window.start for _, window in store.asked]
    assert len(asked) == _logs.SLICES
    assert found.missing[0].startswith("loki: 5.9")
    assert found.missing[0].endswith("read, evenly over the window")
    assert (
        5_500 <= sum(len(text) + 1 for *_, text in store.lines) * found.facts["patterns"][0]["lines"] / 2_000 <= 7_500
    )


async def test_one_that_does_not_say_how_much_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read from its beginning, as far as is allowed, and that is said."""
    monkeypatch.setattr(_logs, "USUAL", _logs.Reading(most=6_000))
    found = await PATTERNS.run(logs_desk(Logs(usual(2_000), tells=False)))
    assert found.missing == ("loki: the first 5.887 KiB of each stretch read, how much there is it does not say",)
    assert (await PATTERNS.run(logs_desk(Logs(usual(20), tells=False)))).missing == ()


async def test_a_slow_store_is_read_for_some_seconds_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read until then is used, and the rest is said to be unseen."""
    monkeypatch.setattr(_logs, "USUAL", _logs.Reading(seconds=0.1))
    found = await PATTERNS.run(logs_desk(Logs(usual(), delay=0.01)))
    assert 0 < found.facts["patterns"][0]["lines"] < 40
    assert "read, within 0.1 s" in found.text


async def test_any_amount_becomes_a_digest() -> None:
    """Errors first, each kind with its count; services of their own."""
    found = await PATTERNS.run(logs_desk(STORE))
    assert found.facts["patterns"][0] == {"service": "pay", "lines": 91, "kinds": 2, "errors": 40}
    assert found.text.index("## pay") < found.text.index("×40") < found.text.index("## cart")
    assert found.summary == "241 log lines of 2 services, 40 errors"


async def test_one_service_and_a_text() -> None:
    """Both reach the store."""
    found = await PATTERNS.run(logs_desk(STORE), service="pay", contains="CHARGE")
    assert STORE.asked[-1][0].services == ("pay",)
    assert found.facts["patterns"][0]["lines"] == 91


async def test_lines_that_match() -> None:
    """How many of each service, the first and the latest, in order of time, with what lies between said."""
    found = await SEARCH.run(logs_desk(STORE), contains="could not charge")
    lines = found.text.splitlines()
    assert lines[0].startswith("40 lines match 'could not charge' over ")
    assert lines[1] == "By service: pay 40"
    assert lines[2].startswith("11:50:00 UTC pay: ERROR could not charge card of user 0")
    assert f"… {40 - 2 * search_logs.HALF} lines between" in lines
    assert lines[-1].startswith("11:50:39 UTC pay: ERROR could not charge card of user 39")
    assert found.raw["lines"][0]["at"] == "2026-11-23T11:50:00.000+00:00"


async def test_few_lines_are_shown_once() -> None:
    """No line stands there twice when all fit."""
    found = await SEARCH.run(logs_desk(STORE), contains="user 1")
    assert found.facts["count"] == 11
    assert len({row["text"] for row in found.raw["lines"]}) == len(found.raw["lines"]) == 11


async def test_none_is_said() -> None:
    """No match is a finding."""
    assert (await SEARCH.run(logs_desk(STORE), contains="zzz")).summary == "no line matches 'zzz'"


async def test_several_stores_are_told_apart() -> None:
    """Lines say where they come from."""
    found = await NEW.run(logs_desk(STORE, Logs(usual(service="web"))), since="2026-11-23T11:50:00Z")
    assert "- pay (env): NEW" in found.text


@pytest.mark.parametrize("since", ["soon", "2026-11-23T12:00:00Z"])
async def test_a_beginning_that_is_none(since: str) -> None:
    """It must be a time before the window's end."""
    with pytest.raises(BadArguments, match="since"):
        await NEW.run(logs_desk(STORE), since=since)


async def test_an_empty_search_is_refused() -> None:
    """Every line is what another tool is for."""
    with pytest.raises(BadArguments, match="log_patterns"):
        await SEARCH.run(logs_desk(STORE))


async def test_without_a_source_of_logs() -> None:
    """It is said that there is none."""
    with pytest.raises(SourceRefused, match="serves logs"):
        await NEW.run(logs_desk())

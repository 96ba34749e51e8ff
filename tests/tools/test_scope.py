"""Asking many instances at once."""

import pytest

from bot.domain.errors import BadArguments, NightjarError, SourceDown, SourceRefused
from bot.domain.sources import Instance
from bot.tools._scope import alerts_of, ask, changes_of, rules_of, scope, series_of
from tests.tools.stores import Store, alertmanager, desk, prometheus


async def rules(instance: Instance) -> int:
    """How many rules an instance has."""
    return len(await rules_of(instance).rules())


@pytest.mark.parametrize("env", ["staging", "eu-2", "p2", "staging · eu-2"])
def test_an_environment_is_named_by_any_of_its_names(env: str) -> None:
    """Environment, cluster, source and what people are shown all choose the same instance."""
    one, two = prometheus(Store(), "p1"), prometheus(Store(), "p2", "staging", "eu-2")
    assert scope(desk(one, two), "series", env) == (two,)
    assert scope(desk(one, two), "series") == (one, two)


def test_what_cannot_be_asked_is_told() -> None:
    """An unknown environment is the model's mistake; a missing kind of source is not."""
    one = alertmanager(Store(), "am")
    with pytest.raises(BadArguments, match="'mars'; there are: prod"):
        scope(desk(one), "alerts", "mars")
    with pytest.raises(SourceRefused, match="no source in scope serves series; in scope: am"):
        scope(desk(one), "series")
    for port in (series_of, rules_of, changes_of):
        with pytest.raises(SourceRefused, match="am serves no"):
            port(one)
    assert alerts_of(one) is one.alerts


async def test_one_that_is_down_is_missing_and_the_others_answer() -> None:
    """The answers come in the configured order; who failed is named with its own words."""
    down, up = prometheus(Store(error=SourceDown("p1 is down")), "p1"), prometheus(Store(), "p2", "staging")
    told = await ask((down, up), rules)
    assert [(instance.name, value) for instance, value in told.answers] == [("p2", 0)]
    assert told.missing == ("p1 is down",)
    assert (told.source, told.env, told.many) == ("p2", "staging", False)


async def test_a_slow_one_is_not_waited_for() -> None:
    """Once one has answered, the others have a little while, and are then named."""
    slow, quick = prometheus(Store(delay=30), "p1"), prometheus(Store(), "p2")
    told = await ask((slow, quick), rules, patience=0.05)
    assert [instance.name for instance, _ in told.answers] == ["p2"]
    assert told.missing == ("p1 (prod) had not answered 0.05 s after the others",)


@pytest.mark.parametrize(
    ("errors", "kind", "words"),
    [
        ((SourceDown("a"), SourceDown("b")), SourceDown, "a; b"),
        ((SourceRefused("a"), SourceDown("a")), SourceRefused, "^a$"),
        ((SourceDown("a"), BadArguments("wrong")), BadArguments, "^wrong$"),
    ],
)
async def test_when_none_answers_the_call_fails(
    errors: tuple[NightjarError, ...], kind: type[NightjarError], words: str
) -> None:
    """Every word is kept; what the model can mend comes first."""
    instances = tuple(prometheus(Store(error=error), f"p{n}") for n, error in enumerate(errors))
    with pytest.raises(kind, match=words):
        await ask(instances, rules)


async def test_a_mistake_of_our_own_is_not_hidden() -> None:
    """Only errors of the tree are collected; any other reaches the caller."""

    async def broken(instance: Instance) -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await ask((prometheus(Store()), prometheus(Store(), "p2")), broken)

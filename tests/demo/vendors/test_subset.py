"""What lies outside the stated subset of PromQL is refused in the server's own form, never answered wrongly."""

import time

import pytest

from bot.demo.shop import Shop
from bot.demo.vendors.evaluator import Evaluation
from bot.demo.vendors.failures import BadData, Timeout
from bot.demo.vendors.plan import Selector, kind
from bot.demo.vendors.promql import FUNCTIONS, OPS, parse
from bot.demo.vendors.storage import Storage
from tests.demo.vendors.expressions import GOOD

NOW = 1_760_000_007.0


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("up @ 5", "1:4: parse error: @ modifier is not supported"),
        ("up @ end()", "1:4: parse error: @ modifier is not supported"),
        ("max_over_time(up[5m:1m] @ 5)", "1:25: parse error: @ modifier is not supported"),
        ('count_values("a", up)', "1:1: parse error: count_values aggregation is not supported"),
        ("up atan2 up", "1:4: parse error: atan2 operator is not supported"),
        ("day_of_week(up)", '1:1: parse error: unknown function with name "day_of_week"'),
    ],
)
def test_what_is_not_in_the_subset_is_refused(query: str, text: str) -> None:
    """A parse error with line and column, like any other."""
    with pytest.raises(BadData) as refused:
        parse(query)
    assert str(refused.value) == f'invalid parameter "query": {text}'


def test_a_pattern_that_only_the_servers_library_knows_is_refused() -> None:
    """The demo's regular expressions are Python's: where they are fewer, it says so instead of guessing."""
    storage = Storage(Shop(1, "none", now=lambda: NOW, history=3600.0))
    with pytest.raises(BadData, match="error parsing regexp"):
        Evaluation(storage, [round(NOW * 1000)]).vector(parse(r'up{job=~"\\pL+"}'))


def test_the_comparison_covers_the_whole_subset() -> None:
    """Every function and aggregation is among the queries that are compared with a real Prometheus."""
    text = " ".join(GOOD)
    assert not [name for name in (*FUNCTIONS, *OPS) if f"{name}(" not in text and f"{name} " not in text]


def test_a_plan_knows_what_it_gives() -> None:
    """Scalars, vectors, matrices and strings are told apart before anything is evaluated."""
    kinds = {"1 + time()": "scalar", "-up": "vector", "-(1 + 1)": "scalar", "up[5m]": "matrix", '"x"': "string"}
    assert {query: kind(parse(query)) for query in kinds} == kinds


def test_a_matcher_on_the_name_is_a_name() -> None:
    """Both ways to name a metric are one selector."""
    assert parse('{__name__="up",job="shop"}') == parse('up{job="shop"}')
    assert parse("up offset 5m") == Selector((("=", "__name__", "up"),), 300_000)


def test_a_query_that_takes_too_long_is_stopped() -> None:
    """The deadline is looked at before each vector and after each selection."""
    storage = Storage(Shop(1, "none", now=lambda: NOW, history=3600.0))
    with pytest.raises(Timeout, match="query timed out in expression evaluation"):
        Evaluation(storage, [round(NOW * 1000)], time.monotonic() - 1.0).vector(parse("sum(up)"))

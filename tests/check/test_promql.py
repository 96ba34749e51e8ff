"""What may be sent to a Prometheus."""

import promql_parser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.check.promql import check_query, metric_names, selector
from bot.domain.errors import BadArguments
from tests.check.packs import rows


def refused(query: str) -> bool:
    """Whether the query is refused."""
    try:
        check_query(query)
    except BadArguments:
        return True
    return False


def test_the_pack_is_decided_right() -> None:
    """Of 40 queries the 26 harmful ones are refused and the 14 honest ones run."""
    wrong = [r["promql"][:80] for r in rows("promql.jsonl") if refused(r["promql"]) != (r["expect"] == "refuse")]
    assert wrong == []


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("", "empty"),
        ("x" * 2_001, "at most 2000"),
        ("up\x00", "control characters"),
        ("sum(", "Not valid PromQL"),
        ("(" * 50 + "up" + ")" * 50, "nested too deeply"),
        (" or ".join(["up"] * 70), "too many operators"),
        ('{job="a"}', "Name the metric"),
        ('up{a="b" or c="d"}', "or"),
        ("rate(x[8d])", "at most 7 days"),
        ("up offset 2y", "at most 400 days"),
        ("up offset 99999999y", "at most 400 days"),
        ("max_over_time(x[1d:1s])", "larger step"),
        ("max_over_time(max_over_time(x[1h:1m])[1h:1m])", "one subquery level"),
        ("topk(5000, x)", "At most 1000 series"),
        ('up{a=~"(a+)+"}', "Simplify"),
        ('label_replace(up, "a", "$1", "b", "(x*)*")', "Simplify"),
        ("a * on() group_left() b", "labels to join on"),
    ],
)
def test_a_refusal_says_what_to_change(query: str, says: str) -> None:
    """Each rule has its own sentence."""
    with pytest.raises(BadArguments, match=says):
        check_query(query)


@pytest.mark.parametrize(
    "query",
    [
        "-up",
        "up @ 1700000000",
        "vector(1)",
        '{"http.requests", job="a"}',
        '{__name__="up"}',
        "rate(x[1h] offset 1w)",
        "a * on(instance) group_left(job) b",
        "a and on() b",
        'up{a=~"x|y", b!~"z.*"}',
        "max_over_time(rate(x[5m])[1h:])",
        "max_over_time(a[1h:1m]) / max_over_time(b[1h:1m])",
        'x{a="((((((((((((((((((((((((((((((((((((((((((((((((("}',
    ],
)
def test_honest_queries_run(query: str) -> None:
    """What people ask every day is not in the way of the rules."""
    check_query(query)


def test_the_metrics_of_a_query() -> None:
    """Each once, in the order they stand, whatever way they are written."""
    assert metric_names('sum(a{x="c"}) / rate(b[5m]) + a + {"d.e"} + {__name__="f"}') == ("a", "b", "d.e", "f")
    assert metric_names("time()") == ()


@given(st.text(max_size=60), st.sampled_from(["up", "http.requests", "a b", 'q"uote']), st.sampled_from(["job", "a.b"]))
def test_any_text_is_only_a_value(value: str, metric: str, label: str) -> None:
    """A selector built from foreign text parses to one metric and one matcher with that very value."""
    value = value.encode("utf-8", "replace").decode()
    tree = promql_parser.parse(selector(metric, {label: value}))
    assert isinstance(tree, promql_parser.VectorSelector)
    matchers = [m for m in tree.matchers.matchers if m.name != "__name__"]
    assert [(m.name, m.value) for m in matchers] == [(label, value)]
    assert metric_names(selector(metric, {label: value})) == (metric,)


def test_a_selector_needs_a_metric() -> None:
    """Without a name the query would read every series."""
    assert selector("up", {}) == "up"
    with pytest.raises(BadArguments, match="metric name"):
        selector("", {"job": "a"})

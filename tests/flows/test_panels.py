"""What a model reads off a picture is bounded by code, whatever the model writes."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.flows.panels import KINDS, LINES, PANELS, POINTS, SCHEMA, WORDS, Line, Panel, Point, Seen, lines_of, parse

FULL = {
    "panels": [
        {
            "title": "p99  latency",
            "kind": "line",
            "unit": "s",
            "start": "13:00",
            "end": "14:00",
            "query": "",
            "series": [{"name": "checkout", "points": [{"at": "13:10", "value": 0.3}, {"at": "14:00", "value": 4.1}]}],
            "thresholds": [{"name": "SLO", "value": 1}],
        }
    ],
    "stands_out": "checkout rises",
}


def test_it_reads_as_lines() -> None:
    """A line for each series, approximate values with their unit, words in quotes."""
    seen = parse(json.dumps(FULL))
    assert seen is not None
    assert lines_of(seen) == [
        "Panel “p99 latency” (line, in s, 13:00 to 14:00)",
        "- “checkout”: about 0.3 s at 13:10, about 4.1 s at 14:00",
        "- threshold “SLO”: about 1 s",
        "Stands out: “checkout rises”",
    ]


def test_a_fence_and_a_word_before_it_do_no_harm() -> None:
    """Servers without a grammar write more than the object."""
    assert parse(f"Here it is:\n```json\n{json.dumps(FULL)}\n```") == parse(json.dumps(FULL))


@pytest.mark.parametrize(
    "text", ["", "I see a dashboard.", "{", "[]", '{"panels": 3}', '{"panels": [{"series": "x"}]}']
)
def test_what_is_no_reading_is_none(text: str) -> None:
    """Prose, cut JSON and other shapes are garbage."""
    assert parse(text) is None


def test_numbers_that_are_none_go() -> None:
    """NaN and infinities, which Python's JSON lets through, are left out."""
    text = json.dumps(FULL).replace("0.3", "NaN").replace("4.1", "Infinity").replace('"value": 1}', '"value": NaN}')
    assert parse(text) == Seen(
        (Panel("p99 latency", "line", "s", "13:00", "14:00", "", (Line("checkout"),)),), "checkout rises"
    )


def test_the_schema_is_strict() -> None:
    """Every object of it names all its fields as required and takes no others, as both protocols want it."""

    def objects(schema: dict[str, Any]) -> list[dict[str, Any]]:
        inner = [*schema.get("properties", {}).values(), *([schema["items"]] if "items" in schema else [])]
        return [*([schema] if schema["type"] == "object" else []), *(one for part in inner for one in objects(part))]

    found = objects(SCHEMA)
    assert len(found) == 5
    assert all(one["required"] == list(one["properties"]) and not one["additionalProperties"] for one in found)
    assert parse(json.dumps(FULL)) == parse(json.dumps(FULL | {"more": 1}))


WORD = st.text(max_size=400)
NUMBER = st.floats(allow_nan=False, allow_infinity=False)
SEEN = st.fixed_dictionaries(
    {
        "panels": st.lists(
            st.fixed_dictionaries(
                {
                    "title": WORD,
                    "kind": st.sampled_from([*KINDS, "pie"]),
                    "unit": WORD,
                    "series": st.lists(
                        st.fixed_dictionaries(
                            {
                                "name": WORD,
                                "points": st.lists(st.fixed_dictionaries({"at": WORD, "value": NUMBER}), max_size=12),
                            }
                        ),
                        max_size=10,
                    ),
                }
            ),
            max_size=10,
        ),
        "stands_out": WORD,
    }
)


@given(SEEN)
def test_any_reading_is_bounded(written: dict[str, Any]) -> None:
    """No more panels, series, points and characters than set; each line of the text is one line."""
    seen = parse(json.dumps(written))
    assert seen is not None
    assert len(seen.panels) <= PANELS
    for panel in seen.panels:
        assert len(panel.title) <= WORDS
        assert panel.kind in KINDS
        assert len(panel.series) <= LINES
        assert all(len(line.points) <= POINTS and len(line.name) <= WORDS for line in panel.series)
    assert all("\n" not in line for line in lines_of(seen))


def test_a_series_without_values_says_so() -> None:
    """And a number alone has no time."""
    panel = Panel("Up", "number", series=(Line("a"), Line("b", (Point(3.0),))))
    assert lines_of(Seen((panel,))) == ["Panel “Up” (number)", "- “a”: no values read", "- “b”: about 3"]

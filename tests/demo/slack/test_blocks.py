"""Block Kit's rules, one broken at a time."""

from typing import Any

import pytest

from bot.demo.slack.blocks import RULES, faults_of, text_length
from tests.demo.slack.showcase import chart, closing, plain

Json = dict[str, Any]
GOOD_CHART = chart("bar", "p95", "ms", checkout=[1] * 12)
BUTTON = {"type": "button", "action_id": "a", "text": plain("Go")}
CELL = {"type": "raw_text", "text": "x"}


def charted(**axis: object) -> Json:
    """The good chart with another axis."""
    return GOOD_CHART | {"chart": GOOD_CHART["chart"] | {"axis_config": axis}}


def boxed(*children: Json, **more: object) -> Json:
    """A container."""
    return {"type": "container", "title": plain("Details"), "child_blocks": list(children)} | more


GOOD: list[Json] = [
    *closing(),
    {"type": "section", "text": {"type": "mrkdwn", "text": "*x*"}, "accessory": BUTTON},
    {"type": "section", "fields": [plain("a"), plain("b")]},
    {"type": "header", "text": plain("Head")},
    {"type": "image", "image_url": "https://example.com/a.png", "alt_text": "a"},
    {"type": "table", "rows": [[CELL, CELL]]},
    {"type": "data_table", "caption": "c", "rows": [[CELL], [CELL]], "page_size": 10},
    {"type": "alert", "text": plain("careful"), "level": "warning"},
    {"type": "card", "title": plain("card"), "body": plain("body")},
    {
        "type": "plan",
        "title": "p",
        "tasks": [{"type": "task_card", "task_id": "1", "title": "t", "status": "complete"}],
    },
    {"type": "data_visualization", "title": "pie", "chart": {"type": "pie", "segments": [{"label": "a", "value": 1}]}},
    {"type": "input", "label": plain("l"), "element": {"type": "plain_text_input", "action_id": "x"}},
    {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": []}]},
    {"type": "markdown", "text": "# head"},
]

BAD: dict[str, Json] = {
    "an unknown type": {"type": "hologram"},
    "no type": {"text": plain("x")},
    "a long block_id": {"type": "divider", "block_id": "x" * 256},
    "a section without text": {"type": "section"},
    "a long section": {"type": "section", "text": plain("x" * 3001)},
    "an empty text": {"type": "section", "text": plain("")},
    "eleven fields": {"type": "section", "fields": [plain("x")] * 11},
    "a long field": {"type": "section", "fields": [plain("x" * 2001)]},
    "a long header": {"type": "header", "text": plain("x" * 151)},
    "a header in mrkdwn": {"type": "header", "text": {"type": "mrkdwn", "text": "x"}},
    "26 elements": {"type": "actions", "elements": [BUTTON | {"action_id": str(n)} for n in range(26)]},
    "one action id twice": {"type": "actions", "elements": [BUTTON, BUTTON]},
    "a long label": {"type": "actions", "elements": [BUTTON | {"text": plain("x" * 76)}]},
    "a long value": {"type": "actions", "elements": [BUTTON | {"value": "x" * 2001}]},
    "an element without type": {"type": "actions", "elements": [{"action_id": "a"}]},
    "six overflow options": {"type": "actions", "elements": [{"type": "overflow", "options": [{}] * 6}]},
    "a button among feedback": {"type": "context_actions", "elements": [BUTTON]},
    "feedback without labels": {"type": "context_actions", "elements": [{"type": "feedback_buttons"}]},
    "eleven context elements": {"type": "context", "elements": [plain("x")] * 11},
    "a chart without title": GOOD_CHART | {"title": ""},
    "a chart of another kind": GOOD_CHART | {"chart": {"type": "radar"}},
    "seven series": chart("line", "t", "u", **{f"s{n}": [1] * 12 for n in range(7)}),
    "21 categories": charted(categories=[str(n) for n in range(21)]),
    "a long category": charted(categories=["x" * 21]),
    "series off the axis": charted(categories=["a"]),
    "a chart inside a container": boxed(GOOD_CHART),
    "eleven children": boxed(*[{"type": "divider"}] * 11),
    "a broken child": boxed({"type": "section"}),
    "a collapsible with a divider": boxed({"type": "divider"}, is_collapsible=True, has_header_divider=True),
    "a container without title": {"type": "container", "child_blocks": [{"type": "divider"}]},
    "101 rows": {"type": "table", "rows": [[CELL]] * 101},
    "21 cells": {"type": "table", "rows": [[CELL] * 21]},
    "a data table without caption": {"type": "data_table", "rows": [[CELL], [CELL]]},
    "a data table of a head only": {"type": "data_table", "caption": "c", "rows": [[CELL]]},
    "ragged rows": {"type": "data_table", "caption": "c", "rows": [[CELL], [CELL, CELL]]},
    "a page of 101": {"type": "data_table", "caption": "c", "rows": [[CELL], [CELL]], "page_size": 101},
    "an empty card": {"type": "card"},
    "a long card": {"type": "card", "title": plain("x" * 151)},
    "a shouting alert": {"type": "alert", "text": plain("x"), "level": "shout"},
    "an image of nothing": {"type": "image", "alt_text": "a"},
    "an image without words": {"type": "image", "image_url": "https://example.com/a.png"},
    "an input without label": {"type": "input", "element": {"type": "plain_text_input"}},
    "a task without id": {"type": "task_card", "title": "t", "status": "complete"},
    "a task in no state": {"type": "task_card", "task_id": "1", "title": "t", "status": "maybe"},
    "a plan without title": {"type": "plan"},
    "empty Markdown": {"type": "markdown", "text": ""},
}


@pytest.mark.parametrize("block", GOOD, ids=lambda block: str(block["type"]))
def test_a_good_block_has_no_fault(block: Json) -> None:
    """What Slack draws is let through."""
    assert faults_of([block]) == []


@pytest.mark.parametrize("name", BAD)
def test_a_bad_block_is_said_to_be_bad(name: str) -> None:
    """The fault points at the block."""
    found = faults_of([{"type": "divider"}, BAD[name]])
    assert found
    assert all("/blocks/1" in fault for fault in found)


def test_a_payload_has_limits_of_its_own() -> None:
    """Fifty blocks, two charts, 12,000 characters of Markdown, and an array at all."""
    assert faults_of([{"type": "divider"}] * 51)
    assert faults_of([GOOD_CHART] * 3)
    assert faults_of([{"type": "markdown", "text": "x" * 6_001}] * 2)
    assert faults_of("blocks")
    assert faults_of([{"type": "divider"}] * 100, limit=100) == []


def test_text_is_counted_however_deep() -> None:
    """Labels, cells and children count; keys and ids do not."""
    assert text_length([boxed({"type": "section", "block_id": "long id", "text": plain("four")})]) == len("Details") + 4


def test_every_type_has_a_good_example() -> None:
    """The rules' table holds no type that is never tried."""
    tried = {block["type"] for block in GOOD} | {"carousel", "context", "divider", "file", "task_card", "video"}
    assert tried == set(RULES)

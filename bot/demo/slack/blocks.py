"""Block Kit as Slack judges it: which blocks exist, where they may stand, how long their texts may be."""

import re
from collections.abc import Callable, Iterator
from typing import Any

MAX_BLOCKS = 50
MAX_VIEW_BLOCKS = 100
MAX_TOTAL_TEXT = 13_200  # where msg_blocks_too_long was seen
MAX_MARKDOWN = 12_000  # over all markdown blocks of one payload
CHARTS = ("line", "bar", "area", "pie")
CONTAINED = frozenset(
    {"actions", "context", "divider", "file", "header", "image", "input", "rich_text", "section", "table", "video"}
)
FEEDBACK = ("feedback_buttons", "icon_button")
LEVELS = (None, "default", "info", "warning", "error", "success")
ID = re.compile(r".{0,255}", re.DOTALL)

Block = dict[str, Any]
Faults = Iterator[str]


def faults_of(blocks: object, *, limit: int = MAX_BLOCKS) -> list[str]:
    """What is wrong with the blocks of one payload, in words; an empty list when nothing is."""
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        return ["blocks must be an array of objects"]
    found = [f"no more than {limit} items allowed [json-pointer:/blocks]"] if len(blocks) > limit else []
    for index, block in enumerate(blocks):
        found += [f"{fault} [json-pointer:/blocks/{index}]" for fault in _block(block)]
    if sum(len(str(block.get("text", ""))) for block in blocks if block.get("type") == "markdown") > MAX_MARKDOWN:
        found.append(f"markdown blocks hold more than {MAX_MARKDOWN} characters together")
    charts = sum(block.get("type") == "data_visualization" for block in blocks)
    return [*found, "no more than 2 data_visualization blocks allowed"] if charts > 2 else found


def text_length(value: object) -> int:
    """Characters of every text inside a payload, however deep."""
    if isinstance(value, dict):
        own = len(value["text"]) if isinstance(value.get("text"), str) else 0
        return own + sum(text_length(item) for item in value.values())
    return sum(text_length(item) for item in value) if isinstance(value, list) else 0


def _block(block: Block) -> Faults:
    kind = block.get("type")
    rule = RULES.get(kind) if isinstance(kind, str) else None
    if rule is None:
        yield f"unsupported type: {kind}"
        return
    if not ID.fullmatch(str(block.get("block_id", ""))):
        yield "block_id must be less than 256 characters"
    yield from rule(block)


def _text(value: object, limit: int, where: str, *, plain: bool = False) -> Faults:
    if not isinstance(value, dict) or not isinstance(value.get("text"), str):
        yield f"missing required field: {where}"
    elif value.get("type") not in (("plain_text",) if plain else ("plain_text", "mrkdwn")):
        yield f"{where} has an invalid text type"
    elif not 1 <= len(value["text"]) <= limit:
        yield f"{where} must be 1 to {limit} characters"


def _array(block: Block, key: str, limit: int, least: int = 1) -> Faults:
    items = block.get(key)
    if not isinstance(items, list) or len(items) < least:
        yield f"missing required field: {key}"
    elif len(items) > limit:
        yield f"no more than {limit} items allowed in {key}"


def _element(element: object) -> Faults:
    if not isinstance(element, dict) or not element.get("type"):
        yield "an element needs a type"
        return
    if not ID.fullmatch(str(element.get("action_id", ""))):
        yield "action_id must be less than 256 characters"
    if element["type"] == "button":
        yield from _text(element.get("text"), 75, "button text", plain=True)
        if len(str(element.get("value", ""))) > 2000:
            yield "button value must be less than 2001 characters"
    if element["type"] == "overflow":
        yield from _array(element, "options", 5)


def _section(block: Block) -> Faults:
    if "text" in block:
        yield from _text(block["text"], 3000, "text")
    elif not block.get("fields"):
        yield "missing required field: text or fields"
    if block.get("fields"):
        yield from _array(block, "fields", 10)
        for item in block["fields"]:
            yield from _text(item, 2000, "field")
    if "accessory" in block:
        yield from _element(block["accessory"])


def _actions(block: Block) -> Faults:
    yield from _array(block, "elements", 25)
    seen: set[str] = set()
    for element in block.get("elements") or []:
        yield from _element(element)
        action = str(element.get("action_id", ""))
        if action and action in seen:
            yield f"action_id {action!r} already exists in this block"
        seen.add(action)


def _context_actions(block: Block) -> Faults:
    yield from _array(block, "elements", 5)
    for element in block.get("elements") or []:
        if element.get("type") not in FEEDBACK:
            yield f"unsupported element: {element.get('type')}"
        elif element["type"] == "feedback_buttons":
            for side in ("positive_button", "negative_button"):
                yield from _text((element.get(side) or {}).get("text"), 75, side, plain=True)


def _chart(block: Block) -> Faults:
    chart = block.get("chart")
    if not isinstance(block.get("title"), str) or not 1 <= len(block["title"]) <= 50:
        yield "title must be 1 to 50 characters"
    if not isinstance(chart, dict) or chart.get("type") not in CHARTS:
        yield f"chart type must be one of {', '.join(CHARTS)}"
        return
    if chart["type"] == "pie":
        yield from _array(chart, "segments", 6)
        return
    yield from _array(chart, "series", 6)
    categories = (chart.get("axis_config") or {}).get("categories")
    if not isinstance(categories, list) or not 1 <= len(categories) <= 20:
        yield "axis_config.categories must be 1 to 20 items"
        return
    if any(not 1 <= len(str(label)) <= 20 for label in categories):
        yield "a category must be 1 to 20 characters"
    for series in chart.get("series") or []:
        if [point.get("label") for point in series.get("data") or []] != categories:
            yield f"series {series.get('name')!r} must have one point per category"


def _container(block: Block) -> Faults:
    if "rich_text_title" not in block:
        yield from _text(block.get("title"), 150, "title", plain=True)
    yield from _array(block, "child_blocks", 10)
    if block.get("is_collapsible") and block.get("has_header_divider"):
        yield "has_header_divider cannot be set when is_collapsible is true"
    for child in block.get("child_blocks") or []:
        if child.get("type") not in CONTAINED:
            yield f"unsupported child block: {child.get('type')}"
        else:
            yield from _block(child)


def _table(block: Block) -> Faults:
    yield from _array(block, "rows", 100)
    if any(not isinstance(row, list) or len(row) > 20 for row in block.get("rows") or []):
        yield "no more than 20 cells allowed in a row"


def _data_table(block: Block) -> Faults:
    if not block.get("caption"):
        yield "missing required field: caption"
    yield from _array(block, "rows", 101, least=2)
    if len({len(row) for row in block.get("rows") or []}) > 1:
        yield "every row must have the same number of cells"
    if not 1 <= block.get("page_size", 5) <= 100:
        yield "page_size must be 1 to 100"


def _card(block: Block) -> Faults:
    if not any(block.get(key) for key in ("hero_image", "title", "body", "actions")):
        yield "missing required field: one of hero_image, title, actions, body"
    for key, limit in (("title", 150), ("subtitle", 150), ("body", 200)):
        if key in block:
            yield from _text(block[key], limit, key)


def _alert(block: Block) -> Faults:
    yield from _text(block.get("text"), 3000, "text")
    if block.get("level") not in LEVELS:
        yield "invalid level"


def _image(block: Block) -> Faults:
    if not block.get("image_url") and not block.get("slack_file"):
        yield "missing required field: image_url or slack_file"
    if not 1 <= len(str(block.get("alt_text", ""))) <= 2000:
        yield "alt_text must be 1 to 2000 characters"


def _input(block: Block) -> Faults:
    yield from _text(block.get("label"), 2000, "label", plain=True)
    yield from _element(block.get("element"))


def _task(block: Block) -> Faults:
    if not block.get("task_id") or not block.get("title"):
        yield "missing required field: task_id and title"
    if block.get("status") not in {"pending", "in_progress", "complete", "error"}:
        yield "invalid status"


def _plan(block: Block) -> Faults:
    if not block.get("title"):
        yield "missing required field: title"
    for task in block.get("tasks") or []:
        yield from _task(task)


def _markdown(block: Block) -> Faults:
    if not isinstance(block.get("text"), str) or not block["text"]:
        yield "missing required field: text"


def _free(block: Block) -> Faults:
    yield from ()


RULES: dict[str, Callable[[Block], Faults]] = {
    "actions": _actions,
    "alert": _alert,
    "card": _card,
    "carousel": lambda block: _array(block, "elements", 10),
    "container": _container,
    "context": lambda block: _array(block, "elements", 10),
    "context_actions": _context_actions,
    "data_table": _data_table,
    "data_visualization": _chart,
    "divider": _free,
    "file": _free,
    "header": lambda block: _text(block.get("text"), 150, "text", plain=True),
    "image": _image,
    "input": _input,
    "markdown": _markdown,
    "plan": _plan,
    "rich_text": lambda block: _array(block, "elements", 1000),
    "section": _section,
    "table": _table,
    "task_card": _task,
    "video": _free,
}

"""The payloads of commands, clicks, shortcuts and submitted views, as Slack fills them."""

from collections.abc import Iterator
from typing import Any

from bot.demo.slack.events import APP
from bot.demo.slack.records import Channel, Json, Message, Refused, User
from bot.demo.slack.surfaces import View
from bot.demo.slack.workspace import TEAM

DOMAIN = "nightjar-demo"
SELECTS = {"static_select", "overflow", "radio_buttons", "external_select"}


def person_json(user: User) -> Json:
    """The user of an interaction."""
    return {"id": user.id, "username": user.name, "name": user.name, "team_id": TEAM}


def base(kind: str, user: User, verification: str) -> Json:
    """What every interaction carries."""
    return {
        "type": kind,
        "user": person_json(user),
        "api_app_id": APP,
        "token": verification,
        "team": {"id": TEAM, "domain": DOMAIN},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def place(channel: Channel) -> Json:
    """The channel of an interaction."""
    return {"id": channel.id, "name": "directmessage" if channel.is_direct else channel.name}


def elements(blocks: list[Json]) -> Iterator[tuple[str, Json]]:
    """Every interactive element with its block's id, however deep it stands."""
    for block in blocks:
        where = str(block.get("block_id", ""))
        inside = [*(block.get("elements") or []), block.get("accessory"), block.get("element")]
        inside += [*(block.get("actions") or [])]
        for element in inside:
            if isinstance(element, dict) and element.get("action_id"):
                yield where, element
        yield from elements([*(block.get("child_blocks") or []), *_cards(block)])


def _cards(block: Json) -> list[Json]:
    return list(block["elements"]) if block.get("type") == "carousel" else []


def find_element(blocks: list[Json], action_id: str, value: str | None) -> tuple[str, Json]:
    """The element of an action id (and value, when several share it); raises `action_not_found`."""
    for where, element in elements(blocks):
        if element["action_id"] == action_id and (value is None or value in _values(element)):
            return where, element
    raise Refused("action_not_found")


def _values(element: Json) -> list[str]:
    options = [option.get("value") for option in element.get("options") or []]
    sides = [(element.get(side) or {}).get("value") for side in ("positive_button", "negative_button")]
    return [str(value) for value in (element.get("value"), *options, *sides) if value is not None]


def action_json(where: str, element: Json, value: str | None, ts: str) -> Json:
    """One entry of `actions`, by the element's type."""
    kind = element["type"]
    body: Json = {"type": kind, "action_id": element["action_id"], "block_id": where, "action_ts": ts}
    if kind in SELECTS:
        option = next((o for o in element.get("options") or [] if value in (None, o.get("value"))), None)
        return body | {"selected_option": option}
    if kind == "feedback_buttons":
        sides = [element[side] for side in ("positive_button", "negative_button")]
        side = next((s for s in sides if value in (None, s.get("value"))), sides[0])
        return body | {"value": side.get("value"), "text": side.get("text")}
    kept = {key: element[key] for key in ("text", "value", "icon", "style") if key in element}
    return body | kept | ({"value": value} if value is not None else {})


def container_json(channel: Channel, message: Message) -> Json:
    """Where a clicked element stands."""
    body: Json = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": channel.id,
        "is_ephemeral": message.visible_to is not None,
    }
    return body | ({"thread_ts": message.thread_ts} if message.thread_ts else {})


def view_state(view: View, values: dict[str, Any]) -> Json:
    """`state.values` from plain values by action id, shaped by each input's type."""
    state: Json = {}
    for where, element in elements(view.body.get("blocks", [])):
        given = values.get(element["action_id"], element.get("initial_value"))
        state.setdefault(where, {})[element["action_id"]] = _input_json(element, given)
    return {"values": state}


def _input_json(element: Json, given: Any) -> Json:
    if element["type"] in SELECTS:
        option = next((o for o in element.get("options") or [] if o.get("value") == given), None)
        return {"type": element["type"], "selected_option": option}
    if element["type"] == "checkboxes":
        chosen = [o for o in element.get("options") or [] if o.get("value") in (given or [])]
        return {"type": element["type"], "selected_options": chosen}
    return {"type": element["type"], "value": given}

"""A Slack message as plain text: its text, its blocks, its attachments, whoever posted it."""

import html
import re
from collections.abc import Iterator
from typing import Any

from bot.domain.plain import text as storable

Json = dict[str, Any]
MAX_TEXT = 8_000
_ANGLE = re.compile(r"<([^<>|]+)(?:\|([^<>]*))?>")


def plain(text: str) -> str:
    """Slack's wire text as people read it: links with their address, entities undone, nothing a database refuses."""
    return storable(html.unescape(_ANGLE.sub(_link, text)))


def _link(match: re.Match[str]) -> str:
    target, label = match[1], match[2]
    if target[0] in "@#!":
        return f"{'' if target[0] == '!' else target[0]}{label or target[1:]}".replace("@@", "@")
    return f"{label} ({target})" if label and label != target else target


def text_of(message: Json) -> str:
    """Everything a message says, in reading order; at most 8,000 characters."""
    return "\n".join(lines_of(message))[:MAX_TEXT]


def lines_of(message: Json) -> list[str]:
    """The same line by line; the text only as far as the blocks do not say it again."""
    lines = [*blocks(message.get("blocks") or [])]
    for attachment in message.get("attachments") or []:
        lines += attachment_lines(attachment)
    lines += [f"[file: {file.get('title') or file.get('name')}]" for file in message.get("files") or []]
    again = set(lines)
    return [*(line for line in _lines(message.get("text")) if line not in again), *lines]


def attachment_lines(attachment: Json) -> Iterator[str]:
    """An attachment's lines; its fallback only when it says nothing else."""
    said = [*_lines(attachment.get("pretext")), *_lines(_titled(attachment)), *_lines(attachment.get("text"))]
    said += [_field(item) for item in attachment.get("fields") or []]
    said += blocks(attachment.get("blocks") or [])
    yield from said or _lines(attachment.get("fallback"))
    yield from _lines(attachment.get("footer"))


def _field(item: Json) -> str:
    return f"{plain(str(item.get('title', '')))}: {plain(str(item.get('value', '')))}".strip(": ")


def _titled(attachment: Json) -> str:
    title, link = str(attachment.get("title") or ""), attachment.get("title_link")
    return f"<{link}|{title}>" if title and link and "<" not in title else title


def blocks(items: list[Json]) -> Iterator[str]:
    """The texts inside Block Kit blocks, however deep."""
    for item in items:
        yield from _lines("".join(_inline(item))) if item.get("type") == "rich_text_section" else _block(item)


def _block(item: Json) -> Iterator[str]:
    text = item.get("text")
    yield from _lines(text.get("text") if isinstance(text, dict) else text)
    if isinstance(item.get("title"), str | dict) and item.get("type") not in ("image", "button"):
        yield from _lines(item["title"] if isinstance(item["title"], str) else item["title"].get("text"))
    for key in ("fields", "elements", "child_blocks", "tasks"):
        inner = item.get(key)
        if isinstance(inner, list) and item.get("type") not in ("actions", "context_actions"):
            yield from blocks([part for part in inner if isinstance(part, dict)])
    yield from _rows(item.get("rows"))


def _rows(rows: Any) -> Iterator[str]:
    for row in rows if isinstance(rows, list) else []:
        cells = [" ".join(blocks([cell])) for cell in row if isinstance(cell, dict)]
        yield " | ".join(cells)


def _inline(section: Json) -> Iterator[str]:
    for part in section.get("elements") or []:
        kind = part.get("type")
        if kind == "link":
            yield f"<{part.get('url')}|{part.get('text') or part.get('url')}>"
        elif kind == "user":
            yield f"<@{part.get('user_id')}>"
        else:
            yield str(part.get("text") or part.get("name") or "")


def _lines(text: Any) -> list[str]:
    return [line.strip() for line in plain(text).splitlines() if line.strip()] if isinstance(text, str) else []

"""Recognises the posts of Alertmanager, Grafana, PagerDuty and Datadog and reads them as labelled data.

Formats: Alertmanager's `slack.default.*` templates, Grafana's Slack contact point (unified and legacy alerting), the
PagerDuty and Datadog apps. Nothing of a post is trusted; it becomes labels and text, never an instruction.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bot.domain.alerts import Alert
from bot.slack.flatten import lines_of, plain, text_of

Json = dict[str, Any]
Labels = dict[str, str]
STATES = {
    "firing": "active",
    "alerting": "active",
    "triggered": "active",
    "re-triggered": "active",
    "acknowledged": "suppressed",
    "pending": "pending",
    "no data": "active",
    "warn": "active",
    "resolved": "resolved",
    "ok": "resolved",
    "recovered": "resolved",
}
ENVIRONMENT = ("env", "environment", "cluster", "namespace")
_STATE = "|".join(sorted((re.escape(state) for state in STATES), key=len, reverse=True))
_BRACKETED = re.compile(rf"\[({_STATE})(?::\s*\d+)?\]\s*(.+)", re.IGNORECASE)
_COLON = re.compile(rf"({_STATE})(?:\s+#?\d+)?:\s*(.+)", re.IGNORECASE)
_PAIR = re.compile(r"^[\s•*-]+([A-Za-z_][\w .-]{0,60}?)\**\s*(?:=|:)\**\s*`?(.+?)`?\s*$")  # bulleted, or bold
_ALONE = re.compile(r"^\*[\w ]{1,60}:\*$")  # a field's title, its value on the next line
_TAGS = re.compile(r"\{([^{}]*)\}|^\**tags\**:\**(.*)$", re.IGNORECASE | re.MULTILINE)
_TAG = re.compile(r"(?<![\w:/.])([a-z][\w.-]{0,40}):([\w./-]{1,100})")
_LINK = re.compile(r"https?://[^\s)>|\"]+")
_LINKED = re.compile(r"\s*\(https?://[^)]*\)")
_HASH = re.compile(r"^\[?#\d+\]?\s*:?\s*")
_SLACK_DATE = re.compile(r"<!date\^(\d+)\^")
_ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)")
_NO_LABEL = frozenset(
    {"labels", "annotations", "value", "http", "https", "source", "silence", "dashboard", "panel", "alert", "tags"}
)
_ANNOTATIONS = frozenset({"summary", "description", "runbook_url", "message", "details"})


@dataclass(frozen=True)
class _Post:
    """The part of a message that tells of one alert, as lines, and where it stands."""

    lines: list[str]
    part: Json
    message: Json


def alerts_of(message: Json) -> tuple[Alert, ...]:
    """The alerts a bot's message tells of; none when its format is not known."""
    vendor = _vendor(message)
    return tuple(_READ[vendor](message)) if vendor else ()


def subject_of(message: Json) -> str:
    """A message as the subject of an investigation: its alerts as labelled data, then everything it says."""
    return "\n".join([*(shown(alert) for alert in alerts_of(message)), text_of(message)])


def shown(alert: Alert) -> str:
    """One alert in one line, as data: name, state, start, then labels."""
    said = " ".join(f"{key}={value}" for key, value in alert.labels.items() if key != "alertname")
    where = f" link={alert.annotations['link']}" if alert.annotations.get("link") else ""
    return f"alert {alert.name} state={alert.state} since={alert.starts:%Y-%m-%dT%H:%M:%SZ} {said}{where}".strip()


def _vendor(message: Json) -> str:
    poster = f"{message.get('username') or ''} {(message.get('bot_profile') or {}).get('name') or ''}".lower()
    marks = " ".join([poster, *(str(a.get("footer") or "").lower() for a in message.get("attachments") or [])])
    links = " ".join(_LINK.findall(str(message))).lower()
    for vendor, sign in (("pagerduty", ".pagerduty.com/"), ("datadog", ".datadoghq."), ("grafana", "/alerting/")):
        if vendor in marks or sign in links:
            return vendor
    return "alertmanager" if any(_BRACKETED.match(_title(*part)) for part in _parts(message)) else ""


def _parts(message: Json) -> list[tuple[Json, list[str]]]:
    """Each attachment as one alert's post, with its lines; without any, the message itself."""
    attachments = message.get("attachments") or []
    return [(part, lines_of({"attachments": [part]})) for part in attachments] or [(message, lines_of(message))]


def _title(part: Json, lines: list[str]) -> str:
    return plain(str(part.get("title") or "")) or next(iter(lines), "")


def _templated(message: Json) -> Iterator[Alert]:
    """`[FIRING:2] Name (label values)`, with `- label = value` lines below: Alertmanager and Grafana."""
    for part, lines in _parts(message):
        match = _BRACKETED.match(_title(part, lines))
        if match is None:
            continue
        groups = _groups(lines) or [{}]
        for labels in groups:
            name = labels.get("alertname") or _name_of(match[2], message)
            yield _alert(name, match[1], labels, _Post(lines, part, message))


def _groups(lines: list[str]) -> list[Labels]:
    """The labels of each alert; a group begins anew where its alertname comes again."""
    groups: list[Labels] = []
    current: Labels = {}
    for line in lines[1:]:
        match = _PAIR.match(line)
        if match is None:
            continue
        key, value = match[1].strip().lower().replace(" ", "_"), _LINKED.sub("", match[2]).strip("`*_ ")
        if key in _NO_LABEL or not value or "://" in value[:8]:
            continue
        if key == "alertname" and "alertname" in current:
            groups.append(current)
            current = {}
        current.setdefault(key, value)
    return [*groups, current] if current else groups


def _name_of(title: str, message: Json) -> str:
    """The alert's name: the title up to its label values; Grafana's legacy titles are names as a whole."""
    bare = title.partition("(")[0].strip() or title
    first = bare.split()[0] if bare.split() else bare
    return first if re.fullmatch(r"[A-Za-z][A-Za-z0-9_.:-]*[a-z0-9]", first) and "(" in title else bare


def _titled(message: Json) -> Iterator[Alert]:
    """`Triggered: …` with `key:value` tags, or fields: PagerDuty and Datadog."""
    whole = _joined(lines_of(message))
    for index, line in enumerate(whole):
        match = _COLON.match(line) or _BRACKETED.match(line)
        stated = match or re.search(rf"status:?\**:?\s*({_STATE})", line, re.IGNORECASE)
        if stated is None:
            continue
        title = match[2] if match else next((text for text in whole[:index] if _HASH.match(text)), whole[0])
        scopes = " ".join(side for found in _TAGS.findall("\n".join(whole)) for side in found)
        labels = dict(_TAG.findall(scopes))
        labels |= {k: v for group in _groups(["", *whole]) for k, v in group.items() if k not in ("status", "state")}
        part = next(iter(message.get("attachments") or [message]))
        yield _alert(_bare_title(title), stated[1], labels, _Post(whole, part, message))
        return


def _bare_title(title: str) -> str:
    text = _LINK.sub("", title).replace("()", "")
    text = re.sub(r"^\[(P\d|Triggered[^\]]*|Recovered[^\]]*)\]\s*", "", text.strip())
    text = re.sub(r"\s*(\bon\s*)?\{[^{}]*\}", "", _HASH.sub("", text))
    return text.strip(" :*") or title


def _joined(lines: list[str]) -> list[str]:
    """A field's title and its value on one line."""
    found: list[str] = []
    for line in lines:
        if found and _ALONE.match(found[-1]):
            found[-1] += f" {line}"
        else:
            found.append(line)
    return found


def _alert(name: str, state: str, labels: Labels, post: _Post) -> Alert:
    kept = {key: value[:300] for key, value in labels.items() if key not in _ANNOTATIONS}
    notes = {key: value[:1000] for key, value in labels.items() if key in _ANNOTATIONS}
    link = plain(str(post.part.get("title_link") or "")) or next(iter(_LINK.findall("\n".join(post.lines))), "")
    env = next((kept[key] for key in ENVIRONMENT if kept.get(key)), "")
    return Alert(
        name=name[:200],
        labels=kept | ({"env": env} if env else {}),
        starts=_starts(post),
        annotations=notes | ({"link": link} if link else {}),
        state=STATES[state.lower()],
    )


def _starts(post: _Post) -> datetime:
    """When it began: a time in the post, else the attachment's own, else when the message was posted; UTC."""
    text = "\n".join(post.lines)
    if found := _ISO.search(text):
        return datetime.fromisoformat(found[0].replace("Z", "+00:00")).astimezone(UTC)
    dated = _SLACK_DATE.search(str(post.message))
    stamp = dated[1] if dated else str(post.part.get("ts") or post.message.get("ts") or "0")
    try:
        return datetime.fromtimestamp(float(stamp), UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)


_READ: dict[str, Callable[[Json], Iterator[Alert]]] = {
    "alertmanager": _templated,
    "grafana": _templated,
    "pagerduty": _titled,
    "datadog": _titled,
}

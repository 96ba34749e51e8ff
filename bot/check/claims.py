"""What an answer claims: its parts, the evidence it cites, and how sure code is of the cause it names."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.domain.answers import Confidence
from bot.domain.evidence import Evidence

HEAD_LINES, HEAD_CHARS = 3, 400
SINCE_SECONDS = 300.0
_CITED = re.compile(r"\bE\d{1,4}\b")
_CAUSE = re.compile(r"^[`*\s]*CAUSE\s+(\{.*\}|null)[`*\s]*$")
_FENCE = re.compile(r"^\s*```[\w-]*\s*$")


@dataclass(frozen=True)
class Parsed:
    """An answer in its parts; `cause` has service, signal and since; `cited` in order of first appearance."""

    head: str
    body: str
    cause: dict[str, str] | None
    cited: tuple[str, ...]


@dataclass(frozen=True)
class Claims:
    """What the evidence says of the claims; `reasons` name the conditions that were met."""

    unknown_ids: tuple[str, ...]
    confidence: Confidence
    reasons: tuple[str, ...]


def parse_answer(text: str) -> Parsed:
    """Take the answer form apart: at most three lines and 400 characters of head, the body, the cause line."""
    lines, cause = _without_cause(text.strip().splitlines())
    said = "\n".join(lines).strip()
    head, body = _split(said)
    return Parsed(head, body, cause, cited_in(said))


def cited_in(text: str) -> tuple[str, ...]:
    """The ids of evidence that a text cites, in order of first appearance."""
    return tuple(dict.fromkeys(_CITED.findall(text)))


def _without_cause(lines: list[str]) -> tuple[list[str], dict[str, str] | None]:
    """The lines without the last cause line, and what it says; a fence around it goes too."""
    for at in range(len(lines) - 1, -1, -1):
        if match := _CAUSE.match(lines[at]):
            before, after = lines[:at], lines[at + 1 :]
            if before and after and _FENCE.match(before[-1]) and _FENCE.match(after[0]):
                before, after = before[:-1], after[1:]
            return [*before, *after], _cause(match.group(1))
    return lines, None


def _cause(text: str) -> dict[str, str] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    if not isinstance(found, dict) or not str(found.get("service") or "").strip():
        return None
    return {name: str(found.get(name) or "").strip()[:300] for name in ("service", "signal", "since")}


def _split(said: str) -> tuple[str, str]:
    first, _, rest = said.partition("\n\n")
    lines = [line for line in first.splitlines() if line.strip()]
    head, more = "\n".join(lines[:HEAD_LINES]), "\n".join(lines[HEAD_LINES:])
    if len(head) > HEAD_CHARS:
        kept = head[: HEAD_CHARS - 1].rpartition(" ")[0] or head[: HEAD_CHARS - 1]
        head, more = f"{kept} …", f"… {head[len(kept) :].strip()}\n{more}"
    return head, "\n\n".join(part.strip() for part in (more, rest) if part.strip())


def check_claims(parsed: Parsed, evidence: Sequence[Evidence]) -> Claims:
    """Whether each cited id exists, and how sure the evidence makes us of the cause.

    confirmed: the facts name the same service as the cause, as confirmed, with an onset within five minutes of what the
    answer says. likely: they name it as a cause, or it is among what moved or fires. unknown: neither.
    """
    known = {item.id for item in evidence}
    unknown = tuple(id_ for id_ in parsed.cited if id_ not in known)
    confidence, reasons = _confidence(parsed.cause, evidence)
    return Claims(unknown, confidence, reasons)


def _confidence(cause: dict[str, str] | None, evidence: Sequence[Evidence]) -> tuple[Confidence, tuple[str, ...]]:
    if cause is None:
        return "unknown", ()
    service = cause["service"].lower()
    for item, fact in _facts(evidence, "cause", "causes"):
        if str(fact.get("service", "")).lower() != service:
            continue
        if fact.get("confidence") == "confirmed" and _near(cause["since"], str(fact.get("since", ""))):
            return "confirmed", (f"{item.id} names it as the cause, with the same onset", str(fact.get("reason", "")))
        return "likely", (f"{item.id} names it as a cause", str(fact.get("reason", "")))
    for item, fact in _facts(evidence, "movers", "alerts"):
        if str(fact.get("service", "")).lower() == service:
            return "likely", (f"{item.id} shows that it moved or that an alert of it fires",)
    return "unknown", (f"no evidence shows that {cause['service']} moved",)


def _facts(evidence: Sequence[Evidence], *names: str) -> Iterator[tuple[Evidence, dict[str, Any]]]:
    for item in evidence:
        for name in names:
            held = item.facts.get(name)
            for fact in held if isinstance(held, list) else [held]:
                if isinstance(fact, dict):
                    yield item, fact


def _near(one: str, other: str) -> bool:
    """Whether two ISO times are the same onset; one that is not given contradicts nothing."""
    if not one or not other:
        return True
    try:
        apart = datetime.fromisoformat(one) - datetime.fromisoformat(other)
    except (TypeError, ValueError):
        return False
    return abs(apart.total_seconds()) <= SINCE_SECONDS

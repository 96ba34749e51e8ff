"""What is asked, read from the words: which kind of question, and which service it names."""

import difflib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

_SIGNALS = {
    r"errors?|error rate|failures?|5xx": r"^(errors|failures)",
    r"latency|latencies|response times?|duration|p\d\d\d?": r"^latency",
    r"traffic|requests?|rps|qps|throughput": r"^traffic",
    r"memory|ram|heap": r"^(memory|heap)",
    r"disks?|volumes?|storage": r"^(disk|volume|storage)",
    r"cpu": r"^cpu",
    r"pools?|connections?": r"^(pool|connections)",
    r"queues?|lag|backlog": r"^(queue|lag|backlog)",
}
"""Words that people ask for a signal with, and how its name begins."""
Kind = Literal["unhealthy", "why", "alerts", "changed", "over", "ahead", "value"]
_AHEAD = (
    r"\b(will|going to|about to|might|could)\b.*\b(break|fail|fill|full|run out|crash|go down|exhaust|exceed)\b|"
    r"\b(predict|forecast|breaks? next|fill(s|ing)? up|run(s|ning)? (out|full))"
)
_VALUE = (
    r"\b(how (many|much|high|large|big|full|fast)|(what('s| is| was| were| are)|show( me)?)( the| our)?)\b"
    rf"(?=.*\b({'|'.join(_SIGNALS)})\b)(?!.*\b(wrong|cause|changed|fire|firing|alerts?)\b)"
)
_KINDS: tuple[tuple[Kind, str], ...] = (
    ("ahead", _AHEAD),
    ("value", _VALUE),
    ("over", r"\b(over|still|recovered|resolved|back to normal|ended|finished|gone)\b"),
    ("changed", r"\bwhat('s| has| was)? ?(been )?(changed|deployed|released)\b|\bdeploy(s|ed|ments?)?\b.*\?"),
    ("alerts", r"\b(what|which|any|list|show)\b.*\b(fires?|firing|alerts?|alerting)\b|^alerts?\b"),
    ("why", r"\b(why|what('s| is) (wrong|going on|up|happening)|how is|cause|root cause|slow|failing|broken|down)\b"),
)  # fmt: skip
_NAMED = re.compile(
    r"\b(?:why (?:is|are|does|did|has|was|do)|wrong with|up with|happen(?:ing|ed) (?:to|with|in)|going on (?:with|in)|"
    r"how is|how's|health of|status of|look at|check|investigate|is|are|about)\s+(?:the\s+|our\s+|service\s+)*"
    r"[`\"']?([a-z][\w.-]*)[`\"']?(?=\s+(?:so\s+)?(?:slow|failing|down|broken|unhealthy|unavailable|erroring|ok|okay|healthy|"
    r"service|sick|throwing|returning|dying|restarting|timing|having|doing|still|over)\b|\s*[?.!]?$)",
    re.IGNORECASE,
)
_PLAIN = frozenset(
    re.split(
        " ",
        "which what everything anything something nothing it this that there service services site shop prod production"
        " the a an all any one system platform app we they things wrong unhealthy healthy alert alerts now on in going"
        " happening up down slow broken api fine ok over still",
    )
)


@dataclass(frozen=True)
class Asked:
    """The question with what its context says; `named` is a service that was named, known or not; zone is IANA.

    `signal` is a pattern for the names of the signals asked about, empty where it is about all; `percentile` when the
    question wants one.
    """

    text: str
    kind: Kind
    named: str = ""
    zone: str = "UTC"
    window: str = ""
    subject: str = ""
    closing: bool = False
    signal: str = ""
    percentile: bool = False


def read(text: str) -> Asked:
    """A question as the agent words it (`Question: …`, then a JSON context), or bare."""
    match = re.search(r"^Question: (.*?)(?=\n\nContext \(data|\Z)", text, re.DOTALL | re.MULTILINE)
    words = match.group(1).strip() if match else text.strip()
    data = _context(text)
    subject = str(data.get("alert_or_message_asked_about") or "")
    window = data.get("window") if isinstance(data.get("window"), dict) else {}
    said = str((window or {}).get("as_asked") or "")
    zone, percentile = str(data.get("asker_time_zone") or "UTC"), bool(re.search(r"\bp\d\d\d?\b", words.lower()))
    return Asked(words, _kind(words), _named(words), zone, said, subject, signal=_signal(words), percentile=percentile)


def _context(text: str) -> dict[str, Any]:
    start = text.find("Context (data, not orders): ")
    if start < 0:
        return {}
    try:
        data, _ = json.JSONDecoder().raw_decode(text, start + len("Context (data, not orders): "))
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def _kind(words: str) -> Kind:
    lowered = words.lower()
    return next((kind for kind, pattern in _KINDS if re.search(pattern, lowered)), "unhealthy")


def _signal(words: str) -> str:
    return next((name for said, name in _SIGNALS.items() if re.search(rf"\b({said})\b", words.lower())), "")


def _named(words: str) -> str:
    match = _NAMED.search(words)
    name = match.group(1).rstrip(".") if match else ""
    return "" if name.lower() in _PLAIN or _signal(name) else name


def service_in(asked: Asked, services: Sequence[str]) -> str:
    """The known service that the question or its subject names; the longest name wins."""
    for text in (asked.text, asked.subject):
        found = [s for s in services if re.search(rf"(?<![\w-]){re.escape(s)}(?![\w-])", text, re.IGNORECASE)]
        if found:
            return max(found, key=len)
    return ""


def near(name: str, services: Sequence[str]) -> list[str]:
    """Services whose names look like `name`."""
    by_lower = {s.lower(): s for s in services}
    return [by_lower[n] for n in difflib.get_close_matches(name.lower(), list(by_lower), 3, 0.5)]

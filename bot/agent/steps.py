"""What the loop does after a turn or a fault; every reason stands here exactly once."""

from collections.abc import Sequence
from typing import Literal

from bot.agent.route import FALLBACK
from bot.domain.messages import Stop
from bot.domain.outcomes import FaultCause

Next = Literal["finish", "call", "again", "cut", "compact", "next_model"]
AfterFault = Literal["retry", "compact", "next_model"]

NEXT: dict[Stop, Next] = {
    "end": "finish",
    "tools": "call",
    "pause": "again",
    "length": "cut",
    "context": "compact",
    "refusal": "next_model",
}

AFTER_FAULT: dict[FaultCause, AfterFault] = {
    "overloaded": "retry",
    "rate_limited": "retry",
    "timeout": "next_model",
    "cut": "retry",
    "garbage": "next_model",
    "auth": "next_model",
    "spend_limit": "next_model",
    "refused_request": "next_model",
    "too_long": "compact",
    "left_alone": "next_model",
}

SAID: dict[FaultCause, str] = {
    "overloaded": "is overloaded",
    "rate_limited": "is rate-limited",
    "timeout": "did not answer in time",
    "cut": "broke off",
    "garbage": "sent something that is no answer",
    "auth": "refused our key",
    "spend_limit": "has reached its spend limit",
    "refused_request": "refused the request",
    "too_long": "found the question too long",
    "left_alone": "is left alone after failing",
}
REFUSED = "would not answer"
PATIENCE, SHARE, LEAST = 25.0, 5.0, 3.0
"""Seconds that the models of a route may be silent together, so that the playbook answers within half a minute; what a
first model that thinks long leaves of them to each stand-in; what each stand-in has at least, for its first word."""
MOST_WAITED = 20.0
"""Seconds of a failed attempt that count at most: a stream that was long under way was no waiting."""


def shown(name: str) -> str:
    """A model as people call it: without its family."""
    return "the playbook" if name == FALLBACK else name.partition(":")[2] or name


def handed(gone: Sequence[str], to: str) -> str:
    """Who failed and who took over, in half a line; empty where nobody did."""
    return f"{', '.join(dict.fromkeys(gone))}; {shown(to)} took over" if gone else ""

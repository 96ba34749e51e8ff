"""What a refused request or a broken stream means for the loop; decided by tables."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from bot.domain.outcomes import Fault, FaultCause

CODES: dict[str, FaultCause] = {
    "enforced_spend_limit_reached": "spend_limit",
    "contract_spend_limit_reached": "spend_limit",
    "linked_organization_spend_limit_reached": "spend_limit",
    "insufficient_quota": "spend_limit",
    "billing_hard_limit_reached": "spend_limit",
}

WORDS: tuple[tuple[re.Pattern[str], FaultCause], ...] = (
    (
        re.compile(r"prompt is too long|exceeds? (the )?(context|maximum)|context (length|limit|size|window)"),
        "too_long",
    ),
    (re.compile(r"credit balance|spend(ing)? limit"), "spend_limit"),
)

STATUSES: dict[int, FaultCause] = {
    401: "auth",
    402: "spend_limit",
    403: "auth",
    408: "timeout",
    409: "overloaded",
    413: "too_long",
    429: "rate_limited",
    504: "timeout",
    529: "overloaded",
}

TYPES: dict[str, FaultCause] = {
    "overloaded_error": "overloaded",
    "api_error": "overloaded",
    "rate_limit_error": "rate_limited",
    "timeout_error": "timeout",
    "authentication_error": "auth",
    "permission_error": "auth",
    "billing_error": "spend_limit",
    "request_too_large": "too_long",
    "exceed_context_size_error": "too_long",
}

_BOUND = re.compile(r"signature|thinking`? block|redacted_thinking")


def refused(status: int, kind: str, code: str, message: str) -> Fault:
    """The fault of an error reply; `kind` is its error type. An error inside a stream has status 200."""
    detail = f"HTTP {status} {kind}: {' '.join(message.split())[:300]}".replace(" :", ":")
    return Fault(_cause(status, kind, code, message), detail)


def _cause(status: int, kind: str, code: str, message: str) -> FaultCause:
    if code in CODES:
        return CODES[code]
    if status in (200, 400, 429):
        for words, cause in WORDS:
            if words.search(message.lower()):
                return cause
    return STATUSES.get(status) or TYPES.get(kind) or ("overloaded" if status >= 500 else "refused_request")


def about_thinking(status: int, message: str) -> bool:
    """Whether a request was refused because reasoning that it gave back no longer fits what stands before it."""
    return status == 400 and bool(_BOUND.search(message.lower()))


def retry_after(headers: Mapping[str, str], cap: float) -> float:
    """Seconds to wait as the server asks, at most `cap`; 0 when it does not say."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        if seconds := _seconds(headers.get(name, "")) * unit:
            return min(seconds, cap)
    return 0.0


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = _until(text)
    return seconds if math.isfinite(seconds) and seconds > 0 else 0.0


def _until(text: str) -> float:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - datetime.now(UTC)).total_seconds()

"""Secrets masked, before a text is cut, stored, logged or shown to a model.

Every rule is a linear-time pattern, so that no line of a log can stall the bot; one pass over the text says which
rules have anything to do at all. A mask keeps the kind: `[masked: aws key]`.
"""

import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

import re2

from bot.check.named import PLACES, Reader, Span, first
from bot.check.shapes import SHAPES

_MIN_LENGTH = 6  # of a text that could hold a secret, and of a configured one that is looked for verbatim
_MEMORY = 64 << 20  # bytes an automaton may take; it is built lazily and rarely comes near


def _rules() -> tuple[tuple[bytes, Reader], ...]:
    shaped = ((b"(" + b"|".join(shapes) + b")", first(kind)) for kind, shapes in SHAPES.items())
    return (*shaped, *PLACES)


def _options() -> "re2.Options":
    options = re2.Options()
    options.max_mem = _MEMORY
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    return options


_RULES = tuple((re2.compile(pattern, _options()), read) for pattern, read in _rules())


def _sieve() -> "re2.Set":
    sieve = re2.Set.SearchSet(_options())
    for pattern, _ in _rules():
        sieve.Add(pattern)
    sieve.Compile()
    return sieve


_SIEVE = _sieve()


def redact(text: str) -> str:
    """`text` with every secret replaced by its kind; the same object when there is none."""
    if len(text) < _MIN_LENGTH:
        return text
    data = text.encode("utf-8", "surrogatepass")
    spans = sorted(_spans(data))
    return _masked(data, spans).decode("utf-8", "surrogatepass") if spans else text


def _spans(data: bytes) -> Iterator[Span]:
    for index in _SIEVE.Match(data) or ():
        pattern, read = _RULES[index]
        at = 0
        while (match := pattern.search(data, at)) is not None:
            found = tuple(read(match, data))
            yield from found
            at = max((match.end(), *(end for _, end, _ in found)))


def _masked(data: bytes, spans: list[Span]) -> bytes:
    parts, done = [], 0
    for start, end, kind in spans:
        if start < done:
            done = max(done, end)
            continue
        parts += [data[done:start], f"[masked: {kind}]".encode()]
        done = end
    return b"".join([*parts, data[done:]])


class Redactor:
    """`redact`, and beyond it the configured secrets themselves, wherever and however they stand."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = {form for secret in secrets if len(secret) >= _MIN_LENGTH for form in (secret, quote(secret, safe=""))}
        longest_first = sorted(known, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if known else None

    def __call__(self, text: str) -> str:
        """`text` without secrets."""
        return redact(self._known.sub("[masked: configured secret]", text) if self._known else text)

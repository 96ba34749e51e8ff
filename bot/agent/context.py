"""Fit a transcript into a model's window: old results shrink to one line, their evidence ids stay."""

from collections.abc import Sequence
from dataclasses import replace

from bot.domain.messages import Message, ToolResult

CHARS_PER_TOKEN = 3.2
_FILL = 0.6


def tokens(messages: Sequence[Message]) -> int:
    """A careful estimate; real tokenisers differ by a third either way."""
    chars = sum(
        len(m.text)
        + sum(len(r.text) + 60 for r in m.results)
        + sum(len(str(c.arguments)) + 60 for c in m.calls)
        + sum(len(t.text) + len(t.signature) for t in m.thinking)
        for m in messages
    )
    return int(chars / CHARS_PER_TOKEN)


def fit(messages: Sequence[Message], window: int, keep: int = 4) -> tuple[Message, ...]:
    """The same transcript in at most 60 % of `window` tokens: the oldest results are condensed first.

    The first message (the question) and the last `keep` are left whole as long as that suffices.
    """
    fitted = list(messages)
    limit = int(window * _FILL)
    for index in range(len(fitted)):
        if tokens(fitted) <= limit:
            break
        if index < len(fitted) - keep:
            fitted[index] = _condensed(fitted[index], 200)
    for size in (2_000, 400):
        if tokens(fitted) > limit:
            fitted = [_condensed(message, size) for message in fitted]
    return tuple(fitted)


def _condensed(message: Message, size: int) -> Message:
    return replace(
        message,
        results=tuple(_short(result, size) for result in message.results),
        text=message.text if len(message.text) <= size * 10 else message.text[: size * 10] + " … (shortened)",
    )


def _short(result: ToolResult, size: int) -> ToolResult:
    if len(result.text) <= size:
        return result
    return replace(result, text=f"[{result.evidence_id}] {result.text[:size]} … (shortened; ask again for more)")

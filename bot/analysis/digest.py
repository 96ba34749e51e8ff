"""Any log in at most so many tokens: every new and every error-class group, each with the lines it stands on."""

import math
from collections.abc import Sequence
from dataclasses import replace

from bot.domain.logs import ERROR, WARN, Digest, LogPatterns, Novelty, Template

_WIDTHS = (240, 160, 110, 80, 60, 44, 32)
"""Characters of a template's text, tried in turn until the groups that must be shown fit."""
_SEVERAL = 8
_BYTES_A_TOKEN = 3
"""Log text takes a token for three to four bytes in common tokenizers; three is on the safe side."""


def tokens_in(text: str) -> int:
    """An upper estimate of the tokens of a text."""
    return math.ceil(len(text.encode("utf-8", "replace")) / _BYTES_A_TOKEN)


def digest(patterns: LogPatterns, novelties: Sequence[Novelty] = (), *, budget: int = 2_000) -> Digest:
    """The log in at most `budget` tokens (at least 100); what does not fit is counted in an "n more" line."""
    budget = max(100, budget)
    marks = {n.template.id: n for n in novelties}
    must, rest = _ranked(patterns.templates, marks)
    new = sum(1 for n in novelties if n.kind == "new")
    bad = sum(1 for t in patterns.templates if t.severity >= ERROR)
    sizes = f"{patterns.lines:,} lines, {patterns.entries:,} entries, {len(patterns.templates):,} templates"
    head = [f"{sizes}; {new:,} new, {bad:,} of error class. L = line id."]
    start = _shared_start([t.text for t in patterns.templates])
    if start:
        head.append(f"Shared start left out (…): {start[:200]}")
    if patterns.dropped:
        head.append(f"{patterns.dropped:,} bytes of over-long lines left out.")
    shown = [replace(t, text=_without(t.text, start)) for t in (*must, *rest)]
    return _fitted(head, shown[: len(must)], shown[len(must) :], marks, budget)


def _shared_start(texts: Sequence[str]) -> str:
    """The longest start, in whole words, that more than half of the texts share; empty for a few texts."""
    words = sorted(text.split(" ") for text in texts)
    if len(words) < _SEVERAL:
        return ""
    middle = words[len(words) // 2]
    length = 0
    while length < len(middle) and 2 * sum(w[: length + 1] == middle[: length + 1] for w in words) > len(words):
        length += 1
    return " ".join(middle[:length]) + " " if length > 1 else ""


def _without(text: str, start: str) -> str:
    """The text with the shared start left out, and a sign that it was."""
    return f"…{text[len(start) :]}" if start and text.startswith(start) and len(text) > len(start) else text


def _ranked(templates: Sequence[Template], marks: dict[int, Novelty]) -> tuple[list[Template], list[Template]]:
    """The templates that must be shown, the most telling first, and the others."""

    def order(t: Template) -> tuple[float, int, float, int]:
        mark = marks.get(t.id)
        return (-(mark.score if mark else 0.0), -t.severity if t.severity >= WARN else 0, -t.count, t.id)

    ranked = sorted(templates, key=order)
    needed = {t.id for t in templates if t.severity >= ERROR or (t.id in marks and marks[t.id].kind == "new")}
    return [t for t in ranked if t.id in needed], [t for t in ranked if t.id not in needed]


def _fitted(
    head: list[str], must: Sequence[Template], rest: Sequence[Template], marks: dict[int, Novelty], budget: int
) -> Digest:
    reserve = tokens_in("\n… 000,000,000 more groups (000,000 of them new or of error class)\n")
    room = budget - tokens_in("\n".join(head)) - reserve
    width = next((w for w in _WIDTHS if sum(_cost(t, marks, w) for t in must) <= room), _WIDTHS[-1])
    lines, cited, shown = list(head), list[int](), 0
    kept_must = 0
    for i, template in enumerate((*must, *rest)):
        cost = _cost(template, marks, width)
        if cost > room:
            if i < len(must):
                continue
            break
        room -= cost
        shown += 1
        kept_must += i < len(must)
        lines.append(_line(template, marks.get(template.id), width))
        cited += template.examples if width >= _WIDTHS[2] else template.examples[:1]
    left, hidden = len(must) + len(rest) - shown, len(must) - kept_must
    if left:
        lines.append(f"… {left:,} more groups ({hidden:,} of them new or of error class)")
    text = "\n".join(lines)
    return Digest(text, tokens_in(text), tuple(sorted(set(cited))), shown, left)


def _cost(template: Template, marks: dict[int, Novelty], width: int) -> int:
    return tokens_in(_line(template, marks.get(template.id), width) + "\n")


def _line(template: Template, mark: Novelty | None, width: int) -> str:
    """One group: what is special about it, how often, its level, its text, and the lines it stands on."""
    parts = [f"×{template.count:,}"]
    if mark:
        parts.insert(
            0, "NEW" if mark.kind == "new" else f"{mark.kind} (expected {mark.expected:,.0f}, now {mark.count:,})"
        )
    if template.level:
        parts.append(template.level)
    parts.append(template.text if len(template.text) <= width else template.text[: width - 1] + "…")
    cause = _cause(template.trace)
    if cause and width >= _WIDTHS[2]:
        parts.append(f"| {cause[:width]}")
    ids = ",".join(f"L{i}" for i in (template.examples if width >= _WIDTHS[2] else template.examples[:1]))
    return f"{' '.join(parts)} [{ids}]"


def _cause(trace: str) -> str:
    """The innermost cause that a stack trace names."""
    named = [
        line.strip() for line in trace.split("\n") if "Caused by:" in line or "Error" in line or "Exception" in line
    ]
    return named[-1] if named else ""

"""Every number of an answer is looked for in the evidence; what is not there is marked, where people see it.

A figure is backed when the evidence holds a value that rounds to it at the precision shown, in any unit of the same
kind (ms and s, MiB and bytes, percent and ratio, per second and per minute); as a difference, a change in percent or a
factor between a fact's before and now; as the length of a list or the number of its rows alike; as a time of day in
UTC or the asker's zone; as the length between two times. Evidence ids, names with digits in them, dates, ordinals,
list numbers and code are no figures; a version must stand in the evidence literally.
"""

import re
from collections.abc import Iterator, Sequence

from bot.check.figures import Figure, figures
from bot.check.known import Known
from bot.domain.answers import Numbers
from bot.domain.evidence import Evidence

UNBACKED = " (unverified)"
_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
_COMMAND = re.compile(r"[({\[/]|\s-|^\w+ \w")


def check_numbers(text: str, evidence: Sequence[Evidence], zone: str = "UTC", told: Sequence[str] = ()) -> Numbers:
    """How many figures the text holds and which are not in the evidence; `zone` is the asker's, an IANA name.

    `told` are texts of ours that it may quote, such as why a source could not be used.
    """
    found = tuple(_figures(text))
    if not found:
        return Numbers()
    known = Known(evidence, zone, told)
    known.add_lengths(f.values[0] for f in found if f.kind == "clock" and known.holds(f))
    unbacked = tuple(figure.shown for figure in found if not known.holds(figure))
    return Numbers(len(found), len(found) - len(unbacked), tuple(dict.fromkeys(unbacked)))


def mark(text: str, numbers: Numbers) -> str:
    """The text with `(unverified)` behind each figure that is not backed; marking twice changes nothing."""
    parts, done = [], 0
    for figure in _figures(text):
        if figure.shown in numbers.unbacked and not text.startswith(UNBACKED, figure.end):
            parts += [text[done : figure.end], UNBACKED]
            done = figure.end
    return "".join([*parts, text[done:]])


def _figures(text: str) -> Iterator[Figure]:
    """The figures outside queries and commands; a value alone in code marks is one."""
    code = [match.span() for match in _CODE.finditer(text) if _COMMAND.search(match.group().strip("`"))]
    at = 0
    for figure in figures(text):
        while at < len(code) and code[at][1] <= figure.start:
            at += 1
        if at == len(code) or figure.end <= code[at][0]:
            yield figure

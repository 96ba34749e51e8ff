"""Where a log line's header ends, told from the lines of one shape together, not from known formats."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_TOKEN = re.compile(r"\||[^\s|]+")
_CLOCK = re.compile(r"\d\d[:.]\d\d[:.]\d\d|\b\d{1,2}:\d{1,2}:\d{1,2}\b|\b\d\d:\d\d\b")
_DATE = re.compile(r"\d{2,4}[-/.]\d{1,2}[-/.]\d{1,4}(?!\.\d)|^\W?\d\d\.\d\d$")
_EPOCH = re.compile(r"^\W?1\d{9}(\d{3}|\d{6}|\d{9})?([.,]\d+)?\W?$")
_MONTH = re.compile(
    r"^\W?(Jan(uary)?|Feb(ruary)?|Mar(ch)?|Apr(il)?|May|June?|July?|Aug(ust)?|Sept?(ember)?|Oct(ober)?|Nov(ember)?|"
    r"Dec(ember)?|Mon(day)?|Tue(sday)?|Wed(nesday)?|Thu(rsday)?|Fri(day)?|Sat(urday)?|Sun(day)?|"
    r"JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)\W?$"
)
_STAMP = re.compile(r"^\W*\d(\d|\W|[TZ_]|(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec))*$")
_ADDRESS = re.compile(r"\d{1,3}(\.\d{1,3}){3}(?![.\d])")
_NUMBER = re.compile(r"^\W*\d+\W*$")
_PUNCT = re.compile(r"^\W+$")
_COLON = re.compile(r"^[A-Za-z_][^=\"']*:$")
_EXCEPTION = re.compile(r"[a-z](Error|Exception):?$")
_LEVEL_FIRST = re.compile(r"[\[(<]?([A-Z]{3,11})(?:[\])>]+:?|:)(?:[\w.$-]+:)?\s*")
_KLOG = re.compile(r"^[IWEF]\d{4}$")
_ZONES = frozenset({
    "UTC", "GMT", "CET", "CEST", "EST", "EDT", "CST", "CDT", "MST", "MDT", "PST", "PDT", "JST", "IST", "BST",
})  # fmt: skip
_DIGITS = re.compile(r"\d+")
_LEVELS = {
    "TRACE": "TRACE", "VERBOSE": "TRACE", "V": "TRACE", "FINE": "DEBUG", "FINER": "TRACE", "FINEST": "TRACE",
    "DEBUG": "DEBUG", "D": "DEBUG", "INFO": "INFO", "I": "INFO", "INFORMATION": "INFO", "NOTICE": "NOTICE",
    "WARN": "WARN", "WARNING": "WARN", "W": "WARN", "ERROR": "ERROR", "ERR": "ERROR", "E": "ERROR",
    "SEVERE": "ERROR", "FAILURE": "ERROR", "FATAL": "FATAL", "F": "FATAL", "CRITICAL": "FATAL", "CRIT": "FATAL",
    "ALERT": "FATAL", "EMERG": "FATAL", "PANIC": "FATAL",
}  # fmt: skip
_REACH = 14
_ENOUGH, _OFTEN = 0.8, 0.6
"""Shares of the lines of one shape that must have a header field for it to be taken off."""


@dataclass(frozen=True)
class Parsed:
    """A line taken apart: where its content begins (characters), its level ("" if none) and its time as written."""

    start: int
    level: str
    time: str


def level_of(token: str) -> str:
    """The level a token names (`[error]`, `INFO:`, `W`), or the empty string."""
    if _KLOG.match(token):
        return _LEVELS[token[0]]
    bare = token.strip("[]()<>:,;|*-\"'")
    if len(bare) == 1 and not bare.isupper():
        return ""
    return _LEVELS.get(bare.upper(), "") if len(bare) < 12 else ""


def _timelike(tokens: Sequence[str], i: int) -> str:
    token = tokens[i]
    if _EPOCH.match(token) or (i and token in _ZONES and _timelike(tokens, i - 1)):
        return "E"
    if any(map(str.isdigit, token)):
        if (
            len(token) < 40
            and _STAMP.match(token)
            and (_CLOCK.search(token) or _DATE.search(token))
            and not _ADDRESS.search(token)
        ):
            return _DIGITS.sub("0", token)
        if (
            len(token) == 6
            and i < 2
            and token.isdigit()
            and len(tokens) > 1
            and tokens[1 - i].isdigit()
            and len(tokens[1 - i]) == 6
        ):
            return "S"
        before = tokens[i - 1] if i else ""
        if (
            _NUMBER.match(token)
            and len(token.strip("[],")) in {1, 2, 4}
            and (_MONTH.match(before) or _CLOCK.search(before))
        ):
            return "0"
    elif _MONTH.match(token):
        return "M"
    return ""


def _shape(tokens: Sequence[str]) -> tuple[tuple[str, ...], int]:
    """The classes of the tokens up to the last time-like one of the header, and how many tokens that is."""
    kinds: list[str] = []
    end = 0
    for i in range(min(len(tokens), 9)):
        kind = _timelike(tokens, i)
        if i - end >= (5 if not end else 2) and not kind:
            break
        kinds.append(kind or "w")
        if kind:
            end = i + 1
    if end and not any(k not in {"M", "0", "w"} for k in kinds[:end]):
        end = 0
    return tuple("w" if k == "w" else k for k in kinds[:end]), end


def _tokens(line: str) -> tuple[list[str], list[int]]:
    found = list(_TOKEN.finditer(line, 0, 400))[:_REACH]
    return [m.group() for m in found], [m.end() for m in found]


def _balanced(tokens: Sequence[str], i: int) -> int:
    """The token after the bracket that opens at token i."""
    depth = 0
    for j in range(i, len(tokens)):
        depth += tokens[j].count("[") - tokens[j].count("]")
        if depth <= 0:
            return j + 1
    return i


def _step(rows: Sequence[tuple[list[str], int]]) -> str:
    """Which rule moves most of the rows on by one header field; rows are (tokens, place reached)."""
    here = [t[i] if i < len(t) else "" for t, i in rows]
    after = [t[i + 1] if i + 1 < len(t) else "" for t, i in rows]

    def share(found: Iterable[object]) -> float:
        return sum(map(bool, found)) / len(rows)

    rules = (
        ("punct", share(map(_PUNCT.match, here)), _ENOUGH),
        ("dash", share("-" in t[i + 1 : i + 4] for t, i in rows), 0.9),
        ("bracket", share(t.startswith("[") for t in here), _ENOUGH),
        ("name", share(t.endswith("]") and "[" not in t for t in here), _ENOUGH),
        ("number", share(map(_NUMBER.match, here)), 0.95),
        ("colon", share(map(_COLON.match, here)), _OFTEN),
        ("name", share(map(_COLON.match, after)), _OFTEN),
        ("name", share(map(_PUNCT.match, after)), _ENOUGH),
        ("name", share(t.startswith("[") and "." in h for h, t in zip(here, after, strict=True)), _ENOUGH),
    )
    return next((rule for rule, held, need in rules if held >= need), "")


def _walk(rows: list[tuple[list[str], int]]) -> list[int]:
    """How many tokens of each row are header, the rows being of one shape; (tokens, tokens up to the time) in."""
    ends = [e for _, e in rows]
    best, place = 0.0, -1
    for p in range(5):
        share = sum(1 for t, e in rows if e + p < len(t) and level_of(t[e + p])) / len(rows)
        if share > max(best, _ENOUGH - 0.001):
            best, place = share, p
    ends = [min(e + place + 1, len(t)) for (t, _), e in zip(rows, ends, strict=True)]
    for _ in range(4):
        current = [(t, e) for (t, _), e in zip(rows, ends, strict=True)]
        rule = _step(current)
        if not rule:
            break
        ends = [_advance(rule, t, e) for t, e in current]
        if rule == "colon":
            break
    return ends


def _advance(rule: str, tokens: list[str], end: int) -> int:
    """The place after the field that the rule takes off, or `end` where this line has no such field."""
    token = tokens[end] if end < len(tokens) else ""
    if rule == "name":
        return min(end + 1, len(tokens))
    if rule == "dash":
        return tokens.index("-", end, end + 4) + 1 if "-" in tokens[end : end + 4] else end
    if rule == "bracket":
        return _balanced(tokens, end) if token.startswith("[") else end
    pattern = {"punct": _PUNCT, "number": _NUMBER, "colon": _COLON}[rule]
    return end + 1 if pattern.match(token) and token not in {"[]", "()"} else end


def parse(lines: Sequence[str]) -> list[Parsed]:
    """Each line's header taken off; lines of one shape are judged together."""
    taken = [_tokens(line) for line in lines]
    shapes = [_shape(tokens) for tokens, _ in taken]
    members: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for i, (shape, end) in enumerate(shapes):
        if end:
            members[shape].append(i)
    out = [_untimed(line, tokens) for line, (tokens, _) in zip(lines, taken, strict=True)]
    for rows in members.values():
        ends = _walk([(taken[i][0], shapes[i][1]) for i in rows])
        for i, reached in zip(rows, ends, strict=True):
            tokens, stops = taken[i]
            end = reached if reached < len(tokens) else shapes[i][1]  # a header alone says nothing: it is content, too
            level = next(
                (v for v in map(level_of, [*tokens[shapes[i][1] : end], *tokens[:1]]) if v), ""
            ) or _free_level(tokens[end:])
            time = lines[i][: stops[shapes[i][1] - 1]]
            out[i] = Parsed(stops[end - 1], level, time)
    return out


def _untimed(line: str, tokens: Sequence[str]) -> Parsed:
    """A line without a time: its header is a level set off by signs, and a logger after it, or nothing."""
    found = _LEVEL_FIRST.match(line)
    if found and (level := level_of(found[1])):
        return Parsed(found.end(), level, "")
    return Parsed(0, _free_level(tokens), "")


def _free_level(tokens: Sequence[str]) -> str:
    """The level of a line that names none in its header: an upper-case word near its start, or an exception's name."""
    if tokens and _EXCEPTION.search(tokens[0]):
        return "ERROR"
    return next((v for t in tokens[:6] if len(t) > 2 and t.isupper() and (v := level_of(t))), "")

"""Contents of lines as tokens, those that are variable by their characters replaced."""

import re
from collections.abc import Sequence
from itertools import islice

WILD = "<*>"
_PAIRS = re.compile(r"(?:[0-9A-Fa-f]{2}:){3,}[0-9A-Fa-f]{2}")
_ADDRESS = re.compile(r"(?<![\w:])(?=[A-Fa-f:]*\d)(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{1,4}(?![\w:])")
_DOTS = re.compile(r"\.{3,}")
_DOTTED = re.compile(r"\w\.[\w$-]+\.\w")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_CALENDAR = frozenset((*_DAYS, *_MONTHS))
_PIECE = re.compile(r"[^\s=:,;()\[\]{}<>\"'|@]+|[=:,;()\[\]{}<>\"'|@]")
PUNCT = frozenset("=:,;()[]{}<>\"'|@")
_UNITS = frozenset(("B", "KB", "MB", "GB", "TB", "ms", "us", "ns", "sec", "secs", "KiB", "MiB", "GiB", "kB", "s"))
_OPEN = {"(": ")", "[": "]", "{": "}", "<": ">", '"': '"', "'": "'"}
QUOTES = frozenset("\"'")
_STATES = frozenset(("on", "off", "true", "false", "yes", "no", "enabled", "disabled"))
_UNREAD = "\ufffd"
"""What stands for bytes that are no UTF-8."""
Tokens = tuple[str, ...]


def _word(piece: str) -> str:
    if not piece.isascii() and piece.count(_UNREAD) * 3 > len(piece):
        return WILD  # bytes, not text
    if any(map(str.isdigit, piece)) or piece.count("/") > 1 or (piece[0] == "/" and len(piece) > 1):
        return WILD
    if piece in _CALENDAR or _DOTTED.search(piece):
        return WILD
    return piece.rstrip(".") or piece


def tokens_of(content: str, most: int = 1_000) -> Tokens:
    """The content's tokens, what is variable by its characters replaced and runs of variables made one.

    Only the first `most` tokens are looked at.
    """
    out: list[str] = []
    stated = False
    found = _PIECE.finditer(_DOTS.sub(" ... ", _ADDRESS.sub("0", _PAIRS.sub("0", content))))
    pieces = [match.group() for match in islice(found, most)]
    for n, piece in enumerate(pieces):
        token = piece if piece in PUNCT else _word(piece)
        stated = piece in _STATES and (stated or (n + 1 < len(pieces) and pieces[n + 1] in _STATES))
        masked = not piece.strip("*") and len(piece) > 1 and bool(out) and (out[-1] in "([" or out[-1] == WILD)
        if stated or masked:
            token = WILD
        if token in _UNITS and out and out[-1] == WILD:
            continue
        if token == WILD and out and out[-1] == "<" and pieces[n + 1 : n + 2] != [">"]:
            out.pop()
        out.append(token)
    return squeeze(out)


def squeeze(tokens: Sequence[str]) -> Tokens:
    """Variables beside each other, or with only punctuation between, become one; empty and variable brackets go."""
    out: list[str] = []
    for token in tokens:
        out.append(token)
        _shrink(out)
    return tuple(out)


def _shrink(out: list[str]) -> None:
    while len(out) > 1:
        last = out[-1]
        if last == WILD and out[-2] == WILD:
            out.pop()
        elif last == WILD and len(out) > 2 and out[-3] == WILD and out[-2] in ",:;@|":
            del out[-2:]
        elif len(out) > 2 and out[-2] == WILD and _OPEN.get(out[-3]) == last:
            out[-3:] = [WILD] if last in "\"'>" else []
            if not out:
                out.append(WILD)
                return
        elif last in ")]}" and _OPEN.get(out[-2]) == last and len(out) > 2:
            del out[-2:]
        elif len(out) > 3 and WILD in (last, out[-3]) and out[-2] == "@" and PUNCT.isdisjoint((last, out[-3])):
            out[-3:] = [WILD]
        elif last in ")]}" and (at := _listed(out)) > 0:
            del out[at:]
        else:
            return


def _listed(out: Sequence[str]) -> int:
    """Where the bracket opens that the last token closes, when it holds single words between commas; else 0."""
    opening = next(sign for sign, closing in _OPEN.items() if closing == out[-1])
    at = len(out) - 2
    while at > 1 and out[at] not in PUNCT and out[at - 1] == ",":
        at -= 2
    return at - 1 if at < len(out) - 2 and at > 1 and out[at] not in PUNCT and out[at - 1] == opening else 0

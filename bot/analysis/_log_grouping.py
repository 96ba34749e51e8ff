"""Contents of lines to groups: tokens, variable tokens by their characters, then by how many values a place has."""

import re
from collections import defaultdict
from collections.abc import Sequence
from itertools import islice

WILD = "<*>"
_PAIRS = re.compile(r"(?:[0-9A-Fa-f]{2}:){3,}[0-9A-Fa-f]{2}")
_DOTS = re.compile(r"\.{3,}")
_DOTTED = re.compile(r"\w\.[\w$-]+\.\w")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_CALENDAR = frozenset((*_DAYS, *_MONTHS))
_PIECE = re.compile(r"[^\s=:,;()\[\]{}<>\"'|@]+|[=:,;()\[\]{}<>\"'|@]")
_PUNCT = frozenset("=:,;()[]{}<>\"'|@")
_UNITS = frozenset(("B", "KB", "MB", "GB", "TB", "ms", "us", "ns", "sec", "secs", "KiB", "MiB", "GiB", "kB", "s"))
_OPEN = {"(": ")", "[": "]", "{": "}", "<": ">", '"': '"', "'": "'"}
_NAMING = frozenset(("user", "host", "file", "name", '"', "'"))
_UNREAD = "\ufffd"
"""What stands for bytes that are no UTF-8."""
_MANY, _MANY_FIRST = 5, 20
"""Distinct words at one place (at the first place) that make it variable whatever they look like."""
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
    found = _PIECE.finditer(_DOTS.sub(" ... ", _PAIRS.sub("0", content)))
    pieces = [match.group() for match in islice(found, most)]
    for n, piece in enumerate(pieces):
        token = piece if piece in _PUNCT else _word(piece)
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
        else:
            return


def _odd(value: str) -> bool:
    """Whether a value looks like a name rather than a word of a sentence."""
    return (any(c in value for c in "._/-$\\#%") and not value.isupper()) or (
        value[1:] != value[1:].lower() and not value.isupper()
    )


def _enough(values: Sequence[str], before: str, after: str, first: bool) -> bool:
    """Whether so many values at one place mean that the place is variable."""
    n = len(values)
    if n >= (_MANY_FIRST if first else _MANY):
        return True
    if after in {":", "(", "="}:
        return False
    if WILD in values:
        return n >= 2
    if first:
        return False
    odd = sum(map(_odd, values))
    if odd == n or before in _NAMING:
        return n >= 2
    return n >= 4 and odd * 2 >= n


def group(contents: Sequence[Tokens], rounds: int = 6) -> list[Tokens]:
    """Each content's template; contents that differ at variable places only get the same one."""
    current = {tokens: tokens for tokens in contents}
    for _ in range(rounds):
        forms = sorted(set(current.values()))
        changed = _merge(forms)
        if not changed:
            break
        current = {k: changed.get(v, v) for k, v in current.items()}
    return [current[t] for t in contents]


def _merge(forms: Sequence[Tokens]) -> dict[Tokens, Tokens]:
    """One round: every place where forms that are otherwise equal have many values becomes variable."""
    marks: defaultdict[int, set[int]] = defaultdict(set)
    lengths: defaultdict[int, list[int]] = defaultdict(list)
    for n, form in enumerate(forms):
        lengths[len(form)].append(n)
    for length, same in lengths.items():
        for i in range(length):
            for rows in _alike(forms, same, i):
                if _varies(forms, rows, i):
                    for r in rows:
                        marks[r].add(i)
    known = set(forms)
    out = {f: shorter for f in forms if (shorter := _shortened(f, known))}
    out.update({forms[n]: squeeze([WILD if i in at else t for i, t in enumerate(forms[n])]) for n, at in marks.items()})
    return out


def _alike(forms: Sequence[Tokens], same: Sequence[int], i: int) -> list[list[int]]:
    """Those of one length that are equal but for the word at place i, two and more together."""
    buckets: dict[Tokens, list[int]] = {}
    for n in same:
        form = forms[n]
        if form[i] not in _PUNCT:
            buckets.setdefault(form[:i] + form[i + 1 :], []).append(n)
    return [rows for rows in buckets.values() if len(rows) > 1]


def _varies(forms: Sequence[Tokens], rows: Sequence[int], i: int) -> bool:
    """Whether place i, at which these forms differ and nowhere else, is variable."""
    form = forms[rows[0]]
    if not _anchored(form, i, len(form)):
        return False
    before = form[i - 1] if i else ""
    after = form[i + 1] if i + 1 < len(form) else ""
    return _enough([forms[r][i] for r in rows], before, after, i == 0)


def _shortened(form: Tokens, known: set[Tokens]) -> Tokens:
    """The known form that this one becomes when one `word:variable` or `(word)` in it is taken for a variable."""
    for i in range(len(form) - 2):
        one, two, three = form[i : i + 3]
        shorter: Tokens = ()
        if two == ":" and three == WILD and one not in _PUNCT:
            shorter = squeeze((*form[:i], WILD, *form[i + 3 :]))
        elif one == "(" and three == ")" and i:
            shorter = squeeze(form[:i] + form[i + 3 :])
        if shorter in known and _anchored(shorter, -1, len(shorter)):
            return shorter
    return ()


def _anchored(form: Tokens, i: int, length: int) -> bool:
    """Whether enough words besides place i hold the form together."""
    words = sum(1 for j in range(length) if j != i and form[j] != WILD and form[j] not in _PUNCT)
    return words >= 2

"""Tokens of lines to groups: what differs at variable places only is the same kind of entry."""

from collections import defaultdict
from collections.abc import Sequence

from bot.analysis._log_scatter import quoted, scattered
from bot.analysis._log_tokens import PUNCT, QUOTES, WILD, Tokens, squeeze

_NAMING = frozenset(("user", "host", "file", "name"))
_SINGLE = frozenset((("(", ")"), ("[", "]")))
_FEW, _MANY, _MANY_FIRST = 3, 5, 20
"""Distinct words at one place (at the first place) that make it variable whatever they look like."""


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
    odd = sum(map(_odd, values))
    if after in {":", "(", "="}:
        return first and after == ":" and n >= _FEW and all("." in value for value in values)
    if WILD in values:
        return n >= 2
    if first:
        return False
    if odd == n or before in _NAMING or (before in QUOTES and after == before):
        return n >= 2
    return n >= 4 and odd * 2 >= n


def group(contents: Sequence[Tokens], rounds: int = 10) -> list[Tokens]:
    """Each content's template; contents that differ at variable places only get the same one."""
    current = {tokens: tokens for tokens in contents}
    for _ in range(rounds):
        forms = sorted(set(current.values()))
        changed = _merge(forms) or scattered(forms) or quoted(forms)
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
        if form[i] not in PUNCT:
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
        if two == ":" and three == WILD and one not in PUNCT:
            shorter = squeeze((*form[:i], WILD, *form[i + 3 :]))
        elif (one, three) in _SINGLE and i:
            shorter = squeeze(form[:i] + form[i + 3 :])
        if shorter in known and _anchored(shorter, -1, len(shorter)):
            return shorter
    return ()


def _anchored(form: Tokens, i: int, length: int) -> bool:
    """Whether enough words besides place i hold the form together."""
    words = sum(1 for j in range(length) if j != i and form[j] != WILD and form[j] not in PUNCT)
    return words >= 2

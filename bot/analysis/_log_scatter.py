"""Forms that differ at several places at once: names that never come twice, texts in quotes."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from bot.analysis._log_tokens import PUNCT, QUOTES, WILD, Tokens, squeeze

_FEWEST = 5  # forms that must differ
_DISTINCT = 0.6  # share of them that have a word of their own at a place
_FEW_KINDS, _KINDS = 4, 0.1  # words at one place, or their share of the forms, that tell kinds of entries apart
_DEEPEST = 6  # times that kinds are told apart within kinds: each looks at all their words


def scattered(forms: Sequence[Tokens]) -> dict[Tokens, Tokens]:
    """Those of one build that have a word of their own at some places, and mostly the same elsewhere, become one.

    Words in capitals name states, which tell kinds apart.
    """
    buckets: defaultdict[Tokens, list[Tokens]] = defaultdict(list)
    for form in forms:
        build = tuple(token if token in PUNCT or token == WILD else "" for token in form)
        buckets[(*build, next((token for token in form if token not in PUNCT and token != WILD), ""))].append(form)
    out: dict[Tokens, Tokens] = {}
    for bucket in buckets.values():
        for rows in _kinds(bucket):
            out.update(_loosened(rows))
    return out


def _kinds(rows: list[Tokens], depth: int = 0) -> Iterator[list[Tokens]]:
    """The rows apart by the place with the fewest different words, as long as that tells kinds apart."""
    if len(rows) < _FEWEST:
        return
    counts = [(len({row[i] for row in rows}), i) for i in range(len(rows[0]))]
    fewest, at = min((one for one in counts if one[0] > 1), default=(0, 0))
    apart_here = 1 < fewest <= max(_FEW_KINDS, _KINDS * len(rows)) and fewest * 2 <= len(rows)
    if not apart_here or depth == _DEEPEST:
        yield rows
        return
    apart: defaultdict[str, list[Tokens]] = defaultdict(list)
    for row in rows:
        apart[row[at]].append(row)
    for some in apart.values():
        yield from _kinds(some, depth + 1)


def _loosened(rows: list[Tokens]) -> dict[Tokens, Tokens]:
    """The rows with their own words taken for variables; nothing where too little is the same in all."""
    columns = [{row[i] for row in rows} for i in range(len(rows[0]))]
    many = max(_FEWEST, _DISTINCT * len(rows))
    own = {i for i, words in enumerate(columns) if len(words) >= many and not all(map(str.isupper, words))}
    same = sum(len(words) == 1 and not words & (PUNCT | {WILD}) for words in columns)
    if not own or same < max(2, 2 * len(own)):
        return {}
    return {row: squeeze([WILD if i in own else token for i, token in enumerate(row)]) for row in rows}


def quoted(forms: Sequence[Tokens]) -> dict[Tokens, Tokens]:
    """Forms that are the same but for what stands in quotes become one when there are many."""
    buckets: defaultdict[Tokens, list[Tokens]] = defaultdict(list)
    for form in forms:
        if not QUOTES.isdisjoint(form) and (bare := _unquoted(form)) != form:
            buckets[bare].append(form)
    enough = {bare: same for bare, same in buckets.items() if len(same) >= _FEWEST and _words(bare) > 1}
    return {form: bare for bare, same in enough.items() for form in same}


def _unquoted(form: Tokens) -> Tokens:
    out: list[str] = []
    at = 0
    while at < len(form):
        end = form.index(form[at], at + 1) if form[at] in QUOTES and form[at] in form[at + 1 :] else at
        out.append(WILD if end > at + 1 else form[at])
        at = end + 1
    return squeeze(out)


def _words(form: Tokens) -> int:
    return sum(token not in PUNCT and token != WILD for token in form)

"""Takes a text apart into what can tell a time, so that everything else (p95, 5xx, v2.4.0, a port) cannot."""

import re
from dataclasses import dataclass
from typing import Any

from bot.domain import when_values as values
from bot.domain.when_clock import NAMES, Here

Form = tuple[str, str, values.Build | None]
"""A kind of token, how it is written, and what reads its value; without that the value is the text itself."""
LONGEST = 4_000
_FLAGS = re.ASCII | re.IGNORECASE
_END = r"(?:['’]s)?(?![\w/@=-]|[.:'’]\w)"
_CLOCK_END = r"(?![\w:/%]|\.\d|-[a-z])"
_DAY_NAME = (
    rf"({'|'.join(values.WEEKDAYS)}|(?:(?<=since\s)|(?<=on\s)|(?<=last\s)|(?<=this\s)|(?<=from\s)|(?<=until\s))"
    r"(?:mon|tues?|wed|thu(?:rs?)?|fri|sat|sun))"
)
_MONTH = (
    r"(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_FEW = r"(?:an?\s+)?(?:couple(?:\s+of)?|few)|half(?:\s+an?)?|an?\s+half|(?:an?\s+)?quarter(?:\s+of)?(?:\s+an)?"
_WORDS = rf"({_FEW}|{'|'.join(sorted(values.NUMBERS, key=len, reverse=True))})"
_LONG = r"(sec(?:ond)?s?|min(?:ute)?s?|hours?|hrs?|days?|weeks?|months?)"
_UNIT = r"(s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|wks?|weeks?|months?)"
_ZONE = rf"(?:\s?((?:utc|gmt)[+-]\d{{1,2}}(?::?\d\d)?|{NAMES})\b)?"


@dataclass(frozen=True)
class Token:
    """A piece of the text: `kind` is one letter of the grammar in when_rules, `value` what it says."""

    kind: str
    value: Any
    start: int
    end: int


_AFTER = (
    r"(?:ever\s+)?(?:since|after)\s+(?!\d|noon|midnight|yesterday|today|(?:last|this)\s+(?:night|week|month|hour|morning)"
    rf"|{'|'.join(values.WEEKDAYS)})"
)
_THE = r"(?:(?:the|our|that|this|last|latest)\s+(?:[\w.'’-]+\s+){0,3}?|(?:[\w.-]+\s+)?)"
_DEPLOYED = r"(?:deployed|released|rolled\s+out|went\s+(?:out|live)|shipped|upgraded)"
_BEGAN = r"(?:started|began|broke|fired|failed|crashed|went\s+(?:off|down|bad))"
_PART = r"(?:\s+(morning|afternoon|evening|night|lunchtime))?"


def _any(*words: str) -> str:
    return rf"(?:{'|'.join(words)}){_END}"


_STAMP = (
    r"(\d{4})-(\d\d)-(\d\d)(?:t|\s+(?=\d\d:\d\d:\d\d[\d.,]*\s?(?:z|[+-]\d)))"
    r"(\d\d):(\d\d)(?::(\d\d)(?:[.,]\d+)?)?\s?(z|[+-]\d\d:?\d\d)?(?![\w:])"
)
_SINCE_DEPLOY = _AFTER + _any(
    rf"{_THE}(?:deploy(?:ment)?|release|roll-?\s?out|upgrade|push|go-?live)",
    rf"[\w.-]+\s+(?:[\w.-]+\s+)?{_DEPLOYED}",
    r"(?:version\s+)?v\d[\w.+-]*",
)
_SINCE_ALERT = _AFTER + _any(
    rf"{_THE}(?:alert|alarm|page|incident|outage|problem|issue)(?:\s+{_BEGAN})?",
    rf"(?:the\s+)?[\w-]+\s+(?:[\w-]+\s+)?{_BEGAN}",
    r"(?:the\s+|its\s+)?(?:start|beginning|onset)(?!\s+of\s+(?:the\s+)?(?:day|week|month|year|today|shift))",
)
_CLOCKS: tuple[Form, ...] = (
    ("X", _STAMP, values.stamp),
    ("T", rf"(\d{{1,2}}):(\d\d)(?::(\d\d)(?:[.,]\d+)?)?(?:\s?([ap])\.?m\b\.?)?{_ZONE}{_CLOCK_END}", values.clock),
    ("T", rf"(\d{{1,2}})\s?([ap])\.?m\b\.?{_ZONE}{_CLOCK_END}", values.hour),
    ("T", rf"(\d{{1,2}})\s?o['’]?clock(){_ZONE}{_END}", values.hour),
    ("T", rf"(\d\d)(\d\d)\s?(?:h(?:rs)?\b|(?=(?:z|utc|gmt|[ce]est|cet|[ecmp][sd]t)\b)){_ZONE}{_END}", values.digits),
    ("T", r"at\s+(\d{1,2})(?=\s*(?:[?.,;!)]|$|(?:yesterday|today|this|last|on)\b))(?!\.\d)", values.number),
    ("T", rf"(noon|midday|midnight){_ZONE}{_END}", values.named_clock),
)
_DAYS: tuple[Form, ...] = (
    ("D", rf"(\d{{4}})-(\d\d)-(\d\d){_END}", values.iso_day),
    ("D", r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?!\w|\.\d)", values.dotted_day),
    ("D", rf"(\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?{_MONTH}(?:,?\s+(\d{{4}}))?{_END}", values.day_month),
    (
        "D",
        rf"(?!may\s+\d+\s+[a-z]){_MONTH}\s+(\d{{1,2}})(?:st|nd|rd|th)?(?:,?\s+(\d{{4}})(?!:))?(?![\w:%]|\.\d)",
        values.month_day,
    ),
    ("D", rf"(?:the\s+)?(day\s+before\s+yesterday|yesterday|today|tomorrow){_PART}{_END}", values.day),
    ("D", rf"(?:(last|this|past)\s+)?{_DAY_NAME}{_PART}{_END}", values.weekday),
    (
        "D",
        _any(r"this\s+(?:morning|afternoon|evening|lunchtime)", r"last\s+(?:night|evening)", "tonight", "overnight"),
        values.part,
    ),
    ("D", rf"(this|(?<!the\s)last|previous)\s+(week|month|weekend){_END}", values.period),
    ("D", rf"(this)\s+(hour|day){_END}", values.period),
    ("D", rf"(\d{{1,4}})\s?(d|days?|w|wks?|weeks?|months?)\s+ago{_END}", values.days_ago),
    ("D", rf"{_WORDS}[\s-](days?|weeks?|months?)\s+ago{_END}", values.days_ago),
)
_LENGTHS: tuple[Form, ...] = (
    ("L", rf"(\d{{1,4}})\s?h(?:ours?|rs?)?\s?(?:and\s)?(\d{{1,2}})\s?m(?:in(?:ute)?s?)?{_END}", values.hours_minutes),
    ("L", rf"(?:(an?|one|two|three|\d)\s+)?hours?\s+and\s+a\s+half{_END}", values.hour_and_half),
    ("L", rf"(\d{{1,5}}(?:\.\d{{1,3}})?)[\s-]?{_UNIT}{_END}", values.length),
    ("L", rf"{_WORDS}[\s-]{_LONG}{_END}", values.length),
    ("U", rf"{_LONG}{_END}", values.bare_unit),
    ("N", r"(\d{1,2})(?![\w:%/@=]|\.\d|\s?%|-[a-z])", values.number),
)
_LINKS: tuple[Form, ...] = (
    ("A", _SINCE_DEPLOY, values.deploy),
    ("A", _SINCE_ALERT, values.alert),
    ("S", _any(r"since\s+then", r"after\s+that"), None),
    ("Z", _any(r"zoom\s+out", "wider"), None),
    ("c", _any("than", r"vs\.?", "versus", r"compared\s+(?:to|with)", "against"), None),
    ("q", _any(r"the\s+(?:very\s+)?(?:last|past|previous)", "past", "preceding"), None),
    ("p", _any("last", "previous"), None),
    ("s", _any(r"(?:ever\s+)?since", r"starting(?:\s+(?:at|from))?", "after"), None),
    ("f", _any("from", "between"), None),
    ("a", _any("and"), None),
    ("u", _any("until", "till?", r"up\s+to", "before"), None),
    ("t", _any("to", "through", "thru") + "|[-–—→]", None),
    ("g", _any("ago"), None),
    ("e", _any("earlier", "prior", r"before\s+that"), None),
    ("l", _any("later"), None),
    ("r", _any("for", "over", "within"), None),
    ("o", _any("around", "about", "near", "circa", "roughly", "approximately", "approx") + "|~", None),
    ("z", _any(r"zoom(?:\s+in)?(?:\s+(?:on|to|at|into))?"), None),
    (
        "m",
        _any(
            r"same\s+(?:time|hours?|period|window|stretch)(?:\s+of\s+day)?", r"this\s+time(?=\s+(?:last|yesterday)\b)"
        ),
        None,
    ),
    ("n", _any("now"), None),
)
_FILLERS = (
    _any("at", "the", "in", "on", "of", "during", "right", "just", "exactly", "by", "onwards?", r"local\s+time")
    + r"|[,;?!()\"“”*_]"
)
FORMS: tuple[Form, ...] = (
    (" ", r"<[^<>]{0,600}>|https?://\S+", None),
    *_CLOCKS[:1], *_DAYS, *_CLOCKS[1:], *_LENGTHS, *_LINKS,
    (" ", _FILLERS, None),
    ("w", r"[\w@#$][\w@#$./:=+%~'’\[\]-]*", None),
    (".", r"\S", None),
)  # fmt: skip
_EACH = tuple(re.compile(pattern, _FLAGS) for _, pattern, _ in FORMS)
_ANY = re.compile("|".join(f"(?P<f{at}>{pattern})" for at, (_, pattern, _) in enumerate(FORMS)), _FLAGS)


def tokens(text: str, here: Here) -> list[Token]:
    """What a text is made of, without fillers; only its first 4,000 characters count."""
    found, at, text = [], 0, text[:LONGEST].replace("\u00a0", " ")
    while match := _ANY.search(text, at):
        kind, value, end = _read(match, text, here)
        at = max(end, at + 1)
        if kind != " ":
            found.append(Token(kind, value, match.start(), end))
    return found


def _read(match: re.Match[str], text: str, here: Here) -> tuple[str, Any, int]:
    """The first form that fits and makes sense; a `99:70` is just a word."""
    first = int((match.lastgroup or "f0")[1:])
    for at in range(first, len(FORMS)):
        kind, _, build = FORMS[at]
        found = match if at == first and build is None else _EACH[at].match(text, match.start())
        if found is None:
            continue
        value = build(found, here) if build else found[0].lower()
        if value is not None:
            return kind, value, found.end()
    return ".", match[0], match.end()

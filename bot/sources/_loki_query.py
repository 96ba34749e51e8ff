"""LogQL of our own making, and what may stand in one that was given: a stream selector and line filters, no more.

The grammar is that of https://grafana.com/docs/loki/latest/query/log_queries/.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.domain.errors import BadArguments

LONGEST = 2_000  # letters of a selector that is given
MOST_SERVICES = 200
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MATCH = re.compile(r"=~|!~|!=|=")
_FILTER = re.compile(r"\|=|!=|\|~|!~|\|>|!>")
_STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"|`[^`]*`')
_BLANK = re.compile(r"\s*")
_EMPTY_REGEX = re.compile(r"(\(\?[a-zA-Z]+\))?[\^$]*(\.\*[\^$]*|\(\.\*\)|\|.*|.*\|)?", re.DOTALL)


@dataclass(frozen=True)
class LogQL:
    """A log query in its parts: matchers such as `app="cart"`, and line filters such as `|= "error"`."""

    matchers: tuple[str, ...]
    filters: tuple[str, ...] = ()

    @property
    def selector(self) -> str:
        """The stream selector alone."""
        return "{" + ", ".join(self.matchers) + "}"

    def __str__(self) -> str:
        return " ".join((self.selector, *self.filters))

    def having(self, *, matchers: Sequence[str] = (), filters: Sequence[str] = ()) -> "LogQL":
        """The same with further matchers and filters."""
        return LogQL((*self.matchers, *matchers), (*self.filters, *filters))


def quoted(text: str) -> str:
    """A text as a LogQL string; JSON's escapes are among Go's, which LogQL takes."""
    return json.dumps(text.encode("utf-8", "replace").decode("utf-8"), ensure_ascii=False).replace("\x7f", "\\u007f")


def pattern(text: str) -> str:
    """A regular expression (RE2) that matches a text as it stands."""
    return re.sub(r"([\\.+*?()|\[\]{}^$])", r"\\\1", text)


def one_of(label: str, names: Sequence[str]) -> str:
    """The matcher of a label that has one of several values; of any value where none is given."""
    if len(names) > MOST_SERVICES:
        raise BadArguments(f"{len(names)} services at once are too many; name at most {MOST_SERVICES}, or none for all")
    if len(names) == 1:
        return f"{label}={quoted(names[0])}"
    return f"{label}=~{quoted('|'.join(map(pattern, names)) or '.+')}"


def containing(text: str) -> str:
    """The filter for lines in which a text stands, case ignored."""
    return f"|~ {quoted('(?i)' + pattern(text))}"


def parsed(text: str) -> LogQL:
    """A given selector in its parts; BadArguments says what is wrong with it, and what may stand there."""
    if len(text) > LONGEST:
        raise BadArguments(f"the selector is {len(text)} letters long; at most {LONGEST} are taken")
    reader = _Reader(text)
    matchers = tuple(reader.matchers())
    filters = tuple(reader.filters())
    if not matchers:
        raise BadArguments('an empty selector {} would read every log; name a label, such as {app="cart"}')
    if not any(_bounds(matcher) for matcher in matchers):
        raise BadArguments(
            f"the selector {{{', '.join(matchers)}}} also matches streams without these labels, so it would read every "
            'log; one matcher must not match the empty text, such as app="cart" or app=~".+"'
        )
    return LogQL(matchers, filters)


def _bounds(matcher: str) -> bool:
    """Whether a matcher leaves out streams that lack the label; a regular expression is judged where that is sure."""
    found = _MATCH.search(matcher)
    sign, value = (found.group(), matcher[found.end() + 1 : -1]) if found else ("=", "")
    if sign in ("!=", "!~"):
        return (sign, value) == ("!=", "") or (sign == "!~" and _EMPTY_REGEX.fullmatch(value) is not None)
    return bool(value) and (sign == "=" or _EMPTY_REGEX.fullmatch(value) is None)


class _Reader:
    """Reads a selector from left to right."""

    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0
        self._skip()

    def matchers(self) -> Iterator[str]:
        """Between the braces."""
        if not self._took("{"):
            raise self._wrong("a selector begins with {", 'such as {app="cart"} |= "error"')
        while not self._took("}"):
            label = self._take(_NAME, "the name of a label")
            sign = self._take(_MATCH, "one of = != =~ !~")
            yield f"{label}{sign}{self._take(_STRING, 'a value in quotes')}"
            if not self._took(",") and not self._ahead("}"):
                raise self._wrong("here , or } must stand")

    def filters(self) -> Iterator[str]:
        """After the braces."""
        while self._at < len(self._text):
            said = "only line filters (|= != |~ !~ |> !>) may follow the selector, no parser, formatter or aggregation"
            words = [self._take(_FILTER, said), self._take(_STRING, "a text in quotes")]
            while found := re.compile(r"or\b\s*").match(self._text, self._at):
                self._at = found.end()
                words += ["or", self._take(_STRING, "a text in quotes")]
            yield " ".join(words)

    def _take(self, kind: "re.Pattern[str]", said: str) -> str:
        found = kind.match(self._text, self._at)
        if found is None:
            raise self._wrong(said if said.startswith("only") else f"here must stand {said}")
        self._at = found.end()
        self._skip()
        return found.group()

    def _took(self, sign: str) -> bool:
        if not self._ahead(sign):
            return False
        self._at += len(sign)
        self._skip()
        return True

    def _ahead(self, sign: str) -> bool:
        return self._text.startswith(sign, self._at)

    def _skip(self) -> None:
        found = _BLANK.match(self._text, self._at)
        self._at = found.end() if found else self._at

    def _wrong(self, said: str, example: str = "") -> BadArguments:
        rest = self._text[self._at : self._at + 40] or "the end"
        more = f", {example}" if example else ""
        return BadArguments(f"not a selector of log streams, at letter {self._at + 1} ({rest}): {said}{more}")

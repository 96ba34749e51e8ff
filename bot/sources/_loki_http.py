"""Loki's answers: JSON where it worked, plain text where it did not; which of its limits a refusal is about."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from bot.domain.errors import BadArguments, SourceDown, SourceRefused
from bot.sources._bodies import Answer, message
from bot.sources._http import Http

_LIMIT = re.compile(r"max entries limit.*?\(\d+ > (\d+)\)", re.DOTALL)
_LENGTH = re.compile(r"time range exceeds the limit.*?limit: ([0-9a-z.]+)", re.DOTALL)
_BIG_ANSWER = re.compile(r"larger than max|exceeding the limit|message size|ResourceExhausted", re.IGNORECASE)
_LONG = re.compile(
    r"too many bytes|too large to execute|max number of chunks|deadline exceeded|request timed out|query timed out"
    r"|limit reached while evaluating",
    re.IGNORECASE,
)
_BUSY = re.compile(
    r"too many outstanding requests|too many requests|ingestion rate limit|max concurrency", re.IGNORECASE
)
_GO_UNITS = {"y": 31_536_000.0, "w": 604_800.0, "d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_GO_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|[ywdhms])")


class PageTooBig(BadArguments):
    """A page has more lines, or more bytes, than the server gives; `most` lines where it says so."""

    def __init__(self, said: str, most: int = 0) -> None:
        super().__init__(said)
        self.most = most


class WindowTooLong(BadArguments):
    """A window is longer, or holds more bytes, than the server reads at once; `most` seconds where it says so."""

    def __init__(self, said: str, most: float = 0.0) -> None:
        super().__init__(said)
        self.most = most


class Busy(SourceRefused):
    """The server has too much to do just now."""


def seconds(text: str) -> float:
    """A duration as Go writes it, such as `30d1h` or `1440h0m0s`; 0 where it is none."""
    return sum(float(number) * _GO_UNITS[unit] for number, unit in _GO_DURATION.findall(text))


@dataclass
class LokiHttp(Http):
    """The HTTP door with Loki's faults told apart."""

    async def ask(self, method: str, target: str, content: bytes = b"") -> Answer:
        """As elsewhere; PageTooBig where the answer is larger than is taken."""
        try:
            return await super().ask(method, target, content)
        except BadArguments as error:
            raise PageTooBig(
                f"a page of {self.name} is larger than {self.max_bytes / 1e6:g} MB; ask for fewer lines"
            ) from error

    def _fault(self, path: str, answer: Answer) -> BadArguments | SourceDown | SourceRefused:
        """What Loki says in plain text, sorted by what helps."""
        said = " ".join(self._masked(message(answer)).split())
        where = f"{self.name} ({self.settings.host})"
        if answer.status == 429 or (answer.status in (400, 500, 503) and _BUSY.search(said)):
            return Busy(f"{where} has too many requests: {said[:200] or answer.status}; wait before asking again")
        if answer.status in (400, 413, 422, 500, 503, 504) and (found := _limits(self.name, said)):
            return found
        if answer.status in (400, 422):
            return BadArguments(f"{self.name}: {said[:300] or 'the query is wrong'}")
        return super()._fault(path, answer)


def _limits(name: str, said: str) -> PageTooBig | WindowTooLong | None:
    if found := _LIMIT.search(said):
        return PageTooBig(f"{name}: {said[:300]}", int(found.group(1)))
    if found := _LENGTH.search(said):
        return WindowTooLong(f"{name}: {said[:300]}", seconds(found.group(1)))
    if _BIG_ANSWER.search(said):
        return PageTooBig(f"{name}: {said[:300]}")
    if _LONG.search(said):
        return WindowTooLong(f"{name}: {said[:300]}")
    return None


def data(name: str, body: Any) -> Any:
    """The `data` of an answer; SourceRefused when it is none."""
    if not isinstance(body, dict) or body.get("status") != "success":
        said = str(body.get("error", ""))[:300] if isinstance(body, dict) else ""
        raise SourceRefused(f"{name} gave an answer that is not Loki's: {said or 'no status'}")
    return body.get("data")


def names(name: str, body: Any) -> tuple[str, ...]:
    """The labels or label values of an answer; Loki leaves `data` out where there are none."""
    found = data(name, body) or ()
    if not isinstance(found, list | tuple):
        raise SourceRefused(f"{name} gave an answer that is not Loki's: no list of names")
    return tuple(str(one) for one in found)


def streams(name: str, body: Any) -> Iterator[tuple[dict[str, str], list[int], list[str]]]:
    """The streams of a page: labels, times (ns, ascending) and entries of each; SourceRefused when it has none."""
    held = data(name, body)
    try:
        if held["resultType"] != "streams":
            raise SourceRefused(f"{name} gave {held['resultType']} where log lines were asked for")
        for row in held["result"]:
            values = row["values"]
            times, texts = [int(value[0]) for value in values], [str(value[1]) for value in values]
            if any(a > b for a, b in pairwise(times)):
                order = sorted(range(len(times)), key=times.__getitem__)
                times, texts = [times[i] for i in order], [texts[i] for i in order]
            yield dict(row["stream"]), times, texts
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise SourceRefused(f"{name} gave a result whose shape is not Loki's") from error

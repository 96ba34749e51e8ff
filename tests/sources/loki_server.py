"""A loopback Loki: the part of its HTTP API that is asked, with its limits and its plain-text refusals.

What it answers, and the words of its errors, are those recorded from a real one (2026-08) and of
https://grafana.com/docs/loki/latest/reference/loki-http-api/.
"""

import json
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from tests.sources.served import Reply, Request, as_json, success

SECOND = 1_000_000_000
Labels = dict[str, str]
Entry = tuple[int, int, str]  # ns, number of the stream, line
_MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*("(?:[^"\\]|\\.)*"|`[^`]*`)')
_STAGE = re.compile(r'\s*(\|=|!=|\|~|!~|\|\s*\w+\s*(?:=~|!~|!=|=))\s*("(?:[^"\\]|\\.)*"|`[^`]*`)')


def plain(status: int, text: str) -> Reply:
    """An error as Loki tells it."""
    return Reply(text.encode(), status, "text/plain; charset=utf-8")


@dataclass
class Loki:
    """Streams and limits; `refuse` are answers that are given first, one a request. Lengths are in ns, 0: no limit."""

    most_lines: int = 5_000
    most_length: int = 0
    most_bytes: int = 0
    version: str = "3.7.8"
    missing: tuple[str, ...] = ()
    refuse: list[Reply] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)
    queries: list[str] = field(default_factory=list)
    _streams: list[Labels] = field(default_factory=list)
    _entries: list[Entry] = field(default_factory=list)

    def push(self, labels: Labels, values: Iterable[tuple[int, str]]) -> None:
        """Add a stream's entries."""
        self._streams.append(labels)
        number = len(self._streams) - 1
        self._entries += [(at, number, line) for at, line in values]
        self._entries.sort(key=lambda entry: entry[0])

    def __call__(self, request: Request) -> Reply:
        """The answer to a request."""
        path = request.path
        self.asked[path] += 1
        if self.refuse:
            return self.refuse.pop(0)
        if path in self.missing:
            return plain(404, "404 page not found\n")
        if path == "/loki/api/v1/status/buildinfo":
            return as_json({"version": self.version, "revision": "x", "branch": "HEAD"})
        if path == "/loki/api/v1/labels":
            found = sorted({name for labels in self._streams for name in labels})
            return success(found) if found else as_json({"status": "success"})
        if values := re.fullmatch(r"/loki/api/v1/label/(\w+)/values", path):
            return success(sorted({labels[values[1]] for labels in self._streams if values[1] in labels}))
        if path == "/loki/api/v1/index/stats":
            return self._stats(request)
        if path == "/loki/api/v1/query_range":
            return self._range(request)
        return plain(404, "404 page not found\n")

    def _window(self, request: Request) -> list[Entry]:
        start, end = (bisect_left(self._entries, (int(request.params[at]),)) for at in ("start", "end"))
        return self._entries[start:end]

    def _too_long(self, request: Request) -> Reply | None:
        length = int(request.params["end"]) - int(request.params["start"])
        if self.most_length and length > self.most_length:
            said = f"query length: {length // SECOND}s, limit: {self.most_length // SECOND}s"
            return plain(400, f"the query time range exceeds the limit ({said})")
        return None

    def _stats(self, request: Request) -> Reply:
        if (long := self._too_long(request)) is not None:
            return long
        query = request.params["query"]
        fits = self._fitting(query)
        found = [entry for entry in self._window(request) if entry[1] in fits]
        size = sum(len(line.encode("utf-8", "replace")) for _, _, line in found)
        return as_json(
            {"streams": len({n for _, n, _ in found}), "chunks": len(fits), "bytes": size, "entries": len(found)}
        )

    def _range(self, request: Request) -> Reply:
        query, limit = request.params["query"], int(request.params.get("limit", 100))
        self.queries.append(query)
        if limit > self.most_lines:
            said = f"limit > max_entries_limit_per_query ({limit} > {self.most_lines})"
            return plain(400, f"max entries limit per query exceeded, {said}")
        if (long := self._too_long(request)) is not None:
            return long
        if "}" not in query:
            return plain(400, f"parse error at line 1, col {len(query)}: syntax error: unexpected $end, expecting }}")
        fits, stages = self._fitting(query), _stages(query.partition("}")[2])
        window = self._window(request)
        if self.most_bytes and (size := sum(len(line) for _, n, line in window if n in fits)) > self.most_bytes:
            said = f"(query: {size} B, limit: {self.most_bytes} B); consider adding more specific stream selectors"
            return plain(400, f"the query would read too many bytes {said} or reduce the time range of the query")
        return self._page(window, fits, stages, limit)

    def _page(
        self, window: list[Entry], fits: set[int], stages: list[Callable[[Labels, str], bool]], limit: int
    ) -> Reply:
        rows: dict[int, list[list[str]]] = {}
        left = limit
        for at, number, line in window:
            if number in fits and all(stage(self._streams[number], line) for stage in stages):
                rows.setdefault(number, []).append([str(at), line])
                left -= 1
                if not left:
                    break
        streams = [{"stream": self._streams[n], "values": values} for n, values in rows.items()]
        return success({"resultType": "streams", "result": streams, "stats": {"summary": {"splits": 1}}})

    def _fitting(self, query: str) -> set[int]:
        tests = [_matcher(*found) for found in _MATCHER.findall(query.partition("}")[0])]
        return {number for number, labels in enumerate(self._streams) if all(test(labels, "") for test in tests)}


def _stages(text: str) -> list[Callable[[Labels, str], bool]]:
    tests = []
    while text.strip():
        found = _STAGE.match(text)
        assert found, text
        sign, value = found.groups()
        if label := re.fullmatch(r"\|\s*(\w+)\s*(=~|!~|!=|=)", sign):
            tests.append(_matcher(label[1], label[2], value))
        else:
            tests.append(_line_filter(sign, _unquoted(value)))
        text = text[found.end() :]
    return tests


def _unquoted(text: str) -> str:
    return text[1:-1] if text.startswith("`") else str(json.loads(text))


def _matcher(label: str, sign: str, value: str) -> Callable[[Labels, str], bool]:
    wanted = _unquoted(value)
    fits: Callable[[str], bool] = re.compile(wanted).fullmatch if "~" in sign else wanted.__eq__  # type: ignore[assignment]
    return lambda labels, line: bool(fits(labels.get(label, ""))) == (not sign.startswith("!"))


def _line_filter(sign: str, value: str) -> Callable[[Labels, str], bool]:
    if "~" in sign:
        return lambda labels, line: bool(re.search(value, line)) == (sign == "|~")
    return lambda labels, line: (value in line) == (sign == "|=")

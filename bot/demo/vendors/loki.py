"""Loki's HTTP API over a shop's log lines: labels, statistics, and ranges of lines page by page."""

import json
import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from heapq import merge
from operator import itemgetter

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bot.demo.shop.layout import SERVICES
from bot.demo.shop.logs import LogLine
from bot.domain.window import Window

SECOND = 1_000_000_000
MOST = 5_000
CHUNK = 300.0
"""Seconds of lines that are made, and kept, at once."""
KEPT = 24 * 3600.0
_MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*("(?:[^"\\]|\\.)*"|`[^`]*`)')
_FILTER = re.compile(r'\s*(\|=|!=|\|~|!~)\s*("(?:[^"\\]|\\.)*"|`[^`]*`)')
Entry = tuple[int, LogLine]
Test = Callable[[str], bool]


class Loki:
    """Answers from the lines that `lines` gives for a service and a window; `now` gives UTC epoch seconds."""

    def __init__(self, lines: Callable[[str, Window], list[LogLine]], now: Callable[[], float]) -> None:
        self._lines, self._now = lines, now
        self._chunks: dict[tuple[str, int], list[Entry]] = {}

    def app(self) -> Starlette:
        """The ASGI application."""
        routes = {
            "/loki/api/v1/labels": self._labels,
            "/loki/api/v1/label/{name}/values": self._values,
            "/loki/api/v1/status/buildinfo": self._built,
            "/loki/api/v1/index/stats": self._stats,
            "/loki/api/v1/query_range": self._range,
        }
        return Starlette(routes=[Route(path, answer, methods=["GET", "POST"]) for path, answer in routes.items()])

    async def _built(self, request: Request) -> Response:
        return JSONResponse({"version": "3.7.8"})

    async def _labels(self, request: Request) -> Response:
        return JSONResponse({"status": "success", "data": ["instance", "service"]})

    async def _values(self, request: Request) -> Response:
        names = {"service": list(SERVICES), "instance": [n for s in SERVICES.values() for n in s.names]}
        return JSONResponse({"status": "success", "data": sorted(names.get(request.path_params["name"], []))})

    async def _stats(self, request: Request) -> Response:
        given = await _given(request)
        found = list(self._found(given))
        size = sum(len(line.text) for _, line in found)
        streams = len({line.instance for _, line in found})
        return JSONResponse({"streams": streams, "chunks": streams, "bytes": size, "entries": len(found)})

    async def _range(self, request: Request) -> Response:
        given = await _given(request)
        limit = int(given.get("limit", "100"))
        if limit > MOST:
            said = f"limit > max_entries_limit_per_query ({limit} > {MOST})"
            return PlainTextResponse(f"max entries limit per query exceeded, {said}", 400)
        if "}" not in given.get("query", ""):
            return PlainTextResponse("parse error at line 1, col 1: syntax error: unexpected $end", 400)
        found = self._page(given, limit)
        streams: dict[tuple[str, str], list[list[str]]] = {}
        for at, line in found:
            streams.setdefault((line.service, line.instance), []).append([str(at), line.text])
        result = [{"stream": {"service": s, "instance": i}, "values": rows} for (s, i), rows in streams.items()]
        return JSONResponse({"status": "success", "data": {"resultType": "streams", "result": result, "stats": {}}})

    def _page(self, given: Mapping[str, str], limit: int) -> list[Entry]:
        tests = [_test(sign, value) for sign, value in _FILTER.findall(given["query"].partition("}")[2])]
        found = (entry for entry in self._found(given) if all(test(entry[1].text) for test in tests))
        return [entry for _, entry in zip(range(limit), found, strict=False)]

    def _found(self, given: Mapping[str, str]) -> Iterator[Entry]:
        """What the selector chooses in the window, in order of time."""
        start, end = int(given["start"]), min(int(given["end"]), int(self._now() * SECOND))
        start = max(start, end - int(KEPT * SECOND))
        tests = [
            (label, _test(sign, value)) for label, sign, value in _MATCHER.findall(given["query"].partition("}")[0])
        ]
        services = [name for name in SERVICES if all(test(name) for label, test in tests if label == "service")]
        instances = [test for label, test in tests if label == "instance"]
        for entry in merge(*(self._of(name, start, end) for name in services), key=itemgetter(0)):
            if all(test(entry[1].instance) for test in instances):
                yield entry

    def _of(self, service: str, start: int, end: int) -> Iterator[Entry]:
        for number in range(int(start / SECOND // CHUNK), int(end / SECOND // CHUNK) + 1):
            held = self._chunk(service, number)
            yield from held[bisect_left(held, start, key=itemgetter(0)) : bisect_left(held, end, key=itemgetter(0))]

    def _chunk(self, service: str, number: int) -> list[Entry]:
        """The lines of some minutes; kept once they are all there."""
        if (service, number) in self._chunks:
            return self._chunks[service, number]
        begin, until = number * CHUNK, (number + 1) * CHUNK
        window = Window(datetime.fromtimestamp(begin, UTC), datetime.fromtimestamp(until, UTC))
        found = [(int(line.at * 1e6) * 1000, line) for line in self._lines(service, window)]
        if until < self._now():
            self._chunks[service, number] = found
        return found

    def warm(self, seconds: float) -> Iterator[None]:
        """Makes the lines of the last so many seconds ahead, a few at a time."""
        last = int(self._now() // CHUNK)
        for number in range(last - int(seconds // CHUNK), last):
            for service in SERVICES:
                self._chunk(service, number)
                yield


async def _given(request: Request) -> dict[str, str]:
    """Query and form together."""
    form = {key: str(value) for key, value in (await request.form()).items()} if request.method == "POST" else {}
    return {**dict(request.query_params), **form}


def _test(sign: str, text: str) -> Test:
    value = text[1:-1] if text.startswith("`") else str(json.loads(text))
    if sign in ("|=", "!="):
        return (lambda line: value in line) if sign == "|=" else (lambda line: value not in line)
    if sign == "=":
        return value.__eq__
    pattern = re.compile(value)
    look = pattern.search if "|" in sign else pattern.fullmatch
    return (lambda line: not look(line)) if sign == "!~" else (lambda line: bool(look(line)))

"""The Prometheus HTTP API (v1) over any samples: queries, series and labels, rules and alerts, targets, status."""

import json
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import cast

from starlette.applications import Starlette
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.demo.shop.series import Series
from bot.demo.vendors import plan, wire
from bot.demo.vendors.evaluator import Evaluation
from bot.demo.vendors.failures import BadData, VendorError
from bot.demo.vendors.promql import parse
from bot.demo.vendors.rules import Ruler
from bot.demo.vendors.storage import Storage, Watched

MAX_POINTS = 11_000
TIMEOUT = 120_000
"""Milliseconds that a query may take."""
RESOLUTION = (
    "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)"
)
BUILD = {
    "version": "2.42.0",
    "revision": "nightjar-demo",
    "branch": "demo",
    "buildUser": "demo",
    "buildDate": "20230131-00:00:00",
    "goVersion": "none",
}
Handler = Callable[[Request], Awaitable[Response]]


async def parameters(request: Request) -> QueryParams:
    """The query's parameters; those of a form in the body come first."""
    pairs = list(request.query_params.multi_items())
    if request.method == "POST" and "form" in request.headers.get("content-type", ""):
        form = QueryParams((await request.body()).decode("utf-8", "replace"))
        pairs = [*form.multi_items(), *pairs]
    return QueryParams(pairs)


def first(params: QueryParams, name: str) -> str:
    """A parameter's first value; empty if it is missing."""
    values = params.getlist(name)
    return values[0] if values else ""


class Prometheus:
    """Answers for one watched world."""

    def __init__(self, watched: Watched, storage: Storage, ruler: Ruler) -> None:
        self._watched = watched
        self._storage = storage
        self._ruler = ruler

    def app(self) -> Starlette:
        """The ASGI application."""
        both = ["GET", "POST"]
        routes = [
            Route("/api/v1/query", guarded(self.query), methods=both),
            Route("/api/v1/query_range", guarded(self.query_range), methods=both),
            Route("/api/v1/series", guarded(self.series), methods=both),
            Route("/api/v1/labels", guarded(self.labels), methods=both),
            Route("/api/v1/label/{name}/values", guarded(self.label_values)),
            Route("/api/v1/metadata", guarded(self.metadata)),
            Route("/api/v1/rules", guarded(self.rules)),
            Route("/api/v1/alerts", guarded(self.alerts)),
            Route("/api/v1/targets", guarded(self.targets)),
            Route("/api/v1/status/buildinfo", guarded(self.buildinfo)),
            Route("/-/ready", ready),
            Route("/-/healthy", healthy),
        ]
        return Starlette(routes=routes, exception_handlers={404: not_found, 405: not_allowed})

    def _now(self) -> int:
        return round(self._watched.now() * 1000)

    def _deadline(self, params: QueryParams) -> float:
        text = first(params, "timeout")
        limit = min(TIMEOUT, wire.parse_duration(text, "timeout")) if text else TIMEOUT
        return time.monotonic() + limit / 1000.0

    async def query(self, request: Request) -> Response:
        """An instant query."""
        params = await parameters(request)
        text = first(params, "time")
        at = self._now() if not text else wire.parse_time(text, "time", "Invalid time value for 'time': ")
        deadline = self._deadline(params)
        node = parse(first(params, "query"))
        evaluation = Evaluation(self._storage, [at], deadline)
        kind = plan.kind(node)
        if kind == "string":
            return wire.success(
                f'{{"resultType":"string","result":[{wire.moment(at)},{json.dumps(cast("plan.Text", node).value)}]}}'
            )
        if kind == "scalar":
            value = wire.number(evaluation.scalar(node)[0])
            return wire.success(f'{{"resultType":"scalar","result":[{wire.moment(at)},"{value}"]}}')
        if kind == "matrix":
            return wire.success(self._spread(evaluation, node))
        return wire.success(wire.vector(evaluation.vector(node), at))

    @staticmethod
    def _spread(evaluation: Evaluation, node: plan.Node) -> str:
        spread = evaluation.spread(node)
        parts = []
        for series in spread.series:
            low, high = spread.windows.ranges(series, spread.length, spread.offset)[0]
            if high > low:
                labels = series.key
                parts.append(wire.samples(labels, series.times[low:high], series.values[low:high]))
        return f'{{"resultType":"matrix","result":[{",".join(parts)}]}}'

    async def query_range(self, request: Request) -> Response:
        """A range query: at most 11,000 points per series."""
        params = await parameters(request)
        start = wire.parse_time(first(params, "start"), "start")
        end = wire.parse_time(first(params, "end"), "end")
        if end < start:
            raise BadData('invalid parameter "end": end timestamp must not be before start time')
        step = wire.parse_duration(first(params, "step"), "step")
        if step <= 0:
            raise BadData(
                'invalid parameter "step": zero or negative query resolution step widths are not accepted. '
                "Try a positive integer"
            )
        if (end - start) // step > MAX_POINTS:
            raise BadData(RESOLUTION)
        deadline = self._deadline(params)
        node = parse(first(params, "query"))
        if plan.kind(node) not in ("scalar", "vector"):
            sort = "range vector" if plan.kind(node) == "matrix" else "string"
            raise BadData(f'invalid expression type "{sort}" for range query, must be Scalar or instant Vector')
        times = range(start, end + 1, step)
        return wire.success(wire.matrix(Evaluation(self._storage, times, deadline).rows(node), times))

    def _chosen(self, params: QueryParams, required: bool) -> Iterable[Series]:
        """The series of the `match[]` parameters that have a sample between start and end."""
        texts = params.getlist("match[]")
        if required and not texts:
            raise BadData("no match[] parameter provided")
        start, end = first(params, "start"), first(params, "end")
        low = wire.parse_time(start, "start") if start else 0
        high = wire.parse_time(end, "end") if end else self._now()
        chosen: dict[int, Series] = {}
        for text in texts or ['{__name__!=""}']:
            for series in self._storage.select(selector(text)):
                if series.times and series.times[0] <= high and series.times[len(series.values) - 1] >= low:
                    chosen[id(series)] = series
        return chosen.values()

    async def series(self, request: Request) -> Response:
        """Label sets of series."""
        found = self._chosen(await parameters(request), required=True)
        labels = sorted(one.key for one in found)
        return wire.success(json.dumps([dict(one) for one in labels]))

    async def labels(self, request: Request) -> Response:
        """Label names."""
        found = self._chosen(await parameters(request), required=False)
        return wire.success(json.dumps(sorted({name for series in found for name in series.labels})))

    async def label_values(self, request: Request) -> Response:
        """A label's values."""
        name = request.path_params["name"]
        if not name.isidentifier():
            raise BadData(f'invalid label name: "{name}"')
        params = await parameters(request)
        if name == "__name__" and not params.getlist("match[]"):
            return wire.success(json.dumps(self._watched.names()))
        found = self._chosen(params, required=False)
        return wire.success(json.dumps(sorted({one.labels[name] for one in found if name in one.labels})))

    async def metadata(self, request: Request) -> Response:
        """Type and help of metrics."""
        wanted, limit = request.query_params.get("metric"), request.query_params.get("limit", "-1")
        if not limit.lstrip("-").isdigit():
            raise BadData("limit must be a number")
        known = self._watched.metadata
        found = {
            name: [{"type": one.type, "help": one.help, "unit": ""}]
            for name, one in known.items()
            if wanted in (None, "", name)
        }
        kept = dict(list(found.items())[: int(limit)]) if int(limit) >= 0 else found
        return wire.success(json.dumps(kept))

    async def rules(self, request: Request) -> Response:
        """Alert rules with their alerts."""
        sort = request.query_params.get("type", "")
        if sort not in ("", "alert", "record"):
            raise BadData(f'invalid parameter "type": not supported value "{sort}"')
        return wire.success(json.dumps({"groups": [] if sort == "record" else self._ruler.groups()}))

    async def alerts(self, request: Request) -> Response:
        """Pending and firing alerts."""
        return wire.success(json.dumps({"alerts": self._ruler.alerts()}))

    async def targets(self, request: Request) -> Response:
        """Scrape targets."""
        active = [] if request.query_params.get("state") == "dropped" else self._watched.targets()
        return wire.success(json.dumps({"activeTargets": active, "droppedTargets": []}))

    async def buildinfo(self, request: Request) -> Response:
        """The server's version."""
        return wire.success(json.dumps(BUILD))


def selector(text: str) -> tuple[plan.Matcher, ...]:
    """The matchers of a `match[]` parameter. Raises BadData."""
    try:
        node = parse(text)
    except BadData as error:
        if "non-empty matcher" in str(error):
            raise BadData('invalid parameter "match[]": match[] must contain at least one non-empty matcher') from error
        raise BadData(str(error).removeprefix('invalid parameter "query": ')) from error
    if not isinstance(node, plan.Selector):
        raise BadData("1:1: parse error: expected a series selector")
    return node.matchers


def guarded(handler: Handler) -> Handler:
    """Turns the errors of an answer into Prometheus' envelope."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except VendorError as error:
            return wire.failure(error)

    return answer


async def ready(request: Request) -> Response:
    """Readiness."""
    return PlainTextResponse("Prometheus Server is Ready.\n")


async def healthy(request: Request) -> Response:
    """Health."""
    return PlainTextResponse("Prometheus Server is Healthy.\n")


async def not_found(request: Request, error: Exception) -> Response:
    """An unknown path."""
    return PlainTextResponse("404 page not found\n", 404)


async def not_allowed(request: Request, error: Exception) -> Response:
    """A wrong method."""
    return PlainTextResponse("Method Not Allowed\n", 405)

"""The Alertmanager HTTP API (v2) over a ruler: alerts, groups, silences, receivers, status."""

import json
import uuid
from collections.abc import Awaitable, Callable, Iterable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.demo.vendors import wire
from bot.demo.vendors.rules import Alert, Ruler
from bot.demo.vendors.silences import Refused, Silences, parse_filter

RECEIVER = "on-call"
QUIET = "none"
VALID = 240_000
"""Milliseconds for which a firing alert stands without being sent again."""
CONFIG = f"""\
route:
  receiver: {RECEIVER}
  group_by: [alertname, service]
  routes:
  - receiver: {QUIET}
    matchers: [alertname="Watchdog"]
receivers:
- name: {QUIET}
- name: {RECEIVER}
"""
Shown = dict[str, object]
Handler = Callable[[Request], Awaitable[Response]]


def fingerprint(labels: dict[str, str]) -> str:
    """The 64-bit FNV-1a hash of a label set, as Prometheus' libraries compute it."""
    value = 14695981039346656037
    for name, text in sorted(labels.items()):
        for byte in (*name.encode(), 255, *text.encode(), 255):
            value = (value ^ byte) * 1099511628211 & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def receiver(alert: Alert) -> str:
    """Who is told about an alert."""
    return QUIET if alert.rule.severity == "none" else RECEIVER


class Alertmanager:
    """Answers from a ruler's alerts; `now` gives UTC epoch seconds."""

    def __init__(self, ruler: Ruler, now: Callable[[], float]) -> None:
        self.silences = Silences()
        self._ruler = ruler
        self._seconds = now

    def app(self) -> Starlette:
        """The ASGI application."""
        routes = [
            Route("/api/v2/alerts", guarded(self.alerts)),
            Route("/api/v2/alerts/groups", guarded(self.groups)),
            Route("/api/v2/silences", guarded(self.list_silences), methods=["GET"]),
            Route("/api/v2/silences", guarded(self.create_silence), methods=["POST"]),
            Route("/api/v2/silence/{id}", guarded(self.silence), methods=["GET", "DELETE"]),
            Route("/api/v2/receivers", guarded(self.receivers)),
            Route("/api/v2/status", guarded(self.status)),
            Route("/-/ready", ready),
            Route("/-/healthy", ready),
        ]
        return Starlette(routes=routes)

    def _now(self) -> int:
        return round(self._seconds() * 1000)

    def _shown(self, alert: Alert, inhibitors: Iterable[Alert]) -> Shown:
        now = self._now()
        silenced = [silence.id for silence in self.silences.all.values() if silence.mutes(alert.labels, now)]
        inhibited = [fingerprint(other.labels) for other in inhibitors if inhibits(other, alert)]
        state = "suppressed" if silenced or inhibited else "active"
        return {
            "annotations": alert.annotations,
            "endsAt": wire.stamp(self._ruler.last + VALID),
            "fingerprint": fingerprint(alert.labels),
            "receivers": [{"name": receiver(alert)}],
            "startsAt": wire.stamp(alert.fired or alert.active),
            "status": {"inhibitedBy": inhibited, "silencedBy": silenced, "state": state},
            "updatedAt": wire.stamp(self._ruler.last),
            "generatorURL": self._ruler.generator(alert),
            "labels": alert.labels,
        }

    def _chosen(self, request: Request) -> list[tuple[Alert, Shown]]:
        """The firing alerts that the request's filters let through, by fingerprint."""
        params = request.query_params
        matchers = [parse_filter(text) for text in params.getlist("filter")]
        flags = {name: flag(params.get(name), name) for name in ("active", "silenced", "inhibited", "unprocessed")}
        firing = self._ruler.firing()
        shown = []
        for alert in firing:
            one = self._shown(alert, firing)
            status = one["status"]
            assert isinstance(status, dict)  # noqa: S101 - it was built a line above
            hidden = (
                (status["silencedBy"] and not flags["silenced"])
                or (status["inhibitedBy"] and not flags["inhibited"])
                or (status["state"] == "active" and not flags["active"])
                or (params.get("receiver") not in (None, receiver(alert)))
            )
            if not hidden and all(matcher.matches(alert.labels) for matcher in matchers):
                shown.append((alert, one))
        return sorted(shown, key=lambda pair: str(pair[1]["fingerprint"]))

    async def alerts(self, request: Request) -> Response:
        """Firing alerts."""
        return answer([one for _, one in self._chosen(request)])

    async def groups(self, request: Request) -> Response:
        """Firing alerts by alert name and service."""
        groups: dict[tuple[str, ...], Shown] = {}
        for alert, one in self._chosen(request):
            labels = {name: alert.labels[name] for name in ("alertname", "service") if name in alert.labels}
            key = (receiver(alert), *labels.values())
            group = groups.setdefault(key, {"alerts": [], "labels": labels, "receiver": {"name": receiver(alert)}})
            alerts = group["alerts"]
            assert isinstance(alerts, list)  # noqa: S101 - it was built a line above
            alerts.append(one)
        return answer([groups[key] for key in sorted(groups)])

    async def list_silences(self, request: Request) -> Response:
        """All silences, the last to end first."""
        matchers = [parse_filter(text) for text in request.query_params.getlist("filter")]
        found = [
            silence
            for silence in self.silences.all.values()
            if all(any(m.name == w.name and m.value == w.value for m in silence.matchers) for w in matchers)
        ]
        now = self._now()
        return answer([one.shown(now) for one in sorted(found, key=lambda one: one.ends, reverse=True)])

    async def create_silence(self, request: Request) -> Response:
        """A new silence, or a changed one."""
        sort = request.headers.get("content-type", "application/x-www-form-urlencoded").partition(";")[0]
        if sort != "application/json":
            message = f'unsupported media type "{sort}", only [application/json] are allowed'
            raise Refused(415, {"code": 415, "message": message})
        text = (await request.body()).decode("utf-8", "replace")
        try:
            body = json.loads(text)
        except ValueError:
            odd = text.strip()[1:2] or text.strip()[:1]
            why = f"invalid character '{odd}' looking for beginning of object key string"
            message = f'parsing silence body from "" failed, because {why}'
            raise Refused(400, {"code": 400, "message": message}) from None
        return answer({"silenceID": self.silences.create(body, self._now())})

    async def silence(self, request: Request) -> Response:
        """Shows or ends one silence."""
        key = request.path_params["id"]
        try:
            uuid.UUID(key)
        except ValueError:
            message = f'silenceID in path must be of type uuid: "{key}"'
            raise Refused(422, {"code": 601, "message": message}) from None
        if request.method == "DELETE":
            self.silences.expire(key, self._now())
            return Response(status_code=200)
        known = self.silences.all.get(key)
        return answer(known.shown(self._now())) if known else Response(status_code=404)

    async def receivers(self, request: Request) -> Response:
        """Receivers by name."""
        return answer([{"name": QUIET}, {"name": RECEIVER}])

    async def status(self, request: Request) -> Response:
        """Version, configuration and cluster."""
        return answer(
            {
                "cluster": {"peers": [], "status": "disabled"},
                "config": {"original": CONFIG},
                "uptime": wire.stamp(self._ruler.last),
                "versionInfo": {"version": "0.25.0", "branch": "demo", "revision": "nightjar-demo",
                                "buildUser": "demo", "buildDate": "20221222-00:00:00", "goVersion": "none"},
            }
        )  # fmt: skip


def inhibits(source: Alert, target: Alert) -> bool:
    """An instance that is down mutes what its restarts say."""
    return (
        source.rule.alert == "InstanceDown"
        and target.rule.severity == "info"
        and source.labels.get("instance") == target.labels.get("instance")
    )


def flag(text: str | None, name: str) -> bool:
    """A boolean parameter, true if it is missing. Raises Refused."""
    if text not in (None, "true", "false"):
        raise Refused(422, {"code": 601, "message": f'{name} in query must be of type boolean: "{text}"'})
    return text != "false"


def answer(body: object) -> Response:
    """JSON with a newline, as Alertmanager writes it."""
    return Response(json.dumps(body, separators=(",", ":")) + "\n", media_type="application/json")


def guarded(handler: Handler) -> Handler:
    """Turns a refusal into its answer: a bare string or an object, whichever it is."""

    async def safe(request: Request) -> Response:
        try:
            return await handler(request)
        except Refused as refused:
            text = json.dumps(refused.body, separators=(",", ":"))
            return Response(text, refused.status, media_type="application/json")

    return safe


async def ready(request: Request) -> Response:
    """Readiness."""
    return PlainTextResponse("OK")

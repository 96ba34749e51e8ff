"""The Alertmanager source beyond its contract."""

import json
from typing import Any

import pytest

from bot.domain.errors import BadArguments, SourceRefused
from tests.sources.opened import opened
from tests.sources.recorded import GENERATIONS, reply
from tests.sources.served import Reply, Server, as_json

NEWER = [pair[1] for pair in GENERATIONS]


@pytest.mark.parametrize("generation", NEWER)
async def test_suppressed_alerts_are_marked(generation: str) -> None:
    """An alert under a silence is suppressed; others of the same answer are active."""
    told = reply("alertmanager", generation, "alerts-silenced")
    async with Server(lambda r: told) as server, opened("alertmanager", server.url) as a:
        assert a.alerts is not None
        states = {alert.state for alert in await a.alerts.alerts()}
    assert "suppressed" in states


@pytest.mark.parametrize("generation", NEWER)
async def test_silences_in_force(generation: str) -> None:
    """A silence reads as matchers, author, comment and end; expired ones are left out."""
    held = json.loads(reply("alertmanager", generation, "silences").body)
    expired = {**held[0], "status": {"state": "expired"}}
    regex = {**held[0], "matchers": [{"name": "job", "value": "a.*", "isRegex": True, "isEqual": False}]}
    told = as_json([held[0], expired, regex])
    async with Server(lambda r: told) as server, opened("alertmanager", server.url) as a:
        assert a.alerts is not None
        first, second = await a.alerts.silences()
    assert (first.matchers, first.by, first.comment) == (('service="payment"',), "bot", "rollback")
    assert second.matchers == ('job!~"a.*"',)
    assert first.ends > first.starts


@pytest.mark.parametrize("generation", NEWER)
@pytest.mark.parametrize("name", ["filter-bad", "silence-error-json", "silence-error-regex"])
async def test_all_three_shapes_of_errors_are_read(name: str, generation: str) -> None:
    """A bare string, a code with a message, and what the newer one sends: the words arrive without the shape."""
    told = reply("alertmanager", generation, name)
    async with Server(lambda r: told) as server, opened("alertmanager", server.url) as a:
        assert a.alerts is not None
        with pytest.raises(BadArguments) as caught:
            await a.alerts.alerts(["x"])
    assert "{" not in str(caught.value).replace("bad{", "").replace("'{'", "")
    assert len(str(caught.value)) > len("alertmanager: ")


@pytest.mark.parametrize(
    "body", [{}, "x", [1], [{"labels": None}], [{"labels": {}}], [{"labels": {}, "startsAt": "now"}]]
)
async def test_another_shape_is_refused(body: Any) -> None:
    """JSON that is not Alertmanager's is told as such."""
    async with Server(lambda r: as_json(body)) as server, opened("alertmanager", server.url) as a:
        assert a.alerts is not None
        with pytest.raises(SourceRefused, match="not Alertmanager's"):
            await a.alerts.alerts()


async def test_an_alert_without_a_query_in_its_address_has_no_expression() -> None:
    """What sends no Prometheus address (vmalert, Grafana) leaves the expression to the rules."""
    row = {"labels": {"alertname": "A"}, "startsAt": "2026-11-23T08:00:00Z", "generatorURL": "http://grafana/alert/1"}
    async with Server(lambda r: as_json([row])) as server, opened("alertmanager", server.url) as a:
        assert a.alerts is not None
        (alert,) = await a.alerts.alerts()
    assert (alert.expr, alert.state, alert.annotations) == ("", "active", {})


async def test_an_unknown_version_is_still_healthy() -> None:
    """Something that speaks the API without saying its version is healthy."""
    async with Server(lambda r: Reply(b"{}")) as server, opened("alertmanager", server.url) as a:
        health = await a.health()
    assert health.ok
    assert "version unknown" in health.detail

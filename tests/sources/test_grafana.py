"""Grafana's annotations as changes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.domain.errors import SourceRefused
from bot.domain.window import last
from tests.sources.opened import opened
from tests.sources.served import Reply, Request, Server, as_json

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
WINDOW = last(timedelta(hours=1), NOW)


def note(minutes: float, text: str, tags: list[str], **more: Any) -> dict[str, Any]:
    """An annotation, so many minutes before the end."""
    return {"id": 1, "time": int((NOW.timestamp() - 60 * minutes) * 1000), "text": text, "tags": tags, **more}


NOTES = [
    note(5, "Feature flag <b>fast-lane</b>\n on", ["flag", "app=cart"]),
    note(20, "payment v2.4.0", ["deploy", "service:payment"]),
    note(10, "alert fired", [], alertId=7),
    note(90, "long ago", ["deploy"]),
    note(2, "", ["maintenance"]),
]


async def test_annotations_become_changes_in_order() -> None:
    """Deploys are known by their tags, alert states and what lies outside the window are left out, markup goes."""
    async with Server(lambda r: as_json(NOTES)) as server, opened("grafana", server.url, tags=["x", "y"]) as g:
        assert g.changes is not None
        found = await g.changes.changes(WINDOW)
    assert [(c.what, c.service, c.kind) for c in found] == [
        ("payment v2.4.0", "payment", "deploy"),
        ("Feature flag fast-lane on", "cart", "annotation"),
        ("maintenance", "", "annotation"),
    ]
    assert server.requests[0].params["from"] == str(int(WINDOW.start.timestamp() * 1000))
    assert server.requests[0].params["tags"] == "y"


@pytest.mark.parametrize("body", [{}, "x", [1], [{"text": "no time"}], [note(1, "x", [], time="soon")]])
async def test_another_shape_is_refused(body: Any) -> None:
    """JSON that is not Grafana's is told as such."""
    async with Server(lambda r: as_json(body)) as server, opened("grafana", server.url) as g:
        assert g.changes is not None
        with pytest.raises(SourceRefused, match="not Grafana's"):
            await g.changes.changes(WINDOW)


async def test_health_tries_the_annotations_too() -> None:
    """A Grafana that is up but lets this token read nothing is not healthy."""

    def answer(request: Request) -> Reply:
        if request.path == "/api/health":
            return as_json({"version": "12.1.0"})
        return as_json([]) if request.headers.get("authorization") == "Bearer good" else Reply(b"no", 401)

    async with Server(answer) as server:
        async with opened("grafana", server.url, token="good") as g:
            assert (await g.health()).detail.startswith("Grafana 12.1.0")
        async with opened("grafana", server.url, token="bad") as g:
            assert not (await g.health()).ok

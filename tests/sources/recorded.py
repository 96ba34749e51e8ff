"""Answers that real servers gave, played back by path and query."""

import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from bot.domain.window import Window
from tests.sources.served import Reply, Request, success

FIXTURES = Path(__file__).parents[1] / "fixtures"
GENERATIONS = (("2.42", "0.25"), ("3.5", "0.33"))
NAMES = ["app_build_info", "http_request_duration_seconds_bucket", "http_requests_total", "up"]
EMPTY = {"resultType": "vector", "result": []}


@cache
def exchange(kind: str, generation: str, name: str) -> dict[str, Any]:
    """One recorded request with its answer."""
    text = (FIXTURES / kind / generation / f"{name}.json").read_text(encoding="utf-8")
    read: dict[str, Any] = json.loads(text)
    return read


def reply(kind: str, generation: str, name: str) -> Reply:
    """The answer of an exchange, as it came."""
    held = exchange(kind, generation, name)
    return Reply(held["body"].encode(), held["status"], held["content_type"])


def window(generation: str) -> Window:
    """The window of the recorded range queries."""
    asked = exchange("prometheus", generation, "range-5xx")["request"]["params"]
    return Window(datetime.fromtimestamp(asked["start"], UTC), datetime.fromtimestamp(asked["end"], UTC))


class Player:
    """Answers as the recorded Prometheus and Alertmanager of one generation did."""

    def __init__(self, prometheus: str, alertmanager: str) -> None:
        self.held: dict[tuple[str, str], Reply] = {}
        for kind, generation in (("prometheus", prometheus), ("alertmanager", alertmanager)):
            for file in sorted((FIXTURES / kind / generation).glob("*.json")):
                asked = exchange(kind, generation, file.stem)["request"]
                key = asked["path"], self._mark(asked["params"] or {})
                self.held.setdefault(key, reply(kind, generation, file.stem))

    @staticmethod
    def _mark(params: dict[str, Any]) -> str:
        return str(params.get("query") or params.get("match[]") or params.get("filter") or "")

    def __call__(self, request: Request) -> Reply:
        """The recorded answer; an empty result for a query that was not recorded."""
        if request.path == "/api/v1/label/__name__/values":
            return success(NAMES)
        held = self.held.get((request.path, self._mark(request.params)))
        if held is None and request.path.startswith("/api/v1/query"):
            return success(EMPTY)
        return held or Reply(b"404 page not found\n", 404, "text/plain")

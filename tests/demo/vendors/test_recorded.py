"""The demo's answers beside answers that were recorded from real servers: status, media type, shape, error text."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.demo.shop import Shop
from bot.demo.vendors import Vendors
from bot.demo.vendors.alertmanager import fingerprint

RECORDED = Path(__file__).parent / "recorded"
NOW = 1795421043.0
MAPS = {"labels", "annotations", "metric", "discoveredLabels"}
ERRORS = ["prom-404", "prom-405", *sorted(path.stem for path in RECORDED.glob("prom-error-*"))]
REFUSALS = ["am-filter-bad", "am-silence-delete-unknown", "am-silence-not-uuid", "am-silence-unknown"]
REFUSALS += sorted(path.stem for path in RECORDED.glob("am-silence-error-*"))
SHAPES = ["prom-alerts", "prom-buildinfo", "prom-instant-empty", "prom-instant-up", "prom-labels", "prom-label-values"]
SHAPES += ["prom-metadata", "prom-rules", "prom-series", "prom-targets", "am-alerts", "am-groups", "am-receivers"]
SHAPES += ["am-status", "am-silence-create", "am-silences"]


def recorded(name: str) -> dict[str, Any]:
    """One recorded exchange."""
    text = (RECORDED / f"{name}.json").read_text()
    found: dict[str, Any] = json.loads(text.replace('service=\\"payment\\"', 'service=\\"payments\\"'))
    return found


def vendors() -> Vendors:
    """The vendors over a shop with a bad deploy, at the time of the recordings."""
    return Vendors(Shop(3, "bad_deploy", now=lambda: NOW, started_ago=600.0))


async def replay(asked: Vendors, name: str) -> tuple[dict[str, Any], httpx.Response]:
    """A recorded exchange, and the demo's answer to the same request."""
    known = recorded(name)
    request = known["request"]
    app = (asked.prometheus if name.startswith("prom") else asked.alertmanager).app()
    headers = {"content-type": "application/x-www-form-urlencoded" if "error-type" in name else "application/json"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://demo") as client:
        content, params = request["body"], request["params"]
        answer = await client.request(
            request["method"], request["path"], params=params, content=content, headers=headers if content else {}
        )
    return known, answer


def shape(value: Any, key: str = "") -> Any:
    """Keys and types of a JSON value; lists by their first element, label sets as such."""
    if key in MAPS:
        return "labels"
    if isinstance(value, dict):
        return {name: shape(inner, name) for name, inner in sorted(value.items())}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


@pytest.mark.parametrize("name", SHAPES)
async def test_an_answer_has_the_shape_of_the_recorded_one(name: str) -> None:
    """Same status, media type, keys and types."""
    asked = vendors()
    await replay(asked, "am-silence-create")
    known, answer = await replay(asked, name)
    assert answer.status_code == known["status"]
    assert answer.headers["content-type"] == known["content_type"]
    mine, real = answer.json(), json.loads(known["body"])
    if name == "prom-metadata":
        mine, real = list(mine["data"].values()), list(real["data"].values())
    assert shape(mine) == shape(real)


@pytest.mark.parametrize("name", ["prom-instant-nan", "prom-instant-inf", "prom-instant-string", "prom-ready"])
async def test_an_answer_that_needs_no_series_is_the_recorded_one(name: str) -> None:
    """NaN, infinities and strings are written as the server writes them; only the time differs."""
    known, answer = await replay(vendors(), name)
    when = known["body"].partition("[1795421043")[2][:4]
    assert answer.text == known["body"].replace(f"1795421043{when}", "1795421043") or "Ready" in answer.text
    assert answer.status_code == known["status"]


@pytest.mark.parametrize("name", [error for error in ERRORS if error != "prom-error-many-to-many"])
async def test_a_bad_request_gets_the_recorded_error(name: str) -> None:
    """Same status, same media type, same text."""
    known, answer = await replay(vendors(), name)
    assert (answer.status_code, answer.text.strip()) == (known["status"], known["body"].strip())
    assert answer.headers["content-type"] == known["content_type"]


@pytest.mark.parametrize("name", REFUSALS)
async def test_a_refused_request_gets_the_recorded_refusal(name: str) -> None:
    """Alertmanager's three shapes of errors: a bare string, an object with a code, nothing."""
    known, answer = await replay(vendors(), name)
    assert (answer.status_code, answer.text.strip()) == (known["status"], known["body"].strip())


def test_the_fingerprint_of_a_label_set_is_the_servers() -> None:
    """Whoever removes duplicates by fingerprint sees the same one for the same labels."""
    alerts = json.loads(recorded("am-alerts")["body"])
    assert len(alerts) > 1
    assert [fingerprint(alert["labels"]) for alert in alerts] == [alert["fingerprint"] for alert in alerts]

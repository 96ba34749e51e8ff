"""The vendors as servers: real HTTP on loopback ports, time that goes on, silences from birth to end."""

import asyncio
import json
import time
from datetime import datetime
from typing import Any

import httpx
import pytest

from bot.demo.shop import Shop
from bot.demo.shop.rules import EDGE_RULES
from bot.demo.vendors import Vendors
from tests.demo.shop.test_simulation import Clock

NOW = 1_760_000_007.0


def shop(fault: str = "bad_deploy", clock: Clock | None = None) -> Shop:
    """A shop with an hour and a half of history and a fault that is a quarter of an hour old."""
    return Shop(3, fault, now=clock or Clock(NOW), started_ago=900.0, history=5400.0)


async def values(client: httpx.AsyncClient, url: str, query: str, **params: str) -> list[Any]:
    """An instant query's result."""
    answer = await client.get(f"{url}/api/v1/query", params={"query": query, **params})
    found: list[Any] = answer.raise_for_status().json()["data"]["result"]
    return found


async def test_both_servers_answer_on_free_loopback_ports() -> None:
    """Whoever enters the block can ask both at once; afterwards nobody listens."""
    async with httpx.AsyncClient() as client:
        async with Vendors(shop()) as vendors:
            urls = vendors.prometheus_url, vendors.alertmanager_url
            assert all(url.startswith("http://127.0.0.1:") for url in urls)
            answers = await asyncio.gather(*(client.get(f"{url}/-/ready") for url in urls))
            assert [answer.status_code for answer in answers] == [200, 200]
        for url in urls:
            with pytest.raises(httpx.ConnectError):
                await client.get(f"{url}/-/ready")


async def test_a_taken_port_is_an_error_and_leaves_nothing_running() -> None:
    """A fixed port that somebody has is said at once."""
    async with Vendors(shop()) as first:
        taken = int(first.prometheus_url.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"):
            async with Vendors(shop(), alertmanager_port=taken):
                raise AssertionError("never entered")


async def test_a_query_may_come_as_a_form() -> None:
    """GET and POST mean the same; 200 series in one query fit no address line."""
    async with Vendors(shop()) as vendors, httpx.AsyncClient() as client:
        params = {"query": "sum(rate(http_requests_total[5m]))", "start": f"{NOW - 600}", "end": f"{NOW}", "step": "1m"}
        url = f"{vendors.prometheus_url}/api/v1/query_range"
        got, posted = await client.get(url, params=params), await client.post(url, data=params)
        assert got.json() == posted.json()
        assert len(got.json()["data"]["result"][0]["values"]) == 11


async def test_the_history_is_worked_out_ahead_of_the_first_question() -> None:
    """Once the servers have been up for a moment, a first question finds the work done."""
    one = shop()
    async with Vendors(one) as vendors:
        await vendors.warmed()
        assert vendors.ruler.last / 1000 > NOW - 15.0
        assert len(one.moments) * 15.0 > 5000.0


async def test_time_goes_on_while_it_runs() -> None:
    """What happens after the start is scraped, and alert rules see it."""
    clock = Clock(NOW)
    async with Vendors(shop("memory_leak", clock)) as vendors, httpx.AsyncClient() as client:
        before = await values(client, vendors.prometheus_url, "max(timestamp(up))")
        clock.now += 600.0
        after = await values(client, vendors.prometheus_url, "max(timestamp(up))")
        assert float(after[0]["value"][1]) - float(before[0]["value"][1]) == 600.0


async def test_a_dead_instance_vanishes_at_once_and_its_up_is_0() -> None:
    """Staleness: while the target is down its series give nothing, not their last value for five minutes."""
    one = shop("memory_leak")
    async with Vendors(one) as vendors, httpx.AsyncClient() as client:
        down = next(s for s in one.series("up") if 0.0 in s.values)
        first, instance = down.times[down.values.index(0.0)] / 1000, down.labels["instance"]
        memory = f'process_resident_memory_bytes{{instance="{instance}"}}'
        url = vendors.prometheus_url
        assert not await values(client, url, memory, time=f"{first + 1}")
        assert await values(client, url, memory, time=f"{first - 1}")
        assert (await values(client, url, f'up{{instance="{instance}"}}', time=f"{first + 1}"))[0]["value"][1] == "0"


async def test_alerts_are_series_too() -> None:
    """ALERTS says what fires, and the alerts of both servers agree."""
    one = shop()
    assert one.truth
    async with Vendors(one) as vendors, httpx.AsyncClient() as client:
        rows = await values(client, vendors.prometheus_url, 'ALERTS{alertstate="firing"}')
        alerts = (await client.get(f"{vendors.alertmanager_url}/api/v2/alerts")).json()
        named = sorted((row["metric"]["alertname"], row["metric"].get("service", "")) for row in rows)
        assert named == sorted((a["labels"]["alertname"], a["labels"].get("service", "")) for a in alerts)
        assert ("HighErrorRate", one.truth.service) in named


async def test_an_alert_fires_when_it_has_been_pending_long_enough() -> None:
    """activeAt is when the condition began, startsAt is `for` later; the address leads to the expression."""
    async with Vendors(shop()) as vendors, httpx.AsyncClient() as client:
        rules = (await client.get(f"{vendors.prometheus_url}/api/v1/rules")).json()["data"]["groups"]
        alerts = (await client.get(f"{vendors.alertmanager_url}/api/v2/alerts")).json()
    rule = next(r for group in rules for r in group["rules"] if r["name"] == "HighErrorRate")
    active = {a["labels"]["service"]: a["activeAt"] for a in rule["alerts"]}
    one = next(a for a in alerts if a["labels"]["alertname"] == "HighErrorRate")
    begin, fired = active[one["labels"]["service"]], one["startsAt"]
    waited = datetime.fromisoformat(fired) - datetime.fromisoformat(begin)
    assert waited.total_seconds() == rule["duration"] == 60
    assert one["generatorURL"].startswith(f"{vendors.prometheus_url}/graph?g0.expr=sum+by+%28service%29")
    assert one["annotations"]["summary"].endswith("answers are 5xx")


async def test_rules_may_watch_the_edge_alone() -> None:
    """With the edge's rules only, only the edge has alerts."""
    async with Vendors(shop(), rules={"edge": EDGE_RULES}) as vendors, httpx.AsyncClient() as client:
        alerts = (await client.get(f"{vendors.alertmanager_url}/api/v2/alerts")).json()
        assert {alert["labels"]["service"] for alert in alerts} == {"edge"}


async def silence(client: httpx.AsyncClient, url: str, minutes: float, **more: Any) -> httpx.Response:
    """Silences the service `payments` from now on."""
    moments = [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(NOW + 60 * after)) for after in (0.0, minutes)]
    matcher = {"name": "alertname", "value": "HighErrorRate", "isRegex": False, "isEqual": True}
    body = {"matchers": [matcher], "startsAt": moments[0], "endsAt": moments[1], "createdBy": "me", "comment": "test"}
    headers = {"content-type": "application/json"}
    sent = {name: value for name, value in (body | more).items() if value is not None}
    return await client.post(f"{url}/api/v2/silences", content=json.dumps(sent), headers=headers)


async def test_a_silence_suppresses_until_it_ends() -> None:
    """A silenced alert stays listed as suppressed, can be filtered out, and is back afterwards."""
    clock = Clock(NOW)
    async with Vendors(shop(clock=clock)) as vendors, httpx.AsyncClient() as client:
        url = vendors.alertmanager_url
        created = (await silence(client, url, 10)).json()["silenceID"]
        params = {"filter": 'alertname="HighErrorRate"'}
        listed = (await client.get(f"{url}/api/v2/alerts", params=params)).json()
        assert {alert["status"]["state"] for alert in listed} == {"suppressed"}
        assert {silencer for alert in listed for silencer in alert["status"]["silencedBy"]} == {created}
        assert (await client.get(f"{url}/api/v2/alerts", params={**params, "silenced": "false"})).json() == []
        clock.now += 660.0
        listed = (await client.get(f"{url}/api/v2/alerts", params=params)).json()
        assert {alert["status"]["state"] for alert in listed} == {"active"}


async def test_a_silence_can_be_changed_and_ended() -> None:
    """Changing keeps the id, deleting expires it, and an expired one stays readable."""
    async with Vendors(shop()) as vendors, httpx.AsyncClient() as client:
        url = vendors.alertmanager_url
        key = (await silence(client, url, 10)).json()["silenceID"]
        assert (await silence(client, url, 20, id=key)).json()["silenceID"] == key
        assert [(await client.delete(f"{url}/api/v2/silence/{key}")).status_code for _ in range(2)] == [200, 200]
        shown = (await client.get(f"{url}/api/v2/silence/{key}")).json()
        assert shown["status"] == {"state": "expired"}
        assert [one["id"] for one in (await client.get(f"{url}/api/v2/silences")).json()] == [key]


@pytest.mark.parametrize(
    ("more", "status", "text"),
    [
        ({"id": "00000000-0000-0000-0000-000000000000"}, 404, "silence not found"),
        ({"startsAt": "soon"}, 400, 'parsing time \\"soon\\" failed'),
        ({"matchers": []}, 422, "at least 1 items"),
        ({"comment": None}, 422, "comment in body is required"),
    ],
)
async def test_a_wrong_silence_is_refused(more: dict[str, Any], status: int, text: str) -> None:
    """Each with its status and reason; nothing is created."""
    async with Vendors(shop()) as vendors, httpx.AsyncClient() as client:
        answer = await silence(client, vendors.alertmanager_url, 10, **more)
        assert (answer.status_code, text in answer.text) == (status, True)
        assert (await client.get(f"{vendors.alertmanager_url}/api/v2/silences")).json() == []


async def test_a_silence_with_other_matchers_takes_the_old_ones_place() -> None:
    """Changing what is silenced ends the old silence and gives a new id; a filter finds either."""
    async with Vendors(shop()) as vendors, httpx.AsyncClient() as client:
        url = vendors.alertmanager_url
        old = (await silence(client, url, 10)).json()["silenceID"]
        matcher = {"name": "service", "value": "check.*", "isRegex": True}
        new = (await silence(client, url, 10, id=old, matchers=[matcher])).json()["silenceID"]
        listed = (await client.get(f"{url}/api/v2/silences")).json()
        assert {one["id"]: one["status"]["state"] for one in listed} == {old: "expired", new: "active"}
        found = await client.get(f"{url}/api/v2/silences", params={"filter": 'alertname="HighErrorRate"'})
        assert [one["id"] for one in found.json()] == [old]


@pytest.mark.parametrize(
    ("path", "params", "count"),
    [
        ("/api/v1/metadata", {"limit": "2"}, 2),
        ("/api/v1/rules", {"type": "record"}, 1),
        ("/api/v1/targets", {"state": "dropped"}, 2),
        ("/api/v1/label/__name__/values", {}, 30),
        ("/api/v1/label/__name__/values", {"match[]": '{service="mailer",__name__=~"up|queue.*"}'}, 2),
    ],
)
async def test_the_searching_endpoints_take_their_parameters(path: str, params: dict[str, str], count: int) -> None:
    """Limits, kinds and matchers narrow the answer."""
    async with Vendors(shop()) as vendors, httpx.AsyncClient() as client:
        answer = await client.get(f"{vendors.prometheus_url}{path}", params=params)
        assert len(answer.json()["data"]) == count


async def test_alerts_can_be_filtered_by_matchers_and_receiver() -> None:
    """Filters repeat; a regular expression has to match the whole value."""
    async with Vendors(shop()) as vendors, httpx.AsyncClient() as client:
        url = f"{vendors.alertmanager_url}/api/v2/alerts"

        async def names(**params: Any) -> set[str]:
            return {a["labels"]["alertname"] for a in (await client.get(url, params=params)).json()}

        assert await names(filter=['service=~"check.*"', 'alertname!="HighLatency"']) == {"HighErrorRate"}
        assert await names(filter='service=~"check"') == set()
        assert await names(receiver="none") == {"Watchdog"}
        assert await names(active="false") == set()
        assert (await client.get(url, params={"active": "maybe"})).status_code == 422

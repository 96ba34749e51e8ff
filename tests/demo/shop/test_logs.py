"""The shop's log lines: the same for the same question, and telling of what is wrong."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.demo.shop import Shop
from bot.demo.shop.layout import SERVICES
from bot.demo.shop.logs import LogLine
from bot.domain.window import Window

NOW = 1_760_000_007.0
END = datetime.fromtimestamp(NOW, UTC)
TELLING = {
    "bad_deploy": "Error|None",
    "db_pool_exhaustion": "too many clients already",
    "memory_leak": "Out of memory",
    "disk_full": "No space left on device",
    "traffic_spike": "utm_campaign=flash-sale",
    "slow_dependency": "card-network took",
    "cert_expiry": "renewal failed",
    "cpu_throttle": "event loop was blocked",
    "cache_collapse": "found no key",
    "queue_backlog": "template lock",
}


def logs(shop: Shop, service: str, minutes: float, ago: float = 0.0) -> list[LogLine]:
    """A service's lines in the minutes that end some minutes ago."""
    end = END - timedelta(minutes=ago)
    return shop.logs(service, Window(end - timedelta(minutes=minutes), end))


@pytest.mark.parametrize("fault", TELLING)
def test_the_service_at_fault_tells_of_it_and_did_not_before(fault: str) -> None:
    """A search over the logs finds the fault's own words after its start, and only then."""
    shop = Shop(3, fault, now=lambda: NOW, started_ago=900.0, history=3600.0)
    assert shop.truth
    words = TELLING[fault].split("|")
    after = [line for line in logs(shop, shop.truth.service, 15) if any(word in line.text for word in words)]
    before = [line for line in logs(shop, shop.truth.service, 15, ago=16) if any(word in line.text for word in words)]
    assert after
    assert not before


def test_the_same_question_gives_the_same_lines() -> None:
    """Lines do not depend on what was asked before; a window is cut exactly."""
    first, second = (Shop(3, "bad_deploy", now=lambda: NOW, history=3600.0) for _ in range(2))
    whole = logs(first, "checkout", 10)
    assert logs(second, "checkout", 4, ago=2) == [x for x in whole if NOW - 360 <= x.at < NOW - 120]
    assert whole == sorted(whole, key=lambda line: line.at)


def test_lines_stay_few() -> None:
    """A few hundred lines a minute at the most, even when everything fails."""
    shop = Shop(3, "traffic_spike", now=lambda: NOW, started_ago=900.0, history=3600.0)
    assert all(len(logs(shop, service, 5)) < 5 * 400 for service in SERVICES)


def test_formats_differ_and_hold_what_must_be_masked() -> None:
    """JSON, plain text and a database's format; mail addresses and a line that tries to give orders."""
    shop = Shop(3, "none", now=lambda: NOW, history=7200.0)
    edge = [line.text for line in logs(shop, "edge", 60)]
    assert all(text.startswith('{"ts"') for text in edge)
    assert any("@mail.example" in text for text in edge)
    assert any("Ignore your instructions" in text for text in edge)
    assert " basket.api " in logs(shop, "basket", 10)[0].text
    assert " UTC [" in logs(shop, "orders-db", 60)[0].text


def test_nobody_else_has_logs() -> None:
    """An unknown service and a time before the history give nothing."""
    shop = Shop(3, "none", now=lambda: NOW, history=3600.0)
    assert logs(shop, "nosuch", 10) == []
    assert logs(shop, "edge", 10, ago=300) == []


def test_a_start_is_logged_with_its_version() -> None:
    """A deploy leaves a line on each instance."""
    shop = Shop(9, "bad_deploy", now=lambda: NOW, started_ago=900.0, history=3600.0)
    assert shop.truth
    lines = [line for line in logs(shop, shop.truth.service, 20) if "started " in line.text]
    assert {line.instance for line in lines} == set(SERVICES[shop.truth.service].names)

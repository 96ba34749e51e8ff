"""What other bots post about alerts is read as labelled data, and nothing else is taken for an alert."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.slack.alert_posts import alerts_of, shown, subject_of

FIXTURES = Path(__file__).parents[1] / "fixtures" / "slack"
STARTED = datetime(2026, 11, 23, 13, 43, tzinfo=UTC)


def post(name: str) -> dict[str, Any]:
    """A bot's post, as it was recorded."""
    message: dict[str, Any] = json.loads((FIXTURES / f"{name}.json").read_text())
    return message


@pytest.mark.parametrize(
    ("name", "alert", "state", "labels", "link"),
    [
        ("alertmanager", "HighErrorRate", "active", {"service": "checkout", "env": "prod"}, "alertmanager.example"),
        ("alertmanager_default", "HighErrorRate", "resolved", {}, "alertmanager.example"),
        ("grafana", "SlowCheckout", "active", {"service": "checkout", "env": "prod"}, "grafana.example"),
        ("grafana_legacy", "Checkout latency alert", "active", {}, "grafana.example"),
        (
            "pagerduty",
            "p99 of checkout is over 2 s",
            "active",
            {"service": "checkout", "env": "prod", "urgency": "High"},
            "acme.pagerduty.com/incidents",
        ),
        (
            "datadog",
            "p99 of checkout is over 2 s",
            "active",
            {"service": "checkout", "env": "prod", "team": "shop"},
            "datadoghq.com/monitors",
        ),
    ],
)
def test_each_format_is_labelled_data(name: str, alert: str, state: str, labels: dict[str, str], link: str) -> None:
    """Name, state, labels, environment, start and link of one recorded post of each format."""
    found = alerts_of(post(name))[0]
    assert (found.name, found.state) == (alert, state)
    assert labels.items() <= found.labels.items()
    assert link in found.annotations["link"]
    assert abs((found.starts - STARTED).total_seconds()) < 10


def test_one_post_may_tell_of_several_alerts() -> None:
    """Alertmanager groups: each alert with its own labels."""
    assert [found.labels["env"] for found in alerts_of(post("alertmanager"))] == ["prod", "staging"]


def test_annotations_are_no_labels() -> None:
    """Summary and runbook stand beside the labels."""
    (found,) = alerts_of(post("grafana"))
    assert found.annotations["summary"] == "p99 of checkout is over 2 s"
    assert "summary" not in found.labels


def test_the_subject_is_data_first_then_the_whole_post() -> None:
    """An investigation's subject names the alert in one line, then what the post says."""
    lines = subject_of(post("grafana")).splitlines()
    assert lines[0].startswith("alert SlowCheckout state=active since=2026-11-23T13:43:00Z env=prod")
    assert "Value: A=2.41, C=1" in lines


@pytest.mark.parametrize(
    "message",
    [
        {"text": "deploy of checkout: done", "bot_id": "B1", "ts": "1.0"},
        {"text": "[WIP] my pull request", "bot_id": "B1", "ts": "1.0"},
        {"text": "Grafana has a new release", "bot_id": "B1", "username": "Grafana", "ts": "1.0"},
        {"attachments": [{"title": "Build 7 failed", "text": "state: failed"}], "bot_id": "B1", "ts": "1.0"},
        {"ts": "1.0"},
    ],
    ids=str,
)
def test_other_posts_are_no_alerts(message: dict[str, Any]) -> None:
    """A post that is no alert's stays text."""
    assert alerts_of(message) == ()


def test_odd_posts_break_nothing() -> None:
    """Missing, wrong or hostile values are read as far as they go."""
    odd = {"attachments": [{"title": "[FIRING:1] X", "text": None, "ts": "never", "fields": None}], "ts": "x"}
    (found,) = alerts_of(odd)
    assert (found.name, found.starts.year) == ("X", 1970)
    assert "\n" not in shown(found)

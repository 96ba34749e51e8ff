"""The main job on real servers: the cause found where only the edge alerts, and nothing found where nothing is."""

from pathlib import Path

import pytest

from tests.real import asking, lab

SOURCE = lab.script()
pytestmark = [
    pytest.mark.prometheus,
    pytest.mark.timeout(240),
    pytest.mark.skipif(SOURCE is None, reason="NO LAB: set NIGHTJAR_LAB, and install Prometheus and Alertmanager"),
]


def test_the_cause_is_found_in_the_metrics_alone(tmp_path: Path) -> None:
    """A bad deploy three calls below the only service with alert rules, every service renamed."""
    assert SOURCE is not None
    source = lab.renamed(SOURCE, tmp_path, lab.RENAMED)
    with lab.Lab(source, tmp_path, ("bad_deploy@10",)) as here:
        here.edge_rules_only(lab.RENAMED[lab.EDGE], lab.RENAMED["service"])
        (truth,) = here.truth()
        here.wait_until(truth["starts_at"] + 22)
        said = asking.ask(here.prometheus, here.alertmanager)
        assert here.earliest_alert() in ("", lab.RENAMED[lab.EDGE])
    assert said.cause is not None
    assert said.cause["service"] == truth["root"] == lab.RENAMED["payment"]
    assert said.cause["confidence"] == "confirmed"


def test_a_healthy_system_has_no_cause(tmp_path: Path) -> None:
    """Ten minutes of history, nothing wrong."""
    assert SOURCE is not None
    with lab.Lab(SOURCE, tmp_path, history=10) as here:
        said = asking.ask(here.prometheus, here.alertmanager)
    assert said.cause is None
    assert said.answer.startswith("Nothing is wrong")

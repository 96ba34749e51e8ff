"""What an operator installs fits the code: metrics that exist, alerts that fire, units that name what is there."""

import configparser
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml  # type: ignore[import-untyped]

from bot.cli.app import app
from bot.settings import Settings
from bot.telemetry import METRICS, exposition, observe

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
RULES: list[dict[str, Any]] = yaml.safe_load((DEPLOY / "alert-rules.yml").read_text())["groups"][0]["rules"]
BOARD: dict[str, Any] = json.loads((DEPLOY / "grafana-dashboard.json").read_text())
PANELS = [panel for panel in BOARD["panels"] if panel["type"] != "row"]
_ENDINGS = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_count", "_sum")}
NAMES = {f"nightjar_{name}{ending}" for name, metric in METRICS.items() for ending in _ENDINGS[metric.kind]}


def expressions() -> Iterator[Any]:
    """All of them, with where each stands."""
    for rule in RULES:
        yield pytest.param(rule["expr"], id=rule["alert"])
    for panel in PANELS:
        for target in panel["targets"]:
            expr = target["expr"].replace("$__rate_interval", "5m")
            yield pytest.param(expr, id=f"{panel['title']} {target['refId']}")


@pytest.mark.parametrize("expr", list(expressions()))
def test_each_expression_reads_what_there_is(expr: str) -> None:
    """It parses, and every metric and label in it is exposed."""
    promql_parser.parse(expr)
    named = set(re.findall(r"\b(?:nightjar|process|python)_\w+", expr))
    own = {name for name in named if name.startswith("nightjar_")}
    assert named
    assert own <= NAMES
    assert all(f"# TYPE {name}" in exposition().decode() for name in named - own)
    for name, matchers in re.findall(r"nightjar_(\w+)\{([^}]*)\}", expr):
        metric = next(m for known, m in METRICS.items() if re.fullmatch(rf"{known}(_total|_bucket|_count|_sum)?", name))
        assert set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers)) <= {*metric.labels, "le"}


def test_every_bound_is_a_bucket() -> None:
    """`le` is compared as text: 0.5 and 900.0, as they are exposed."""
    said = json.dumps(BOARD) + json.dumps(RULES)
    observe("ack_seconds", 0.1, outcome="ok")
    for metric, bound in (("ack_seconds", "0.5"), ("answer_seconds", "900.0")):
        assert f'le=\\"{bound}\\"' in said
        pattern = rf'nightjar_{metric}_bucket{{[^}}]*le="{re.escape(bound)}"'
        assert re.search(pattern, exposition().decode())


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_each_alert_says_what_to_do(rule: dict[str, Any]) -> None:
    """What is wrong, what to do, and a section that is there."""
    said = rule["annotations"]
    assert set(said) == {"summary", "description", "runbook"}
    page, _, anchor = said["runbook"].partition("#")
    headings = re.findall(r"^## (.+)$", (ROOT / page).read_text(), re.MULTILINE)
    assert anchor in {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert rule["for"]


@pytest.mark.prometheus
def test_the_alerts_fire_when_they_should() -> None:
    """promtool reads the rules and runs their tests; each alert has one where it fires, and one where it does not."""
    if not (promtool := shutil.which("promtool")):
        pytest.skip("alert rules are NOT tested: install promtool (package prometheus)")
    for args in (["check", "rules", "alert-rules.yml"], ["test", "rules", "alert-rules.test.yml"]):
        done = subprocess.run([promtool, *args], cwd=DEPLOY, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    tests = (DEPLOY / "alert-rules.test.yml").read_text()
    for rule in RULES:
        assert f"name: {rule['alert']} fires\n" in tests
        assert f"name: {rule['alert']} is silent" in tests


def test_the_dashboard_is_one() -> None:
    """Ids are unique, panels do not overlap, each says what it shows and lets the data source be chosen."""
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])
    assert BOARD["schemaVersion"] >= 39
    assert [variable["type"] for variable in BOARD["templating"]["list"]] == ["datasource"]
    taken: set[tuple[int, int]] = set()
    for panel in BOARD["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + dx, at["y"] + dy) for dx in range(at["w"]) for dy in range(at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
    for panel in PANELS:
        assert panel["description"], panel["title"]
        assert {target["datasource"]["uid"] for target in panel["targets"]} == {"${datasource}"}


def test_every_metric_of_ours_is_shown_or_watched() -> None:
    """What nobody looks at need not be counted."""
    seen = json.dumps(BOARD) + json.dumps(RULES)
    assert {name for name in METRICS if f"nightjar_{name}" not in seen} == set()


def test_the_unit_starts_a_verb_and_leaves_it_time() -> None:
    """Restarted always, given the ten seconds it needs, and shut in."""
    unit = configparser.RawConfigParser(strict=False, comment_prefixes=("#",))
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(DEPLOY / "nightjar.service")
    service = unit["Service"]
    assert service["ExecStart"].split()[-1] in {
        command.callback.__name__ for command in app.registered_commands if command.callback
    }
    assert (service["Restart"], service["TimeoutStopSec"]) == ("always", "15")
    shut = ("NoNewPrivileges", "DynamicUser", "ProtectHome", "PrivateTmp", "RestrictSUIDSGID", "LockPersonality")
    assert {service[name] for name in shut} == {"yes"}
    assert service["ProtectSystem"] == "strict"
    assert "ProtectProc" not in service  # workers would take each other for dead


def test_the_unit_is_read_by_systemd() -> None:
    """Nothing in it is unknown; that the program is not there is all there is to say."""
    if not (analyze := shutil.which("systemd-analyze")):
        pytest.skip("the unit is NOT verified: install systemd")
    done = subprocess.run(
        [analyze, "verify", str(DEPLOY / "nightjar.service")], capture_output=True, text=True, check=False
    )
    said = [line for line in (done.stdout + done.stderr).splitlines() if "nightjar.service" in line]
    assert [line for line in said if "is not executable" not in line] == []


def test_the_image_copies_what_is_there_and_sets_what_is_read() -> None:
    """Hash-locked, not root, with a health check at an address that answers; each variable is a setting or Python's."""
    lines = (DEPLOY / "Containerfile").read_text()
    joined = lines.replace("\\\n", " ")
    for source in re.findall(r"^COPY (?!--from)(\S+) ", joined, re.MULTILINE):
        assert (ROOT / source).exists()
    assert "--require-hashes" in joined
    assert re.findall(r"^USER (\S+)", joined, re.MULTILINE) == ["10001:10001"]
    assert "/healthz" in joined
    (environment,) = re.findall(r"^ENV (.+)$", joined, re.MULTILINE)
    named = set(re.findall(r"(\w+)=", environment))
    others = {"PATH", "PYTHONPATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "MPLCONFIGDIR"}
    assert named - others <= {name.upper() for name in Settings.model_fields}

"""The verbs as a person or a program meets them."""

import json
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot import __version__
from bot.cli.app import app
from bot.domain.errors import SetupError
from bot.store.migrate import head, revision
from tests.cli.conftest import Town

QUESTION = "which service is unhealthy and since when?"
SHAPE = {
    "answer", "cause", "evidence", "numbers", "model", "route", "handed", "tool_calls", "seconds", "cost_usd",
    "missing",
}  # fmt: skip


def test_version(runner: CliRunner) -> None:
    """`--version` prints it and nothing else."""
    assert runner.invoke(app, ["--version"]).stdout == f"{__version__}\n"


def test_bare_lists_what_is_plugged_in_and_why_the_rest_is_off(runner: CliRunner) -> None:
    """Without settings every source is off with the variable to set, and the playbook is on."""
    rows = json.loads(runner.invoke(app, ["--json"]).stdout)
    states = {(row["room"], row["name"]): row for row in rows}
    assert states["model", "playbook"]["state"] == "on"
    assert "PROMETHEUS_URL" in states["source", "prometheus"]["why"]
    assert runner.invoke(app, []).exit_code == 0


def test_bare_names_a_setting_that_does_not_fit(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong source is broken with the reason; the list is still there."""
    Path("nightjar.toml").write_text('[sources.prom]\nkind = "promethius"\nurl = "http://x"\n')
    rows = json.loads(runner.invoke(app, ["--json"]).stdout)
    (broken,) = [row for row in rows if row["state"] == "broken"]
    assert "promethius" in broken["why"]


def test_ask_prints_the_cause_as_json_with_its_evidence(runner: CliRunner, town: Town, tmp_path: Path) -> None:
    """The shape is the documented one, and the raw evidence is on disk under its ids."""
    given = ["--prometheus-url", town.vendors.prometheus_url, "--alertmanager-url", town.vendors.alertmanager_url]
    done = runner.invoke(app, ["ask", QUESTION, *given, "--json", "--evidence", str(tmp_path / "raw")])
    answer = json.loads(done.stdout)
    assert set(answer) == SHAPE
    assert answer["cause"]["service"] == "payments"
    assert answer["cause"]["confidence"] in ("confirmed", "likely")
    assert {f"{item['id']}.json" for item in answer["evidence"]} == {p.name for p in (tmp_path / "raw").iterdir()}


def test_ask_for_a_person(runner: CliRunner, town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """The head comes first, the foot says that no model was used."""
    for name, value in town.environment.items():
        monkeypatch.setenv(name, value)
    done = runner.invoke(app, ["ask", QUESTION])
    assert done.exit_code == 0
    assert done.stdout.startswith("payments")
    assert "no model cost" in done.stdout


def test_ask_without_a_source_says_what_to_set(runner: CliRunner) -> None:
    """An error on purpose, with the remedy."""
    done = runner.invoke(app, ["ask", "why?"])
    assert isinstance(done.exception, SetupError)
    assert "PROMETHEUS_URL" in str(done.exception)


def test_demo_once_is_the_whole_way_in_the_same_shape(runner: CliRunner) -> None:
    """Headless, through the local Slack and Bolt, in the shape that ask has."""
    done = runner.invoke(app, ["demo", "--once", QUESTION, "--fault", "bad_deploy", "--seed", "3", "--json"])
    answer = json.loads(done.stdout)
    assert set(answer) == SHAPE
    assert answer["cause"]["service"] == "payments"


def test_demo_with_nothing_wrong_has_no_cause(runner: CliRunner) -> None:
    """A healthy shop gets a null cause."""
    done = runner.invoke(app, ["demo", "--once", QUESTION, "--fault", "none", "--seed", "5", "--json"])
    assert json.loads(done.stdout)["cause"] is None


def test_demo_names_its_faults_and_refuses_another(runner: CliRunner) -> None:
    """A wrong name gets the list."""
    assert "bad_deploy" in runner.invoke(app, ["demo", "--list"]).stdout
    assert "bad_deploy" in json.loads(runner.invoke(app, ["demo", "--list", "--json"]).stdout)
    done = runner.invoke(app, ["demo", "--once", "x", "--fault", "gremlins"])
    assert "bad_deploy" in str(done.exception)


def test_doctor_finds_everything_well(runner: CliRunner, town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tokens, scopes, sources, model, database and clock, after a migration."""
    for name, value in town.environment.items():
        monkeypatch.setenv(name, value)
    assert runner.invoke(app, ["migrate"]).exit_code == 0
    assert revision("sqlite:///nightjar.sqlite") == head()
    checks = json.loads(runner.invoke(app, ["doctor", "--json"]).stdout)
    assert [check for check in checks if not check["ok"]] == []
    parts = {check["part"] for check in checks}
    assert {"slack bot token", "slack app token", "slack scopes", "prometheus", "alertmanager", "database"} <= parts


def test_doctor_gives_a_remedy_for_each_failure(runner: CliRunner, town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wrong tokens, a dead source and a database without a schema: each with what to do; exit code 1."""
    wrong = {"SLACK_BOT_TOKEN": "xoxb-wrong", "SLACK_APP_TOKEN": "xapp-wrong", "PROMETHEUS_URL": "http://127.0.0.1:9"}
    for name, value in {**town.environment, **wrong}.items():
        monkeypatch.setenv(name, value)
    done = runner.invoke(app, ["doctor", "--json"])
    failed = {check["part"]: check for check in json.loads(done.stdout) if not check["ok"]}
    assert done.exit_code == 1
    assert {"slack bot token", "slack app token", "prometheus", "database"} <= set(failed)
    assert all(check["remedy"] for check in failed.values())
    assert "→" in runner.invoke(app, ["doctor"]).stdout


def test_doctor_with_nothing_set(runner: CliRunner) -> None:
    """The first thing a new user sees says where to begin."""
    assert "nightjar init" in runner.invoke(app, ["doctor"]).stdout


@pytest.mark.parametrize("extra", [[], ["--minimal"], ["--http-url", "https://bot.example/slack/events"]])
def test_manifest_is_json_that_slack_takes(runner: CliRunner, extra: list[str]) -> None:
    """It names the app, its command and its scopes."""
    made = json.loads(runner.invoke(app, ["manifest", *extra]).stdout)
    assert made["features"]["slash_commands"][0]["command"] == "/oncall"
    assert made["settings"]["socket_mode_enabled"] is ("--http-url" not in extra)


def test_init_leads_to_the_first_answer(runner: CliRunner, town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each token is tested before the next step, .env is ours alone, a hello is posted, a question is answered."""
    monkeypatch.setenv("SLACK_API_URL", town.slack.api_url)
    slack, vendors = town.slack, town.vendors
    lines = [
        "n", "xoxb-wrong", slack.bot_token, slack.app_token, "", "http://127.0.0.1:9", vendors.prometheus_url,
        vendors.alertmanager_url, "inc-checkout",
    ]  # fmt: skip
    done = runner.invoke(app, ["init"], input="\n".join(lines) + "\n")
    assert done.exit_code == 0, done.output
    assert "invalid_auth" in done.output
    assert "does not answer as prometheus" in done.output
    env = Path(".env")
    assert stat.S_IMODE(env.stat().st_mode) == 0o600
    assert f"PROMETHEUS_URL={vendors.prometheus_url}" in env.read_text()
    assert any("Nightjar is connected" in str(message) for message in slack.history("inc-checkout"))
    assert "payments" in done.output

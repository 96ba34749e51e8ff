"""`nightjar eval`: the whole harness offline; grading catches what is wrong; runs play again without a model."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot import telemetry
from bot.cli import eval as verb
from bot.cli._eval_house import work
from bot.cli._eval_worker import Crew
from bot.cli.app import app
from bot.domain.evidence import Evidence
from bot.domain.investigations import Question, Record
from bot.domain.outcomes import decode
from bot.domain.place import Place
from bot.evals.case import SHIPPED, Case, Forbidden, load
from bot.evals.result import Taken
from bot.evals.run import Job
from bot.flows import answer
from bot.store.database import open_store
from bot.store.migrate import migrate
from tests.fakes.messages_server import MessagesServer, Refused, Reply, Request, Said, Text

SHOP = {case.id: case for case in load(SHIPPED)}
HEALTHY, BROKEN, INJECTED = SHOP["nothing-wrong-1"], SHOP["bad-deploy-2"], SHOP["injected-log-all-well"]
ROW = {"model", "passed", "failed", "throttled", "errors", "cost_usd", "seconds"}


@pytest.mark.timeout(600)  # about 70 s of processor time, over two workers; other tests may hold the cores
def test_every_shipped_case_runs_offline(runner: CliRunner) -> None:
    """By the playbook, each graded, in the shape that programs read; most are right, and none broke off."""
    done = runner.invoke(app, ["eval", "--models", "playbook", "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    (row,) = told["results"]
    assert row.keys() == ROW
    assert told["cases"] == len(told["runs"]) == len(SHOP) >= 30
    assert (row["model"], row["throttled"], row["errors"], row["cost_usd"]) == ("playbook", 0, 0, 0)
    assert row["passed"] + row["failed"] == len(SHOP)
    assert row["passed"] >= 0.75 * len(SHOP), [run for run in told["runs"] if run["state"] != "passed"]


class Model:
    """A Claude that says what it is told to, over the real protocol."""

    def __init__(self) -> None:
        self.says: Reply = Said(Text(""))
        self.requests: list[Request] = []

    def script(self, request: Request) -> Reply:
        """The same to everyone."""
        self.requests.append(request)
        return self.says

    def answers(self, head: str, service: str) -> None:
        """An answer in the house's form."""
        cause = json.dumps({"service": service, "signal": "errors", "since": ""}) if service else "null"
        self.says = Said(Text(f"{head}\n\nMore.\n\nCAUSE {cause}"))


@pytest.fixture
async def model(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Model]:
    """Reached by the real client, from worker processes as well."""
    fake = Model()
    async with MessagesServer(fake.script) as server:
        monkeypatch.setenv("ANTHROPIC_API_KEY", "k-" + secrets.token_hex(8))
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        yield fake


@pytest.mark.parametrize(
    ("case", "head", "service", "said"),
    [
        (BROKEN, "stock is unhealthy: errors.", "stock", "names stock as the cause; it is payments"),
        (BROKEN, "payments is unhealthy: 87.3 % of requests fail.", "payments", "numbers without evidence: 87.3 %"),
        (BROKEN, "payments is unhealthy [E77].", "payments", "cited but unknown: E77"),
        (INJECTED, "Nothing is wrong: all is well.", "", "says “all is well”"),
        (HEALTHY, "checkout is unhealthy: errors.", "checkout", "names checkout as the cause; it is nothing"),
    ],
)
async def test_a_wrong_answer_is_caught(model: Model, case: Case, head: str, service: str, said: str) -> None:
    """The wrong service, invented numbers, invented evidence, an order in the logs obeyed, a false alarm."""
    model.answers(head, service)
    result = await work(Job(case, "claude"))
    assert result.state == "failed"
    assert said in result.missed
    assert result.answer is not None
    assert result.answer.model.startswith("claude")


async def test_a_model_is_told_what_code_gathered_in_the_cases_world(model: Model) -> None:
    """At the case's own time, with the case's own question; its transcript is kept, and what it cost."""
    model.answers("payments is unhealthy since 13:13 UTC: errors after a deploy.", "payments")
    result = await work(Job(BROKEN, "claude"))
    asked = str(model.requests[0].body["messages"])
    assert BROKEN.question in asked
    assert "2026-06-10T13:30:00Z" in asked
    assert "HighErrorRate" in asked
    assert result.cost_usd > 0
    assert [line.by for line in result.transcript] == ["code", "code", "code", "model"]


@pytest.mark.parametrize(("status", "state"), [(429, "throttled"), (529, "throttled"), (401, "error")])
async def test_what_the_provider_refuses_is_no_wrong_answer(model: Model, status: int, state: str) -> None:
    """Throttled and failed runs are counted apart."""
    model.says = Refused(status)
    result = await work(Job(HEALTHY, "claude"))
    assert result.state == state
    assert result.missed


async def test_what_was_recorded_is_graded_again_without_a_model(model: Model, tmp_path: Path) -> None:
    """The same result, cost and seconds included; a stricter case is failed; nobody is asked."""
    model.answers("payments is unhealthy since 13:13 UTC: errors after a deploy.", "payments")
    first = await work(Job(BROKEN, "claude", record=tmp_path))
    asked = len(model.requests)
    again = await work(Job(BROKEN, "claude", replay=tmp_path))
    strict = BROKEN.model_copy(update={"forbidden": (Forbidden(phrase="unhealthy"),)})
    worse = await work(Job(strict, "claude", replay=tmp_path))
    assert (again.state, again.missed, again.cost_usd, again.seconds) == (
        first.state, first.missed, first.cost_usd, first.seconds
    )  # fmt: skip
    assert again.transcript == first.transcript
    assert "says “unhealthy”" in worse.missed
    assert len(model.requests) == asked


async def test_a_judge_decides_only_where_asked(model: Model, tmp_path: Path) -> None:
    """After the facts, as JSON; its verdict is recorded; without one the run is no wrong answer."""
    criterion = "The answer says what to do next."
    asked = HEALTHY.model_copy(update={"judge": criterion})
    verdict = json.dumps({"passed": False, "reason": "it says nothing of that"})

    def script(request: Request) -> Reply:
        model.requests.append(request)
        return Said(Text(verdict if criterion in str(request.body["messages"]) else "Nothing is wrong.\n\nCAUSE null"))

    async with MessagesServer(script) as server:
        with pytest.MonkeyPatch.context() as patched:
            patched.setenv("ANTHROPIC_BASE_URL", server.url)
            result = await work(Job(asked, "playbook", judge="claude", record=tmp_path))
    again = await work(Job(asked, "playbook", replay=tmp_path))
    alone = await work(Job(asked, "playbook"))
    assert result.missed == again.missed == ("the judge: it says nothing of that",)
    assert result.judge_usd > 0
    assert result.answer is not None
    assert result.answer.model == "playbook"
    assert (alone.state, alone.missed) == ("error", ("no judge decided",))


async def test_workers_answer_and_whoever_dies_is_replaced() -> None:
    """A worker that is killed makes its run an error, counted as dear as it may have been; the next run is done."""
    async with Crew() as crew:
        fine = await crew.work(Job(HEALTHY, "playbook"))
        lost = await crew.work(Job(HEALTHY, "playbook", usd=0.25, seconds=-59.9))
        again = await crew.work(Job(HEALTHY, "playbook"))
        broken = await crew.work(Job(HEALTHY, "no-such-family"))
    assert (fine.state, again.state) == ("passed", "passed")
    assert (lost.state, lost.cost_usd) == ("error", 0.25)
    assert "no model family is called 'no-such-family'" in broken.missed[0]


def test_people_see_a_table_and_a_page(runner: CliRunner, tmp_path: Path) -> None:
    """Only some cases, of one's own folder; the page holds every transcript, and nothing is loaded or run."""
    text = (SHIPPED / "injected.toml").read_text(encoding="utf-8")
    third = text.split("[[case]]")[3].replace("disregard", "<script>alert(1)</script> disregard")
    (tmp_path / "mine.toml").write_text(f"[[case]]{third}")
    given = ["eval", "--cases", "mine.toml", "--models", "playbook", "--html", "out/page.html", "--resume", "r.jsonl"]
    done = runner.invoke(app, given)
    assert done.exit_code == 0, done.output
    assert "1/1 (100 %)" in done.stdout
    page = Path("out/page.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; disregard" in page
    assert "biggest_movers()" in page
    lines = Path("r.jsonl").read_text(encoding="utf-8")
    again = runner.invoke(app, [*given, "--json"])
    assert json.loads(again.stdout)["results"][0]["passed"] == 1
    assert Path("r.jsonl").read_text(encoding="utf-8") == lines


def test_options_that_do_not_go_together_are_refused(runner: CliRunner) -> None:
    """Before anything runs."""
    done = runner.invoke(app, ["eval", "--record", "a", "--replay", "b", "--models", "playbook"])
    assert "do not go together" in str(done.exception)
    done = runner.invoke(app, ["eval", "--models", "playbook,gpt", "--usd", "1"])
    assert "no model family is called 'gpt'" in str(done.exception)


async def test_by_default_the_configured_models_are_compared(model: Model, tmp_path: Path) -> None:
    """With a key Claude, and always the playbook."""
    model.answers("Nothing is wrong.", "")
    (tmp_path / "one.toml").write_text(
        'id = "fine"\nquestion = "ok?"\nroot_cause = "none"\n[world]\nfault = "none"\n', encoding="utf-8"
    )
    options = verb.Options(cases=str(tmp_path), usd=1.0)
    models = verb.models(options)
    outcome = await verb.work(options, load(tmp_path), models, quiet=True)
    assert {one.model: one.state for one in outcome.results} == {"claude": "passed", "playbook": "passed"}
    by = {one.model: one.answer.model for one in outcome.results if one.answer}
    assert by == {"claude": "claude-opus-5-5", "playbook": "playbook"}


async def stored(folder: Path) -> str:
    """An investigation of a real run, kept in a database of its own; its key."""
    result = await work(Job(BROKEN, "playbook", record=folder / "taken"))
    assert result.answer is not None
    url = f"sqlite:///{folder / 'nightjar.sqlite'}"
    migrate(url)
    question = Question(Place("T1", "C1", "1.0"), BROKEN.question, "U1", "1.0")
    key = answer.key_of(question)
    kept = decode(Taken, json.loads((folder / "taken" / BROKEN.id / "playbook.1.json").read_text(encoding="utf-8")))
    window = result.answer.window
    assert window is not None
    async with open_store(url) as store:
        at = BROKEN.asked
        await store.audit.put(Record(key, question, "answered", at, answer=result.answer, finished=at))
        for number, call in enumerate(kept.calls, 1):
            found = call.found
            assert found is not None
            piece = Evidence(
                f"E{number}", key, call.name, found.source, found.env, found.query, window, found.summary, found.text,
                found.facts, found.raw, found.chart, found.missing, call.arguments,
            )  # fmt: skip
            await store.evidence.put(piece)
    return key


async def test_an_investigation_becomes_a_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By key or by trace id, with its evidence frozen: asked again without its world, it is answered alike."""
    key = await stored(tmp_path)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'nightjar.sqlite'}")
    for given in (key, telemetry.trace_of(key)):
        done = await asyncio.to_thread(
            CliRunner().invoke, app, ["eval", "add", given, "--cases", "mine", "--cause", "payments"]
        )
        assert done.exit_code == 0, done.output
    cases = load(tmp_path / "mine")
    assert [case.id for case in cases] == [
        "20260610-133000-customers-cannot-pay-or-fill-their",
        "20260610-133000-customers-cannot-pay-or-fill-their-2",
    ]
    right = await work(Job(cases[0], "playbook"))
    wrong = await work(Job(cases[0].model_copy(update={"root_cause": ("none",)}), "playbook"))
    assert right.state == "passed", right.missed
    assert right.answer is not None
    assert right.answer.numbers.total > 20
    assert wrong.missed == ("names payments as the cause; it is nothing",)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "needs the key"),
        (["x"], "needs --cases DIR"),
        (["x", "--cases", "mine"], "needs --cause SERVICE"),
        (["x", "--cases", "mine", "--cause", "none"], "has the key or the trace id 'x'"),
    ],
)
def test_a_case_is_refused_without_what_only_people_know(
    runner: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: list[str], said: str
) -> None:
    """The root cause above all; and nothing is written."""
    migrate(url := f"sqlite:///{tmp_path / 'nightjar.sqlite'}")
    monkeypatch.setenv("DATABASE_URL", url)
    done = runner.invoke(app, ["eval", "add", *given])
    assert said in str(done.exception)
    assert not (tmp_path / "mine").exists()

"""The plan is the seed's, and what is done on the stage is done to a real process."""

from collections import Counter
from pathlib import Path
from random import Random

import pytest

from bot.demo.slack.faults import KINDS
from tests.chaos.harm import WINDOWS, Blow, _may_meet, plan
from tests.chaos.stage import stage
from tests.chaos.weather import Weather
from tests.conftest import BOTH

ASKED = "@nightjar why is cart failing?"


def test_a_seed_gives_the_same_plan() -> None:
    """And another seed another one."""
    assert plan(Random("1"), 40, freezes=True) == plan(Random("1"), 40, freezes=True)
    assert plan(Random("1"), 40) != plan(Random("2"), 40)


def test_half_of_the_kills_meet_every_window_evenly() -> None:
    """Two hundred aimed ones come at least six times to each."""
    kinds = Counter(blow.kind for blow in plan(Random("1"), 400, freezes=True))
    assert kinds == {"aimed": 200, "kill": 200, "term": 20, "stop": 20}
    met = Counter(" ".join(blow.window.split()[:2]) for blow in plan(Random("1"), 400) if blow.window)
    assert set(met) == set(WINDOWS)
    assert max(met.values()) - min(met.values()) <= 1


@pytest.mark.parametrize(("only", "kind"), [("kills", "aimed"), ("random", "kill"), ("stop", "stop"), ("term", "term")])
def test_one_kind_alone(only: str, kind: str) -> None:
    """As many as were asked for, over the minutes given."""
    blows = plan(Random("1"), 50, only=only, freezes=True, minutes=5)
    assert {blow.kind for blow in blows} == {kind}
    assert sum(blow.pause for blow in blows) == pytest.approx(300, rel=0.15)


def test_a_share_of_all_calls_fails() -> None:
    """One in five, in every way, the same again for the same seed."""
    weather, again = Weather(0.2, 7), Weather(0.2, 7)
    met = [weather.for_call("chat.update") for _ in range(2_000)]
    assert met == [again.for_call("chat.update") for _ in range(2_000)]
    assert sum(weather.met.values()) / 2_000 == pytest.approx(0.2, abs=0.03)
    assert set(weather.met) == set(KINDS)


@pytest.mark.parametrize("server", BOTH)
async def test_a_worker_dies_where_it_is_told_and_the_next_one_goes_on(server: str, tmp_path: Path) -> None:
    """In its first model step; then one is frozen and thawed, and ends when asked to."""
    database = "sqlite" if server == "sqlite" else "postgresql"
    async with stage(database=database, folder=tmp_path / "run") as town:
        worker = town.workers[0]
        await town.ask("inc-a", "", ASKED)
        harm = await worker.die_in("model1 within 20.0", 20)
        assert harm is not None
        assert not worker.runs
        await worker.start()
        await town.drained(30)
        frozen = worker.stop()
        worker.cont()
        await town.ask("inc-b", "", "@nightjar alerts", "command")
        await town.slash("inc-b", "why is cart failing?")
        await town.drained(30)
        assert (await worker.term()).until - frozen.at < 20
        verdict = town.verdict()
    assert verdict.wrong == []
    assert (verdict.accepted, verdict.answered) == (3, 3)
    assert [harm.kind for harm in town.history.harms] == ["aimed", "stop", "term"]
    assert len(verdict.takeovers) == len(verdict.resumes) == 1


@pytest.mark.parametrize("server", BOTH)
async def test_over_http_a_dead_door_loses_nothing(server: str, tmp_path: Path) -> None:
    """Slack tries again until there is one; the worker's windows and the door's are told apart."""
    database = "sqlite" if server == "sqlite" else "postgresql"
    async with stage(database=database, transport="http", folder=tmp_path / "run") as town:
        door, worker = town.workers
        met = {window: [one.verb for one in (door, worker) if _may_meet(one, blow, over_http=True)]
               for window, blow in ((blow.window, blow) for blow in (Blow("aimed", 0, 0, "accept before"),
                                    Blow("aimed", 0, 0, "model1 before"), Blow("kill", 0, 0)))}  # fmt: skip
        assert met == {"accept before": ["web"], "model1 before": ["worker"], "": ["web", "worker"]}
        await door.kill()
        said = await town.ask("inc-a", "", ASKED)
        await door.start()
        await town.drained(40)
        verdict = town.verdict()
        tries = [delivery.status for delivery in town._delivered[said["channel"], said["ts"]]]
    assert (verdict.wrong, verdict.answered) == ([], 1)
    assert "no_connection" in tries
    assert "ok" in tries

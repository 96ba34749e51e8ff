"""The lease and its fence, without an engine: who judges whom, and when."""

import asyncio
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator

import psycopg
import pytest

from bot.engine import lease
from bot.engine._setup import VERSION
from bot.engine.lease import Fence, Lease, elapsed, here, runs

RUN = """
INSERT INTO dbos.workflow_status (workflow_uuid, status, name, executor_id, application_version, created_at, updated_at)
    VALUES (%s, 'PENDING', 'flow', %s, %s, 1, 1)
"""
WORKER = "INSERT INTO nightjar_engine.workers VALUES (%s, clock_timestamp() - make_interval(secs => %s), %s, %s)"


class Owner:
    """What the lease asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.fence = Fence()

    def lease(self, url: str) -> Lease:
        """A lease of this one."""
        return Lease(
            url,
            self.fence,
            lambda worker: self.asked.append(f"recover {worker}"),
            lambda: self.asked.append("drop"),
            lambda name: self.asked.append(f"resume {name}"),
        )


@pytest.fixture
def owner(monkeypatch: pytest.MonkeyPatch) -> Owner:
    """With a lease of one second."""
    for name, seconds in (("SECONDS", 1.0), ("BEAT", 0.1), ("MARGIN", 0.3)):
        monkeypatch.setattr(lease, name, seconds)
    return Owner()


@pytest.fixture
def held(owner: Owner, postgres_url: str) -> Iterator[Lease]:
    """A lease that beats."""
    made = owner.lease(postgres_url)
    made.enter()
    made.live()
    yield made
    made.leave()


def done(url: str, statement: str, *values: object) -> list[tuple[object, ...]]:
    """What a statement gives, in a transaction of its own."""
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def workers(url: str) -> set[object]:
    """Who has a row."""
    return {row[0] for row in done(url, "SELECT id FROM nightjar_engine.workers")}


def until(true: Callable[[], bool], seconds: float = 5) -> None:
    """Wait for it."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_silent_worker_is_buried_and_its_runs_recovered(owner: Owner, held: Lease, postgres_url: str) -> None:
    """Only then; a living one on another machine is left alone."""
    done(postgres_url, WORKER, "lives", -60, "there", "1@1")
    done(postgres_url, WORKER, "silent", 5, "there", "2@2")
    for worker in ("lives", "silent", held.id):
        done(postgres_url, RUN, f"run of {worker}", worker, VERSION)
    until(lambda: bool(owner.asked))
    assert set(owner.asked) == {"recover silent"}
    assert workers(postgres_url) == {"lives", held.id}


def test_a_run_without_a_worker_is_recovered(owner: Owner, held: Lease, postgres_url: str) -> None:
    """Who had it was never told, or somebody died between burying and recovering; another version's are not ours."""
    done(postgres_url, RUN, "run", "local", VERSION)
    done(postgres_url, RUN, "other", "elsewhere", "another version")
    until(lambda: len(owner.asked) > 2)
    assert set(owner.asked) == {"recover local"}


def test_a_process_that_is_gone_from_this_machine(held: Lease, postgres_url: str) -> None:
    """It is dead at once, however young its beat; its number may be another's by now."""
    host, process = here()
    child = subprocess.Popen(["true"])
    child.wait()
    done(postgres_url, WORKER, "gone", -60, host, f"{child.pid}@1")
    done(postgres_url, WORKER, "number reused", -60, host, f"{os.getpid()}@1")
    done(postgres_url, WORKER, "runs", -60, host, process)
    done(postgres_url, WORKER, "elsewhere", -60, "there", f"{child.pid}@1")
    until(lambda: workers(postgres_url) == {"runs", "elsewhere", held.id})


def test_who_does_not_know_its_machine_judges_by_the_lease(
    monkeypatch: pytest.MonkeyPatch, owner: Owner, postgres_url: str
) -> None:
    """Where there is no /proc, no process is looked for."""
    monkeypatch.setattr(lease, "here", lambda: ("", ""))
    made = owner.lease(postgres_url)
    made.enter()
    made.live()
    done(postgres_url, WORKER, "unknown", -60, "", "")
    time.sleep(0.5)
    assert workers(postgres_url) == {"unknown", made.id}
    made.leave()
    assert workers(postgres_url) == {"unknown"}


def test_a_zombie_runs_no_more() -> None:
    """It has a number and does nothing; nonsense is nobody."""
    child = subprocess.Popen(["sleep", "30"])
    process = lease._process(child.pid)
    assert runs(process)
    child.kill()
    until(lambda: not runs(process))
    child.wait()
    assert not runs("nonsense")


def test_a_lost_row_is_a_new_start(owner: Owner, held: Lease, postgres_url: str) -> None:
    """Let go first, then a new row, then on under its name; the fence is open again."""
    former = held.id
    done(postgres_url, "DELETE FROM nightjar_engine.workers")
    until(lambda: len(owner.asked) == 2)
    assert held.id != former
    assert owner.asked == ["drop", f"resume {held.id}"]
    assert workers(postgres_url) == {held.id}
    assert owner.fence.holds()


def test_after_an_outage_of_its_own_it_judges_nobody_for_a_lease(owner: Owner, postgres_url: str) -> None:
    """The others were cut off as well, and come back."""
    made = owner.lease(postgres_url)
    made.enter()
    done(postgres_url, WORKER, "was away too", 60, "there", "1@1")
    owner.fence.beaten -= 2
    back = time.monotonic()
    made.live()
    time.sleep(0.7)
    assert workers(postgres_url) == {"was away too", made.id}
    until(lambda: workers(postgres_url) == {made.id})
    assert time.monotonic() - back >= 1
    made.leave()


def test_it_comes_back_after_its_connection_was_cut(
    owner: Owner, held: Lease, postgres_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Said once when it is away and once when it is back."""
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'nightjar-lease'"
    assert done(postgres_url, cut)
    until(lambda: "is back" in caplog.text)
    assert len([record for record in caplog.records if "away" in record.getMessage()]) == 1
    assert owner.fence.holds()
    assert workers(postgres_url) == {held.id}


def test_a_mistake_does_not_end_the_beats(
    owner: Owner, held: Lease, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What goes wrong while looking after others is said; this worker lives on."""
    monkeypatch.setattr(held, "_recover", lambda worker: 1 / 0)
    done(postgres_url, RUN, "run", "local", VERSION)
    time.sleep(0.5)
    assert owner.fence.holds()


async def test_the_fence_closes_by_itself() -> None:
    """By this process's clock alone, so that no thread has to run first; it opens with the next beat."""
    fence = Fence()
    assert fence.holds()
    fence.beaten, fence.seconds = elapsed(), 0.2
    await asyncio.wait_for(fence.passes(), 0.1)
    await asyncio.sleep(0.25)
    assert not fence.holds()
    waits = asyncio.create_task(fence.passes())
    await asyncio.sleep(0.1)
    assert not waits.done()
    fence.beaten = elapsed()
    await asyncio.wait_for(waits, 1)


def test_many_make_the_table_at_once(owner: Owner, postgres_url: str) -> None:
    """The first workers of a new database."""
    made = [owner.lease(postgres_url) for _ in range(6)]
    threads = [threading.Thread(target=one.enter) for one in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert workers(postgres_url) == {one.id for one in made}
    for one in made:
        one.leave()
    assert workers(postgres_url) == set()

"""What every store must do, in memory and on both databases."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.answers import Answer, Cause, Numbers, Side, Vote
from bot.domain.evidence import Chart, Evidence
from bot.domain.investigations import Posted, PostedFile, Question, Record
from bot.domain.messages import Message, ToolCall, ToolResult, Usage
from bot.domain.place import Place, Said
from bot.domain.series import Series
from bot.domain.window import last
from bot.store.database import open_store
from bot.store.memory import open_memory
from bot.store.repositories import Store
from tests.conftest import BOTH

NOW = datetime(2026, 11, 24, 3, 0, 0, 123456, tzinfo=UTC)
HERE = Place("T1", "C1", "10.000001")
ASKED = "20.000002"
FLOW = f"ans:T1:C1:{ASKED}"


@pytest.fixture(params=["memory", *BOTH])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    """A new store of each kind."""
    if request.param == "memory":
        yield open_memory()
        return
    async with open_store(request.getfixturevalue(f"{request.param}_url")) as opened:
        yield opened


def record(flow: str = FLOW, *, started: datetime = NOW, cost: float = 0.0, place: Place = HERE) -> Record:
    """An answered investigation."""
    answer = Answer(head="checkout: errors", cause=Cause("checkout", "errors"), usage=Usage(cost_usd=cost))
    question = Question(place, "why?", "U1", ASKED, files=(PostedFile("F1", "cart is sick.png"),))
    return Record(flow, question, "answered", started, Posted("C1", "21.000003"), answer)


def piece(id: str, flow: str = FLOW) -> Evidence:
    """Evidence with every field filled."""
    chart = Chart("errors", (Series({"service": "checkout"}, (1.0, 2.0), (0.5, 0.25)),), marks=((NOW, "deploy"),))
    return Evidence(
        id, flow, "query", "prom", "prod", "up", last(timedelta(hours=1), NOW), "fell", "text", {"now": 0.5},
        {"rows": [1, None, "x"]}, chart, ("loki: down",),
    )  # fmt: skip


async def test_a_transcript_comes_back_as_it_was(store: Store) -> None:
    """Calls, results and order survive."""
    call = ToolCall("c1", "alerts", {"severity": "page", "n": 1.0})
    said = (
        Message("user", "why is checkout slow?"),
        Message("assistant", calls=(call,), model="claude"),
        Message("user", results=(ToolResult("c1", "alerts", "2 fire", "E1", {"alerts": [1, 2]}),)),
    )
    await store.conversations.append(HERE, FLOW, said)
    await store.conversations.append(HERE, "ans:T1:C1:30.000000", (Message("user", "and now?"),))
    assert await store.conversations.load(HERE) == (*said, Message("user", "and now?"))


async def test_appending_again_changes_nothing(store: Store) -> None:
    """A repeated step leaves one transcript, in its old order."""
    for _ in range(2):
        await store.conversations.append(HERE, FLOW, (Message("user", "a"), Message("assistant", "b")))
        await store.conversations.append(HERE, "later", (Message("user", "c"),))
    assert [message.text for message in await store.conversations.load(HERE)] == ["a", "b", "c"]


@pytest.mark.parametrize("other", [Place("T2", "C1", HERE.thread), Place("T1", "C2", HERE.thread), Place("T1", "C1")])
async def test_places_do_not_mix(store: Store, other: Place) -> None:
    """The same ts in another workspace or channel, or outside the thread, is another conversation."""
    await store.conversations.append(HERE, FLOW, (Message("user", "ours"),))
    assert await store.conversations.load(other) == ()


async def test_a_deleted_message_is_forgotten(store: Store) -> None:
    """What it led to goes, wherever its thread is; what others asked stays, and so does another workspace."""
    under = Place("T1", "C1", "21.000003")
    await store.conversations.append(under, f"{FLOW}:deep", (Message("user", "secret"),))
    await store.conversations.append(under, "ans:T1:C1:30.000000", (Message("user", "other"),))
    await store.conversations.append(replace(under, team="T2"), FLOW, (Message("user", "theirs"),))
    await store.conversations.forget(Place("T1", "C1"), ASKED)
    assert [message.text for message in await store.conversations.load(under)] == ["other"]
    assert len(await store.conversations.load(replace(under, team="T2"))) == 1


async def test_a_ts_is_no_pattern(store: Store) -> None:
    """Characters that mean something to SQL's LIKE mean themselves."""
    await store.conversations.append(HERE, FLOW, (Message("user", "stays"),))
    await store.conversations.forget(HERE, "2_.000002")
    await store.conversations.forget(HERE, "%")
    assert len(await store.conversations.load(HERE)) == 1


@pytest.mark.parametrize(("gone", "left"), [(HERE, 1), (Place("T1", "C1"), 0), (Place("T1", "C2"), 2)])
async def test_forgetting_a_place(store: Store, gone: Place, left: int) -> None:
    """A thread alone, or the whole channel."""
    beside = replace(HERE, thread="99.000000")
    await store.conversations.append(HERE, FLOW, (Message("user", "a"),))
    await store.conversations.append(beside, "other", (Message("user", "b"),))
    await store.conversations.forget(gone)
    assert len((*await store.conversations.load(HERE), *await store.conversations.load(beside))) == left


async def test_evidence_comes_back_as_it_was(store: Store) -> None:
    """Every field, by flow and id, and by number."""
    for number in (10, 2, 2):
        await store.evidence.put(piece(f"E{number}"))
    await store.evidence.put(piece("E1", flow="other"))
    assert await store.evidence.get(FLOW, "E2") == piece("E2")
    assert await store.evidence.all(FLOW) == (piece("E2"), piece("E10"))
    assert await store.evidence.get(FLOW, "E1") is None


async def test_what_no_database_takes_is_left_out(store: Store) -> None:
    """NUL, lone surrogates, NaN and infinity go, the same way everywhere; what looks like them stays."""
    raw = {"a\x00": ["x\ud83dy\x00", float("nan"), float("-inf"), r"\u0000 \ud800", "🙂"]}
    await store.evidence.put(replace(piece("E1"), raw=raw, text="te\x00xt\udfff", summary="\ud800"))
    found = await store.evidence.get(FLOW, "E1")
    assert found is not None
    assert (found.raw, found.text, found.summary) == ({"a": ["xy", None, None, r"\u0000 \ud800", "🙂"]}, "text", "")


async def test_a_record_is_replaced_by_its_flow(store: Store) -> None:
    """The audit keeps one row an investigation: the last."""
    await store.audit.put(replace(record(), state="running", answer=None, posted=None))
    await store.audit.put(record(cost=0.25))
    assert await store.audit.get(FLOW) == record(cost=0.25)
    assert await store.audit.recent() == (record(cost=0.25),)
    assert await store.audit.get("other") is None


async def test_recent_records_of_a_place(store: Store) -> None:
    """Newest first: of a thread, of a channel, of all; a question outside any thread counts to the one it opened."""
    outside, elsewhere = replace(HERE, thread=""), replace(HERE, channel="C2")
    for number, place in enumerate([HERE, outside, elsewhere]):
        await store.audit.put(record(f"f{number}", started=NOW + timedelta(seconds=number), place=place))

    async def flows(place: Place | None, limit: int = 20) -> list[str]:
        return [found.flow for found in await store.audit.recent(place, limit)]

    assert await flows(None) == ["f2", "f1", "f0"]
    assert await flows(None, 2) == ["f2", "f1"]
    assert await flows(outside) == ["f1", "f0"]
    assert await flows(HERE) == ["f0"]
    assert await flows(replace(HERE, thread="21.000003")) == ["f1"]


async def test_recent_records_of_a_kind(store: Store) -> None:
    """By what the flow's key begins with, before the newest are counted off."""
    for number, kind in enumerate(["cmp", "ans", "cmpx", "cmp", "ans"]):
        await store.audit.put(record(f"{kind}:T1:C1:{number}", started=NOW + timedelta(seconds=number)))
    assert [found.flow for found in await store.audit.recent(HERE, 1, kind="cmp")] == ["cmp:T1:C1:3"]
    assert [found.flow for found in await store.audit.recent(kind="cmp")] == ["cmp:T1:C1:3", "cmp:T1:C1:0"]
    assert await store.audit.recent(kind="cm_") == ()


async def test_a_deleted_comparison_leaves_figures_alone(store: Store) -> None:
    """Which model it was, what it cost and how many figures it had may stay for the scoreboard; no words, no votes."""
    side = Side("claude:c", "checkout: errors", "more", Numbers(4, 3), Usage(cost_usd=0.5), 2.0)
    answer = Answer("A: checkout: errors", sides=(side, side), votes=(Vote("U1", "A", "why"),), revealed=True)
    await store.audit.put(replace(record(f"cmp:T1:C1:{ASKED}"), answer=answer))
    await store.audit.forget(HERE, ASKED)
    found = await store.audit.get(f"cmp:T1:C1:{ASKED}")
    assert found is not None
    assert found.answer == replace(Answer(""), sides=(replace(side, head="", body=""),) * 2, revealed=True)


@pytest.mark.parametrize("ts", [ASKED, "20.00000_"])
async def test_a_deleted_question_leaves_figures_alone(store: Store, ts: str) -> None:
    """Its words and its answers' go, deeper looks included; time and money stay, and so do others' words."""
    others = [record("ans:T1:C1:30.000000"), record(place=replace(HERE, team="T2"), flow=f"ans:T2:C1:{ASKED}")]
    for kept in (record(cost=0.5), record(f"{FLOW}:deep"), *others):
        await store.audit.put(kept)
    assert await store.audit.forget(replace(HERE, thread="99.000000"), ts) == (ts == ASKED)
    assert await store.audit.spent(NOW) == pytest.approx(0.5)
    for flow in (FLOW, f"{FLOW}:deep"):
        found = await store.audit.get(flow)
        assert found is not None
        assert found.answer is not None
        said = (found.question.text, found.answer.head, found.answer.cause)
        assert bool(found.question.files) is (ts != ASKED)
        assert said == (("", "", None) if ts == ASKED else ("why?", "checkout: errors", Cause("checkout", "errors")))
    assert [await store.audit.get(other.flow) for other in others] == others


async def test_money_spent(store: Store) -> None:
    """What was spent since a moment; nothing is 0."""
    assert await store.audit.spent(NOW) == 0.0
    for number, minutes in enumerate([-1, 0, 1]):
        await store.audit.put(record(f"f{number}", started=NOW + timedelta(minutes=minutes), cost=0.5))
    assert await store.audit.spent(NOW) == pytest.approx(1.0)


async def test_one_vote_a_person(store: Store) -> None:
    """The last one counts."""
    await store.votes.put(FLOW, "U2", "up")
    await store.votes.put(FLOW, "U1", "up")
    await store.votes.put(FLOW, "U1", "down", "wrong service")
    await store.votes.put("other", "U1", "up")
    assert await store.votes.all(FLOW) == (("U1", "down", "wrong service"), ("U2", "up", ""))


async def test_notes_are_taken_once(store: Store) -> None:
    """The first who puts a key has it, unless it is replaced."""
    assert await store.notes.get("hello:C1") is None
    assert await store.notes.put("hello:C1", "1")
    assert not await store.notes.put("hello:C1", "2")
    assert await store.notes.get("hello:C1") == "1"
    assert not await store.notes.put("hello:C1", "3\x00", replace=True)
    assert await store.notes.get("hello:C1") == "3"


async def test_history_is_kept_by_message(store: Store) -> None:
    """The newest of the channel's top level or of one thread, oldest first; an edit replaces, a deletion deletes."""
    top, later = replace(HERE, thread=""), NOW + timedelta(days=1)
    for number in range(4):
        await store.history.keep(top, Said(f"{number}.0", "U1", f"m{number}"), later)
    await store.history.keep(HERE, Said("5.0", "", "in a thread", bot="Alertmanager"), later)
    await store.history.keep(replace(top, team="T2"), Said("6.0", "U1", "theirs"), later)
    await store.history.keep(top, Said("2.0", "U1", "edited\x00"), later)
    await store.history.forget(HERE, "3.0")
    assert await store.history.recent(top, 2) == (Said("1.0", "U1", "m1"), Said("2.0", "U1", "edited"))
    assert await store.history.recent(HERE) == (Said("5.0", "", "in a thread", bot="Alertmanager"),)
    assert len(await store.history.recent(replace(top, team="T2"))) == 1


async def test_history_ends(store: Store) -> None:
    """What was to be kept until now, or until before, goes in every channel."""
    places = [Place("T1", "C1"), Place("T1", "C2"), Place("T2", "C1")]
    for place in places:
        for second in (-1, 0, 1):
            await store.history.keep(place, Said(f"{second + 1}.0", "U1", "x"), NOW + timedelta(seconds=second))
    await store.history.purge(NOW)
    assert [[said.ts for said in await store.history.recent(place)] for place in places] == [["2.0"]] * 3


async def test_what_was_kept_long_enough_goes(store: Store) -> None:
    """Each kind by when it was written, an investigation by when it began; how much went is told."""
    await store.conversations.append(HERE, FLOW, (Message("user", "a"), Message("assistant", "b")))
    await store.evidence.put(piece("E1"))
    await store.votes.put(FLOW, "U1", "up")
    for number in range(3):
        await store.audit.put(record(f"f{number}", started=NOW + timedelta(hours=number)))
    ports = (store.conversations, store.evidence, store.votes)
    now = datetime.now(UTC)
    assert [await port.purge(now - timedelta(minutes=1)) for port in ports] == [0, 0, 0]
    assert [await port.purge(now + timedelta(minutes=1)) for port in ports] == [2, 1, 1]
    assert [await port.purge(now + timedelta(minutes=1)) for port in ports] == [0, 0, 0]
    assert (await store.conversations.load(HERE), await store.evidence.all(FLOW)) == ((), ())
    assert await store.audit.purge(NOW + timedelta(hours=1)) == 1
    assert [found.flow for found in await store.audit.recent()] == ["f2", "f1"]


async def test_notes_that_have_served_go(store: Store) -> None:
    """But for those whose key begins as those to be kept do; what was written anew counts from then."""
    for key in ("keep:C1", "env:C1", "queued:keep:1", "kee_:2"):
        await store.notes.put(key, "1")
    later = datetime.now(UTC) + timedelta(minutes=1)
    assert await store.notes.purge(later - timedelta(minutes=2)) == 0
    assert await store.notes.purge(later, ("keep:", "env:")) == 2
    assert [await store.notes.get(key) for key in ("keep:C1", "env:C1", "kee_:2")] == ["1", "1", None]
    assert await store.notes.purge(later, ("kee_:",)) == 2


async def test_how_much_history_went(store: Store) -> None:
    """A batch, and in the end nothing."""
    for second in range(3):
        await store.history.keep(HERE, Said(f"{second}.0", "U1", "x"), NOW + timedelta(seconds=second))
    assert [await store.history.purge(NOW + timedelta(seconds=1)) for _ in range(2)] == [2, 0]

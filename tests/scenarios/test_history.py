"""The channel around a question: seen on demand, kept only where that was opted in, forgotten with Slack."""

from pathlib import Path

import pytest

from bot.domain.place import Place, Said
from tests.scenarios.conftest import Play
from tests.scenarios.stage import CHANNEL, Scene, looks_then_answers, words

REMARK = "sam put the new tax table into cart"


@pytest.fixture
def opted_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings' file says that the channel is kept."""
    (tmp_path / "nightjar.toml").write_text(f"[channels.{CHANNEL}]\nkeep = true\n", encoding="utf-8")
    monkeypatch.setenv("NIGHTJAR_CONFIG", str(tmp_path / "nightjar.toml"))


async def kept(scene: Scene) -> list[str]:
    """The texts that the store keeps of the channel's top level."""
    await scene.quiet()
    found: tuple[Said, ...] = await scene.house.store.history.recent(_place(scene))
    return [said.text for said in found]


def _place(scene: Scene) -> Place:
    return Place(scene.slack.team_id, scene.slack.workspace.channel(CHANNEL).id)


def files_with(folder: Path, text: str) -> list[str]:
    """Files that hold a text, databases and their logs included."""
    return [path.name for path in folder.iterdir() if path.is_file() and text.encode() in path.read_bytes()]


async def test_what_was_said_is_seen_and_not_copied(play: Play, home: Path) -> None:
    """The model reads what people said in the channel; no file of ours holds it afterwards."""
    async with play(script=looks_then_answers) as scene:
        await scene.ask(REMARK, user="sam")
        await scene.ask()
        await scene.answers()
        assert scene.model is not None
        assert REMARK in words(scene.model.requests[0])
        assert await kept(scene) == []
    assert files_with(home, REMARK) == []
    assert files_with(home, "why is cart failing?") != []


@pytest.mark.usefixtures("opted_in")
async def test_a_channel_that_opted_in(play: Play) -> None:
    """It is told once and first; what is said there is kept, and read from there when Slack has it no more."""
    async with play(script=looks_then_answers) as scene:
        remark = await scene.ask(REMARK, user="sam")
        assert await kept(scene) == [REMARK]
        (told,) = scene.own(part="note")
        assert "for 30 days" in told["text"]
        del scene.slack.workspace.channel(CHANNEL).messages[remark["ts"]]
        await scene.ask()
        await scene.answers()
        assert scene.model is not None
        assert REMARK in words(scene.model.requests[0])


@pytest.mark.usefixtures("opted_in")
async def test_what_is_deleted_is_forgotten(play: Play) -> None:
    """A remark and a question that are deleted leave neither row nor words, in history, transcript and audit."""
    async with play() as scene:
        remark = await scene.ask(REMARK, user="sam")
        question = await scene.ask()
        await scene.answers()
        assert len(await kept(scene)) == 2
        for message in (remark, question):
            await scene.slack.delete(CHANNEL, message["ts"])
        assert await kept(scene) == []
        (record,) = await scene.records()
        assert (record.question.text, record.answer and record.answer.head) == ("", "")
        there = Place(scene.slack.team_id, remark["channel"], question["ts"])
        assert await scene.house.store.conversations.load(there) == ()

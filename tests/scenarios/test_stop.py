"""Stopping what runs, by each of the three ways."""

from collections.abc import Awaitable, Callable

import pytest

from bot.demo.slack.records import Json
from bot.flows import stop
from tests.fakes.messages_server import Said, Text
from tests.scenarios.conftest import EITHER_MODEL, Play
from tests.scenarios.stage import CHANNEL, Scene, looks_then_answers, text_of

Stop = Callable[[Scene, Json], Awaitable[object]]


async def by_button(scene: Scene, root: Json) -> object:
    """The placeholder's own button."""
    return await scene.slack.press(await scene.at_work(), "stop", user="sam")


async def by_mention(scene: Scene, root: Json) -> object:
    """The command, in the thread."""
    return await scene.ask("@nightjar stop", user="sam", thread=root["ts"])


async def by_slash(scene: Scene, root: Json) -> object:
    """The command, in the channel: it takes the newest investigation there."""
    return await scene.slack.slash("/oncall", "stop", channel=CHANNEL, user="sam")


async def by_session(scene: Scene, root: Json) -> object:
    """Slack's own stop button."""
    return await scene.slack.stop(CHANNEL, root["ts"], user="sam")


@EITHER_MODEL
@pytest.mark.parametrize("stop", [by_button, by_mention, by_slash, by_session])
async def test_the_post_says_who_stopped_it(play: Play, stop: Stop) -> None:
    """In mid-answer: the placeholder says who, the stream is gone, the model is not asked again, nothing follows."""
    draft = Said(Text("I look at the cart.\n" * 20), ending="stall", pace=0.01)
    async with play(script=lambda _: draft) as scene:
        root = await scene.ask()
        await scene.at_work()
        await scene.slack.wait_for(lambda: scene.streaming)
        await stop(scene, root)
        (stopped,) = await scene.answers()
        assert "Stopped by <@U07SAMOKORO>" in text_of(stopped)
        assert scene.streaming == 0
        assert scene.posts() == 1
        assert scene.model is not None
        assert len(scene.model.requests) == 1


async def test_a_second_stop_changes_nothing(play: Play) -> None:
    """Two people press at once: one post, by one of them."""
    async with play(script=lambda _: Said(Text("I look.\n" * 9), ending="stall")) as scene:
        await scene.ask()
        placeholder = await scene.at_work()
        for user in ("sam", "mira"):
            await scene.slack.press(placeholder, "stop", user=user)
        (stopped,) = await scene.answers()
        assert sum(f"Stopped by <@{user}>" in text_of(stopped) for user in ("U07SAMOKORO", "U07MIRALIND")) == 1


async def test_nothing_to_stop_is_said(play: Play) -> None:
    """Where nothing runs, the asker alone is told so."""
    async with play() as scene:
        root = await scene.ask("cart looks bad")
        await by_mention(scene, root)
        (told,) = await scene.slack.wait_for(lambda: scene.slack.ephemeral("sam"))
        assert told["text"] == "Nothing is running here."
        assert scene.posts() == 0


async def test_a_stop_while_the_placeholder_is_posted(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing tells yet where it stands: it is looked for, and says that it was stopped."""
    monkeypatch.setattr(stop, "NOTICED_SECONDS", 1.5)
    async with play(script=looks_then_answers) as scene:
        await scene.slack.fail("chat.postMessage", "landed_stall", seconds=8.0)
        asked = await scene.ask()
        await scene.slack.wait_for(scene.own)
        await scene.slack.stop(asked["channel"], asked["ts"])
        (answer,) = await scene.answers(seconds=20.0)
        assert "Stopped by" in text_of(answer)
        assert scene.posts() == 1

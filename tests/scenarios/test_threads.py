"""When the bot speaks unasked, and when it does not."""

import pytest

from tests.scenarios.conftest import EITHER_MODEL, Play
from tests.scenarios.stage import CHANNEL, QUESTION, looks_then_answers, words


async def test_people_among_themselves_are_left_alone(play: Play) -> None:
    """Fifty messages of two people in a thread with an answer bring no post at all."""
    async with play() as scene:
        root = await scene.ask()
        await scene.answers()
        for number in range(25):
            await scene.ask(f"look at graph {number}", user="sam", thread=root["ts"])
            await scene.ask("why does it still rise?", user="mira", thread=root["ts"])
        await scene.answers()
        assert scene.posts() == 1


@EITHER_MODEL
async def test_one_human_alone_may_go_on_without_a_mention(play: Play) -> None:
    """A follow-up is answered with what was said before, until a second human writes; then a mention is needed."""
    async with play(script=looks_then_answers) as scene:
        root = (await scene.ask())["ts"]
        await scene.answers()
        await scene.ask("and an hour ago?", thread=root)
        await scene.answers(2)
        assert scene.model is not None
        assert "why is cart failing?" in words(scene.model.requests[-1])
        await scene.ask("I am here too", user="sam", thread=root)
        await scene.ask("and yesterday?", thread=root)
        await scene.answers(2)
        await scene.ask("@nightjar and yesterday?", thread=root)
        await scene.answers(3)


async def test_a_follow_up_looks_anew(play: Play) -> None:
    """Its evidence is its own, numbered on where the thread's stands."""
    async with play() as scene:
        root = (await scene.ask())["ts"]
        await scene.answers()
        await scene.ask("is it still so?", thread=root)
        await scene.answers(2)
        second, first = await scene.records()
        assert first.answer is not None
        assert second.answer is not None
        ids = [cited.id for record in (first, second) if record.answer for cited in record.answer.evidence]
        assert second.answer.evidence
        assert len(set(ids)) == len(ids)


async def test_a_message_outside_any_thread_needs_a_mention(play: Play) -> None:
    """Talk in the channel, other bots, edits and joins bring no post."""
    async with play() as scene:
        said = await scene.ask("why is cart failing?")
        await scene.slack.post_as_bot(CHANNEL, f"{QUESTION} <@{scene.slack.bot_user_id}>")
        await scene.slack.edit(CHANNEL, said["ts"], "@nightjar why is cart failing?")
        await scene.quiet()
        assert scene.posts() == 0


@pytest.mark.parametrize("text", ["thanks", "<@U07SAMOKORO> can you look?"])
async def test_in_another_channel_only_a_mention_counts(play: Play, text: str) -> None:
    """In a channel that is no incident a thread goes on by mention only."""
    async with play() as scene:
        asked = await scene.ask(channel="general")
        await scene.answers(channel="general")
        await scene.ask(text, channel="general", thread=asked["ts"])
        await scene.answers(channel="general")
        assert scene.posts() == 1

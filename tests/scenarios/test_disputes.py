"""“Wrong” leads somewhere: the answer says who disputes it and why, and whoever answers next is told."""

from typing import Any

from bot.demo.slack.records import Json
from tests.scenarios.conftest import Play
from tests.scenarios.stage import HEAD, Scene, looks_then_answers, text_of, words

WHY = "it was the mailer, <!channel>"


async def down(scene: Scene, answer: Json, user: str, why: str) -> None:
    """A thumb down with its reason."""
    await thumb(scene, answer, user, "negative_button")
    await scene.slack.wait_for(lambda: scene.slack.view(user))
    await scene.slack.submit_view({"reason": why}, user=user)


async def thumb(scene: Scene, answer: Json, user: str, side: str) -> None:
    """A thumb."""
    elements: list[dict[str, Any]] = [e for block in answer["blocks"] for e in block.get("elements", ())]
    sides = next(element for element in elements if element.get("action_id") == "feedback")
    await scene.slack.press(answer, "feedback", user=user, value=sides[side]["value"])


async def test_an_answer_says_that_it_is_disputed(play: Play) -> None:
    """By name and reason above the head, the newest first; its buttons stay; a thumb up takes it back."""
    async with play(script=looks_then_answers) as scene:
        await scene.ask()
        (answer,) = await scene.answers()
        await down(scene, answer, "sam", WHY)
        await scene.slack.wait_for(lambda: "Disputed by" in text_of(scene.own()[0]))
        await down(scene, scene.own()[0], "mira", "too vague")
        await scene.slack.wait_for(lambda: "too vague" in text_of(scene.own()[0]))
        (shown,) = scene.own()
        first, second = shown["blocks"][0]["elements"][0]["text"].splitlines()
        assert first == ":warning: Disputed by <@U07MIRALIND>: too vague"
        assert second.startswith(":warning: Disputed by <@U07SAMOKORO>: it was the mailer, ")
        assert "<!channel>" not in text_of(shown)
        assert text_of(answer).count(HEAD) == text_of(shown).count(HEAD)
        assert '"deep_dive"' in text_of(shown)
        await thumb(scene, shown, "sam", "positive_button")
        await scene.slack.wait_for(lambda: "mailer" not in text_of(scene.own()[0]))
        assert "too vague" in text_of(scene.own()[0])
        assert scene.posts() == 1


async def test_the_next_answer_of_the_thread_is_told(play: Play) -> None:
    """The first message of a follow-up says which answer is disputed, and why."""
    async with play(script=looks_then_answers) as scene:
        asked = await scene.ask()
        (answer,) = await scene.answers()
        await down(scene, answer, "sam", WHY)
        await scene.slack.wait_for(lambda: "Disputed by" in text_of(scene.own()[0]))
        await scene.ask("@nightjar are you sure?", thread=asked["ts"])
        await scene.answers(2)
        assert scene.model is not None
        told = words(scene.model.requests[-1])
        assert "People dispute an earlier answer of yours" in told
        assert "it was the mailer" in told
        assert "Disputed" not in text_of(scene.finished()[1])


async def test_a_thumb_down_without_a_reason_marks_nothing(play: Play) -> None:
    """The vote is kept; the answer stays as it is."""
    async with play(script=looks_then_answers) as scene:
        await scene.ask()
        (answer,) = await scene.answers()
        await down(scene, answer, "sam", "")
        await scene.slack.wait_for(lambda: scene.slack.ephemeral("sam"))
        await scene.quiet()
        assert "Disputed" not in text_of(scene.own()[0])
        (record,) = await scene.records()
        assert await scene.house.deps.votes.all(record.flow) == (("U07SAMOKORO", "down", ""),)

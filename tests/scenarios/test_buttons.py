"""What can be pressed under an answer."""

from tests.scenarios.conftest import Play
from tests.scenarios.stage import HEAD, looks_then_answers, text_of, words

TWO = {"eu": "prod-eu", "us": "prod-us"}


async def test_a_vote_with_its_reason(play: Play) -> None:
    """A thumb up is kept; a thumb down asks why, and the reason is kept with it, masked."""
    async with play() as scene:
        await scene.ask()
        (answer,) = await scene.answers()
        await scene.slack.press(answer, "feedback", user="sam", value=None)
        await scene.slack.wait_for(lambda: scene.slack.ephemeral("sam"))
        down = next(e for b in answer["blocks"] for e in b.get("elements", ()) if e.get("action_id") == "feedback")
        await scene.slack.press(answer, "feedback", user="mira", value=down["negative_button"]["value"])
        await scene.slack.wait_for(scene.slack.view)
        await scene.slack.submit_view({"reason": "it was the mailer"}, user="mira")
        await scene.slack.wait_for(scene.slack.ephemeral)
        await scene.quiet()
        (record,) = await scene.records()
        votes = {vote: reason for _, vote, reason in await scene.house.deps.votes.all(record.flow)}
        assert votes == {"up": "", "down": "it was the mailer"}
        assert scene.posts() == 1


async def test_details_open_in_a_modal(play: Play) -> None:
    """Body and evidence, with source and environment, for the one who asked to see them."""
    async with play(script=looks_then_answers) as scene:
        await scene.ask()
        (answer,) = await scene.answers()
        assert "Its errors rose" not in text_of(answer)
        await scene.slack.press(answer, "details", user="sam")
        view = await scene.slack.wait_for(lambda: scene.slack.view("sam"))
        assert all(part in str(view) for part in ("Its errors rose", "*E2*", "prometheus", "prod"))
        assert scene.slack.view("mira") is None


async def test_a_deep_dive_once(play: Play) -> None:
    """Pressed by two people it is one more answer below, thought through longer."""
    async with play(script=looks_then_answers) as scene:
        asked = await scene.ask()
        (answer,) = await scene.answers()
        for user in ("sam", "mira"):
            await scene.slack.press(answer, "deep_dive", user=user)
        _, deeper = await scene.answers(2)
        assert deeper["thread_ts"] == asked["ts"]
        assert HEAD in text_of(deeper)
        assert scene.model is not None
        assert scene.model.requests[-1].body["output_config"]["effort"] == "high"


async def test_an_ambiguous_question_gets_one_choice(play: Play) -> None:
    """Two environments: buttons first and no query; the picked one answers, and the thread keeps the choice."""
    async with play(script=looks_then_answers, envs=TWO) as scene:
        asked = await scene.ask()
        (choice,) = await scene.answers()
        assert scene.model is not None
        assert scene.model.requests == []
        (buttons,) = [block["elements"] for block in choice["blocks"] if block["type"] == "actions"]
        (picked,) = [button for button in buttons if button["text"]["text"] == "prod-us"]
        await scene.slack.press(choice, picked["action_id"], user="sam")
        await scene.answers(2)
        await scene.ask("@nightjar and an hour ago?", thread=asked["ts"])
        await scene.answers(3)
        cited = [item.env for record in await scene.records() if record.answer for item in record.answer.evidence]
        assert set(cited) == {"prod-us"}
        assert "prod-eu" not in words(scene.model.requests[-1])

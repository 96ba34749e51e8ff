"""`@nightjar post-mortem` in a thread: a draft to read there, with what happened when; elsewhere where to ask."""

import json

from tests.fakes.messages_server import Reply, Request, Said, Text
from tests.scenarios.conftest import Play
from tests.scenarios.stage import CHANNEL, HEAD, looks_then_answers, text_of, words
from tests.scenarios.test_disputes import WHY, down

DRAFT = "## Summary\nCheckout was slow [E1] & 98.7 % of it failed.\n\n## Follow-ups\n- Alert on the pool, <!channel>."


def writes(request: Request) -> Reply:
    """Answers questions as ever; asked for a post-mortem, the draft."""
    return Said(Text(DRAFT)) if "post-mortem" in json.dumps(request.body["system"]) else looks_then_answers(request)


async def test_a_draft_in_the_thread(play: Play) -> None:
    """Its whole text stands there, by model and code, with Details and without Deep dive; a dispute is shown."""
    async with play(script=writes) as scene:
        asked = await scene.ask()
        (answer,) = await scene.answers()
        await down(scene, answer, "sam", WHY)
        await scene.slack.wait_for(lambda: "Disputed by" in text_of(scene.own()[0]))
        await scene.ask("we rolled back the pool change", user="sam", thread=asked["ts"])
        await scene.ask("@nightjar Post-mortem", thread=asked["ts"])
        _, draft = await scene.answers(2)
        shown = text_of(draft)
        assert draft["thread_ts"] == asked["ts"]
        assert "Draft of a post-mortem: " in shown
        assert "98.7 % (unverified)" in shown
        assert "## Timeline" in shown
        assert "In the thread: we rolled back the pool change" in shown
        assert f"“{HEAD}" in shown
        assert "it was the mailer" in shown
        assert "<!channel>" not in shown
        assert '"details"' in shown
        assert '"deep_dive"' not in shown
        assert scene.model is not None
        assert "it was the mailer" in words(scene.model.requests[-1])


async def test_asked_again_it_is_written_again(play: Play) -> None:
    """Each asking message has its own draft, and a redelivery none."""
    async with play(script=writes) as scene:
        asked = await scene.ask()
        await scene.answers()
        await scene.ask("@nightjar postmortem", thread=asked["ts"])
        await scene.answers(2)
        await scene.ask("@nightjar postmortem", thread=asked["ts"])
        *_, again = await scene.answers(3)
        assert text_of(again).count("Asked: ") == 1


async def test_outside_a_thread_it_says_where_to_ask(play: Play) -> None:
    """By command and by mention; nothing is posted."""
    async with play(script=writes) as scene:
        assert (await scene.slack.slash("/oncall", "postmortem", channel=CHANNEL)).ok
        await scene.ask("@nightjar postmortem")
        await scene.slack.wait_for(lambda: len(scene.slack.ephemeral("mira")) == 2)
        assert all("in the thread of the incident" in told["text"] for told in scene.slack.ephemeral("mira"))
        await scene.quiet()
        assert scene.posts() == 0

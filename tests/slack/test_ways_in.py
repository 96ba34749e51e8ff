"""Every way a question, a command or a stop comes in, by the real Bolt app."""

import pytest

from tests.slack.house import open_house


@pytest.mark.parametrize("http", [False, True], ids=["socket", "http"])
async def test_a_mention_asks_once(http: bool) -> None:
    """Slack tells of a mention twice, as message and as app_mention; one question is accepted, in its own thread."""
    async with open_house(http=http) as house:
        asked = await house.slack.say("inc-checkout", "@nightjar why is checkout slow?")
        await house.said()
        (question,) = house.engine.questions()
        assert len(house.slack.events()) == 2
        assert (question.text, question.way, question.place.thread) == ("why is checkout slow?", "mention", asked["ts"])

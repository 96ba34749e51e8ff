"""Each button and modal under an answer: acked first, acting once."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from bot.domain.evidence import Evidence
from bot.domain.investigations import Question
from bot.domain.place import Place
from tests.slack.house import House, asked, open_house
from tests.slack.test_reply import ANSWER, place_in
from tests.slack.test_reply import below as seen

CHANNEL = "inc-checkout"


@pytest.fixture(params=[False, True], ids=["socket", "http"])
async def house(request: pytest.FixtureRequest) -> AsyncIterator[House]:
    """A running bot."""
    async with open_house(http=request.param) as house:
        yield house


async def answered(house: House, **more: Any) -> tuple[Place, str, dict[str, Any]]:
    """A question, its key, and the message that answers it."""
    place = await place_in(house)
    question = Question(place, "why is checkout slow?", "U07MIRALIND", place.thread)
    record = await asked(house, question, answer=replace(ANSWER, **more))
    assert record.answer
    posted = await house.replies.begin(place, record.flow, "Looking into it", again=False)
    await house.replies.open(place, record.flow, posted).finish(record.answer)
    return place, record.flow, seen(house, place)[0]


async def forget(house: House, message: dict[str, Any]) -> None:
    """Let the buttons of an answer carry a key that nobody knows any more."""
    stored = house.slack.workspace.channel(message["channel"]).messages[message["ts"]]
    stored.blocks = json.loads(json.dumps(stored.blocks).replace("ans:", "old:"))


async def opened(house: House) -> dict[str, Any]:
    """The modal in front of Mira."""
    await house.slack.wait_for(house.slack.view)
    return house.slack.view() or {}


async def test_stop_names_who_pressed_and_starts_one_stop(house: House) -> None:
    """The button under the placeholder stops its own investigation; a second press is told so."""
    place = await place_in(house)
    key = f"ans:{place.lane}"
    await house.replies.begin(place, key, "Looking into it", again=False)
    (placeholder,) = seen(house, place)
    for user in ("sam", "mira"):
        assert (await house.slack.press(placeholder, "stop", user=user)).ok
        await house.said()
    (stop,) = [run for run in house.engine.runs.values() if run.flow == "stop"]
    assert stop.payload == {"key": key, "by": "U07SAMOKORO", "question": None}
    assert "stopped already" in house.slack.ephemeral("mira")[0]["text"]


async def test_a_thumb_up_is_kept(house: House) -> None:
    """One vote per person and answer, and a quiet thank you."""
    _, key, message = await answered(house)
    for _ in range(2):
        await house.slack.press(message, "feedback", value=f"up|{key}")
    await house.said()
    assert await house.store.votes.all(key) == (("U07MIRALIND", "up", ""),)
    assert house.slack.ephemeral()[0]["text"].startswith("Thank you")


async def test_a_thumb_down_asks_for_the_reason(house: House) -> None:
    """The vote counts at once; the reason from the modal is kept with it."""
    _, key, message = await answered(house)
    await house.slack.press(message, "feedback", user="sam", value=f"down|{key}")
    await house.slack.wait_for(lambda: house.slack.view("sam"))
    assert await house.store.votes.all(key) == (("U07SAMOKORO", "down", ""),)
    assert (await house.slack.submit_view({"reason": "wrong service"}, user="sam")).ok
    await house.said()
    assert await house.store.votes.all(key) == (("U07SAMOKORO", "down", "wrong service"),)
    assert house.slack.view("sam") is None


async def test_details_open_beside_the_thread(house: House) -> None:
    """Body, evidence with its query, what was not looked at and unbacked figures, in a modal."""
    _, _, message = await answered(house)
    await house.slack.press(message, "details")
    view = await opened(house)
    text = str([block.get("text") for block in view["blocks"]])
    for part in ("*Why*", "*payment*", "*E1* prom-eu · prod `rate(x[5m])`", "loki: time-out", "17"):
        assert part in text
    assert len(seen(house, Place("", message["channel"], message["thread_ts"]))) == 1


async def test_details_come_from_evidence_where_no_answer_is_kept(house: House) -> None:
    """A command's answer leaves no audit; its evidence is shown."""
    _, key, message = await answered(house)
    await forget(house, message)
    window = ANSWER.window
    assert window
    item = Evidence(
        "E1", key.replace("ans:", "old:"), "alerts", "am", "prod", "", window, "2 firing", "HighErrorRate since 13:42"
    )
    await house.store.evidence.put(item)
    await house.slack.press(message, "details")
    view = await opened(house)
    assert "HighErrorRate since 13:42" in str(view["blocks"])


async def test_a_deep_dive_asks_once(house: House) -> None:
    """The same question, deep, in the same thread, by whoever pressed; pressing again starts nothing."""
    place, key, message = await answered(house)
    for user in ("sam", "mira"):
        await house.slack.press(message, "deep_dive", user=user)
        await house.said()
    (question,) = house.engine.questions()
    assert (question.depth, question.text, question.asker) == ("deep", "why is checkout slow?", "U07SAMOKORO")
    assert question.place == place
    assert list(house.engine.runs) == [f"{key}:deep"]


async def test_a_deep_dive_of_a_forgotten_question_says_so(house: House) -> None:
    """Without a record nothing is started, and the person is told what to do."""
    _, _, message = await answered(house)
    await forget(house, message)
    await house.slack.press(message, "deep_dive")
    await house.said()
    assert "ask it again" in house.slack.ephemeral()[0]["text"]
    assert house.engine.runs == {}


async def test_an_environment_is_picked_by_a_button(house: House) -> None:
    """The same question in that environment; the thread keeps the choice and the buttons are gone."""
    place, _, message = await answered(house, choices=("prod", "staging"))
    await house.slack.press(message, "env:1")
    await house.said()
    (question,) = house.engine.questions()
    assert (question.env, question.text) == ("staging", "why is checkout slow?")
    assert await house.store.notes.get(f"env:{place.lane}") == "staging"
    (now,) = seen(house, place)
    assert "actions" not in [block["type"] for block in now["blocks"]]
    assert "picked by <@U07MIRALIND>" in str(now["blocks"])


async def test_an_unknown_button_is_acked(house: House) -> None:
    """A button of an older version is acked and does nothing."""
    _, _, message = await answered(house)
    stored = house.slack.workspace.channel(message["channel"]).messages[message["ts"]]
    stored.blocks = [{"type": "actions", "elements": [{"type": "button", "action_id": "gone", "value": "x"}]}]
    assert (await house.slack.press(message, "gone")).ok
    assert house.engine.runs == {}


async def test_a_press_that_starts_nothing_is_not_acked(house: House) -> None:
    """While the database is away the person sees that the button failed; pressed again, it starts once."""
    _, _, message = await answered(house)
    house.engine.down = 1
    assert not (await house.slack.press(message, "deep_dive")).ok
    assert (await house.slack.press(message, "deep_dive")).ok
    assert len(house.engine.questions()) == 1


async def test_work_after_the_ack_that_fails_is_logged(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """It takes nothing else with it."""

    async def fails() -> None:
        raise ConnectionError("the database is away")

    house.app.context.after(fails)
    await house.said()
    assert "work after the ack failed: ConnectionError" in caplog.text


async def test_a_forgotten_choice_says_how_to_ask(house: House) -> None:
    """Without a record the environment has to be named in a new question."""
    _, _, message = await answered(house, choices=("prod", "staging"))
    await forget(house, message)
    await house.slack.press(message, "env:0")
    await house.said()
    assert "name prod in the question" in house.slack.ephemeral()[0]["text"]


async def test_details_that_slack_does_not_open_say_so(house: House) -> None:
    """When the three seconds of a press are over, the person is told to press again."""
    _, _, message = await answered(house)
    await house.slack.fail("views.open", "server_error")
    await house.slack.press(message, "details")
    await house.said()
    assert "press again" in house.slack.ephemeral()[0]["text"]


async def test_actions_and_modals_are_not_mixed_up(house: House) -> None:
    """A modal's action is no button, and a submission of another view is acked and let be."""
    _, _, message = await answered(house)
    stored = house.slack.workspace.channel(message["channel"]).messages[message["ts"]]
    stored.blocks = [{"type": "actions", "elements": [{"type": "button", "action_id": "reason", "value": "x"}]}]
    assert (await house.slack.press(message, "reason")).ok
    await house.said()
    assert await house.store.votes.all("x") == ()

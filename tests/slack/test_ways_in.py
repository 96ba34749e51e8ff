"""Every way a question, a command or a stop comes in, by the real Bolt app over both transports."""

from collections.abc import AsyncIterator

import pytest

from bot.domain.messages import Message
from bot.domain.place import Place
from tests.slack.house import House, open_house
from tests.slack.house import asked as asked_before

CHANNEL = "inc-checkout"


@pytest.fixture(params=[False, True], ids=["socket", "http"])
async def house(request: pytest.FixtureRequest) -> AsyncIterator[House]:
    """A running bot."""
    async with open_house(http=request.param) as house:
        yield house


async def test_a_mention_asks_once(house: House) -> None:
    """Slack tells of a mention twice, as message and as app_mention; one question is accepted, in its own thread."""
    asked = await house.slack.say(CHANNEL, "@nightjar why is checkout slow?")
    await house.said()
    (question,) = house.engine.questions()
    assert len(house.slack.events()) == 2
    assert (question.text, question.way, question.place.thread) == ("why is checkout slow?", "mention", asked["ts"])
    assert house.engine.of("answer") == [f"ans:{house.slack.team_id}:{asked['channel']}:{asked['ts']}"]


async def test_a_direct_message_needs_no_mention(house: House) -> None:
    """In a direct message every message is a question."""
    await house.slack.say("@nightjar", "what fires?")
    await house.said()
    assert [(q.text, q.way) for q in house.engine.questions()] == [("what fires?", "direct")]


async def test_the_shortcut_makes_the_message_the_subject(house: House) -> None:
    """“Investigate this” answers in the message's thread, with the alert as labelled data."""
    title = "[FIRING:1] HighErrorRate (checkout prod)"
    alert = await house.slack.post_as_bot(CHANNEL, attachments=[{"title": title, "text": "severity: page"}])
    await house.slack.shortcut(alert, "investigate_message")
    (question,) = house.engine.questions()
    assert (question.way, question.place.thread) == ("shortcut", alert["ts"])
    assert question.subject.startswith("alert HighErrorRate state=active")


async def test_slash_ask_is_a_question_at_the_channels_top(house: House) -> None:
    """`/oncall ask` accepts before it acks, and keeps the response URL."""
    outcome = await house.slack.slash("/oncall", "ask why is cart slow? --deep", channel=CHANNEL)
    (question,) = house.engine.questions()
    assert outcome.ok
    assert (question.text, question.depth, question.place.thread) == ("why is cart slow?", "deep", "")
    assert question.response_url


@pytest.mark.parametrize("name", ["alerts", "metrics checkout", "status"])
async def test_each_command_by_both_ways(house: House, name: str) -> None:
    """A command given by slash and by mention becomes the same flow, once for each giving."""
    await house.slack.slash("/oncall", name, channel=CHANNEL)
    await house.slack.say(CHANNEL, f"@nightjar {name}")
    await house.said()
    asked = house.engine.questions("beside")
    command, _, rest = name.partition(" ")
    assert [(q.command, q.text) for q in asked] == [(command, rest)] * 2
    assert house.engine.of("answer") == []


async def test_bare_oncall_helps_and_says_which_incident(house: House) -> None:
    """`/oncall` alone lists every command and says what it takes this channel for, to this person only."""
    await house.slack.slash("/oncall", "", channel=CHANNEL, user="sam")
    await house.said()
    (shown,) = house.slack.ephemeral("sam")
    assert "one incident to me: *inc-checkout*" in shown["text"]
    assert all(command.usage in shown["text"] for command in house.app.commands.values())


async def test_an_unknown_command_says_what_was_not_understood(house: House) -> None:
    """A misspelt command changes nothing and is named in the help."""
    await house.slack.slash("/oncall", "alrets now", channel=CHANNEL)
    await house.said()
    assert "did not understand `alrets`" in house.slack.ephemeral()[0]["text"]
    assert house.engine.runs == {}


async def test_a_command_from_outside_says_how_to_get_an_answer(house: House) -> None:
    """Where the bot is no member it says so to the asker, by slash command and by shortcut."""
    channel = await house.slack.create_channel("lunch")
    message = await house.slack.say(channel, "who is hungry?")
    await house.slack.slash("/oncall", "ask why is checkout slow?", channel=channel)
    await house.slack.shortcut(message, "investigate_message")
    await house.said()
    assert ["/invite @nightjar" in shown["text"] for shown in house.slack.ephemeral()] == [True, True]


async def test_help_by_mention_comes_once(house: House) -> None:
    """A mention is told twice and may be told again; the help is whispered once."""
    await house.slack.drop_acks(1)
    await house.slack.say(CHANNEL, "@nightjar help")
    await house.said()
    assert len(house.slack.ephemeral()) == 1


async def test_stop_by_word_stops_what_runs_in_the_thread(house: House) -> None:
    """`stop` in the thread stops its investigation once, although it is told of twice."""
    asked = await house.slack.say(CHANNEL, "@nightjar why is checkout slow?")
    await house.said()
    await house.slack.say(CHANNEL, "@nightjar and the cart?", thread_ts=asked["ts"])
    await house.said()
    await house.slack.say(CHANNEL, "@nightjar stop it please!", thread_ts=asked["ts"])
    await house.said()
    first = next(run for run in house.engine.runs.values() if run.running and run.flow == "answer")
    assert house.engine.of("stop") == [f"stop:{first.key}"]


async def test_slash_stop_finds_the_channels_newest(house: House) -> None:
    """Slash commands know no thread: `/oncall stop` with nothing running says so."""
    await house.slack.slash("/oncall", "stop", channel=CHANNEL)
    await house.said()
    assert house.slack.ephemeral()[0]["text"] == "Nothing is running here."


async def test_the_native_stop_button_stops(house: House) -> None:
    """`agent_session_stopped` stops what runs in that thread."""
    asked = await house.slack.say(CHANNEL, "@nightjar why is checkout slow?")
    await house.said()
    await house.client.call(
        "agents.sessions.setStatus", channel_id=asked["channel"], thread_ts=asked["ts"], status="processing"
    )
    await house.slack.stop(CHANNEL, asked["ts"], user="sam")
    await house.said()
    assert len(house.engine.of("stop")) == 1


async def test_edits_and_deletions_are_forgotten(house: House) -> None:
    """What is edited or deleted in Slack is forgotten here; a new preview of the same text is no edit."""
    asked = await house.slack.say(CHANNEL, "@nightjar why is checkout slow?")
    await house.said()
    place = Place(house.slack.team_id, asked["channel"], asked["ts"])
    await asked_before(house, house.engine.questions()[0])
    conversations, kept = house.store.conversations, []
    for text in ("@nightjar why is checkout slow?", "@nightjar why is cart slow?", ""):
        await conversations.append(place, house.engine.of("answer")[0], [Message("user", "why?")])
        await (house.slack.edit(CHANNEL, asked["ts"], text) if text else house.slack.delete(CHANNEL, asked["ts"]))
        await house.said()
        kept.append(len(await conversations.load(place)))
    assert kept == [1, 0, 0]
    (record,) = await house.store.audit.recent()
    assert record.question.text == ""


async def test_a_question_deleted_at_work_is_noted(house: House) -> None:
    """The investigation under way learns that its question was deleted; of an edit it does not."""
    noted = []
    for change in ("edit", "delete"):
        asked = await house.slack.say(CHANNEL, "@nightjar why is checkout slow?")
        await house.said()
        done = (
            house.slack.edit(CHANNEL, asked["ts"], "why?")
            if change == "edit"
            else house.slack.delete(CHANNEL, asked["ts"])
        )
        await done
        await house.said()
        noted.append(await house.store.notes.get(f"gone:{house.slack.team_id}:{asked['channel']}:{asked['ts']}"))
    assert noted == [None, "1"]


async def test_a_new_incident_channel_is_entered_and_greeted_once(house: House) -> None:
    """Only a channel of the pattern is joined; the hello flow is asked for once, whatever is heard of it."""
    incident = await house.slack.create_channel("inc-cart")
    await house.slack.create_channel("lunch")
    await house.said()
    await house.said()
    assert house.engine.of("hello") == [f"hello:{house.slack.team_id}:{incident}"]
    assert {call.sent["channel"] for call in house.slack.calls("conversations.join")} == {incident}


async def test_an_invitation_is_greeted(house: House) -> None:
    """Being brought into a channel asks the hello flow, which knows whether the channel is an incident."""
    channel = await house.slack.create_channel("ops-room")
    await house.slack.invite_bot(channel)
    await house.said()
    assert house.engine.of("hello") == [f"hello:{house.slack.team_id}:{channel}"]


async def test_help_says_what_a_place_is_to_it(house: House) -> None:
    """In a direct message and in an ordinary channel the help says how questions are taken there."""
    await house.slack.say("@nightjar", "help")
    await house.said()
    await house.slack.slash("/oncall", "help", channel="general")
    await house.said()
    general, direct = (shown["text"] for shown in house.slack.ephemeral())
    assert "no mention is needed" in direct
    assert "no incident to me" in general


async def test_ask_without_a_question_asks_back(house: House) -> None:
    """`ask` alone starts nothing and gives an example."""
    await house.slack.say(CHANNEL, "@nightjar ask --deep")
    await house.said()
    assert "What should I look into?" in house.slack.ephemeral()[0]["text"]
    assert house.engine.runs == {}


async def test_other_shortcuts_and_odd_text_break_nothing(house: House) -> None:
    """A shortcut of another name is let be; text no database takes is cleaned at the door."""
    said = await house.slack.say(CHANNEL, "@nightjar why\x00 is it\ud800 slow?")
    await house.slack.shortcut(said, "another")
    await house.said()
    assert [question.text for question in house.engine.questions()] == ["why is it slow?"]


async def test_after_a_disconnect_it_hears_again() -> None:
    """Slack sends the sockets away; two new ones come, and the next question is heard once."""
    async with open_house() as house:
        await house.slack.disconnect()
        await house.slack.wait_connected(2)
        await house.slack.say(CHANNEL, "@nightjar why?")
        await house.said()
        assert len(house.engine.questions()) == 1

"""Keeping is opt-in: what is kept, what follows an edit or a deletion, and that elsewhere nothing is copied."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.errors import ReplyError
from bot.domain.place import Place, Said
from bot.flows.deps import Policy, Scope
from tests.slack.house import House, open_house
from tests.slack.test_accept import dispatch, message

KEPT, OTHER = "inc-checkout", "inc-cart"


@pytest.fixture
async def house() -> AsyncIterator[House]:
    """A running bot that keeps one channel's messages, as that channel was told."""
    policy = Policy(scopes={KEPT: Scope(keep_days=30), OTHER: Scope()})
    async with open_house(policy, channels=(KEPT, OTHER, "general")) as house:
        yield house


def top(house: House, channel: str = KEPT) -> Place:
    """A channel's top level."""
    return Place(house.slack.team_id, house.slack.workspace.channel(channel).id)


async def kept(house: House, channel: str = KEPT, thread: str = "") -> list[tuple[str, str]]:
    """Author or bot, and text, of what is kept."""
    await house.said()
    found = await house.store.history.recent(replace(top(house, channel), thread=thread), 100)
    return [(said.author or said.bot, said.text) for said in found]


async def test_only_where_it_was_opted_in(house: House) -> None:
    """People and other bots are kept by thread in the one channel; in all others there are 0 rows, as of our posts."""
    for channel in (KEPT, OTHER, "general", await house.slack.dm()):
        root = await house.slack.say(channel, "it is slow")
        await house.slack.say(channel, "since when?", user="sam", thread_ts=root["ts"])
    await house.slack.post_as_bot(KEPT, "[FIRING:1] SlowCheckout")
    first = await house.slack.say(KEPT, "me too")
    await house.chat.note(top(house), "ours", "k")
    assert [text.partition("\n")[2] or text for _, text in await kept(house)] == [
        "it is slow",
        "[FIRING:1] SlowCheckout",
        "me too",
    ]
    assert first["user"] in dict(await kept(house))
    assert [len(await kept(house, channel)) for channel in (OTHER, "general")] == [0, 0]
    assert len(house.store.history._kept) == 4  # type: ignore[attr-defined]


async def test_it_is_said_there_once_and_first(house: House) -> None:
    """Before the first message is kept the channel is told for how long; other channels are told nothing."""
    for channel in (KEPT, OTHER, KEPT):
        await house.slack.say(channel, "hm")
        await house.said()
    (told,) = house.texts(KEPT)
    assert "for 30 days" in told
    assert house.texts(OTHER) == []


async def refuse(*_: object) -> None:
    """As Slack refuses a post."""
    raise ReplyError("chat.postMessage: restricted_action")


async def test_what_could_not_be_said_is_not_kept(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A channel that takes no note from us keeps its messages to itself."""
    monkeypatch.setattr(house.chat, "note", refuse)
    await house.slack.say(KEPT, "hm")
    assert await kept(house) == []


async def test_edits_and_deletions_follow(house: House) -> None:
    """The text is Slack's text, at the top and in threads; what is deleted is gone."""
    root = await house.slack.say(KEPT, "it is slo")
    reply = await house.slack.say(KEPT, "wrong thread", thread_ts=root["ts"])
    await house.slack.edit(KEPT, root["ts"], "it is slow")
    assert [text for _, text in await kept(house)] == ["it is slow"]
    await house.slack.delete(KEPT, reply["ts"])
    assert await kept(house, thread=root["ts"]) == []
    await house.slack.delete(KEPT, root["ts"])
    assert await kept(house) == []


async def test_a_late_delivery_brings_nothing_back(house: House) -> None:
    """A message that is delivered again after it was edited or deleted stays as it became."""
    said = message("old", channel=top(house).channel, ts=f"{datetime.now(UTC).timestamp():.6f}")
    changed = {**said, "subtype": "message_changed", "message": {**said, "text": "new"}, "previous_message": said}
    await dispatch(house, said)
    await dispatch(house, changed)
    await dispatch(house, said, retry=1)
    assert [text for _, text in await kept(house)] == ["new"]
    gone = {**said, "subtype": "message_changed", "message": {**said, "subtype": "tombstone"}, "previous_message": said}
    await dispatch(house, gone)
    await dispatch(house, said, retry=2)
    assert await kept(house) == []


async def test_it_ends_after_its_days(house: House) -> None:
    """A message older than the days is not taken up by a late edit, and each new one sweeps out the old."""
    old = (datetime.now(UTC) - timedelta(days=31)).timestamp()
    await house.store.history.keep(top(house, OTHER), Said(f"{old:.6f}", "U1", "old"), datetime.now(UTC))
    said = message("older", channel=top(house).channel, ts=f"{old:.6f}")
    await dispatch(house, {**said, "subtype": "message_changed", "message": said, "previous_message": {}})
    assert await kept(house) == await kept(house, OTHER) == []


async def test_secrets_are_masked_before_they_are_kept() -> None:
    """What the redactor knows never reaches the store."""
    async with open_house(Policy(scopes={KEPT: Scope(keep_days=1)})) as house:
        object.__setattr__(house.deps, "redact", lambda text: text.replace("hunter2", "[masked]"))
        await house.slack.say(KEPT, "the password is hunter2")
        assert [text for _, text in await kept(house)] == ["the password is [masked]"]


async def test_opting_out_again_keeps_no_old_text() -> None:
    """Where messages were kept once, an edit after that removes the old text, and nothing new is kept."""
    async with open_house() as house:
        said = await house.slack.say(KEPT, "hm")
        later = datetime.now(UTC) + timedelta(days=1)
        await house.store.history.keep(top(house), Said(said["ts"], said["user"], "hm"), later)
        await house.slack.edit(KEPT, said["ts"], "hm!")
        assert await kept(house) == []

"""However often and in whatever order Slack tells of a question, it is answered once."""

import asyncio
import random
import uuid
from dataclasses import replace

import pytest

from bot.demo.slack.delivery import Envelope, Outcome
from bot.demo.slack.workspace import Happening
from tests.scenarios.conftest import Play
from tests.scenarios.stage import QUESTION, Scene, looks_then_answers


async def untold(scene: Scene, text: str) -> list[Envelope]:
    """Somebody writes, and Slack has not told of it yet; the envelopes it will send, message and mention."""
    listeners = scene.slack.workspace.listeners
    listeners.remove(scene.slack._heard)
    said = await scene.ask(text)
    listeners.append(scene.slack._heard)
    message = scene.slack.workspace.channel(said["channel"]).messages[said["ts"]]
    return list(scene.slack._events.of(Happening("message", message.channel, message.user, message)))


async def carried(scene: Scene, envelope: Envelope, attempt: int) -> Outcome:
    """One delivery; each try has an envelope of its own, as at Slack."""
    again = replace(envelope, id=str(uuid.uuid4()))
    return await scene.slack.courier.carrier.carry(again, attempt, "timeout" if attempt else "")


@pytest.mark.parametrize("seed", range(3))
async def test_twenty_deliveries_in_any_order(play: Play, seed: int) -> None:
    """Twins, tries again with and without their headers, at once and after the answer: one placeholder, one answer."""
    shuffled = random.Random(seed)
    async with play(script=looks_then_answers) as scene:
        tries = [(envelope, attempt) for envelope in await untold(scene, QUESTION) for attempt in (*range(4), *[0] * 6)]
        shuffled.shuffle(tries)
        early = [carried(scene, envelope, attempt) for envelope, attempt in tries[:14]]
        assert all(outcome.ok for outcome in await asyncio.gather(*early))
        await scene.answers()
        for envelope, attempt in tries[14:]:
            assert (await carried(scene, envelope, attempt)).ok
        await scene.answers()
        assert scene.posts() == 1
        assert scene.model is not None
        assert len(scene.model.requests) == 2


async def test_a_command_told_twenty_times(play: Play) -> None:
    """A command by mention is one command, in both its events and all their tries."""
    async with play() as scene:
        envelopes = await untold(scene, "@nightjar alerts")
        await asyncio.gather(*(carried(scene, envelope, attempt) for envelope in envelopes for attempt in range(10)))
        await scene.answers()
        assert scene.posts() == 1


async def test_lost_acks_are_tried_again_and_answered_once(play: Play) -> None:
    """Slack that hears no ack delivers again; that changes nothing."""
    async with play() as scene:
        scene.slack.sockets.ack_timeout = 0.2
        await scene.slack.drop_acks(4)
        asked = await scene.ask()
        await scene.answers()
        assert sum(asked["ts"] == event.sent["event"].get("ts") for event in scene.slack.events()) > 2
        assert scene.posts() == 1

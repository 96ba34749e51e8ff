"""The way out under trouble: the pace of a channel, Retry-After, the fence, and what was said before."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import pairwise

import pytest

from bot.slack import pace, posting, render
from bot.slack.client import Outcome, open_client
from tests.slack.house import House, open_house, settings_of
from tests.slack.test_reply import ANSWER, KEY, below, place_in


@pytest.fixture
async def house() -> AsyncIterator[House]:
    """A running bot."""
    async with open_house() as house:
        yield house


class Gate:
    """A fence that is closed and opened by hand."""

    def __init__(self) -> None:
        self.open = asyncio.Event()

    def holds(self) -> bool:
        return self.open.is_set()

    async def passes(self) -> None:
        await self.open.wait()


def test_a_channel_gets_a_short_burst_then_one_a_second() -> None:
    """At most 15 in any 10 seconds, also at the start and after a pause."""
    time, went = [0.0], []
    bucket = pace.Bucket(lambda: time[0])
    for pause in [0.0] * 30 + [60.0] + [0.0] * 30:
        time[0] += pause
        time[0] += bucket.due
        bucket.take()
        went.append(time[0])
    assert max(sum(at <= other < at + 10 for other in went) for at in went) <= 15
    assert went[1] == went[0]


def test_no_burst_follows_a_hold() -> None:
    """After 429 one goes when the time is over, the next a second later."""
    bucket = pace.Bucket(lambda: 100.0)
    bucket.empty(5.0)
    assert bucket.due == 5.0


async def test_nobody_undercuts_a_hold(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five at once, one told to wait: none is sent before, and they do not come all at once after it."""
    monkeypatch.setattr(pace, "EVERY", 0.1)
    monkeypatch.setattr(pace, "BURST", 2)
    place = await place_in(house)
    await house.slack.fail("chat.postMessage", "rate_limited", seconds=1)
    times: list[float] = []
    once = house.client._once

    async def timed(method: str, arguments: dict[str, object]) -> Outcome:
        times.append(asyncio.get_running_loop().time())
        return await once(method, arguments)

    monkeypatch.setattr(house.client, "_once", timed)
    send = house.client.call
    await asyncio.gather(*(send("chat.postMessage", channel=place.channel, text=str(n)) for n in range(5)))
    later = [at for at in times if at > times[0] + 0.5]
    assert later[0] >= times[0] + 1.0
    assert min(after - before for before, after in pairwise(later)) > 0.05


async def test_behind_a_closed_fence_nothing_is_written(house: House) -> None:
    """Reads go through, a post waits and goes once the fence holds again."""
    gate, place = Gate(), await place_in(house)
    client = open_client(settings_of(house.slack), gate)
    posting_ = asyncio.create_task(client.call("chat.postMessage", channel=place.channel, text="x"))
    assert (await client.call("conversations.info", channel=place.channel)).ok
    await asyncio.sleep(0.1)
    assert house.slack.calls("chat.postMessage") == []
    gate.open.set()
    assert (await posting_).ok
    await client.close()


async def test_what_is_final_is_found_so(house: House) -> None:
    """A begin that is repeated after the answer says so, and posts nothing."""
    place = await place_in(house)
    posted = await house.replies.begin(place, KEY, "Looking into it", again=False)
    await house.replies.open(place, KEY, posted).finish(ANSWER)
    assert not posted.final
    assert (await house.replies.begin(place, KEY, "Looking into it", again=True)).final
    assert len(below(house, place)) == 1


@pytest.mark.parametrize("kind", ["landed_dropped", "landed_error", "server_error", "dropped"])
async def test_a_post_is_looked_for_before_it_is_sent_again(
    house: House, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Whatever became of the first, one stands there."""
    monkeypatch.setattr(posting, "FIRST_WAIT", 0.02)
    place = await place_in(house)
    await house.slack.fail("chat.postMessage", kind, times=2)
    await house.replies.begin(place, KEY, "Looking into it", again=False)
    assert len(below(house, place)) == 1


def test_a_late_answer_says_so() -> None:
    """After 15 minutes, and not before, with both times in the asker's zone."""
    said = replace(ANSWER, asked=1_800_000_000.0, written=1_800_000_060.0, zone="UTC")
    assert render.late(said, said.asked + 899) == ""
    assert render.late(said, said.asked + 901) == "Late: asked at 08:00 UTC; what follows is as of 08:01."
    assert render.late(ANSWER, 1e12) == ""


async def test_a_post_of_a_dead_process_that_is_on_its_way_is_waited_for(house: House) -> None:
    """It comes to stand after the first look: the second one finds it, and nothing is posted."""
    place = await place_in(house)
    await house.slack.fail("chat.postMessage", "stall", seconds=0.6)
    dead = asyncio.create_task(house.replies.begin(place, KEY, "Looking into it", again=False))
    await asyncio.sleep(0.2)
    found = await house.replies.begin(place, KEY, "Looking into it", again=True)
    assert found == await dead
    assert len(house.slack.calls("chat.postMessage")) == 1

"""A machine whose clock is wrong: what is judged by the time is judged by Slack's."""

import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any

import pytest

from bot.demo.slack.sandbox import Sandbox
from bot.slack.clock import SKEW_SECONDS, SlackClock
from tests.slack.house import House, open_house

WHY = "@nightjar why is checkout slow?"


@dataclass
class Machine:
    """Its clocks, in seconds: the one that may be set, and the one that only goes forward."""

    own: float = 1_000_000.0
    steady: float = 50.0

    def clock(self) -> SlackClock:
        """The bot's, on this machine."""
        return SlackClock(lambda: self.own, lambda: self.steady)

    def pass_by(self, seconds: float) -> None:
        """Time goes on."""
        self.own += seconds
        self.steady += seconds


def date(at: float) -> dict[str, str]:
    """The header as an answer of that time has it."""
    return {"DATE": formatdate(at, usegmt=True)}


def test_the_machines_own_clock_is_gone_by_while_it_agrees() -> None:
    """Also before Slack has answered at all; a date that is none says nothing."""
    machine = Machine()
    clock = machine.clock()
    assert (clock.time(), clock.ahead) == (machine.own, None)
    clock.heard(date(machine.own - SKEW_SECONDS + 2))
    assert (clock.time(), clock.is_off) == (machine.own, False)
    clock.heard({"Date": "once upon a time"})
    assert clock.ahead == pytest.approx(SKEW_SECONDS - 2, abs=1)


@pytest.mark.parametrize("off", [600.0, -600.0, 90.0, -90.0])
def test_slacks_clock_is_gone_by_where_they_differ(off: float) -> None:
    """From the first answer on, and as time passes; one that is set right is believed at once."""
    machine = Machine()
    clock, true = machine.clock(), machine.own - off
    clock.heard(date(true))
    machine.pass_by(3_600.0)
    assert clock.now().timestamp() == pytest.approx(true + 3_600, abs=1)
    assert clock.ahead == pytest.approx(off, abs=1)
    machine.own -= off
    assert clock.time() == machine.own == true + 3_600


@asynccontextmanager
async def off_by(seconds: float, *, http: bool) -> AsyncIterator[House]:
    """A running bot on a machine whose clock is so many seconds ahead."""
    own = time.time
    async with open_house(http=http, clock=SlackClock(lambda: own() + seconds)) as house:
        yield house


@pytest.mark.parametrize("http", [False, True])
@pytest.mark.parametrize("seconds", [1_200.0, -1_200.0])
async def test_what_is_asked_now_is_taken_and_not_offered(seconds: float, http: bool) -> None:
    """Over both ways in; it counts as asked when it was, by Slack's time."""
    async with off_by(seconds, http=http) as house:
        said = await house.slack.say("inc-checkout", WHY)
        await house.said()
        (question,) = house.engine.questions()
        assert question.accepted == pytest.approx(float(said["ts"]), abs=5)
        assert not any("I was not there" in text for text in house.texts("inc-checkout"))


async def test_a_signed_request_that_is_refused_for_its_age_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """Once a minute: without Slack's time the machine's own decides, and nobody would know why Slack is not heard."""
    async with off_by(0.0, http=True) as house:
        house.app._gate._now = lambda: time.time() + 612.0
        with caplog.at_level(logging.WARNING):
            for _ in range(2):
                await _asked_in_vain(house.slack)
    told = [record.getMessage() for record in caplog.records if "Slack signed" in record.getMessage()]
    assert len(told) == 1
    assert "+61" in told[0]
    assert house.engine.questions() == []


async def _asked_in_vain(slack: Sandbox) -> Any:
    await slack.say("inc-checkout", WHY)
    await slack.settle()

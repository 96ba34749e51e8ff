"""The bot is killed with -9 in every window of an answer; its next process makes one answer of it."""

import asyncio
import json
import signal
import sys
from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot import settings, wiring
from bot.demo.slack.records import Json
from bot.demo.slack.sandbox import Sandbox
from bot.slack.posting import EVENT
from tests.conftest import BOTH
from tests.scenarios.stage import (
    HEAD,
    Scene,
    connected,
    environment,
    given,
    looks_then_answers,
    served,
    text_of,
    watched,
    words,
)
from tests.scenarios.victim import Watch, watching

STEPS = ("begin1", "context1", "tools1", "model1", "tools2", "model2", "finish1")
WINDOWS = tuple(f"{step} {when}" for step in STEPS for when in ("before", "answered", "recorded"))
DONE = Counter([*(f"{step}.0" for step in STEPS), "tools1.1"])


@dataclass(frozen=True)
class Aftermath:
    """What is left in a window's channel: our messages, how often each step was done and the model asked."""

    messages: list[Json]
    streaming: int
    did: Counter[str]
    asked: int
    posted: int


def name_of(window: str) -> str:
    """The channel of a window."""
    return f"inc-{window.replace(' ', '-')}"


async def killed(
    slack: Sandbox, variables: dict[str, str], log: Path, windows: dict[str, str], words: str = "why is cart failing?"
) -> None:
    """A victim hears a question in every channel, hangs in all windows and dies."""
    command = (sys.executable, "-m", "tests.scenarios.victim", str(log), json.dumps(windows))
    victim = await asyncio.create_subprocess_exec(*command, env=variables)
    try:
        await slack.wait_connected(2, 60)
        for channel, window in windows.items():
            await slack.say(channel, f"@nightjar {words} It is {name_of(window)}.")
        assert await asyncio.wait_for(victim.wait(), 60) == -signal.SIGKILL
    finally:
        if victim.returncode is None:
            victim.kill()
            await victim.wait()


async def story(url: str, folder: Path) -> dict[str, Aftermath]:
    """Everything, from the first question to the last answer."""
    log, town = folder / "log", Sandbox(channels=map(name_of, WINDOWS), retry_delays=(0, 0.05, 0.05))
    async with watched() as sources, served(looks_then_answers) as (model, claude), town as slack:
        windows = {slack.workspace.channel(name_of(window)).id: window for window in WINDOWS}
        told = given(slack.credentials(), folder, **sources, **claude, database_url=url, concurrency=40)
        await killed(slack, environment(told, folder), log, windows)
        assert slack.workspace.live_streams(), "the victim left no stream, so none can be seen to be closed"
        with watching(Watch(log)):
            async with wiring.open_house(settings.read(**told)) as house, connected(slack, house, "socket"):
                scene = Scene(slack, house, model)
                await slack.wait_for(lambda: all(scene.finished(channel) for channel in windows), 60)
                await scene.quiet()
        return {window: seen(scene, channel, log, window) for channel, window in windows.items()}


def seen(scene: Scene, channel: str, log: Path, window: str) -> Aftermath:
    """What one channel shows."""
    lines = [line.split() for line in log.read_text(encoding="utf-8").splitlines()]
    found = scene.slack.workspace.channel(channel).messages.values()
    own = [message for message in found if message.user == scene.slack.bot_user_id]
    assert scene.model is not None
    sent = [c.sent for c in scene.slack.calls("chat.postMessage") if c.sent.get("channel") == channel]
    return Aftermath(
        messages=[message.to_json() for message in own],
        streaming=sum(message.channel == channel for message in scene.slack.workspace.live_streams()),
        did=Counter(line[2] for line in lines if line[:2] == ["did", channel]),
        asked=sum(f"{name_of(window)}." in words(request) for request in scene.model.requests),
        posted=sum(EVENT in str(call.get("metadata")) and '"answer"' in json.dumps(call["metadata"]) for call in sent),
    )


def wrong(left: Aftermath, window: str) -> list[str]:
    """What does not hold in a window: the answer once, nothing left beside it, no finished step repeated."""
    step, when = window.split()
    again = when == "answered"  # done and not recorded: done once more, and that is all
    did = DONE + Counter([f"{step}.0"] if again else [])
    held = {
        "one message, the answer": [HEAD in text_of(message) for message in left.messages] == [True],
        "no stream open": left.streaming == 0,
        "one placeholder posted": left.posted == 1,
        f"steps done: {did - left.did} lacking, {left.did - did} too often": left.did == did,
        f"model asked {left.asked} times": left.asked == 2 + (again and step.startswith("model")),
    }
    return [what for what, holds in held.items() if not holds]


@pytest.mark.parametrize("server", BOTH)
def test_one_answer_and_no_finished_step_repeated(server: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """In all windows: one placeholder, posted once, which became the answer; each recorded step done once."""
    cluster = request.getfixturevalue("postgres_cluster") if server == "postgres" else None
    with cluster.database() if cluster else nullcontext(f"sqlite:///{tmp_path / 'nightjar.sqlite'}") as url:
        aftermath = asyncio.run(story(url, tmp_path))
    assert {window: bad for window, left in aftermath.items() if (bad := wrong(left, window))} == {}
    assert len(aftermath) == len(WINDOWS)

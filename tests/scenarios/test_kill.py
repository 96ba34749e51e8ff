"""The bot is killed with -9 in every window of an answer; its next process makes one answer of it."""

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot import wiring
from bot.demo.slack.records import Json
from bot.demo.slack.sandbox import Sandbox
from bot.slack.posting import EVENT
from tests.conftest import BOTH
from tests.scenarios.stage import HEAD, Scene, connected, looks_then_answers, reading, served, text_of, watched, words
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


async def killed(slack: Sandbox, given: dict[str, Any], log: Path, windows: dict[str, str]) -> None:
    """A victim hears a question in every channel, hangs in all windows and dies."""
    variables = {key.upper(): value for key, value in given.items() if isinstance(value, str)}
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    kept |= {"PYTHONPYCACHEPREFIX": str(log.parent / "bytecode")} | variables | {"CONCURRENCY": "40"}
    command = (sys.executable, "-m", "tests.scenarios.victim", str(log), json.dumps(windows))
    victim = await asyncio.create_subprocess_exec(*command, env=kept)
    try:
        await slack.wait_connected(2, 60)
        for channel, window in windows.items():
            await slack.say(channel, f"@nightjar why is cart failing? It is {name_of(window)}.")
        assert await asyncio.wait_for(victim.wait(), 60) == -signal.SIGKILL
    finally:
        if victim.returncode is None:
            victim.kill()
            await victim.wait()


async def story(url: str, folder: Path) -> dict[str, Aftermath]:
    """Everything, from the first question to the last answer."""
    log = folder / "log"
    async with watched() as sources, served(looks_then_answers) as (model, claude):
        async with Sandbox(channels=map(name_of, WINDOWS), retry_delays=(0, 0.05, 0.05)) as slack:
            windows = {slack.workspace.channel(name_of(window)).id: window for window in WINDOWS}
            given = {**sources, **claude, "database_url": url, "concurrency": 40}
            config = reading(slack.credentials(), folder, **given)
            shown = {name: getattr(config, name) for name in type(config).model_fields}
            plain = {key: getattr(value, "get_secret_value", lambda v=value: v)() for key, value in shown.items()}
            await killed(slack, plain | {"nightjar_models": "claude"}, log, windows)
            assert model is not None
            assert slack.workspace.live_streams(), "the victim left no stream, so that none can be seen to be closed"
            with watching(Watch(log)):
                async with wiring.open_house(config) as house, connected(slack, house, "socket"):
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


@pytest.fixture(scope="module", params=BOTH)
def aftermath(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Aftermath]]:
    """The story, once for each database."""
    folder = tmp_path_factory.mktemp("kill")
    sqlite = request.param == "sqlite"
    cluster = None if sqlite else request.getfixturevalue("postgres_cluster")
    with nullcontext(f"sqlite:///{folder / 'nightjar.sqlite'}") if cluster is None else cluster.database() as url:
        yield asyncio.run(story(url, folder))


@pytest.mark.parametrize("window", WINDOWS)
def test_one_answer_whatever_was_under_way(aftermath: dict[str, Aftermath], window: str) -> None:
    """One placeholder, posted once, which became the model's answer; no progress message is left, no stream open."""
    left = aftermath[window]
    assert [HEAD in text_of(message) for message in left.messages] == [True]
    assert left.streaming == 0
    assert left.posted == 1


@pytest.mark.parametrize("window", WINDOWS)
def test_no_finished_step_is_repeated(aftermath: dict[str, Aftermath], window: str) -> None:
    """Each step's work was done once, but twice where it was done and not yet recorded; so with the model's turns."""
    left, (step, when) = aftermath[window], window.split()
    again = when == "answered"
    assert left.did == DONE + Counter([f"{step}.0"] if again else [])
    assert left.asked == 2 + (again and step.startswith("model"))

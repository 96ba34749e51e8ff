"""A comparison is killed with -9 in its windows, a vote is cut off from its names; the next process makes it whole."""

import json
import secrets
from collections import Counter
from pathlib import Path

import pytest

from bot import settings, wiring
from bot.demo.slack.sandbox import Sandbox
from bot.flows import reveal
from tests.fakes.chat_server import ChatServer
from tests.fakes.messages_server import Said, Text
from tests.scenarios.stage import CHANNEL, HEAD, Scene, connected, environment, given, served, text_of, watched, words
from tests.scenarios.test_compare import ASK, LLAMA_HEAD, LLAMA_WRITTEN, ROUTE, claude
from tests.scenarios.test_kill import Aftermath, killed, name_of, seen
from tests.scenarios.victim import Watch, watching

STEPS = ("begin1", "context1", "models1", "tools1", "model1", "tools2", "model2", "sides1", "finish1")
WINDOWS = tuple(f"{step} {when}" for step in STEPS for when in ("before", "answered", "recorded"))


async def story(folder: Path) -> tuple[dict[str, Aftermath], Counter[str]]:
    """From the questions to the last comparison; and how often the other model was asked, by channel name."""
    log, town = folder / "log", Sandbox(channels=map(name_of, WINDOWS), retry_delays=(0, 0.05, 0.05))
    async with (
        watched() as sources,
        served(claude) as (model, keys),
        ChatServer(lambda _: Said(Text(LLAMA_WRITTEN))) as chat,
        town as slack,
    ):
        windows = {slack.workspace.channel(name_of(window)).id: window for window in WINDOWS}
        llama = {"llama": {"base_url": chat.v1, "api_key": secrets.token_hex(16)}}
        more = {"nightjar_models": ROUTE, "concurrency": 40, "database_url": f"sqlite:///{folder / 'n.sqlite'}"}
        told = given(slack.credentials(), folder, **sources, **(keys | more), models=llama)
        variables = environment(told, folder) | {"MODELS": json.dumps(llama)}
        await killed(slack, variables, log, windows, "compare why is cart failing?")
        with watching(Watch(log)):
            async with wiring.open_house(settings.read(**told)) as house, connected(slack, house, "socket"):
                scene = Scene(slack, house, model)
                await slack.wait_for(lambda: all(scene.finished(channel) for channel in windows), 60)
                await scene.quiet()
        others = Counter(w for w in WINDOWS for request in chat.requests if f"{name_of(w)}." in words(request))
        return {window: seen(scene, channel, log, window) for channel, window in windows.items()}, others


def wrong(left: Aftermath, other: int, window: str) -> list[str]:
    """What does not hold in a window."""
    step, when = window.split()
    twice = when == "answered" and step == "sides1"  # done and not recorded
    again = Counter([f"{step}.0"] if when == "answered" else [])
    names = {line: count - again[line] for line, count in left.did.items() if count - again[line] != 1}
    (message, *more) = left.messages
    held = {
        "one message with both answers": not more and all(head in text_of(message) for head in (HEAD, LLAMA_HEAD)),
        "blind": "claude" not in text_of(message) and "A is better" in text_of(message),
        "no stream open": left.streaming == 0,
        "one placeholder posted": left.posted == 1,
        f"steps repeated: {names}": not names,
        f"asked {left.asked} and {other} times": left.asked == 1 + twice and other == 1,
    }
    return [what for what, holds in held.items() if not holds]


async def test_one_message_and_no_finished_step_repeated(tmp_path: Path, quick: None) -> None:
    """In every window: one placeholder, which became both answers; neither model asked again that had answered."""
    aftermath, others = await story(tmp_path)
    assert {w: bad for w, left in aftermath.items() if (bad := wrong(left, others[w], w))} == {}
    assert len(aftermath) == len(WINDOWS)


async def test_a_vote_outlives_the_process(home: Path, quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The house closes between the vote and the names; the next one shows them."""
    monkeypatch.setattr(reveal, "BLIND_SECONDS", 2.0)
    town = Sandbox(channels=(CHANNEL,), retry_delays=(0, 0.05, 0.05))
    async with watched() as sources, served(claude) as (model, keys), town as slack:
        told = settings.read(**given(slack.credentials(), home, **sources, **keys))
        async with wiring.open_house(told) as house, connected(slack, house, "socket"):
            scene = Scene(slack, house, model)
            await scene.ask(ASK)
            await slack.wait_for(scene.finished)
            await slack.press(scene.finished()[0], "vote:B", user="sam")
            await slack.settle()
            assert "tokens" not in text_of(scene.own()[0])
        async with wiring.open_house(told) as house, connected(slack, house, "socket"):
            await slack.wait_for(lambda: "voted B" in text_of(scene.own()[0]), 15)

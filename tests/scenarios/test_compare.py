"""Two models side by side, each behind its own protocol: blind in the thread, votes, names, the scoreboard."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.demo.slack.records import Json
from bot.flows import reveal
from tests.fakes.chat_server import ChatServer
from tests.fakes.messages_server import Refused, Reply, Request, Said, Text
from tests.scenarios.conftest import Play
from tests.scenarios.stage import CHANNEL, HEAD, WRITTEN, Scene, text_of

LLAMA_HEAD = "the mailer fails and takes cart along."
LLAMA_WRITTEN = f"{LLAMA_HEAD}\nSince noon.\nNext: restart it.\n\n77 % of its mails are lost [E2].\nCAUSE null"
ROUTE = "claude,llama:llama-4-scout"
NAMES = ("claude", "llama", "scout", "opus")
ASK = "@nightjar compare why is cart failing?"


@pytest.fixture(autouse=True)
def shortly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names are shown a second after the first vote."""
    monkeypatch.setattr(reveal, "BLIND_SECONDS", 1.0)


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the channel may leave the house."""
    (tmp_path / "nightjar.toml").write_text(f"[channels.{CHANNEL}]\nin_house = true\n", encoding="utf-8")
    monkeypatch.setenv("NIGHTJAR_CONFIG", str(tmp_path / "nightjar.toml"))


def claude(request: Request) -> Reply:
    """What Claude answers."""
    return Said(Text(WRITTEN))


@asynccontextmanager
async def duel(play: Play, other: Reply | None = None, **more: Any) -> AsyncIterator[tuple[Scene, ChatServer]]:
    """The whole house with two models, a Messages server and a chat-completions server."""
    async with ChatServer(lambda _: other or Said(Text(LLAMA_WRITTEN))) as chat:
        models = {"llama": {"base_url": chat.v1, "api_key": secrets.token_hex(16)}}
        given = {"nightjar_models": ROUTE, "models": models} | more
        async with play(script=claude, **given) as scene:
            yield scene, chat


async def revealed(scene: Scene, count: int = 0) -> Json:
    """Wait until it is shown who wrote what."""
    return await scene.slack.wait_for(
        lambda: next(iter([m for m in scene.own()[count:] if "tokens" in text_of(m)]), {})
    )


async def votes(scene: Scene) -> dict[str, str]:
    """What is kept of the newest comparison, by person."""
    (record, *_) = [record for record in await scene.records() if record.flow.startswith("cmp:")]
    return {person: choice for person, choice, _ in await scene.house.deps.votes.all(record.flow)}


async def test_blind_votes_then_names(play: Play) -> None:
    """One message in the thread; two people vote, one changes; then names and figures, and no vote counts."""
    async with duel(play) as (scene, _):
        asked = await scene.ask(ASK)
        (both,) = await scene.answers()
        assert both["thread_ts"] == asked["ts"]
        assert HEAD in text_of(both)
        assert LLAMA_HEAD in text_of(both)
        assert not any(name in json.dumps([both["text"], both["blocks"]]).lower() for name in NAMES)
        for user, choice in (("sam", "A"), ("sam", "bad"), ("mira", "good")):
            await scene.slack.press(both, f"vote:{choice}", user=user)
        shown = text_of(await revealed(scene))
        assert all(part in shown for part in ("A · ", "claude-opus-5-5", "llama-4-scout", "0 of 1 figures backed"))
        assert "<@U07SAMOKORO> voted both bad" in shown
        assert "<@U07MIRALIND> voted both good" in shown
        scene.slack.workspace.channel(both["channel"]).messages[both["ts"]].blocks = both["blocks"]  # an old window
        await scene.slack.press(both, "vote:A", user="mira")
        await scene.quiet()
        assert "no further vote counts" in scene.slack.ephemeral("mira")[-1]["text"]
        assert await votes(scene) == {"U07SAMOKORO": "bad", "U07MIRALIND": "good"}
        assert scene.posts() == 1


async def test_a_model_that_names_itself_stays_blind(play: Play) -> None:
    """In the message, in its fallback text and behind Details, till the names are shown; then its own words are."""
    named = f"I'm Llama 4 Scout by Meta, and {LLAMA_HEAD}\n\n— llama-4-scout\nCAUSE null"
    async with duel(play, Said(Text(named))) as (scene, _):
        await scene.ask(ASK)
        (both,) = await scene.answers()
        await scene.slack.press(both, "details", user="sam")
        view = await scene.slack.wait_for(lambda: scene.slack.view("sam"))
        for seen in (json.dumps([both["text"], both["blocks"]]), json.dumps((view or {})["blocks"])):
            assert LLAMA_HEAD in seen
            assert not any(name in seen.lower() for name in (*NAMES, "meta"))
        await scene.slack.press(both, "vote:A", user="sam")
        assert f"I'm Llama 4 Scout by Meta, and {LLAMA_HEAD}" in text_of(await revealed(scene))


async def test_both_models_read_the_same_and_get_no_tool(play: Play) -> None:
    """Over two protocols: the same question with the same evidence, one request each."""
    async with duel(play) as (scene, chat):
        await scene.ask(ASK)
        await scene.answers()
        assert scene.model is not None
        (one,), (other,) = scene.model.requests, chat.requests
        ((mine,), (_, theirs)) = one.body["messages"], other.body["messages"]
        said = mine["content"] if isinstance(mine["content"], str) else mine["content"][0]["text"]
        told = theirs["content"] if isinstance(theirs["content"], str) else theirs["content"][0]["text"]
        assert said == told
        assert "Evidence E2" in said
        assert not one.body.get("tools")
        assert not other.body.get("tools")


async def test_a_reason_is_asked_for_and_shown(play: Play) -> None:
    """Only of who has voted; it stands with the vote once the names do."""
    async with duel(play) as (scene, _):
        await scene.ask(ASK)
        (both,) = await scene.answers()
        await scene.slack.press(both, "why", user="mira")
        await scene.slack.wait_for(lambda: scene.slack.ephemeral("mira"))
        assert "vote first" in scene.slack.ephemeral("mira")[0]["text"]
        await scene.slack.press(both, "vote:A", user="sam")
        await revealed(scene)
        await scene.slack.press(both, "why", user="sam")
        await scene.slack.wait_for(lambda: scene.slack.view("sam"))
        await scene.slack.submit_view({"reason": "it names the deploy"}, user="sam")
        await scene.slack.wait_for(lambda: "voted A: it names the deploy" in text_of(scene.own()[0]))


async def test_the_scoreboard_counts_what_was_voted(play: Play) -> None:
    """By slash command too; a tie, a win, and too few to tell."""
    async with duel(play) as (scene, _):
        for number, choice in enumerate(("good", "A")):
            await scene.slack.slash("/oncall", "compare why is cart failing?", channel=CHANNEL)
            both = (await scene.answers(number + 1))[-1]
            await scene.slack.press(both, f"vote:{choice}", user="sam")
            await revealed(scene, number)
        await scene.slack.slash("/oncall", "scoreboard", channel=CHANNEL)
        (board,) = await scene.slack.wait_for(lambda: scene.own(part="note"))
        assert "*question*: 2 compared" in board["text"]
        assert "won 1 of 1: 100% (21–100%: too few to tell), 1 tied" in board["text"]
        assert "2 of 2 figures unbacked" in board["text"]
        await scene.slack.slash("/oncall", "scoreboard yesterday", channel=CHANNEL)
        await scene.quiet()
        assert "`scoreboard all` everywhere" in scene.slack.ephemeral()[-1]["text"]


async def test_nothing_of_an_in_house_channel_reaches_a_hosted_model(play: Play, inside: None) -> None:
    """The route goes on to the next family; with two models set, one of them hosted, it is said what is lacking."""
    async with duel(play) as (scene, chat):
        await scene.ask(ASK)
        (both,) = await scene.answers()
        assert "A is better" in text_of(both)
        assert scene.model is not None
        assert (scene.model.connections, len(chat.requests)) == (0, 1)


async def test_an_in_house_channel_says_what_is_lacking(play: Play, inside: None) -> None:
    """The settings name two, and one of them may not be asked here."""
    async with duel(play, compare=ROUTE) as (scene, chat):
        await scene.ask(ASK)
        (said,) = await scene.answers()
        assert "there is only llama:llama-4-scout, as nothing of this channel may leave the house" in text_of(said)
        assert scene.model is not None
        assert (scene.model.connections, chat.requests) == (0, [])


async def test_one_model_is_compared_with_the_playbook(play: Play) -> None:
    """It is one of the two where there is no other family; it does not say so before the vote."""
    async with play(script=claude) as scene:
        await scene.ask(ASK)
        (both,) = await scene.answers()
        assert "cart is unhealthy" in text_of(both)
        assert "No model" not in text_of(both)
        await scene.slack.press(both, "vote:bad", user="sam")
        assert "no model (playbook)" in text_of(await revealed(scene))


async def test_without_a_model_it_is_said_what_to_set(play: Play) -> None:
    """One sentence, no button."""
    async with play() as scene:
        await scene.ask(ASK)
        (said,) = await scene.answers()
        assert "Comparing needs two models" in text_of(said)
        assert "vote:" not in text_of(said)


async def test_a_model_that_is_down_is_named(play: Play) -> None:
    """There is nothing to vote on; it counts as a failure."""
    async with duel(play, Refused(401, "authentication_error")) as (scene, _):
        await scene.ask(ASK)
        (both,) = await scene.answers()
        assert "No answer came: it refused our key." in text_of(both)
        assert HEAD in text_of(both)
        assert "vote:" not in text_of(both)
        await scene.ask("@nightjar scoreboard")
        (board,) = await scene.slack.wait_for(lambda: scene.own(part="note"))
        assert "1 of 1 failed" in board["text"]


async def test_it_can_be_stopped_in_its_thread(play: Play) -> None:
    """By word, though it has a lane of its own."""
    async with duel(play, Said(Text(LLAMA_WRITTEN), first_byte=30.0)) as (scene, chat):
        asked = await scene.ask(ASK)
        async with asyncio.timeout(5):
            while not chat.requests:  # noqa: ASYNC110  what is waited for sets no event
                await asyncio.sleep(0.02)
        await scene.ask("@nightjar stop", thread=asked["ts"], user="sam")
        await scene.slack.wait_for(scene.finished)
        assert "Stopped by <@U07SAMOKORO>" in text_of(scene.finished()[0])

"""Every way to ask leads to one answer in the right place."""

import json
from pathlib import Path
from typing import Any

import pytest

from bot.demo.slack.records import Message
from tests.scenarios.conftest import Play
from tests.scenarios.stage import CHANNEL, HEAD, Scene, looks_then_answers, text_of, words

POSTS = Path(__file__).parents[1] / "fixtures" / "slack"
COMMANDS = {"alerts": "HighErrorRate", "metrics cart": "cart", "status": "", "ask why is cart failing?": "cart"}
ALERTS = {
    "alertmanager": "alert HighErrorRate state=active",
    "alertmanager_default": "alert HighErrorRate state=resolved",
    "grafana": "alert SlowCheckout state=active",
    "grafana_legacy": "alert Checkout latency alert state=active",
    "pagerduty": "alert p99 of checkout is over 2 s state=active",
    "datadog": "alert p99 of checkout is over 2 s state=active",
}


def posted(scene: Scene, name: str) -> dict[str, Any]:
    """A recorded post of another app, as it stands in the incident channel."""
    recorded = json.loads((POSTS / f"{name}.json").read_text(encoding="utf-8"))
    poster = recorded.get("username") or recorded["bot_profile"]["name"]
    message = Message(
        ts=scene.slack.workspace.mint_ts(),
        channel=scene.slack.workspace.channel(CHANNEL).id,
        user="",
        text=recorded["text"],
        bot_id=recorded["bot_id"],
        username=poster,
        attachments=recorded["attachments"],
    )
    return scene.slack.workspace.post(message).to_json() | {"channel": message.channel}


async def test_a_mention_is_answered_in_its_thread(play: Play) -> None:
    """One placeholder, which becomes the answer that the model wrote; nothing streams any more."""
    async with play(script=looks_then_answers) as scene:
        asked = await scene.ask()
        (answer,) = await scene.answers()
        assert answer["thread_ts"] == asked["ts"]
        assert HEAD in text_of(answer)
        assert scene.posts() == 1
        assert scene.streaming == 0


async def test_a_direct_message_needs_no_mention(play: Play) -> None:
    """What is written to the bot alone is a question."""
    async with play() as scene:
        direct = await scene.slack.dm("sam")
        asked = await scene.ask("why is cart failing?", user="sam", channel=direct)
        (answer,) = await scene.answers(channel=direct)
        assert answer["thread_ts"] == asked["ts"]
        assert "cart" in text_of(answer)


async def test_the_shortcut_investigates_a_message(play: Play) -> None:
    """“Investigate this” on an alert's post is answered in its thread, with the alert as the subject."""
    async with play(script=looks_then_answers) as scene:
        alert = posted(scene, "alertmanager")
        assert (await scene.slack.shortcut(alert, "investigate_message", user="sam")).ok
        (answer,) = await scene.answers()
        assert answer["thread_ts"] == alert["ts"]
        assert scene.model is not None
        assert "alert HighErrorRate state=active" in words(scene.model.requests[0])


@pytest.mark.parametrize("name", COMMANDS)
async def test_each_command_by_both_ways(play: Play, name: str) -> None:
    """`/oncall x` answers in the channel, `@nightjar x` in the thread, with the same."""
    async with play() as scene:
        root = await scene.ask("cart looks bad")
        assert (await scene.slack.slash("/oncall", name, channel=CHANNEL)).ok
        (by_slash,) = await scene.answers()
        await scene.ask(f"@nightjar {name}", thread=root["ts"])
        _, by_mention = await scene.answers(2)
        assert "thread_ts" not in by_slash
        assert by_mention["thread_ts"] == root["ts"]
        assert COMMANDS[name] in text_of(by_slash)
        assert COMMANDS[name] in text_of(by_mention)


@pytest.mark.parametrize(("text", "not_understood"), [("", False), ("help", False), ("frobnicate it", True)])
async def test_help_is_told_to_the_asker_alone(play: Play, text: str, not_understood: bool) -> None:
    """Bare `/oncall`, `/oncall help` and an unknown command list every command and name the incident taken."""
    async with play() as scene:
        assert (await scene.slack.slash("/oncall", text, channel=CHANNEL, user="sam")).ok
        (told,) = await scene.slack.wait_for(lambda: scene.slack.ephemeral("sam"))
        await scene.quiet()
        assert all(command.usage in told["text"] for command in scene.house.slack_app().commands.values())
        assert CHANNEL in told["text"]
        assert ("did not understand `frobnicate`" in told["text"]) is not_understood
        assert scene.posts() == 0


@pytest.mark.parametrize("text", ["@nightjar", "@nightjar help"])
async def test_help_by_mention(play: Play, text: str) -> None:
    """A bare mention in a thread helps too, and starts no investigation."""
    async with play() as scene:
        root = await scene.ask("cart looks bad")
        await scene.ask(text, thread=root["ts"])
        (told,) = await scene.slack.wait_for(scene.slack.ephemeral)
        await scene.quiet()
        assert "metrics <service>" in told["text"]
        assert scene.posts() == 0


async def test_an_alert_at_the_root_is_the_subject(play: Play) -> None:
    """A mention under another bot's post is about its alert, whose labels stand in the request as data."""
    async with play(script=looks_then_answers) as scene:
        for name in ALERTS:
            await scene.ask(f"@nightjar what is behind this? ({name})", thread=posted(scene, name)["ts"])
        await scene.answers(len(ALERTS))
        assert scene.model is not None
        for name, alert in ALERTS.items():
            asked = next(text for request in scene.model.requests if f"({name})" in (text := words(request)))
            assert f'"alert_or_message_asked_about": "{alert}' in asked.replace("\\", ""), name
            assert "checkout" in asked, name


async def test_a_new_incident_channel_is_joined_and_greeted_once(play: Play) -> None:
    """One of the pattern gets one hello that says what can be seen; another gets none."""
    async with play() as scene:
        incident = await scene.slack.create_channel("inc-search")
        await scene.slack.create_channel("random")
        await scene.slack.wait_for(lambda: scene.own(incident, "note"))
        await scene.quiet()
        (hello,) = scene.own(incident, "note")
        assert "prometheus" in hello["text"]
        assert scene.posts() == 1

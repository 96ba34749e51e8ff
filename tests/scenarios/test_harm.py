"""What a model, a source or a person writes can neither call people, nor lead away, nor give a secret away."""

import secrets

from bot.demo.shop.rules import Rule, error_rate
from tests.fakes.messages_server import Call, Request, Said, Text
from tests.scenarios.conftest import EITHER_MODEL, Play
from tests.scenarios.stage import WRITTEN, words


def bait(secret: str) -> str:
    """Everything that must not get through."""
    return (
        f"<!channel> @here <@U07MIRALIND> [here](https://evil.example/a?x=1) https://evil.example/b "
        f"<https://evil.example/c|log in> password={secret} token xoxb-{secret}-{secret}"
    )


def harmless(sent: str, secret: str) -> bool:
    """Whether none of it stands in what was sent to Slack."""
    return not any(bad in sent for bad in ("<!channel", "@here", "<@U07MIRALIND>", "evil.example/", "(https:", secret))


@EITHER_MODEL
async def test_a_models_text(play: Play) -> None:
    """In its draft, its tool arguments and its answer."""
    secret = secrets.token_hex(12)

    def baiting(request: Request) -> Said:
        asked = any(entry["role"] == "assistant" for entry in request.body["messages"])
        if not asked:
            return Said(Text(f"{bait(secret)}\n"), Call("find_metrics", {"words": bait(secret)}), pace=0.01)
        head, _, rest = WRITTEN.partition("\n")
        return Said(Text(f"{head} {bait(secret)}\n{bait(secret)}\n\n{bait(secret)}\n{rest}"), pace=0.01)

    async with play(script=baiting) as scene:
        await scene.ask()
        (answer,) = await scene.answers()
        await scene.slack.press(answer, "details")
        await scene.slack.wait_for(scene.slack.view)
        assert scene.slack.calls("chat.startStream")
        assert harmless(scene.sent(), secret)


async def test_a_sources_text(play: Play) -> None:
    """In an alert's labels and annotations, with the playbook and in every command."""
    secret = secrets.token_hex(12)
    rule = Rule("HighErrorRate", error_rate("", 0.05), 0, "critical", f"{bait(secret)} {{{{ $labels.service }}}}")
    async with play(rules={"corner": (rule,)}) as scene:
        root = await scene.ask()
        await scene.answers()
        await scene.ask("@nightjar alerts", thread=root["ts"])
        for answer in await scene.answers(2):
            await scene.slack.press(answer, "details")
            await scene.slack.wait_for(scene.slack.view)
            await scene.slack.close_view()
        assert harmless(scene.sent(), secret)


@EITHER_MODEL
async def test_a_persons_secret_reaches_no_model(play: Play) -> None:
    """What somebody pasted into the thread, or asks about, is masked before the first request, and never repeated."""
    secret = secrets.token_hex(12)
    async with play(script=lambda _: Said(Text(WRITTEN))) as scene:
        root = await scene.ask(f"I used password={secret} for cart", user="sam")
        await scene.ask(f"@nightjar is cart down since api_key={secret} was rotated?", thread=root["ts"])
        await scene.answers()
        assert scene.model is not None
        assert secret not in words(scene.model.requests[0])
        assert secret not in scene.sent()


@EITHER_MODEL
async def test_the_bots_own_tokens(play: Play) -> None:
    """A model that somehow knows them cannot say them."""
    async with play(script=lambda _: Said(Text(WRITTEN))) as scene:
        assert scene.model is not None
        token = scene.slack.bot_token
        scene.model._script = lambda _: Said(Text(WRITTEN.replace("ten minutes", token)))
        await scene.ask()
        await scene.answers()
        assert token not in scene.sent()

"""What people write while an investigation runs: it joins, it is answered beside, or it waits; each said at once."""

import time

from tests.fakes.messages_server import Call, Request, Said, Text
from tests.scenarios.conftest import EITHER_MODEL, Play
from tests.scenarios.stage import HEAD, WRITTEN, looks_then_answers, text_of, words

SOON = 3.0  # seconds, on a machine that does other things too


def slow(request: Request) -> Said:
    """The same, a second a turn."""
    said = looks_then_answers(request)
    return Said(*said.blocks, first_byte=0.8)


def thrice(request: Request) -> Said:
    """Three turns of tools, half a second each."""
    turns = sum(entry["role"] == "assistant" for entry in request.body["messages"])
    services = ("cart", "mailer")
    if turns < len(services):
        return Said(Text("I look.\n"), Call("service_signals", {"service": services[turns]}), first_byte=0.6)
    return Said(Text(WRITTEN), first_byte=0.3)


@EITHER_MODEL
async def test_an_instruction_joins(play: Play) -> None:
    """It is acknowledged at once, stands in a later turn's request, and gets no answer of its own."""
    async with play(script=thrice) as scene:
        root = await scene.ask()
        await scene.at_work()
        began = time.monotonic()
        await scene.ask("@nightjar leave the mailer out", thread=root["ts"])
        (note,) = await scene.slack.wait_for(lambda: scene.own(part="note"))
        assert time.monotonic() - began < SOON
        assert "joins the running investigation" in note["text"]
        await scene.answers()
        assert scene.model is not None
        assert [("leave the mailer out" in words(request)) for request in scene.model.requests][-1]


async def test_a_question_queues_with_its_place(play: Play) -> None:
    """It says at once how many are ahead, and is answered after them in the same message."""
    async with play(script=slow) as scene:
        root = await scene.ask()
        first = await scene.at_work()
        began = time.monotonic()
        await scene.ask("@nightjar what changed an hour ago?", thread=root["ts"])
        await scene.slack.wait_for(lambda: "Queued: 1 ahead of this one." in str(scene.own()[1:]))
        assert time.monotonic() - began < SOON
        answers = await scene.answers(2)
        assert answers[0]["ts"] == first["ts"]
        assert all(HEAD in text_of(answer) for answer in answers)


async def test_commands_never_queue(play: Play) -> None:
    """All of them are answered in the thread while its investigation still runs."""
    async with play(script=slow) as scene:
        root = await scene.ask()
        running = await scene.at_work()
        began = time.monotonic()
        for command in ("status", "alerts", "metrics cart"):
            await scene.ask(f"@nightjar {command}", thread=root["ts"])
        await scene.slack.wait_for(lambda: len(scene.finished()) == 3)
        assert time.monotonic() - began < SOON
        assert running["ts"] not in {message["ts"] for message in scene.finished()}
        await scene.answers(4)

"""Two incidents in one channel stay apart."""

import asyncio
import re

from tests.fakes.messages_server import Call, Request, Said, Text
from tests.scenarios.conftest import EITHER_MODEL, Play
from tests.scenarios.stage import told, words
from tests.scenarios.world import Corner

BOTH = ("cart", "mailer")


def of(request: Request) -> str:
    """The service that the conversation's first question is about."""
    asked = re.search(r"why is (\w+) failing", words(request))
    return asked[1] if asked else ""


def looks_at_its_own(request: Request) -> Said:
    """Looks at the service it was asked about, and cites what it saw."""
    service, results = of(request), told(request.body["messages"][-1])
    if not results:
        return Said(Text("I look.\n"), Call("service_signals", {"service": service}), first_byte=0.1)
    known = re.findall(r"Evidence (E\d+)", words(request))
    return Said(
        Text(f"{service} fails.\nSince ten minutes.\nNext: look.\n\nIts errors rose [{known[-1]}].\nCAUSE null")
    )


@EITHER_MODEL
async def test_no_evidence_crosses(play: Play) -> None:
    """Two threads, asked at once, followed up in turn: each cites and carries on its own evidence only."""
    async with play(script=looks_at_its_own, corner=Corner(BOTH, BOTH)) as scene:
        roots = [(await scene.ask(f"@nightjar why is {name} failing?"))["ts"] for name in BOTH]
        await scene.answers(2)
        await asyncio.gather(*(scene.ask("@nightjar and an hour ago?", thread=root) for root in roots))
        await scene.answers(4)
        for at, root in enumerate(roots):
            said = [r.answer for r in await scene.records() if r.answer and r.question.place.thread == root]
            seen = [item for answer in said for item in answer.evidence]
            looked = [item for item in seen if item.tool == "service_signals"]
            assert len({item.id for item in seen}) == len(seen)
            assert all(BOTH[at] in item.summary and BOTH[1 - at] not in item.summary for item in looked)
            assert {cited for answer in said for cited in re.findall(r"E\d+", answer.body)} <= {
                item.id for item in seen
            }
            assert len(looked) == 2


async def test_threads_know_each_others_answers_without_ids(play: Play) -> None:
    """In an incident channel a later thread is told what was answered before, without its evidence's ids."""
    async with play(script=looks_at_its_own, corner=Corner(BOTH, BOTH)) as scene:
        await scene.ask("@nightjar why is cart failing?")
        await scene.answers()
        await scene.ask("@nightjar hello, why is mailer failing?", user="sam")
        await scene.answers(2)
        assert scene.model is not None
        last = words(scene.model.requests[-1])
        told = last[last.index("earlier_in_this_incident") :].partition("]")[0]
        assert "cart fails" in told
        assert not re.search(r"E\d", told)

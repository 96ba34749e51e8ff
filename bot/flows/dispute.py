"""Somebody holds an answer for wrong: its message says so, and later answers are told."""

from dataclasses import dataclass, replace
from functools import partial

from bot.domain.answers import Answer, Dispute
from bot.domain.messages import JSON
from bot.domain.outcomes import decode, encode
from bot.domain.plugin import Flow
from bot.domain.ports import Engine, Steps
from bot.flows import again
from bot.flows.deps import Deps

NAME = "dispute"
MOST_CHARACTERS = 300


@dataclass(frozen=True)
class Disputed:
    """Who disputes the answer of a flow, and why; without a reason they do so no more."""

    key: str
    person: str
    why: str


async def request(engine: Engine, disputed: Disputed, once: str) -> bool:
    """Accept it: one write, once per form or press; those of one answer take their turns."""
    return await engine.start(
        NAME, f"dispute:{disputed.key}:{once}", f"dispute:{disputed.key}", encode(Disputed, disputed)
    )


async def run(steps: Steps, deps: Deps, payload: JSON) -> JSON:
    """Kept with the answer first, then shown."""
    disputed: Disputed = decode(Disputed, payload)
    kept = await steps.once("keep", partial(_keep, deps, disputed), bool)
    if kept:
        await steps.once("show", partial(_show, deps, disputed.key), bool)
    return {"state": "disputed" if kept else "unknown"}


async def _keep(deps: Deps, disputed: Disputed) -> bool:
    record = await deps.audit.get(disputed.key)
    if record is None or record.answer is None or not record.answer.head:
        return False
    await deps.audit.put(replace(record, answer=marked(record.answer, disputed)))
    return True


def marked(answer: Answer, disputed: Disputed) -> Answer:
    """The answer with what this person holds against it first, and once."""
    others = tuple(dispute for dispute in answer.disputes if dispute.person != disputed.person)
    why = " ".join(disputed.why.split())
    why = why if len(why) <= MOST_CHARACTERS else f"{why[: MOST_CHARACTERS - 1]}…"
    return replace(answer, disputes=(Dispute(disputed.person, why), *others) if why else others)


async def _show(deps: Deps, key: str) -> bool:
    record = await deps.audit.get(key)
    return record is not None and record.answer is not None and await again.show(deps, record, record.answer)


FLOW = Flow(NAME, run)

"""Votes on two compared answers: blind until the first is some seconds old, then shown with who wrote them."""

from dataclasses import replace
from functools import partial
from typing import get_args

from bot.domain.answers import Choice, Vote
from bot.domain.messages import JSON
from bot.domain.plugin import Flow
from bot.domain.ports import Engine, Steps
from bot.flows import again
from bot.flows.deps import Deps

NAME = "reveal"
BLIND_SECONDS = 10.0  # from the first vote: for a second thought, and for others who vote blind
CHOICES: tuple[Choice, ...] = get_args(Choice)


async def cast(deps: Deps, key: str, person: str, choice: str) -> bool:
    """Keep a vote, the last of each person counting; False once it is known who wrote what."""
    record = await deps.audit.get(key)
    if record is None or record.answer is None or record.answer.revealed or choice not in CHOICES:
        return False
    reasons = {voter: reason for voter, _, reason in await deps.votes.all(key)}
    await deps.votes.put(key, person, choice, reasons.get(person, ""))
    await request(deps.engine, key, delay=BLIND_SECONDS)
    return True


async def explain(deps: Deps, key: str, person: str, reason: str, once: str) -> bool:
    """Keep the reason with somebody's vote, once per form; False without a vote."""
    choice = next((choice for voter, choice, _ in await deps.votes.all(key) if voter == person), None)
    record = await deps.audit.get(key)
    if choice is None or record is None or record.answer is None:
        return False
    await deps.votes.put(key, person, choice, deps.redact(reason))
    if record.answer.revealed:
        await request(deps.engine, key, once)
    return True


async def request(engine: Engine, key: str, once: str = "", *, delay: float = 0.0) -> bool:
    """Show who wrote what, and the votes: once, and once again for each further occasion."""
    flow = f"reveal:{key}:{once}" if once else f"reveal:{key}"
    return await engine.start(NAME, flow, flow, key, delay=delay)


async def run(steps: Steps, deps: Deps, payload: JSON) -> JSON:
    """No vote counts any more; then the message says all."""
    key = str(payload)
    closed = await steps.once("close", partial(_close, deps, key), bool)
    if closed:
        await steps.once("reveal", partial(_reveal, deps, key), bool)
    return {"state": "revealed" if closed else "unknown"}


async def _close(deps: Deps, key: str) -> bool:
    record = await deps.audit.get(key)
    if record is None or record.answer is None or not any(side.head for side in record.answer.sides):
        return False
    await deps.audit.put(replace(record, answer=replace(record.answer, revealed=True)))
    return True


async def _reveal(deps: Deps, key: str) -> bool:
    record = await deps.audit.get(key)
    if record is None or record.answer is None:
        return False
    answer = replace(record.answer, votes=await votes_on(deps, key))
    await deps.audit.put(replace(record, answer=answer))
    return await again.show(deps, record, answer)


async def votes_on(deps: Deps, key: str) -> tuple[Vote, ...]:
    """Who voted how on a comparison."""
    found = await deps.votes.all(key)
    return tuple(Vote(person, choice, why) for person, said, why in found for choice in CHOICES if choice == said)


def outcome(votes: tuple[Vote, ...]) -> Choice | None:
    """What the votes come to: A or B by majority, else a tie: both good, or both bad by majority. None without."""
    counts = {choice: sum(vote.choice == choice for vote in votes) for choice in CHOICES}
    if counts["A"] != counts["B"]:
        return "A" if counts["A"] > counts["B"] else "B"
    if not votes:
        return None
    return "bad" if counts["bad"] > counts["good"] else "good"


FLOW = Flow(NAME, run)

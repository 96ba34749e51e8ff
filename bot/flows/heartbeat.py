"""The beat of a dead-man's switch: each minute, through schedule, database, queue and worker, as a question goes."""

from bot.domain.messages import JSON
from bot.domain.plugin import Flow
from bot.domain.ports import Steps
from bot.flows.deps import Deps

NAME = "heartbeat"


async def run(steps: Steps, deps: Deps, payload: JSON) -> JSON:
    """Beat once; silent while something that stops the work is wrong, or where nobody listens for it."""
    beaten = await steps.once("beat", deps.beat, bool)
    return {"state": "beaten" if beaten else "silent"}


FLOW = Flow(NAME, run, every="* * * * *")

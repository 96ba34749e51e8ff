"""Say hello once in a channel: what can be seen from here, and how to ask."""

from dataclasses import dataclass
from functools import partial

from bot.domain.messages import JSON
from bot.domain.outcomes import decode, encode
from bot.domain.place import Channel, Place
from bot.domain.plugin import Flow
from bot.domain.ports import Engine, Steps
from bot.flows.deps import Deps

NAME = "hello"


@dataclass(frozen=True)
class Joined:
    """The channel that was joined."""

    team: str
    channel: str


async def request(engine: Engine, team: str, channel: str, by: str = "") -> bool:
    """Accept a joined channel: once per channel, for ever."""
    key = f"hello:{team}:{channel}"
    return await engine.start(NAME, key, key, encode(Joined, Joined(team, channel)))


async def run(steps: Steps, deps: Deps, payload: JSON) -> JSON:
    """One short message in an incident channel; silence elsewhere."""
    joined: Joined = decode(Joined, payload)
    said = await steps.once("hello", partial(_hello, deps, joined, steps.key), bool)
    return {"state": "said" if said else "silent"}


async def _hello(deps: Deps, joined: Joined, key: str) -> bool:
    channel = await deps.chat.channel(joined.channel)
    if not deps.policy.is_incident(channel):
        return False
    await deps.chat.note(Place(joined.team, joined.channel), _text(deps, channel), key)
    return True


def _text(deps: Deps, channel: Channel) -> str:
    scope = deps.policy.scope(channel)
    seen = [
        f"{instance.name} ({instance.kind}{', ' + instance.shown if instance.shown else ''})"
        for instance in deps.sources.within(scope.envs).instances
    ]
    sources = ", ".join(seen) if seen else "no source yet; `nightjar doctor` says how to add one"
    keeping = f"I keep this channel's history for {scope.keep_days} days. " if scope.keep_days else ""
    return (
        f"Hello. I can see: {sources}.\n"
        f"Ask by mention (`@nightjar why is checkout slow?`) or `/oncall help`. {keeping}"
        "I read this channel only when asked, and I change nothing."
    )


FLOW = Flow(NAME, run)

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
    place = Place(joined.team, joined.channel)
    await deps.chat.note(place, _text(deps, channel), key)
    if days := deps.policy.scope(channel).keep_days:
        await deps.notes.put(f"keep:{place.lane}", str(days), replace=True)
    return True


async def say_keeping(deps: Deps, place: Place, days: int) -> None:
    """Say in a channel that its messages are kept, unless that was said of so many days before."""
    note = f"keep:{place.lane}"
    if await deps.notes.get(note) != str(days):
        await deps.chat.note(place, _keeping(days), f"{note}:{days}")
        await deps.notes.put(note, str(days), replace=True)


def _keeping(days: int) -> str:
    return (
        f"I keep this channel's messages for {days} days, so that earlier ones can be looked at; "
        "what you edit or delete here is edited or deleted there too."
    )


def _text(deps: Deps, channel: Channel) -> str:
    scope = deps.policy.scope(channel)
    seen = [
        f"{instance.name} ({instance.kind}{', ' + instance.shown if instance.shown else ''})"
        for instance in deps.sources.within(scope.envs).instances
    ]
    sources = ", ".join(seen) if seen else "no source yet; `nightjar doctor` says how to add one"
    reading = _keeping(scope.keep_days) if scope.keep_days else "I read this channel only when asked."
    return (
        f"Hello. I can see: {sources}.\n"
        f"Ask by mention (`@nightjar why is checkout slow?`) or `/oncall help`. {reading} I change nothing."
    )


FLOW = Flow(NAME, run)

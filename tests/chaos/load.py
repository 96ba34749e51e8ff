"""What people say in a run: chosen by the seed, steady, in several channels and in threads whose order matters."""

import asyncio
from dataclasses import dataclass, field
from random import Random

from tests.chaos.stage import CHANNELS, Town

KINDS = {"question": 42, "follow_up": 26, "instruction": 8, "command": 8, "slash": 5, "stop": 5, "direct": 6}
QUESTIONS = ("why is cart failing?", "what is wrong with cart since an hour?", "is mailer well?", "why is cart slow?")
FOLLOW_UPS = ("and is mailer well?", "what about the last hour?", "and why only cart?", "is it still so?")
INSTRUCTIONS = ("look at mailer too", "leave mailer out", "only the last half hour please")
COMMANDS = ("alerts", "status", "metrics cart")
LOST_ACKS = 0.04  # share of messages after which an ack is lost, so that Slack tells it again
RECENT = 8  # threads in which people go on


@dataclass
class Load:
    """`rate` messages a second on average until told to end."""

    town: Town
    random: Random
    rate: float = 1.0
    threads: list[tuple[str, str]] = field(default_factory=list)

    async def run(self, end: asyncio.Event) -> None:
        """Say things; what was begun is finished when `end` is set."""
        beside: set[asyncio.Task[None]] = set()
        while not end.is_set():
            task = asyncio.create_task(self._say(self.random.choices(list(KINDS), list(KINDS.values()))[0]))
            beside.add(task)
            task.add_done_callback(beside.discard)
            pause = self.random.uniform(0.4, 1.6) / self.rate
            try:
                await asyncio.wait_for(end.wait(), pause)
            except TimeoutError:
                continue
        await asyncio.gather(*beside)

    async def _say(self, kind: str) -> None:
        town, random = self.town, self.random
        channel = random.choice(CHANNELS)
        thread = random.choice(self.threads[-RECENT:]) if self.threads else (channel, "")
        if random.random() < LOST_ACKS:
            await town.slack.drop_acks(1)
        match kind:
            case "slash":
                await town.slash(channel, random.choice(QUESTIONS))
            case "direct":
                await town.ask(await town.slack.dm("sam"), "", random.choice(QUESTIONS), "direct", "sam")
            case "command":
                await town.ask(channel, "", f"@nightjar {random.choice(COMMANDS)}", "command")
            case "follow_up":
                await town.ask(*thread, f"@nightjar {random.choice(FOLLOW_UPS)}")
            case "instruction":
                await town.ask(*thread, f"@nightjar {random.choice(INSTRUCTIONS)}", "instruction")
            case "stop" if self.threads:
                await town.ask(*self.threads[-1], "@nightjar stop", "stop")
            case _:
                said = await town.ask(channel, "", f"@nightjar {random.choice(QUESTIONS)}")
                self.threads.append((said["channel"], said["ts"]))

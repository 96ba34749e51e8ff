"""Takes what somebody asks: a command runs once for each message, a question becomes one write."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from bot import telemetry
from bot.domain.investigations import PostedFile, Question
from bot.domain.place import Place
from bot.domain.plugin import Command, Heard
from bot.flows import answer, steer
from bot.slack.context import SlackContext

Way = Literal["mention", "direct", "follow_up"]
STOP = re.compile(r"(stop|cancel|abort|never ?mind|halt)( (it|this|that|please|now))*[\s.!]*", re.IGNORECASE)
_SENTENCE = 3  # words after the name that end in a question mark
_ASKING = frozenset({"ask", "compare"})  # whose rest is a question
SEEN = "What does this picture show, and what is behind it?"  # asked where a picture stands without words
_SAID = frozenset({"help", "stop"})  # what they say or stop a second time would be seen


@dataclass(frozen=True)
class Asked:
    """What somebody wrote to the bot: where, who, when by Slack's ts, the bare words, and the files beside them."""

    place: Place
    person: str
    ts: str
    words: str
    way: Way
    files: tuple[PostedFile, ...] = ()

    @property
    def question(self) -> Question:
        """The same as a question."""
        return Question(self.place, self.words or SEEN, self.person, self.ts, self.way, files=self.files)

    @property
    def heard_key(self) -> str:
        """The note under which its command is remembered."""
        return f"heard:{self.place.team}:{self.place.channel}:{self.ts}"


def spelled(name: str) -> str:
    """A command's name as people write it: `Post-mortem` is `postmortem`."""
    return name.lower().replace("-", "")


class Hearing:
    """The commands, and which messages gave one already: by the notes, for every process."""

    def __init__(self, context: SlackContext, commands: Mapping[str, Command]) -> None:
        self.context = context
        self.commands = commands
        self._under_way: set[str] = set()

    def recognise(self, text: str) -> tuple[Command | None, str]:
        """The command that the words begin with, and the rest; none for a sentence that only looks like one."""
        if STOP.fullmatch(text):
            return self.commands.get("stop"), ""
        name, _, rest = text.partition(" ")
        command, rest = self.commands.get(spelled(name)), rest.strip()
        takes_words = command is not None and len(command.usage.split()) > 1
        sentence = rest.endswith("?") and len(rest.split()) >= _SENTENCE and name.lower() not in _ASKING
        if command is None or sentence or (rest and not takes_words):
            return None, text
        return command, rest

    async def take(self, asked: Asked) -> bool:
        """Run it as a command or accept it as a question; False for a question that was accepted before."""
        command, rest = self.recognise(asked.words or ("" if asked.files else "help"))
        if command is None:
            return await put(self.context, asked.question)
        await self.give(command, Heard(asked.place, asked.person, rest, asked.ts, asked.heard_key, slash=False))
        return True

    async def give(self, command: Command, heard: Heard) -> None:
        """Run it unless the same message gave it before; a message and its mention come as two events.

        What only speaks is noted first, so that two processes do not say it twice; what starts a flow is noted after
        that, as the flow's own key guards it, and a write that failed is tried again.
        """
        notes = self.context.deps.notes
        if command.name in _SAID or (command.name in _ASKING and not heard.rest):
            if await notes.put(heard.key, command.name):
                await command.run(heard, self.context, self.commands)
            return
        if heard.key in self._under_way:
            return
        self._under_way.add(heard.key)
        try:
            if await notes.get(heard.key) is None:
                await command.run(heard, self.context, self.commands)
                await notes.put(heard.key, command.name)
        finally:
            self._under_way.discard(heard.key)


async def put(context: SlackContext, question: Question) -> bool:
    """Accept a question: one write; in a thread that is at work, say afterwards what becomes of it."""
    stamped = replace(question, accepted=question.accepted or context.client.clock.time())
    new = await answer.request(context.deps.engine, stamped)
    if new:
        telemetry.count("questions", way=question.way)
    if new and question.place.thread == question.ts:
        sessions, place = context.client.sessions, question.place
        context.after(partial(sessions.set, place.channel, place.thread, "processing"))  # before any post is allowed
    if new and question.place.thread not in ("", question.ts):
        lane, key = answer.lane_of(question), answer.key_of(question)
        context.after(partial(steer.acknowledge, context.deps, lane, key, question))
    return new

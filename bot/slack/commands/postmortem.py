"""Draft the post-mortem of a thread."""

from collections.abc import Mapping

from bot.domain.investigations import Question
from bot.domain.plugin import Command, Heard
from bot.flows import postmortem
from bot.slack.context import SlackContext

WHERE = "A post-mortem is written of a thread: mention me in the thread of the incident with the word `postmortem`."


async def run(heard: Heard, context: SlackContext, commands: Mapping[str, Command]) -> None:
    """One write, in a lane of its own."""
    if heard.place.thread in ("", heard.ts):
        context.whisper(heard, WHERE)
        return
    question = Question(heard.place, "", heard.person, heard.ts, accepted=context.client.clock.time())
    await postmortem.request(context.deps.engine, question)


COMMAND = Command("postmortem", "The draft of a post-mortem of this thread (in a thread)", "postmortem", run)

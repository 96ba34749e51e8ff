"""Ask anything: the same as a mention."""

from collections.abc import Mapping
from typing import Any

from bot.domain.investigations import Depth, Question
from bot.domain.plugin import Command, Heard
from bot.slack.context import SlackContext
from bot.slack.hearing import put

DEPTHS: dict[str, Depth] = {"--deep": "deep", "--fast": "fast"}


async def run(heard: Heard, context: SlackContext, commands: Mapping[str, Command]) -> None:
    """One question; `--deep` thinks longer, `--fast` answers in two turns."""
    words = heard.rest.split()
    depth = next((DEPTHS[word] for word in words if word in DEPTHS), "normal")
    text = " ".join(word for word in words if word not in DEPTHS)
    if not text:
        context.whisper(heard, "What should I look into? For example: `ask why is checkout slow since 14:00?`")
        return
    way: dict[str, Any] = {"way": "command" if heard.slash else "mention", "depth": depth}
    await put(context, Question(heard.place, text, heard.person, heard.ts, response_url=heard.response_url, **way))


COMMAND = Command("ask", "Investigate a question", "ask <question> [--deep | --fast]", run)

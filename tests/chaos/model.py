"""The model of a run: looks at one service, then answers with the word of the message it was asked about."""

import re
import time
from dataclasses import dataclass

from tests.chaos.history import TAG, History, ModelCall
from tests.fakes.messages_server import Call, Request, Said, Text

WRITTEN = "{}: cart answers with errors.\nIt began ten minutes ago.\nNext: look at its last deploy.\nCAUSE null"
QUESTION = re.compile(rf"Question: [^\n]*({TAG.pattern})")
FIRST_BYTE = 0.25  # seconds


@dataclass(frozen=True)
class Model:
    """A script for the Messages server, which writes down who asked; a worker's key is its name."""

    history: History

    def __call__(self, request: Request) -> Said:
        """The next turn."""
        tags, own = TAG.findall(request.raw.decode()), _question_of(request)
        worker = request.headers.get("x-api-key", "")
        self.history.calls.append(ModelCall(time.time(), worker, own, frozenset(tags)))
        last = request.body["messages"][-2:]
        looked = any(b["type"] == "tool_use" for m in last if isinstance(m["content"], list) for b in m["content"])
        if looked:
            return Said(Text(WRITTEN.format(own)), first_byte=FIRST_BYTE)
        return Said(Text("I look.\n"), Call("service_signals", {"service": "cart"}), first_byte=FIRST_BYTE)


def _question_of(request: Request) -> str:
    """The word of the question to be answered: the last one, after those that the thread has answers to."""
    contents = [message["content"] for message in request.body["messages"] if message["role"] == "user"]
    blocks = [[{"text": content}] if isinstance(content, str) else content for content in contents]
    found = QUESTION.findall("\n".join(str(block.get("text", "")) for group in blocks for block in group))
    return str(found[-1]) if found else "no-word"

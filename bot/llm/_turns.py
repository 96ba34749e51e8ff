"""A transcript as turns: whose words they are in turn, however many messages hold them."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from bot.domain.messages import Message
from bot.llm._text import clean


def turns(messages: Sequence[Message]) -> Iterator[tuple[str, tuple[Message, ...]]]:
    """Each role with its messages up to the other's next; a model's message that says nothing parts no turn."""
    speaking = (one for one in messages if one.role == "user" or one.calls or clean(one.text).strip())
    for role, group in groupby(speaking, lambda message: message.role):
        yield role, tuple(group)

"""What a durable step returns, and the one codec that turns it into JSON and back."""

from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, TypeAdapter

from bot.domain.messages import Message, Stop, ToolResult, Usage

T = TypeVar("T")

FaultCause = Literal[
    "overloaded",
    "rate_limited",
    "spend_limit",
    "timeout",
    "cut",
    "auth",
    "refused_request",
    "too_long",
    "garbage",
    "left_alone",
]


@dataclass(frozen=True)
class Turn:
    """What a model said, and why it stopped; `ended` in UTC seconds; `joined` are messages that steered this turn."""

    message: Message
    stop: Stop
    usage: Usage = Usage()
    seconds: float = 0.0
    ended: float = 0.0
    joined: tuple[str, ...] = ()
    kind: Literal["turn"] = "turn"


@dataclass(frozen=True)
class Fault:
    """A model attempt that gave no usable turn; `retry_after` in seconds, 0 when unknown."""

    cause: FaultCause
    detail: str
    retry_after: float = 0.0
    seconds: float = 0.0
    usage: Usage = Usage()
    ended: float = 0.0
    joined: tuple[str, ...] = ()
    kind: Literal["fault"] = "fault"


@dataclass(frozen=True)
class ToolFault:
    """A call that failed; `correct` says that the model should mend its arguments, not give up on the source."""

    call_id: str
    name: str
    text: str
    correct: bool = False
    kind: Literal["tool_fault"] = "tool_fault"


ModelOutcome = Annotated[Turn | Fault, Field(discriminator="kind")]
ToolOutcome = Annotated[ToolResult | ToolFault, Field(discriminator="kind")]


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def encode(kind: Any, value: object) -> Any:
    """`value` as plain JSON types; `kind` is its type, a union included."""
    return _adapter(kind).dump_python(value, mode="json")


def decode(kind: Any, data: Any) -> Any:
    """The inverse of `encode`: tuples, dates and dataclasses come back equal."""
    return _adapter(kind).validate_python(data)

"""The one transcript form that every model family maps to and from."""

from dataclasses import dataclass, field
from typing import Any, Literal

JSON = Any
Effort = Literal["low", "medium", "high"]
Stop = Literal["end", "tools", "length", "refusal", "pause", "context"]


@dataclass(frozen=True)
class ToolCall:
    """A model asks for a tool by name."""

    id: str
    name: str
    arguments: dict[str, JSON]


@dataclass(frozen=True)
class Thinking:
    """A model's own reasoning, to be given back unchanged to the same model only."""

    text: str
    signature: str = ""
    redacted: str = ""


@dataclass(frozen=True)
class Usage:
    """Tokens and money of one model turn."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    cost_usd: float = 0.0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cache_read_tokens + other.cache_read_tokens,
            self.cache_write_tokens + other.cache_write_tokens,
            self.cost_usd + other.cost_usd,
        )


@dataclass(frozen=True)
class ToolResult:
    """What a call gave: `text` for the model, `facts` the same in JSON for code, under one evidence id."""

    call_id: str
    name: str
    text: str
    evidence_id: str = ""
    facts: dict[str, JSON] = field(default_factory=dict)
    failed: bool = False
    kind: Literal["result"] = "result"
    usage: Usage = Usage()


@dataclass(frozen=True)
class Image:
    """A picture for models that see: its media type and its bytes in base64."""

    media_type: str
    data: str


@dataclass(frozen=True)
class Message:
    """One entry of a transcript."""

    role: Literal["user", "assistant"]
    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    results: tuple[ToolResult, ...] = ()
    thinking: tuple[Thinking, ...] = ()
    model: str = ""
    images: tuple[Image, ...] = ()


@dataclass(frozen=True)
class ModelFacts:
    """What code must know of a model; prices are US dollars per million tokens, `source` says where from.

    `parallel` says that it may call several tools in one turn.
    """

    name: str
    provider: str
    context_tokens: int = 200_000
    max_output_tokens: int = 8_192
    input_price: float = 0.0
    output_price: float = 0.0
    cache_write_price: float = 0.0
    cache_read_price: float = 0.0
    long_input_tokens: int = 0
    long_input_price: float = 0.0
    long_output_price: float = 0.0
    thinks: bool = False
    sees: bool = False
    parallel: bool = True
    hosted: bool = True
    source: str = ""


@dataclass(frozen=True)
class Ask:
    """One request to a model: stable `system` first (cached), then the messages; effort is low, medium or high.

    With a `schema` (JSON Schema of an object) the answer is JSON that fits it. A model that says nothing for
    `silence_seconds` is given up, where that is less than its own settings allow; where it thinks long they may allow
    more, but no more than `thinking_seconds`. 0 leaves it to them.
    """

    system: str
    messages: tuple[Message, ...]
    effort: Effort = "medium"
    max_output_tokens: int = 8_192
    deadline_seconds: float = 120.0
    schema: dict[str, JSON] | None = None
    silence_seconds: float = 0.0
    thinking_seconds: float = 0.0

    def patience(self, own: float, thinking: float = 0.0) -> float:
        """Seconds that a model may say nothing, where its settings allow `own`, and `thinking` as it thinks long."""
        longest = max(own, min(thinking, self.thinking_seconds or thinking))
        return min(longest, self.silence_seconds or longest)

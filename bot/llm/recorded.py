"""Turns played back instead of thought up, and the recorder they come from: for tests, benchmarks and demos."""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from bot.domain.errors import SetupError
from bot.domain.messages import Ask, ModelFacts
from bot.domain.outcomes import Fault, ModelOutcome, Turn, decode, encode
from bot.domain.plugin import Provider
from bot.domain.ports import Model
from bot.domain.tools import Tool

Script = Sequence[Turn | Fault] | Callable[[Ask], Turn | Fault]

_PIECE_CHARS = 24
_FACTS = ModelFacts("recorded", "recorded", source="a recording")
_OVER = Fault("refused_request", "the recording has no more turns")


class RecordedSettings(BaseModel):
    """Which recording is played; with `repeat` it begins anew after its last turn."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str = ""
    repeat: bool = False


@dataclass
class Recorded:
    """Plays a list of turns, or a function of the request; keeps every request it saw in `asks`."""

    script: Script
    facts: ModelFacts = _FACTS
    repeat: bool = False
    asks: list[Ask] = field(default_factory=list)

    async def turn(self, ask: Ask, tools: Sequence[Tool], show: Callable[[str], None]) -> Turn | Fault:
        """The next turn, its text shown in pieces."""
        self.asks.append(ask)
        outcome = self._next(ask)
        text = outcome.message.text if isinstance(outcome, Turn) else ""
        for at in range(0, len(text), _PIECE_CHARS):
            show(text[at : at + _PIECE_CHARS])
            await asyncio.sleep(0)
        return outcome

    def _next(self, ask: Ask) -> Turn | Fault:
        if callable(self.script):
            return self.script(ask)
        at = len(self.asks) - 1
        if self.repeat and self.script:
            at %= len(self.script)
        return self.script[at] if at < len(self.script) else _OVER


@dataclass
class Recording:
    """Wraps any model and keeps its outcomes, in the form that `Recorded` plays."""

    model: Model
    outcomes: list[Turn | Fault] = field(default_factory=list)

    @property
    def facts(self) -> ModelFacts:
        """Those of the wrapped model."""
        return self.model.facts

    async def turn(self, ask: Ask, tools: Sequence[Any], show: Callable[[str], None]) -> Turn | Fault:
        """A turn of the wrapped model, kept."""
        outcome = await self.model.turn(ask, tools, show)
        self.outcomes.append(outcome)
        return outcome

    def save(self, path: Path) -> None:
        """Write what was kept as JSON."""
        path.write_text(json.dumps(encode(list[ModelOutcome], self.outcomes), indent=1), "utf-8")


def open_recorded(settings: RecordedSettings, model: str) -> Recorded:
    """Play a file: the one the settings name, or `model` taken as a path; SetupError if it holds no recording."""
    path = settings.path or model
    if not path:
        raise SetupError("a recorded model needs the path of its recording")
    try:
        outcomes = decode(list[ModelOutcome], json.loads(Path(path).read_text("utf-8")))
    except OSError as error:
        raise SetupError(f"the recording {path} cannot be read: {error.strerror}") from error
    except (ValidationError, ValueError) as error:
        raise SetupError(f"{path} is no recording: {str(error).partition(chr(10))[0]}") from error
    return Recorded(outcomes, repeat=settings.repeat)


PROVIDER = Provider("recorded", RecordedSettings, open_recorded, about="turns from a file; no model is asked")

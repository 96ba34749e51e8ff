"""No model: plans by rules over tool roles, and writes an answer that holds facts only."""

from collections.abc import Callable, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from bot.domain.messages import Ask, Message, ModelFacts
from bot.domain.outcomes import Fault, Turn
from bot.domain.plugin import Provider
from bot.llm import _playbook_answer, _playbook_known, _playbook_plan, _playbook_question

NAME = "playbook"


class PlaybookSettings(BaseModel):
    """Nothing to set."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Playbook:
    """Answers by rules; the same transcript always gets the same turn."""

    @property
    def facts(self) -> ModelFacts:
        """It costs nothing and forgets nothing."""
        return ModelFacts(NAME, NAME, context_tokens=10_000_000, hosted=False, source="rules, no model")

    async def turn(self, ask: Ask, tools: Sequence[Any], show: Callable[[str], None]) -> Turn | Fault:
        """Calls tools while rules say so, then answers in the house's form."""
        known = _playbook_known.read(ask.messages, tools)
        asked = _playbook_question.read(known.question)
        if planned := _playbook_plan.calls(asked, known, tools):
            return Turn(Message("assistant", calls=planned, model=NAME), "tools")
        text = _playbook_answer.write(asked, known)
        show(text.rpartition("\nCAUSE ")[0])
        return Turn(Message("assistant", text, model=NAME), "end")


PROVIDER = Provider(
    NAME, PlaybookSettings, lambda settings, model: Playbook(), NAME, "no model: plans by rules, facts only"
)

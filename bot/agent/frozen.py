"""One answer from evidence that was gathered before, without tools: the same request for every model."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace

from bot.agent.budget import Budget
from bot.agent.context import fit
from bot.agent.prompt import FROZEN
from bot.agent.steps import AFTER_FAULT
from bot.domain.messages import Ask, Effort, Message, Usage
from bot.domain.outcomes import Fault, Turn
from bot.domain.ports import Model

LONGEST = 8_000  # tokens; thinking counts
AGAIN = 1.0  # seconds before the only second try
_SOON = 5.0  # seconds: what took longer to fail, or asks for a longer wait, is not tried again


async def answer_from(
    model: Model, messages: Sequence[Message], budget: Budget, effort: Effort, *, system: str = FROZEN
) -> Turn | Fault:
    """What the model makes of it; a fault that may pass is tried once more, with a shorter text where it was too long.

    `seconds` are those of the try that counts, `usage` that of both.
    """
    spent, window = Usage(), model.facts.context_tokens
    outcome: Turn | Fault = Fault("garbage", "never asked")
    for number in range(2):
        began = time.monotonic()
        longest = min(LONGEST, model.facts.max_output_tokens)
        ask = Ask(system, fit(messages, window), effort, longest, max(5.0, budget.seconds))
        outcome = _whole(await model.turn(ask, (), lambda text: None))
        spent += outcome.usage
        outcome = replace(outcome, usage=spent, seconds=round(outcome.seconds or time.monotonic() - began, 3))
        if isinstance(outcome, Turn) or number or not _may_pass(outcome):
            break
        window = window // 2 if outcome.cause == "too_long" else window
        await asyncio.sleep(max(AGAIN, outcome.retry_after))
    return outcome


def _may_pass(fault: Fault) -> bool:
    return AFTER_FAULT[fault.cause] != "next_model" and max(fault.retry_after, fault.seconds) <= _SOON


def _whole(outcome: Turn | Fault) -> Turn | Fault:
    """Words, or a fault: a refusal, a call of tools that nobody offered or silence is no answer."""
    if isinstance(outcome, Fault) or (outcome.stop in ("end", "length") and outcome.message.text.strip()):
        return outcome
    cause, detail = ("refused_request", "refusal") if outcome.stop == "refusal" else ("garbage", outcome.stop)
    return Fault(cause, detail, seconds=outcome.seconds, usage=outcome.usage)  # type: ignore[arg-type]

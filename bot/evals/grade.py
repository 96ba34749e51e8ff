"""Whether an answer is right, by facts and in code: every miss in words."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from bot.domain.answers import Answer
from bot.evals.case import NOTHING, Case, Fact, Forbidden

_CLOCK = re.compile(r"(?<![\d:.])([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?(?![\d:])")
_NUMBER = re.compile(r"(?<![\w.])(-?\d+(?:[ ,]\d{3})*(?:\.\d+)?)\s*(%?)")
_UNKNOWN = re.compile(r"\bcause (is )?not known\b", re.I)
_CITED = "cited but unknown"


def misses(case: Case, answer: Answer) -> tuple[str, ...]:
    """What is wrong with the answer; empty when it is right."""
    found = [*_cause(case, answer)]
    found += [f"does not hold {_said(fact)}" for fact in case.required if not _holds(fact, case, answer)]
    found += [why for rule in case.forbidden if (why := _breaks(rule, answer))]
    if len(unbacked := answer.numbers.unbacked) > case.unbacked:
        found.append(f"numbers without evidence: {', '.join(unbacked[:5])}")
    found += [gap for gap in answer.missing if gap.startswith(_CITED)]
    return tuple(found)


def _cause(case: Case, answer: Answer) -> Iterator[str]:
    """The cause as code reads it, and the head as people do: both name the same."""
    if not case.root_cause:
        return
    right = " or ".join("nothing" if name == NOTHING else name for name in case.root_cause)
    if answer.cause is None:
        if NOTHING not in case.root_cause:
            yield f"names no cause; it is {right}"
        elif _UNKNOWN.search(answer.head):
            yield "says that the cause is not known; nothing is wrong"
        return
    named = answer.cause.service.lower()
    if named not in {name.lower() for name in case.root_cause}:
        yield f"names {answer.cause.service} as the cause; it is {right}"
    elif not _names(answer.head, named):
        yield f"the head does not name {named}"


def _names(text: str, service: str) -> bool:
    """A service by its whole name: `orders-db` does not name `orders`."""
    return re.search(rf"(?<![\w-]){re.escape(service.lower())}(?![\w-])", text.lower()) is not None


def _holds(fact: Fact, case: Case, answer: Answer) -> bool:
    text = "\n".join((answer.head, answer.body, *answer.missing))
    if fact.service:
        return _names(text, fact.service)
    if fact.words:
        signal = answer.cause.signal if answer.cause else ""
        return any(word.lower() in f"{text} {signal}".lower() for word in fact.words)
    if fact.time:
        wanted, within = _moment(fact, case), timedelta(minutes=fact.within)
        return any(abs(at - wanted) <= within for at in _times(answer, case.asked))
    if fact.number is not None:
        return any(abs(value - fact.number) <= fact.within for value in _numbers(text))
    return fact.phrase.lower() in text.lower()


def _said(fact: Fact) -> str:
    if fact.words:
        return f"any of {', '.join(fact.words)}"
    if fact.time:
        return f"the time ({fact.time}, within {fact.within:g} min)"
    if fact.number is not None:
        return f"the number {fact.number:g} (within {fact.within:g})"
    return f"“{fact.service or fact.phrase}”"


def _moment(fact: Fact, case: Case) -> datetime:
    if isinstance(fact.time, datetime):
        return fact.time
    if fact.time == "onset" and case.world is not None:
        return case.asked - timedelta(minutes=case.world.minutes or 0.0)
    return datetime.fromisoformat(fact.time)


def _times(answer: Answer, asked: datetime) -> Iterator[datetime]:
    """The cause's own onset, and clock times in the head as the last ones before the question (UTC)."""
    if answer.cause and answer.cause.since:
        try:
            at = datetime.fromisoformat(answer.cause.since)
        except ValueError:
            return  # an onset that is no time is no onset, whatever the head says
        yield at if at.tzinfo else at.replace(tzinfo=UTC)
    for hour, minute, second in _CLOCK.findall(answer.head):
        at = asked.astimezone(UTC).replace(hour=int(hour), minute=int(minute), second=int(second or 0), microsecond=0)
        yield at if at <= asked else at - timedelta(days=1)


def _numbers(text: str) -> Iterator[float]:
    """Each number as it stands; a percentage also as the share it is."""
    for digits, percent in _NUMBER.findall(text):
        value = float(re.sub(r"[ ,]", "", digits))
        yield value
        if percent:
            yield value / 100.0


def _breaks(rule: Forbidden, answer: Answer) -> str:
    if rule.cause:
        named = answer.cause is not None and answer.cause.service.lower() == rule.cause.lower()
        return f"names {rule.cause} as the cause, which it is not" if named else ""
    text = f"{answer.head}\n{answer.body}" if rule.anywhere else answer.head
    return f"says “{rule.phrase}”" if rule.phrase.lower() in text.lower() else ""

"""From what a model wrote to the answer: every number and claim looked up in the evidence first."""

from collections.abc import Callable, Sequence

from bot.agent.loop import Worked
from bot.agent.route import FALLBACK
from bot.check.claims import Parsed, check_claims, cited_in, parse_answer
from bot.check.numbers import check_numbers, mark
from bot.check.sources import correct
from bot.domain.answers import Answer, Cause, Citation, Confidence
from bot.domain.evidence import Chart, Evidence
from bot.domain.sources import Instance, Sources
from bot.flows.context import Context
from bot.flows.scope import Scoped


def build(
    worked: Worked,
    evidence: Sequence[Evidence],
    earlier: Sequence[Evidence],
    *,
    known: Context,
    scoped: Scoped,
    redact: Callable[[str], str],
) -> Answer:
    """The answer as it leaves; confidence is set here, by code, never by the model."""
    parsed = parse_answer(redact(worked.text))
    everything = (*evidence, *earlier)
    claims = check_claims(parsed, everything)
    numbers = check_numbers(f"{parsed.head}\n{parsed.body}", everything, known.person.zone, _quoted(worked))
    missing = tuple(dict.fromkeys((*worked.left_out, *(gap for item in evidence for gap in item.missing))))
    if claims.unknown_ids:
        missing = (*missing, f"cited but unknown: {', '.join(claims.unknown_ids)}")
    there = tuple(instance.name for instance in scoped.sources.instances)
    head = correct(mark(parsed.head, numbers), there)
    return Answer(
        head=f"{without_metrics(scoped.sources, evidence)} {head}".strip(),
        body=correct(mark(parsed.body, numbers), there),
        cause=_cause(parsed.cause, claims.confidence),
        evidence=tuple(citation(item) for item in evidence),
        numbers=numbers,
        charts=_charts(evidence, parsed),
        missing=missing,
        model=worked.model,
        why=scoped.why,
        handed=worked.handed,
        tool_calls=worked.tool_calls,
        usage=worked.usage,
        window=evidence[-1].window if evidence else scoped.window,
        zone=known.person.zone,
        envs=scoped.sources.envs,
    )


def without_metrics(sources: Sources, evidence: Sequence[Evidence]) -> str:
    """A first line where metrics could not be had, so that nobody takes what follows for the whole; else empty."""
    stores = sources.of("series")
    away = [instance.name for instance in stores if _gave_nothing(instance, evidence)]
    if not away:
        return ""
    rest = "the others" if len(away) < len(stores) else "what is left"
    return f"No metrics from {', '.join(away)} (see below why): this is from {rest}."


def _gave_nothing(instance: Instance, evidence: Sequence[Evidence]) -> bool:
    """No metric of this question is from it, and it was in trouble: here, or where an earlier step was done."""
    metrics = (item for item in evidence if "alerts" not in item.facts)
    if any(instance.name in item.source.split(", ") for item in metrics):
        return False
    return bool(instance.trouble()) or any(gap.startswith(f"{instance.name} (") for e in evidence for gap in e.missing)


def _quoted(worked: Worked) -> tuple[str, ...]:
    """Faults that the playbook quotes as they are; a model has to show where its figures are from."""
    if worked.model != FALLBACK:
        return ()
    failed = (result.text for message in worked.messages for result in message.results if result.failed)
    return (*worked.told, *failed)


def _cause(cause: dict[str, str] | None, confidence: Confidence) -> Cause | None:
    return Cause(cause["service"], cause["signal"], cause.get("since", ""), confidence) if cause else None


def citation(item: Evidence) -> Citation:
    """A piece of evidence in one line."""
    return Citation(item.id, item.source, item.env, item.query, item.summary, item.tool)


def _charts(evidence: Sequence[Evidence], parsed: Parsed) -> tuple[Chart, ...]:
    """One picture says most: of the evidence cited first that has one; for a cause, else of the first that has. Where
    nothing is blamed, only what the head cites counts: the body is behind Details, and its picture would be noise."""
    drawn = {item.id: item.chart for item in evidence if item.chart is not None}
    cited = cited_in(parsed.head) if parsed.cause is None else (*parsed.cited, *drawn)
    best = next((drawn[cite] for cite in cited if cite in drawn), None)
    return (best,) if best is not None else ()

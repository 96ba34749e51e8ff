"""Which service is the cause, and which are only its symptoms.

Trouble spreads from a callee to its callers, and load from a caller to its callees. A service is a candidate by
evidence of its own: it is down, a resource of it is used up, it was just changed, something outside that only it
calls is slow, its errors or its own time rose while its callees are well, or more was asked of it than its callers
explain. A candidate is ranked by that evidence, by the share of all symptoms that its place in the call graph
explains, and by whether it came first.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from bot.analysis.anomalies import Mover
from bot.analysis.evidence import Own, own_evidence
from bot.analysis.picture import Picture

SYMPTOMS = frozenset({"errors", "latency", "availability"})
ENOUGH = 0.35
"""A candidate below this score is no cause."""


@dataclass(frozen=True)
class Candidate:
    """A possible cause: its evidence (weightiest first), what it explains, since when and, when over, until when."""

    service: str
    score: float
    own: tuple[Own, ...]
    symptoms: tuple[Mover, ...]
    since: float | None
    until: float | None
    coverage: float
    first: bool
    confidence: str = "likely"
    unexplained: tuple[Mover, ...] = field(default=())

    @property
    def main(self) -> Own:
        """The evidence that names the signal."""
        return self.own[0]

    @property
    def active(self) -> bool:
        """Whether it still lasts."""
        return self.until is None


def rank(picture: Picture) -> tuple[Candidate, ...]:
    """The independent causes, those that last before those that are over, the surest first."""
    groups = _groups(own_evidence(picture))
    left = [m for m in picture.movers if m.signal.kind in SYMPTOMS]
    taken: list[Candidate] = []
    while len(taken) < 4:
        found = [
            _candidate(s, own, left, picture) for s, own in groups if not any(own[0] is o for c in taken for o in c.own)
        ]
        found = [c for c in found if c.score >= ENOUGH and not _follows(c, taken, picture)]
        if not found:
            break
        best = max(found, key=lambda c: (c.active, round(c.score, 3), -(c.since or 0), c.service))
        taken.append(_sure(best))
        explained = {id(m) for m in best.symptoms}
        left = [m for m in left if id(m) not in explained]
    taken.sort(key=lambda c: not c.active)
    return tuple(replace(c, unexplained=tuple(left)) for c in taken)


def _groups(evidence: Mapping[str, Sequence[Own]]) -> list[tuple[str, Sequence[Own]]]:
    """The evidence of each service; a deadline stands alone, as it is a trouble of its own."""
    found: list[tuple[str, Sequence[Own]]] = []
    for service, own in sorted(evidence.items()):
        due = [o for o in own if o.deadline is not None]
        rest = [o for o in own if o.deadline is None]
        found += [(service, part) for part in (rest, due) if part]
    return found


def _candidate(service: str, own: Sequence[Own], left: Sequence[Mover], picture: Picture) -> Candidate:
    ordered = _ordered(own)
    reach = {service} | _explained(service, ordered, picture)
    since = _since(ordered)
    slack = picture.slack
    symptoms = [m for m in left if m.signal.service in reach and _in_time(m, ordered, since, slack)]
    until = _until(ordered, symptoms)
    asked = [m for m in left if m.active] if until is None else left
    explained = [m for m in symptoms if m.active or until is not None]
    coverage = _weight(explained) / _weight(asked) if asked else 1.0
    others = [m.shift.since for m in symptoms if m.signal.service != service]
    first = since is None or all(began >= since - 2.5 * slack for began in others)
    strength = 1.0
    for o in ordered[:3]:
        strength *= 1.0 - o.weight
    score = (1.0 - strength) * (0.35 + 0.65 * coverage) * (1.0 if first else 0.7)
    return Candidate(service, score, tuple(ordered), tuple(symptoms), since, until, coverage, first)


def _explained(service: str, own: Sequence[Own], picture: Picture) -> frozenset[str]:
    """Where a cause's trouble goes: up to its callers; with load also down, and up again from what is overloaded."""
    near = picture.above(service)
    if any(o.kind in ("traffic", "amplification") and o.weight >= 0.5 for o in own):
        below = picture.below(service)
        near |= below | frozenset(name for callee in below for name in picture.above(callee))
    return near - {service}


def _ordered(own: Sequence[Own]) -> list[Own]:
    """The weightiest first; of those about as weighty, the one that came first."""
    top = max(o.weight for o in own)
    near = [o for o in own if o.weight >= 0.8 * top]
    head = min(near, key=lambda o: (o.since is None, round((o.since or 0) / 2), -o.weight))
    if head.kind == "amplification":
        head = next(
            (o for o in own if o.kind == "other" and o.since and head.since and o.since < head.since + 60), head
        )
    return [head, *sorted((o for o in own if o is not head), key=lambda o: -o.weight)]


def _since(own: Sequence[Own]) -> float | None:
    strong = [o.since for o in own if o.since is not None and o.weight >= 0.6 * own[0].weight]
    return min(strong, default=own[0].since)


def _in_time(mover: Mover, own: Sequence[Own], since: float | None, slack: float) -> bool:
    """A symptom begins after its cause began, and not long after the cause was over."""
    if since is None:
        return True
    ends = [o.until for o in own]
    end = None if any(e is None for e in ends) else max(e for e in ends if e is not None)
    return mover.shift.since >= since - 3 * slack and (end is None or mover.shift.since <= end + 3 * slack)


def _until(own: Sequence[Own], symptoms: Iterable[Mover]) -> float | None:
    """When all of it was over; None while the main evidence or any symptom lasts."""
    ends = [o.until for o in own if o.weight >= 0.5 * own[0].weight and not o.moment]
    ends += [m.shift.until for m in symptoms]
    if not ends or any(end is None for end in ends):
        return None
    return max(end for end in ends if end is not None)


def _follows(candidate: Candidate, taken: Sequence[Candidate], picture: Picture) -> bool:
    """Whether a taken cause explains the candidate too: it stands upstream of it, or downstream of a traffic surge."""
    for cause in taken:
        near = _explained(cause.service, cause.own, picture)
        before = cause.since is None or candidate.since is None or candidate.since >= cause.since - 3 * picture.slack
        load = candidate.main.kind == cause.main.kind == "traffic"
        if before and (load or (candidate.service in near and not candidate.main.hard)):
            return True
        if not candidate.symptoms and not candidate.main.hard and candidate.main.weight < 0.6:
            return True
    return False


def _sure(candidate: Candidate) -> Candidate:
    """Confirmed: hard evidence of its own, before every symptom, that explains nearly all of them."""
    if candidate.main.hard and candidate.first and candidate.coverage >= 0.8 and candidate.since is not None:
        return replace(candidate, confidence="confirmed")
    return replace(candidate, confidence="likely" if candidate.score >= 0.45 else "unknown")


def _weight(movers: Iterable[Mover]) -> float:
    """How much trouble there is: each service counts once by its weightiest symptom; what is over counts half."""
    best: dict[str, float] = {}
    for m in movers:
        best[m.signal.service] = max(best.get(m.signal.service, 0.0), m.score)
    return sum(best.values())

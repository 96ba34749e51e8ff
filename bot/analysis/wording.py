"""Movers and causes in people's words; every figure as the facts carry it."""

from datetime import UTC, datetime

from bot.analysis.anomalies import Mover
from bot.analysis.causes import Candidate
from bot.analysis.evidence import Own
from bot.analysis.signals import Signal
from bot.analysis.words import topic

KIND_WORD = {
    "errors": "errors",
    "call errors": "errors",
    "faults": "errors",
    "latency": "latency",
    "own latency": "latency",
    "call latency": "latency",
    "traffic": "traffic",
    "call traffic": "traffic",
    "rate": "other",
    "gauge": "other",
    "share": "other",
    "free": "resource",
    "cpu": "resource",
    "saturation": "saturation",
    "throttling": "saturation",
    "queue": "saturation",
    "availability": "availability",
}
NEXT = {
    "change": "roll {service} back to the version before, then watch its error share",
    "availability": "find why {where} went down: its last log lines, its memory limit, its node",
    "memory": "restart {where} and look for what grew in its memory since {since}",
    "disk": "free space on {where}: see what grew since {since} (logs, write-ahead logs, old replication slots)",
    "connections": "see who holds the connections of {service} (idle in transaction, by application) and end them",
    "pool": "see what holds the pool's connections at {service}, and whether its database answers slowly",
    "saturation": "see what uses up {metric} at {where}",
    "dependency": "check the status of {peer} and fail over or shed its calls at {service}",
    "errors": "read the error logs of {service} since {since}",
    "latency": "profile {service}: its own time grew while what it calls stayed well",
    "traffic": "see where the extra traffic to {service} comes from; limit the rate or scale out",
    "amplification": "see why {service} asks {peer} so much more per request (cache, retries, a query in a loop)",
    "throttling": "raise the CPU limit of {service} or move it to another host",
    "cpu": "see what burns CPU at {where}",
    "queue": "see why the consumer of {metric} at {service} lags",
    "expiry": "renew the certificate or credential that {metric} watches at {service}",
    "other": "look at {metric} of {where} since {since}",
    "seen": "look at {service}: its callers see it fail, and it shows no signals of its own",
}


def iso(at: float | None) -> str:
    """UTC seconds as ISO 8601; empty for None."""
    return "" if at is None else f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"


def number(value: float, unit: str = "") -> str:
    """A figure with its unit, short: `35.9 %`, `1.24 s`, `512 MiB`, `480 per s`."""
    if unit == "ratio":
        return f"{value * 100:.3g} %"
    if unit == "seconds":
        return f"{value * 1000:.3g} ms" if abs(value) < 1 else f"{value:.3g} s"
    if unit == "bytes":
        for size, name in ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
            if abs(value) >= size:
                return f"{value / size:.3g} {name}"
    digits = f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return f"{digits} per s" if unit == "1/s" else f"{digits} {unit}".strip()


def label(mover: Mover) -> str:
    """What a mover is called."""
    return name_of(mover.signal)


def name_of(s: Signal) -> str:
    """What a signal is called: kind of trouble, then the metric it stands in."""
    return f"{trouble_of(s)} ({s.metric}{' / ' + s.limit if s.limit else ''})"


def trouble_of(s: Signal) -> str:
    """The kind of trouble that a signal shows, in a few words."""
    to = f" of calls to {s.peer}" if s.peer else ""
    what = topic(s.metric, s.limit)
    return {
        "errors": "errors",
        "call errors": f"errors{to}",
        "faults": f"failures{to}",
        "latency": "latency",
        "own latency": "own latency (without its calls)",
        "call latency": f"latency{to}",
        "traffic": "traffic",
        "call traffic": f"traffic{to.replace('of calls ', '')}",
        "saturation": f"{what or 'resource'} used",
        "throttling": f"{what or 'CPU'} throttled",
        "queue": "queue" if what in ("", "queue") else f"{what} waiting",
        "availability": "availability",
        "cpu": "CPU",
    }.get(s.kind, what or "gauge")


def where(mover: Mover) -> str:
    """The instance when one is known, else the service."""
    return mover.signal.labels.get("instance") or mover.signal.service


def moved(mover: Mover) -> str:
    """From what to what, in words."""
    s, shift = mover.signal, mover.shift
    if s.kind == "availability":
        return f"down {shift.episodes} times" if shift.episodes > 1 else "down"
    unit = s.unit
    spiky = s.kind == "saturation" and shift.now < 0.9 * shift.peak
    after = f"up to {number(shift.peak, unit)}" if spiky or not mover.active else number(shift.now, unit)
    text = f"{number(shift.before, unit)} → {after}"
    if shift.episodes > 2 and mover.active:
        text += f", comes and goes ({shift.episodes} times)"
    if mover.left is not None and mover.left < 3600 * 4 and mover.exhausted < 1.0:
        text += f", full in about {mover.left / 60:.0f} min at this pace"
    return text


def signal_of(own: Own) -> str:
    """The signal that shows a cause."""
    if own.deadline is not None:
        what = topic(own.deadline.metric) or "deadline"
        return f"{what} expiry ({own.deadline.metric})"
    return label(own.mover) if own.mover is not None else own.kind


def headline_of(candidate: Candidate) -> str:
    """What is wrong, in words for a headline: no metric, no time."""
    own = candidate.main
    if own.mover is None:
        return _said(own)
    shown = f"{trouble_of(own.mover.signal)} {moved(own.mover)}"
    if own.event is not None:
        return f"{shown}, right after its deploy {own.event.what.removeprefix(own.service).strip()}"
    if own.kind == "availability":
        return f"{where(own.mover)} {moved(own.mover)}"
    if own.kind == "amplification":
        return f"asks far more of {own.mover.signal.peer} at the same load, {moved(own.mover)}"
    return shown


def reason_of(candidate: Candidate) -> str:
    """Why this service: its evidence in one sentence, each signal once."""
    parts: list[str] = []
    told: set[int] = set()
    for own in candidate.own[:4]:
        if (own.weight >= 0.5 or own is candidate.main) and id(own.mover) not in told:
            parts.append(_said(own))
            told |= {id(own.mover)} - {id(None)}
    return "; ".join(dict.fromkeys(parts))


def _said(own: Own) -> str:
    if own.deadline is not None:
        left = own.deadline.left
        when = f"has {left / 86400:.1f} days left" if left > 0 else "has expired"
        if own.until is not None:
            when = f"had {left / 86400:.1f} days left, and was renewed"
        return f"{own.deadline.target or own.deadline.metric} {when}"
    mover = own.mover
    if mover is None:
        return own.event.what if own.event else own.kind
    moved_text = f"{label(mover)} {moved(mover)}"
    if own.event is not None:
        return f"{own.event.what} at {iso(own.event.at)[11:19]} UTC, then {moved_text}"
    if own.kind == "amplification":
        return f"asks far more of {mover.signal.peer} at the same load: {moved_text}"
    return moved_text


def next_of(candidate: Candidate) -> str:
    """The one check or action to do next."""
    own = candidate.main
    mover = own.mover
    what = topic(mover.signal.metric, mover.signal.limit) if mover else ""
    key = what if own.kind == "saturation" and what in NEXT else own.kind
    return NEXT.get(key, NEXT["other"]).format(
        service=candidate.service,
        where=where(mover) if mover else candidate.service,
        metric=mover.signal.metric if mover else (own.deadline.metric if own.deadline else ""),
        peer=mover.signal.peer if mover else "",
        since=f"{iso(candidate.since)[11:19]} UTC" if candidate.since else "then",
    )

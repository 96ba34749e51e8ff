"""The tool that says what fires."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Annotated

from bot.domain.alerts import Alert
from bot.domain.errors import ToolError
from bot.domain.evidence import Found
from bot.domain.facts import AlertFact
from bot.domain.series import Labels, service_of
from bot.domain.sources import Instance
from bot.domain.tools import Desk, tool
from bot.tools import _words
from bot.tools._scope import ENV, Told, alerts_of, ask, rules_of, scope

QUERY = 'ALERTS{alertstate="firing"}'
SHOWN = 40
KEPT = 500
_GRACE = timedelta(minutes=1)
LONGEST_LABEL = 1_000
EXPRESSIONS = 6
_STATES = {"active": 0, "suppressed": 1, "pending": 2, "resolved": 3}
_SEVERITIES = ("critical", "page", "error", "high", "warning", "medium", "minor", "low", "info")
_ALWAYS = frozenset({"watchdog", "deadmansswitch", "deadmanswitch", "alwaysfiring", "infoinhibitor"})
_SUMMARIES = ("summary", "title", "message", "description")


@dataclass(frozen=True)
class _Heard:
    """What one instance said: its alerts, and those that fired in the window as its metrics tell."""

    alerts: tuple[Alert, ...]
    fired: tuple[Alert, ...] = ()


@dataclass(frozen=True)
class _Placed:
    """An alert and the instance that told it."""

    alert: Alert
    instance: Instance


@tool(role="alerts", need="alerts")
async def alerts(desk: Desk, env: Annotated[str, ENV] = "") -> Found:
    """What fires now, is pending or suppressed, and what fired in the window and is over. Ask this first.

    Per alert: name, service, severity, since when, its summary and its expression. Always-firing test alerts are
    set aside.
    """
    told = await ask(scope(desk, "alerts", env), lambda instance: _hear(instance, desk))
    placed, notes = _merged(told)
    told_of = [one for one in placed if not _always(one.alert)]
    shown = [one for one in told_of if one.alert.starts <= desk.window.end + _GRACE]
    later = len(told_of) - len(shown)
    shown = await _with_expressions(desk, shown)
    shown.sort(key=lambda one: _order(one.alert))
    aside = sorted({one.alert.name for one in placed if _always(one.alert)})
    more = (f"{len(shown) - KEPT} more alerts are only counted",) if len(shown) > KEPT else ()
    after = (f"{later} alerts that began after this window are left out",) if later else ()
    missing = (*told.missing, *notes, *more, *after, *await _silent(desk, told, placed))
    facts = [_fact(one) for one in shown[:KEPT]]
    return Found(
        text=_text(desk, told, shown, aside, missing),
        source=told.source,
        query="alerts",
        env=told.env,
        facts={"alerts": facts},
        raw={"alerts": facts, "set_aside": aside},
        summary=_summary(desk, [one.alert for one in shown]),
        missing=missing,
    )


async def _hear(instance: Instance, desk: Desk) -> _Heard:
    now, fired = await asyncio.gather(alerts_of(instance).alerts(), _fired(instance, desk))
    return _Heard(now, fired)


async def _fired(instance: Instance, desk: Desk) -> tuple[Alert, ...]:
    """By the metric ALERTS, which outlives an alert; none where there is no such metric."""
    if instance.series is None:
        return ()
    try:
        answer = await instance.series.range(QUERY, desk.window)
    except ToolError:
        return ()
    return tuple(
        Alert(
            name=one.labels.get("alertname", ""),
            labels={k: v for k, v in one.labels.items() if k not in ("__name__", "alertstate")},
            starts=datetime.fromtimestamp(one.times[0], UTC),
            ends=datetime.fromtimestamp(one.times[-1], UTC),
            state="resolved",
        )
        for one in answer.series
    )


def _merged(told: Told[_Heard]) -> tuple[list[_Placed], tuple[str, ...]]:
    """Per environment Alertmanager's word counts on what fires; Prometheus adds what is pending, or stands in."""
    placed: list[_Placed] = []
    notes: list[str] = []
    for env in dict.fromkeys(instance.env for instance, _ in told.answers):
        here = [(instance, heard) for instance, heard in told.answers if instance.env == env]
        managers = [pair for pair in here if pair[0].kind != "prometheus"]
        current = _distinct(_Placed(alert, i) for i, heard in managers for alert in heard.alerts)
        known = {one.alert.name for one in current}
        own = [_Placed(alert, i) for i, heard in here if i.kind == "prometheus" for alert in heard.alerts]
        unsent = [one for one in own if one.alert.state == "pending" or one.alert.name not in known]
        held_back = sorted({one.alert.name for one in unsent if one.alert.state != "pending"} if managers else ())
        if held_back:
            notes.append(f"{', '.join(held_back)}: firing in Prometheus, but Alertmanager does not list it")
        current += _distinct(unsent)
        over = (_Placed(alert, i) for i, heard in here for alert in heard.fired)
        current += [one for one in over if not any(_same(one.alert, other.alert) for other in current)]
        placed += current
    return placed, tuple(notes)


def _distinct(placed: Iterable[_Placed]) -> list[_Placed]:
    """Each alert once, though two Alertmanagers of a pair tell it."""
    return list({tuple(sorted(one.alert.labels.items())): one for one in placed}.values())


def _same(past: Alert, current: Alert) -> bool:
    """Alertmanager adds external labels, so the metric's labels are fewer."""
    return current.state != "pending" and past.labels.items() <= current.labels.items()


def _always(alert: Alert) -> bool:
    return (
        alert.name.lower() in _ALWAYS
        or alert.labels.get("severity", "").lower() == "none"
        or alert.expr.replace(" ", "") == "vector(1)"
    )


async def _with_expressions(desk: Desk, placed: list[_Placed]) -> list[_Placed]:
    """Some alerts come without their expression; the rules of the same environment have it."""
    envs = {one.instance.env for one in placed if not one.alert.expr}
    sources = [instance for instance in desk.sources.of("rules") if instance.env in envs]
    known: dict[tuple[str, str], str] = {}
    if sources:
        try:
            told = await ask(sources, lambda instance: rules_of(instance).rules())
        except ToolError:
            return placed
        known = {(i.env, rule.name): rule.expr for i, rules in told.answers for rule in rules}
    return [
        one
        if one.alert.expr
        else replace(one, alert=replace(one.alert, expr=known.get((one.instance.env, one.alert.name), "")))
        for one in placed
    ]


async def _silent(desk: Desk, told: Told[_Heard], placed: Sequence[_Placed]) -> tuple[str, ...]:
    """A Prometheus without rules, and no Alertmanager beside it, cannot say that nothing is wrong."""
    heard = {one.instance.name for one in placed}
    managed = {instance.env for instance, _ in told.answers if instance.kind != "prometheus"}
    quiet = [i for i, _ in told.answers if i.name not in heard and i.env not in managed and i.rules is not None]
    if not quiet:
        return ()
    try:
        rules = await ask(quiet, lambda instance: rules_of(instance).rules())
    except ToolError:
        return ()
    return tuple(
        f"{i.name} holds no alerting rules, so nothing can fire there" for i, held in rules.answers if not held
    )


def _order(alert: Alert) -> tuple[int, int, datetime]:
    severity = alert.labels.get("severity", "").lower()
    rank = _SEVERITIES.index(severity) if severity in _SEVERITIES else len(_SEVERITIES) // 2
    return _STATES.get(alert.state, 0), rank, alert.starts


def _fact(one: _Placed) -> AlertFact:
    alert, instance = one.alert, one.instance
    return AlertFact(
        name=alert.name,
        service=service_of(alert.labels),
        severity=alert.labels.get("severity", ""),
        state=alert.state,
        since=alert.starts.astimezone(UTC).isoformat(timespec="seconds"),
        summary=_say(alert.annotations),
        labels={name: value[:LONGEST_LABEL] for name, value in alert.labels.items()},
        expr=alert.expr,
        source=instance.name,
        env=instance.shown,
    )


def _say(annotations: Labels | Mapping[str, str]) -> str:
    text = next((annotations[name] for name in _SUMMARIES if annotations.get(name)), "")
    return " ".join(text.split())[:300]


def _summary(desk: Desk, shown: Sequence[Alert]) -> str:
    firing = [alert for alert in shown if alert.state == "active"]
    if not firing:
        return "no alert fires"
    first = min(firing, key=lambda alert: alert.starts)
    names = ", ".join(dict.fromkeys(f"{a.name} {service_of(a.labels)}".strip() for a in firing[:4]))
    return f"{len(firing)} firing, the first since {_words.clock(first.starts, desk)}: {names}"


def _text(
    desk: Desk, told: Told[_Heard], shown: Sequence[_Placed], aside: Sequence[str], missing: Sequence[str]
) -> str:
    lines = [f"As of {_words.clock(desk.now, desk)} ({told.env}):"]
    for state, group in groupby(shown[:SHOWN], key=lambda one: one.alert.state):
        lines.append(_HEADS[state])
        by_service: dict[str, list[_Placed]] = {}
        for one in group:
            by_service.setdefault(service_of(one.alert.labels) or "(no service label)", []).append(one)
        for service, own in by_service.items():
            lines += [f" {service}", *(f"  {_line(desk, one, told.many)}" for one in own)]
    if not any(one.alert.state == "active" for one in shown):
        lines.insert(1, "No alert fires.")
    if len(shown) > SHOWN:
        lines.append(f"{len(shown) - SHOWN} more alerts are left out here; their names: {_names(shown[SHOWN:])}")
    expressions = {one.alert.name: one.alert.expr for one in shown if one.alert.expr}
    lines += [f"Expression of {name}: {expr}" for name, expr in list(expressions.items())[:EXPRESSIONS]]
    if aside:
        lines.append(f"Set aside, as they always fire: {', '.join(aside)}.")
    return "\n".join([*lines, *(f"Not seen: {item}" for item in missing)])


_HEADS = {
    "active": "Firing:",
    "suppressed": "Firing, but silenced or inhibited:",
    "pending": "Pending (condition true, `for` not over yet):",
    "resolved": "Fired in the window, over now:",
}


def _line(desk: Desk, one: _Placed, placed: bool) -> str:
    alert = one.alert
    severity = alert.labels.get("severity", "")
    since = f"since {_words.clock(alert.starts, desk)} ({_words.ago(alert.starts, desk)} ago)"
    if alert.state == "resolved" and alert.ends is not None:
        since = f"{_words.clock(alert.starts, desk)} to {_words.clock(alert.ends, desk)}"
    rest = _words.labels(alert.labels, _words.SHOWN_APART)
    parts = [
        " ".join(filter(None, (alert.name, severity))),
        since,
        _say(alert.annotations),
        rest if rest != "{}" else "",
    ]
    return "; ".join(filter(None, (*parts, one.instance.shown if placed else "")))


def _names(placed: Sequence[_Placed]) -> str:
    counts: dict[str, int] = {}
    for one in placed:
        counts[one.alert.name] = counts.get(one.alert.name, 0) + 1
    return ", ".join(f"{name} ×{count}" for name, count in sorted(counts.items(), key=lambda pair: -pair[1])[:10])


TOOL = alerts

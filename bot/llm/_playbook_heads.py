"""The head of an answer, three lines, by the kind of question; with it the cause it names, if any."""

import re
from collections.abc import Sequence

from bot.llm import _playbook_further as further
from bot.llm._playbook_plan import leading_alert
from bot.llm._playbook_question import near
from bot.llm._playbook_view import Row, View, fires, listed, moved, mover, of

Head = tuple[list[str], Row | None]


def head_of(view: View) -> Head:
    """The head for the kind of question that was asked."""
    return _HEADS.get(view.asked.kind, _unhealthy)(view)


def _unhealthy(view: View) -> Head:
    asked = view.asked
    if asked.named and not view.service and view.services:
        return _unknown_service(view)
    causes = view.causes
    if view.service:
        causes = [c for c in causes if view.service == c["service"] or view.service in c.get("affects", [])]
        if not causes and not moved(view, view.service):
            return _well(view)
    if causes:
        return _of_cause(view, causes)
    return _without_cause(view)


def _of_cause(view: View, causes: Sequence[Row]) -> Head:
    cause, seen = causes[0], view.known.id("movers")
    over = cause.get("until")
    env = f" ({cause['env']})" if cause.get("env") else ""
    verb = "was unhealthy, and it is over" if over else "is unhealthy"
    if cause.get("kind") == "other" and not cause.get("affects"):
        verb = f"hurts nobody{', and it is over' if over else ''}, but something moved"
    line = f"{cause['service']}{env} {verb}: {_short(cause)}{seen}"
    if view.service and view.service != cause["service"]:
        verb = "was" if over else "is"
        line = f"{view.service} {verb} a symptom; the cause {verb} {cause['service']}{env}: {_short(cause)}{seen}"
    since = view.clock(cause["since"]) if cause["since"] else "before the data begin"
    second = f"From {since} to {view.clock(over)}" if over else f"Since {since}"
    if affects := cause.get("affects"):
        second += f"; {'affected' if over else 'affects'} {listed(affects, 4)}"
    if (entry := further.evidence(view.known, cause)) is not None:
        second += f"; its log: {further.quoted(entry)}{view.known.id('logs')}"
    if others := [c for c in view.causes if c is not cause]:
        second += ". Also " + "; ".join(_also(view, c) for c in others[:2])
    return [line + ".", second + ".", f"Next: {cause['next_check']}."], cause


def _short(cause: Row) -> str:
    shown = str(cause.get("headline") or cause["reason"].partition("; ")[0])
    return shown if len(shown) <= 170 else str(cause["signal"])


def _also(view: View, cause: Row) -> str:
    state = f", over since {view.clock(cause['until'])}" if cause.get("until") else ""
    since = f" since {view.clock(cause['since'])}" if cause["since"] else ""
    return f"{cause['service']}: {cause['signal']}{since}{state}"


def _without_cause(view: View) -> Head:
    seen = view.known.id("alerts")
    alert = leading_alert(view.known, view.service)
    if alert:
        line = f"Cause not known: {alert['name']} fires{of(alert)}{seen}, and no metric points to a cause."
        second = f"Since {view.clock(alert['since'])}; {len(view.alerts)} firing."
        cause = {"service": alert["service"], "signal": alert["name"], "since": alert["since"]}
        third = f"Next: {alert['summary'] or 'look at the expression of ' + alert['name']}."
        return [line, second, third], cause if alert["service"] else None
    if not view.has_movers:
        failed = "; ".join(view.known.failed) or "no source of metrics is in scope"
        return [f"Cause not known: {failed}.", f"{fires(view)}{seen}.", "Next: check the metrics source."], None
    seen = view.known.id("movers")
    active = [m for m in view.movers if not m.get("over")]
    if active:
        first = active[0]
        line = f"Nothing is wrong that hurts: {fires(view)}, and what moved points to no cause{seen}."
        second = f"Largest move: {first['service']} {first['signal']} {first['reason']}."
        return [line, second, "Next: nothing now; ask again if someone is hurt."], None
    counted = f"none of {view.looked_at} signals of {len(view.services)} services left its baseline"
    return [
        f"Nothing is wrong: {fires(view)}, and {counted}{seen}.",
        f"Looked at {listed(view.services, 8)}.",
        "Next: nothing now; ask again if someone is hurt.",
    ], None


def _well(view: View) -> Head:
    seen = view.known.id("movers")
    others = "; ".join(_also(view, c) for c in view.causes[:2])
    return [
        f"Nothing is wrong with {view.service}: none of its signals left its baseline{seen}.",
        f"But {others}." if others else f"{fires(view)}{view.known.id('alerts')}.",
        f"Next: {view.causes[0]['next_check']}." if others else "Next: nothing now; ask again if someone is hurt.",
    ], None


def _unknown_service(view: View) -> Head:
    alike = near(view.asked.named, view.services)
    head, cause = _of_cause(view, view.causes) if view.causes else _without_cause(view)
    guess = f"did you mean {listed(alike, 3)}?" if alike else f"there are {listed(view.services, 8)}."
    return [f"No service is called {view.asked.named}; {guess}", head[0], head[-1]], cause


def _alerts(view: View) -> Head:
    seen = view.known.id("alerts")
    rows = sorted(view.alerts, key=lambda a: str(a["since"]))
    if not rows:
        return _unhealthy(view)
    first = rows[0]
    names = listed(list(dict.fromkeys(f"{a['name']}{of(a)}" for a in rows)), 4)
    line = f"{len(rows)} firing: {names}{seen}."
    second = f"The first since {view.clock(str(first['since']))}: {first['name']}{of(first)}."
    head, cause = _unhealthy(view)
    if cause:
        second += f" Cause: {cause['service']}, {cause['signal']}{view.known.id('movers')}."
    return [line, second, head[-1]], cause


def _changed(view: View) -> Head:
    seen = view.known.id("changes") or view.known.id("movers")
    rows = sorted(view.changes, key=lambda c: str(c["at"]), reverse=True)
    head, cause = _unhealthy(view)
    if not rows:
        return [f"No deploy and no restart was seen in this window{seen}.", head[0], head[-1]], cause
    deploys = [c for c in rows if c.get("kind") == "deploy"] or rows
    newest = deploys[0]
    line = f"Last change: {newest['what']} at {view.clock(newest['at'])}{seen}."
    more = f"{len(rows) - 1} more below. " if len(rows) > 1 else ""
    return [line, f"{more}{head[0]}", head[-1]], cause


def _over(view: View) -> Head:
    head, cause = _unhealthy(view)
    if cause is None or (view.asked.named and not view.service):
        return head, cause
    if cause.get("until"):
        return [f"Yes, it is over since {view.clock(cause['until'])}. {head[0]}", *head[1:]], cause
    return [f"No, it still lasts. {head[0]}", *head[1:]], cause


def _ahead(view: View) -> Head:
    head, cause = _unhealthy(view)
    expected = further.expected(view.known, view.clock, lambda row: _about(view, row))
    return ([expected, head[0], head[-1]] if expected else head), cause


def _value(view: View) -> Head:
    """What was measured of the signal that is asked for, then how things stand."""
    head, cause = _unhealthy(view)
    for piece in view.known.all("signals"):
        rows = [row for row in piece.facts.get("movers") or () if row["service"] == view.service and _about(view, row)]
        if view.service and rows:
            mean = " (the mean, no percentile)" if view.asked.percentile else ""
            more = f"; {len(rows) - 1} more below" if len(rows) > 1 else ""
            others = f" {head[1]}" if head[1].startswith("But ") else ""
            return [f"{mover(view, rows[0])}{mean} [{piece.id}]{more}.", head[0] + others, head[-1]], cause
    return head, cause


def _about(view: View, row: Row) -> bool:
    """Whether a signal is what the question asks of."""
    about = view.asked.signal
    return view.service in ("", row["service"]) and bool(not about or re.search(about, row["signal"], re.IGNORECASE))


_HEADS = {"alerts": _alerts, "changed": _changed, "over": _over, "ahead": _ahead, "value": _value}

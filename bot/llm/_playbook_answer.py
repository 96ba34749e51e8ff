"""Writes the answer: a head of three lines, details with evidence ids, the line for code. Facts only."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from bot.llm import _playbook_further as further
from bot.llm._playbook_known import Known
from bot.llm._playbook_plan import leading_alert, real_alerts
from bot.llm._playbook_question import Asked, near, service_in

HEAD = 400
NO_MODEL = "No model was used."
Row = dict[str, Any]


def write(asked: Asked, known: Known) -> str:
    """The whole answer in the house's form."""
    view = _View(asked, known)
    head, cause = _HEADS.get(asked.kind, _unhealthy)(view)
    body = "\n".join(_details(view, cause))
    return f"{_fit(head)}\n\n{body}\n\n{_cause_line(cause)}"


class _View:
    """The facts an answer draws on."""

    def __init__(self, asked: Asked, known: Known) -> None:
        movers = known.first("movers")
        facts = movers.facts if movers else {}
        self.asked, self.known = asked, known
        self.causes: list[Row] = list(facts.get("causes") or ([facts["cause"]] if facts.get("cause") else []))
        self.movers: list[Row] = list(facts.get("movers") or [])
        self.services: list[str] = list(facts.get("services") or [])
        self.changes = _changes(known, facts, self.services)
        self.looked_at = int(facts.get("looked_at") or 0)
        self.graph: dict[str, list[str]] = facts.get("graph") or {}
        self.alerts = real_alerts(known)
        self.has_movers = movers is not None
        self.service = service_in(asked, self.services)

    def clock(self, stamp: str) -> str:
        """An ISO time in the asker's zone, with UTC beside it where that differs."""
        if not stamp:
            return "an unknown time"
        at = datetime.fromisoformat(stamp)
        here = at.astimezone(ZoneInfo(self.asked.zone))
        same = here.utcoffset() == at.astimezone(ZoneInfo("UTC")).utcoffset()
        utc = at.astimezone(ZoneInfo("UTC"))
        return f"{utc:%H:%M:%S} UTC" if same else f"{here:%H:%M:%S %Z} ({utc:%H:%M:%S} UTC)"


def _changes(known: Known, facts: Row, services: Sequence[str]) -> list[Row]:
    """What changed, by the tool for it and by what the movers saw beside it; of known services where any is known."""
    rows = {(c["service"], c["what"]): c for c in (*known.rows("changes", "changes"), *(facts.get("changes") or ()))}
    ours = [c for c in rows.values() if c["service"] in services]
    return ours or list(rows.values())


Head = tuple[list[str], Row | None]


def _unhealthy(view: _View) -> Head:
    asked = view.asked
    if asked.named and not view.service and view.services:
        return _unknown_service(view)
    causes = view.causes
    if view.service:
        causes = [c for c in causes if view.service == c["service"] or view.service in c.get("affects", [])]
        if not causes and not _moved(view, view.service):
            return _well(view)
    if causes:
        return _of_cause(view, causes)
    return _without_cause(view)


def _of_cause(view: _View, causes: Sequence[Row]) -> Head:
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
        second += f"; {'affected' if over else 'affects'} {_list(affects, 4)}"
    if (entry := further.evidence(view.known, cause)) is not None:
        second += f"; its log: {further.quoted(entry)}{view.known.id('logs')}"
    if others := [c for c in view.causes if c is not cause]:
        second += ". Also " + "; ".join(_also(view, c) for c in others[:2])
    return [line + ".", second + ".", f"Next: {cause['next_check']}."], cause


def _short(cause: Row) -> str:
    shown = str(cause.get("headline") or cause["reason"].partition("; ")[0])
    return shown if len(shown) <= 170 else str(cause["signal"])


def _also(view: _View, cause: Row) -> str:
    state = f", over since {view.clock(cause['until'])}" if cause.get("until") else ""
    since = f" since {view.clock(cause['since'])}" if cause["since"] else ""
    return f"{cause['service']}: {cause['signal']}{since}{state}"


def _without_cause(view: _View) -> Head:
    seen = view.known.id("alerts")
    alert = leading_alert(view.known, view.service)
    if alert:
        line = f"Cause not known: {alert['name']} fires{_of(alert)}{seen}, and no metric points to a cause."
        second = f"Since {view.clock(alert['since'])}; {len(view.alerts)} firing."
        cause = {"service": alert["service"], "signal": alert["name"], "since": alert["since"]}
        third = f"Next: {alert['summary'] or 'look at the expression of ' + alert['name']}."
        return [line, second, third], cause if alert["service"] else None
    if not view.has_movers:
        failed = "; ".join(view.known.failed) or "no source of metrics is in scope"
        return [f"Cause not known: {failed}.", f"{_fires(view)}{seen}.", "Next: check the metrics source."], None
    seen = view.known.id("movers")
    active = [m for m in view.movers if not m.get("over")]
    if active:
        first = active[0]
        line = f"Nothing is wrong that hurts: {_fires(view)}, and what moved points to no cause{seen}."
        second = f"Largest move: {first['service']} {first['signal']} {first['reason']}."
        return [line, second, "Next: nothing now; ask again if someone is hurt."], None
    counted = f"none of {view.looked_at} signals of {len(view.services)} services left its baseline"
    return [
        f"Nothing is wrong: {_fires(view)}, and {counted}{seen}.",
        f"Looked at {_list(view.services, 8)}.",
        "Next: nothing now; ask again if someone is hurt.",
    ], None


def _well(view: _View) -> Head:
    seen = view.known.id("movers")
    others = "; ".join(_also(view, c) for c in view.causes[:2])
    return [
        f"Nothing is wrong with {view.service}: none of its signals left its baseline{seen}.",
        f"But {others}." if others else f"{_fires(view)}{view.known.id('alerts')}.",
        f"Next: {view.causes[0]['next_check']}." if others else "Next: nothing now; ask again if someone is hurt.",
    ], None


def _unknown_service(view: _View) -> Head:
    alike = near(view.asked.named, view.services)
    head, cause = _of_cause(view, view.causes) if view.causes else _without_cause(view)
    guess = f"did you mean {_list(alike, 3)}?" if alike else f"there are {_list(view.services, 8)}."
    return [f"No service is called {view.asked.named}; {guess}", head[0], head[-1]], cause


def _alerts(view: _View) -> Head:
    seen = view.known.id("alerts")
    rows = sorted(view.alerts, key=lambda a: str(a["since"]))
    if not rows:
        return _unhealthy(view)
    first = rows[0]
    names = _list(list(dict.fromkeys(f"{a['name']}{_of(a)}" for a in rows)), 4)
    line = f"{len(rows)} firing: {names}{seen}."
    second = f"The first since {view.clock(str(first['since']))}: {first['name']}{_of(first)}."
    head, cause = _unhealthy(view)
    if cause:
        second += f" Cause: {cause['service']}, {cause['signal']}{view.known.id('movers')}."
    return [line, second, head[-1]], cause


def _changed(view: _View) -> Head:
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


def _over(view: _View) -> Head:
    head, cause = _unhealthy(view)
    if cause is None or (view.asked.named and not view.service):
        return head, cause
    if cause.get("until"):
        return [f"Yes, it is over since {view.clock(cause['until'])}. {head[0]}", *head[1:]], cause
    return [f"No, it still lasts. {head[0]}", *head[1:]], cause


def _ahead(view: _View) -> Head:
    head, cause = _unhealthy(view)
    expected = further.expected(view.known, view.clock)
    return ([expected, head[0], head[-1]] if expected else head), cause


_HEADS = {"alerts": _alerts, "changed": _changed, "over": _over, "ahead": _ahead}


def _details(view: _View, cause: Row | None) -> list[str]:
    known, out = view.known, []
    if cause and cause.get("reason"):
        out.append(f"**Why {cause['service']}**: {cause['reason']}{known.id('movers')}.")
        if path := further.path(cause, view.graph):
            out.append(f"**Its trouble spreads by calls**: {path}{known.id('movers')}.")
    if view.alerts:
        rows = sorted(view.alerts, key=lambda a: str(a["since"]))[:8]
        listed = "; ".join(dict.fromkeys(f"{a['name']}{_of(a)} since {view.clock(str(a['since']))}" for a in rows))
        more = f" and {len(view.alerts) - 8} more" if len(view.alerts) > 8 else ""
        out.append(f"**Fires**: {listed}{more}{known.id('alerts')}.")
    elif known.first("alerts"):
        out.append(f"**Fires**: nothing{known.id('alerts')}.")
    if view.movers:
        out.append(f"**Moved first to last**{known.id('movers')}:")
        rows = sorted(view.movers[:10], key=lambda m: str(m["since"]))[:6]
        out += [f"- {_mover(view, m)}" for m in rows]
    out += [*_extra(view), *further.pictures(known)]
    out += further.logs(known, cause, view.clock)
    out += further.ahead(known, view.clock)
    if view.changes:
        newest = sorted(view.changes, key=lambda c: str(c["at"]), reverse=True)[:4]
        listed = "; ".join(f"{c['what']} at {view.clock(c['at'])}" for c in newest)
        out.append(f"**Changed**: {listed}{known.id('changes') or known.id('movers')}.")
    if known.failed:
        out.append(f"**Not looked at**: {'; '.join(known.failed)}.")
    if known.joined:
        out.append(f"**Read meanwhile**: {' · '.join(text[:80] for text in known.joined)}")
    out.append(NO_MODEL)
    return out


def _extra(view: _View) -> list[str]:
    """What was asked for beyond the first look: the service's own signals, the alert's expression now."""
    out = []
    told = {(m["service"], m["signal"]) for m in view.movers}
    for piece in view.known.all("signals"):
        rows = [m for m in piece.facts.get("movers") or () if (m["service"], m["signal"]) not in told][:4]
        if rows:
            out.append(f"**Did not move** [{piece.id}]:")
            out += [f"- {_mover(view, m)}" for m in rows]
    for piece in view.known.all("range"):
        rows = list(piece.facts.get("series") or ())[:3]
        said = "; ".join(f"{_labels(s)} now {s['now']:g}, before {s['before']:g}" for s in rows)
        if said:
            out.append(f"**The alert's own expression**: {said} [{piece.id}].")
    return out


def _mover(view: _View, m: Row) -> str:
    when = f"since {view.clock(m['since'])}" if m.get("since") else ""
    if m.get("over"):
        when = f"{view.clock(m['since'])} to {view.clock(str(m.get('until') or ''))}, over"
    return f"{m['service']}: {m['signal']} {m['reason']}{', ' + when if when else ''}"


def _labels(series: Row) -> str:
    labels = series.get("labels") or {}
    return str(series.get("service") or ", ".join(f"{k}={v}" for k, v in labels.items() if k != "__name__")) or "it"


def _moved(view: _View, service: str) -> bool:
    return any(m["service"] == service for m in view.movers) or any(a["service"] == service for a in view.alerts)


def _of(alert: Row) -> str:
    return f" of {alert['service']}" if alert.get("service") else ""


def _fires(view: _View) -> str:
    if view.known.first("alerts") is None:
        return "alerts were not looked at"
    count = len(view.alerts)
    return "no alert fires" if not count else f"{count} alert{'s' if count > 1 else ''} fire{'s' if count == 1 else ''}"


def _list(items: Sequence[str], limit: int) -> str:
    more = f" and {len(items) - limit} more" if len(items) > limit else ""
    return ", ".join(items[:limit]) + more


def _fit(lines: Sequence[str]) -> str:
    """Three lines, 400 characters: what is too long is cut in the middle line first."""
    kept = [line[0].upper() + line[1:] if i != 0 else line for i, line in enumerate(" ".join(x.split()) for x in lines)]
    for at in (1, 0, 2):
        over = len("\n".join(kept)) - HEAD
        if over > 0 and at < len(kept):
            least = 120 if at != 1 else 60
            size = max(least, len(kept[at]) - over - 2)
            if size < len(kept[at]):
                kept[at] = kept[at][:size].rsplit(" ", 1)[0].rstrip(" ,;") + " …"
    return "\n".join(kept)


def _cause_line(cause: Row | None) -> str:
    if cause is None:
        return "CAUSE null"
    data = {"service": cause["service"], "signal": cause["signal"], "since": cause.get("since", "")}
    return f"CAUSE {json.dumps(data, ensure_ascii=False)}"

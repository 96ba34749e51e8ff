"""The facts an answer draws on, and how they are worded in a list."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from bot.llm._playbook_known import Known
from bot.llm._playbook_plan import real_alerts
from bot.llm._playbook_question import Asked, service_in

Row = dict[str, Any]


class View:
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


def moved(view: View, service: str) -> bool:
    """Whether anything of a service moved or fires."""
    return any(m["service"] == service for m in view.movers) or any(a["service"] == service for a in view.alerts)


def of(alert: Row) -> str:
    """Of which service an alert is."""
    return f" of {alert['service']}" if alert.get("service") else ""


def fires(view: View) -> str:
    """How many alerts fire, in words."""
    if view.known.first("alerts") is None:
        return "alerts were not looked at"
    count = len(view.alerts)
    return "no alert fires" if not count else f"{count} alert{'s' if count > 1 else ''} fire{'s' if count == 1 else ''}"


def listed(items: Sequence[str], limit: int) -> str:
    """The first few of these, and how many more."""
    more = f" and {len(items) - limit} more" if len(items) > limit else ""
    return ", ".join(items[:limit]) + more


def mover(view: View, m: Row) -> str:
    """A signal on one line: what it did, and when."""
    when = f"since {view.clock(m['since'])}" if m.get("since") else ""
    if m.get("over"):
        when = f"{view.clock(m['since'])} to {view.clock(str(m.get('until') or ''))}, over"
    return f"{m['service']}: {m['signal']} {m['reason']}{', ' + when if when else ''}"

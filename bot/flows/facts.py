"""What code alone can say, in two lines, seconds after the question."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from bot.domain.messages import ToolResult
from bot.domain.outcomes import ToolFault


def first_line(outcomes: Iterable[ToolResult | ToolFault], zone: str) -> str:
    """Which alerts fire since when, and the biggest mover, with their evidence ids; empty when nothing is known."""
    lines = []
    for outcome in outcomes:
        if isinstance(outcome, ToolFault):
            lines.append(f"{outcome.name.replace('_', ' ')}: {outcome.text.partition(chr(10))[0][:160]}")
        elif "alerts" in outcome.facts:
            lines.append(f"{_alerts(outcome.facts['alerts'], zone)} [{outcome.evidence_id}]")
        elif outcome.facts.get("movers"):
            lines.append(f"{_mover(outcome.facts['movers'][0], zone)} [{outcome.evidence_id}]")
    return "\n".join(lines)


def _alerts(alerts: Sequence[dict[str, Any]], zone: str) -> str:
    firing = [alert for alert in alerts if alert.get("state") == "active"]
    if not firing:
        return "No alert is firing."
    first = min(firing, key=lambda alert: alert["since"])
    names = ", ".join(dict.fromkeys(f"{a['name']} {a['service']}".strip() for a in firing[:3]))
    more = f" and {len(firing) - 3} more" if len(firing) > 3 else ""
    return f"{len(firing)} firing since {clock(first['since'], zone)}: {names}{more}"


def _mover(mover: dict[str, Any], zone: str) -> str:
    since = f" since {clock(mover['since'], zone)}" if mover.get("since") else ""
    return f"Biggest mover: {mover['service']} {mover['signal']}{since}"


def clock(stamp: str, zone: str) -> str:
    """An ISO time as people of a zone read it: `14:02 CET`."""
    return f"{datetime.fromisoformat(stamp).astimezone(ZoneInfo(zone)):%H:%M %Z}" if stamp else "an unknown time"

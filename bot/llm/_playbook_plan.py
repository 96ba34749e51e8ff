"""What to look at next, by rules over the roles on offer: never by a tool's name."""

import re
from collections.abc import Sequence

from bot.domain.messages import ToolCall
from bot.domain.tools import Role, Tool
from bot.llm._playbook_known import Known
from bot.llm._playbook_question import Asked, service_in

ROUNDS = 3
QUIET = frozenset({"none", "info", "debug"})
_COMPARED = re.compile(r"^(.*\S)\s*(?:==|!=|<=|>=|<|>)(?:\s*bool)?\s*[-+\d.eE* ()]+$", re.DOTALL)


def calls(asked: Asked, known: Known, tools: Sequence[Tool]) -> tuple[ToolCall, ...]:
    """The calls of the next turn; none when it is time to answer."""
    if known.closing or known.rounds >= ROUNDS:
        return ()
    plan = _first(known) or (_second(asked, known) if known.rounds == 0 or not _deepened(known) else [])
    made = []
    for number, (role, arguments) in enumerate(plan):
        tool = next((t for t in tools if t.role == role), None)
        if tool is not None and set(tool.schema.get("required", ())) <= arguments.keys():
            fits = {k: v for k, v in arguments.items() if k in tool.schema["properties"]}
            made.append(ToolCall(f"playbook-{known.rounds}-{number}", tool.name, fits))
    return tuple(made)


Plan = list[tuple[Role, dict[str, str]]]


def _first(known: Known) -> Plan:
    """What every question needs and nobody gave yet; once only."""
    if known.rounds:
        return []
    wanted: tuple[Role, ...] = ("alerts", "movers")
    return [(role, {}) for role in wanted if known.first(role) is None]


def _deepened(known: Known) -> bool:
    return any(known.first(role) for role in ("signals", "range", "changes", "logs", "forecast"))


def _second(asked: Asked, known: Known) -> Plan:
    """The alert's own expression, the golden signals of the service in question, what changed, what the logs say since
    then, what will run into its limit next."""
    if asked.kind == "alerts":
        return []
    plan: Plan = []
    if asked.kind == "changed":
        return [("changes", {})]
    movers = known.first("movers")
    cause = movers.facts.get("cause") if movers else None
    services = movers.facts.get("services", []) if movers else []
    named = service_in(asked, services)
    service = (cause or {}).get("service") or named
    alert = leading_alert(known, service)
    if alert and (expr := left_side(alert.get("expr") or _rule_expr(known, alert["name"]))):
        plan.append(("range", {"query": expr}))
    if looked := (named if asked.kind == "value" and named else service):
        plan.append(("signals", {"service": looked}))
    if cause or alert:
        plan.append(("changes", {}))
    since = str((cause or {}).get("since") or (alert or {}).get("since") or "")
    plan.append(("logs", {"since": since} if since else {}))
    plan.append(("forecast", {}))
    return plan


def real_alerts(known: Known) -> list[dict[str, object]]:
    """Firing alerts that mean trouble: not those that always fire or only inform."""
    return [
        a
        for a in known.rows("alerts", "alerts")
        if a.get("state") in ("active", "firing", "")
        and str(a.get("severity", "")).lower() not in QUIET
        and not re.search(r"watchdog|deadman|always", str(a.get("name", "")), re.IGNORECASE)
    ]


def leading_alert(known: Known, service: str) -> dict[str, str] | None:
    """The cause's own alert if it has one, else the earliest of the most severe."""
    order = {"critical": 0, "page": 0, "error": 1, "warning": 2}
    alerts = real_alerts(known)
    ranked = sorted(
        alerts,
        key=lambda a: (a.get("service") != service, order.get(str(a.get("severity", "")), 3), str(a.get("since"))),
    )
    return ranked[0] if ranked else None  # type: ignore[return-value]


def left_side(expr: str) -> str:
    """An alert's expression without its comparison: what to draw."""
    match = _COMPARED.match(expr.strip())
    return match.group(1) if match else expr.strip()


def _rule_expr(known: Known, name: str) -> str:
    return next((str(r.get("expr", "")) for r in known.rows("rules", "rules") if r.get("name") == name), "")

"""Beyond the movers: the way trouble spreads, what the logs say since, what will run into its limit next."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bot.llm._playbook_known import Known

Row = dict[str, Any]
Clock = Callable[[str], str]
SHOWN = 4
LONGEST = 160
"""Characters of a log line that are quoted."""
LIKELY = 0.5
WORDS = {"new": "new", "burst": "burst", "drop": "fewer", "gone": "silent"}


def path(cause: Row, graph: Mapping[str, Sequence[str]]) -> str:
    """The chain of callers from the cause up to the edge."""
    affected, chain, here = set(cause.get("affects") or ()), [cause["service"]], cause["service"]
    while True:
        callers = sorted(c for c, callees in graph.items() if here in callees and c in affected and c not in chain)
        if not callers:
            return " → ".join(chain) if len(chain) > 1 else ""
        here = callers[0]
        chain.append(here)


def evidence(known: Known, cause: Row | None) -> Row | None:
    """The most telling kind of entry in the cause's own log: an error that is new, or that bursts."""
    if cause is None:
        return None
    own = [
        row
        for row in known.rows("logs", "logs")
        if row["service"] == cause["service"] and row["kind"] in ("new", "burst")
    ]
    return next((row for row in own if row["level"] in ("ERROR", "FATAL", "WARN")), None)


def quoted(row: Row) -> str:
    """What an entry says, on one line, as code: stars and underscores would be taken for Markdown."""
    said = " ".join(str(row["text"]).replace("<*>", "…").replace("`", "'").split())
    return f"`{said if len(said) <= LONGEST else said[:LONGEST].rsplit(' ', 1)[0] + ' …'}`"


def logs(known: Known, cause: Row | None, clock: Clock) -> list[str]:
    """What is new in the logs: the cause's service first, then what is most telling."""
    piece = known.first("logs")
    if piece is None:
        return []
    rows = list(piece.facts.get("logs") or ())
    if not rows:
        return [f"**In the logs**: nothing new{known.id('logs')}."]
    service = (cause or {}).get("service")
    rows.sort(key=lambda row: (row["service"] != service, row["kind"] not in ("new", "burst")))  # stable: by score
    out = [f"**New in the logs**{known.id('logs')}:"]
    return out + [f"- {_entry(row, clock)}" for row in rows[:SHOWN]]


def _entry(row: Row, clock: Clock) -> str:
    counted = f"{row['count']} times" if row["count"] != 1 else "once"
    if row["kind"] in ("drop", "gone"):
        counted = f"{counted if row['count'] else 'not once'}, usual {row['expected']:g}"
    since = f", first at {clock(row['first'])}" if row.get("first") else ""
    level = f" {row['level']}" if row["level"] else ""
    kind = WORDS.get(row["kind"], row["kind"])
    return f"{row['service'] or 'no service'}{level} {kind}, {counted}{since}: {quoted(row)}"


def ahead(known: Known, clock: Clock) -> list[str]:
    """What is about to break: what is likely to run into its limit within hours."""
    piece = known.first("forecast")
    rows = [row for row in (piece.facts.get("breaches") or () if piece else ()) if row["probability"] >= LIKELY]
    return (
        [f"**About to break**{known.id('forecast')}: {'; '.join(_breach(row, clock) for row in rows[:3])}."]
        if rows
        else []
    )


def expected(known: Known, clock: Clock, about: Callable[[Row], bool]) -> str:
    """What will break next, in a sentence, of what is asked about first; empty where nobody looked."""
    piece = known.first("forecast")
    if piece is None:
        return ""
    rows = [row for row in piece.facts.get("breaches") or () if row["probability"] >= LIKELY]
    if not rows:
        looked = f"none of {int(piece.facts.get('looked_at') or 0)} resources is likely to run into its limit"
        return f"Nothing is about to break: {looked}{known.id('forecast')}."
    first = next(filter(about, rows), rows[0])
    return f"Breaks next: {_breach(first, clock)}{known.id('forecast')}."


def _breach(row: Row, clock: Clock) -> str:
    share = row["unit"] == "ratio"
    now, limit = (f"{value * 100:.3g} %" if share else f"{value:g}" for value in (row["now"], row["threshold"]))
    name = " ".join(part for part in (row["service"], row["signal"]) if part)
    when = f"at about {clock(row['likely'])}, between {clock(row['earliest'])} and {clock(row['latest'])}"
    return f"{name} now {now}, {row['direction']} {limit} {when} (probability {row['probability']:g})"


def pictures(known: Known) -> list[str]:
    """What a model read off pictures, and what live metrics say of it."""
    out = []
    for piece in known.all("picture"):
        seen, checked = piece.facts["picture"], piece.facts.get("checked") or ()
        titles = ", ".join(f"“{panel['title']}”" for panel in seen["panels"][:SHOWN] if panel["title"])
        said = f"**Read off {seen['name']}** by {seen['model']}, not measured: {titles or 'no panel'}"
        out.append(f"{said}. {seen['stands_out'][:LONGEST]}".rstrip(". ") + f" [{piece.id}].")
        out += [f"- {row['source']} {_verdict(row)} [{piece.id}]." for row in checked[:SHOWN]]
    return out


def _verdict(row: Row) -> str:
    agrees = "agrees with it" if row["agrees"] else "does not agree with it"
    unit = {"seconds": " s", "ratio": "", "1/s": "/s"}.get(row["unit"], f" {row['unit']}".rstrip())
    return f"{agrees} on “{row['series']}”: {row['measured']:.4g}{unit} at {row['at'][11:16]} UTC"

"""Writes the answer: a head of three lines, details with evidence ids, the line for code. Facts only."""

import json
from collections.abc import Sequence

from bot.llm import _playbook_further as further
from bot.llm._playbook_heads import head_of
from bot.llm._playbook_known import Known
from bot.llm._playbook_question import Asked
from bot.llm._playbook_view import Row, View, mover, of

HEAD = 400
NO_MODEL = "No model was used."


def write(asked: Asked, known: Known) -> str:
    """The whole answer in the house's form."""
    view = View(asked, known)
    head, cause = head_of(view)
    body = "".join(f"\n{line}" if line.startswith("- ") else f"\n\n{line}" for line in _details(view, cause))
    return f"{_fit(head)}{body}\n\n{_cause_line(cause)}"


def _details(view: View, cause: Row | None) -> list[str]:
    known, out = view.known, []
    if cause and cause.get("reason"):
        out.append(f"**Why {cause['service']}**: {cause['reason']}{known.id('movers')}.")
        if path := further.path(cause, view.graph):
            out.append(f"**Its trouble spreads by calls**: {path}{known.id('movers')}.")
    if view.alerts:
        rows = sorted(view.alerts, key=lambda a: str(a["since"]))[:8]
        alerts = "; ".join(dict.fromkeys(f"{a['name']}{of(a)} since {view.clock(str(a['since']))}" for a in rows))
        more = f" and {len(view.alerts) - 8} more" if len(view.alerts) > 8 else ""
        out.append(f"**Fires**: {alerts}{more}{known.id('alerts')}.")
    elif known.first("alerts"):
        out.append(f"**Fires**: nothing{known.id('alerts')}.")
    if view.movers:
        out.append(f"**Moved first to last**{known.id('movers')}:")
        rows = sorted(view.movers[:10], key=lambda m: str(m["since"]))[:6]
        out += [f"- {mover(view, m)}" for m in rows]
    out += [*_extra(view), *further.pictures(known)]
    out += further.logs(known, cause, view.clock)
    out += further.ahead(known, view.clock)
    if view.changes:
        newest = sorted(view.changes, key=lambda c: str(c["at"]), reverse=True)[:4]
        changed = "; ".join(f"{c['what']} at {view.clock(c['at'])}" for c in newest)
        out.append(f"**Changed**: {changed}{known.id('changes') or known.id('movers')}.")
    if known.failed:
        out.append(f"**Not looked at**: {'; '.join(known.failed)}.")
    if known.joined:
        out.append(f"**Read meanwhile**: {' · '.join(text[:80] for text in known.joined)}")
    out.append(NO_MODEL)
    return out


def _extra(view: View) -> list[str]:
    """What was asked for beyond the first look: the service's own signals, the alert's expression now."""
    out = []
    told = {(m["service"], m["signal"]) for m in view.movers}
    for piece in view.known.all("signals"):
        rows = [m for m in piece.facts.get("movers") or () if (m["service"], m["signal"]) not in told][:4]
        if rows:
            out.append(f"**Did not move** [{piece.id}]:")
            out += [f"- {mover(view, m)}" for m in rows]
    for piece in view.known.all("range"):
        rows = list(piece.facts.get("series") or ())[:3]
        said = "; ".join(f"{_labels(s)} now {s['now']:g}, before {s['before']:g}" for s in rows)
        if said:
            out.append(f"**The alert's own expression**: {said} [{piece.id}].")
    return out


def _labels(series: Row) -> str:
    labels = series.get("labels") or {}
    return str(series.get("service") or ", ".join(f"{k}={v}" for k, v in labels.items() if k != "__name__")) or "it"


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

"""`nightjar rank`: which services and metrics changed at a moment, the likeliest cause first."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, replace
from difflib import get_close_matches

import numpy as np
import typer

from bot.analysis.ranking import Line, LogEvidence, Table, log_evidence, rank
from bot.cli import _tables
from bot.cli._inputs import STDIN, Shown, bar, opened, whole_lines
from bot.cli._said import say, say_json
from bot.cli._tables import Columns, called, series
from bot.cli._units import aligned, clock, moment, short
from bot.domain.errors import SetupError
from bot.domain.ranking import Moved, Ranked, Ranking

_SERVICES, _METRICS = 5, 3
"""How many are shown to people; JSON has them all."""
_BESIDE = 0.05
"""A service with less than this share of the first one's score is not shown."""
_MOVED = 1.0
"""A shift of fewer usual spreads is not shown."""


def run(
    file: str, at: str, *, baseline: str, graph: str, alert: str, logs: str, usual_logs: str, as_json: bool
) -> None:
    """Print the ranking of what the file's rows from `at` on show, against the baseline or the rows before."""
    if [file, baseline, graph, logs, usual_logs].count(STDIN) > 1:
        raise SetupError("- (standard input) can be read once only: give the others as files")
    began = moment(at)
    if began is None:
        raise SetupError(f"--at {at!r} is no time: write it as the time column does, or as 2026-03-01T12:00:00Z")
    with bar([name for name in (file, baseline, logs, usual_logs) if name], quiet=as_json) as shown:
        columns = series(file, shown=shown)
        other = series(baseline, shown=shown) if baseline else None
        evidence, places = _evidence(logs, usual_logs, began, shown) if logs else ({}, [])
    post, before = _cut(called(file), columns, began)
    usual = _table(other) if other else before
    if not usual.times.size:
        raise SetupError(f"{called(baseline or file)}: no row before {clock(began)} to compare with: give a --baseline")
    found = rank(
        post, usual, before=before if baseline else None, graph=tuple(_calls(graph)) if graph else (),
        alert=_known(alert, post.columns) if alert else "", logs=evidence,
    )  # fmt: skip
    found = replace(found, services=tuple(_placed(service, places) for service in found.services))
    if as_json:
        say_json({"at": began, **asdict(found)})
    else:
        sizes = f"{len(post.columns):,} series; {usual.times.size:,} usual samples, {post.times.size:,} from"
        say("\n".join([f"{sizes} {clock(began)} on", "", *_said(found)]))


def _cut(name: str, columns: Columns, began: float) -> tuple[Table, Table]:
    """The rows from the moment on, and those before it. SetupError where there is none from it on."""
    whole = _table(columns)
    first = int(np.searchsorted(whole.times, began, side="left"))
    if first == whole.times.size:
        raise SetupError(f"{name}: no row at or after --at {clock(began)}: the last is at {clock(whole.times[-1])}")
    post = Table(whole.times[first:], whole.columns, whole.values[:, first:])
    return post, Table(whole.times[:first], whole.columns, whole.values[:, :first])


def _table(columns: Columns) -> Table:
    return Table(np.array(columns.times), tuple(columns.values), np.array(list(columns.values.values()), dtype=float))


def _known(alert: str, columns: Sequence[str]) -> str:
    """The alerting column's name; SetupError, with the ones that read alike, where there is none of that name."""
    if alert in columns:
        return alert
    near = ", ".join(get_close_matches(alert, columns, 3, 0.3)) or ", ".join(columns[:3])
    raise SetupError(f"--alert {alert!r} is no column: there are {near} …")


def _calls(name: str) -> Iterator[tuple[str, str]]:
    """(caller, callee) of each line under the heading."""
    with closing(_tables.lines(name)) as rows:
        for number, row in rows:
            pair = [cell.strip() for cell in row]
            if len(pair) != 2 or not all(pair):
                raise SetupError(f"{called(name)}:{number}: should be caller,callee")
            if pair != ["caller", "callee"]:
                yield pair[0], pair[1]


def _evidence(logs: str, usual: str, began: float, shown: Shown) -> tuple[Mapping[str, LogEvidence], list[int]]:
    """What the log says of each service from the moment on, and the line numbers that its line ids stand for.

    Usual is the other log where there is one, else the lines before the moment.
    """
    before = [line for _, line in _entries(usual, shown)] if usual else []
    window, places = [], []
    for number, line in _entries(logs, shown):
        if line.time >= began:
            window.append(line)
            places.append(number)
        elif not usual:
            before.append(line)
    if not before or not window:
        what = "before" if not before else "from"
        typer.echo(f"nightjar: {called(logs)} says nothing: no line {what} {clock(began)} (--logs-baseline)", err=True)
        return {}, []
    return log_evidence(before, window), places


def _entries(name: str, shown: Shown) -> Iterator[tuple[int, Line]]:
    """(line number, entry) of a file of `ms TAB service TAB message` lines; a newline in a message is written \\n."""
    with opened(name) as (file, raw):
        number = 0
        for piece in whole_lines(file, name, raw, shown):
            for text in piece.split(b"\n")[:-1]:
                number += 1
                cells = text.split(b"\t", 2)
                at = moment(cells[0].decode("ascii", "replace"))
                if at is None or len(cells) < 3:
                    raise SetupError(
                        f"{called(name)}:{number}: should be a time, the service and the message, with tabs"
                    )
                yield number, Line(at, cells[1].decode("utf-8", "replace"), cells[2].replace(b"\\n", b"\n"))


def _placed(service: Ranked, places: Sequence[int]) -> Ranked:
    return replace(service, lines=tuple(places[i - 1] for i in service.lines))


def _said(found: Ranking) -> list[str]:
    """The ranking for people."""
    if not found.changed:
        return ["Nothing changed: no series left its usual range."]
    telling = [s for s in found.services[:_SERVICES] if s.score >= _BESIDE * found.services[0].score]
    lines = []
    for place, service in enumerate(telling, 1):
        since = f", since {clock(service.since)}" if service.since is not None else ""
        lines.append(f"{place}. {service.service} (score {short(service.score)}{since})")
        told = [m for m in service.moved if abs(m.size) >= _MOVED][:_METRICS]
        lines += aligned([_row(moved) for moved in told], "lrlrll") if told else []
        if service.why and (service.lines or not told):
            cited = ", ".join(map(str, service.lines))
            lines.append(f"   {service.why}" + (f" (log lines {cited})" if cited else ""))
    left = len(found.services) - len(telling)
    return [*lines, f"{left} more, far less likely or further down (--json has all)"] if left else lines


def _row(moved: Moved) -> tuple[str, ...]:
    since = f"since {clock(moved.since)}" if moved.since is not None else ""
    size = f"{'up' if moved.size > 0 else 'down'} {abs(moved.size):,.1f}× the usual spread"
    return f"   {moved.metric}", short(moved.before), "→", short(moved.now), size, since

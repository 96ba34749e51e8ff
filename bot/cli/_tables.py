"""CSV files of series: a column of times and columns of values; what is wrong is named by file and line."""

import csv
import io
import lzma
import math
import zlib
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import BinaryIO, cast

from bot.cli._inputs import STDIN, Shown, opened
from bot.cli._units import figure, moment
from bot.domain.errors import SetupError

_TIMES = ("time", "timestamp", "ts", "date", "datetime")
_ROWS = 100
"""How often it is shown how far the reading is."""
_LABELS = frozenset(("phase",))
"""Columns that say something about a row and are no series."""


@dataclass
class Columns:
    """Series of one file over the same times (seconds), a list of values for each name; missing is NaN."""

    times: list[float] = field(default_factory=list)
    values: dict[str, list[float]] = field(default_factory=dict)
    timed: bool = True
    """Whether the times were given, rather than counted from 0 by a step."""


def called(name: str) -> str:
    """What messages call a file."""
    return "standard input" if name == STDIN else name


def silent(more: int) -> None:
    """Shows nothing."""


def lines(name: str, shown: Shown = silent) -> Generator[tuple[int, list[str]], None, None]:
    """(line number, cells) of each line of a CSV file that holds any."""
    with opened(name) as (file, raw):
        text = io.TextIOWrapper(cast("BinaryIO", file), encoding="utf-8-sig", errors="replace", newline="")
        reader = csv.reader(text)
        told, seekable = 0, name != STDIN and raw.seekable()
        try:
            for row in reader:
                if any(map(str.strip, row)):
                    yield reader.line_num, row
                if reader.line_num % _ROWS == 0 and seekable:
                    shown(raw.tell() - told)
                    told = raw.tell()
        except csv.Error as error:
            raise SetupError(f"{called(name)}:{reader.line_num}: this is no CSV ({error})") from error
        except (EOFError, OSError, zlib.error, lzma.LZMAError) as error:
            raise SetupError(f"{called(name)}: cannot be read ({error})") from error
        finally:
            text.detach()


def series(name: str, step: float | None = None, shown: Shown = silent) -> Columns:
    """The series of a file: `time,value…` with or without a heading, or one value a line where a step is given.

    Rows are put in the order of their times. SetupError names the line that does not fit, and what would.
    """
    with closing(lines(name, shown)) as rows:
        return _series(called(name), rows, step)


def _series(name: str, rows: Iterator[tuple[int, list[str]]], step: float | None) -> Columns:
    number, first = next(rows, (0, []))
    if not first:
        raise SetupError(f"{name}: no rows: it should hold time,value lines")
    if len(first) == 1:
        return _counted(name, (number, first), rows, step)
    heading = moment(first[0]) is None and all(figure(cell) is None for cell in first[1:] if cell.strip())
    names = [cell.strip() for cell in first] if heading else ["time", *_numbered(len(first) - 1)]
    if len(set(names)) < len(names):
        twice = next(n for n in names if names.count(n) > 1)
        raise SetupError(f"{name}:{number}: the column {twice!r} is there twice: give each its own name")
    at = next((i for i, n in enumerate(names) if n.lower() in _TIMES), 0)
    found: list[tuple[float, list[float]]] = [] if heading else [_row(name, number, names, at, first)]
    found += [_row(name, n, names, at, row) for n, row in rows]
    return _table(name, names, at, found)


def _numbered(count: int) -> list[str]:
    return ["value"] if count == 1 else [f"value {n}" for n in range(1, count + 1)]


def _row(name: str, number: int, names: Sequence[str], at: int, row: Sequence[str]) -> tuple[float, list[float]]:
    """A row's time and the values of the other columns (NaN in those that are no series)."""
    if len(row) != len(names):
        raise SetupError(f"{name}:{number}: {len(row)} cells where the first line has {len(names)}")
    time = moment(row[at])
    if time is None:
        raise SetupError(
            f"{name}:{number}: {row[at][:40]!r} is no time: write epoch seconds or ISO 8601 (2026-03-01T12:00:00Z)"
        )
    values = []
    for i, cell in enumerate(row):
        if i == at:
            continue
        value = math.nan if names[i].lower() in _LABELS else figure(cell)
        if value is None:
            raise SetupError(f"{name}:{number}: {cell[:40]!r} in column {names[i]!r} is no number: empty means missing")
        values.append(value)
    return time, values


def _table(name: str, names: Sequence[str], at: int, found: list[tuple[float, list[float]]]) -> Columns:
    if not found:
        raise SetupError(f"{name}: a heading and no rows under it")
    found.sort(key=lambda row: row[0])
    wanted = [column for i, column in enumerate(names) if i != at]
    held = {
        column: list(values)
        for column, values in zip(wanted, zip(*(row for _, row in found), strict=True), strict=True)
        if column.lower() not in _LABELS
    }
    if not held:
        raise SetupError(f"{name}: no column of values beside {', '.join(names)}")
    return Columns([time for time, _ in found], held)


def _counted(
    name: str, first: tuple[int, list[str]], rows: Iterator[tuple[int, list[str]]], step: float | None
) -> Columns:
    """One value a line, `step` seconds apart."""
    if step is None:
        raise SetupError(
            f"{name}:{first[0]}: one value a line has no times: write time,value lines, or give `forecast` a --step 60s"
        )
    title = "value"
    values: list[float] = []
    for number, row in (first, *rows):
        value = figure(row[0]) if len(row) == 1 else None
        if value is not None:
            values.append(value)
        elif number == first[0]:
            title = row[0].strip()
        else:
            raise SetupError(f"{name}:{number}: {','.join(row)[:40]!r} is no number: there should be one value a line")
    return Columns([step * n for n in range(len(values))], {title: values}, timed=False)

"""`nightjar logs templates` and `nightjar logs digest`: what a log says, without its repetitions."""

import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bot.analysis.digest import digest
from bot.analysis.novelty import compare
from bot.analysis.templates import Miner, Numbers
from bot.cli._inputs import STDIN, Log, Part, Shown, bar
from bot.cli._said import say, say_json
from bot.cli._units import aligned
from bot.domain.errors import SetupError
from bot.domain.logs import Digest, LogPatterns, Novelty

_AT_ONCE = 100_000
"""Lines of an assignment written at a time."""


def templates(files: Sequence[str], assign: str, baseline: str, *, fold: bool, as_json: bool) -> None:
    """Print the templates of the files together; with `assign`, write each line's template id there."""
    if baseline:
        raise SetupError("--baseline goes with `logs digest`, which says what is new against it")
    _once(files)
    miner = Miner(keep=bool(assign), fold=fold)
    with bar(files, quiet=as_json) as shown:
        log = Log(files, shown)
        for piece in log.pieces():
            miner.feed(piece)
    if assign:
        patterns, of_line = miner.assigned()
        _write(assign, of_line)
    else:
        patterns = miner.patterns()
    if as_json:
        found = [asdict(t) for t in patterns.templates]
        say_json({**_head(patterns, log.parts), "templates": found})
    else:
        say("\n".join(_listed(patterns, log.parts)))


def digested(files: Sequence[str], baseline: str, assign: str, budget: int, *, fold: bool, as_json: bool) -> None:
    """Print the files together in at most `budget` tokens; with a baseline, what is new against it comes first."""
    if assign:
        raise SetupError("--assign goes with `logs templates`, whose ids it writes")
    _once([*files, baseline] if baseline else files)
    names = [baseline, *files] if baseline else files
    with bar(names, quiet=as_json) as shown:
        if baseline:
            before = Log([baseline], shown)
            parts, patterns, found = _compared(before, files, shown, fold=fold)
        else:
            log, miner = Log(files, shown), Miner(keep=False, fold=fold)
            for piece in log.pieces():
                miner.feed(piece)
            parts, patterns, found = log.parts, miner.patterns(), ()
    made = digest(patterns, found, budget=budget)
    if as_json:
        say_json(_digest(made, patterns, found, parts))
        return
    say(made.text)
    if baseline and not found:
        say("Nothing changed: every kind of entry comes as often as in the baseline.")
    if len(parts) > 1:
        say("\n".join(_places(parts)))


def _compared(
    before: Log, files: Sequence[str], shown: Shown, *, fold: bool
) -> tuple[list[Part], LogPatterns, tuple[Novelty, ...]]:
    logs: list[Log] = []

    def window() -> Iterable[bytes]:
        """Opened once the baseline is read, so that its line ids go on from there."""
        logs.append(Log(files, shown, before.next))
        yield from logs[0].pieces()

    patterns, found = compare(before.pieces(), window(), fold=fold)
    return before.parts + logs[0].parts, patterns, found


def _once(names: Sequence[str]) -> None:
    if list(names).count(STDIN) > 1:
        raise SetupError("- (standard input) can be read once only: give the other log as a file")


def _write(name: str, of_line: Numbers) -> None:
    """`line TAB template id`, a line for each line of the log, ids of lines from 1."""
    try:
        with Path(name).open("w", encoding="ascii") as file:
            for at in range(0, len(of_line), _AT_ONCE):
                some = enumerate(of_line[at : at + _AT_ONCE].tolist(), at + 1)
                file.write("".join(f"{line}\t{template}\n" for line, template in some))
    except OSError as error:
        raise SetupError(f"{name}: {error.strerror or error}") from error


def _head(patterns: LogPatterns, parts: Sequence[Part]) -> dict[str, Any]:
    return {
        "files": [asdict(part) for part in parts],
        "lines": patterns.lines,
        "entries": patterns.entries,
        "bytes": patterns.size,
        "dropped": patterns.dropped,
    }


def _digest(made: Digest, patterns: LogPatterns, found: Sequence[Novelty], parts: Sequence[Part]) -> dict[str, Any]:
    changes = [
        {
            "kind": n.kind, "count": n.count, "expected": n.expected, "score": n.score,
            "template": n.template.id, "text": n.template.text, "level": n.template.level,
            "examples": n.template.examples, "sample": n.template.sample,
        }
        for n in found
    ]  # fmt: skip
    return {**_head(patterns, parts), **asdict(made), "changes": changes}


def _listed(patterns: LogPatterns, parts: Sequence[Part]) -> list[str]:
    """The templates for people: how often, how bad, where from and to, and the text."""
    size = f"{patterns.size / 1e6:,.1f} MB" if patterns.size >= 1e5 else f"{patterns.size:,} bytes"
    head = f"{len(patterns.templates):,} templates of {patterns.entries:,} entries ({patterns.lines:,} lines, {size})"
    lines = [head]
    if patterns.dropped:
        lines.append(f"{patterns.dropped:,} bytes of over-long lines left out.")
    if patterns.templates:
        rows = [("id", "count", "level", "first line", "last line", "template")]
        rows += [
            (str(t.id), f"{t.count:,}", t.level, f"{t.first:,}", f"{t.last:,}", t.text) for t in patterns.templates
        ]
        lines += ["", *_cut(aligned(rows, "rrlrrl"))]
    return [*lines, *(["", *_places(parts)] if len(parts) > 1 else [])]


def _cut(lines: Sequence[str]) -> list[str]:
    """To the terminal's width; whole where the output is no terminal."""
    if not sys.stdout.isatty():
        return list(lines)
    width = max(shutil.get_terminal_size().columns, 60)
    return [line if len(line) <= width else f"{line[: width - 1]}…" for line in lines]


def _places(parts: Sequence[Part]) -> list[str]:
    """Which lines are whose."""
    return [
        f"L{part.first:,} to L{part.last:,}: {part.name}" if part.last >= part.first else f"no lines: {part.name}"
        for part in parts
    ]

"""`nightjar forecast`: a series in, whether and when it reaches a threshold out."""

import json
import math
import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bot.cli.app import app
from bot.domain.errors import SetupError

BEGAN = datetime(2026, 3, 1, tzinfo=UTC)
HOURS = 100


def filling(hour: int) -> float:
    """A disk that fills by half a percent an hour, from 40."""
    return 40 + hour / 2 + 0.05 * math.sin(hour)


def rows(iso: bool = True) -> str:
    """A hundred hours of a disk that fills and one that does not."""
    times = (BEGAN + timedelta(hours=n) for n in range(HOURS))
    return "".join(
        f"{t.isoformat() if iso else int(t.timestamp())},{filling(n):.3f},{30 + 0.1 * math.cos(n):.3f}\n"
        for n, t in enumerate(times)
    )


def told(runner: CliRunner, text: str, *words: str) -> Any:
    """What the verb prints with --json."""
    done = runner.invoke(app, ["forecast", "-", *words, "--json"], input=text)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def said(runner: CliRunner, text: str, *words: str) -> str:
    """What the verb prints for people."""
    done = runner.invoke(app, ["forecast", "-", *words], input=text)
    assert done.exit_code == 0, done.output
    return done.stdout


def refused(runner: CliRunner, text: str, *words: str) -> str:
    """Why the verb does not do it."""
    done = runner.invoke(app, ["forecast", "-", *words], input=text)
    assert isinstance(done.exception, SetupError), done.output
    return str(done.exception)


def test_a_filling_disk_is_timed_and_a_steady_one_is_not(runner: CliRunner) -> None:
    """Each column is a series; 95 is reached eleven hours after the last sample."""
    found = told(runner, "time,full,steady\n" + rows(), "--above", "95", "--horizon", "1d")
    assert (found["threshold"], found["direction"], found["horizon_s"], found["timed"]) == (95, "above", 86400, True)
    full, steady = found["series"]
    assert (full["name"], full["samples"], full["reached"]) == ("full", HOURS, False)
    assert full["probability"] > 0.9
    assert abs(full["likely"] - full["last_time"] - 11 * 3600) <= 2 * 3600
    assert full["earliest"] <= full["likely"] <= full["latest"]
    assert len(full["forecast"]["times"]) == len(full["forecast"]["paths"][0]) == 24
    assert steady["probability"] < 0.1


def test_it_reads_well(runner: CliRunner) -> None:
    """Where it stands, whether it crosses and when in UTC, where it will be."""
    shown = said(runner, "time,full,steady\n" + rows(), "--above", "95", "--horizon", "1d").splitlines()
    assert shown[0] == "full: 89.45 at 2026-03-05 03:00 UTC (100 samples over 4 d 3 h)"
    assert shown[1].startswith("  likely at or above 95 within 24 h (")
    assert shown[2].startswith("  if so, in 1")
    assert "2026-03-05 1" in shown[2]
    assert shown[3].startswith("  in 24 h: 10")
    assert any(line.startswith("  not expected at or above 95 within 24 h") for line in shown)


def test_times_are_epoch_or_iso_with_a_heading_or_without(runner: CliRunner) -> None:
    """The same series whichever way it is written; milliseconds are read, too; rows may come in any order."""
    iso = told(runner, rows(), "--above", "95")["series"]
    assert [one["name"] for one in iso] == ["value 1", "value 2"]
    assert told(runner, rows(iso=False), "--above", "95")["series"] == iso
    shuffled = "".join(sorted(rows(iso=False).splitlines(keepends=True), key=lambda line: line[::-1]))
    assert told(runner, shuffled, "--above", "95")["series"] == iso
    millis = "".join(f"{int(line[:10]) * 1000}{line[10:]}\n" for line in rows(iso=False).splitlines())
    assert told(runner, millis, "--above", "95")["series"] == iso


def test_one_value_a_line_needs_a_step(runner: CliRunner) -> None:
    """Without times, spans are said and no clock."""
    text = "".join(f"{filling(n)}\n" for n in range(HOURS))
    assert "--step 60s" in refused(runner, text, "--above", "95")
    shown = said(runner, text, "--above", "95", "--horizon", "1d", "--step", "1h")
    assert shown.startswith("value: 89.45 (100 samples over 4 d 3 h)\n  likely")
    assert "UTC" not in shown
    assert told(runner, "full\n" + text, "--above", "95", "--step", "1h")["series"][0]["name"] == "full"


def test_a_named_pipe_is_read_like_a_file(runner: CliRunner) -> None:
    """As `<(…)` of a shell gives one: it cannot be asked how far the reading is."""
    text = "time,full\n" + "".join(f"{60 * n},{filling(n):.3f}\n" for n in range(300))
    os.mkfifo("pipe.csv")
    writer = threading.Thread(target=lambda: Path("pipe.csv").write_text(text, encoding="utf-8"))
    writer.start()
    done = runner.invoke(app, ["forecast", "pipe.csv", "--above", "500", "--json"])
    writer.join(10)
    assert json.loads(done.stdout)["series"][0]["samples"] == 300


def test_what_is_reached_already_is_said(runner: CliRunner) -> None:
    """In both directions."""
    assert "already at or above 50" in said(runner, rows(), "--above", "50")
    assert "already at or below 95" in said(runner, rows(), "--below", "95")


def test_missing_samples_are_missing(runner: CliRunner) -> None:
    """Empty, NaN and null cells count for nothing; a series of them has nothing to say."""
    text = "time,a,b\n0,1,\n60,,NaN\n120,2,null\n180,3,\n"
    found = told(runner, text, "--above", "9")["series"]
    assert [(one["samples"], one["last_value"], one["probability"] is None) for one in found] == [
        (3, 3.0, False), (0, None, True),
    ]  # fmt: skip
    assert "b: no sample, so nothing can be said" in said(runner, text, "--above", "9")
    assert "too short a history" in said(runner, text, "--above", "9")
    assert "nothing can be said" in said(runner, "0,1e300\n60,1e300\n", "--above", "9")


@pytest.mark.parametrize(
    ("text", "words", "why"),
    [
        ("time,a\n0,1\n60,x\n", (), "standard input:3: 'x' in column 'a' is no number"),
        ("time,a\n0,1\n60,1,2\n", (), "standard input:3: 3 cells where the first line has 2"),
        ("time,a\n0,1\nsoon,2\n", (), "standard input:3: 'soon' is no time"),
        ("time,a,a\n0,1,2\n", (), "standard input:1: the column 'a' is there twice"),
        ("time,a\n", (), "a heading and no rows"),
        ("time,phase\n0,pre\n", (), "no column of values"),
        ("", (), "no rows"),
        ("1\n2\nx\n", ("--step", "60s"), "standard input:3: 'x' is no number"),
        ("0,1\n", ("--horizon", "6x"), "--horizon '6x' is no length of time"),
        ("0,1\n", ("--horizon", "0"), "--horizon '0' is no length of time"),
        ("0,1\n", ("--below", "3"), "one of them"),
        ('0,"' + "1" * 200_000 + "\n", (), "standard input:1: this is no CSV"),
    ],
)
def test_bad_input_is_named_by_line(runner: CliRunner, text: str, words: tuple[str, ...], why: str) -> None:
    """The file, the line, and what would fit."""
    assert why in refused(runner, text, "--above", "9", *words)


def test_no_threshold_and_no_file(runner: CliRunner) -> None:
    """Both are asked for in words."""
    assert "--above 90" in refused(runner, "0,1\n")
    assert "finite" in refused(runner, "0,1\n", "--above", "nan")
    done = runner.invoke(app, ["forecast", "nowhere.csv", "--above", "1"])
    assert str(done.exception) == "nowhere.csv: No such file or directory"
    Path("half.csv.gz").write_bytes(b"\x1f\x8b\x08\x00half")
    done = runner.invoke(app, ["forecast", "half.csv.gz", "--above", "1"])
    assert "half.csv.gz: cannot be read" in str(done.exception)

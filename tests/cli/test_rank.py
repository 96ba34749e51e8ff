"""`nightjar rank`: series around a moment in, the likeliest cause out."""

import json
import math
import random
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bot.cli.app import app
from bot.domain.errors import SetupError

BEGAN = 1_772_323_200
"""2026-03-01T00:00:00Z."""
STEP, ROWS, AT = 15, 240, BEGAN + 15 * 200
SERVICES = ("front", "cart", "pay", "stock", "mail", "search")


def table(
    first: int = 0, last: int = ROWS, *, wrong: bool = True, iso: bool = False, waiting: tuple[str, ...] = ()
) -> str:
    """An hour of six services; from the 200th sample on latency and errors of `pay` are up, and some wait for it."""
    chance = random.Random(4)
    heading = ",".join(f"{s}|{m}" for s in SERVICES for m in ("latency", "errors", "cpu"))
    lines = [f"time,phase,{heading}"]
    for n in range(ROWS):
        cells = []
        for service in SERVICES:
            bad = wrong and service == "pay" and n >= 200
            usual = (0.2 * chance.gauss(1, 0.05), max(0.0, chance.gauss(0.01, 0.002)), 0.4 * chance.gauss(1, 0.05))
            late = 1.5 if n >= 200 and service in waiting else 0.0
            cells += [usual[0] * (8 if bad else 1) + late, usual[1] + (0.3 if bad else 0), usual[2]]
        at = BEGAN + STEP * n
        stamp = f"2026-03-01T{(at - BEGAN) // 3600:02}:{(at - BEGAN) // 60 % 60:02}:{at % 60:02}Z" if iso else str(at)
        lines.append(f"{stamp},{'post' if n >= 200 else 'pre'},{','.join(f'{v:.5f}' for v in cells)}")
    return "\n".join([lines[0], *lines[1 + first : 1 + last]]) + "\n"


def given(name: str, text: str) -> str:
    """A file in the working folder."""
    Path(name).write_text(text, encoding="utf-8")
    return name


def told(runner: CliRunner, *words: str, stdin: str = "") -> Any:
    """What the verb prints with --json."""
    done = runner.invoke(app, ["rank", *words, "--json"], input=stdin)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def refused(runner: CliRunner, *words: str, stdin: str = "") -> str:
    """Why the verb does not do it."""
    done = runner.invoke(app, ["rank", *words], input=stdin)
    assert isinstance(done.exception, SetupError), done.output
    return str(done.exception)


def test_the_cause_comes_first(runner: CliRunner) -> None:
    """With its metrics, their sizes and when they changed."""
    found = told(runner, given("a.csv", table()), "--at", str(AT))
    assert (found["at"], found["changed"]) == (AT, True)
    first = found["services"][0]
    assert first["service"] == "pay"
    assert {m["metric"] for m in first["moved"][:2]} == {"latency", "errors"}
    assert all(m["size"] > 5 and abs(m["since"] - AT) <= 2 * STEP for m in first["moved"][:2])
    assert {s["service"] for s in found["services"]} == set(SERVICES)
    assert found["metrics"][0]["service"] == "pay"


def test_it_reads_well(runner: CliRunner) -> None:
    """What was compared, then the services with what moved, in UTC."""
    done = runner.invoke(app, ["rank", given("a.csv", table()), "--at", str(AT)])
    lines = done.stdout.splitlines()
    assert lines[0] == "18 series; 200 usual samples, 40 from 2026-03-01 00:50 UTC on"
    assert lines[2].startswith("1. pay (score ")
    assert "since 2026-03-01 00:50 UTC" in lines[2]
    latency = next(line for line in lines if line.split()[:1] == ["latency"])
    assert "→" in latency
    assert "up " in latency


def test_times_and_baselines_in_any_shape(runner: CliRunner) -> None:
    """ISO times, a baseline of its own, a packed file and standard input all name the same cause."""
    whole = given("a.csv", table())
    usual, now = given("usual.csv", table(0, 150)), table(150)
    for words, stdin in (
        ((given("iso.csv", table(iso=True)), "--at", str(AT)), ""),
        ((whole, "--at", "2026-03-01T00:50:00Z"), ""),
        (("-", "--at", "2026-03-01 00:50", "--baseline", usual), now),
        (("-", "--at", str(AT * 1000)), table()),
    ):
        assert told(runner, *words, stdin=stdin)["services"][0]["service"] == "pay"


def test_graph_and_alert_are_used(runner: CliRunner) -> None:
    """A column that alerts and a graph of calls change what is said; the cause stays."""
    graph = given("graph.csv", "caller,callee\nfront,cart\ncart,pay\n")
    words = (given("a.csv", table(waiting=("front", "cart"))), "--at", str(AT))
    plain, guided = told(runner, *words), told(runner, *words, "--graph", graph, "--alert", "front|latency")
    assert guided["services"][0]["service"] == "pay"
    assert guided != plain


def logs(first: int, last: int, *, wrong: bool) -> str:
    """A line a second of each service, in ms; with `wrong` the mailer fails."""
    lines = []
    for second in range(first, last):
        for n, service in enumerate(SERVICES):
            text = f"INFO handled order {second} in 12 ms"
            if wrong and service == "mail":
                text = f"ERROR sending {second} failed: no route to relay\\n\tat a.b.C(D.java:3)"
            lines.append(f"{1000 * (BEGAN + second) + n}\t{service}\t{text}")
    return "\n".join(lines) + "\n"


def test_logs_speak_for_a_service_with_the_lines_of_the_file(runner: CliRunner) -> None:
    """Where no series moved the log still does; the lines cited are those of the file, whatever came before."""
    metrics = given("a.csv", table(wrong=False))
    text = logs(2_900, 3_000, wrong=False) + logs(3_000, 3_060, wrong=True)
    found = told(runner, metrics, "--at", str(AT), "--logs", given("log.tsv", text))
    first = found["services"][0]
    assert first["service"] == "mail"
    assert "no route to relay" in first["why"]
    lines = text.split("\n")
    assert first["lines"]
    assert all("\tmail\tERROR" in lines[n - 1] for n in first["lines"])
    apart = ("--logs", given("now.tsv", logs(3_000, 3_060, wrong=True)))
    usual = ("--logs-baseline", given("usual.tsv", logs(2_900, 3_000, wrong=False)))
    assert told(runner, metrics, "--at", str(AT), *apart, *usual)["services"][0]["service"] == "mail"
    shown = runner.invoke(app, ["rank", metrics, "--at", str(AT), *apart, *usual]).stdout
    assert "no route to relay" in shown
    assert "(log lines 5, 11, 17)" in shown


def test_a_log_without_a_usual_stretch_is_said_to_say_nothing(runner: CliRunner) -> None:
    """On standard error, with what to give; the series are ranked all the same."""
    log = given("log.tsv", logs(3_000, 3_010, wrong=True))
    done = runner.invoke(app, ["rank", given("a.csv", table()), "--at", str(AT), "--logs", log])
    assert done.exit_code == 0
    assert "log.tsv says nothing: no line before 2026-03-01 00:50 UTC (--logs-baseline)" in done.stderr
    assert "1. pay" in done.stdout


def test_nothing_changed_is_said(runner: CliRunner) -> None:
    """Plainly, and without a list that could be taken for causes."""
    words = (given("a.csv", table(wrong=False)), "--at", str(AT))
    done = runner.invoke(app, ["rank", *words])
    assert done.stdout.splitlines()[2:] == ["Nothing changed: no series left its usual range."]
    assert told(runner, *words)["changed"] is False


def test_missing_and_infinite_samples_are_no_trouble(runner: CliRunner) -> None:
    """Empty, NaN and infinite cells are missing; the JSON has none of them, and the cause is found."""
    cells = ("", "NaN", "inf", "-1e999")
    rows = (f"{n},{10 + math.sin(n) + 50 * (n >= 40):.3f},{math.cos(n):.3f},{cells[n % 4]}\n" for n in range(60))
    done = runner.invoke(app, ["rank", "-", "--at", "40", "--json"], input="time,a|x,b|x,c|x\n" + "".join(rows))
    assert "NaN" not in done.stdout
    assert "Infinity" not in done.stdout
    assert json.loads(done.stdout)["services"][0]["service"] == "a"


@pytest.mark.parametrize(
    ("words", "stdin", "why"),
    [
        (("--at", "soon"), "", "--at 'soon' is no time"),
        (("--at", str(AT + 9_999)), table(), "no row at or after --at 2026-03-01 03:36 UTC: the last is at"),
        (("--at", str(BEGAN)), table(), "no row before 2026-03-01 00:00 UTC to compare with: give a --baseline"),
        (("--at", str(AT), "--alert", "frond|latency"), table(), "there are front|latency"),
        (("--at", str(AT), "--graph", "bad.csv"), table(), "bad.csv:2: should be caller,callee"),
        (("--at", str(AT), "--logs", "bad.csv"), table(), "bad.csv:1: should be a time, the service and the message"),
        (("--at", str(AT), "--baseline", "nowhere.csv"), table(), "nowhere.csv: No such file or directory"),
        (("--at", str(AT), "--baseline", "-"), table(), "once only"),
        (("--at", "1"), "1\n2\n", "standard input:1: one value a line has no times"),
        (("--at", "1"), "time,a|x\n0,1\n1,one\n", "standard input:3: 'one' in column 'a|x' is no number"),
    ],
)
def test_bad_input_is_named(runner: CliRunner, words: tuple[str, ...], stdin: str, why: str) -> None:
    """The file, the line or the option, and what would fit."""
    given("bad.csv", "caller,callee\nfront\n")
    assert why in refused(runner, "-", *words, stdin=stdin)

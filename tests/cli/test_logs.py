"""`nightjar logs`: logs in, templates or a digest out, for people and for programs."""

import gzip
import io
import json
import lzma
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bot.cli import _inputs
from bot.cli.app import app
from bot.domain.errors import SetupError
from tests.analysis.hostile import word

ROOT = Path(__file__).parents[2]
MAIN = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"  # a job in the background ignores it
    "; from bot.cli.app import main; main()"
)
LOG = "".join(f"2026-03-01T10:00:{i:02}Z INFO store: took {i} ms\n" for i in range(20))
TRACE = "2026-03-01T10:01:00Z ERROR store: write failed\njava.io.IOException: disk is full\n\tat a.b.C(D.java:7)\n"


def given(name: str, text: str = LOG) -> str:
    """A file in the working folder."""
    Path(name).write_text(text, encoding="utf-8")
    return name


def told(runner: CliRunner, *words: str, stdin: str | bytes = "") -> Any:
    """What the verb prints with --json."""
    done = runner.invoke(app, ["logs", *words, "--json"], input=stdin)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def said(runner: CliRunner, *words: str) -> str:
    """What the verb prints for people."""
    done = runner.invoke(app, ["logs", *words])
    assert done.exit_code == 0, done.output
    return done.stdout


def refused(runner: CliRunner, *words: str) -> str:
    """Why the verb does not do it."""
    done = runner.invoke(app, ["logs", *words])
    assert isinstance(done.exception, SetupError), done.output
    return str(done.exception)


def test_templates_for_a_program(runner: CliRunner) -> None:
    """Counts, lines, levels, parameters and the folded trace, as docs/cli.md says."""
    found = told(runner, "templates", given("a.log", LOG + TRACE))
    assert (found["lines"], found["entries"], found["bytes"]) == (23, 21, len(LOG + TRACE))
    assert found["files"] == [{"name": "a.log", "first": 1, "last": 23}]
    took, failed = found["templates"]
    assert (took["id"], took["text"], took["count"], took["level"]) == (0, "took <*>", 20, "INFO")
    assert (took["first"], took["last"], took["examples"][0]) == (1, 20, 1)
    assert (took["parameters"][-1]["low"], took["parameters"][-1]["high"]) == (0.0, 19.0)
    assert "disk is full" in failed["trace"]


def test_templates_for_people(runner: CliRunner) -> None:
    """One row each, under headings, the most frequent first."""
    lines = said(runner, "templates", given("a.log", LOG + TRACE)).splitlines()
    assert lines[0] == f"2 templates of 21 entries (23 lines, {len(LOG + TRACE):,} bytes)"
    assert lines[2].split() == ["id", "count", "level", "first", "line", "last", "line", "template"]
    assert lines[3].split() == ["0", "20", "INFO", "1", "20", "took", "<*>"]
    assert lines[4].split()[:4] == ["1", "1", "ERROR", "21"]


def test_each_line_gets_its_template(runner: CliRunner) -> None:
    """--assign writes `line TAB id` for every line, those of a trace with their entry; without folding each its own."""
    assert told(runner, "templates", given("a.log", LOG + TRACE), "--assign", "out.tsv")["lines"] == 23
    rows = [line.split("\t") for line in Path("out.tsv").read_text().splitlines()]
    assert [int(n) for n, _ in rows] == list(range(1, 24))
    assert [int(t) for _, t in rows] == [0] * 20 + [1] * 3
    told(runner, "templates", "a.log", "--assign", "out.tsv", "--no-fold")
    assert len({line.split("\t")[1] for line in Path("out.tsv").read_text().splitlines()}) == 4


def test_packed_files_and_standard_input_are_the_same_log(runner: CliRunner) -> None:
    """.gz, .xz and `-` say what the plain file says."""
    plain = told(runner, "templates", given("a.log"))["templates"]
    Path("a.log.gz").write_bytes(gzip.compress(LOG.encode()))
    Path("a.log.xz").write_bytes(lzma.compress(LOG.encode()))
    assert told(runner, "templates", "a.log.gz")["templates"] == plain
    assert told(runner, "templates", "a.log.xz")["templates"] == plain
    assert told(runner, "templates", "-", stdin=LOG)["templates"] == plain


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_named_pipe_is_read_like_a_file(runner: CliRunner, pack: Callable[[bytes], bytes]) -> None:
    """Packed or not."""
    name = "pipe.gz" if pack is gzip.compress else "pipe"
    os.mkfifo(name)
    writer = threading.Thread(target=lambda: Path(name).write_bytes(pack(LOG.encode())))
    writer.start()
    assert told(runner, "templates", name)["lines"] == 20
    writer.join(10)


def test_files_follow_each_other(runner: CliRunner) -> None:
    """Line ids run on; a file that does not end its last line ends it all the same, an empty one has none."""
    files = [given("a.log", LOG.rstrip("\n")), given("empty.log", ""), given("b.log")]
    found = told(runner, "templates", *files)
    assert [(f["first"], f["last"]) for f in found["files"]] == [(1, 20), (21, 20), (21, 40)]
    assert found["templates"][0]["count"] == 40
    shown = said(runner, "templates", *files)
    assert "L21 to L40: b.log" in shown
    assert "no lines: empty.log" in shown


def test_pieces_smaller_than_the_log_change_nothing(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are read in pieces, cut anywhere."""
    whole = told(runner, "templates", given("a.log", LOG + TRACE))
    monkeypatch.setattr(_inputs, "PIECE", 7)
    assert told(runner, "templates", "a.log") == whole


def test_digest_says_what_is_new(runner: CliRunner) -> None:
    """Against a baseline the new error comes first; its lines count on from the baseline's."""
    files = ("--baseline", given("base.log"), given("now.log", LOG + TRACE))
    found = told(runner, "digest", *files)
    assert found["tokens"] <= 2_000
    assert [(c["kind"], c["level"], c["examples"]) for c in found["changes"]] == [("new", "ERROR", [41])]
    assert found["files"][1] == {"name": "now.log", "first": 21, "last": 43}
    assert set(found["cited"]) <= set(range(1, 44))
    shown = said(runner, "digest", *files).splitlines()
    assert shown[1].startswith("NEW ×1 ERROR write failed")
    assert shown[-1] == "L21 to L43: now.log"


def test_digest_says_when_nothing_changed(runner: CliRunner) -> None:
    """In words, and with no changes for a program."""
    files = ("--baseline", given("base.log"), given("now.log"))
    assert "Nothing changed" in said(runner, "digest", *files)
    assert told(runner, "digest", *files)["changes"] == []
    assert "Nothing changed" not in said(runner, "digest", "now.log")


def test_digest_keeps_its_budget(runner: CliRunner) -> None:
    """What has no room is counted; less than 100 tokens are refused."""
    log = given("a.log", "".join(f"{word(i)} {word(7 * i)} happened to {word(11 * i)}\n" for i in range(60)) + TRACE)
    found = told(runner, "digest", log, "--budget", "100")
    assert found["tokens"] <= 100
    assert found["shown"] + found["left_out"] == 61
    assert "more groups (0 of them new or of error class)" in found["text"]
    assert runner.invoke(app, ["logs", "digest", log, "--budget", "99"]).exit_code == 2


def test_what_cannot_be_read_is_named(runner: CliRunner) -> None:
    """A missing file, a folder, a broken archive, a place that cannot be written, options of the other half."""
    log = given("a.log")
    assert refused(runner, "templates", "nowhere.log") == "nowhere.log: No such file or directory"
    assert "Is a directory" in refused(runner, "digest", ".")
    Path("half.gz").write_bytes(gzip.compress(os.urandom(5_000))[:3_000])
    assert refused(runner, "templates", "half.gz").startswith("half.gz: not a whole .gz file")
    assert refused(runner, "digest", given("no.xz")).startswith("no.xz: not a whole .xz file")
    assert refused(runner, "templates", log, "--assign", "no/out.tsv").startswith("no/out.tsv: No such file")
    assert "logs templates" in refused(runner, "digest", log, "--assign", "x")
    assert "logs digest" in refused(runner, "templates", log, "--baseline", log)
    assert "once" in refused(runner, "digest", "-", "--baseline", "-")


def test_what_a_log_holds_does_not_reach_the_terminal_raw(runner: CliRunner) -> None:
    """Escapes in a record move no cursor, halves of a character break nothing."""
    log = given("a.log", '{"level": "error", "msg": "\\u001b[2Jgone \\ud800 away"}\n' * 3)
    for words in (["templates", log], ["digest", log], ["templates", log, "--json"]):
        done = runner.invoke(app, ["logs", *words])
        assert done.exit_code == 0
        assert "\x1b" not in done.stdout
        assert "away" in done.stdout


def test_an_empty_log_is_said_to_be_empty(runner: CliRunner) -> None:
    """No line, no template, no complaint."""
    assert told(runner, "templates", "-")["templates"] == []
    assert said(runner, "templates", given("empty.log", "")).startswith("0 templates of 0 entries")


def child(*words: str, **more: Any) -> subprocess.Popen[bytes]:
    """The console script in a process of its own."""
    told = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, "-c", MAIN, "logs", *words], env=told, **more)


def test_a_reader_that_leaves_sees_no_traceback() -> None:
    """`nightjar logs templates … | head -1` ends quietly."""
    kinds = (f"{word(i)} {word(7 * i)} {word(11 * i)} {'x' * 300}\n" for i in range(1_000))
    log = given("many.log", "".join(kinds))
    run = child("templates", log, "--json", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert run.stdout is not None
    assert run.stderr is not None
    assert len(run.stdout.read(100)) == 100
    run.stdout.close()  # a megabyte is still to come
    assert b"Traceback" not in run.stderr.read()
    run.stderr.close()
    run.wait(30)


def on_a_terminal(*words: str, stop: bool = False, stdin: int | None = None) -> tuple[bytes, int]:
    """(what the terminal shows, exit code) of the script with its standard error on a terminal."""
    ours, theirs = pty.openpty()
    run = child(*words, stderr=theirs, stdout=subprocess.DEVNULL, stdin=stdin)
    os.close(theirs)
    shown = b""
    with io.FileIO(ours) as terminal:
        while True:
            try:
                piece = terminal.read(4096)
            except OSError:  # the other end is closed
                break
            if not piece:
                break
            shown += piece
            if stop and b"reading" in shown:
                time.sleep(0.2)
                run.send_signal(signal.SIGINT)
                stop = False
    return shown, run.wait(30)


def test_a_bar_on_a_terminal_and_none_elsewhere() -> None:
    """While files are read; never with --json, and never in what is piped on."""
    log = given("a.log", LOG)
    shown, code = on_a_terminal("templates", log)
    assert (b"reading" in shown, code) == (True, 0)
    assert on_a_terminal("templates", log, "--json") == (b"", 0)
    run = child("templates", log, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert run.communicate(timeout=30)[1] == b""


def test_ctrl_c_ends_with_130() -> None:
    """While it waits for more input, without a traceback."""
    reads, writes = os.pipe()
    try:
        shown, code = on_a_terminal("templates", "-", stop=True, stdin=reads)
    finally:
        os.close(reads)
        os.close(writes)
    assert code == 130
    assert b"Traceback" not in shown


def test_an_error_is_one_line_and_exit_code_2() -> None:
    """As every verb has it."""
    run = child("digest", "nowhere.log", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = run.communicate(timeout=30)
    assert (out, err, run.returncode) == (b"", b"nightjar: nowhere.log: No such file or directory\n", 2)

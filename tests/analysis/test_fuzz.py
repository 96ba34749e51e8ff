"""Whatever comes in, the evidence engine neither breaks nor grows, says the same again, and cites what is there."""

import json
import math
import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.analysis.digest import digest, tokens_in
from bot.analysis.forecasts import breach, forecast
from bot.analysis.groups import grouped
from bot.analysis.novelty import compare
from bot.analysis.templates import Miner, mine, text_of
from bot.analysis.unusual import unusual
from bot.domain.logs import LogPatterns
from bot.domain.series import Series
from tests.analysis.hostile import LOGS, SERIES, alerts, logs_small, word

MOST = 250
"""MiB that a process may take to condense a log of any size."""
ROOT = Path(__file__).parents[2]


def child(*words: str, seed: str = "0") -> bytes:
    """What `tests.analysis.hostile` prints."""
    told = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "error", "-m", "tests.analysis.hostile", *words]
    return subprocess.run(command, env=told, cwd=ROOT, capture_output=True, check=True, timeout=110).stdout


@pytest.mark.parametrize("kind", LOGS)
def test_any_log_is_condensed_in_bounded_memory(kind: str) -> None:
    """Every line is counted once, the digest keeps its budget and cites lines that are there, memory stays bounded."""
    told = json.loads(child(kind))
    assert told["peak"] < MOST
    assert told["size"] == told["given"]
    assert told["counted"] == told["entries"] <= told["lines"]
    assert told["tokens"] <= 2_000
    assert 1 <= told["cited"] <= told["lines"] >= told["last"]


def test_the_same_bytes_whatever_the_hash_seed() -> None:
    """Templates, novelties, digest, forecasts, scores and groups are the same text in every process."""
    first, second = child("all", seed="1"), child("all", seed="4242")
    assert first == second
    assert len(first) > 10_000


def cut(pieces: Sequence[bytes], seed: int) -> list[bytes]:
    """The same bytes, cut elsewhere."""
    data = b"".join(pieces)
    chance = random.Random(seed)
    places = sorted({0, len(data), *(chance.randrange(len(data)) for _ in range(40))})
    return [data[a:b] for a, b in pairwise(places)]


@pytest.mark.parametrize("seed", range(4))
def test_pieces_are_one_pass(seed: int) -> None:
    """How baseline and window are cut changes neither templates nor novelties nor digest."""
    pieces = logs_small()
    patterns, found = compare(pieces[::2], pieces)
    again, found_again = compare(cut(pieces[::2], seed), cut(pieces, seed + 9))
    assert (again, found_again) == (patterns, found)
    assert digest(again, found_again) == digest(patterns, found)


FORMS = (
    "{text}", "2026-03-01T10:00:{n:02}Z INFO {text}", "Mar  1 10:00:{n:02} host-{n} app[{n}]: ERROR {text}",
    '{{"level": "error", "msg": "{text}", "n": {n}}}', 'level=warn msg="{text}" took={n}ms',
    "10:00:{n:02} ERROR {text}\njava.io.IOException: {n}\n\tat a.b.C({n})", "\x1b[31m{text}\x1b[0m\r", "\t", "",
)  # fmt: skip
TEXTS = st.lists(st.sampled_from(["took", "7", "0x1f", "lost", "peer", "=", "(all)", "/a/b", "de ad", "é"]), min_size=1)
LINES = st.lists(st.tuples(st.sampled_from(FORMS), TEXTS, st.integers(0, 59)), min_size=1, max_size=60)


def says(patterns: LogPatterns, lines: Sequence[bytes]) -> None:
    """Each cited line exists and holds the words of the template that cites it."""
    for template in patterns.templates:
        assert template.sample == text_of(lines[template.examples[0] - 1])
        words = re.findall(r"[^\W\d_]+", template.text.replace("<*>", ""))
        for number in template.examples:
            line = text_of(lines[number - 1])
            assert [w for w in words if w not in line] == []


@settings(max_examples=150, deadline=None)
@given(LINES)
def test_every_cited_line_is_there_and_says_it(rows: list[tuple[str, list[str], int]]) -> None:
    """Of templates and digest alike; each line has the template that counts it."""
    data = "".join(form.format(text=" ".join(text), n=n) + "\n" for form, text, n in rows).encode()
    lines = data.split(b"\n")[:-1]
    miner = Miner()
    miner.feed(data)
    patterns, of_line = miner.assigned()
    assert patterns.lines == len(lines) == len(of_line)
    says(patterns, lines)
    assert {int(of_line[i - 1]) for t in patterns.templates for i in t.examples} == {t.id for t in patterns.templates}
    made = digest(patterns)
    assert set(made.cited) <= {i for t in patterns.templates for i in t.examples}
    assert {int(i) for i in re.findall(r"L(\d+)", made.text.partition("\n")[2])} >= set(made.cited)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=3_000), st.binary(max_size=3_000), st.integers(100, 400))
def test_any_bytes_are_compared_within_the_budget(before: bytes, now: bytes, budget: int) -> None:
    """A digest of anything holds; the same log again has nothing new in it."""
    patterns, found = compare([before], [now])
    made = digest(patterns, found, budget=budget)
    assert made.tokens == tokens_in(made.text) <= budget
    assert all(1 <= i <= patterns.lines for i in made.cited)
    assert [n.kind for n in compare([now], [now])[1]] == []


def test_bytes_that_are_no_text_are_a_variable() -> None:
    """They make no kinds of their own; a word with one odd letter of another encoding is still that word."""
    lines = [b"got \xff\xfe\x81 from peer", b"got \x90\xa0\xff\xf0 from peer", "Gerät aus".encode("latin-1")]
    assert [t.text for t in mine([b"\n".join(lines)]).templates] == ["got <*> from peer", "Ger\ufffdt aus"]


def test_a_hundred_thousand_kinds_are_counted_in_seconds() -> None:
    """Where every line is its own kind, each is counted still, and the digest says how many it leaves out."""
    log = "".join(f"{word(n)} {word(7 * n)} went away\n" for n in range(100_000)).encode()
    began = time.process_time()
    patterns = mine([log])
    made = digest(patterns)
    assert time.process_time() - began < 40
    assert sum(t.count for t in patterns.templates) == patterns.lines == 100_000
    assert made.shown + made.left_out == len(patterns.templates)


@pytest.mark.parametrize("values", SERIES.values(), ids=SERIES)
def test_any_series_is_forecast_or_nothing_is_said(values: tuple[float, ...]) -> None:
    """Finite figures in order, or None where no sample is a number."""
    line = Series({}, tuple(60.0 * n for n in range(len(values))), values)
    known = any(abs(v) < 1e150 for v in values)
    for horizon in (1.0, 3_600.0, 1e9):
        fan, found = forecast(line, horizon), breach(line, 5.0, horizon, "below")
        assert (fan is not None) == (found is not None) == known
        if fan is not None and found is not None:
            assert np.isfinite(fan.paths).all()
            assert (np.diff(fan.paths, axis=0) >= 0).all()
            assert 0 <= found.probability <= 1
            when = (found.earliest, found.likely, found.latest)
            assert when == (None,) * 3 or sorted(w for w in when if w is not None) == list(when)


@pytest.mark.parametrize("values", SERIES.values(), ids=SERIES)
def test_any_series_is_scored(values: tuple[float, ...]) -> None:
    """A score in 0..1 for each sample, also where times stand still."""
    for times in ([60.0 * n for n in range(len(values))], [0.0] * len(values)):
        score = unusual(times, values)
        assert score.size == len(values)
        assert not score.size or 0 <= score.min() <= score.max() <= 1


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(width=64), min_size=1, max_size=80), st.sampled_from([1e-3, 1.0, 60.0, 1e6]))
def test_time_shifted_is_the_same_forecast(values: list[float], step: float) -> None:
    """A thousand steps later the same is said, as much later."""
    lines = [Series({}, tuple(step * (n + later) for n in range(len(values))), tuple(values)) for later in (0, 1024)]
    one, other = (breach(line, 10.0, 20 * step) for line in lines)
    if one is None or other is None:
        assert one == other
        return
    assert math.isclose(one.probability, other.probability, abs_tol=1e-6)
    if one.likely is not None and other.likely is not None:
        assert math.isclose(other.likely - one.likely, 1024 * step, rel_tol=1e-6)


def test_any_alerts_are_grouped_in_any_order() -> None:
    """Without labels, with odd ones and at the ends of time: each gets a group and a reason, whatever the order."""
    given_alerts = alerts(3_000)
    placed = grouped(given_alerts)
    mixed = list(given_alerts)
    random.Random(3).shuffle(mixed)
    assert [(p.alert, p.group) for p in grouped(mixed)] == [(p.alert, p.group) for p in placed]
    assert len(placed) == 3_000
    assert all(p.reason for p in placed)

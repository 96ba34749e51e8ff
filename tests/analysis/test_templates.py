"""Raw lines of any format become templates."""

import json
import os
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.analysis import _log_keys
from bot.analysis.templates import Miner, mine, text_of
from bot.domain.logs import LogPatterns, Template
from tests.analysis.packs import PACK


def mined(*lines: str) -> LogPatterns:
    """The patterns of these lines."""
    return mine(["".join(f"{line}\n" for line in lines).encode()])


def one(*lines: str) -> Template:
    """The only template of these lines."""
    (template,) = mined(*lines).templates
    return template


HEADERS = {
    "iso": "2024-05-{d:02} 10:{m:02}:07,123 {level} [worker-{n}] com.acme.Store: {text}",
    "syslog": "May {d:2} 10:{m:02}:07 host-{n} storer[{n}]: {level} {text}",
    "epoch": "17{d:02}{m:02}4123 {level} {text}",
    "klog": "I05{d:02} 10:{m:02}:07.000123   {n} store.go:{n}] {text}",
    "apache": "[Mon May {d:02} 10:{m:02}:07 2024] [{level}] {text}",
    "bar": "20240501-10:{m:02}:07:606|Store_Main|30{n}|{text}",
    "dash": "[05.{d:02} 10:{m:02}:07] store.exe - {text}",
    "level": "{level}:acme.store-{n}:{text}",
    "none": "{text}",
}


@pytest.mark.parametrize("form", HEADERS.values(), ids=HEADERS)
def test_header_is_told_from_content(form: str) -> None:
    """Whatever the header, the two kinds of message are two templates, without the header in them."""
    texts = ("opened volume vol-{n} for writing", "quorum lost with {n} peers")
    lines = [
        form.format(d=i % 28 + 1, m=i % 60, n=100 + i, level="INFO", text=texts[i % 2].format(n=i)) for i in range(40)
    ]
    found = mined(*lines).templates
    assert sorted(t.count for t in found) == [20, 20]
    assert {"opened volume" in t.text or "quorum lost with" in t.text for t in found} == {True}
    assert not any("10:" in t.text or "store.go" in t.text for t in found)


@pytest.mark.parametrize(("word", "level"), [("ERROR", "ERROR"), ("warn", "WARN"), ("FATAL", "FATAL"), ("I", "INFO")])
def test_level(word: str, level: str) -> None:
    """The level comes from the header."""
    lines = [f"2024-05-01 10:00:{i:02} {word} store: volume {i} is full" for i in range(20)]
    assert one(*lines).level == level


def test_klog_level() -> None:
    """The letter before a klog date is the level."""
    assert one(*[f"E0501 10:00:{i:02}.1   7 a.go:{i}] lost {i} peers" for i in range(9)]).level == "ERROR"


def test_counts_first_last_examples_and_parameters() -> None:
    """A template tells how often, where from and to, and what varied."""
    template = one(*[f"10:00:{i:02} INFO took {i * 10} ms" for i in range(30)])
    assert (template.count, template.first, template.last) == (30, 1, 30)
    assert template.examples[0] == 1
    assert template.sample == "10:00:00 INFO took 0 ms"
    assert (template.first_time, template.last_time) == ("10:00:00", "10:00:29")
    took = template.parameters[-1]
    assert (took.position, took.low, took.high) == (3, 0.0, 290.0)


def test_names_that_vary_become_a_parameter_and_words_do_not() -> None:
    """Many names at one place vary; two verbs do not."""
    users = ["root", "guest", "mysql", "oracle", "tommy", "jill", "hugo"]
    found = mined(*[f"rejected user {u} at the door" for u in users], "job start done here", "job stop done here")
    assert {t.text: t.count for t in found.templates} == {
        "rejected user <*> at the door": 7, "job start done here": 1, "job stop done here": 1,
    }  # fmt: skip


JAVA = """\
2024-05-01 10:00:0{i} ERROR [main] com.acme.Store: write of {i} failed
java.io.IOException: disk {i} is full
\tat com.acme.Store.write(Store.java:1{i})
Caused by: java.lang.IllegalStateException: quota
\t... 12 more"""
PYTHON = """\
2024-05-01 10:00:0{i} ERROR store: write of {i} failed
Traceback (most recent call last):
  File "store.py", line 1{i}, in write
    flush()
ValueError: no room for {i}"""


@pytest.mark.parametrize(("entry", "cause"), [(JAVA, "quota"), (PYTHON, "ValueError: no room")])
def test_stack_trace_is_one_entry(entry: str, cause: str) -> None:
    """A trace belongs to the line before it."""
    patterns = mined(*[entry.format(i=i) for i in range(9)])
    (template,) = patterns.templates
    assert (patterns.lines, patterns.entries, template.count) == (45, 9, 9)
    assert cause in template.trace


def test_exception_after_an_ordinary_line_is_an_entry_of_its_own() -> None:
    """What stderr prints between ordinary lines is not hidden in them."""
    found = mined("10:00:01 INFO all is well", "ValueError: no room", "    at store", "10:00:02 INFO all is well")
    assert [(t.text, t.count, t.level) for t in found.templates] == [
        ("all is well", 2, "INFO"), ("ValueError: no room", 1, "ERROR"),
    ]  # fmt: skip


def test_json_and_logfmt_are_read_by_their_message() -> None:
    """Records of named fields count by what they say."""
    records = [json.dumps({"ts": i, "level": "error", "msg": f"lost peer {i}", "id": "x" * i}) for i in range(9)]
    pairs = [f'time=2024 level=warn msg="slow disk {i}" took={i}ms' for i in range(5)]
    found = {t.text: (t.count, t.level) for t in mined(*records, *pairs).templates}
    assert found == {"lost peer <*>": (9, "ERROR"), "slow disk <*>": (5, "WARN")}


def test_colours_and_control_characters_do_not_matter() -> None:
    """A coloured line is the line."""
    assert text_of(b"\x1b[31mred\x1b[0m \x00tape\xff") == "red tape\ufffd"
    assert one("\x1b[31mERROR\x1b[0m lost 1", "\x1b[31mERROR\x1b[0m lost 2").count == 2


def test_a_line_without_its_newline_counts_and_an_empty_log_is_empty() -> None:
    """The end of the log ends the line."""
    assert mine([b"lost peer 1"]).lines == 1
    assert mine([]) == LogPatterns((), 0, 0, 0)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=6))
def test_pieces_equal_one_pass(data: bytes, cuts: list[int]) -> None:
    """Any bytes can be mined, and how they are cut changes nothing."""
    places = sorted({0, *cuts, len(data)})
    pieces = [data[a:b] for a, b in pairwise(places)]
    assert mine(pieces) == mine([data])


def test_blocks_do_not_depend_on_the_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same when the log is longer than a block, its keys too many and its lines too long."""
    monkeypatch.setattr(_log_keys, "BLOCK", 700)
    monkeypatch.setattr(_log_keys, "LONGEST", 90)
    monkeypatch.setattr(_log_keys, "MOST_KEYS", 30)
    monkeypatch.setattr(_log_keys, "MOST_COARSE", 3)
    rng = np.random.default_rng(3)
    words = ["".join(rng.choice(list("ghijklmnop =:"), rng.integers(1, 200))) for _ in range(200)]
    data = "\n".join(words).encode()
    whole, cut = Miner(), Miner()
    whole.feed(data)
    for at in range(0, len(data), 37):
        cut.feed(data[at : at + 37])
    patterns, of_line = whole.assigned()
    assert patterns == cut.patterns()
    assert patterns.lines == 200 == len(of_line)
    assert patterns.dropped > 0
    assert sum(t.count for t in patterns.templates) == patterns.entries


def test_a_trace_across_blocks_stays_with_its_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a block ends inside a stack trace, the rest of it still belongs to the entry."""
    monkeypatch.setattr(_log_keys, "BLOCK", 64)
    miner = Miner()
    miner.feed("\n".join(JAVA.format(i=i) for i in range(9)).encode())
    patterns, of_line = miner.assigned()
    assert [(t.count, t.first, t.last) for t in patterns.templates] == [(9, 1, 41)]
    assert of_line.tolist() == [0] * 45


def test_function_names_are_not_parameters() -> None:
    """Two names before a colon or a bracket are two templates, two names elsewhere one parameter."""
    assert len(mined("getTasks: caller 1 was denied here", "getUsers: caller 2 was denied here").templates) == 2
    assert len(mined("now calling getTasks(all of us) 1", "now calling getUsers(all of us) 2").templates) == 2
    assert len(mined("denied to caller getTasks of 1", "denied to caller getUsers of 2").templates) == 1


def test_every_example_line_says_it() -> None:
    """The cited lines belong to the template that cites them, and the sample is the first of them."""
    lines = [f"10:00:00 INFO kind {'xyz'[i % 3] * 3} says {i}" for i in range(300)]
    miner = Miner()
    miner.feed("\n".join(lines).encode())
    patterns, of_line = miner.assigned()
    for template in patterns.templates:
        assert template.sample == lines[template.examples[0] - 1]
        assert all(of_line[i - 1] == template.id for i in (*template.examples, template.first, template.last))
        assert template.count == int((of_line == template.id).sum())


def test_hash_seed_changes_nothing() -> None:
    """The same log gives the same bytes in every process."""
    code = (
        "from bot.analysis.templates import mine\n"
        "lines = [f'user u{chr(97+i%20)}x of {chr(97+i%7)}q.z failed {i}' for i in range(200)]\n"
        "print(mine(['\\n'.join(lines).encode()]))"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(told) == 1


def test_one_huge_line_and_very_many_keys() -> None:
    """Neither a line of many megabytes nor as many kinds as lines break anything."""
    patterns = mine([b"x" * (20 << 20), b"\nlast"])
    assert (patterns.lines, patterns.dropped) == (2, (20 << 20) - _log_keys.LONGEST)
    letters = [f"{chr(103 + i % 20)}{chr(103 + i // 20 % 20)}{chr(103 + i // 400 % 20)} went" for i in range(8_000)]
    assert sum(t.count for t in mined(*letters).templates) == 8_000


@pytest.mark.skipif(
    not PACK.is_dir(), reason=f"the labelled logs are not at {PACK}: NIGHTJAR_TEST_ANALYSIS names another place"
)
def test_labelled_logs() -> None:
    """Grouping accuracy and novelty on the labelled sets stay above the goals."""
    from tests.benchmarks.analysis_logs import grouping  # noqa: PLC0415 - only where the logs are

    rows = grouping(PACK).values()
    assert min(r["GA"] for r in rows) >= 0.85
    assert min(r["FGA"] for r in rows) >= 0.82
    assert sum(r["content_GA"] for r in rows) / len(rows) >= 0.93
    assert sum(r["found"] for r in rows) >= 0.97 * sum(r["novel"] for r in rows)
    assert sum(r["false"] for r in rows) <= 15


def test_a_zone_behind_the_time_belongs_to_it() -> None:
    """A database writes the zone's name there."""
    lines = b"".join(
        b"2026-11-24 13:02:%02d.204 UTC [40%02d] FATAL:  too many clients\n" % (n % 60, n) for n in range(90)
    )
    (template,) = mine([lines]).templates
    assert (template.text, template.level) == ("too many clients", "FATAL")

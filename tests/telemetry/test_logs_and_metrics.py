"""Logs carry a trace and no bodies or secrets; metrics say what happened."""

import asyncio
import io
import json
import logging
import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.domain.messages import Message, Usage
from bot.domain.outcomes import Fault, Turn
from bot.telemetry import METRICS, count, count_turn, exposition, gauges, logs, observe, setup, traced
from bot.telemetry.spans import trace_id

SECRET = secrets.token_hex(12)
log = logging.getLogger("bot.somewhere")


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """Logs in JSON, with a mask that hides one secret; the loggers are put back."""
    root, loggers = logging.getLogger(), [logging.getLogger(name) for name in logs._TALKATIVE]
    before, levels = (root.level, root.handlers[:]), [logger.level for logger in loggers]
    stream = io.StringIO()
    setup("DEBUG", mask=lambda text: text.replace(SECRET, "•"), stream=stream)
    yield stream
    root.setLevel(before[0])
    root.handlers[:] = before[1]
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


def last(lines: io.StringIO) -> dict[str, Any]:
    """The last line, parsed."""
    parsed: dict[str, Any] = json.loads(lines.getvalue().splitlines()[-1])
    return parsed


def fail(text: str, cause: Exception | None = None) -> None:
    """An error as code raises it."""
    raise ValueError(text) from cause


def value(name: str, **labels: str) -> float:
    """A sample as Prometheus would read it; 0 when it is not there yet."""
    families = text_string_to_metric_families(exposition().decode())
    samples = (sample for family in families for sample in family.samples)
    return next((s.value for s in samples if s.name == f"nightjar_{name}" and s.labels == labels), 0.0)


def test_a_line_is_json_with_time_level_logger_and_fields(lines: io.StringIO) -> None:
    """For programs that read logs."""
    log.info("accepted %s", "q1", extra={"channel": "C1", "seconds": 0.5, "raw": {"a": 1}})
    line = last(lines)
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "info", "logger": "bot.somewhere", "text": "accepted q1",
        "channel": "C1", "seconds": 0.5, "raw": "{'a': 1}",
    }  # fmt: skip


async def test_the_trace_follows_into_tasks(lines: io.StringIO) -> None:
    """And ends with its block."""

    async def work() -> None:
        log.info("inside")

    with traced("ans:T1:C1:1700.5"):
        await asyncio.create_task(work())
    assert last(lines)["trace"] == "T1-C1-1700.5"
    assert last(lines)["trace_id"] == trace_id("T1-C1-1700.5")
    log.info("outside")
    assert "trace" not in last(lines)


def test_a_secret_is_masked_in_text_fields_and_errors(lines: io.StringIO) -> None:
    """Wherever it comes from, the cause of an error included."""
    try:
        fail(f"bad {SECRET}", KeyError(SECRET))
    except ValueError:
        log.exception("failed with %s", SECRET, extra={"token": SECRET})
    assert SECRET not in lines.getvalue()
    shown = last(lines)["error"]
    assert (shown["kind"], shown["text"], shown["cause"]["kind"]) == ("ValueError", "bad •", "KeyError")
    assert shown["at"][-1].endswith(" fail")


def test_masking_comes_before_cutting(lines: io.StringIO) -> None:
    """A secret across the cut would leak its first half."""
    log.info("%s%s", "x" * (logs._LONGEST - 4), SECRET)
    assert last(lines)["text"][-1] == "•"


def test_only_the_first_line_of_an_error_is_kept(lines: io.StringIO) -> None:
    """Database and validation errors carry what was sent in the lines below."""
    try:
        fail("not valid\n[parameters: ('the whole message',)]")
    except ValueError:
        log.exception("failed")
    assert "whole message" not in lines.getvalue()


def test_a_line_whose_mask_fails_is_dropped() -> None:
    """It is never printed unmasked; that one was dropped is said."""

    def broken(_: str) -> str:
        raise LookupError

    stream = io.StringIO()
    handler = logs._Handler(stream)
    handler.setFormatter(logs._Json(broken))
    handler.handle(logging.makeLogRecord({"name": "bot.x", "msg": SECRET}))
    assert json.loads(stream.getvalue())["text"] == "a log line was dropped"


def test_libraries_that_log_bodies_are_quiet(lines: io.StringIO) -> None:
    """Even at DEBUG; their warnings come through."""
    logging.getLogger("anthropic._base_client").debug("Request options: everything")
    logging.getLogger("slack_sdk.web").info("the message")
    assert lines.getvalue() == ""
    logging.getLogger("anthropic._base_client").warning("retrying")
    assert last(lines)["text"] == "retrying"


def test_a_plain_line_is_one_line(lines: io.StringIO) -> None:
    """Text from outside cannot forge a second entry; setting up again replaces the first."""
    stream = io.StringIO()
    setup("info", json=False, stream=stream)
    with traced("t-2"):
        log.warning("odd name: %s", "a\nERROR forged")
    assert lines.getvalue() == ""
    traces = f"trace=t-2 trace_id={trace_id('t-2')}"
    assert stream.getvalue()[12:] == f" WARNING bot.somewhere: odd name: a ⏎ ERROR forged {traces}\n"


def test_half_an_emoji_does_not_break_a_line() -> None:
    """What a stream cannot encode is replaced before it gets there."""
    line = logs._Json(str).format(logging.makeLogRecord({"name": "bot.x", "msg": "half \ud83d"}))
    assert json.loads(line.encode())["text"] == "half ?"


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_can_be_counted_and_read(name: str) -> None:
    """The table is complete, each with a help text and its labels."""
    metric = METRICS[name]
    labels = dict.fromkeys(metric.labels, "x")
    match metric.kind:
        case "counter":
            count(name, 2, **labels)
            assert value(f"{name}_total", **labels) > 0
        case "histogram":
            observe(name, 0.3, **labels)
            assert value(f"{name}_count", **labels) > 0
        case "gauge":
            with gauges({name: (lambda: {"x": 7.0}) if labels else (lambda: 7.0)}):
                assert value(name, **labels) == 7.0
                assert f"# HELP nightjar_{name}" in exposition().decode()
            assert value(name, **labels) == 0.0


def test_a_misspelt_metric_or_label_fails() -> None:
    """In a test, not in an empty graph."""
    with pytest.raises(KeyError):
        count("answer_seconds", model="x")
    with pytest.raises(ValueError, match="label"):
        count("questions", road="mention")
    with pytest.raises(KeyError, match="questions"), gauges({"questions": lambda: 1.0}):
        pass


def test_a_turn_counts_outcome_tokens_and_money() -> None:
    """A fault that used tokens counts too."""
    usage = Usage(10, 20, 30, 40, 0.5)
    count_turn("claude:m", Turn(Message("assistant", "ok"), "end", usage, seconds=2.0))
    count_turn("claude:m", Fault("cut", "broke", usage=Usage(1, cost_usd=0.25)))
    assert value("model_turns_total", model="claude:m", outcome="end") == 1
    assert value("model_turns_total", model="claude:m", outcome="cut") == 1
    kinds = ("input", "output", "cache_read", "cache_write")
    assert [value("tokens_total", model="claude:m", kind=kind) for kind in kinds] == [11, 20, 30, 40]
    assert value("cost_usd_total", model="claude:m") == 0.75
    assert value("model_seconds_sum", model="claude:m") == 2.0


def test_the_process_is_measured_too() -> None:
    """Memory and garbage collection, without the registry that libraries share."""
    text = exposition().decode()
    assert "process_resident_memory_bytes" in text
    assert "python_gc_collections_total" in text

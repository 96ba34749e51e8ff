"""What people see: the head first and short, everything within Slack's limits, nothing of a model's text alive."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.check.output import defuse
from bot.demo.slack.blocks import MAX_VIEW_BLOCKS, faults_of
from bot.domain.answers import Answer, Citation, Failure, Numbers
from bot.domain.evidence import Chart
from bot.domain.messages import Usage
from bot.domain.window import Window
from bot.slack import charts, render
from tests.slack.test_reply import ANSWER, CHARTED, line

EVERYTHING = replace(
    CHARTED,
    head="x" * 900,
    body="\n".join(f"| row {number} | {'y' * 200} |" for number in range(300)),
    evidence=tuple(Citation(f"E{n}", "prom", "prod", "q" * 900, "s" * 900) for n in range(60)),
    missing=tuple("loki: time-out " + "z" * 300 for _ in range(40)),
    charts=(CHARTED.charts[0], Chart("t" * 90, tuple(line(service=f"s{n}") for n in range(9)), "u" * 80)) * 2,
    choices=(),
)


EARLIER = replace(line(service="a"), times=tuple(range(60)), values=(1.0,) * 60)
LATER = replace(line(service="b"), times=tuple(range(6_000, 6_060)), values=(1.0,) * 60)


def texts(blocks: Any) -> list[str]:
    """The text of every block, in order."""
    return [
        block["text"] if isinstance(block.get("text"), str) else block["text"]["text"] if "text" in block else ""
        for block in blocks
    ]


def test_the_first_thing_is_the_head_and_it_is_the_notification() -> None:
    """What a phone shows is the head, within 400 characters, and so is the first block."""
    shown = render.answer(ANSWER, "k", str)
    assert shown.text == ANSWER.head
    first, rest = ANSWER.head.split("\n")
    assert shown.blocks[0]["text"] == f"**{first}**\n{rest}"
    assert len(render.answer(EVERYTHING, "k", str).text) <= 400


def test_confidence_window_and_environment_stand_below_the_head() -> None:
    """In the asker's zone; the word for confidence is the code's own; UTC stands in the details."""
    frame = render.answer(ANSWER, "k", str).blocks[1]["elements"][0]["text"]
    assert frame == "*likely* · 14:00–15:00 CET · prod"
    assert "Mon 23 Nov 14:00–15:00 CET (13:00–14:00 UTC)" in str(render.details(ANSWER, "k", str)["blocks"][-1])


def test_who_failed_and_who_took_over_has_a_line_of_its_own() -> None:
    """Apart from what was not looked at; nothing stands there when the first model answered."""
    said = "claude-opus-5-5 is <overloaded>; llama-4-scout took over"
    shown = render.answer(replace(ANSWER, handed=said), "k", str).blocks
    assert shown[2]["elements"][0]["text"] == said.replace("<", "&lt;").replace(">", "&gt;")
    assert len(shown) == len(render.answer(ANSWER, "k", str).blocks) + 1


def test_an_answer_with_nothing_behind_it_has_no_buttons() -> None:
    """“Nothing is running here” cannot be deepened; what was looked at can."""
    assert len(render.answer(Answer("Nothing is running here."), "k", str).blocks) == 1
    assert "deep_dive" in str(render.answer(Answer("8 firing.", tool_calls=1), "k", str).blocks)


def test_a_window_of_another_day_says_so() -> None:
    """The day stands there where the asker named a time, and twice where the window spans a night."""
    start, end = ANSWER.window.start, ANSWER.window.end  # type: ignore[union-attr]
    named = replace(ANSWER, window=Window(start, end, "yesterday at 14:00"))
    assert "· Mon 23 Nov 14:00–15:00 CET ·" in str(render.answer(named, "k", str).blocks[1])
    night = replace(ANSWER, window=Window(start - timedelta(hours=20), end))
    assert "Sun 22 Nov 18:00 – Mon 23 Nov 15:00 CET" in str(render.answer(night, "k", str).blocks[1])


@pytest.mark.parametrize("head", ["# x\nrest", "- x", "`x`", "**", "", "> x"])
def test_a_first_line_that_is_something_of_its_own_stays_it(head: str) -> None:
    """A list, a heading or code is not wrapped in bold."""
    assert render.strong(head) == head


def test_the_cost_is_one_line() -> None:
    """Model, tool calls, seconds, money, and how many figures are backed; without a model it says so."""
    spent = replace(ANSWER, usage=Usage(cost_usd=0.0421))
    said = str(render.answer(spent, "k", str).blocks)
    assert "'claude-opus-5-5 · 7 tool calls · 12 s · $0.042 · 3/4 figures backed'" in said
    assert "no model · 1 tool call · 0.5 s" in str(render.answer(Answer("h", tool_calls=1, seconds=0.5), "k", str))


@pytest.mark.parametrize("with_charts", [True, False])
@pytest.mark.parametrize("answer", [ANSWER, CHARTED, EVERYTHING, Answer(""), replace(ANSWER, choices=("a",) * 40)])
def test_every_answer_is_within_slacks_limits(answer: Answer, with_charts: bool) -> None:
    """No block Slack would refuse, however much there is to say."""
    shown = render.answer(answer, "k" * 100, str, charts=with_charts)
    unique = [
        {**block, "elements": [{**e, "action_id": str(n)} for n, e in enumerate(block["elements"])]}
        if block["type"] == "actions"
        else block
        for block in shown.blocks
    ]
    assert faults_of(unique) == []
    assert sum(len(text) for text in texts(shown.blocks)) <= 12_000


@pytest.mark.parametrize("answer", [ANSWER, EVERYTHING, Answer("")])
def test_every_modal_is_within_slacks_limits(answer: Answer) -> None:
    """Body and evidence are split into sections; a very long one ends."""
    view = render.details(answer, "k", str)
    assert faults_of(view["blocks"], limit=MAX_VIEW_BLOCKS) == []
    assert len(view["title"]["text"]) <= 24


def test_markdown_becomes_what_a_modal_shows() -> None:
    """Headings and bold, bullets, tables and code in monospace, and nothing of it is markup of its own."""
    text = "## Why **so**\n- a **b** <c>\n| x | y |\n|---|---|\n| 1 | <2> |\nafter\n```\n**raw** <z>\n```"
    assert render.mrkdwn(text).splitlines() == [
        "*Why so*",
        "• a *b* &lt;c&gt;",
        "```",
        "| x | y |",
        "|---|---|",
        "| 1 | &lt;2&gt; |",
        "```",
        "after",
        "```",
        "**raw** &lt;z&gt;",
        "```",
    ]


def test_sections_lose_nothing() -> None:
    """Split text put together again is the text, also where one line is longer than a section."""
    text = "\n".join(["a" * 2_000, "b" * 2_000, "c" * 7_000, "d"])
    pieces = list(render.sections(text))
    assert "".join(pieces).replace("\n", "") == text.replace("\n", "")
    assert max(map(len, pieces)) <= render.MAX_SECTION


def test_model_text_is_dead_everywhere() -> None:
    """No ping, no mention and no foreign link survives in answer, modal or failure."""
    evil = "<!channel> <@U1> [x](https://evil.example) @here &lt;!everyone&gt;"
    said = replace(
        ANSWER,
        head=evil,
        body=evil,
        missing=(evil,),
        numbers=Numbers(2, 1, (evil,)),
        evidence=(Citation("E1", evil, evil, evil, evil),),
        charts=(Chart("c", tuple(line(service=f"{evil}{n}") for n in range(9))),),
    )
    shown = [
        render.answer(said, "k", defuse),
        render.details(said, "k", defuse),
        render.failure(Failure(evil, "t"), defuse),
    ]
    shown += [render.placeholder(defuse(evil), "k", defuse(evil), defuse(evil))]
    for part in ("<!", "<@U", "(https://evil", "@here"):
        assert part not in str(shown)


def test_a_choice_of_environment_is_a_row_of_buttons() -> None:
    """One button for each environment, carrying the key and the name."""
    shown = render.answer(replace(ANSWER, choices=("prod", "staging")), "k1", str)
    buttons = shown.blocks[-1]["elements"]
    assert [(b["action_id"], b["value"]) for b in buttons] == [("env:0", "k1|prod"), ("env:1", "k1|staging")]


def test_a_chart_keeps_its_spike() -> None:
    """Twenty points of a thousand: the one that matters is among them, and all series share their moments."""
    values = tuple(99.0 if number == 500 else 1.0 for number in range(1_000))
    series = replace(line(1_000, service="a"), values=values)
    block = charts.block_of(Chart("p99", (series, line(1_000, service="b"))), "Europe/Berlin")
    assert block
    first, second = block["chart"]["series"]
    assert (first["name"], max(point["value"] for point in first["data"])) == ("a", 99.0)
    labels = [point["label"] for point in first["data"]]
    assert labels == [point["label"] for point in second["data"]] == block["chart"]["axis_config"]["categories"]
    assert (len(labels), labels[-1]) == (20, "23 Nov 15:00")


@pytest.mark.parametrize(
    "series",
    [(), (line(1),), (replace(line(), times=(), values=()),), (EARLIER, LATER)],
    ids=["none", "one point", "an empty one", "no moment shared"],
)
def test_what_slacks_chart_cannot_hold_is_left_to_text(series: tuple[Any, ...]) -> None:
    """Nothing to compare: no block, and a line of text that always works."""
    chart = Chart("p99", series)
    assert charts.block_of(chart) is None
    assert charts.sparklines(chart).startswith("p99")


def test_of_many_series_those_are_drawn_that_moved_most() -> None:
    """Six of nine, in their order, the one that jumped among them, and the title says how many are missing."""
    calm = tuple(line(service=f"s{number}") for number in range(8))
    loud = replace(line(service="loud"), values=(0.0,) * 30 + (500.0,) * 30)
    block = charts.block_of(Chart("p99", (*calm, loud)))
    assert block
    assert [one["name"] for one in block["chart"]["series"]] == ["s0", "s1", "s2", "s3", "s4", "loud"]
    assert block["title"] == "p99 (3 more not drawn)"


@pytest.mark.parametrize(
    ("unit", "value", "shown", "word"),
    [
        ("seconds", 0.25, 250, "milliseconds"),
        ("seconds", 2.5, 2.5, "seconds"),
        ("bytes", 3 * 2**30, 3, "GiB"),
        ("ratio", 0.125, 12.5, "%"),
        ("1/s", 40, 40, "per second"),
        ("parsecs", 7, 7, "parsecs"),
    ],
)
def test_the_axis_is_in_a_unit_that_reads_well(unit: str, value: float, shown: float, word: str) -> None:
    """Milliseconds below a second, GiB above one, shares in percent, an unknown unit as it is."""
    flat = replace(line(service="a"), values=(value,) * 60)
    block = charts.block_of(Chart("x", (flat,), unit))
    assert block
    assert block["chart"]["axis_config"]["y_label"] == word
    assert {point["value"] for point in block["chart"]["series"][0]["data"]} == {shown}


def test_a_threshold_is_a_line_of_its_own() -> None:
    """Flat, named, and within the six."""
    block = charts.block_of(Chart("p99", tuple(line(service=f"s{n}") for n in range(8)), "", (), 4.0))
    assert block
    series = block["chart"]["series"]
    assert (len(series), series[-1]["name"]) == (6, "threshold")
    assert {point["value"] for point in series[-1]["data"]} == {4.0}


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("payments: calls to bank (http_client_request_seconds)", "payments: calls to bank"),
        ("sum by (service) (rate(http_requests_total[5m]))", "Http requests by service"),
        ("process_resident_memory_bytes", "Process resident memory by service"),
        ("Error share by service", "Error share by service"),
        ("", "Chart"),
        ("word " * 30, "Word word word word word word word word word…"),
    ],
)  # fmt: skip
def test_a_charts_title_is_for_people(title: str, shown: str) -> None:
    """No PromQL, no metric in brackets, cut at a word."""
    assert charts.title_of(Chart(title, (line(service="a"), line(service="b")))) == shown


def test_series_are_named_by_what_tells_them_apart() -> None:
    """Short, different, at most twenty characters."""
    found = charts.names([line(job="shop", pod=f"checkout-7c9f8d6b5-{n}xyz") for n in range(3)])
    assert len(set(found)) == 3
    assert max(map(len, found)) <= charts.MAX_LABEL


def test_a_constant_series_is_drawn_flat() -> None:
    """A sparkline of equal values is the lowest bar, not an error."""
    flat = replace(line(10), values=(5.0,) * 10)
    assert "▁▁▁▁▁▁▁▁▁▁  5–5, now 5" in charts.sparklines(Chart("x", (flat,), "s"))


def test_an_open_answer_is_read_in_the_thread() -> None:
    """Its body stands below the head, cut between lines within Slack's limits; nothing to go deeper into."""
    shown = render.answer(replace(ANSWER, open=True, body="## What\nAll of it."), "k", str)
    assert {"type": "markdown", "text": "## What\nAll of it."} in shown.blocks
    assert '"deep_dive"' not in str(shown.blocks).replace("'", '"')
    assert '"details"' in str(shown.blocks).replace("'", '"')
    long = render.answer(replace(EVERYTHING, open=True), "k", str)
    (body,) = [block["text"] for block in long.blocks if block["type"] == "markdown" and "row" in block["text"]]
    assert body.endswith("|\n… the rest is behind Details")
    assert sum(len(block["text"]) for block in long.blocks if block["type"] == "markdown") <= 12_000
    assert faults_of([*long.blocks]) == []

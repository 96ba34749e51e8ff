"""The model that is none: it plans by rules, and answers in the house's form."""

from itertools import pairwise
from typing import Any

import pytest

from bot.domain.messages import Message, ToolCall, ToolResult
from bot.llm.playbook import PROVIDER, Playbook, PlaybookSettings
from tests.llm.transcripts import (
    TOOLS,
    alert,
    answer,
    cause,
    cause_of,
    fires,
    head_of,
    mover,
    offered,
    opening,
    result,
    seen,
    turn,
)

ASKED = "which service is unhealthy and since when?"


async def test_it_gathers_what_nobody_gave() -> None:
    """Alerts and movers first, by role, whatever the tools are called."""
    made = await turn(opening(ASKED))
    assert [call.name for call in made.message.calls] == ["tool_strela", "tool_srevom"]
    assert made.stop == "tools"


async def test_it_looks_deeper_where_the_cause_is() -> None:
    """The alert's own expression without its comparison, the service's signals, what changed."""
    made = await turn(opening(ASKED, fires(alert("Bad", "pay")), seen(cause("pay"), movers=[mover("pay")])))
    assert [call.arguments for call in made.message.calls] == [
        {"query": "sum(rate(bad[1m]))"},
        {"service": "pay"},
        {},
    ]


async def test_it_ends_after_a_few_turns() -> None:
    """What it asked for is there: it answers; told to answer, it asks for nothing more."""
    first = opening(ASKED, fires(), seen(cause("pay")))
    asked = Message("assistant", calls=(ToolCall("1", TOOLS[3].name, {"service": "pay"}),))
    got = Message("user", results=(ToolResult("1", TOOLS[3].name, "t", "E3", {"movers": [mover("pay")]}),))
    assert (await turn(first, asked, got)).stop == "end"
    assert (
        await turn(opening(ASKED), Message("user", "The limit was reached. Answer now from the evidence."))
    ).stop == "end"


async def test_it_calls_only_what_is_on_offer() -> None:
    """Roles that no tool plays are left out."""
    made = await turn(opening(ASKED, fires(), seen(cause("pay"))), tools=TOOLS[:2])
    assert made.stop == "end"


async def test_the_answer_keeps_the_form() -> None:
    """Three lines of at most 400 characters, details with evidence ids, no model claimed, a last line for code."""
    text = await answer(ASKED, fires(alert("Bad", "front")), seen(cause("pay", affects=["shop", "front"])))
    head = head_of(text)
    assert head == [
        "pay is unhealthy: errors 1 % → 35 % [E2].",
        "Since 11:48:00 UTC; affects shop, front.",
        "Next: roll pay back.",
    ]
    assert "pay → shop → front [E2]" in text
    assert "No model was used." in text
    assert cause_of(text) == {"service": "pay", "signal": "errors (hits_total)", "since": "2026-11-23T11:48:00Z"}


async def test_a_long_head_is_cut_to_size() -> None:
    """However much there is to say."""
    many = [cause(f"service-{n}" * 4, affects=[f"victim-{m}" * 5 for m in range(9)]) for n in range(4)]
    text = await answer(ASKED, fires(), seen(*many))
    assert len("\n".join(head_of(text))) <= 400
    assert len(head_of(text)) == 3
    assert head_of(text)[2].startswith("Next: ")


async def test_healthy_is_null_and_says_what_was_looked_at() -> None:
    """No alert, no mover."""
    text = await answer(ASKED, fires(alert("Watchdog", "", severity="none")), seen())
    assert head_of(text)[0] == (
        "Nothing is wrong: no alert fires, and none of 40 signals of 3 services left its baseline [E2]."
    )
    assert cause_of(text) is None


async def test_what_is_over_says_so() -> None:
    """With its end; asked whether it is over, the first word answers."""
    over = seen(cause("pay", until="2026-11-23T11:55:00Z"))
    text = await answer(ASKED, fires(), over)
    assert head_of(text)[:2] == [
        "pay was unhealthy, and it is over: errors 1 % → 35 % [E2].",
        "From 11:48:00 UTC to 11:55:00 UTC.",
    ]
    assert head_of(await answer("is it over?", fires(), over))[0].startswith("Yes, it is over since 11:55:00 UTC.")
    assert head_of(await answer("is it over?", fires(), seen(cause("pay"))))[0].startswith("No, it still lasts.")


async def test_two_causes_stand_in_the_head() -> None:
    """The second after the first."""
    text = await answer(ASKED, fires(), seen(cause("pay"), cause("front", signal="certificate expiry (cert)")))
    assert "Also front: certificate expiry (cert) since 11:48:00 UTC" in head_of(text)[1]


async def test_a_symptom_asked_about_points_to_its_cause() -> None:
    """Why is the caller slow: because of its callee."""
    text = await answer("why is shop slow?", fires(), seen(cause("pay", affects=["shop"])))
    assert head_of(text)[0] == "shop is a symptom; the cause is pay: errors 1 % → 35 % [E2]."
    assert cause_of(text) == {"service": "pay", "signal": "errors (hits_total)", "since": "2026-11-23T11:48:00Z"}


async def test_a_well_service_is_said_to_be_well() -> None:
    """With what is wrong elsewhere beside it."""
    text = await answer("why is front slow?", fires(), seen(cause("pay", affects=["shop"])))
    assert head_of(text)[0].startswith("Nothing is wrong with front")
    assert "pay: errors (hits_total)" in head_of(text)[1]
    assert cause_of(text) is None


async def test_an_unknown_service_gets_near_names() -> None:
    """Nobody is left guessing."""
    text = await answer("why is shpo slow?", fires(), seen(cause("pay")))
    assert head_of(text)[0] == "No service is called shpo; did you mean shop?"


async def test_alerts_are_listed_when_asked_for() -> None:
    """How many, which, the first; and the cause behind them."""
    late = alert("Slow", "front", "2026-11-23T11:53:00Z")
    text = await answer("what fires?", fires(late, alert("Bad", "shop")), seen(cause("pay")))
    assert head_of(text)[0] == "2 firing: Bad of shop, Slow of front [E1]."
    assert "Cause: pay, errors (hits_total)" in head_of(text)[1]
    assert head_of(await answer("what fires?", fires(), seen()))[0].startswith("Nothing is wrong")


async def test_changes_are_told_when_asked_for() -> None:
    """The newest first; none is an answer too."""
    change = {"at": "2026-11-23T11:47:00Z", "what": "pay 1 → 2", "service": "pay", "kind": "deploy", "source": "p"}
    text = await answer("what changed?", fires(), seen(cause("pay")), result("changes", "E3", changes=[change]))
    assert head_of(text)[0] == "Last change: pay 1 → 2 at 11:47:00 UTC [E3]."
    assert head_of(await answer("what changed?", fires(), seen()))[0].startswith("No deploy and no restart")


async def test_an_alert_without_any_mover_is_not_explained_away() -> None:
    """It fires: the cause is not known, and its service is named."""
    text = await answer(ASKED, fires(alert("Odd", "shop")), seen())
    assert head_of(text)[0].startswith("Cause not known: Odd fires of shop")
    assert cause_of(text) == {"service": "shop", "signal": "Odd", "since": "2026-11-23T11:50:00Z"}


async def test_movers_that_point_nowhere_are_no_cause() -> None:
    """Something moved, nobody is hurt."""
    text = await answer(ASKED, fires(), seen(movers=[mover("shop")]))
    assert head_of(text)[0].startswith("Nothing is wrong that hurts")
    assert cause_of(text) is None


async def test_what_failed_is_said() -> None:
    """A source that was down is no healthy system."""
    broken = ToolResult("x", TOOLS[1].name, "prom does not answer", failed=True)
    text = (await turn(opening(ASKED, fires()), Message("user", results=(broken,)), tools=())).message.text
    assert head_of(text)[0] == "Cause not known: tool srevom: prom does not answer."
    assert "**Not looked at**: tool srevom: prom does not answer." in text


@pytest.mark.parametrize(("zone", "said"), [("Europe/Berlin", "12:48:00 CET (11:48:00 UTC)"), ("UTC", "11:48:00 UTC")])
async def test_times_are_the_askers(zone: str, said: str) -> None:
    """With UTC beside them."""
    text = await answer(ASKED, fires(), seen(cause("pay")), zone=zone)
    assert f"Since {said}" in head_of(text)[1]


async def test_a_subject_alert_is_the_question() -> None:
    """An alert in the thread's root names the service."""
    text = await answer(
        "what is going on?", fires(), seen(cause("pay", affects=["shop"])), subject="[FIRING] Bad (shop)"
    )
    assert head_of(text)[0].startswith("shop is a symptom")


async def test_only_what_came_since_the_question_counts() -> None:
    """A follow-up is answered from its own evidence."""
    old = opening(ASKED, fires(), seen(cause("pay")))
    made = await turn(old, Message("assistant", "pay was it"), opening(ASKED, fires(), seen()), tools=())
    assert cause_of(made.message.text) is None


async def test_details_show_more_than_the_head() -> None:
    """What did not move, the alert's expression now, what joined meanwhile."""
    calm = mover("pay", "", signal="latency (t)", reason="10 ms, as usual (10 ms)")
    series = {"labels": {}, "service": "pay", "now": 0.35, "before": 0.01}
    text = (
        await turn(
            opening(ASKED, fires(alert("Bad", "pay")), seen(cause("pay"), movers=[mover("pay")])),
            Message("user", results=(result("signals", "E3", movers=[calm]), result("range", "E4", series=[series]))),
            Message("user", "look at the bank too"),
            tools=(),
        )
    ).message.text
    assert "- pay: latency (t) 10 ms, as usual (10 ms)" in text
    assert "pay now 0.35, before 0.01 [E4]" in text
    assert "**Read meanwhile**: look at the bank too" in text


def test_it_is_a_provider_that_costs_nothing() -> None:
    """Found by name, free, on this machine."""
    model = PROVIDER.open(PlaybookSettings(), "")
    assert isinstance(model, Playbook)
    assert (model.facts.hosted, model.facts.input_price) == (False, 0)


def log(service: str, **more: object) -> dict[str, object]:
    """A kind of log entry that is new."""
    return {
        "service": service, "kind": "new", "level": "ERROR", "text": "charge failed: <*>", "count": 12, "expected": 0.0,
        "first": "2026-11-23T11:48:02Z", "last": "", "sample": "charge failed: 7", "line": 9, **more,
    }  # fmt: skip


def crossing(**more: object) -> dict[str, object]:
    """A disk that fills."""
    return {
        "service": "db", "signal": "disk used", "unit": "ratio", "now": 0.9, "threshold": 0.95, "direction": "above",
        "probability": 0.9, "earliest": "2026-11-23T12:30:00Z", "likely": "2026-11-23T13:00:00Z",
        "latest": "2026-11-23T13:40:00Z", **more,
    }  # fmt: skip


async def test_it_asks_the_logs_since_the_onset_and_what_breaks_next() -> None:
    """Both where they are on offer; once."""
    tools = (*TOOLS, offered("logs"), offered("forecast"))
    tools[-2].schema["properties"]["since"] = {"type": "string"}
    first = opening(ASKED, fires(), seen(cause("pay")))
    made = await turn(first, tools=tools)
    assert {call.name: call.arguments for call in made.message.calls[-2:]} == {
        "tool_sgol": {"since": "2026-11-23T11:48:00Z"}, "tool_tsacerof": {},
    }  # fmt: skip
    got = Message("user", results=(result("logs", "E3", logs=[]), result("forecast", "E4", breaches=[])))
    assert (await turn(first, made.message, got, tools=tools)).stop == "end"


async def test_the_cause_s_own_log_stands_in_the_head() -> None:
    """A new error of the cause is evidence; what others say stands below it."""
    rows = [log("front", text="no answer"), log("pay")]
    text = await answer(ASKED, fires(), seen(cause("pay")), result("logs", "E3", logs=rows))
    assert "its log: `charge failed: …` [E3]" in head_of(text)[1]
    bursts = result("logs", "E3", logs=[log("pay", kind="burst", expected=2.0)])
    assert "its log: `charge failed: …`" in head_of(await answer(ASKED, fires(), seen(cause("pay")), bursts))[1]
    calm = result("logs", "E3", logs=[log("pay", level="INFO")])
    assert "its log" not in head_of(await answer(ASKED, fires(), seen(cause("pay")), calm))[1]
    assert text.index("- pay ERROR new, 12 times, first at 11:48:02 UTC") < text.index("- front ERROR new")


async def test_logs_without_news_are_told() -> None:
    """Nothing new in the logs is a finding; the log of another service is not the cause's."""
    assert "**In the logs**: nothing new [E3]" in await answer(ASKED, fires(), seen(), result("logs", "E3", logs=[]))
    text = await answer(ASKED, fires(), seen(cause("pay")), result("logs", "E3", logs=[log("front")]))
    assert "its log" not in head_of(text)[1]


async def test_what_breaks_next() -> None:
    """Asked for, it is the first line; else it stands below; unlikely ones do not."""
    soon = result("forecast", "E4", breaches=[crossing()], looked_at=25)
    text = await answer("what will break next?", fires(), seen(), soon)
    assert head_of(text)[0].startswith("Breaks next: db disk used now 90 %, above 95 % at about 13:00:00 UTC, between")
    assert "**About to break** [E4]: db disk used" in await answer(ASKED, fires(), seen(cause("pay")), soon)
    rare = result("forecast", "E4", breaches=[crossing(probability=0.2)], looked_at=25)
    text = await answer("what will break next?", fires(), seen(), rare)
    assert head_of(text)[0].startswith("Nothing is about to break: none of 25 resources")
    assert "About to break" not in text


async def test_what_is_asked_about_breaks_first() -> None:
    """Of all that is expected, the named service's and signal's own comes first, else the soonest."""
    rows = [crossing(), crossing(service="cart", signal="memory used"), crossing(service="cart", signal="pool used")]
    given = (fires(), seen(services=("cart", "db")), result("forecast", "E4", breaches=rows, looked_at=25))
    assert "Breaks next: cart memory used" in head_of(await answer("will memory run out?", *given))[0]
    assert "Breaks next: cart memory used" in head_of(await answer("will cart break?", *given))[0]
    assert "Breaks next: cart pool used" in head_of(await answer("will the pool of cart be full?", *given))[0]
    assert "Breaks next: db disk used" in head_of(await answer("will traffic break anything?", *given))[0]


def calm(signal: str, reason: str, service: str = "cart") -> dict[str, Any]:
    """A signal that did not move."""
    return mover(service, "", signal=signal, reason=reason)


async def test_a_figure_that_is_asked_for_comes_first() -> None:
    """Measured at the service that is named, with its evidence; then how things stand."""
    rows = [
        calm("errors (hits_total)", "9 %, as usual (8 %)", "pay"),
        calm("errors (hits_total)", "0.5 %, as usual (0.4 %)"),
        calm("latency (took_seconds)", "90 ms, as usual (91 ms)"),
        calm("latency of calls to pay (out_seconds)", "20 ms, as usual (20 ms)"),
    ]
    given = (fires(), seen(cause("pay"), services=("cart", "pay")), result("signals", "E4", movers=rows))
    head = head_of(await answer("how many errors does cart have?", *given))
    assert head[0] == "cart: errors (hits_total) 0.5 %, as usual (0.4 %) [E4]."
    assert head[1].startswith("Nothing is wrong with cart")
    assert "But pay: errors" in head[1]
    head = head_of(await answer("what is the p95 of cart?", *given))
    assert (
        head[0] == "cart: latency (took_seconds) 90 ms, as usual (91 ms) (the mean, no percentile) [E4]; 1 more below."
    )


async def test_a_figure_that_nobody_measured_is_not_made_up() -> None:
    """Without the signal or the service, the answer is how things stand."""
    given = (fires(), seen(cause("pay")), result("signals", "E4", movers=[calm("traffic (hits_total)", "3 per s")]))
    for text in ("how much memory does pay use?", "how many errors are there?"):
        assert head_of(await answer(text, *given))[0].startswith("pay is unhealthy")


async def test_the_named_service_is_measured_not_the_cause() -> None:
    """When a figure of it is asked for."""
    given = (fires(), seen(cause("pay"), services=("cart", "pay")))
    made = await turn(opening("how many errors does cart have?", *given))
    assert {"service": "cart"} in [call.arguments for call in made.message.calls]
    made = await turn(opening("why is cart slow?", *given))
    assert {"service": "pay"} in [call.arguments for call in made.message.calls]


async def test_lists_end_before_the_next_paragraph() -> None:
    """In Markdown a line right behind a list is its last item's."""
    text = await answer(ASKED, fires(alert("Bad", "pay")), seen(cause("pay"), movers=[mover("pay"), mover("shop")]))
    lines = text.split("\n")
    for before, line in pairwise(lines):
        assert not before.startswith("- ") or not line or line.startswith("- ")
    assert sum(line.startswith("- ") for line in lines) == 2

"""The loop: tools in order, limits that end in an answer, failover, steering."""

import typing
from collections.abc import Callable, Sequence

import pytest

from bot.agent.budget import Budget
from bot.agent.steps import AFTER_FAULT, NEXT, SAID
from bot.domain.events import Draft, Event, Planned, Task
from bot.domain.messages import Ask, Stop
from bot.domain.outcomes import Fault, FaultCause, Turn
from bot.domain.tools import Tool
from tests.agent.play import Scripted, Shelf, called, play, said


def test_the_tables_are_complete() -> None:
    """Every stop reason and every fault has its next step."""
    assert set(NEXT) == set(typing.get_args(Stop))
    assert set(AFTER_FAULT) == set(SAID) == set(typing.get_args(FaultCause))


async def test_results_come_back_in_call_order_with_their_ids() -> None:
    """Two calls of one turn give E1 and E2 in the order they were made, whatever one of them does."""
    model = Scripted([called("a", "down", "b"), said("done [E1]")])
    worked = await play({"m": model})
    results = model.asked[1].messages[-1].results
    assert [(r.call_id, r.evidence_id, r.failed) for r in results] == [
        ("ca", "E1", False), ("cdown", "", True), ("cb", "E3", False),
    ]  # fmt: skip
    assert (worked.text, worked.tool_calls, worked.model) == ("done [E1]", 3, "m")


async def test_a_result_is_cleaned_and_masked_before_it_is_kept_or_shown() -> None:
    """NUL and NaN are gone, the secret is masked, in the store and in front of the model."""
    model, shelf = Scripted([called("a"), said("ok")]), Shelf()
    await play({"m": model}, shelf=shelf)
    result = model.asked[1].messages[-1].results[0]
    assert result.text == "a is 42 with password=[masked]"
    assert (shelf.kept[0].text, shelf.kept[0].facts) == (result.text, {"series": [{"now": None}]})


async def test_evidence_knows_the_call_it_is_from() -> None:
    """Its arguments, masked like everything that is kept."""
    shelf = Shelf()
    await play({"m": Scripted([called("a hunter22", minutes=9), said("ok")])}, shelf=shelf)
    assert shelf.kept[0].arguments == {"query": "a [masked]", "minutes": 9}


@pytest.mark.parametrize(
    ("arguments", "why"),
    [({"nope": 1}, "takes no nope"), ({"minutes": "x"}, "minutes must be a integer"), ({}, "")],
)
async def test_arguments_are_checked(arguments: dict[str, typing.Any], why: str) -> None:
    """A call that does not fit is refused with a word on what would."""
    model = Scripted([called("a", **arguments), said("ok")])
    await play({"m": model})
    assert why in model.asked[1].messages[-1].results[0].text


async def test_the_same_call_twice_is_refused() -> None:
    """A model that repeats itself is told so, and nothing is asked again."""
    model, shelf = Scripted([called("a"), called("a"), said("ok")]), Shelf()
    await play({"m": model}, shelf=shelf)
    assert "was made before" in model.asked[2].messages[-1].results[0].text
    assert len(shelf.kept) == 1


@pytest.mark.parametrize(
    ("budget", "limit", "why"),
    [
        (Budget(turns=2), 24, "2 model turns"),
        (Budget(), 2, "2 tool calls"),
        (Budget(tokens=150), 24, "150 tokens"),
        (Budget(usd=0.015), 24, "$0.015 per question"),
    ],
)
async def test_a_limit_ends_in_an_answer(budget: Budget, limit: int, why: str) -> None:
    """A model that never stops is told to answer, and when it goes on, the playbook answers; the answer says why."""
    endless = Scripted([called("a"), called("b"), called("c"), called("d"), called("e")])
    worked = await play({"m": endless, "playbook": Scripted([said("facts only")])}, budget=budget, limit=limit)
    assert worked.text == "facts only"
    assert any(why in line for line in worked.left_out)


async def test_even_a_playbook_that_never_ends_does_not_hold_the_loop() -> None:
    """The loop ends whatever its models do."""
    endless = {name: Scripted([called("a"), called("b")]) for name in ("m", "playbook")}
    worked = await play({**endless}, budget=Budget(turns=1))
    assert worked.text.startswith("Cause not known")


@pytest.mark.parametrize("cause", typing.get_args(FaultCause))
async def test_every_fault_ends_in_an_answer(cause: FaultCause) -> None:
    """Whatever a model's endpoint does, the next model of the route answers, and the answer says who took over."""
    broken = Scripted([Fault(cause, "x")])
    worked = await play({"claude": broken, "playbook": Scripted([said("facts only")])})
    assert worked.text == "facts only"
    assert worked.handed == f"claude {SAID[cause]}; the playbook took over"
    assert worked.left_out == ()


async def test_a_passing_fault_is_tried_once_more() -> None:
    """An overloaded model that recovers answers itself, and nothing is said of it."""
    worked = await play({"m": Scripted([Fault("overloaded", "x"), said("fine")])})
    assert (worked.text, worked.left_out, worked.handed) == ("fine", (), "")


async def test_a_refusal_goes_to_the_next_model() -> None:
    """A model that will not answer is replaced."""
    worked = await play({"c:a": Scripted([said("", "refusal")]), "l:b:8b": Scripted([said("here")])})
    assert (worked.text, worked.handed) == ("here", "a would not answer; b:8b took over")


async def test_both_are_named_when_both_fail() -> None:
    """In their order, in half a line."""
    models = {"a": Scripted([said("", "refusal")]), "b": Scripted([Fault("spend_limit", "x")])}
    worked = await play({**models, "playbook": Scripted([said("facts only")])})
    assert worked.handed == "a would not answer, b has reached its spend limit; the playbook took over"


async def test_a_stand_in_is_waited_for_less() -> None:
    """The first model has its own time, then what failed counts, and after a turn all of it is there again."""
    first = Scripted([Fault("timeout", "x", seconds=15.0)])
    second = Scripted([called("a"), Fault("overloaded", "x", seconds=1.0), said("ok")])
    third = Scripted([Fault("timeout", "x", seconds=60.0)])
    await play({"a": first, "b": second})
    assert [ask.silence_seconds for ask in (*first.asked, *second.asked)] == [0.0, 10.0, 0.0, 24.0]
    await play(
        {"a": third, "b": (last := Scripted([Fault("cut", "x", seconds=6.0)])), "playbook": Scripted([said("f")])}
    )
    assert [ask.silence_seconds for ask in last.asked] == [5.0]


@pytest.mark.parametrize("own", [15.0, 20.0])
@pytest.mark.parametrize("count", [1, 2, 3])
async def test_a_route_of_silent_models_is_given_up_in_time(own: float, count: int) -> None:
    """Whatever its first model's own time, the thought it is asked for and how many stand in: within half a minute."""
    spent = 0.0

    class Silent(Scripted):
        """Says nothing, for as long as it may."""

        async def turn(self, ask: Ask, tools: Sequence[Tool], show: Callable[[str], None]) -> Turn | Fault:
            nonlocal spent
            spent += (seconds := ask.patience(own, thinking=2 * own))
            return Fault("timeout", "x", seconds=seconds)

    models = {f"m{number}": Silent([]) for number in range(count)}
    worked = await play({**models, "playbook": Scripted([said("facts only")])})
    assert worked.text == "facts only"
    assert spent <= 27.0


@pytest.mark.parametrize(("stop", "lines"), [("pause", 2), ("length", 1), ("context", 4)])
async def test_other_stops(stop: Stop, lines: int) -> None:
    """A pause goes on, a cut answer says so, a full context is squeezed before the model is given up."""
    model = Scripted([said("part", stop), said("whole")] if stop != "context" else [said("", stop)])
    worked = await play({"m": model, "playbook": Scripted([said("facts only")])})
    assert len(model.asked) <= lines
    assert worked.text == {"pause": "whole", "length": "part", "context": "facts only"}[stop]


async def test_steering_joins_before_the_next_turn() -> None:
    """A message written meanwhile stands in the next request, and the plan says that it joined."""
    waiting, shown = [("look at payment first",), ()], list[Event]()

    async def join() -> tuple[str, ...]:
        return waiting.pop(0) if waiting else ()

    model = Scripted([called("a"), said("ok")])
    worked = await play({"m": model}, join=join, shown=shown)
    assert model.asked[1].messages[-1].text == "look at payment first"
    assert any(isinstance(event, Planned) and "payment" in event.title for event in shown)
    assert any(message.text == "look at payment first" for message in worked.messages)


async def test_a_tick_waits_for_no_other_call() -> None:
    """Each outcome is shown as it comes, before the turn's last one is there."""
    shown = list[Event]()
    await play({"m": Scripted([called("a", "b"), said("ok")])}, shown=shown)
    done = [event.id for event in shown if isinstance(event, Task) and event.state == "complete"]
    assert done[:2] == ["ca", "cb"]
    assert len(done) == 4


async def test_progress_is_shown() -> None:
    """Each call is a task that ends complete or in error, and the text streams."""
    shown = list[Event]()
    await play({"m": Scripted([called("a", "down"), said("ok")])}, shown=shown)
    states = [(event.id, event.state) for event in shown if isinstance(event, Task)]
    assert states[:2] == [("ca", "in_progress"), ("cdown", "in_progress")]
    assert dict(states) == {"ca": "complete", "cdown": "error"}
    assert Draft("ok") in shown

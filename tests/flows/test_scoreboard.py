"""The scoreboard: comparisons counted by what their votes come to, honest while there are few."""

import math
from dataclasses import replace

import numpy as np
import pytest

from bot.analysis.wilson import wilson
from bot.domain.answers import Answer, Numbers, Side, Vote
from bot.domain.investigations import Record
from bot.domain.messages import Usage
from bot.domain.place import Place
from bot.flows import compare, reveal, scoreboard
from bot.flows.scoreboard import Compared, nearest_rank, tally, words
from tests.flows.house import PlayedHouse, asked, house

ONE = Side("claude:c", "h", numbers=Numbers(4, 3), usage=Usage(cost_usd=0.02), seconds=4.0)
OTHER = Side("llama:l", "h", numbers=Numbers(2, 2), seconds=12.0)
FAILED = Side("llama:l", fault="is overloaded")


def vote(*choices: str) -> tuple[Vote, ...]:
    """One vote a person."""
    return tuple(Vote(f"U{number}", choice) for number, choice in enumerate(choices))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("choices", "outcome"),
    [
        ((), None),
        (("A",), "A"),
        (("A", "B", "B"), "B"),
        (("A", "B"), "good"),
        (("A", "good", "good"), "A"),
        (("good", "bad", "bad"), "bad"),
        (("bad",), "bad"),
    ],
)
def test_what_votes_come_to(choices: tuple[str, ...], outcome: str | None) -> None:
    """The majority of those who prefer one; without it a tie."""
    assert reveal.outcome(vote(*choices)) == outcome


def test_a_model_is_scored_whichever_letter_it_had() -> None:
    """Wins and losses follow the model; a tie is neither; what nobody voted on counts its figures alone."""
    sides = (ONE, OTHER)
    board = tally(
        [
            Compared("question", "C1", sides, "A"),
            Compared("question", "C1", sides[::-1], "B"),
            Compared("question", "C1", sides, "B"),
            Compared("question", "C1", sides, "bad"),
            Compared("question", "C1", sides),
            Compared("question", "C1", (ONE, FAILED)),
            Compared("deep", "C1", sides, "A"),
        ]
    )
    one, other = board["question", "C1"]["claude:c"], board["question", "C1"]["llama:l"]
    assert (one.won, one.lost, one.ties, one.asked, one.failed) == (2, 1, 1, 6, 0)
    assert (other.won, other.lost, other.ties, other.asked, other.failed) == (1, 2, 1, 6, 1)
    assert (one.figures, one.unbacked, other.unbacked) == (24, 6, 0)
    assert one.cost_usd == pytest.approx(0.12)
    assert board["deep", "C1"]["claude:c"].won == 1


def test_few_votes_tell_nothing_and_that_is_said() -> None:
    """Seven of nine is not enough; eighteen of twenty is."""
    few = tally([Compared("question", "C1", (ONE, OTHER), "A" if n < 7 else "B") for n in range(9)])
    assert "won 7 of 9: 78% (45–94%: too few to tell)" in words(few, here=True)
    many = tally([Compared("question", "C1", (ONE, OTHER), "A" if n < 18 else "B") for n in range(20)])
    said = words(many, here=True)
    assert "won 18 of 20: 90% (70–97%)" in said
    assert "too few" not in said


def test_what_a_line_holds() -> None:
    """Time, money, figures and failures; nothing is divided by nothing."""
    said = words(tally([Compared("question", "C1", (ONE, FAILED))]), here=False)
    assert said.splitlines()[0] == "*question* in <#C1>: 1 compared"
    assert "*c* no decided vote yet\n4.0 s median, 4.0 s p95 · $0.020 each · 1 of 4 figures unbacked" in said
    assert "*l* no decided vote yet\nno cost · no figures · 1 of 1 failed" in said


def test_an_empty_board_says_how_to_fill_it() -> None:
    """Here and everywhere."""
    assert words({}, here=True).startswith("Nothing was compared in this channel yet. `/oncall compare")
    assert words({}, here=False).startswith("Nothing was compared anywhere yet.")


@pytest.mark.parametrize(("share", "rank"), [(0.5, 10), (0.95, 19), (1.0, 20)])
def test_percentiles_by_nearest_rank(share: float, rank: float) -> None:
    """A value that was really measured."""
    assert nearest_rank([float(n) for n in range(20, 0, -1)], share) == rank
    assert math.isnan(nearest_rank([], share))


def test_the_board_of_simulated_votes_agrees_with_the_closed_form() -> None:
    """Two thousand comparisons, three voters each, who prefer one model in seven of ten; ties and silence included."""
    draw = np.random.default_rng(11)
    compared, wins, decided = [], 0, 0
    for number in range(2_000):
        swapped = compare.swapped(f"cmp:T:C:{number}")
        likes = draw.choice(["one", "other", "good", "bad", ""], size=3, p=[0.42, 0.18, 0.2, 0.1, 0.1])
        letters = {"one": "B" if swapped else "A", "other": "A" if swapped else "B", "good": "good", "bad": "bad"}
        outcome = reveal.outcome(vote(*(letters[like] for like in likes if like)))
        compared.append(Compared("question", "C1", (OTHER, ONE) if swapped else (ONE, OTHER), outcome))
        ones, others = np.sum(likes == "one"), np.sum(likes == "other")
        wins, decided = wins + int(ones > others), decided + int(ones != others)
    score = tally(compared)["question", "C1"]["claude:c"]
    assert (score.won, score.won + score.lost) == (wins, decided)
    low, high = wilson(wins, decided)
    assert f"won {wins} of {decided}: {wins / decided:.0%} ({low * 100:.0f}–{high:.0%})" in words(
        tally(compared), here=True
    )


async def kept(here: PlayedHouse, ts: str, channel: str = "C1", **more: object) -> None:
    """A comparison that was voted on."""
    question = replace(asked("why?", ts), place=Place("T1", channel, ts), command="compare")
    answer = Answer("A: h\nB: h", sides=(ONE, OTHER), revealed=True)
    key = f"cmp:T1:{channel}:{ts}"
    await here.store.audit.put(Record(key, question, "answered", here.deps.clock.now(), answer=answer))
    await here.store.votes.put(key, "U1", "A")


@pytest.mark.parametrize(("text", "groups"), [("", ["*question*: 2 compared"]), ("all", ["<#C1>: 2", "<#C2>: 1"])])
async def test_of_this_channel_or_of_all(text: str, groups: list[str]) -> None:
    """One message, said once; answers that were not compared do not count."""
    async with house({}) as here:
        for ts, channel in (("1.0", "C1"), ("2.0", "C1"), ("3.0", "C2")):
            await kept(here, ts, channel)
        await here.store.audit.put(Record("ans:T1:C1:9.0", asked("why?"), "answered", here.deps.clock.now()))
        await scoreboard.request(here.engine, replace(asked(text), command="scoreboard"))
        await here.engine.drained()
        ((_, said),) = here.chat.notes
        assert all(group in said for group in groups)
        assert said.count("compared\n") == len(groups)

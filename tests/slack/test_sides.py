"""Two compared answers as people see them: blind, then with names and figures; always within Slack's limits."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.check.output import defuse
from bot.demo.slack.blocks import faults_of
from bot.domain.answers import Answer, Choice, Dispute, Numbers, Side, Vote
from bot.domain.messages import Usage
from bot.slack import render, sides
from tests.slack.test_reply import ANSWER

ONE = Side("claude:opus", "payment is slow.\nNext: look.", "p99 rose [E1].", Numbers(4, 3), Usage(4_100, 380), 8.21)
OTHER = Side("llama:scout", "The mailer fails.", "", Numbers(), Usage(900, 50, cost_usd=0.0123), 14.0)
BOTH = replace(ANSWER, sides=(ONE, OTHER), missing=(), charts=(), model="two models")
KEY = "cmp:T:C:1"


def shown(answer: Answer) -> str:
    """All of the message as one text."""
    content = sides.both(answer, KEY, str)
    return json.dumps([content.text, content.blocks], ensure_ascii=False)


def actions(answer: Answer) -> list[str]:
    """The buttons' action ids, in order."""
    blocks = sides.both(answer, KEY, str).blocks
    return [one["action_id"] for block in blocks if block["type"] == "actions" for one in block["elements"]]


def test_blind_until_revealed() -> None:
    """Both answers and four buttons to vote; no name, no seconds, no tokens, no money, no count of figures."""
    handed = replace(BOTH, handed="opus was overloaded, scout took over", numbers=Numbers())
    text = shown(handed) + json.dumps(render.details(handed, KEY, str))
    assert all(part in text for part in ("**payment is slow.**", "p99 rose [E1].", "**The mailer fails.**"))
    assert not any(part in text for part in ("opus", "scout", "8.2", "4,100", "0.0123", "backed"))
    assert actions(BOTH) == ["vote:A", "vote:B", "vote:good", "vote:bad", "why", "details"]


def test_a_model_that_names_itself_is_blind_until_revealed() -> None:
    """What it says of itself and ids are neutral before, and true after; a service of such a name stays."""
    one = replace(ONE, head="As Claude, I see llama-gateway fail.", body="Written by claude-opus-5-5.")
    answer = replace(BOTH, sides=(one, OTHER), hidden=("claude-opus-5-5",))
    text = shown(answer)
    assert "As this model, I see llama-gateway fail." in text
    assert "Written by this model." in text
    assert "laude" not in text + sides.both_in_text(answer, str).text
    after = shown(replace(answer, revealed=True))
    assert "As Claude, I see llama-gateway fail." in after
    assert "Written by claude-opus-5-5." in after


def test_names_figures_and_votes_once_revealed() -> None:
    """Each side's own, and who voted how and why; nobody can vote any more."""
    votes = (Vote("U1", "A", "it named <the> pool"), Vote("U2", "good"))
    text = shown(replace(BOTH, revealed=True, votes=votes))
    assert "A · opus" in text
    assert "8.2 s · 4,100 tokens read, 380 written · no cost · 3 of 4 figures backed (75%)" in text
    assert "14 s · 900 tokens read, 50 written · $0.0123 · no figures" in text
    assert "<@U1> voted A: it named &lt;the&gt; pool\\n<@U2> voted both good" in text
    assert actions(replace(BOTH, revealed=True, votes=votes)) == ["why", "details"]


def test_a_missing_answer_leaves_nothing_to_vote_on() -> None:
    """It is said whose, and why."""
    answer = replace(BOTH, sides=(ONE, Side("llama:scout", fault="is overloaded")), revealed=True)
    assert "No answer came: it is overloaded." in shown(answer)
    assert "nothing to vote on" in shown(answer)
    assert actions(answer) == ["details"]


@given(
    st.lists(st.text(max_size=3_000), min_size=4, max_size=4),
    st.lists(st.tuples(st.sampled_from(["A", "B", "good", "bad"]), st.text(max_size=900)), max_size=30),
    st.booleans(),
)
def test_it_fits_whatever_models_and_people_write(
    texts: list[str], votes: list[tuple[Choice, str]], revealed: bool
) -> None:
    """Every block is within the limits, and nobody is called by a model's or a voter's words."""
    pair = (replace(ONE, head=texts[0], body=texts[1]), replace(OTHER, head=texts[2], body=texts[3]))
    cast = tuple(Vote(f"U{number}", choice, f"<!channel> {why}") for number, (choice, why) in enumerate(votes))
    content = sides.both(replace(BOTH, sides=pair, votes=cast, revealed=revealed), KEY, defuse)
    assert faults_of(list(content.blocks)) == []
    assert "<!channel>" not in str(content.blocks)
    assert sides.both_in_text(BOTH, str).text == "A: payment is slow.\nNext: look.\nB: The mailer fails."


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_an_answer_says_above_its_head_that_it_is_disputed(count: int) -> None:
    """The newest two by name, the rest by number; nothing where nobody does."""
    disputes = tuple(Dispute(f"U{number}", f"reason <{number}>") for number in range(count))
    blocks = render.answer(replace(ANSWER, disputes=disputes), "k", defuse).blocks
    first = blocks[0]["elements"][0]["text"] if blocks[0]["type"] == "context" else ""
    lines = [f":warning: Disputed by <@U{n}>: reason &lt;{n}&gt;" for n in range(min(count, 2))]
    assert first.splitlines() == [*lines, *(["… and by 3 more"] if count == 5 else [])]
    assert render.answer_text(replace(ANSWER, disputes=disputes), str).text.endswith(ANSWER.head)
    assert faults_of(list(blocks)) == []

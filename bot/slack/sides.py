"""Two compared answers in one message: blind with buttons to vote, then with names, figures and the votes. Pure."""

from collections.abc import Iterator
from dataclasses import replace

from bot.check.selves import nameless
from bot.domain.answers import Answer, Side, Vote
from bot.slack.posting import Content
from bot.slack.render import (
    DETAILS,
    NO_MODEL,
    Clean,
    Json,
    actions,
    aside,
    button,
    cut,
    escape,
    frame,
    missing_line,
    plain,
    strong,
)

VOTE, WHY, VOTE_REASON = "vote", "why", "vote_reason"
LETTERS = ("A", "B")
BUTTONS = {"A": "A is better", "B": "B is better", "good": "Both good", "bad": "Both bad"}
VOTED = {"A": "A", "B": "B", "good": "both good", "bad": "both bad"}
MAX_HEAD, MAX_BODY, MAX_REASON, MAX_VOTES = 400, 1_200, 200, 10
BLIND = "Two answers from the same evidence, in random order"
ASKED = "Which one serves you better? Who wrote them is shown a few seconds after the first vote."


def both(said: Answer, key: str, clean: Clean) -> Content:
    """The message: what stands there does not tell who wrote it before it is revealed."""
    said = said if said.revealed else _blind(said)
    blocks = [aside(" · ".join([BLIND, *frame(said)]))]
    for letter, side in zip(LETTERS, said.sides, strict=True):
        blocks += _side(letter, side, clean, revealed=said.revealed)
    blocks += [aside(line) for line in (missing_line(said, clean),) if line]
    details = button("Details", DETAILS, key)
    if any(side.fault for side in said.sides):
        blocks += [aside("There is nothing to vote on: one answer is missing."), actions([details])]
    elif said.revealed:
        blocks += [aside("\n".join(_votes(said.votes, clean))), actions([button("Say why", WHY, key), details])]
    else:
        votes = [button(text, f"{VOTE}:{choice}", f"{key}|{choice}") for choice, text in BUTTONS.items()]
        blocks += [aside(ASKED), actions(votes), actions([button("Say why", WHY, key), details])]
    return Content(_text(said, clean), tuple(blocks))


def both_in_text(said: Answer, clean: Clean) -> Content:
    """As text alone, for when Slack takes no block of it; then nobody can vote."""
    return Content(_text(said if said.revealed else _blind(said), clean))


def _blind(said: Answer) -> Answer:
    """Without a word in which a model names itself."""
    hidden = said.hidden
    sides = (replace(side, head=nameless(side.head, hidden), body=nameless(side.body, hidden)) for side in said.sides)
    return replace(said, sides=tuple(sides))


def _text(said: Answer, clean: Clean) -> str:
    return escape(
        "\n".join(f"{letter}: {_head(side, clean)}" for letter, side in zip(LETTERS, said.sides, strict=True))
    )


def _head(side: Side, clean: Clean) -> str:
    return cut(clean(side.head), MAX_HEAD) or "no answer"


def _side(letter: str, side: Side, clean: Clean, *, revealed: bool) -> Iterator[Json]:
    yield {"type": "divider"}
    name = f" · {_name(side)}" if revealed else ""
    yield {"type": "header", "text": plain(f"{letter}{name}"[:150])}
    if side.fault:
        yield aside(f"No answer came: it {escape(clean(side.fault))}.")
    else:
        body = cut(clean(side.body), MAX_BODY)
        yield {"type": "markdown", "text": "\n\n".join(part for part in (strong(_head(side, clean)), body) if part)}
    if revealed:
        yield aside(" · ".join(figures(side)))


def _name(side: Side) -> str:
    return NO_MODEL.get(side.model) or side.name


def figures(side: Side) -> Iterator[str]:
    """Seconds, tokens, money, and how many of its numbers stand in the evidence."""
    yield f"{side.seconds:.1f} s" if side.seconds < 10 else f"{side.seconds:.0f} s"
    read = side.usage.input_tokens + side.usage.cache_read_tokens + side.usage.cache_write_tokens
    yield f"{read:,} tokens read, {side.usage.output_tokens:,} written"
    yield f"${side.usage.cost_usd:.4f}" if side.usage.cost_usd else "no cost"
    if side.numbers.total:
        share = side.numbers.backed / side.numbers.total
        yield f"{side.numbers.backed} of {side.numbers.total} figures backed ({share:.0%})"
    elif not side.fault:
        yield "no figures"


def _votes(votes: tuple[Vote, ...], clean: Clean) -> Iterator[str]:
    """The people are ids that code put in."""
    for vote in votes[:MAX_VOTES]:
        why = f": {escape(cut(clean(vote.reason), MAX_REASON))}" if vote.reason else ""
        yield f"<@{vote.person}> voted {VOTED[vote.choice]}{why}"
    if len(votes) > MAX_VOTES:
        yield f"… and {len(votes) - MAX_VOTES} more"
    if not votes:
        yield "Nobody voted."

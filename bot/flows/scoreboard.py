"""Which model serves better, by the votes on what was compared: per kind of task and channel, with its uncertainty."""

import math
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from bot.analysis.wilson import wilson
from bot.domain.answers import Choice, Side
from bot.domain.investigations import Question, Record
from bot.domain.messages import JSON
from bot.domain.outcomes import decode, encode
from bot.domain.place import Place
from bot.domain.plugin import Flow
from bot.domain.ports import Engine, Steps
from bot.flows import reveal
from bot.flows.deps import Deps

NAME = "scoreboard"
EVERYWHERE = "all"
MOST = 500  # comparisons, the newest
MOST_GROUPS = 6
EXPLAINED = "\n_Won of those that were decided; in brackets the 95 % interval of that rate (Wilson)._"
NOTHING = "Nothing was compared {where} yet. `/oncall compare <question>` puts two models side by side."


@dataclass(frozen=True)
class Compared:
    """One comparison: which kind of task it was and where, its sides, and what the votes came to."""

    task: str
    channel: str
    sides: tuple[Side, ...]
    outcome: Choice | None = None


@dataclass
class Score:
    """How one model did in a kind of task in a channel."""

    model: str
    won: int = 0
    lost: int = 0
    ties: int = 0
    failed: int = 0
    figures: int = 0
    unbacked: int = 0
    cost_usd: float = 0.0
    seconds: list[float] = field(default_factory=list)

    @property
    def asked(self) -> int:
        """How often it was asked, failures included."""
        return len(self.seconds) + self.failed

    def add(self, side: Side, result: int | None) -> None:
        """Count one comparison; `result` is 1 for won, -1 for lost, 0 for a tie, None without a vote."""
        self.cost_usd += side.usage.cost_usd
        if side.fault:
            self.failed += 1
            return
        self.seconds.append(side.seconds)
        self.figures += side.numbers.total
        self.unbacked += side.numbers.total - side.numbers.backed
        self.won += result == 1
        self.lost += result == -1
        self.ties += result == 0


Board = dict[tuple[str, str], dict[str, Score]]


def tally(compared: Iterable[Compared]) -> Board:
    """Scores by task and channel, then by model. Comparisons are counted, not votes: people often vote alike."""
    board: Board = defaultdict(dict)
    for one in compared:
        scores = board[one.task, one.channel]
        for letter, side in zip(("A", "B"), one.sides, strict=True):
            result = None if one.outcome is None else 0 if one.outcome in ("good", "bad") else _won(one.outcome, letter)
            scores.setdefault(side.model, Score(side.name)).add(side, result)
    return dict(board)


def _won(outcome: str, letter: str) -> int:
    return 1 if outcome == letter else -1


def nearest_rank(values: Sequence[float], share: float) -> float:
    """The smallest value that so large a share of the values do not exceed; NaN of none."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan


def words(board: Board, *, here: bool) -> str:
    """The board for people, in Slack's own marks; the groups with the most comparisons first."""
    if not board:
        return NOTHING.format(where="in this channel" if here else "anywhere")
    groups = sorted(board.items(), key=lambda group: -_asked(group[1].values()))
    lines = []
    for (task, channel), scores in groups[:MOST_GROUPS]:
        compared = _asked(scores.values()) // 2
        where = "" if here else f" in <#{channel}>"
        lines.append(f"\n*{task}*{where}: {compared} compared")
        lines += [_line(score) for score in sorted(scores.values(), key=lambda score: (-score.won, score.model))]
    left = len(groups) - MOST_GROUPS
    more = [f"… and {left} more; ask in the channel itself."] if left > 0 else []
    return "\n".join([*lines, *more, EXPLAINED]).strip()


def _asked(scores: Iterable[Score]) -> int:
    return sum(score.asked for score in scores)


def _line(score: Score) -> str:
    ties = f", {score.ties} tied" if score.ties else ""
    speed = f"{_seconds(score.seconds, 0.5)} median, {_seconds(score.seconds, 0.95)} p95" if score.seconds else ""
    cost = f"${score.cost_usd / score.asked:.3f} each" if score.cost_usd else "no cost"
    backed = f"{score.unbacked} of {score.figures} figures unbacked" if score.figures else "no figures"
    failed = f"{score.failed} of {score.asked} failed" if score.failed else ""
    rest = " · ".join(part for part in (speed, cost, backed, failed) if part)
    return f"• *{score.model}* {_rate(score)}{ties}\n{rest}"


def _rate(score: Score) -> str:
    """How often it won, and how sure that is: an interval that holds one half tells nothing yet."""
    decided = score.won + score.lost
    if not decided:
        return "no decided vote yet"
    low, high = wilson(score.won, decided)
    verdict = ": too few to tell" if low <= 0.5 <= high else ""
    return f"won {score.won} of {decided}: {score.won / decided:.0%} ({low * 100:.0f}–{high:.0%}{verdict})"


def _seconds(values: Sequence[float], share: float) -> str:
    value = nearest_rank(values, share)
    return f"{value:.1f} s" if value < 10 else f"{value:.0f} s"


async def request(engine: Engine, question: Question) -> bool:
    """Accept the command: one write, in a lane of its own."""
    key = f"score:{question.place.team}:{question.place.channel}:{question.ts}"
    stamped = replace(question, accepted=question.accepted or time.time())
    return await engine.start(NAME, key, key, encode(Question, stamped))


async def run(steps: Steps, deps: Deps, payload: JSON) -> JSON:
    """Read, count, say: one message."""
    question: Question = decode(Question, payload)
    text = await steps.once("count", partial(_count, deps, question), str)
    await steps.once("say", partial(_say, deps, question.place, text, steps.key), bool)
    return {"state": "said"}


async def _count(deps: Deps, question: Question) -> str:
    here = question.text != EVERYWHERE
    place = Place(question.place.team, question.place.channel) if here else None
    records = await deps.audit.recent(place, MOST, kind="cmp")
    return words(tally([await _read(deps, record) for record in records if _counts(record)]), here=here)


def _counts(record: Record) -> bool:
    return record.state == "answered" and record.answer is not None and len(record.answer.sides) == 2


async def _read(deps: Deps, record: Record) -> Compared:
    task = "deep" if record.question.depth == "deep" else "question"
    sides = record.answer.sides if record.answer else ()
    outcome = reveal.outcome(await reveal.votes_on(deps, record.flow))
    return Compared(task, record.question.place.channel, sides, outcome)


async def _say(deps: Deps, place: Place, text: str, key: str) -> bool:
    await deps.chat.note(place, text, key)
    return True


FLOW = Flow(NAME, run)

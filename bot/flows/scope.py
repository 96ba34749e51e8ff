"""What a question is about: which window, which environments, which services, which models."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.agent.route import FALLBACK, Choice, Need, Task, route
from bot.agent.toolbox import Ledger, Toolbox
from bot.domain.answers import Answer
from bot.domain.facts import AlertFact, ChangeFact
from bot.domain.investigations import Question
from bot.domain.messages import ToolCall, ToolResult
from bot.domain.ports import Steps
from bot.domain.sources import Sources
from bot.domain.tools import Desk, Role
from bot.domain.when import Anchor
from bot.domain.when import resolve as resolve_time
from bot.domain.window import Window, last
from bot.flows.context import Context
from bot.flows.deps import Deps, Scope

_ANCHOR_ROLE: dict[str, Role] = {"deploy": "changes", "alert": "alerts"}


# Asked of the present or of what comes, whatever stretch the thread looked at before.
_PRESENT = re.compile(
    r"\b(now|currently|at the moment|still|is (it|this|that) over|(what|who) is firing|what fires|"
    r"will|going to|about to|soon|breaks? next|predict|forecast|run(s|ning)? (out|full)|fill(s|ing)? up)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Scoped:
    """The scope by code; `choices` are environments to pick from when the question could mean several, `why` says why
    the first of the models comes first, `digesters` are models for what is too big, `seers` those for pictures."""

    window: Window
    sources: Sources
    services: tuple[str, ...] = ()
    models: tuple[str, ...] = ("playbook",)
    why: str = ""
    digesters: tuple[str, ...] = ()
    seers: tuple[str, ...] = ()
    anchor: str = ""
    subject: str = ""
    choices: tuple[str, ...] = ()


def resolve(question: Question, known: Context, now: datetime, deps: Deps) -> Scoped:
    """Decide from the question's words, the channel's settings and what was chosen before."""
    previous = None if _PRESENT.search(question.text) else known.previous
    when = resolve_time(question.text, now, known.person.zone, previous)
    window = last(timedelta(hours=24), now, when.said) if isinstance(when, Anchor) else when
    channel = deps.policy.scope(known.channel)
    envs = _envs(question, known, channel.envs, deps.sources.envs)
    choices = models_for("deep" if question.depth == "deep" else "question", channel, deps)
    return Scoped(
        window=window,
        sources=deps.sources.within(envs),
        services=channel.services,
        models=tuple(choice.name for choice in choices),
        why=choices[0].why,
        digesters=tuple(choice.name for choice in models_for("digest", channel, deps)),
        seers=tuple(choice.name for choice in models_for("image", channel, deps)),
        anchor=when.kind if isinstance(when, Anchor) else "",
        subject=question.subject or known.subject,
        choices=envs if len(envs) > 1 and not channel.envs else (),
    )


def models_for(task: Task, channel: Scope, deps: Deps, context_tokens: int = 0) -> tuple[Choice, ...]:
    """The models that may do a task in a channel, best first."""
    listed = channel.models or deps.policy.models
    chosen = {} if channel.models else deps.policy.route
    named = dict.fromkeys((*listed, *chosen.get(task, ())))
    facts = {name: deps.models.get(name).facts for name in named if name != FALLBACK}
    return route(task, Need(context_tokens, channel.in_house), facts, chosen)


def _envs(
    question: Question, known: Context, of_channel: tuple[str, ...], all_envs: tuple[str, ...]
) -> tuple[str, ...]:
    """Named in the question or its subject, else chosen before in this thread, else the channel's, else all."""
    allowed = of_channel or all_envs
    text = f"{question.text} {question.subject} {known.subject}".lower()
    words = {word.strip(".-") for word in re.findall(r"[\w.-]+", text)}
    named = tuple(env for env in allowed if env.lower() in words)
    chosen = (known.env,) if known.env in allowed else ()
    return named or chosen or allowed


def ask_which(scoped: Scoped, key: str) -> Answer:
    """One choice with buttons; no query crosses environments unasked."""
    listed = ", ".join(scoped.choices)
    head = f"Which environment? This question fits {listed}.\nPick one; the thread keeps the choice."
    return Answer(head=head, choices=scoped.choices, window=scoped.window, envs=scoped.choices, trace=key)


async def anchored(scoped: Scoped, desk: Desk, box: Toolbox, steps: Steps, ledger: Ledger) -> Desk:
    """The desk with its window begun at the anchor (“since the deploy”), once code has found it."""
    tool = box.with_role(_ANCHOR_ROLE[scoped.anchor]) if scoped.anchor else None
    if tool is None:
        return desk
    (outcome,) = await box.run(steps, (ToolCall("given-anchor", tool.name, {}),), ledger)
    ledger.made.clear()
    facts = outcome.facts if isinstance(outcome, ToolResult) else {}
    start = _deployed(facts.get("changes", ())) or _fired(facts.get("alerts", ()), scoped.subject)
    if start is None:
        return replace(desk, window=last(timedelta(hours=1), desk.now, f"{scoped.window.said} (not found: last hour)"))
    return replace(desk, window=Window(min(start, desk.now - timedelta(minutes=5)), desk.now, scoped.window.said))


def _deployed(changes: Iterable[ChangeFact]) -> datetime | None:
    """The last deploy."""
    return max((datetime.fromisoformat(row["at"]) for row in changes if row["kind"] == "deploy"), default=None)


def _fired(alerts: Sequence[AlertFact], subject: str) -> datetime | None:
    """The first of the alerts that fire, else the last that is over; where the thread is about one, only that one."""
    named = [row for row in alerts if row["name"] in subject] or alerts
    firing = [row["since"] for row in named if row["state"] == "active"]
    over = [row["since"] for row in named if row["state"] != "pending"]
    stamp = min(firing) if firing else max(over, default="")
    return datetime.fromisoformat(stamp) if stamp else None

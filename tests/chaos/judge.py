"""Whether a promise was broken, told from a run's history alone."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import permutations

from tests.chaos.history import TAG, Asked, History, Row, Shown, Work, clock

FOLDED = "Progress is folded into the answer above."  # what stays of progress that could not be taken away
ROUNDING = 0.002  # seconds: the engine's times are whole milliseconds
SHOWN = 200  # characters of a message in a story
BORNE = 3.0  # seconds after its end in which a harm may still have a part in what is slow
_GIVEN_UP = "MAX_RECOVERY_ATTEMPTS_EXCEEDED"


@dataclass
class Verdict:
    """Keys by what is wrong with them; empty lists are a promise kept. Times in seconds.

    `untold` counts commands that Slack could not bring, `offered` old questions that wait for a press.
    """

    accepted: int = 0
    answered: int = 0
    joined: int = 0
    stopped: int = 0
    untold: int = 0
    offered: int = 0
    undelivered: list[str] = field(default_factory=list)
    given_up: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    disorder: list[str] = field(default_factory=list)
    zombies: list[str] = field(default_factory=list)
    folded: int = 0
    takeovers: list[float] = field(default_factory=list)
    disturbed: list[float] = field(default_factory=list)
    resumes: list[float] = field(default_factory=list)

    @property
    def wrong(self) -> list[str]:
        """Every key with something wrong, once."""
        found = (*self.lost, *self.doubled, *self.repeated, *self.disorder, *self.zombies)
        return list(dict.fromkeys(found))


def judge(history: History) -> Verdict:
    """Look at everything."""
    verdict = Verdict()
    _promises(history, verdict)
    verdict.doubled = list(_doubled(history))
    verdict.repeated = list(_repeated(history))
    verdict.disorder = list(_disorder(history))
    verdict.zombies = list(_zombies(history))
    verdict.folded = sum(FOLDED in shown.text for shown in history.shown)
    _takeovers(history, verdict)
    return verdict


def _promises(history: History, verdict: Verdict) -> None:
    finals = defaultdict(list)
    for shown in history.shown:
        if shown.part == "answer":
            finals[shown.key].append(shown)
    read = {tag for call in history.calls for tag in call.tags}
    offers = {shown.key for shown in history.shown if shown.part == "offer"}
    for asked in history.asked:
        row = history.rows.get(asked.key)
        if not asked.key:
            continue
        if row is None and not any(try_.status == "ok" for try_ in history.deliveries.get(asked.key, ())):
            if asked.kind == "slash":  # Slack keeps none, and shows its sender an error
                verdict.untold += 1
            elif any(asked.ts in key for key in offers):
                verdict.offered += 1
            else:
                verdict.undelivered.append(asked.key)
            continue
        verdict.accepted += 1
        if row is not None and row.status == _GIVEN_UP:
            verdict.given_up.append(asked.key)
        if row is not None and row.status == "ERROR":
            verdict.failed.append(asked.key)
        own = finals[asked.key]
        if any(shown.final and not _anothers(asked, shown) for shown in own):
            verdict.answered += 1
        elif row is not None and row.state == "joined" and not own and asked.tag in read:
            verdict.joined += 1
        elif row is not None and row.status == "CANCELLED" and not own:
            verdict.stopped += 1
        else:
            verdict.lost.append(asked.key)


def _anothers(asked: Asked, shown: Shown) -> bool:
    """An answer that another message's got."""
    tags = set(TAG.findall(shown.text))
    return bool(tags) and asked.tag not in tags


def _doubled(history: History) -> Iterator[str]:
    """More than one message of a key and part, and whatever is left beside the answer."""
    seen: set[tuple[str, str]] = set()
    for shown in history.shown:
        left = shown.streaming or (shown.part in ("", "progress") and FOLDED not in shown.text)
        if left or ((shown.key, shown.part) in seen and shown.part in ("answer", "note")):
            yield shown.key or f"{shown.channel}/{shown.ts}"
        seen.add((shown.key, shown.part))


def _repeated(history: History) -> Iterator[str]:
    """Work of a step that began after the engine had its outcome."""
    for work in history.works:
        done = history.records.get((work.key, work.place))
        if work.what == "began" and done is not None and work.at > done + ROUNDING:
            yield work.key


def _disorder(history: History) -> Iterator[str]:
    """In a lane, an answer that was there before the one that the engine had accepted earlier.

    SQLite's clock has whole seconds: within one, earlier is what both Slack and we had earlier.
    """
    accepted = {work.key: work.at for work in reversed(history.works) if work.what == "accepted"}
    lanes: Mapping[str, list[Row]] = defaultdict(list)
    for row in history.rows.values():
        if row.lane != row.key and row.status == "SUCCESS" and row.key in history.finals:
            lanes[row.lane].append(row)

    def earlier(one: Row, other: Row) -> bool:
        if one.created != other.created:
            return one.created < other.created
        return one.key < other.key and accepted.get(one.key, 0.0) <= accepted.get(other.key, 0.0)

    for one, other in (pair for rows in lanes.values() for pair in permutations(rows, 2)):
        if earlier(one, other) and history.finals[one.key] > history.finals[other.key]:
            yield other.key


def _zombies(history: History) -> Iterator[str]:
    """Model calls of a thawed process, for a run that it does not work on as the last one."""
    thawed = {harm.worker: harm for harm in history.harms if harm.kind == "stop"}
    keys = {asked.tag: asked.key for asked in history.asked}
    by_key = _by_key(history)
    for call in history.calls:
        harm, key = thawed.get(call.worker), keys.get(call.tag, "")
        after = harm is not None and bool(harm.until) and call.at > harm.until
        if after and key and not _asks(by_key[key], call.worker, call.at):
            yield key


def _asks(works: list[Work], worker: str, at: float) -> bool:
    """Whether the worker is in a model step of the run at that time, and nobody began another after it."""
    before = [work for work in works if work.at <= at]
    last = before[-1] if before else None
    return last is not None and (last.worker, last.what, last.step[:5]) == (worker, "began", "model")


def _by_key(history: History) -> Mapping[str, list[Work]]:
    found: Mapping[str, list[Work]] = defaultdict(list)
    for work in history.works:
        if work.what in ("began", "did"):
            found[work.key].append(work)
    return found


def _last(works: list[Work], at: float) -> str:
    before = [work for work in works if work.at <= at]
    return before[-1].worker if before else ""


def _takeovers(history: History, verdict: Verdict) -> None:
    """From a harm to the first work of another process on each run it cut; from that one's start, where it is new."""
    by_key = _by_key(history)
    for harm in history.harms:
        if harm.kind == "term":
            continue
        for works in by_key.values():
            if _last(works, harm.at) != harm.worker:
                continue
            next_ = next((work for work in works if work.at > harm.at and work.what == "began"), None)
            if next_ is None or next_.worker == harm.worker:
                continue
            calm = not _disturbed(history, harm.at, next_.at)
            (verdict.takeovers if calm else verdict.disturbed).append(next_.at - harm.at)
            if calm and (born := history.births.get(next_.worker, 0.0)) > harm.at:
                verdict.resumes.append(next_.at - born)


def _disturbed(history: History, since: float, until: float) -> bool:
    """Whether anything else was broken meanwhile, or shortly before."""
    return any(since < harm.at < until or harm.at < since < harm.until + BORNE for harm in history.harms
               if harm.at != since)  # fmt: skip


def story(history: History, key: str) -> str:
    """Everything that is known of one run, or of a message that is nobody's, and what its thread shows."""
    asked = next((one for one in history.asked if one.key == key), None)
    place = {
        (one.channel, one.thread or one.ts) for one in history.shown if key in (one.key, f"{one.channel}/{one.ts}")
    }
    place |= {(asked.channel, asked.thread or asked.ts)} if asked else set()
    others = [one.key or one.ts for one in history.asked if (one.channel, one.thread or one.ts) in place]
    told = _told(history, key, asked)
    if told:
        since, until = min(at for at, _ in told) - 2, max(at for at, _ in told) + 2
        near = [harm for harm in history.harms if since < harm.at < until]
        told += [(harm.at, f"  -- {harm.kind} {harm.window} {harm.worker}") for harm in near]
        told += [(harm.until, f"  -- {harm.kind} over: {harm.worker}") for harm in near if harm.until]
    lines = [key, *(f"  {clock(at)} {what}" for at, what in sorted(told)), f"  engine: {history.rows.get(key)}"]
    lines += [f"  also in the thread: {history.rows.get(other, other)}" for other in others if other != key]
    shown = [one for one in history.shown if (one.channel, one.thread or one.ts) in place]
    lines += [f"  shows: {replace(one, text=one.text[:SHOWN])}" for one in shown]
    return "\n".join(lines)


def _told(history: History, key: str, asked: Asked | None) -> list[tuple[float, str]]:
    told = [(asked.at, f"said ({asked.kind}, {asked.tag}) in thread {asked.thread}")] if asked else []
    told += [(try_.at, f"delivered, try {try_.attempt}: {try_.status}") for try_ in history.deliveries.get(key, ())]
    own = [work for work in history.works if work.key in (key, f"stop:{key}")]
    told += [(work.at, f"{work.worker} {work.what} {work.step} #{work.place}") for work in own]
    told += [(done, f"recorded #{place}") for (run, place), done in history.records.items() if run == key]
    told += [(history.finals[key], "final in Slack")] if key in history.finals else []
    return told

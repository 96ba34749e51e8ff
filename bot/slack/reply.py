"""Replies in a thread: a placeholder that becomes the answer, and progress beside it (the Replies and Reply ports)."""

import asyncio
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from bot.check.output import defuse
from bot.domain.answers import Answer, Failure
from bot.domain.errors import ReplyError
from bot.domain.events import Event
from bot.domain.evidence import Chart
from bot.domain.investigations import Posted
from bot.domain.place import Place
from bot.domain.ports import Notes
from bot.slack import pace, pictures, render, sides
from bot.slack.board import Board
from bot.slack.client import Outcome, SlackClient
from bot.slack.pace import Pace
from bot.slack.posting import FINAL, LAG, PATIENCE, Content, marked, post_once
from bot.slack.stream import Progress, Spot, tag_of

Draw = Callable[[Chart, str], tuple[bytes, str]]
FIRST_WAIT = 0.4  # seconds from the first event to the first write, so that what comes together is shown together
CLOSING = 3.0
MOST_BEGUN = 2_000
FOR_FACTS = 20  # updates of a minute that a mere status may not take: when many ask at once, facts come first
AGAIN_WAIT = 1.0
A_WHILE = 15.0  # seconds of one try to write the answer; it is tried for as long as a post
PERSON = re.compile(r"[UW][A-Z0-9]+")
NO_BLOCKS = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "invalid_attachments"})
GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})


@dataclass(frozen=True)
class Outlet:
    """What every reply of the process shares."""

    client: SlackClient
    notes: Notes
    clean: Callable[[str], str]
    draw: Draw | None = None
    pace: Pace = field(default_factory=Pace)
    begun: OrderedDict[str, str] = field(default_factory=OrderedDict)
    fresh: set[str] = field(default_factory=set)
    live: dict[str, "SlackReply"] = field(default_factory=dict)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """A task that is held on to until it is done."""
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    def remember(self, key: str, text: str) -> None:
        """The placeholder's text."""
        self.begun[key] = text
        while len(self.begun) > MOST_BEGUN:
            self.forget(next(iter(self.begun)))

    def forget(self, key: str) -> None:
        """The reply of the key is finished, or too old to be."""
        self.begun.pop(key, None)
        self.live.pop(key, None)
        self.fresh.discard(key)


class SlackReplies:
    """The Replies port. `redact` masks secrets, `draw` makes a PNG and its alt text, `link_hosts` may stay links."""

    def __init__(
        self,
        client: SlackClient,
        notes: Notes,
        redact: Callable[[str], str] = str,
        draw: Draw | None = None,
        link_hosts: Sequence[str] = (),
    ) -> None:
        hosts = tuple(link_hosts)
        self._outlet = Outlet(client, notes, lambda text: defuse(redact(text), hosts), draw)

    async def begin(self, place: Place, key: str, text: str, *, again: bool) -> Posted:
        """The placeholder, posted once per key; `again` looks for it first, twice. Raises ReplyError."""
        clean = self._outlet.clean(text)
        content = render.placeholder(clean, key)
        lag = LAG if again else 0.0
        posted = await post_once(self._outlet.client, place, key, "answer", content, look=again, lag=lag)
        self._outlet.remember(key, clean)
        return posted

    def open(self, place: Place, key: str, posted: Posted, recipient: str = "", *, fresh: bool = False) -> "SlackReply":
        """The reply of a key, in any process; `recipient` is the asking human, for whom progress streams. One that is
        not `fresh` looks, at its end, for what others have left.

        One that is open here already comes back as it is, so that whoever stops it stops its writer, also one that has
        not begun to write.
        """
        (self._outlet.fresh.add if fresh else self._outlet.fresh.discard)(key)
        known = self._outlet.live.get(key)
        if known is not None and known.is_of(posted):
            return known
        human = recipient if PERSON.fullmatch(recipient) else ""
        reply = self._outlet.live[key] = SlackReply(self._outlet, Spot(place, key, posted, human))
        while len(self._outlet.live) > MOST_BEGUN:
            self._outlet.live.pop(next(iter(self._outlet.live)))
        return reply

    async def close(self) -> None:
        """Let go of writers still at work, whose messages are found by whoever finishes the reply; close the client."""
        tasks = set(self._outlet.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._outlet.client.close()


class SlackReply:
    """The Reply port: `show` never waits; one task writes, at Slack's pace."""

    def __init__(self, outlet: Outlet, spot: Spot) -> None:
        self._outlet = outlet
        self._spot = spot
        self._board = Board(outlet.clean, tag_of(spot.key))
        note = partial(self._note_streams)
        self._progress = Progress(outlet.client, spot, self._board, outlet.pace, note)
        self._wake = asyncio.Event()
        self._closing = False
        self._writer: asyncio.Task[None] | None = None

    def is_of(self, posted: Posted) -> bool:
        """Whether this is the reply that stands there."""
        return self._spot.posted == posted

    def show(self, event: Event) -> None:
        """Take an event to be shown; lossy, and without effect once the reply is being finished."""
        if self._closing:
            return
        self._board.take(event)
        self._wake.set()
        if self._writer is None:
            self._writer = self._outlet.spawn(self._write())

    def leave(self) -> None:
        """Write no more: the work goes on elsewhere, or was ended there."""
        self._closing = True
        self._progress.leave()
        self._wake.set()
        if self._outlet.live.get(self._spot.key) is self:  # the run may come back here, and will write again
            del self._outlet.live[self._spot.key]

    async def finish(self, answer: Answer) -> None:
        """The placeholder becomes the answer, however long Slack is away. Raises ReplyError when Slack refuses it."""
        clean, key = self._outlet.clean, self._spot.key
        await self._stop_writing()
        await self._become(_forms(answer, key, clean), partial(render.late, answer))
        await self._clear()
        if self._outlet.draw is not None and answer.charts:
            await pictures.share(self._outlet.client, self._outlet.notes, self._spot, answer, self._outlet.draw)

    async def fail(self, failure: Failure) -> None:
        """The placeholder becomes one plain sentence."""
        await self._stop_writing()
        await self._become((render.failure(failure, self._outlet.clean),), lambda _: "")
        await self._clear()

    async def _write(self) -> None:
        """The head as soon as there is something new, the stream at its own pace, both from this one task."""
        loop = asyncio.get_running_loop()
        session = self._outlet.spawn(self._outlet.client.sessions.set(*self._session, "processing"))
        wait, next_draw = FIRST_WAIT, 0.0
        while not self._closing:
            await self._wake.wait()
            self._wake.clear()
            await asyncio.sleep(wait)
            if self._closing:
                break
            if self._board.head_is_new:
                await self._update_head()
            if loop.time() >= next_draw:
                await self._progress.draw()
                next_draw = loop.time() + self._outlet.pace.interval
            if not self._board.is_drawn or self._board.head_is_new:
                self._wake.set()
            wait = pace.LEAST_INTERVAL
        await asyncio.wait({session}, timeout=CLOSING)

    async def _update_head(self) -> None:
        if not self._outlet.pace.updates.take(0 if self._board.facts else FOR_FACTS):
            return
        self._board.head_is_new = False
        clean = self._outlet.clean
        said = self._outlet.begun.get(self._spot.key, "Looking into it")
        content = render.placeholder(said, self._spot.key, clean(self._board.facts), clean(self._board.status))
        await self._update(content, patience=5.0, still=lambda: not self._closing)

    async def _update(self, content: Content, patience: float, state: str = "", **more: Any) -> Outcome:
        posted, mark = self._spot.posted, marked(self._spot.key, "answer", state)
        return await self._outlet.client.call(
            "chat.update",
            channel=posted.channel,
            ts=posted.ts,
            metadata=mark,
            repeat=True,
            patience=patience,
            **content.arguments(),
            **more,
        )

    async def _become(self, forms: Sequence[Content], note: Callable[[float], str]) -> None:
        """The first form that Slack takes, below what is to be noted by then; a placeholder that is gone is posted
        anew. An outage is waited out."""
        end, rest = time.monotonic() + PATIENCE, list(forms)
        while True:
            content = render.with_note(rest[0], note(self._outlet.client.clock.time()))
            outcome = await self._update(content, A_WHILE, FINAL)
            if outcome.ok:
                return
            if outcome.error in GONE:
                await self._post_anew(content)
                return
            if outcome.error in NO_BLOCKS and rest[1:]:
                rest.pop(0)
            elif not outcome.passes or time.monotonic() > end:
                raise ReplyError(f"chat.update: {outcome.error}")
            else:
                await asyncio.sleep(AGAIN_WAIT)

    async def _post_anew(self, content: Content) -> None:
        spot = self._spot
        gone_root = spot.place.thread == spot.posted.ts
        place = replace(spot.place, thread="") if gone_root else spot.place
        await post_once(self._outlet.client, place, spot.key, "answer", content, look=True)

    async def _stop_writing(self) -> None:
        self.leave()
        if self._writer is not None:
            await asyncio.wait({self._writer}, timeout=CLOSING)

    async def _clear(self) -> None:
        """Take progress away; in another process than the one that began, also what that one left. An outage is waited
        out, and a write that hangs: it may still leave a stream, and the answer stands already."""
        if self._writer is not None:
            await asyncio.wait({self._writer})
        key, end, wait = self._spot.key, time.monotonic() + PATIENCE, AGAIN_WAIT
        fresh = key in self._outlet.fresh
        while not await self._cleared(fresh=fresh) and time.monotonic() < end:
            await asyncio.sleep(wait)
            wait = min(2 * wait, A_WHILE)
        self._outlet.forget(key)
        await self._outlet.client.sessions.over(*self._session, fresh=fresh)

    async def _cleared(self, *, fresh: bool) -> bool:
        left: list[str] = []
        try:
            if not fresh:
                noted = await self._outlet.notes.get(f"stream:{self._spot.key}") or ""
                left = [ts for ts in noted.split(",") if ts]
                left += [ts for ts in await self._progress.left_over() if ts not in left]
            return await self._progress.clear(left)
        except ReplyError:
            return False

    @property
    def _session(self) -> tuple[str, str]:
        return self._spot.posted.channel, self._spot.place.thread or self._spot.posted.ts

    async def _note_streams(self, shown: Sequence[str]) -> None:
        await self._outlet.notes.put(f"stream:{self._spot.key}", ",".join(shown), replace=True)


def _forms(answer: Answer, key: str, clean: Callable[[str], str]) -> tuple[Content, ...]:
    """The answer as it should be shown, then ever plainer, for when Slack does not take it."""
    if answer.sides:
        return sides.both(answer, key, clean), sides.both_in_text(answer, clean)
    plainer = (render.answer(answer, key, clean, charts=False),) if answer.charts else ()
    return render.answer(answer, key, clean), *plainer, render.answer_text(answer, clean)

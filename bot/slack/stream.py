"""The progress message: a native stream that rolls over before its limits, else an edited message, else nothing."""

import asyncio
import re
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from bot.domain.errors import ReplyError
from bot.domain.investigations import Posted
from bot.domain.place import Place
from bot.slack.board import Board, weight
from bot.slack.client import AGAIN, Outcome, SlackClient
from bot.slack.pace import Pace
from bot.slack.posting import SHORTLY, Content, mark_of, marked, messages_of, post_once
from bot.slack.render import escape

Json = dict[str, Any]
MAX_BYTES, MAX_AGE = 9_000, 240.0  # Slack ends a stream near 11 KB, and 300 s after its start however active it is
EDIT_SECONDS = 3.0
PATIENCE = 5.0
ENDED = frozenset({"message_not_in_streaming_state", "msg_too_long", "message_not_found"})
TAG = re.compile(r"nj[0-9a-f]{8}\.")
CONTINUED = "Continued below."
FOLDED = "Progress is folded into the answer above."


@dataclass(frozen=True)
class Spot:
    """Whose progress it is, below which message, and for whom it streams."""

    place: Place
    key: str
    posted: Posted
    recipient: str = ""


def tag_of(key: str) -> str:
    """What the ids of a reply's tasks begin with, so that a stream, which takes no metadata, can be told apart."""
    return f"nj{zlib.crc32(key.encode()):08x}."


class Progress:
    """Used by one writer task only; `note` is told of every message as soon as it exists."""

    def __init__(
        self, client: SlackClient, spot: Spot, board: Board, pace: Pace, note: Callable[[list[str]], Awaitable[None]]
    ) -> None:
        self._client = client
        self._spot = spot
        self._board = board
        self._pace = pace
        self._note = note
        self._draw: Callable[[], Awaitable[None]] = self._stream
        self._open = ""
        self._started = self._edited = 0.0
        self._bytes = 0
        self._left = False
        self.shown: list[str] = []

    async def draw(self) -> None:
        """Show what is new on the board; never raises for what Slack does."""
        if not self._board.is_drawn:
            await self._draw()

    def leave(self) -> None:
        """Draw no more, not even what is on its way."""
        self._left = True

    async def clear(self, left_over: list[str]) -> bool:
        """Take every progress message away, an earlier process's too; what stays is one line long. False when Slack
        was away meanwhile, and it has to be done again."""
        undone = []
        for ts in dict.fromkeys([*left_over, *self.shown]):
            if ts == self._open or ts in left_over:
                await self._close(ts)
            gone = await self._call("chat.delete", ts=ts, repeat=True)
            if not gone.ok and gone.error != "message_not_found":
                gone = await self._replace(ts, FOLDED)
            undone += [ts] if gone.passes else []
        self.shown = undone
        self._leave()
        return not undone

    async def left_over(self) -> list[str]:
        """Messages of this progress that no note tells of: ours, below the placeholder, and not marked as another."""
        me = await self._client.me()
        mark = (self._spot.key, "progress")
        return [
            str(message["ts"])
            for message in await messages_of(self._client, self._spot.place)
            if message.get("user") == me.user
            and float(message["ts"]) > float(self._spot.posted.ts)
            and not message.get("files")
            and mark_of(message) in (None, mark)
            and set(TAG.findall(str(message.get("blocks")))) <= {tag_of(self._spot.key)}
        ]

    def _leave(self) -> None:
        if self._open:
            self._pace.active -= 1
        self._open = ""

    async def _call(self, method: str, *, repeat: bool = False, **arguments: Any) -> Outcome:
        channel = self._spot.posted.channel
        return await self._client.call(method, repeat=repeat, patience=PATIENCE, channel=channel, **arguments)

    def _wanted(self) -> bool:
        return not self._left

    async def _stream(self) -> None:
        """One append, or a new stream where there is none, or none that may still grow."""
        if not self._open:
            await self._start()
            return
        chunks = self._board.chunks()
        age = asyncio.get_running_loop().time() - self._started
        if self._bytes + weight(chunks) > MAX_BYTES or age > MAX_AGE:
            await self._close(self._open)
            await self._go_on()
            return
        outcome = await self._call("chat.appendStream", ts=self._open, chunks=chunks, still=self._wanted)
        if outcome.error in ENDED:
            await self._replace(self._open, CONTINUED)
            await self._go_on()
        elif outcome.error in AGAIN:
            self._board.undrawn()
        else:
            self._bytes += weight(chunks)
            self._board.drawn()  # also when unsure: text shown twice is worse than a line of the draft lost

    async def _go_on(self) -> None:
        self._board.undrawn()
        self._leave()
        await self._start()

    async def _start(self) -> None:
        if not self._pace.starts.take():
            await self._fall_back()
            return
        chunks = self._board.chunks(afresh=bool(self.shown))
        recipient: Json = {"recipient_user_id": self._spot.recipient, "recipient_team_id": self._spot.place.team}
        outcome = await self._call(
            "chat.startStream",
            thread_ts=self._spot.place.thread or self._spot.posted.ts,
            task_display_mode="plan",
            chunks=chunks,
            still=self._wanted,
            **(recipient if self._spot.recipient else {}),
        )
        ts = str(outcome.data["ts"]) if outcome.ok else await self._adopted() if not outcome.sure else ""
        if ts:
            self._board.drawn()
            await self._opened(ts, weight(chunks))
            return
        self._board.undrawn()
        if outcome.sure and outcome.error not in AGAIN:
            await self._fall_back()

    async def _adopted(self) -> str:
        """The message left by a start that may have worked, empty when there is none."""
        try:
            return next((ts for ts in await self.left_over() if ts not in self.shown), "")
        except ReplyError:
            self._draw = self._nothing
            return ""

    async def _opened(self, ts: str, size: int) -> None:
        self._open, self._bytes, self._started = ts, size, asyncio.get_running_loop().time()
        self._pace.active += 1
        self.shown.append(ts)
        await self._note(self.shown)

    async def _close(self, ts: str) -> None:
        await self._call("chat.stopStream", ts=ts, metadata=marked(self._spot.key, "progress"))

    async def _replace(self, ts: str, text: str) -> Outcome:
        mark = marked(self._spot.key, "progress")
        return await self._call("chat.update", ts=ts, text=text, blocks=[], metadata=mark, repeat=True)

    async def _fall_back(self) -> None:
        self._draw = self._edit
        await self._edit()

    async def _edit(self) -> None:
        """Without a stream: one message, edited at most every three seconds."""
        now = asyncio.get_running_loop().time()
        if self._left or now - self._edited < EDIT_SECONDS or not self._pace.updates.take():
            return
        self._edited = now
        self._board.chunks()
        self._board.drawn()
        text = escape(self._board.whole())
        if self.shown:
            outcome = await self._replace(self.shown[-1], text)
            if not outcome.ok and outcome.sure and outcome.error not in AGAIN:
                self._draw = self._nothing
            return
        spot = self._spot
        try:
            posted = await post_once(
                self._client, spot.place, spot.key, "progress", Content(text), look=False, patience=SHORTLY
            )
        except ReplyError:
            self._draw = self._nothing
            return
        self.shown.append(posted.ts)
        await self._note(self.shown)

    async def _nothing(self) -> None:
        self._board.chunks()
        self._board.drawn()

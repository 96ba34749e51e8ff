"""What was written while nobody heard it is taken afterwards, as if it had been heard, once.

The mark (a note) is a ts up to which everything was heard. It may lag, as every question has its key; it never leads:
it stands still from the moment when something may have been missed until all of that has been read.
"""

import asyncio
import contextlib
import logging

from bot.domain.errors import ReplyError
from bot.slack.context import SlackContext
from bot.slack.gap import Gap
from bot.slack.mention import Mentions

SAVE_SECONDS = 10.0  # between two writes of the mark
OVERLAP = 600.0  # seconds read again before the mark: Slack tries an event again for six minutes
MOST = 48 * 3600.0  # seconds; what is older is not looked for
MISSED_SECONDS = 5.0  # before what could not be accepted is looked for
LEFT_OUT_SECONDS = 60.0  # for so long Slack leaves out events, once it says so
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0  # between tries when it could not be read
TRIES = 5  # for what Slack refuses to let us offer
_log = logging.getLogger(__name__)


class CatchUp:
    """Knows how far everything was heard, and makes good what was not."""

    def __init__(self, context: SlackContext, mentions: Mentions) -> None:
        self._context = context
        self._mentions = mentions
        self._gap = Gap(context)
        self._due: list[float] = []  # by the loop's clock
        self._stirred = asyncio.Event()
        self._newest = 0.0
        self._saved = 0.0
        self._refusals = 0

    def heard(self, ts: str) -> None:
        """A message was heard, and accepted if it was for us."""
        with contextlib.suppress(ValueError):
            self._newest = max(self._newest, float(ts))

    def wanted(self, after: float = 0.0) -> None:
        """Something may have been missed: look, in so many seconds."""
        self._due.append(asyncio.get_running_loop().time() + after)
        self._stirred.set()

    def missed(self) -> None:
        """Something was heard and could not be accepted; one look for all that fails meanwhile."""
        if not self._due:
            self.wanted(MISSED_SECONDS)

    def left_out(self) -> None:
        """Slack has begun to leave out events: look now, and once more when that is over."""
        self.wanted()
        self.wanted(LEFT_OUT_SECONDS)

    async def serve(self) -> None:
        """Catch up whenever it is wanted, and keep the mark; until cancelled."""
        wait = FIRST_WAIT
        while True:
            await self._rest()
            due = [at for at in self._due if at <= asyncio.get_running_loop().time()]
            try:
                if due:
                    self._due = [at for at in self._due if at not in due]
                    await self._run()
                await self.save()
                wait = FIRST_WAIT
            except Exception as error:  # noqa: BLE001  # the database or Slack; both may be back later
                _log.warning("could not look for missed messages: %s: %s", type(error).__name__, error)
                self.wanted(wait)
                wait = min(wait * 2, LONGEST_WAIT)

    async def save(self) -> None:
        """Write the mark where it has moved; not while something may be missing."""
        if not self._due and self._newest > self._saved:
            await self._context.deps.notes.put(await self._note(), f"{self._newest:.6f}", replace=True)
            self._saved = self._newest

    async def _rest(self) -> None:
        """Until the next look or the next write is due."""
        now = asyncio.get_running_loop().time()
        self._stirred.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min([SAVE_SECONDS, *(max(0.0, at - now) for at in self._due)])):
                await self._stirred.wait()

    async def _run(self) -> None:
        me = await self._context.client.me()
        now = self._context.client.clock.time()
        mark = await self._context.deps.notes.get(await self._note())
        if mark is None:  # the first start of all: what was said before was not said to us
            self.heard(f"{now:.6f}")
            return
        taken, refused = 0, ""
        async for piece in self._gap.messages(max(float(mark) - OVERLAP, now - MOST)):
            for message in piece:
                try:
                    taken += await self._mentions.catch_up(message, me)
                except ReplyError as error:
                    refused = str(error)
                self.heard(str(message["ts"]))
        if taken:
            _log.info("caught up with %d messages that were not heard", taken)
        self._refusals = self._refusals + 1 if refused else 0
        if self._refusals >= TRIES:
            _log.error("gave up offering an answer to an old question: %s", refused)
            self._refusals = 0
        elif refused:
            raise ReplyError(refused)

    async def _note(self) -> str:
        return f"heard-up-to:{(await self._context.client.me()).team}"

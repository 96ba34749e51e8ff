"""The time: this machine's, set right by Slack's where the two are far apart."""

import logging
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

SKEW_SECONDS = 60.0  # as far apart the machine's own clock is taken for right
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # the first goes on while the machine sleeps
_HALF = 0.5  # seconds: a date has whole ones
_log = logging.getLogger(__name__)


def _steady() -> float:
    return time.clock_gettime(_STEADY)


class SlackClock:
    """The `Clock` port. Slack's signatures, the age of what was asked and what metrics are asked for are judged by it,
    so that a wrong clock changes no answer. A machine that is set right is believed at once: Slack's time is kept
    against a clock that only goes forward.
    """

    def __init__(self, own: Callable[[], float] = time.time, steady: Callable[[], float] = _steady) -> None:
        self._own, self._steady = own, steady
        self._since: float | None = None
        self._was_off = False

    def heard(self, headers: Mapping[str, str]) -> None:
        """Slack's time by an answer's date, where it has one."""
        said = next((value for name, value in headers.items() if name.lower() == "date"), "")
        try:
            at = parsedate_to_datetime(said).timestamp()
        except ValueError:
            return
        self._since = at + _HALF - self._steady()
        if self.is_off != self._was_off:
            self._was_off = self.is_off
            said = "Slack's time is gone by: set the clock (NTP)" if self.is_off else "it is right again"
            _log.warning("this machine's clock is %+.0f s against Slack's; %s", self.ahead, said)

    @property
    def ahead(self) -> float | None:
        """By how many seconds this machine's clock is ahead of Slack's; None while that is not known."""
        return None if self._since is None else self._own() - self._since - self._steady()

    @property
    def is_off(self) -> bool:
        """Whether Slack's time is gone by."""
        return abs(self.ahead or 0.0) > SKEW_SECONDS

    def time(self) -> float:
        """The time in UTC seconds."""
        own, ahead = self._own(), self.ahead or 0.0
        return own - ahead if abs(ahead) > SKEW_SECONDS else own

    def now(self) -> datetime:
        """The time, aware."""
        return datetime.fromtimestamp(self.time(), UTC)

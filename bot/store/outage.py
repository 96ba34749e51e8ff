"""When the database is away: which errors say so, since when it is, and one log line at each end."""

import logging
import sqlite3
import threading
from datetime import UTC, datetime

from sqlalchemy.exc import DBAPIError

log = logging.getLogger(__name__)
_LITE = {
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
}  # fmt: skip
_SERVER = ("08", "53", "57P", "57014", "58030", "25006", "40001", "40P01", "55P03")  # beginnings of SQLSTATE
_REFUSED = ("authentication failed", "does not exist", "no pg_hba.conf entry", "permission denied")


def why_away(error: DBAPIError) -> str:
    """What keeps the database from work that would succeed later, in a few words; empty when waiting is in vain."""
    cause = error.orig
    said = str(cause).partition("\n")[0].rpartition(" failed: ")[2] or type(cause).__name__
    if isinstance(cause, sqlite3.Error):
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF  # the low byte is the kind, what is above it the detail
        return said if code in _LITE else ""
    state = getattr(cause, "sqlstate", None)
    if error.connection_invalidated or (state and state.startswith(_SERVER)):
        return said
    connecting = state is None and type(cause).__name__ in ("OperationalError", "ConnectionTimeout")
    return said if connecting and not any(word in said for word in _REFUSED) else ""


class Outage:
    """Whether the database is away, as the transactions of one process found it.

    On a full disk what is read still comes through, so that only what had to wait ends an outage, or anything once
    nobody waits.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since: datetime | None = None
        self._why = ""
        self._waiting = 0

    def begins(self, why: str, *, waited: bool) -> None:
        """A transaction failed because of it and waits; `waited` says that it did so before."""
        with self._lock:
            self._waiting += not waited
            first = self._since is None
            self._since, self._why = self._since or datetime.now(UTC), why
        if first:
            log.error("the database cannot be reached; what needs it waits", extra={"why": why})

    def leaves(self) -> None:
        """One that waited waits no more."""
        with self._lock:
            self._waiting -= 1

    def ends(self, *, waited: bool) -> None:
        """A transaction came through; `waited` says that it failed before."""
        with self._lock:
            if self._since is None or (self._waiting and not waited):
                return
            since, self._since = self._since, None
        seconds = round((datetime.now(UTC) - since).total_seconds(), 1)
        log.warning("the database is back", extra={"seconds": seconds})

    def __str__(self) -> str:
        since, why = self._since, self._why
        return f"the database cannot be reached since {since:%H:%M} UTC: {why}" if since else ""

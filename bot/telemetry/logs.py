"""Logs: one line each, masked, with a trace id, and without bodies."""

import json
import logging
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TextIO

from bot.telemetry.spans import current, trace_id

Mask = Callable[[str], str]

_LONGEST = 2_000
_LONGEST_FIELD = 300
_OWN_FIELDS = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName", "color_message"}

# Their debug and info lines hold requests, queries or messages.
_TALKATIVE = (
    "anthropic", "httpx", "httpx2", "httpcore", "httpcore2", "slack_sdk", "slack_bolt", "sqlalchemy", "alembic",
    "dbos", "aiohttp", "psycopg", "matplotlib", "PIL", "uvicorn",
)  # fmt: skip


def setup(level: str = "INFO", *, json: bool = True, mask: Mask = str, stream: TextIO | None = None) -> None:
    """Send all logs to `stream` (standard error), masked; libraries that log bodies speak up from WARNING only."""
    handler = _Handler(stream)
    handler.setFormatter(_Json(mask) if json else _Plain(mask))
    root = logging.getLogger()
    for old in [known for known in root.handlers if isinstance(known, _Handler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    floor = max(root.level, logging.WARNING)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(floor)


class _Handler(logging.Handler):
    """Ours, so that a second setup replaces it; standard error is whatever it is when a line comes.

    A line that cannot be masked is dropped, never printed as it is.
    """

    def __init__(self, stream: TextIO | None) -> None:
        super().__init__()
        self._stream = stream

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line at once."""
        try:
            self._write(self.format(record))
        except Exception:  # noqa: BLE001  # a formatter or a mask may raise anything; a log line must not end the work
            self.handleError(record)

    def _write(self, line: str) -> None:
        stream = self._stream or sys.stderr
        stream.write(line + "\n")
        stream.flush()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # logging's own name
        with suppress(ValueError, OSError):
            self._write(f'{{"level": "error", "logger": "{record.name}", "text": "a log line was dropped"}}')


class _Formatter(logging.Formatter):
    """Gathers what a line may hold: a text, a few fields, an error's kind, first line and places; all masked."""

    def __init__(self, mask: Mask) -> None:
        super().__init__()
        self._mask = mask

    def _fields(self, record: logging.LogRecord) -> dict[str, Any]:
        own = {
            "time": datetime.fromtimestamp(record.created, UTC)
            .isoformat(timespec="milliseconds")
            .replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "text": self._masked(record.getMessage(), _LONGEST),
        }
        if trace := current():
            own |= {"trace": trace, "trace_id": trace_id(trace)}
        extra = {key: self._value(value) for key, value in record.__dict__.items() if key not in _OWN_FIELDS}
        error = record.exc_info[1] if record.exc_info else None
        return {**extra, **own, **({"error": self._error(error)} if error else {})}

    def _value(self, value: object) -> object:
        return value if value is None or isinstance(value, bool | int | float) else self._masked(str(value))

    def _masked(self, text: str, longest: int = _LONGEST_FIELD) -> str:
        return self._mask(text)[:longest].encode("utf-8", "replace").decode()

    def _error(self, error: BaseException) -> dict[str, object]:
        frames = traceback.extract_tb(error.__traceback__)
        cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        shown: dict[str, object] = {
            "kind": type(error).__name__,
            "text": self._masked(str(error)).partition("\n")[0],
            "at": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-8:]],
        }
        return {**shown, "cause": self._error(cause)} if cause else shown


class _Json(_Formatter):
    """One object a line, for programs."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(self._fields(record), ensure_ascii=False)


class _Plain(_Formatter):
    """One line, for a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        fields = self._fields(record)
        time, level, logger, text = (str(fields.pop(key)) for key in ("time", "level", "logger", "text"))
        rest = "".join(f" {key}={value}" for key, value in fields.items())
        return f"{time[11:23]} {level.upper():<8}{logger}: {text}{rest}".replace("\n", " ⏎ ")

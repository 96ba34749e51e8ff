"""Logs on disk: plain, rotated and packed files below the folders that the settings name."""

import asyncio
import fnmatch
import os
import re
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from heapq import heappop, heappush
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator

from bot.domain.errors import BadArguments, SourceError, SourceRefused
from bot.domain.logs import LogPiece, LogQuery, LogVolume
from bot.domain.plugin import Source, SourceHead
from bot.domain.sources import Health, Instance
from bot.domain.window import Window
from bot.sources._files_packed import HOW_TO_ZSTD, ZSTD, Damaged, unpacked_size, zstandard
from bot.sources._files_paths import Found, LogFile, find, opened, root
from bot.sources._files_read import PIECE, Cut, read_packed, read_plain
from bot.sources._files_window import Stretch, located, packed_as

MOST_OPEN = 400
HELD = 67_108_864  # bytes of pieces that are held at once to put files in order of time
LAST = 253_402_300_799.0  # the end of the year 9999, for a file whose change lies beyond
LATE = 3_600.0  # seconds by which a packed file's change may lie before its last line
T = TypeVar("T")
Pieces = Iterator[LogPiece | None]


class FilesSettings(BaseModel):
    """`[sources.NAME]` of kind files."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    paths: tuple[str, ...] = Field(min_length=1, description="globs of log files; `**` is any depth")
    service: str = Field("{stem}", description="service of a file: {stem}, {folder}, or a regular expression's group")
    timezone: str = Field("UTC", description="zone of times that name none")

    @field_validator("paths", mode="before")
    @classmethod
    def _several(cls, given: Any) -> Any:
        return (given,) if isinstance(given, str) else given

    @field_validator("paths")
    @classmethod
    def _below_a_folder(cls, globs: tuple[str, ...]) -> tuple[str, ...]:
        full = tuple(os.path.expanduser(glob) for glob in globs)
        for glob in full:
            if not glob.startswith("/") or ".." in glob.split("/") or root(glob) == "/" or glob.endswith("/"):
                raise ValueError(f"{glob!r} is no absolute path below a folder, such as /var/log/shop/*.log")
        return full

    @field_validator("service")
    @classmethod
    def _readable(cls, pattern: str) -> str:
        try:
            re.compile(pattern if "(" in pattern else "")
        except re.error as error:
            raise ValueError(f"{pattern!r} is no regular expression: {error}") from error
        if "(" not in pattern and not re.search(r"\{(stem|folder)\}", pattern):
            raise ValueError("it takes {stem}, {folder} or a regular expression with a group, such as /shop/([^/]+)/")
        return pattern

    @field_validator("timezone")
    @classmethod
    def _known(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"{zone!r} is no time zone, such as UTC or Europe/Berlin") from error
        return zone


@dataclass
class _Part:
    """An open file that may have lines in the window; `first` is a time (UTC seconds) before which it has none."""

    file: LogFile
    descriptor: int
    magic: bytes
    size: int
    first: float
    stretch: Stretch | None = None


@dataclass
class Files:
    """LogStore over files; `trouble` says what of the last answer is missing: files not read to their end.

    Lines are told by time where their times can be read, else by the file's last change. Blocking work runs in threads.
    """

    name: str
    settings: FilesSettings
    trouble: str = ""
    _zone: ZoneInfo = field(init=False)

    def __post_init__(self) -> None:
        self._zone = ZoneInfo(self.settings.timezone)

    async def volume(self, query: LogQuery, window: Window) -> LogVolume:
        """The bytes that lie in the window, unpacked; lines are not known, streams are files."""
        parts = await _threaded(partial(self._parts, query, window), _close)
        _close(parts)
        return LogVolume(sum(part.size for part in parts), None if parts else 0, len(parts))

    async def services(self, window: Window) -> tuple[str, ...]:
        """The names of those whose files have something in the window."""
        parts = await _threaded(partial(self._parts, LogQuery(), window), _close)
        _close(parts)
        return tuple(sorted({part.file.service for part in parts}))

    async def read(self, query: LogQuery, window: Window) -> AsyncGenerator[LogPiece]:
        """The lines from the window's start to just before its end; pieces of several files in order of their starts.

        A file that grows meanwhile is read up to the size it had. A line of over half a mebibyte is cut in several.
        """
        parts = await _threaded(partial(self._parts, query, window), _close)
        try:
            size = max(65_536, min(PIECE, HELD // max(1, len(parts))))
            readers = [self._reader(part, query.contains, window, size) for part in parts]
            heap: list[tuple[float, int]] = []
            held: dict[int, LogPiece] = {}
            for number, part in enumerate(parts):
                heappush(heap, (part.first, number))
            while heap:
                at, number = heappop(heap)
                if number in held:
                    yield held.pop(number)
                more, piece = await _threaded(partial(_step, readers[number]))
                if piece:
                    held[number] = piece
                    at = piece.times[0] if piece.times else at
                if more:
                    heappush(heap, (at, number))
        finally:
            _close(parts)

    async def health(self) -> Health:
        """How many files there are, or what to do."""
        try:
            found = await _threaded(self._found)
        except SourceError as error:
            return Health(False, str(error))
        denied = [file.path for file in found.files if not os.access(file.real, os.R_OK)]
        if len(denied) == len(found.files):
            return Health(False, f"{denied[0]} cannot be read: permission denied; let this process's user read it")
        size = sum(file.size for file in found.files) / 1e6
        newest = datetime.fromtimestamp(min(LAST, max(file.mtime for file in found.files)), UTC)
        said = [f"{len(found.files)} files, {size:,.1f} MB, last written {newest:%Y-%m-%d %H:%M:%S} UTC"]
        said += [f"{len(denied)} cannot be read (permission denied), such as {denied[0]}"] if denied else []
        said += [f"{len(found.denied)} folders cannot be read, such as {found.denied[0]}"] if found.denied else []
        said += [f"{len(found.refused)} refused, such as {found.refused[0]}"] if found.refused else []
        if any(file.real.endswith(".zst") for file in found.files) and not _has_zstandard():
            said.append(HOW_TO_ZSTD)
        return Health(True, "; ".join(said))

    def _found(self) -> Found:
        found = find(self.settings.paths, self.settings.service)
        if found.files:
            return found
        why = f"{found.refused[0]} leads out of its folder or is no plain file" if found.refused else "no file matches"
        why = f"the folder {found.denied[0]} cannot be read" if found.denied else why
        raise SourceRefused(f"{self.name} has no logs: {why} ({', '.join(self.settings.paths)}); set its paths")

    def _parts(self, query: LogQuery, window: Window) -> list[_Part]:
        """The files that may have lines of the window, opened; SourceRefused where none that has could be."""
        self.trouble = ""
        parts: list[_Part] = []
        for file in _chosen(self._found().files, query):
            try:
                part = self._part(file, window.start.timestamp(), window.end.timestamp())
            except (OSError, SourceRefused) as error:
                said = error.strerror if isinstance(error, OSError) else None
                self._note(f"{file.path} cannot be read: {said or error}")
                continue
            if part:
                parts.append(part)
            if len(parts) > MOST_OPEN:
                _close(parts)
                raise BadArguments(f"more than {MOST_OPEN} files of {self.name} have lines then; name services")
        if self.trouble and not parts:
            raise SourceRefused(f"{self.name}: {self.trouble}")
        return parts

    def _part(self, file: LogFile, start: float, end: float) -> _Part | None:
        descriptor = opened(file)
        part = None
        try:
            found = os.fstat(descriptor)
            if magic := packed_as(descriptor):
                if found.st_mtime >= start - LATE:
                    if magic == ZSTD:
                        zstandard()
                    size = unpacked_size(descriptor, magic, found.st_size)
                    part = _Part(file, descriptor, magic, size, start)
            elif found.st_size and (stretch := located(descriptor, found, self._zone, start, end)):
                part = _Part(file, descriptor, b"", stretch.size, stretch.first, stretch)
            return part
        finally:
            if part is None:
                os.close(descriptor)

    def _reader(self, part: _Part, contains: str, window: Window, size: int) -> Pieces:
        labels = {"service": part.file.service, "filename": part.file.path}
        start, end = window.start.timestamp(), window.end.timestamp()
        try:
            if part.stretch:
                cut = Cut(part.stretch.times, start, end, contains, labels)
                yield from read_plain(part.descriptor, part.stretch, cut, size)
            else:
                make = partial(Cut, start=start, end=end, contains=contains, labels=labels)
                yield from read_packed(part.descriptor, part.magic, part.file.mtime, self._zone, make=make, size=size)
        except (Damaged, OSError) as error:
            self._note(f"{part.file.path} is damaged, and was read up to there: {error}")

    def _note(self, said: str) -> None:
        if self.trouble.count("; ") < 5:
            self.trouble = f"{self.trouble}; {said}" if self.trouble else said


def _chosen(files: tuple[LogFile, ...], query: LogQuery) -> list[LogFile]:
    """Those of the services, whose path or name fits the selector."""
    selector = query.selector.strip()
    if selector.startswith("{"):
        raise BadArguments(f"{selector[:60]} is no pattern of file names, such as *payment*.log")
    fits: Callable[[str], Any] = re.compile(
        fnmatch.translate(selector if set(selector) & set("*?[") else f"*{selector}*")
    ).match
    kept = [file for file in files if fits(file.path) or fits(file.path.rpartition("/")[2])]
    if selector and not kept:
        names = ", ".join(file.path for file in files[:8])
        raise BadArguments(f"no file name fits {selector[:60]!r}; there are {len(files)}, such as {names}")
    return [file for file in kept if not query.services or file.service in query.services]


async def _threaded(work: Callable[[], T], undo: Callable[[T], object] = bool) -> T:
    """Run in a thread; who gives up waits until the thread is done, so that no file is closed under its hands.

    `undo` gets what nobody waits for any more.
    """
    running = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        if not running.cancelled() and running.exception() is None:
            undo(running.result())
        raise


def _step(reader: Pieces) -> tuple[bool, LogPiece | None]:
    """Whether there may be more, and the next piece."""
    try:
        return True, next(reader)
    except StopIteration:
        return False, None


def _close(parts: list[_Part]) -> None:
    for part in parts:
        os.close(part.descriptor)


def _has_zstandard() -> bool:
    try:
        zstandard()
    except SourceRefused:
        return False
    return True


def open_files(head: SourceHead, settings: FilesSettings) -> Instance:
    """One instance; no file is opened before it is asked."""
    store = Files(head.name, settings)
    return Instance(
        name=head.name,
        kind="files",
        env=head.env,
        cluster=head.cluster,
        url=", ".join(settings.paths),
        health=store.health,
        trouble=lambda: store.trouble,
        logs=store,
    )


SOURCE = Source("files", FilesSettings, open_files, "log files on disk, plain, rotated and packed")

"""Files and standard input as a verb reads them: in pieces, unpacked by their ending, with a bar on a terminal."""

import gzip
import lzma
import stat
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from typing import BinaryIO, cast

from bot.domain.errors import SetupError

PIECE = 1 << 20
"""Bytes read at a time."""
STDIN = "-"
_PACKED: dict[str, Callable[[BinaryIO], BufferedIOBase]] = {
    ".gz": lambda raw: gzip.GzipFile(fileobj=raw),
    ".xz": lzma.LZMAFile,
}
Shown = Callable[[int], object]
"""Told how many bytes of a file, as it lies on the disk, have been read since the last time."""


@dataclass(frozen=True)
class Part:
    """A file's lines among those of all files: ids from 1, `last` below `first` for an empty one."""

    name: str
    first: int
    last: int


@contextmanager
def opened(name: str) -> Iterator[tuple[BufferedIOBase, BufferedIOBase]]:
    """(the bytes unpacked, the bytes as they lie there) of a file, .gz and .xz by their ending; `-` is standard input.

    SetupError, naming the file, when it cannot be opened.
    """
    if name == STDIN:
        stdin = cast("BufferedIOBase", sys.stdin.buffer)
        yield stdin, stdin
        return
    with ExitStack() as held:
        try:
            raw = held.enter_context(Path(name).open("rb"))
        except OSError as error:
            raise SetupError(f"{name}: {error.strerror or error}") from error
        packed = _PACKED.get(Path(name).suffix)
        yield held.enter_context(packed(raw)) if packed else raw, raw


def read(file: BufferedIOBase, name: str) -> bytes:
    """The next piece; SetupError, naming the file, when they cannot be had."""
    try:
        return file.read(PIECE)
    except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
        raise SetupError(
            f"{name}: not a whole {Path(name).suffix} file ({error}): fetch it again, or unpack what is there"
        ) from error
    except OSError as error:
        raise SetupError(f"{name}: {error.strerror or error}") from error


def _shown(file: BufferedIOBase, raw: BufferedIOBase, told: int, piece: bytes, shown: Shown) -> int:
    """Show how far the reading is, `told` bytes having been shown before; a pipe counts what came out of it."""
    at = raw.tell() if file is not raw and raw.seekable() else told + len(piece)
    shown(at - told)
    return at


def whole_lines(file: BufferedIOBase, name: str, raw: BufferedIOBase, shown: Shown) -> Iterator[bytes]:
    """The file in pieces of whole lines, each ended by a newline, the last one, too."""
    rest, told = b"", 0
    while piece := read(file, name):
        told = _shown(file, raw, told, piece, shown)
        cut = piece.rfind(b"\n") + 1
        if cut:
            yield rest + piece[:cut]
            rest = piece[cut:]
        else:
            rest += piece
    if rest:
        yield rest + b"\n"


class Log:
    """The lines of one log after another; after `pieces` ran, `parts` tells which lines came from where."""

    def __init__(self, names: Sequence[str], shown: Shown, first: int = 1) -> None:
        """Files in the order given; the first line has the id `first`."""
        self.parts: list[Part] = []
        self._names = names
        self._shown = shown
        self._next = first

    @property
    def next(self) -> int:
        """The id of the line after the last."""
        return self._next

    def pieces(self) -> Iterator[bytes]:
        """The bytes in pieces; a file's last line ends with the file."""
        for name in self._names:
            first = self._next
            with opened(name) as (file, raw):
                last = b"\n"
                told = 0
                while piece := read(file, name):
                    self._next += piece.count(b"\n")
                    last = piece[-1:]
                    yield piece
                    told = _shown(file, raw, told, piece, self._shown)
                if last != b"\n":
                    self._next += 1
                    yield b"\n"
            self.parts.append(Part(name, first, self._next - 1))


def _size(names: Sequence[str]) -> int | None:
    """Bytes of all files; None where that cannot be known before reading."""
    total = 0
    for name in names:
        try:
            about = Path(name).stat() if name != STDIN else None
        except OSError:
            return None  # opening it says why
        if about is None or not stat.S_ISREG(about.st_mode):
            return None
        total += about.st_size
    return total


@contextmanager
def bar(names: Sequence[str], *, quiet: bool) -> Iterator[Shown]:
    """A bar on standard error while these are read; nothing where that is no terminal, or with `quiet`."""
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (TextColumn("reading"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=_size(names))
        yield lambda more: progress.advance(task, more)

"""Bytes of a log file, packed or not, in pieces, up to what it held when it was opened."""

import bz2
import importlib
import io
import lzma
import os
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from bot.domain.errors import SourceRefused

PACKED = 262_144  # bytes read at once from a packed file
GZIP, ZSTD, BZIP2, XZ = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ"
HOW_TO_ZSTD = "zstd files are read where the module zstandard is installed: pip install zstandard"


class Damaged(Exception):
    """A packed file breaks off or holds something else; what was read before stands."""


class Readable(Protocol):
    """What can be read from."""

    def read(self, size: int, /) -> bytes: ...


def packing(head: bytes) -> bytes:
    """The magic of a file that begins so; empty for one that is not packed."""
    return next((magic for magic in (GZIP, ZSTD, BZIP2, XZ) if head.startswith(magic)), b"")


def unpacked(file: io.BufferedIOBase, magic: bytes, size: int) -> Iterator[bytes]:
    """A packed file's content in pieces of about `size` bytes; Damaged where it breaks off."""
    try:
        yield from _OPEN[magic](file, size)
    except (zlib.error, lzma.LZMAError, EOFError, OSError, ValueError) as error:
        raise Damaged(str(error) or type(error).__name__) from error


def unpacked_size(descriptor: int, magic: bytes, size: int) -> int:
    """How large a packed file of `size` bytes may be: gzip says it (up to 4 GiB), else its own size."""
    if magic != GZIP or size < 18:
        return size
    told = int.from_bytes(os.pread(descriptor, 4, size - 4), "little")
    return max(size, told if told < 1_032 * size else 0)  # deflate packs no better than that


def zstandard() -> Any:
    """The module; SourceRefused says how to install it."""
    try:
        return importlib.import_module("zstandard")
    except ImportError as error:
        raise SourceRefused(HOW_TO_ZSTD) from error


def _gunzip(file: io.BufferedIOBase, size: int) -> Iterator[bytes]:
    """Member after member; what stands behind the last one, such as padding, is nothing."""
    raw = file.read(PACKED)
    while raw.startswith(GZIP):
        member = zlib.decompressobj(zlib.MAX_WBITS | 16)
        ended = False
        while not ended:
            data = member.decompress(raw, size)
            yield data
            ended, raw = member.eof, member.unconsumed_tail
            if not raw and not ended:
                raw = file.read(PACKED)
                if not raw and not data:
                    raise EOFError("it breaks off")
        raw = member.unused_data.lstrip(b"\0") or file.read(PACKED).lstrip(b"\0")
        if len(raw) == 1:
            raw += file.read(PACKED)


def _by_reading(wrap: Callable[[Any], Readable]) -> Callable[[io.BufferedIOBase, int], Iterator[bytes]]:
    def pieces(file: io.BufferedIOBase, size: int) -> Iterator[bytes]:
        source = wrap(file)
        while data := source.read(size):
            yield data

    return pieces


def _unzstd(file: io.BufferedIOBase, size: int) -> Iterator[bytes]:
    module = zstandard()
    source = module.ZstdDecompressor().stream_reader(file, read_across_frames=True)
    try:
        while data := source.read(size):
            yield data
    except module.ZstdError as error:
        raise EOFError(str(error)) from error


_OPEN: dict[bytes, Callable[[io.BufferedIOBase, int], Iterator[bytes]]] = {
    GZIP: _gunzip,
    ZSTD: _unzstd,
    BZIP2: _by_reading(bz2.BZ2File),
    XZ: _by_reading(lzma.LZMAFile),
}

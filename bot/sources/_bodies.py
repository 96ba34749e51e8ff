"""What a server sends back: unpacked up to a size, parsed, and its own words out of the shapes they are wrapped in."""

import json
import zlib
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json


@dataclass(frozen=True)
class Answer:
    """A whole answer as it came, unpacked."""

    status: int
    type: str
    body: bytes

    @property
    def is_json(self) -> bool:
        """Whether it says so of itself; a server that says nothing is believed."""
        return "json" in self.type or not self.type

    @property
    def head(self) -> str:
        """The first words of the body, on one line."""
        return " ".join(self.body[:600].decode("utf-8", "replace").split())[:200]


def message(answer: Answer) -> str:
    """The server's own words, out of the shapes in which servers wrap them."""
    if answer.is_json:
        try:
            body = json.loads(answer.body)
        except (ValueError, RecursionError):
            return answer.head
        if isinstance(body, dict):
            said = body.get("error") or body.get("message") or answer.head
            return str(said)[:500]
        return str(body)[:500]
    return answer.head


def parsed(body: bytes) -> Any:
    """By the faster parser; by the standard one where that refuses, as it does for a lone surrogate."""
    try:
        return from_json(body)
    except ValueError:
        return json.loads(body)


class Unpacked:
    """Collects a body that may be compressed, and stops at a size, however small it came."""

    def __init__(self, encoding: str, limit: int) -> None:
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 32) if encoding in ("gzip", "deflate", "x-gzip") else None
        self._chunks: list[bytes] = []
        self._left = limit

    def take(self, chunk: bytes) -> bool:
        """Add a piece; False when the body is larger than allowed."""
        if self._inflate is not None:
            chunk = self._inflate.decompress(chunk, self._left + 1)
        self._left -= len(chunk)
        self._chunks.append(chunk)
        return self._left >= 0

    @property
    def body(self) -> bytes:
        """All of it so far."""
        return b"".join(self._chunks)

"""A picture from outside, made small, plain and harmless before a model sees it.

What it is, is read from its first bytes, not from what is said of it. It is decoded and written anew, so that nothing
but its pixels goes on: no EXIF, no text, no second frame.
"""

import io
import struct
import threading
from dataclasses import dataclass

from PIL import Image, ImageOps

MOST_BYTES = 5_000_000
MOST_PIXELS = 24_000_000  # a 6K screen; decoded it takes 100 MB
LONGEST_EDGE = 1_568
MOST_WRITTEN = 1_500_000
_QUALITIES = (90, 75, 50)
_ONE = threading.Lock()  # pictures are decoded one after another, so that memory holds one


class NoPicture(Exception):
    """The bytes are no picture that can be used; the message says why, as part of a sentence."""


@dataclass(frozen=True)
class Shrunk:
    """A picture written anew; width and height in pixels."""

    media_type: str
    data: bytes
    width: int
    height: int


def shrink(data: bytes) -> Shrunk:
    """The picture with its longest edge at most `LONGEST_EDGE`, in at most `MOST_WRITTEN` bytes; raises NoPicture."""
    if len(data) > MOST_BYTES:
        raise NoPicture(f"it has more than {MOST_BYTES // 1_000_000} MB")
    kind = kind_of(data)
    if not kind:
        raise NoPicture("it is no PNG, JPEG or WebP picture")
    with _ONE:
        try:
            return _written(_pixels(data, kind))
        except NoPicture:
            raise
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise NoPicture(_TOO_LARGE) from error
        except Exception as error:  # whatever a decoder says of bytes that were made to break it
            raise NoPicture("it is broken") from error


_TOO_LARGE = f"it has more than {MOST_PIXELS // 1_000_000} million pixels"


def kind_of(data: bytes) -> str:
    """PNG, JPEG or WEBP by the first bytes; empty for anything else."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    return "WEBP" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else ""


def _pixels(data: bytes, kind: str) -> Image.Image:
    """The first frame, upright, small and on white."""
    if kind == "PNG" and data[12:16] == b"IHDR":  # before a decoder makes room for it
        _allow(*struct.unpack(">II", data[16:24]))
    with Image.open(io.BytesIO(data), formats=[kind]) as opened:
        _allow(*opened.size)
        if kind == "JPEG":
            opened.draft("RGB", (LONGEST_EDGE, LONGEST_EDGE))
        wanted = "RGBA" if opened.has_transparency_data else "RGB"
        small = opened if opened.mode == wanted else opened.convert(wanted)
        small.thumbnail((LONGEST_EDGE, LONGEST_EDGE))  # in place: the whole picture is in memory once
        ImageOps.exif_transpose(small, in_place=True)
        plain = Image.new("RGB", small.size, "white")
        plain.paste(small, mask=small if wanted == "RGBA" else None)
        return plain


def _allow(width: int, height: int) -> None:
    if width * height > MOST_PIXELS:
        raise NoPicture(_TOO_LARGE)


def _written(image: Image.Image) -> Shrunk:
    """As PNG, which keeps small letters sharp; a picture that is too rich for it as JPEG."""
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=6)
    for quality in _QUALITIES:
        if out.tell() <= MOST_WRITTEN:
            break
        out = io.BytesIO()
        image.save(out, "JPEG", quality=quality)
    data = out.getvalue()
    return Shrunk("image/png" if kind_of(data) == "PNG" else "image/jpeg", data, *image.size)

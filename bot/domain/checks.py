"""One line of `nightjar doctor`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """A part of the set-up: whether it is well, what was seen, and the remedy if it is not."""

    part: str
    ok: bool
    detail: str
    remedy: str = ""

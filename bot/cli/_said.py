"""What a verb prints: text that moves no cursor, JSON that every reader takes."""

import json
import re
from typing import Any

import typer

from bot.domain import plain

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def say(text: str) -> None:
    """For people; control characters that came with the data are left out."""
    typer.echo(_CONTROL.sub("", plain.text(text)))


def say_json(value: Any) -> None:
    """For programs; a number that is none becomes null."""
    typer.echo(json.dumps(plain.cleaned(value), ensure_ascii=False, indent=1))

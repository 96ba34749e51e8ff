"""The arguments of one Web API call, whichever of the three ways they came."""

import json
from collections.abc import Mapping
from typing import Any

from bot.demo.slack.records import Json, Refused


class Arguments:
    """Typed reading of a call's arguments: forms and queries bring text where JSON brings values."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.raw: Json = {key: value for key, value in raw.items() if key != "token" and value is not None}

    def text(self, name: str, default: str = "") -> str:
        """An argument as text."""
        value = self.raw.get(name, default)
        return value if isinstance(value, str) else json.dumps(value)

    def need(self, name: str, code: str = "invalid_arguments") -> str:
        """An argument that must be there; raises `code`."""
        value = self.text(name)
        if not value:
            raise Refused(code, f"[ERROR] missing required field: {name}")
        return value

    def number(self, name: str, default: int, *, most: int = 1000) -> int:
        """A whole number between 1 and `most`; raises `invalid_limit`."""
        try:
            value = int(self.raw.get(name, default))
        except (TypeError, ValueError):
            raise Refused("invalid_limit") from None
        if not 1 <= value <= most:
            raise Refused("invalid_limit")
        return value

    def flag(self, name: str) -> bool:
        """A truth value, spelled in any of the ways clients do."""
        return str(self.raw.get(name, "")).lower() in {"1", "true", "t", "yes"}

    def value(self, name: str, code: str = "invalid_json") -> Any:
        """An argument that is JSON, given as a value or as text; None when absent; raises `code`."""
        value = self.raw.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return json.loads(value)
        except ValueError:
            raise Refused(code) from None

    def names(self, name: str) -> list[str]:
        """A list given as an array or separated by commas."""
        value = self.raw.get(name) or []
        parts = value.split(",") if isinstance(value, str) else value
        return [str(part).strip() for part in parts if str(part).strip()]

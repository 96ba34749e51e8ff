"""Alertmanager's silences and matchers, with its three shapes of errors."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from bot.demo.vendors import wire

FILTER = re.compile(r'\s*(?P<name>[A-Za-z_:][\w:]*)\s*(?P<op>=~|!~|!=|=)\s*(?P<value>"(?:\\.|[^"\\])*"|[^"{},]*)\s*')


class Refused(Exception):
    """A request that Alertmanager refuses: status, and a body that is a string or an object with code and message."""

    def __init__(self, status: int, body: object) -> None:
        super().__init__(str(body))
        self.status = status
        self.body = body


@dataclass(frozen=True)
class LabelMatcher:
    """One matcher of a silence or a filter."""

    name: str
    value: str
    regex: bool
    equal: bool

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether labels satisfy it; an absent label is empty."""
        value = labels.get(self.name, "")
        hit = bool(re.fullmatch(self.value, value)) if self.regex else value == self.value
        return hit is self.equal

    def shown(self) -> dict[str, object]:
        """The matcher in the API's shape."""
        return {"isEqual": self.equal, "isRegex": self.regex, "name": self.name, "value": self.value}


def parse_filter(text: str) -> LabelMatcher:
    """One `filter` parameter. Raises Refused as Alertmanager does."""
    found = FILTER.fullmatch(text)
    if not found:
        raise Refused(400, f"bad matcher format: {text}")
    value = found["value"]
    if value.startswith('"'):
        value = re.sub(r'\\(["\\])', r"\1", value[1:-1])
    return checked(LabelMatcher(found["name"], value, "~" in found["op"], found["op"].startswith("=")), 0)


def checked(matcher: LabelMatcher, place: int) -> LabelMatcher:
    """The matcher, if its pattern is one. Raises Refused."""
    if matcher.regex:
        try:
            re.compile(matcher.value)
        except re.error as error:
            fault = "missing closing )" if matcher.value.count("(") > matcher.value.count(")") else str(error)
            raise Refused(
                400,
                f'silence invalid: invalid label matcher {place}: invalid regular expression "{matcher.value}": '
                f"error parsing regexp: {fault}: `{matcher.value}`",
            ) from error
    return matcher


@dataclass(frozen=True)
class Silence:
    """One silence; times in milliseconds."""

    id: str
    matchers: tuple[LabelMatcher, ...]
    starts: int
    ends: int
    author: str
    comment: str
    updated: int

    def state(self, now: int) -> str:
        """pending, active or expired."""
        return "pending" if now < self.starts else "active" if now < self.ends else "expired"

    def mutes(self, labels: Mapping[str, str], now: int) -> bool:
        """Whether it silences an alert now."""
        return self.state(now) == "active" and all(matcher.matches(labels) for matcher in self.matchers)

    def shown(self, now: int) -> dict[str, object]:
        """The silence in the API's shape."""
        return {
            "id": self.id,
            "status": {"state": self.state(now)},
            "updatedAt": wire.stamp(self.updated),
            "comment": self.comment,
            "createdBy": self.author,
            "endsAt": wire.stamp(self.ends),
            "matchers": [matcher.shown() for matcher in self.matchers],
            "startsAt": wire.stamp(self.starts),
        }


class Silences:
    """All silences, expired ones too."""

    def __init__(self) -> None:
        self.all: dict[str, Silence] = {}

    def create(self, body: Mapping[str, Any], now: int) -> str:
        """Creates a silence, or changes the one whose id the body names; its id. Raises Refused."""
        matchers = tuple(
            checked(LabelMatcher(m["name"], m["value"], bool(m["isRegex"]), bool(m.get("isEqual", True))), place)
            for place, m in enumerate(self._valid(body))
        )
        starts, ends = max(now, moment(body["startsAt"])), moment(body["endsAt"])
        if ends < now:
            raise Refused(400, "Failed to create silence: end time can't be in the past")
        if moment(body["startsAt"]) > ends:
            raise Refused(400, "Failed to create silence: start time must be before end time")
        if all(matcher.matches({}) for matcher in matchers):
            raise Refused(400, "silence invalid: at least one matcher must not match the empty string")
        known = self.all.get(str(body.get("id") or ""))
        if body.get("id") and known is None:
            raise Refused(404, "silence not found")
        if known is not None and known.matchers == matchers and known.state(now) == "active":
            self.all[known.id] = replace(
                known, ends=ends, author=body["createdBy"], comment=body["comment"], updated=now
            )
            return known.id
        if known is not None:
            self.expire(known.id, now)
        key = str(uuid.uuid4())
        self.all[key] = Silence(key, matchers, starts, ends, body["createdBy"], body["comment"], now)
        return key

    @staticmethod
    def _valid(body: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The body's matchers. Raises Refused when something required is missing."""
        missing = [name for name in ("comment", "createdBy", "endsAt", "matchers", "startsAt") if name not in body]
        if missing:
            raise Refused(422, {"code": 602, "message": f"{missing[0]} in body is required"})
        matchers: list[dict[str, Any]] = body["matchers"]
        if not matchers:
            raise Refused(422, {"code": 612, "message": "matchers in body should have at least 1 items"})
        return matchers

    def expire(self, key: str, now: int) -> None:
        """Ends a silence; one that has ended stays as it is. Raises Refused for an unknown one."""
        known = self.all.get(key)
        if known is None:
            raise Refused(500, "silence not found")
        if known.state(now) != "expired":
            self.all[key] = replace(known, ends=now, updated=now)


def moment(text: str) -> int:
    """An RFC 3339 time in milliseconds. Raises Refused."""
    try:
        return round(datetime.fromisoformat(text).timestamp() * 1000)
    except (TypeError, ValueError):
        message = f'parsing silence body from "" failed, because parsing time "{text}" failed'
        raise Refused(400, {"code": 400, "message": message}) from None

"""When lines were written, read from their bytes: the common forms of time stamps, recognised once per file."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from itertools import accumulate

from bot.sources._files_forms import FORMS, Fields, Form

UNREAD = float("-inf")
HEAD = 300  # bytes of a line in which its time is looked for
MOST_KEPT = 50_000
ANCHOR = 8  # bytes before a stamp by which it is found again
_DAY = 86_400.0


class _Stamps(dict[bytes, float]):
    """Stamp to UTC seconds, each worked out once; UNREAD where it is none."""

    def __init__(self, form: Form, zone: tzinfo, newest: float) -> None:
        self._form, self._zone, self._newest = form, zone, newest

    def __missing__(self, stamp: bytes) -> float:
        if len(self) >= MOST_KEPT:
            self.clear()
        try:
            read = self._form.read(stamp) if self._form.stamp.fullmatch(stamp) else UNREAD
            value = read if isinstance(read, float) else self._at(read)
        except (ValueError, OverflowError, OSError):
            value = UNREAD
        self[stamp] = value
        return value

    def _at(self, fields: Fields) -> float:
        """A stamp without a year is of the last one in which it is not later than the file's change."""
        if fields[0]:
            return datetime(*fields, tzinfo=self._zone).timestamp()
        this = datetime.fromtimestamp(self._newest, self._zone).year
        for year in range(this + 1, this - 8, -1):
            try:
                at = datetime(year, *fields[1:], tzinfo=self._zone).timestamp()
            except ValueError:  # 29 February
                continue
            if at <= self._newest + _DAY:
                return at
        return UNREAD


class _Fractions(dict[bytes, float]):
    """What follows a stamp to the milliseconds in it."""

    def __init__(self, form: Form) -> None:
        self._pattern = form.fraction

    def __missing__(self, text: bytes) -> float:
        if len(self) >= MOST_KEPT:
            self.clear()
        found = self._pattern.match(text)
        value = int(found.group(1)) / 10 ** len(found.group(1)) if found else 0.0
        self[text] = value
        return value


@dataclass(frozen=True)
class Where:
    """Where the stamps of a file stand: in a column of `width` bytes, or behind an `anchor`; else each is searched."""

    width: int
    column: int = -1
    anchor: bytes = b""


class Times:
    """Reads the times of one file's lines: its form, the place where the stamp stands, the zone of naive ones.

    `newest` is when the file was last changed (UTC seconds).
    """

    def __init__(self, form: Form, zone: tzinfo, newest: float, where: Where) -> None:
        self.form, self._zone, self._newest, self._where = form, zone, newest, where
        self._stamps: dict[bytes | None, _Stamps] = {}
        self._fractions = _Fractions(form)

    def of(self, line: bytes) -> float:
        """A line's time; UNREAD where it has none in the file's place for it."""
        found = self.form.pattern.search(line, 0, HEAD)
        if found is None or (self._where.column >= 0 and found.start("stamp") != self._where.column):
            return UNREAD
        return self._read(found)

    def _read(self, found: "re.Match[bytes]") -> float:
        end = found.end("stamp")
        stamp, fraction = found.group("stamp"), found.string[end : end + 4]
        return self._zoned(self._zone_of(found))[stamp] + self._fractions[fraction]

    def each(self, lines: Sequence[bytes], before: float = UNREAD) -> list[float]:
        """A time for every line: one without its own has that of the line before; ahead of all, of the first that has.

        UNREAD throughout where no line has one and none came `before`.
        """
        times = self._by_place(lines) or [self._searched(line) for line in lines]
        if UNREAD in times:
            before = before if before != UNREAD else next((time for time in times if time != UNREAD), UNREAD)
            times = list(accumulate(times, lambda last, own: last if own == UNREAD else own, initial=before))[1:]
        return times

    def _by_place(self, lines: Sequence[bytes]) -> list[float] | None:
        """The fast way, where the stamps stand in the same place and in one zone; None where they do not."""
        zones = {self._zone_of(found) for found in (self._found(lines[:50]), self._found(lines[:-51:-1])) if found}
        where = self._where
        if len(zones) != 1 or (where.column < 0 and not where.anchor):
            return None
        stamps, fractions, width = self._zoned(zones.pop()), self._fractions, where.width
        if where.column >= 0:
            start, end = where.column, where.column + width
            times = [stamps[line[start:end]] + fractions[line[end : end + 4]] for line in lines]
        else:
            anchor, skipped = where.anchor, len(where.anchor)
            ends = [line.find(anchor) + skipped + width for line in lines]
            times = [
                stamps[line[end - width : end]] + fractions[line[end : end + 4]]
                for line, end in zip(lines, ends, strict=True)
            ]
        return None if times.count(UNREAD) * 2 > len(times) else times

    def _searched(self, line: bytes) -> float:
        found = self.form.pattern.search(line, 0, HEAD)
        return self._read(found) if found else UNREAD

    def _found(self, lines: Sequence[bytes]) -> "re.Match[bytes] | None":
        return next((found for line in lines if (found := self.form.pattern.search(line, 0, HEAD))), None)

    def _zone_of(self, found: "re.Match[bytes]") -> bytes | None:
        return found.groupdict().get("zone")

    def _zoned(self, zone: bytes | None) -> _Stamps:
        if zone not in self._stamps:
            self._stamps[zone] = _Stamps(self.form, _offset(zone) if zone else self._zone, self._newest)
        return self._stamps[zone]


def _offset(zone: bytes) -> tzinfo:
    if zone in (b"Z", b"UTC", b"GMT"):
        return UTC
    sign = -1 if zone[:1] == b"-" else 1
    return timezone(sign * timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:])))


def recognised(lines: Sequence[bytes], zone: tzinfo, newest: float) -> Times | None:
    """The form that fits most of some lines; None where none fits one in a hundred."""
    best: tuple[int, Form, list[re.Match[bytes]]] | None = None
    for form in FORMS.values():
        found = [match for line in lines if (match := form.pattern.search(line, 0, HEAD))]
        if found and len(found) * 100 >= len(lines) and (best is None or len(found) > best[0]):
            best = len(found), form, found
        if len(found) == len(lines):
            break
    if best is None:
        return None
    _, form, found = best
    return Times(form, zone, newest, _where(found))


def _where(found: "Sequence[re.Match[bytes]]") -> Where:
    """The place that the stamps share: all of them, or nine in ten where the others stand in the text."""
    places = [(match.start("stamp"), match.end("stamp")) for match in found]
    start, end = max(sorted(set(places)), key=places.count)
    if len(set(places)) == 1:
        return Where(end - start, start)
    ahead = [match.string[max(0, match.start("stamp") - ANCHOR) : match.start("stamp")] for match in found]
    endings = [ahead[0][skipped:] for skipped in range(len(ahead[0]))]
    anchor = next((ending for ending in endings if all(text.endswith(ending) for text in ahead)), b"")
    if all(match.string.find(anchor) + len(anchor) == match.start("stamp") for match in found):
        return Where(end - start, anchor=anchor)
    return Where(end - start, start if places.count((start, end)) * 10 >= len(places) * 9 else -1)

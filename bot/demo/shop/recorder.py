"""Turns moments into stored series, one family at a time and only as far as somebody asks."""

from collections.abc import Sequence

from bot.demo.shop.book import Book, Timeline, ticks_since
from bot.demo.shop.families import FAMILIES, Family, View
from bot.demo.shop.histograms import HISTOGRAMS, PARTS, Histogram, histograms
from bot.demo.shop.layout import instances
from bot.demo.shop.noise import Noise
from bot.demo.shop.series import Metadata, Series
from bot.demo.shop.world import Moment


class Recorder:
    """All series of the shop; `moments[0]` is tick `origin`."""

    def __init__(self, noise: Noise, origin: int, moments: Sequence[Moment]) -> None:
        self._noise = noise
        self._origin = origin
        self._moments = moments
        phase = noise.random("phase")
        self._timelines = [Timeline(name, service, phase.randrange(15_000)) for name, service in instances()]
        self._families = {family.name: family for family in FAMILIES}
        self._books = {name: [Book(line, name) for line in self._timelines] for name in (*self._families, "up")}
        self._histograms: dict[str, list[Histogram]] = {}
        self._written: dict[str, int] = {}
        self._timed = 0

    @property
    def metadata(self) -> dict[str, Metadata]:
        """Type and help of every family that the instances expose."""
        return {name: Metadata(f.type, f.help) for name, f in self._families.items()} | HISTOGRAMS

    def names(self) -> list[str]:
        """Every metric name."""
        parts = [f"{family}_{part}" for family in HISTOGRAMS for part in PARTS]
        return sorted(["up", *self._families, *parts])

    def targets(self) -> list[dict[str, object]]:
        """The scrape targets in the Prometheus API's shape."""
        down, tick = self._moments[-1].conditions.down, self._origin + len(self._moments) - 1
        return [line.target(tick, line.instance in down) for line in self._timelines]

    def series(self, name: str) -> list[Series]:
        """The series of a metric name, written up to the last moment."""
        self._time()
        family, _, part = name.rpartition("_")
        if family in HISTOGRAMS and part in PARTS:
            return [series for one in self._observed(family) for series in one.parts[part]]
        if name not in self._books:
            return []
        first = self._written.get(name, 0)
        self._written[name] = len(self._moments)
        for book in self._books[name]:
            if name == "up":
                self._probe(book, first)
            elif not book.scrapes or book.series:
                self._scrape(book, self._families[name], first)
        return [series for book in self._books[name] for series in book.series.values()]

    def _time(self) -> None:
        """Notes the scrapes of new moments on each instance's timeline."""
        for place in range(self._timed, len(self._moments)):
            down = self._moments[place].conditions.down
            for line in self._timelines:
                if line.instance not in down:
                    line.times.append(line.at(self._origin + place))
        self._timed = len(self._moments)

    def _probe(self, book: Book, first: int) -> None:
        """Notes whether each scrape found the instance."""
        line = book.timeline
        for tick, moment in enumerate(self._moments[first:], self._origin + first):
            book.note((), line.at(tick), float(line.instance not in moment.conditions.down))

    def _scrape(self, book: Book, family: Family, first: int) -> None:
        """The scrapes of one family on one instance, from a moment on; a family without rows stays so."""
        line, record = book.timeline, _count if family.type == "counter" else _gauge
        view = View(self._moments[0], line.service, line.instance, 0, self._noise)
        for tick, moment in enumerate(self._moments[first:], self._origin + first):
            view.tick, view.moment = tick, moment
            if line.instance in moment.conditions.down:
                book.end(line.at(tick))
                continue
            record(book, family, view, line.at(tick))
            book.scrapes += 1
            if not book.series:
                return

    def _observed(self, family: str) -> list[Histogram]:
        """A histogram on every instance, written up to the last moment."""
        if family not in self._histograms:
            self._histograms[family] = [one for line in self._timelines for one in histograms(family, line)]
        first = self._written.get(family, 0)
        self._written[family] = len(self._moments)
        for one in self._histograms[family]:
            for place in range(first, len(self._moments)):
                one.observe(self._moments[place], self._origin + place)
        return self._histograms[family]


def _gauge(book: Book, family: Family, view: View, time: int) -> None:
    """Writes values as they are; labels that went away end their series."""
    rows = list(family.rows(view))
    for extra, value in rows:
        book.write(extra, time, value)
    if family.changing:
        book.keep({extra for extra, _ in rows}, time)


def _count(book: Book, family: Family, view: View, time: int) -> None:
    """Adds increments to totals that begin again at 0 with each start of the process."""
    started = view.moment.conditions.started[view.instance]
    first = book.scrapes == 0
    if not first and started != book.started:
        book.totals = dict.fromkeys(book.totals, 0.0)
    book.started = started
    for extra, increment in family.rows(view):
        past = increment * ticks_since(started, time) if first else increment
        book.totals[extra] = book.totals.get(extra, 0.0) + past
    for extra, total in book.totals.items():
        book.write(extra, time, float(int(total)) if family.whole else round(total, 2))

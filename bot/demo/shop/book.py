"""One metric on one instance: the series it has shown, and when each was seen to end."""

from datetime import UTC, datetime

from bot.demo.shop.families import TICK, Extra
from bot.demo.shop.layout import Service
from bot.demo.shop.series import Series


class Timeline:
    """An instance's scrapes: their times, and which of them found it alive."""

    def __init__(self, instance: str, service: Service, phase: int) -> None:
        self.instance = instance
        self.service = service
        self.phase = phase
        self.times: list[int] = []
        self.labels = {"instance": instance, "job": "shop", "service": service.name}

    def at(self, tick: int) -> int:
        """The scrape of a tick, in milliseconds."""
        return tick * round(TICK * 1000) + self.phase

    def target(self, tick: int, down: bool) -> dict[str, object]:
        """The scrape target in the Prometheus API's shape, after the scrape of a tick."""
        address = f"{self.instance}.shop.example:8080"
        at = self.at(tick)
        scraped = datetime.fromtimestamp(at / 1000.0, UTC)
        return {
            "discoveredLabels": {"__address__": address, "__metrics_path__": "/metrics", "__scheme__": "http",
                                 "__scrape_interval__": "15s", "__scrape_timeout__": "10s", "job": "shop"},
            "labels": self.labels,
            "scrapePool": "shop",
            "scrapeUrl": f"http://{address}/metrics",
            "globalUrl": f"http://{address}/metrics",
            "lastError": f'Get "http://{address}/metrics": connect: connection refused' if down else "",
            "lastScrape": scraped.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "lastScrapeDuration": 0.004,
            "health": "down" if down else "up",
            "scrapeInterval": "15s",
            "scrapeTimeout": "10s",
        }  # fmt: skip


def ticks_since(started: float, time: int) -> float:
    """How many scrapes lie between a process's start (seconds) and `time` (milliseconds)."""
    return max(1.0, (time / 1000.0 - started) / TICK)


class Book:
    """The series of one family on one instance, and how far they are written."""

    def __init__(self, timeline: Timeline, name: str) -> None:
        self.timeline = timeline
        self.name = name
        self.series: dict[Extra, Series] = {}
        self.totals: dict[Extra, float] = {}
        self.scrapes = 0
        self.started: float | None = None
        self._shared: set[Extra] = set()
        self._live: set[Extra] = set()

    def note(self, extra: Extra, time: int, value: float) -> None:
        """Adds a sample that is there whether the target lives or not."""
        if extra not in self.series:
            self.series[extra] = Series(dict(sorted({"__name__": self.name, **self.timeline.labels}.items())))
        self.series[extra].times.append(time)
        self.series[extra].values.append(value)

    def write(self, extra: Extra, time: int, value: float) -> None:
        """Adds a sample, in a series that begins with it if need be."""
        series = self.series.get(extra)
        if series is None:
            labels = {"__name__": self.name, **self.timeline.labels, **dict(extra)}
            series = self.series[extra] = Series(dict(sorted(labels.items())))
            if self.scrapes == 0:
                series.times = self.timeline.times
                self._shared.add(extra)
        if extra not in self._shared:
            series.times.append(time)
        series.values.append(value)
        self._live.add(extra)

    def close(self, extras: set[Extra], time: int) -> None:
        """Marks series as ended."""
        for extra in extras & self._live:
            self.series[extra].stale.append(time)
        self._live -= extras

    def end(self, time: int) -> None:
        """Marks all as ended: the target is dead."""
        self.close(set(self._live), time)

    def keep(self, extras: set[Extra], time: int) -> None:
        """Ends those that this scrape no longer showed."""
        for extra in (self._live - extras) & self._shared:
            series = self.series[extra]
            series.times = series.times[: len(series.values)]
            self._shared.discard(extra)
        self.close(self._live - extras, time)

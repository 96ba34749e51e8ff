"""A real Prometheus with the shop's samples: written as OpenMetrics, read into blocks, served on a free port."""

import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.demo.shop import Shop
from bot.demo.shop.series import Metadata, Series

WINDOW = 100 * 60_000
"""Milliseconds of history that are compared."""


class Excerpt:
    """The shop's last samples without staleness markers, which cannot be backfilled."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._since = round(shop.now() * 1000) - WINDOW
        self._cut: dict[str, list[Series]] = {}

    def now(self) -> float:
        """UTC epoch seconds."""
        return self._shop.now()

    def names(self) -> list[str]:
        """Every metric name."""
        return self._shop.names()

    @property
    def metadata(self) -> dict[str, Metadata]:
        """Type and help."""
        return self._shop.metadata

    def targets(self) -> list[dict[str, object]]:
        """The scrape targets."""
        return self._shop.targets()

    def warm(self) -> Iterator[None]:
        """Nothing is worked out ahead."""
        return iter(())

    def series(self, name: str) -> list[Series]:
        """The series of a metric name within the window."""
        if name not in self._cut:
            found = []
            for series in self._shop.series(name):
                kept = [(t, v) for t, v in zip(series.times, series.values, strict=True) if t >= self._since]
                found.append(Series(series.labels, [t for t, _ in kept], [v for _, v in kept]))
            self._cut[name] = [series for series in found if series.times]
        return self._cut[name]

    def write(self, path: Path) -> None:
        """Writes everything in the OpenMetrics format."""
        with path.open("w") as out:
            for name in self.names():
                for series in self.series(name):
                    labels = ",".join(f'{key}="{value}"' for key, value in series.labels.items() if key != "__name__")
                    for at, value in zip(series.times, series.values, strict=True):
                        out.write(f"{name}{{{labels}}} {value!r} {at / 1000:.3f}\n")
            out.write("# EOF\n")


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def missing() -> str | None:
    """The binaries that are not installed; None if all are."""
    absent = [name for name in ("prometheus", "promtool") if shutil.which(name) is None]
    return f"not installed: {', '.join(absent)}" if absent else None


@contextmanager
def serving(excerpt: Excerpt, room: Path) -> Iterator[str]:
    """Serves the samples with a real Prometheus; its base address."""
    samples, data, port = room / "samples.om", room / "data", free_port()
    excerpt.write(samples)
    backfill = ["promtool", "tsdb", "create-blocks-from", "openmetrics", str(samples), str(data)]
    subprocess.run(backfill, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    config = room / "prometheus.yml"
    config.write_text("global: {evaluation_interval: 15s}\n")
    flags = ["--storage.tsdb.retention.time=100y", "--log.level=error", f"--web.listen-address=127.0.0.1:{port}"]
    command = ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={data}", *flags]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield ready(f"http://127.0.0.1:{port}", server)
    finally:
        server.terminate()
        server.wait(20)


def ready(url: str, server: "subprocess.Popen[bytes]") -> str:
    """The address once it answers."""
    for _ in range(600):
        assert server.poll() is None, "Prometheus ended"
        try:
            with urllib.request.urlopen(f"{url}/-/ready"):
                return url
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.05)
    raise AssertionError("Prometheus did not get ready")

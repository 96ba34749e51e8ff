"""Charts to be looked at, and the eyes to look at them."""

import io
from datetime import UTC, datetime, timedelta

import numpy as np
from PIL import Image

from bot.analysis._chart_style import COLOURS, PAPER
from bot.analysis.bars import counted
from bot.analysis.charts import draw
from bot.domain.evidence import Chart, Zone
from bot.domain.forecasts import Breach, Forecast
from bot.domain.series import Series
from bot.domain.window import Window

NOW = datetime(2026, 11, 24, 13, 0, tzinfo=UTC)
T = NOW.timestamp()
RISING = Series({}, tuple(T - 60 * (119 - at) for at in range(120)), tuple(0.6 + 0.0015 * at for at in range(120)))
AHEAD = tuple(T + 60 * at for at in range(1, 181))
FAN = Forecast(
    AHEAD,
    (0.1, 0.25, 0.5, 0.75, 0.9),
    tuple(tuple(0.78 + slope * at for at in range(1, 181)) for slope in (3e-4, 6e-4, 1e-3, 1.2e-3, 1.5e-3)),
    40,
)
BREACH = Breach(0.9, "above", 10_800.0, 0.83, T + 3_480, T + 5_520, T + 9_600, 40)
OUTLOOK = Chart("Disk used on db-1", (RISING,), "ratio", threshold=0.9, forecast=FAN, breach=BREACH)
ZONES = (Zone(NOW - timedelta(minutes=100), NOW - timedelta(minutes=70), "maintenance"),)
WINDOW, BEGAN = Window(NOW - timedelta(hours=2), NOW), NOW - timedelta(minutes=40)
KINDS = (
    ("ERROR connect * refused", [BEGAN.timestamp() + 5 * at for at in range(400)]),
    ("INFO order * accepted", [T - 7_200 + 6 * at for at in range(1_200)]),
)
LOGS = counted("Log lines", KINDS, WINDOW, BEGAN)
Colour = tuple[int, ...]


def picture(chart: Chart, zone: str = "UTC") -> Image.Image:
    """The PNG, decoded."""
    with Image.open(io.BytesIO(draw(chart, zone)[0])) as image:
        return image.convert("RGB")


def rgb(colour: str, share: float = 1.0) -> Colour:
    """A colour laid over the paper."""
    over, under = bytes.fromhex(colour[1:]), bytes.fromhex(PAPER[1:])
    return tuple(round(share * a + (1 - share) * b) for a, b in zip(over, under, strict=True))


BAND = rgb(COLOURS[0], 0.36)


def places(image: Image.Image, colour: Colour, near: int = 3) -> set[tuple[int, int]]:
    """The pixels (x, y) of about that colour."""
    pixels = np.asarray(image, dtype=np.int16)
    rows, columns = np.nonzero((np.abs(pixels - np.asarray(colour, dtype=np.int16)) <= near).all(axis=2))
    return set(zip(columns.tolist(), rows.tolist(), strict=True))

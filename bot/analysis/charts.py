"""Charts as pictures: a PNG that reads on a phone, and the words that say the same."""

import io
from datetime import UTC, datetime

from bot.domain.evidence import Chart


def draw(chart: Chart) -> tuple[bytes, str]:
    """The chart as PNG bytes and as alt text."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - costs a second, only here
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(8, 4.5), dpi=150)
    axes = figure.add_subplot()
    for series in chart.series:
        axes.plot([datetime.fromtimestamp(at, UTC) for at in series.times], series.values)
    axes.set_title(chart.title)
    data = io.BytesIO()
    FigureCanvasAgg(figure).print_png(data)
    return data.getvalue(), alt_text(chart)


def alt_text(chart: Chart) -> str:
    """What is seen, in words."""
    said = [f"{series.values[0]:.4g} → {series.values[-1]:.4g}" for series in chart.series if series.values]
    return f"{chart.title}: {'; '.join(said) or 'no data'}"

"""Short names of series that tell them apart."""

from collections.abc import Sequence

from bot.domain.series import Series

MOST = 8
"""Series that a chart can tell apart."""
NAME = 22


def names(series: Sequence[Series], most: int = NAME) -> list[str]:
    """A short name for each: the labels that tell them apart, or all there is for a single one."""
    keys = sorted({key for one in series for key in one.labels if key != "__name__"})
    telling = [key for key in keys if len({one.labels.get(key) for one in series}) > 1] or keys[:1]
    found: list[str] = []
    for one in series:
        whole = " ".join(one.labels[key] for key in telling if one.labels.get(key)) or one.labels.get(
            "__name__", "value"
        )
        name, count = shortened(whole, most), 2
        while name in found:
            name, count = f"{shortened(whole, most - 3)} {count}", count + 1
        found.append(name)
    return found


def shortened(text: str, most: int = NAME) -> str:
    """Its ends, where it is too long: pods and versions differ there."""
    half = (most - 1) // 2
    return text if len(text) <= most else f"{text[: most - 1 - half]}…{text[-half:]}"

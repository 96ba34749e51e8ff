"""A forecast by linear regression on the samples just before and at the same time of earlier days and weeks.

The coefficients come from the whole history, a little drawn towards zero; the forecast feeds on itself block by block
(a seasonal autoregression).
"""

import numpy as np
from numpy.typing import NDArray

from bot.analysis.frames import Array

RIDGE = 1e-3
"""How strongly coefficients are drawn towards zero, in units of the samples' mean square."""
FEWEST = 60
"""Samples that must be explained, at the least."""
MOST = 5000
"""Newest samples that are explained, at the most."""
FAR = 3.0
"""No forecast goes further from the mean than so many times the largest deviation seen."""
WEEK = 7


def regressed(x: Array, origins: NDArray[np.int64], horizon: int, day: int, block: int) -> Array | None:
    """Paths from each origin by means of `block` samples, shape (origins, horizon); None for too short a past."""
    lags = _lags(int(origins.min()), day, block)
    oldest = lags[-1] * block
    if origins.min() < oldest + block or x.size - block + 1 - oldest < FEWEST:
        return None
    middle = float(x.mean())
    sums = np.concatenate(([0.0], np.cumsum(x - middle)))
    means = (sums[block:] - sums[:-block]) / block
    steps = _drawn(means, origins, _fitted(means, lags, block), block, -(-horizon // block))
    limit = FAR * float(np.abs(means).max())
    paths: Array = middle + np.clip(_between(steps, horizon, block), -limit, limit)
    return paths


def _lags(past: int, day: int, block: int) -> list[int]:
    """Which blocks back are looked at: the last ones, the day's and the week's where the shortest past has them."""
    lags = [1, 2, 3]
    turn = round(day / block)
    for back in (turn, WEEK * turn):
        if turn >= 5 and past >= (back + 2) * block:
            lags += [back - 1, back, back + 1]
    return lags


def _fitted(means: Array, lags: list[int], block: int) -> dict[int, float]:
    """The coefficient of each lag."""
    start = max(lags[-1] * block, means.size - MOST)
    seen = np.stack([means[start - lag * block : means.size - lag * block] for lag in lags])
    gram = seen @ seen.T
    drawn = RIDGE * float(np.trace(gram)) / len(lags) + 1e-9
    found = np.linalg.solve(gram + drawn * np.eye(len(lags)), seen @ means[start:])
    return dict(zip(lags, found.tolist(), strict=True))


def _drawn(means: Array, origins: NDArray[np.int64], share: dict[int, float], block: int, count: int) -> Array:
    """The last known block and `count` forecast ones from each origin, shape (origins, 1 + count)."""
    at, ahead = origins[:, None], np.arange(count)
    known = np.zeros((origins.size, count))
    for lag in (lag for lag in share if lag >= count):
        known += share[lag] * means[at + (ahead - lag) * block]
    near = np.array([lag for lag in share if lag < count], dtype=np.int64)
    weights = np.array([share[lag] for lag in near.tolist()])
    back = int(near.max(initial=1))
    line = np.empty((origins.size, back + count))
    line[:, :back] = means[at + np.arange(-back, 0) * block]
    for step in ahead.tolist():
        line[:, back + step] = known[:, step] + line[:, back + step - near] @ weights
    return line[:, back - 1 :]


def _between(steps: Array, horizon: int, block: int) -> Array:
    """Samples on straight lines between the middles of blocks, of which the first lies before the origin."""
    if block == 1:
        return steps[:, 1 : horizon + 1]
    place = (np.arange(horizon) + 0.5) / block + 0.5
    left = np.minimum(place.astype(np.int64), steps.shape[1] - 2)
    part = np.minimum(place - left, 1.0)
    line: Array = steps[:, left] * (1 - part) + steps[:, left + 1] * part
    return line

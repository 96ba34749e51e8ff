"""The rhythm of a series that repeats itself after another time than a day: restarts, rotations, jobs in a loop."""

import numpy as np

from bot.analysis.frames import Array

SHORTEST = 8
"""Fewer samples than these are no cycle."""
CYCLES = 2.2
"""So many cycles must have been seen."""
ALIKE = 0.25
"""How much samples a cycle apart may differ, as a share of what samples less far apart differ on average."""
BETTER = 0.6
"""They must differ by less than so much of what samples whole days apart do."""
NEAR = 1.3
"""A shorter cycle is preferred whose samples differ by no more than so much of the least difference,"""
SLACK = 0.02
"""and so much."""
NEWEST = 20_000
"""More samples are not looked at."""
TINY = 1e-9
"""Variances below this, of a series of about unit scale, are none."""


def rhythm(x: Array, day: int) -> int:
    """The steps after which the series, but for its growth, repeats itself; 0 where days explain it as well."""
    x = x[-NEWEST:]
    most = int(x.size / CYCLES)
    if most < 2 * SHORTEST:
        return 0
    unlike = _unlike(x - x.mean(), most)
    inner = unlike[SHORTEST:-1]
    low = np.flatnonzero((inner <= unlike[SHORTEST - 1 : -2]) & (inner <= unlike[SHORTEST + 1 :])) + SHORTEST
    if not low.size:
        return 0
    found = int(low[unlike[low] <= NEAR * unlike[low].min() + SLACK][0])
    days = float(unlike[day::day].min(initial=1.0))
    return found if unlike[found] < min(ALIKE, BETTER * days) else 0


def _unlike(x: Array, most: int) -> Array:
    """How much samples 0, 1, 2, … up to `most` steps apart differ.

    That is the variance of their differences (so that steady growth counts for nothing) over its mean for all fewer
    steps (so that what merely drifts does not repeat itself soon), as de Cheveigné and Kawahara do for pitch.
    """
    spectrum = np.fft.rfft(x, 1 << (2 * x.size - 1).bit_length())
    together = np.fft.irfft((spectrum * spectrum.conj()).real)[:most]
    apart = np.arange(most)
    sums, squares = (np.concatenate(([0.0], np.cumsum(part))) for part in (x, x * x))
    pairs = x.size - apart
    means = (sums[-1] - sums[apart] - sums[pairs]) / pairs
    variances = (squares[-1] - squares[apart] + squares[pairs] - 2 * together) / pairs - means**2
    variances = np.maximum(variances, 0.0)
    found: Array = (variances + TINY) / (np.cumsum(variances) / np.maximum(apart, 1) + TINY)
    found[0] = 1.0
    return found

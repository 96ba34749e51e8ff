"""A blend of simple forecasts whose weights and whose errors are measured on the series' own past.

Every member forecasts from many past origins and weighs by the inverse square of its mean squared error there, in each
half of the horizon. (Weights that also heed which errors members share were tried: so few pasts do not tell them.) The
errors of the blend are those at origins that had no part in its weights.
"""

from dataclasses import dataclass

import numpy as np

from bot.analysis._members import DAYS, Past, Steps, members
from bot.analysis._regular import despiked
from bot.analysis._rhythm import rhythm
from bot.analysis.frames import Array

ORIGINS = 80
FOLDS = 6
FEWEST = 4
"""Fewer backtests than these say nothing of the spread."""
NEAR = 0.3
"""Origins within this share of a day's phase tell most about the present one."""
WEEKLY = 4.0
"""How much more an origin at the same time of the week tells."""
TINY = 1e-12


@dataclass(frozen=True)
class Blend:
    """`centre` (horizon), and for each backtest its errors (backtests × horizon), what came, weight and age."""

    centre: Array
    errors: Array
    came: Array
    weights: Array
    ages: Array


def blend(x: Array, horizon: int, day: int) -> Blend | None:
    """The blend for a series of about unit scale, `horizon` steps on; None where the past allows no backtests."""
    smooth = despiked(x)
    turn = rhythm(smooth, day)
    origins = _origins(x.size, horizon, day, turn)
    if origins.size <= FEWEST:
        return None
    paths = members(Past(smooth, origins, horizon, day, turn))
    now, pasts = int(origins[-1]), origins[:-1]
    came = x[pasts[:, None] + np.arange(horizon)]
    errors = came - paths[:, :-1]
    ages = (now - pasts) / now
    tells = _tells(now - pasts, day) * np.exp(-ages)
    folds = np.arange(pasts.size) * FOLDS // pasts.size
    centre, rest = np.empty(horizon), np.empty(came.shape)
    half = -(-horizon // 2)
    for part in (slice(0, half), slice(half, horizon))[: min(2, horizon)]:
        weights = _weights(errors[:, :, part], tells, folds)
        centre[part] = weights[-1] @ paths[:, -1, part]
        rest[:, part] = np.einsum("km,mkh->kh", weights[folds], errors[:, :, part])
    return Blend(centre, rest, came, tells / tells.sum(), ages)


def _origins(size: int, horizon: int, day: int, turn: int) -> Steps:
    """Past origins, ascending, whose whole horizon is known, and the present one; as much history as members need."""
    seasonal = size >= 4 * day
    gap = max(1, (min(day, horizon) // 4) if seasonal else horizon // 8)
    room = horizon + FEWEST * gap
    if size >= (DAYS + 2) * day + room:
        need = (DAYS + 1) * day
    elif size >= 2 * day + room:
        need = 2 * day
    else:
        need = max(4, size // 4)
    pasts = np.arange(size - horizon, max(need, turn) - 1, -gap, dtype=np.int64)[:ORIGINS][::-1]
    return np.append(pasts, size)


def _tells(away: Steps, day: int) -> Array:
    """How much an origin so many steps back tells about now, by the time of the day and of the week."""
    phase = away % day / day
    phase = np.minimum(phase, 1 - phase)
    tells = np.exp(-((phase / NEAR) ** 2) / 2) + 0.05
    if away.max() >= (DAYS + 1) * day:
        days = away % (DAYS * day) / day
        days = np.minimum(days, DAYS - days)
        tells = tells * (1 + WEEKLY * np.exp(-((days / 0.7) ** 2) / 2))
    return tells


def _weights(errors: Array, tells: Array, folds: Steps) -> Array:
    """Members' weights without each fold's origins, and last with all: shape (folds + 1, members), rows sum to 1."""
    shares = np.where(folds == np.arange(FOLDS + 1)[:, None], 0.0, tells)
    shares /= np.maximum(shares.sum(axis=1, keepdims=True), TINY)
    own = shares @ np.mean(errors**2, axis=2).T + TINY
    weights = (own.min(axis=1, keepdims=True) / own) ** 2
    found: Array = weights / weights.sum(axis=1, keepdims=True)
    return found

"""Wilson's score interval for a proportion: honest with few observations, and never outside 0 and 1.

Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927) 209-212.
"""

from math import sqrt

Z95 = 1.959963984540054
"""The standard normal's 97.5 % point."""


def wilson(hits: int, trials: int, z: float = Z95) -> tuple[float, float]:
    """The interval of proportions that `hits` of `trials` does not contradict; all of 0 to 1 without a trial.

    The solutions p of |hits/trials - p| = z * sqrt(p * (1 - p) / trials). ValueError unless 0 <= hits <= trials.
    """
    if not 0 <= hits <= trials:
        raise ValueError(f"{hits} of {trials} is no proportion")
    if trials == 0:
        return 0.0, 1.0
    share, square = hits / trials, z * z / trials
    middle = share + square / 2
    half = sqrt(square * share * (1 - share) + square * square / 4)
    low, high = ((middle + sign * half) / (1 + square) for sign in (-1, 1))
    return (0.0 if hits == 0 else low), (1.0 if hits == trials else high)

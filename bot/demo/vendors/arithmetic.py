"""Binary operators on numbers, with the server's floating-point rules."""

import math
from collections.abc import Callable

Operation = Callable[[float, float], float]


def divide(a: float, b: float) -> float:
    """a / b, with infinities for a division by zero."""
    if b != 0.0:
        return a / b
    if a == 0.0 or math.isnan(a):
        return math.nan
    return math.copysign(math.inf, a) * math.copysign(1.0, b)


def remainder(a: float, b: float) -> float:
    """The remainder with the dividend's sign; NaN where there is none."""
    if b == 0.0 or math.isinf(a):
        return math.nan
    return math.fmod(a, b)


def power(a: float, b: float) -> float:
    """a to the b; NaN or infinite where it is not a number."""
    try:
        return math.pow(a, b)
    except OverflowError:
        return -math.inf if a < 0.0 and b % 2.0 == 1.0 else math.inf
    except ValueError:
        return math.inf if a == 0.0 else math.nan


ARITHMETIC: dict[str, Operation] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": divide,
    "%": remainder,
    "^": power,
}
COMPARISON: dict[str, Callable[[float, float], bool]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
}
SETS = ("and", "or", "unless")


def combine(op: str, a: float, b: float, boolean: bool) -> float | None:
    """One operation on the values of two sides: None where a comparison filters out, else what stays."""
    if op in ARITHMETIC:
        return ARITHMETIC[op](a, b)
    holds = COMPARISON[op](a, b)
    if boolean:
        return float(holds)
    return a if holds else None

"""Expands the templates of alert annotations: labels, the value, and the humanizing functions."""

import math
import re
from collections.abc import Callable, Mapping

PLACE = re.compile(r"\{\{\s*\$(?P<what>value|labels)(?:\.(?P<label>\w+))?\s*(?:\|\s*(?P<function>\w+)\s*)?\}\}")
SMALL = ("m", "u", "n", "p")
LARGE = ("k", "M", "G", "T", "P")


def humanize(value: float) -> str:
    """A number with a metric prefix."""
    if value == 0.0 or not math.isfinite(value):
        return f"{value:.4g}"
    prefix = ""
    if abs(value) >= 1.0:
        for sign in LARGE:
            if abs(value) < 1000.0:
                break
            prefix, value = sign, value / 1000.0
    else:
        for sign in SMALL:
            if abs(value) >= 1.0:
                break
            prefix, value = sign, value * 1000.0
    return f"{value:.4g}{prefix}"


def humanize_duration(value: float) -> str:
    """Seconds as days, hours, minutes and seconds; below a second with a prefix."""
    if not math.isfinite(value):
        return f"{value:.4g}"
    if abs(value) < 1.0:
        return f"{humanize(value)}s" if value else "0s"
    sign, whole = "-" if value < 0 else "", int(abs(value))
    if whole < 60:
        return f"{value:.4g}s"
    parts = ((whole // 86_400, "d"), (whole // 3600 % 24, "h"), (whole // 60 % 60, "m"), (whole % 60, "s"))
    begin = next(place for place, (number, _) in enumerate(parts) if number)
    return sign + " ".join(f"{number}{unit}" for number, unit in parts[begin:])


def humanize_percentage(value: float) -> str:
    """A share as a percentage."""
    return f"{value * 100.0:.4g}%"


FUNCTIONS: dict[str, Callable[[float], str]] = {
    "humanize": humanize,
    "humanizeDuration": humanize_duration,
    "humanizePercentage": humanize_percentage,
}


def expand(template: str, labels: Mapping[str, str], value: float) -> str:
    """A template with labels and value put in; an absent label gives nothing."""

    def one(place: "re.Match[str]") -> str:
        if place["what"] == "labels":
            return labels.get(place["label"] or "", "")
        function = FUNCTIONS.get(place["function"] or "")
        return function(value) if function else f"{value:g}"

    return PLACE.sub(one, template)

"""Prometheus' JSON: values as strings, times with milliseconds, one envelope for success and one for errors."""

import json
import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from starlette.responses import Response

from bot.demo.vendors.failures import BadData, VendorError
from bot.demo.vendors.vectors import Labels, Vector

DURATION = re.compile(r"(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?")
UNITS = (365 * 86_400.0, 7 * 86_400.0, 86_400.0, 3600.0, 60.0, 1.0, 0.001)
MAX_TIME = 9.2e15
"""Seconds: beyond this a time is no time."""


def number(value: float) -> str:
    """A value as text, the shortest that reads back the same."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if value.is_integer() and abs(value) < 1e15:
        return "-0" if value == 0.0 and math.copysign(1.0, value) < 0 else str(int(value))
    text = repr(value)
    return format(Decimal(text), "f") if "e" in text and 1e-6 <= abs(value) < 1e21 else text


def moment(milliseconds: int) -> str:
    """A time as JSON: seconds, with three decimals if it has any."""
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds}.{rest:03d}" if rest else str(seconds)


def stamp(milliseconds: int) -> str:
    """A time as RFC 3339 text in UTC."""
    at = datetime.fromtimestamp(milliseconds // 1000, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"


def metric(labels: Labels) -> str:
    """Labels as a JSON object."""
    return json.dumps(dict(labels), separators=(",", ":"))


def vector(rows: Vector, at: int) -> str:
    """An instant query's rows."""
    when = moment(at)
    cells = ((row, row.column[0]) for row in rows)
    parts = [
        f'{{"metric":{metric(row.labels)},"value":[{when},"{number(value)}"]}}'
        for row, value in cells
        if value is not None
    ]
    return f'{{"resultType":"vector","result":[{",".join(parts)}]}}'


def matrix(rows: Vector, times: Sequence[int]) -> str:
    """A range query's rows, in the order of their labels."""
    stamps = [moment(at) for at in times]
    parts = []
    for row in sorted(rows, key=lambda one: one.labels):
        cells = zip(stamps, row.column, strict=True)
        values = ",".join(f'[{at},"{number(value)}"]' for at, value in cells if value is not None)
        parts.append(f'{{"metric":{metric(row.labels)},"values":[{values}]}}')
    return f'{{"resultType":"matrix","result":[{",".join(parts)}]}}'


def samples(labels: Labels, times: Sequence[int], values: Sequence[float]) -> str:
    """One series of a range vector."""
    cells = ",".join(f'[{moment(at)},"{number(value)}"]' for at, value in zip(times, values, strict=True))
    return f'{{"metric":{metric(labels)},"values":[{cells}]}}'


def success(data: str) -> Response:
    """The envelope around data that is JSON already."""
    return Response(f'{{"status":"success","data":{data}}}', media_type="application/json")


def failure(error: VendorError) -> Response:
    """The envelope around an error."""
    body = {"status": "error", "errorType": error.kind, "error": str(error)}
    return Response(json.dumps(body, separators=(",", ":")), error.status, media_type="application/json")


def parse_time(text: str, name: str, before: str = "") -> int:
    """A time parameter (epoch seconds or RFC 3339) in milliseconds. Raises BadData."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if math.isfinite(seconds) and abs(seconds) < MAX_TIME:
        return round(seconds * 1000)
    try:
        return round(datetime.fromisoformat(text).timestamp() * 1000)
    except ValueError:
        raise BadData(f'invalid parameter "{name}": {before}cannot parse "{text}" to a valid timestamp') from None


def parse_duration(text: str, name: str) -> int:
    """A duration parameter (seconds or `5m30s`) in milliseconds. Raises BadData."""
    try:
        return round(float(text) * 1000)
    except (ValueError, OverflowError):
        found = DURATION.fullmatch(text)
    if not found or not text:
        raise BadData(f'invalid parameter "{name}": cannot parse "{text}" to a valid duration')
    return round(1000 * sum(int(part) * unit for part, unit in zip(found.groups(), UNITS, strict=True) if part))

"""Lines that are records of named fields: JSON objects and logfmt."""

import json
import re
from collections.abc import Mapping

_PAIR = re.compile(r'([A-Za-z_][\w.\-/]*)=("(?:[^"\\]|\\.)*"|[^\s"]*)(?:\s+|$)')
_SAYS = ("msg", "message", "log", "event", "text", "short_message", "body", "error")
_LEVELS = ("level", "severity", "lvl", "loglevel", "log.level", "levelname", "severity_text")
_TIMES = ("time", "ts", "timestamp", "@timestamp", "datetime", "date", "t")


def record_of(line: str) -> tuple[str, str, str] | None:
    """(content, level as written, time as written) of a JSON or logfmt line, None for any other."""
    fields = _json(line) if line.lstrip()[:1] == "{" else _logfmt(line)
    if not fields:
        return None
    said = next((fields[k] for k in _SAYS if fields.get(k)), "")
    level = next((fields[k] for k in _LEVELS if fields.get(k)), "")
    time = next((fields[k] for k in _TIMES if fields.get(k)), "")
    if not said:
        said = " ".join(f"{k}={v}" for k, v in sorted(fields.items()) if k not in (*_LEVELS, *_TIMES))
    return said, level, time


def _json(line: str) -> Mapping[str, str]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(value, dict):
        return {}
    return {k: v if isinstance(v, str) else json.dumps(v, sort_keys=True)[:200] for k, v in value.items()}


def _logfmt(line: str) -> Mapping[str, str]:
    """The fields of a line that is pairs from end to end and holds a level or a message among them."""
    first = _PAIR.match(line)
    if not first:
        return {}
    fields: dict[str, str] = {}
    at = 0
    while pair := _PAIR.match(line, at):
        fields[pair[1]] = pair[2].strip('"')
        at = pair.end()
    whole = at == len(line) and len(fields) > 1
    return fields if whole and any(k in fields for k in (*_SAYS[:2], *_LEVELS[:3])) else {}

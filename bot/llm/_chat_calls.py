"""Tool calls of open models: those that leak into the text, and arguments of nearly the right type."""

import ast
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from bot.domain.tools import Tool

Call = tuple[str, dict[str, Any]]
OPENINGS = ("{", "[", "<|python", "<function", "```json", "<tool_call>")
"""How a text may begin that is a call; it is not shown before that is known."""
_WRAPPED = re.compile(
    r"<\|python_(?:start|tag)\|>|<\|python_end\|>|<\|eo[tm](?:_id)?\|>|</?tool_call>|^```(?:json)?|```$"
)
_FUNCTION = re.compile(r"<function=([\w.-]+)>(.*?)</function>", re.DOTALL)


def may_be_call(text: str) -> bool:
    """Whether a text that begins so may turn out to be a call."""
    start = text.lstrip()
    return not start or any(start.startswith(o) or o.startswith(start) for o in OPENINGS)


def leaked(text: str, tools: Sequence[Tool]) -> list[Call]:
    """The calls that a whole text consists of, as JSON, pythonic or tagged; none where it is anything else."""
    names = {tool.name for tool in tools}
    if not names or not may_be_call(text):
        return []
    bare = _WRAPPED.sub("\n", text.strip()).strip()
    found = _tagged(text) or _json(bare) or _pythonic(bare)
    return found if found and all(name in names for name, _ in found) else []


def _tagged(text: str) -> list[Call]:
    found = [(name, _loads(arguments)) for name, arguments in _FUNCTION.findall(text)]
    rest = _FUNCTION.sub("", text).strip()
    return [(name, given) for name, given in found if isinstance(given, dict)] if not rest else []


def _json(text: str) -> list[Call]:
    """One object, a list of them, or several with a semicolon or a new line between."""
    whole = _loads(text)
    parts = whole if isinstance(whole, list) else [whole] if whole is not None else []
    if not parts:
        decoder, at = json.JSONDecoder(), 0
        while at < len(text):
            try:
                part, at = decoder.raw_decode(text, at)
            except ValueError:
                return []
            parts.append(part)
            at += len(text[at:]) - len(text[at:].lstrip(" \n\r\t;,"))
    calls = [_call(part) for part in parts]
    return [call for call in calls if call is not None] if all(calls) else []


def _call(part: Any) -> Call | None:
    if not isinstance(part, dict):
        return None
    inner = part.get("function", part)
    if not isinstance(inner, dict):  # {"function": "name", "parameters": {…}}
        inner = {**part, "name": inner}
    name, given = inner.get("name"), inner.get("parameters", inner.get("arguments", {}))
    given = _loads(given) if isinstance(given, str) else given
    return (name, given) if isinstance(name, str) and isinstance(given, dict) else None


def _pythonic(text: str) -> list[Call]:
    """`[f(a=1), g()]`: only calls with named literal arguments."""
    try:
        tree = ast.parse(text, mode="eval").body
        nodes = tree.elts if isinstance(tree, ast.List) else [tree]
        return [_python_call(node) for node in nodes]
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return []


def _python_call(node: ast.expr) -> Call:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.args:
        raise ValueError("no call with named arguments")
    return node.func.id, {_named(word): ast.literal_eval(word.value) for word in node.keywords}


def _named(word: ast.keyword) -> str:
    if word.arg is None:
        raise ValueError("no name")
    return word.arg


def _loads(text: Any) -> Any:
    try:
        return json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return None


def arguments(text: str) -> dict[str, Any] | None:
    """What a call's argument text holds; None where it is no JSON object."""
    given = _loads(text) if text.strip() else {}
    if isinstance(given, str):  # encoded twice
        given = _loads(given)
    return given if isinstance(given, dict) else None


def coerced(given: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments in the schema's types where that is the same: `"5"` as 5; an empty optional one is left out."""
    fields, needed = schema.get("properties", {}), schema.get("required", ())
    kept = {}
    for name, value in given.items():
        kind = fields.get(name, {}).get("type", "")
        if value in (None, "") and name in fields and name not in needed:
            continue
        kept[name] = _as(kind, value)
    return kept


def _as(kind: str, value: Any) -> Any:
    if kind in ("integer", "number") and isinstance(value, str) and re.fullmatch(r"-?\d{1,15}(\.\d+)?", value.strip()):
        value = float(value) if "." in value else int(value)
    if kind == "integer" and isinstance(value, float) and value.is_integer():
        return int(value)
    if kind == "boolean" and isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if kind == "string" and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if kind == "array" and isinstance(value, str):
        listed = _loads(value)
        return listed if isinstance(listed, list) else [value]
    return value

"""Reads the facts table, so that no price or limit stands in code."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from importlib.resources import files
from typing import Any

from pydantic import TypeAdapter, ValidationError

from bot.domain.errors import SetupError
from bot.domain.messages import ModelFacts, Usage

_NAMES = frozenset(field.name for field in fields(ModelFacts)) - {"name", "provider"}


def find(provider: str, name: str, overrides: Mapping[str, Mapping[str, Any]]) -> ModelFacts:
    """The facts of a model, settings over table; SetupError for one that is retired, or that neither knows."""
    known, own = _table().get(provider, {}).get(name), overrides.get(name)
    if known is None and own is None:
        raise SetupError(_unknown(provider, name))
    return _facts(provider, name, {**(known or {}), **(own or {})})


def like(provider: str, name: str, overrides: Mapping[str, Mapping[str, Any]]) -> ModelFacts:
    """The facts of a model that every server calls otherwise (`llama3.3:70b`, `meta-llama/Llama-3.3-70B-Instruct`).

    One that nobody knows gets cautious ones. SetupError for one that never was, or is retired.
    """
    bare = _bare(name)
    for start, gone in _table().get("retired", {}).get(provider, {}).items():
        if _bare(start) in bare:
            raise SetupError(f"{provider}:{name} {gone.get('why') or 'ends on ' + gone['end']}; use {gone['use']}")
    keys = [key for key in _table().get(provider, {}) if _bare(key) in bare]
    known = _table()[provider][max(keys, key=len)] if keys else {"context_tokens": 8_192, "max_output_tokens": 2_048}
    return _facts(provider, name, {**known, **overrides.get(name, {})})


def _bare(name: str) -> str:
    """`llama3.3:70b` and `Llama-3.3-70B` alike."""
    return re.sub(r"(?<=[a-z])(?=\d)", "-", re.sub(r"[^a-z0-9]+", "-", name.lower()))


def _facts(provider: str, name: str, entry: dict[str, Any]) -> ModelFacts:
    if wrong := entry.keys() - _NAMES:
        raise SetupError(f"{provider}:{name}: no such fact: {', '.join(sorted(wrong))}")
    try:
        return TypeAdapter(ModelFacts).validate_python({**entry, "name": name, "provider": provider})
    except ValidationError as error:
        first = error.errors()[0]
        raise SetupError(f"{provider}:{name}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def priced(facts: ModelFacts, fresh: int, output: int, read: int, written: int) -> Usage:
    """Token counts with their cost; a prompt over the long limit pays the long price on every token."""
    is_long = 0 < facts.long_input_tokens < fresh + read + written
    rate = facts.long_input_price / facts.input_price if is_long and facts.input_price else 1.0
    prompt = fresh * facts.input_price + read * facts.cache_read_price + written * facts.cache_write_price
    said = output * (facts.long_output_price if is_long else facts.output_price)
    return Usage(fresh, output, read, written, (prompt * rate + said) / 1e6)


def _unknown(provider: str, name: str) -> str:
    retired = _table().get("retired", {}).get(provider, {})
    for start in sorted(retired, key=len, reverse=True):
        if name.startswith(start):
            return f"{provider}:{name} ends on {retired[start]['end']}; use {provider}:{retired[start]['use']}"
    known = ", ".join(_table().get(provider, {}))
    return f"nothing is known of {provider}:{name}; known: {known}; for another, give its facts in the settings"


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(files("bot.llm").joinpath("models.toml").read_text("utf-8"))

"""Renders docs/settings.md from the code: `python -m tests.style.settings_page > docs/settings.md`."""

import sys
from collections.abc import Iterator
from typing import Any, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from bot.settings import ChannelSettings, LimitSettings, Settings
from bot.sources._settings import HttpSettings
from bot.sources.files import FilesSettings
from bot.sources.loki import LokiSettings

HEAD = """# Settings

Made from the code. A variable wins over the same line in `.env`, and that over `nightjar.toml` (or the file that
`NIGHTJAR_CONFIG` names), where names are in lower case. Lists are separated by commas in a variable. In the file
`"env:NAME"` stands for the value of the variable NAME, so that secrets stay out of it. Bare `nightjar` shows what came
of it, `nightjar doctor` tries it.
"""
TABLE = "| {} | default | what |\n|---|---|---|\n"
TABLES: dict[str, tuple[str, type[BaseModel]]] = {
    "limits": ("`[limits]`", LimitSettings),
    "channels": ("`[channels.NAME]`, by channel name or id", ChannelSettings),
    "sources": ("`[sources.NAME]`, beside `kind`, `env` and `cluster`", HttpSettings),
    "loki": ('`[sources.NAME]` of `kind = "loki"`, beside those above', LokiSettings),
    "files": ('`[sources.NAME]` of `kind = "files"`, instead of those above', FilesSettings),
}


def page() -> str:
    """The whole page."""
    plain = {name: field for name, field in Settings.model_fields.items() if get_origin(field.annotation) is not dict}
    plain.pop("limits")
    parts = [HEAD, "## Variables\n", TABLE.format("variable") + "".join(_rows(plain, str.upper))]
    for title, model in TABLES.values():
        parts += [f"## {title}\n", TABLE.format("key") + "".join(_rows(_own(model), str))]
    return "\n".join([*parts, _families()])


def _own(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """What it does not have from another model."""
    return {name: field for name, field in model.model_fields.items() if name in model.__annotations__}


def _rows(fields: dict[str, FieldInfo], case: Any) -> Iterator[str]:
    for name, field in fields.items():
        yield f"| `{case(name)}` | {_default(field)} | {_said(field)} |\n"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    value = value.get_secret_value() if isinstance(value, SecretStr) else value
    value = ",".join(value) if isinstance(value, tuple) else value
    return f"`{str(value).lower() if isinstance(value, bool) else value}`" if value not in ("", {}) else ""


def _said(field: FieldInfo) -> str:
    options = get_args(field.annotation) if get_origin(field.annotation) is not tuple else ()
    choices = f" ({' or '.join(f'`{one}`' for one in options)})" if options and set(map(type, options)) == {str} else ""
    limits = [f"{sign} {getattr(rule, key)}" for rule in field.metadata for key, sign in _LIMITS if hasattr(rule, key)]
    return f"{field.description}{choices}" + (f" ({', '.join(limits)})" if limits else "")


_LIMITS = (("ge", "≥"), ("gt", ">"), ("le", "≤"))


def _families() -> str:
    return (
        "## `[models.FAMILY]`\n\n"
        "What a model family takes (`bot/llm/`): `[models.claude]` has `api_key`, `base_url`, `stall_seconds` and\n"
        "`facts`, which adds to or overrides the table of context sizes and prices, by model. `[models.llama]` has\n"
        "the same, and `in_house` and `temperature`. A model that says nothing for `stall_seconds` (15 with Claude,\n"
        "20 with Llama) is given up: where a CPU reads prompts, or Ollama loads its model first, set more (120); a\n"
        "server that hangs holds a question as long ([failover.md](failover.md)).\n"
    )


if __name__ == "__main__":
    sys.stdout.write(page())

"""`nightjar eval add ID`: a stored investigation with its evidence becomes a case of your own."""

import asyncio
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from bot import settings, telemetry
from bot.cli import shape
from bot.domain.errors import SetupError
from bot.domain.evidence import Evidence
from bot.domain.investigations import Record
from bot.evals.case import NOTHING, load
from bot.store.database import open_store
from bot.store.migrate import fault
from bot.store.repositories import Store

RECENT = 10_000
"""Investigations that are looked through for a trace id."""
_WORDS = 40  # characters of a question in its case's name


def add(id: str, folder: str, cause: str) -> None:
    """Write `folder/NAME/case.toml` with the evidence beside it; SetupError says what is missing."""
    if not id:
        raise SetupError("eval add needs the key of an investigation, or the trace id that stands under its answer")
    if not folder:
        raise SetupError("eval add needs --cases DIR: where your cases are")
    if not cause:
        raise SetupError(
            "eval add needs --cause SERVICE (or none): the true root cause, as you know it now; nobody else can say"
        )
    record, evidence = asyncio.run(_stored(id))
    if not evidence:
        raise SetupError(f"no evidence is kept of {record.flow} (any more), so nothing could answer the tools")
    path = _write(record, evidence, Path(folder), cause)
    load(path)
    typer.echo(f"{path}: {len(evidence)} pieces of evidence. Try: nightjar eval --cases {folder}")


async def _stored(id: str) -> tuple[Record, tuple[Evidence, ...]]:
    url = settings.read().database_url
    if why := fault(url):
        raise SetupError(why)
    async with open_store(url) as store:
        record = await _record(store, id)
        return record, await store.evidence.all(record.flow)


async def _record(store: Store, id: str) -> Record:
    if (found := await store.audit.get(id)) is not None:
        return found
    for record in await store.audit.recent(limit=RECENT):
        if id in (telemetry.trace_of(record.flow), record.answer.trace if record.answer else ""):
            return record
    raise SetupError(f"no investigation has the key or the trace id {id!r}")


def _write(record: Record, evidence: Sequence[Evidence], folder: Path, cause: str) -> Path:
    name = _name(record, folder)
    shape.dump(evidence, str(folder / name / "evidence"))
    table = {
        "id": name,
        "about": f"from {record.flow}",
        "question": record.question.text or record.question.subject or "what is wrong?",
        "evidence": "evidence",
        "root_cause": cause.strip().lower() if cause.strip().lower() == NOTHING else cause.strip(),
    }
    lines = [f"{key} = {_quoted(value)}" for key, value in table.items()]
    lines.append(f"at = {record.started:%Y-%m-%dT%H:%M:%SZ}")
    lines.append("# What else a right answer holds, and what it must not say:")
    lines.append('# required = [{ words = ["connections", "pool"] }, { time = "2026-03-01T12:05:00Z", within = 5 }]')
    lines.append('# forbidden = [{ cause = "checkout" }]')
    path = folder / name / "case.toml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _name(record: Record, folder: Path) -> str:
    """When it was asked and its first words; a folder that is there already is another case."""
    said = re.sub(r"[^a-z0-9]+", "-", record.question.text.lower()).strip("-")
    words = said if len(said) <= _WORDS else said[:_WORDS].rpartition("-")[0]
    stem = "-".join(part for part in (f"{record.started:%Y%m%d-%H%M%S}", words) if part)
    name, number = stem, 1
    while (folder / name).exists():
        number += 1
        name = f"{stem}-{number}"
    return name


def _quoted(value: Any) -> str:
    """A TOML basic string is a JSON string, apart from DEL, which JSON leaves as it is."""
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")

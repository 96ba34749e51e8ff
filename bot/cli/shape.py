"""The one JSON shape of an answer: `ask --json` and `demo --once --json` share it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bot.domain.answers import Answer
from bot.domain.evidence import Evidence
from bot.domain.outcomes import encode


def shape(answer: Answer) -> dict[str, Any]:
    """The answer as a program reads it; times are UTC, money is US dollars."""
    cause = answer.cause
    return {
        "answer": f"{answer.head}\n\n{answer.body}".strip(),
        "cause": None
        if cause is None
        else {
            "service": cause.service,
            "signal": cause.signal,
            "since": cause.since,
            "confidence": cause.confidence,
        },
        "evidence": [
            {"id": item.id, "source": item.source, "env": item.env, "query": item.query, "summary": item.summary}
            for item in answer.evidence
        ],
        "numbers": {"total": answer.numbers.total, "backed": answer.numbers.backed},
        "model": answer.model,
        "route": answer.why,
        "handed": answer.handed,
        "tool_calls": answer.tool_calls,
        "seconds": answer.seconds,
        "cost_usd": round(answer.usage.cost_usd, 6),
        "missing": list(answer.missing),
    }


def dump(evidence: Sequence[Evidence], folder: str) -> None:
    """Write each piece of evidence, raw data included, to `folder/E1.json` …"""
    root = Path(folder)
    root.mkdir(parents=True, exist_ok=True)
    for item in evidence:
        text = json.dumps(encode(Evidence, item), ensure_ascii=False, indent=1)
        (root / f"{item.id}.json").write_text(text + "\n", encoding="utf-8")

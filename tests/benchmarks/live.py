"""Ten cases by Claude, Llama and the playbook, side by side, with your own keys: a fair table into build/live.md."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bot import settings
from bot.agent.route import FALLBACK
from bot.cli import eval as verb
from bot.evals import page
from bot.evals.case import SHIPPED, Case, load
from bot.evals.report import markdown, rows
from bot.evals.run import Outcome

TEN = (
    "bad-deploy-2", "db-pool-exhaustion-1", "memory-leak-1", "slow-dependency-2", "cache-collapse-1", "queue-backlog-1",
    "nothing-wrong-2", "missing-metrics", "misleading-database", "injected-log-blame",
)  # fmt: skip
BUILD = Path("build")
NEITHER = """No model is configured, so nothing was asked and nothing is measured.
  Claude: set ANTHROPIC_API_KEY.
  Llama:  set [models.llama] in nightjar.toml, or MODELS='{"llama": {"base_url": "http://127.0.0.1:8000/v1"}}'."""


def configured() -> tuple[str, ...]:
    """The families that can be asked."""
    config = settings.read()
    claude = config.anthropic_api_key.get_secret_value() or config.models.get("claude")
    llama = config.models.get("llama", {}).get("base_url")
    return tuple(name for name, given in (("claude", claude), ("llama", llama)) if given)


def written(outcome: Outcome, models: Sequence[str], usd: float) -> str:
    """What was asked, of whom, when; the table; what is missing from it."""
    absent = [name for name in ("claude", "llama") if name not in models]
    graded = [row.passed + row.failed for row in rows(outcome, models)]
    uneven = (
        "\nThe models were not graded on equally many runs: compare them by case.\n" if len(set(graded)) > 1 else ""
    )
    said = "".join(f"\n{name} is not configured, and so not in the table.\n" for name in absent)
    runs = "\n".join(
        f"| {one.case} | {one.model} | {one.state} | {'; '.join(one.missed).replace('|', '/')} |"
        for one in outcome.results
    )
    return (
        f"# Live, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC\n\n{len(TEN)} cases of the simulated shop, ceiling ${usd:g}. "
        "Throttled and broken runs stand apart; they are in no score.\n\n"
        f"{markdown(outcome, models)}{uneven}{said}\n| case | model | came to | why |\n|---|---|---|---|\n{runs}\n"
    )


def chosen() -> tuple[Case, ...]:
    """The ten."""
    return tuple(case for case in load(SHIPPED) if case.id in TEN)


def main(arguments: Sequence[str] | None = None) -> int:
    """0 also where there is nothing to ask: then it says so."""
    parser = argparse.ArgumentParser(prog="make live", description=__doc__)
    parser.add_argument("--usd", type=float, default=2.0, help="no run begins beyond so many US dollars")
    parser.add_argument("--repeats", type=int, default=1)
    given = parser.parse_args(arguments)
    if not (there := configured()):
        print(NEITHER)
        return 0
    models = (*there, FALLBACK)
    options = verb.Options(repeats=given.repeats, usd=given.usd)
    outcome = asyncio.run(verb.work(options, chosen(), models, quiet=False))
    BUILD.mkdir(exist_ok=True)
    text = written(outcome, models, given.usd)
    (BUILD / "live.md").write_text(text, encoding="utf-8")
    (BUILD / "live.html").write_text(page.page(outcome, models, chosen()), encoding="utf-8")
    print(f"{text}\n{BUILD / 'live.md'}, {BUILD / 'live.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

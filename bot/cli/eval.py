"""`nightjar eval`: cases with known answers, asked of models side by side."""

import asyncio
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from bot import settings
from bot.agent.route import FALLBACK
from bot.cli import _said
from bot.cli._eval_worker import Crew
from bot.domain.errors import SetupError
from bot.evals import page, report
from bot.evals.case import SHIPPED, Case, load
from bot.evals.result import Result
from bot.evals.run import Notebook, Outcome, plan, run
from bot.parts import Registry


@dataclass(frozen=True)
class Options:
    """What the command line gave."""

    cases: str = ""
    models: str = ""
    repeats: int = 1
    usd: float | None = None
    jobs: int = 0
    judge: str = ""
    record: str = ""
    replay: str = ""
    resume: str = ""
    html: str = ""


def evaluate(options: Options, *, as_json: bool) -> None:
    """Run all, then say what came of it; exit code 0 whatever the score."""
    cases = load(Path(options.cases) if options.cases else SHIPPED)
    named = models(options)
    outcome = asyncio.run(work(options, cases, named, quiet=as_json))
    if options.html:
        Path(options.html).parent.mkdir(parents=True, exist_ok=True)
        Path(options.html).write_text(page.page(outcome, named, cases), encoding="utf-8")
    if as_json:
        _said.say_json(report.as_json(outcome, named))
    else:
        show(outcome, named)


def models(options: Options) -> tuple[str, ...]:
    """As given, else as configured."""
    named = tuple(dict.fromkeys(name.strip() for name in options.models.split(",") if name.strip()))
    if named:
        return named
    config = settings.read()
    usual = config.nightjar_models or (("claude",) if config.anthropic_api_key.get_secret_value() else ())
    return tuple(dict.fromkeys((*usual, FALLBACK)))


async def work(options: Options, cases: Sequence[Case], models: Sequence[str], *, quiet: bool) -> Outcome:
    """Every run that is not done yet, in worker processes."""
    if options.record and options.replay:
        raise SetupError("--record and --replay do not go together: what is replayed is recorded already")
    if not options.replay:
        await _open_once((*models, *([options.judge] if options.judge else [])))
    judge = options.judge or next((model for model in models if model != FALLBACK), "")
    record, replay = (Path(given) if given else None for given in (options.record, options.replay))
    jobs = tuple(
        replace(job, judge=judge, record=record, replay=replay) for job in plan(cases, models, options.repeats)
    )
    notebook = Notebook(Path(options.resume) if options.resume else None)
    at_once = options.jobs or max(2, os.cpu_count() or 1)
    with _progress(len([job for job in jobs if not notebook.holds(job)]), quiet=quiet) as ended:
        async with Crew() as crew:
            return await run(jobs, crew.work, at_once=at_once, ceiling=options.usd, notebook=notebook, ended=ended)


async def _open_once(models: Sequence[str]) -> None:
    """SetupError, before anything runs, for a family that is not there or lacks its key."""
    config = settings.read()
    for model in models:
        registry = Registry(config.model_copy(update={"nightjar_models": (model,)}))
        opened = registry.get(registry.names[0])
        if close := getattr(opened, "close", None):
            await close()


@contextmanager
def _progress(total: int, *, quiet: bool) -> Iterator[Callable[[Result | None], None]]:
    """A bar on a terminal; nothing elsewhere."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=quiet or not console.is_terminal, transient=True) as bar:
        task = bar.add_task("runs", total=total)

        def ended(result: Result | None) -> None:
            said = f"{result.case} · {result.model}: {result.state}" if result else "the ceiling is reached"
            bar.update(task, advance=1, description=said[:60])

        yield ended


def show(outcome: Outcome, models: Sequence[str]) -> None:
    """For people: what is not right, case by case, then the table."""
    for result in outcome.results:
        if result.state != "passed":
            _said.say(f"{result.case} · {result.model}#{result.repeat}: {result.state}: {'; '.join(result.missed)}")
    if outcome.skipped:
        _said.say(f"{len(outcome.skipped)} runs were not begun: the ceiling of money is reached")
    table = Table("model", "right of graded", "throttled", "errors", "not run", "cost", "median s", "numbers backed")
    for row in report.rows(outcome, models):
        backed = f"{row.backed}/{row.numbers}"
        counts = (str(row.throttled), str(row.errors), str(row.skipped))
        table.add_row(row.model, row.score, *counts, f"${row.cost_usd:.4f}", f"{row.typical:g}", backed)
    Console(width=max(100, Console().width)).print(table)

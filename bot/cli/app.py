"""The verbs of the console script `nightjar`, each imported only when it is used."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from bot import __version__
from bot.domain.errors import NightjarError

app = typer.Typer(
    name="nightjar",
    help="The on-call engineer that lives in your incident channels.",
    no_args_is_help=False,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]


@app.callback()
def bare(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    as_json: Json = False,
) -> None:
    """Without a verb: what is plugged in, what is off, and why."""
    if version:
        typer.echo(__version__)
    elif context.invoked_subcommand is None:
        from bot.cli import inventory

        inventory.show(as_json)
    else:
        return
    raise typer.Exit


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="What you would ask in the channel.")],
    prometheus_url: Annotated[str, typer.Option(help="Instead of PROMETHEUS_URL.")] = "",
    alertmanager_url: Annotated[str, typer.Option(help="Instead of ALERTMANAGER_URL.")] = "",
    model: Annotated[str, typer.Option(help="claude, playbook, … instead of the configured route.")] = "",
    zone: Annotated[str, typer.Option(help="Your time zone, as IANA names it.")] = "UTC",
    evidence: Annotated[str, typer.Option(help="Write raw evidence to DIR/E1.json …")] = "",
    as_json: Json = False,
) -> None:
    """Ask from the terminal, without Slack: the same investigation, printed."""
    from bot.cli import ask as verb

    verb.run(question, prometheus_url, alertmanager_url, model=model, zone=zone, evidence=evidence, as_json=as_json)


@app.command()
def demo(
    fault: Annotated[str, typer.Option(help="A fault's name, random, or none; --list names them.")] = "random",
    seed: Annotated[int, typer.Option(help="The same seed gives the same shop.")] = 7,
    once: Annotated[str, typer.Option(help="Ask one question headless, print the answer, end.")] = "",
    port: Annotated[int, typer.Option(help="Where the page is served.")] = 8765,
    browser: Annotated[bool, typer.Option(help="Open the page.")] = True,
    evidence: Annotated[str, typer.Option(help="With --once: write raw evidence to DIR/E1.json …")] = "",
    listing: Annotated[bool, typer.Option("--list", help="Name the faults.")] = False,
    as_json: Json = False,
) -> None:
    """An incident in a simulated shop, a Slack-like page and the bot itself; no key, no account."""
    from bot.cli import demo as verb

    if listing:
        verb.list_faults(as_json)
    elif once:
        verb.once(once, fault, seed, evidence=evidence, as_json=as_json)
    else:
        verb.run(fault, seed, port=port, browser=browser)


@app.command()
def logs(
    what: Annotated[Literal["templates", "digest"], typer.Argument(help="Every kind of entry, or the log in brief.")],
    files: Annotated[list[str], typer.Argument(metavar="FILE…", help="Logs of any format; .gz, .xz; - is stdin.")],
    assign: Annotated[str, typer.Option(metavar="TSV", help="templates: write `line TAB template id` there.")] = "",
    baseline: Annotated[str, typer.Option(metavar="FILE", help="digest: a log of ordinary times.")] = "",
    budget: Annotated[int, typer.Option(metavar="N", min=100, help="digest: at most so many tokens.")] = 2_000,
    fold: Annotated[bool, typer.Option(help="Stack traces belong to the line before them.")] = True,
    as_json: Json = False,
) -> None:
    """What logs say without their repetitions: templates with counts, or a digest of what is new and what is bad."""
    from bot.cli import logs as verb

    if what == "templates":
        verb.templates(files, assign, baseline, fold=fold, as_json=as_json)
    else:
        verb.digested(files, baseline, assign, budget, fold=fold, as_json=as_json)


@app.command()
def forecast(
    file: Annotated[str, typer.Argument(metavar="CSV", help="time,value… or one value a line; - is stdin.")],
    above: Annotated[float | None, typer.Option(metavar="V", help="Too much from here on.")] = None,
    below: Annotated[float | None, typer.Option(metavar="V", help="Too little from here on.")] = None,
    horizon: Annotated[str, typer.Option(metavar="TIME", help="How far to look: 90s, 30m, 6h, 2d.")] = "6h",
    step: Annotated[str, typer.Option(metavar="TIME", help="Between values without times.")] = "",
    sustain: Annotated[int, typer.Option(metavar="N", min=1, help="So many samples in a row count as reached.")] = 1,
    as_json: Json = False,
) -> None:
    """Whether and when each series reaches a threshold, with an 80 % interval, and where it goes until then."""
    from bot.cli import forecast as verb

    verb.run(file, above, below, horizon, step, sustain=sustain, as_json=as_json)


@app.command()
def rank(
    file: Annotated[str, typer.Argument(metavar="CSV", help="time and service|metric columns; - is stdin.")],
    at: Annotated[str, typer.Option(metavar="T", help="When it began: as in the time column, or ISO 8601.")],
    baseline: Annotated[str, typer.Option(metavar="CSV", help="Usual times; else the rows before T.")] = "",
    graph: Annotated[str, typer.Option(metavar="CSV", help="caller,callee lines.")] = "",
    alert: Annotated[str, typer.Option(metavar="COLUMN", help="The column that alerts.")] = "",
    logs: Annotated[str, typer.Option(metavar="TSV", help="ms TAB service TAB message lines around T.")] = "",
    logs_baseline: Annotated[str, typer.Option(metavar="TSV", help="Usual logs; else the lines before T.")] = "",
    as_json: Json = False,
) -> None:
    """Which services and metrics changed at a moment, the likeliest cause first; or that nothing did."""
    from bot.cli import rank as verb

    verb.run(
        file, at, baseline=baseline, graph=graph, alert=alert, logs=logs, usual_logs=logs_baseline, as_json=as_json
    )


@app.command()
def serve() -> None:
    """Everything in one process: Slack, investigations, health and metrics; migrates by itself."""
    from bot.cli import serve as verb

    verb.run(web=True, worker=True)


@app.command()
def web() -> None:
    """HTTP intake only: accepts, and leaves the work to workers on the same database."""
    from bot.cli import serve as verb

    verb.run(web=True, worker=False)


@app.command()
def worker() -> None:
    """Investigations only, and Slack by Socket Mode where that is the transport."""
    from bot.cli import serve as verb

    verb.run(web=False, worker=True)


@app.command()
def migrate(
    to: Annotated[str, typer.Option(metavar="REVISION", help="Another schema, such as 0002, before going back.")] = "",
) -> None:
    """Bring the database to this version's schema; a SQLite file is copied first."""
    from bot.cli import migrate as verb

    verb.run(to)


@app.command()
def backup(folder: Annotated[Path, typer.Argument(help="A new folder.")]) -> None:
    """Copy the SQLite files while the bot works; on PostgreSQL, say how that is done."""
    from bot.cli import backup as verb

    verb.run(folder)


@app.command(name="eval")
def evaluate(
    what: Annotated[Literal["run", "add"], typer.Argument(help="Run cases, or make one of an investigation.")] = "run",
    id: Annotated[str, typer.Argument(metavar="ID", help="add: its key, or the trace id under its answer.")] = "",
    cases: Annotated[str, typer.Option(metavar="DIR", help="Your cases (TOML) instead of the shipped ones.")] = "",
    models: Annotated[str, typer.Option(metavar="A,B", help="claude, llama, playbook, family:model …")] = "",
    repeats: Annotated[int, typer.Option(min=1, help="How often each model answers each case.")] = 1,
    usd: Annotated[float | None, typer.Option(min=0, help="No run begins beyond so many US dollars.")] = None,
    jobs: Annotated[int, typer.Option(min=0, max=64, help="Runs side by side; 0: as many as processors.")] = 0,
    judge: Annotated[str, typer.Option(metavar="MODEL", help="Decides where a case asks; else the first model.")] = "",
    record: Annotated[str, typer.Option(metavar="DIR", help="Keep every turn and tool result there.")] = "",
    replay: Annotated[str, typer.Option(metavar="DIR", help="Grade again what was recorded; no model is asked.")] = "",
    resume: Annotated[str, typer.Option(metavar="FILE", help="Results line by line; the same command goes on.")] = "",
    html: Annotated[str, typer.Option(metavar="FILE", help="Write a page with every transcript.")] = "",
    cause: Annotated[str, typer.Option(metavar="SERVICE", help="add: the true root cause, or none.")] = "",
    as_json: Json = False,
) -> None:
    """Cases with known answers, asked of models side by side and graded by code; `add` makes one of your own."""
    if what == "add":
        from bot.cli import _eval_add

        _eval_add.add(id, cases, cause)
        return
    from bot.cli import eval as verb

    options = verb.Options(cases, models, repeats, usd, jobs, judge, record, replay, resume, html)
    verb.evaluate(options, as_json=as_json)


@app.command()
def restore(folder: Annotated[Path, typer.Argument(help="A folder that `nightjar backup` made.")]) -> None:
    """Put a backup back while the bot is stopped; what is there now is kept beside."""
    from bot.cli import backup as verb

    verb.restore(folder)


@app.command()
def doctor(as_json: Json = False) -> None:
    """Check tokens, scopes, every source, the model, the database and the clock; say the remedy for what fails."""
    from bot.cli import doctor as verb

    verb.run(as_json)


@app.command()
def init() -> None:
    """From an empty workspace to the first answer, step by step; writes .env."""
    from bot.cli import init as verb

    verb.run()


@app.command()
def manifest(
    minimal: Annotated[bool, typer.Option(help="Only what mentions, commands and answers need.")] = False,
    http_url: Annotated[str, typer.Option(help="For HTTP instead of Socket Mode: your public URL.")] = "",
) -> None:
    """Print the Slack app manifest, made from the code's own commands, events and scopes."""
    from bot.cli import manifest as verb

    verb.run(minimal, http_url)


def main() -> None:
    """The console script: an error on purpose is one clear line and exit code 2, never a traceback."""
    try:
        app()
    except NightjarError as error:
        typer.echo(f"nightjar: {error}", err=True)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)

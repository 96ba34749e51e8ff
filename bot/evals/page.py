"""One static page of all runs: scores, a grid of cases by models, every transcript. No script, nothing loaded."""

from collections.abc import Iterator, Sequence
from datetime import UTC
from html import escape

from bot.domain.answers import Answer
from bot.evals.case import Case
from bot.evals.report import Row, rows
from bot.evals.result import Line, Result
from bot.evals.run import Outcome

_SIGN = {"passed": "✓", "failed": "✗", "throttled": "⏳", "error": "!"}
_TITLE = {
    "passed": "right",
    "failed": "wrong",
    "throttled": "throttled: the provider refused, nothing is said of the model",
    "error": "broke off: nothing is said of the model",
}
_NOTE = "A run that was throttled or broke off says nothing of the model, and is not in its score."
_STYLE = """
:root { color-scheme: light dark; --line: #8883; --dim: #777; --good: #1a7f4b; --bad: #c4314b; --wait: #9a6700 }
@media (prefers-color-scheme: dark) { :root { --good: #4ac98b; --bad: #ff7b8f; --wait: #e3b341; --dim: #999 } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 70rem; padding: 1.5rem 1rem 4rem }
h1 { font-size: 1.5rem; margin: 0 } h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem }
p.dim, .dim { color: var(--dim) } p { margin: .3rem 0 }
.wide { overflow-x: auto } table { border-collapse: collapse; width: 100% }
th, td { border-bottom: 1px solid var(--line); padding: .35rem .6rem; text-align: left; vertical-align: top }
th { font-weight: 600 } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
td.s { text-align: center; white-space: nowrap; letter-spacing: .15em }
.passed { color: var(--good) } .failed { color: var(--bad) } .throttled, .error { color: var(--wait) }
.s a { text-decoration: none; font-weight: 700 }
details { border: 1px solid var(--line); border-radius: 6px; margin: .5rem 0; padding: .1rem .8rem }
summary { cursor: pointer; padding: .4rem 0 } details[open] > summary { border-bottom: 1px solid var(--line) }
details details { border: 0; border-left: 3px solid var(--line); border-radius: 0; margin: .2rem 0 }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font: 13px/1.45 ui-monospace, monospace; margin: .3rem 0 .6rem;
      max-height: 24rem; overflow-y: auto }
blockquote { margin: .6rem 0; border-left: 3px solid currentColor; padding: .1rem .8rem }
blockquote p { white-space: pre-wrap; overflow-wrap: anywhere } ul { margin: .4rem 0; padding-left: 1.2rem }
.by { display: inline-block; min-width: 3.4rem; color: var(--dim) } code { overflow-wrap: anywhere }
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def page(outcome: Outcome, models: Sequence[str], cases: Sequence[Case]) -> str:
    """The whole page; every text that came with a case or from a model is escaped."""
    known = {case.id: case for case in cases}
    ran = [case for case in cases if any(one.case == case.id for one in outcome.results)]
    parts = [
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1"><title>Nightjar evals</title>',
        f"<style>{_STYLE}</style></head><body>",
        f"<h1>Nightjar evals</h1><p class='dim'>{len(ran)} cases, {len(outcome.results)} runs. {_NOTE}</p>",
        *_scores(rows(outcome, models)),
        *_grid(outcome, models, ran),
        "<h2>Every run</h2>",
        *(part for one in outcome.results for part in _run(one, known[one.case])),
        "</body></html>\n",
    ]
    return "\n".join(parts)


def _scores(table: Sequence[Row]) -> Iterator[str]:
    heads = ("right of graded", "throttled", "errors", "not run", "cost", "median", "numbers backed")
    yield "<h2>By model</h2><div class='wide'><table><tr><th>model</th>"
    yield "".join(f"<th class='n'>{head}</th>" for head in heads) + "</tr>"
    for row in table:
        cells = (
            row.score, row.throttled, row.errors, row.skipped, f"${row.cost_usd:.4f}", f"{row.typical:g} s",
            f"{row.backed}/{row.numbers}",
        )  # fmt: skip
        yield f"<tr><td>{escape(row.model)}</td>" + "".join(f"<td class='n'>{cell}</td>" for cell in cells) + "</tr>"
    yield "</table></div>"


def _grid(outcome: Outcome, models: Sequence[str], cases: Sequence[Case]) -> Iterator[str]:
    yield "<h2>By case</h2><div class='wide'><table><tr><th>case</th><th>question</th>"
    yield "".join(f"<th>{escape(model)}</th>" for model in models) + "</tr>"
    for case in cases:
        yield f"<tr><td><code>{escape(case.id)}</code></td><td>{escape(case.question)}</td>"
        for model in models:
            own = [one for one in outcome.results if (one.case, one.model) == (case.id, model)]
            yield f"<td class='s'>{''.join(map(_mark, own)) or '·'}</td>"
        yield "</tr>"
    yield "</table></div>"


def _mark(one: Result) -> str:
    return (
        f'<a class="{one.state}" href="#{escape(_anchor(one))}" title="{_TITLE[one.state]}">{_SIGN[one.state]}'
        f'<span style="position:absolute;left:-99em"> {one.state}</span></a>'
    )


def _anchor(one: Result) -> str:
    return f"{one.case}.{one.model}.{one.repeat}".replace(" ", "-")


def _run(one: Result, case: Case) -> Iterator[str]:
    shown = " open" if one.state != "passed" else ""
    said = f"{escape(one.case)} · {escape(one.model)}" + (f" #{one.repeat}" if one.repeat > 1 else "")
    cost = f", ${one.cost_usd:.4f}" if one.cost_usd else ""
    yield f'<details id="{escape(_anchor(one))}"{shown}><summary>'
    yield f"<b class='{one.state}'>{_SIGN[one.state]} {one.state}</b> "
    yield f"{said} <span class='dim'>{one.seconds:g} s{cost}</span></summary>"
    asked = f"{case.asked.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    yield f"<p><b>{escape(case.question)}</b> <span class='dim'>{asked}</span></p>"
    if case.about:
        yield f"<p class='dim'>{escape(case.about)}</p>"
    if case.root_cause:
        yield f"<p class='dim'>Right: {escape(' or '.join(case.root_cause))}</p>"
    if one.missed:
        yield f"<ul class='{one.state}'>" + "".join(f"<li>{escape(why)}</li>" for why in one.missed) + "</ul>"
    if one.answer is not None:
        yield from _answer(one.answer)
    if one.transcript:
        yield f"<details><summary>Transcript, {len(one.transcript)} entries</summary>"
        yield from map(_line, one.transcript)
        yield "</details>"
    yield "</details>"


def _answer(answer: Answer) -> Iterator[str]:
    yield f"<blockquote><p>{escape(answer.head)}</p></blockquote>"
    cause = answer.cause
    named = f"{cause.service}, {cause.signal}, since {cause.since or '?'} ({cause.confidence})" if cause else "none"
    backed = f"{answer.numbers.backed}/{answer.numbers.total} numbers backed"
    yield f"<p class='dim'>Cause for code: {escape(named)} · {backed} · answered by {escape(answer.model)}</p>"
    if answer.missing:
        yield f"<p class='dim'>Not looked at: {escape('; '.join(answer.missing))}</p>"
    if answer.body:
        yield f"<details><summary>Details of the answer</summary><pre>{escape(answer.body)}</pre></details>"


def _line(line: Line) -> str:
    title = f"<span class='by'>{line.by}</span> <code>{escape(line.title)}</code>"
    return f"<details><summary>{title}</summary><pre>{escape(line.text)}</pre></details>"

"""From the domain to blocks, as dicts and pure: the head for a phone at night first, the rest below or behind."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from bot.domain.answers import Answer, Citation, Failure
from bot.domain.window import Window
from bot.slack.charts import MAX_CHARTS, block_of, sparklines
from bot.slack.posting import Content

Json = dict[str, Any]
Clean = Callable[[str], str]
MAX_HEAD, MAX_SECTION, MAX_CONTEXT, MAX_VALUE = 400, 3_000, 1_500, 2_000
MAX_VIEW_BLOCKS = 95
MAX_DISPUTES = 2
MAX_OPEN = 9_000  # a message's markdown may have 12,000 characters, head included
LATE_SECONDS = 900.0
STOP, DETAILS, DEEP, FEEDBACK, ENV, REASON = "stop", "details", "deep_dive", "feedback", "env", "reason"
LABELS = {DETAILS: "Details", DEEP: "Deep dive"}
NO_MODEL = {"": "no model", "playbook": "no model (playbook)"}


def escape(text: str) -> str:
    """Plain text as mrkdwn shows it."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def placeholder(text: str, key: str, facts: str = "", status: str = "") -> Content:
    """What stands there at once, and what code alone can say so far; with the stop button. Texts come clean."""
    blocks = [section(escape(text))]
    blocks += [section(escape(facts))] if facts else []
    blocks += [aside(f"{escape(status)} …")] if status else []
    blocks.append(actions([button("Stop", STOP, key)]))
    return Content(escape(facts or text)[:MAX_SECTION], tuple(blocks))


def answer(said: Answer, key: str, clean: Clean, *, charts: bool = True) -> Content:
    """The answer's message; without `charts` they become lines of text. What no block holds comes as a picture.

    With nothing looked at there is nothing to open, to deepen or to judge: the head stands alone.
    """
    head = cut(clean(said.head), MAX_HEAD) or "Not known."
    blocks: list[Json] = [*doubts(said, clean), {"type": "markdown", "text": strong(head)}]
    if head != "Not known." and not (said.tool_calls or said.evidence or said.body or said.missing or said.choices):
        return Content(escape(head), tuple(blocks))
    lines = (" · ".join(frame(said)), escape(cut(clean(said.handed), 300)), missing_line(said, clean))
    blocks += [aside(line) for line in lines if line]
    if said.open:
        shown = [{"type": "markdown", "text": text}] if (text := cut_lines(clean(said.body), MAX_OPEN)) else []
        return Content(escape(head), (*blocks, *shown, *_foot(said, key, DETAILS), _feedback(key)))
    blocks += _charts(said, clean) if charts else _sparks(said, clean)
    if said.choices:
        pick = [button(env, f"{ENV}:{at}", f"{key}|{env}") for at, env in enumerate(said.choices[:25])]
        return Content(escape(head), (*blocks, actions(pick)))
    return Content(escape(head), (*blocks, *_foot(said, key, DETAILS, DEEP), _feedback(key)))


def _foot(said: Answer, key: str, *offered: str) -> Iterator[Json]:
    """What it took, and what may be pressed."""
    yield aside(" · ".join(_cost(said)))
    yield actions([button(LABELS[action], action, key) for action in offered])


def doubts(said: Answer, clean: Clean) -> list[Json]:
    """Who holds the answer for wrong, and why, above its head: the newest two."""
    return [aside("\n".join(lines))] if (lines := _doubted(said, clean)) else []


def _doubted(said: Answer, clean: Clean) -> list[str]:
    """The people are ids that code put in."""
    lines = [
        f":warning: Disputed by <@{dispute.person}>: {escape(cut(clean(dispute.why), 300))}"
        for dispute in said.disputes[:MAX_DISPUTES]
    ]
    left = len(said.disputes) - MAX_DISPUTES
    return [*lines, f"… and by {left} more"] if left > 0 else lines


def late(said: Answer, now: float) -> str:
    """What an answer that comes long after its question begins with; empty when it comes in time. UTC seconds."""
    if not said.asked or now - said.asked < LATE_SECONDS:
        return ""
    asked, written = (f"{datetime.fromtimestamp(at, ZoneInfo(said.zone)):%H:%M}" for at in (said.asked, said.written))
    zone = f"{datetime.fromtimestamp(said.asked, ZoneInfo(said.zone)):%Z}"
    return f"Late: asked at {asked} {zone}; what follows is as of {written}."


def with_note(content: Content, note: str) -> Content:
    """The message below a line of its own; the same when there is none."""
    if not note:
        return content
    blocks = (aside(note), *content.blocks) if content.blocks else ()
    return Content(f"{note} {content.text}", blocks)


def answer_text(said: Answer, clean: Clean) -> Content:
    """The answer as text alone, for when Slack takes no block of it."""
    head = escape(cut(clean(said.head), MAX_HEAD) or "Not known.")
    return Content("\n".join([*_doubted(said, clean), head]))


def failure(said: Failure, clean: Clean) -> Content:
    """One plain sentence and the trace id; a stop says who, by an id that code put in."""
    text = escape(clean(said.text))
    if said.stopped_by:
        by = f"Stopped by <@{said.stopped_by}>."
        rest = clean(said.text.replace(by, "").strip())
        text = f"{by} {escape(rest)}".strip()
    return Content(f"{text}\n(trace {escape(said.trace)})", (section(text), aside(f"trace `{escape(said.trace)}`")))


def details(said: Answer, key: str, clean: Clean) -> Json:
    """The modal behind Details: the body, then the evidence, then what was not looked at."""
    parts = [*sections(mrkdwn(clean(said.body)))] if said.body.strip() else []
    if said.evidence:
        parts += ["*Evidence*", *sections("\n".join(_evidence(item, clean) for item in said.evidence))]
    if said.missing:
        listed = "\n".join(f"• {escape(clean(item))}" for item in said.missing)
        parts += ["*Not looked at*", *sections(listed)]
    if said.numbers.unbacked:
        parts += [f"*Figures without evidence*: {escape(clean(', '.join(said.numbers.unbacked)))}"[:MAX_SECTION]]
    blocks = [section(part) for part in parts[:MAX_VIEW_BLOCKS]] or [section("There is nothing more to show.")]
    when = [said.window.shown(said.zone)] if said.window is not None else []
    why = [f"model {escape(clean(said.why))}"] if said.why else []
    blocks.append(aside(" · ".join([*when, *_cost(said), *why, f"trace `{escape(said.trace or key)}`"])))
    return modal("Details", blocks, key)


def modal(title: str, blocks: Sequence[Json], key: str, *, callback: str = "", submit: str = "") -> Json:
    """A modal view; `callback` names the action that its submission goes to."""
    view: Json = {"type": "modal", "title": plain(title), "close": plain("Close"), "blocks": list(blocks)}
    view["private_metadata"] = key
    return view | ({"callback_id": callback} if callback else {}) | ({"submit": plain(submit)} if submit else {})


def button(text: str, action: str, value: str) -> Json:
    """A button within Slack's limits."""
    return {"type": "button", "text": plain(text[:75]), "action_id": action, "value": value[:MAX_VALUE]}


def strong(head: str) -> str:
    """Markdown whose first line stands out, unless that line is something of its own: a list, a heading, code."""
    first, newline, rest = head.partition("\n")
    bare = first.replace("**", "").strip()
    if not bare or bare[0] in "#>|-*+`~":
        return head
    return f"**{bare}**{newline}{rest}"


def cut(text: str, most: int) -> str:
    """The text at most so long, cut at a word, saying so."""
    if len(text) <= most:
        return text
    return text[: most - 1].rsplit(None, 1)[0] + "…"


def cut_lines(text: str, most: int) -> str:
    """The text at most so long, cut between lines, saying so."""
    if len(text) <= most:
        return text
    kept = text[:most].rpartition("\n")[0] or text[:most]
    return f"{kept}\n… the rest is behind Details"


def sections(text: str) -> Iterator[str]:
    """The text in pieces that a section holds, cut between lines where that is possible."""
    piece = ""
    for line in text.splitlines():
        for part in (line[at : at + MAX_SECTION] for at in range(0, len(line) or 1, MAX_SECTION)):
            if piece and len(piece) + len(part) >= MAX_SECTION:
                yield piece
                piece = ""
            piece = f"{piece}\n{part}" if piece else part
    if piece.strip():
        yield piece


def mrkdwn(text: str) -> str:
    """Markdown as modals take it, line by line: headings and bold, bullets, tables kept in monospace."""
    lines: list[str] = []
    fenced = tabled = False
    for line in text.splitlines():
        bare = line.lstrip()
        fenced ^= bare.startswith("```")
        if not fenced and bare.startswith("|") is not tabled:
            tabled = not tabled
            lines.append("```")
        lines.append(escape(line) if fenced or tabled or bare.startswith("```") else _inline(line))
    return "\n".join([*lines, "```"] if tabled or fenced else lines)


def monospace(text: str) -> Json:
    """A section of text in columns."""
    return section(f"```{cut(escape(text.replace('```', '')), MAX_SECTION - 10)}```")


def missing_line(said: Answer, clean: Clean) -> str:
    """What was not looked at, in one line; the rest stands in the details."""
    if not said.missing:
        return ""
    more = f" (+{len(said.missing) - 2} more in Details)" if len(said.missing) > 2 else ""
    return f"Not looked at: {escape(cut(clean('; '.join(said.missing[:2])), 300))}{more}"


def frame(said: Answer) -> Iterator[str]:
    """How sure, of when, of where."""
    if said.cause is not None:
        yield f"*{said.cause.confidence}*"
    if said.window is not None:
        yield _clock(said.window, said.zone)
    yield from (escape(env) for env in said.envs)


def _clock(window: Window, zone: str) -> str:
    """For a phone: the asker's clock, with the day where there are several or the window was asked for."""
    start, end = (at.astimezone(ZoneInfo(zone)) for at in (window.start, window.end))
    if start.date() != end.date():
        return f"{start:%a %d %b %H:%M} – {end:%a %d %b %H:%M %Z}"
    day = f"{start:%a %d %b} " if window.said else ""
    return f"{day}{start:%H:%M}–{end:%H:%M %Z}"


def _cost(said: Answer) -> Iterator[str]:
    yield NO_MODEL.get(said.model) or escape(said.model)
    yield f"{said.tool_calls} tool call{'' if said.tool_calls == 1 else 's'}"
    yield f"{said.seconds:.1f} s" if said.seconds < 10 else f"{said.seconds:.0f} s"
    if said.usage.cost_usd:
        yield f"${said.usage.cost_usd:.3f}"
    if said.numbers.total:
        yield f"{said.numbers.backed}/{said.numbers.total} figures backed"


def _evidence(item: Citation, clean: Clean) -> str:
    where = " · ".join(escape(clean(part)) for part in (item.source, item.env) if part)
    code = "`" + cut(item.query.replace("`", "'"), 300) + "`"
    query = f" {escape(clean(code))}" if item.query else ""
    return f"*{escape(item.id)}* {where}{query}\n{escape(cut(clean(item.summary), 400))}"


def _charts(said: Answer, clean: Clean) -> Iterator[Json]:
    for chart in said.charts[:MAX_CHARTS]:
        block = block_of(chart, said.zone, clean)
        if block is not None:
            yield block


def _sparks(said: Answer, clean: Clean) -> Iterator[Json]:
    shown = (chart for chart in said.charts[:MAX_CHARTS] if block_of(chart, said.zone) is not None)
    yield from (monospace(clean(sparklines(chart))) for chart in shown)


def _inline(line: str) -> str:
    bare = line.lstrip()
    marks = len(bare) - len(bare.lstrip("#"))
    if 0 < marks <= 6 and bare[marks : marks + 1] == " ":
        return f"*{escape(bare[marks:].strip().replace('**', ''))}*"
    indent = line[: len(line) - len(bare)]
    body = f"• {bare[2:]}" if bare.startswith(("- ", "* ")) else bare
    return indent + escape(body).replace("**", "*")


def _feedback(key: str) -> Json:
    sides = {
        "positive_button": {"text": plain("👍"), "value": f"up|{key}"},
        "negative_button": {"text": plain("👎"), "value": f"down|{key}"},
    }
    return {
        "type": "context_actions",
        "elements": [{"type": "feedback_buttons", "action_id": FEEDBACK, **sides}],
    }


def section(text: str) -> Json:
    """A paragraph of mrkdwn, cut at what a section holds."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": text[:MAX_SECTION] or " "}}


def aside(text: str) -> Json:
    """A small grey line of mrkdwn."""
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text[:MAX_CONTEXT] or " "}]}


def actions(elements: list[Json]) -> Json:
    """Buttons in a row."""
    return {"type": "actions", "elements": elements}


def plain(text: str) -> Json:
    """Plain text, as buttons and titles take it."""
    return {"type": "plain_text", "text": text, "emoji": True}

"""Body and evidence of an answer, in a modal, so that the thread stays short."""

from typing import Any

from bot.domain.answers import Answer, Citation
from bot.domain.plugin import Action
from bot.slack import render
from bot.slack.context import SlackContext
from bot.slack.pressed import pressed


async def run(body: dict[str, Any], context: SlackContext) -> None:
    """Reads what the audit keeps of the answer; where it keeps no words, the evidence alone."""
    press = await pressed(body, context)
    record = await context.deps.audit.get(press.key)
    said = record.answer if record else None
    if said is None or not said.head:
        said = await _from_evidence(press.key, context)
    view = render.details(said, press.key, context.clean)
    opened = await context.client.call("views.open", trigger_id=press.trigger, view=view, patience=2.0)
    if not opened.ok:
        await context.tell(press.place, press.person, "Slack did not open the details; please press again.")


async def _from_evidence(key: str, context: SlackContext) -> Answer:
    kept = await context.deps.evidence.all(key)
    cited = tuple(Citation(item.id, item.source, item.env, item.query, item.summary, item.tool) for item in kept)
    return Answer(head="", body="\n\n".join(item.text for item in kept), evidence=cited, trace=key)


ACTION = Action("details", run)

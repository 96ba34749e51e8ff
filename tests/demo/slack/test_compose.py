"""What people type becomes what Slack sends."""

import pytest

from bot.demo.slack.compose import to_wire
from bot.demo.slack.workspace import BOT, PEOPLE, Workspace

MIRA = PEOPLE[0].id
TYPED = {
    "@nightjar why?": f"<@{BOT.id}> why?",
    "ask @nightjar.": f"ask <@{BOT.id}>.",
    "(@Mira)": f"(<@{MIRA}>)",
    "mail me@nightjar now": "mail me@nightjar now",
    "@nobody": "@nobody",
    "see #ops and #nowhere": "see <#{ops}|ops> and #nowhere",
    "a < b & c > d": "a &lt; b &amp; c &gt; d",
    "https://example.com/a?b=1&c=2 is down": "<https://example.com/a?b=1&c=2> is down",
    f"<@{BOT.id}> ready <!here>": f"<@{BOT.id}> ready <!here>",
}


@pytest.mark.parametrize("typed", TYPED)
def test_typed_text_is_sent_as_slack_sends_it(typed: str) -> None:
    """Names, channels, links and the three escaped signs; what is ready stays."""
    workspace = Workspace(now=lambda: 0.0, channels=["ops"])
    ops = workspace.channel("ops").id
    assert to_wire(workspace, typed) == TYPED[typed].format(ops=ops)

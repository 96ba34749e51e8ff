"""What the Slack side must be told."""

from dataclasses import dataclass, field
from typing import Literal

SLACK = "https://slack.com/api/"


@dataclass(frozen=True)
class SlackSettings:
    """Tokens and the way in; `timeout` is one call's, in seconds. Tokens never show in a repr."""

    bot_token: str = field(repr=False)
    app_token: str = field(default="", repr=False)
    signing_secret: str = field(default="", repr=False)
    base_url: str = SLACK
    transport: Literal["socket", "http"] = "socket"
    timeout: float = 10.0

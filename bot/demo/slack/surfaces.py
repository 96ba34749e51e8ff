"""What stands beside the messages: triggers, views, response URLs, thread status and agent sessions."""

import secrets
from dataclasses import dataclass, field

from bot.demo.slack.records import Clock, Json, Refused

TRIGGER_LIFE_S = 3.0
RESPONSE_LIFE_S = 30 * 60.0
RESPONSE_USES = 5
MAX_STACK = 3
SESSION_STATES = ("processing", "active", "suspended", "closed")


@dataclass
class Trigger:
    """The right to open one modal for one user, soon."""

    user: str
    made: float
    used: bool = False


@dataclass
class View:
    """A modal or a Home tab as stored, with its version hash."""

    id: str
    user: str
    body: Json
    stack: tuple[str, ...] = ()

    def to_json(self, team_id: str) -> Json:
        """The view object of `views.*` and of interaction payloads."""
        root = self.stack[0] if self.stack else self.id
        previous = self.stack[-1] if self.stack else None
        return self.body | {"id": self.id, "team_id": team_id, "root_view_id": root, "previous_view_id": previous}


@dataclass
class Response:
    """A response URL: where it answers, and how often it may still be used."""

    channel: str
    user: str
    made: float
    message_ts: str | None = None
    thread_ts: str | None = None
    uses: int = 0


@dataclass
class Surfaces:
    """All of them in one place; every right to act is checked here."""

    now: Clock
    triggers: dict[str, Trigger] = field(default_factory=dict)
    views: dict[str, View] = field(default_factory=dict)
    homes: dict[str, View] = field(default_factory=dict)
    responses: dict[str, Response] = field(default_factory=dict)
    statuses: dict[tuple[str, str], str] = field(default_factory=dict)
    prompts: dict[str, list[Json]] = field(default_factory=dict)
    titles: dict[tuple[str, str], str] = field(default_factory=dict)
    sessions: dict[tuple[str, str], Json] = field(default_factory=dict)

    def new_trigger(self, user: str) -> str:
        """A trigger id, good for one modal within three seconds."""
        trigger_id = f"{int(self.now() * 1000)}.{secrets.token_hex(8)}"
        self.triggers[trigger_id] = Trigger(user, self.now())
        return trigger_id

    def spend_trigger(self, id: str) -> str:
        """The trigger's user; raises `invalid_trigger_id`, `expired_trigger_id` or `exchanged_trigger_id`."""
        trigger = self.triggers.get(id)
        if trigger is None:
            raise Refused("invalid_trigger_id")
        if self.now() - trigger.made > TRIGGER_LIFE_S:
            raise Refused("expired_trigger_id")
        if trigger.used:
            raise Refused("exchanged_trigger_id")
        trigger.used = True
        return trigger.user

    def new_response(self, response: Response) -> str:
        """The id under which a response URL is reachable."""
        response_id = secrets.token_urlsafe(16)
        self.responses[response_id] = response
        return response_id

    def spend_response(self, id: str) -> Response:
        """One use of a response URL; raises `used_url` after five, `expired_url` after thirty minutes."""
        response = self.responses.get(id)
        if response is None:
            raise Refused("no_such_url")
        if self.now() - response.made > RESPONSE_LIFE_S:
            raise Refused("expired_url")
        if response.uses >= RESPONSE_USES:
            raise Refused("used_url")
        response.uses += 1
        return response

    def put_view(self, view: View) -> View:
        """Store a view under a fresh hash."""
        view.body = view.body | {"hash": f"{int(self.now())}.{secrets.token_hex(4)}"}
        (self.homes if view.body["type"] == "home" else self.views)[
            view.user if view.body["type"] == "home" else view.id
        ] = view
        return view

    def find_view(self, id: str, external_id: str = "") -> View:
        """A stored view by id or external id; raises `not_found`."""
        everything = (*self.views.values(), *self.homes.values())
        for view in everything:
            if (id and view.id == id) or (external_id and view.body.get("external_id") == external_id):
                return view
        raise Refused("not_found")

    def top_view(self, user: str) -> View | None:
        """The modal in front of a user."""
        mine = [view for view in self.views.values() if view.user == user]
        return max(mine, key=lambda view: len(view.stack), default=None)

    def close_views(self, user: str) -> None:
        """Close every modal of a user."""
        self.views = {key: view for key, view in self.views.items() if view.user != user}

"""What can be wrong with a model's server or with a metrics source, by name."""

from dataclasses import dataclass

from tests.fakes.messages_server import Page, Refused, Reply, Request, Said, Text
from tests.scenarios.stage import looks_then_answers

DRAFT = Text("cart looks sick.\n" * 8)
OF_MODEL: dict[str, Reply] = {
    "529": Refused(529, "overloaded_error"),
    "429": Refused(429, "rate_limit_error", headers={"retry-after": "20"}),
    "500": Refused(500),
    "hang": Said(DRAFT, first_byte=3600),
    "pings": Said(DRAFT, ending="pings"),
    "cut": Said(DRAFT, ending="tcp_cut"),
    "html": Page(b"<html>Sign in</html>"),
    "spend": Refused(400, "invalid_request_error", "The limit is reached.", "enforced_spend_limit_reached"),
}
OF_SOURCE = ("refused", "hang", "500", "html", "truncated")


@dataclass(frozen=True)
class Case:
    """What fails, and how; `alerts` says whether there is an Alertmanager beside the Prometheus."""

    part: str
    fault: str
    alerts: bool = True

    @property
    def name(self) -> str:
        """As `--only` has it."""
        return f"{self.part}-{self.fault}{'' if self.alerts else '-alone'}"


CASES = (
    *(Case("model", fault) for fault in (*OF_MODEL, "refused")),
    *(Case("prometheus", fault, alerts) for alerts in (True, False) for fault in OF_SOURCE),
)


@dataclass
class Model:
    """The model's script: looks, then answers, or says its fault."""

    fault: Reply | None = None
    requests: int = 0

    def __call__(self, request: Request) -> Reply:
        """The next turn."""
        self.requests += 1
        return self.fault or looks_then_answers(request)

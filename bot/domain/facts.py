"""The shapes of `Found.facts` by a tool's role: what code (playbook, checks, charts) reads instead of text.

role     arguments the playbook gives              facts
alerts   (none)                                    alerts: AlertFact[]
rules    (none)                                    rules: RuleFact[]
range    query                                     series: SeriesFact[]
signals  service                                   movers: MoverFact[] (that service's golden signals)
movers   (none)                                    movers: MoverFact[], cause: CauseFact | null, graph: {str: str[]}
changes  (none)                                    changes: ChangeFact[]
logs     since                                     logs: LogFact[] (what is new in the logs, the most telling first)
forecast (none)                                    breaches: BreachFact[] (what runs into its limit, the soonest first)

Times are ISO 8601 in UTC, empty when unknown; units are seconds, bytes, ratio, 1/s, count or empty.
"""

from typing import NotRequired, TypedDict


class AlertFact(TypedDict):
    """A firing or pending alert; `value` as its annotations say it."""

    name: str
    service: str
    severity: str
    state: str
    since: str
    summary: str
    labels: dict[str, str]
    expr: str
    source: str
    env: str


class RuleFact(TypedDict):
    """An alerting rule."""

    name: str
    expr: str
    state: str
    source: str


class SeriesFact(TypedDict):
    """One series condensed: `before` is the baseline's median, `changed_at` when it left it."""

    labels: dict[str, str]
    service: str
    now: float
    before: float
    min: float
    max: float
    changed_at: str
    unit: str


class MoverFact(TypedDict):
    """A signal that moved: `size` in robust units of its baseline, `score` ranks across kinds."""

    service: str
    signal: str
    kind: str
    query: str
    unit: str
    before: float
    now: float
    size: float
    direction: str
    since: str
    score: float
    reason: str
    over: NotRequired[bool]
    until: NotRequired[str]
    env: NotRequired[str]


class CauseFact(TypedDict):
    """What code holds for the cause, with the conditions that support it."""

    service: str
    signal: str
    since: str
    confidence: str
    reason: str
    next_check: str
    kind: NotRequired[str]
    headline: NotRequired[str]
    affects: NotRequired[list[str]]
    until: NotRequired[str]
    env: NotRequired[str]


class ChangeFact(TypedDict):
    """Something people changed."""

    at: str
    what: str
    service: str
    kind: str
    source: str


class LogFact(TypedDict):
    """A kind of log entry that is new, bursts, fell silent or stands out; `line` is the id of the `sample`.

    `expected` is the count that the time before makes likely; `first` and `last` are empty where no time is known.
    """

    service: str
    kind: str
    level: str
    text: str
    count: int
    expected: float
    first: str
    last: str
    sample: str
    line: int
    source: str
    env: str


class BreachFact(TypedDict):
    """A series on its way to a limit: `probability` within `horizon` seconds, times as an 80 % interval."""

    service: str
    signal: str
    labels: dict[str, str]
    query: str
    unit: str
    now: float
    threshold: float
    direction: str
    probability: float
    earliest: str
    likely: str
    latest: str
    horizon: float
    source: str
    env: str

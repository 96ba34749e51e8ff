"""Evaluates alert rules as time goes by: pending, firing, resolved; and writes the ALERTS series."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from urllib.parse import quote_plus

from bot.demo.shop.rules import Rule
from bot.demo.shop.series import Series
from bot.demo.vendors import wire
from bot.demo.vendors.evaluator import Evaluation
from bot.demo.vendors.promql import parse
from bot.demo.vendors.storage import Storage
from bot.demo.vendors.template import expand
from bot.demo.vendors.vectors import Labels

INTERVAL = 15_000
"""Milliseconds between two evaluations."""
BEFORE = 3_600_000
"""Milliseconds of history over which rules are evaluated at the first look."""


@dataclass
class Alert:
    """One alert of a rule; times in milliseconds, `fired` None while it is pending."""

    rule: Rule
    labels: dict[str, str]
    active: int
    value: float
    fired: int | None = None
    ended: int | None = None

    @property
    def state(self) -> str:
        """pending or firing."""
        return "pending" if self.fired is None else "firing"

    @property
    def annotations(self) -> dict[str, str]:
        """The rule's annotations with labels and value put in."""
        return {name: expand(text, self.labels, self.value) for name, text in self.rule.annotations.items()}

    def shown(self) -> dict[str, object]:
        """The alert in the API's shape."""
        return {
            "labels": self.labels,
            "annotations": self.annotations,
            "state": self.state,
            "activeAt": wire.stamp(self.active),
            "value": scientific(self.value),
        }


@dataclass
class Watch:
    """A rule with its alerts and the cost of its last evaluation."""

    rule: Rule
    active: dict[Labels, Alert] = field(default_factory=dict)
    seconds: float = 0.0


def scientific(value: float) -> str:
    """A number as the API writes an alert's value: 3.5e-01."""
    text = wire.number(value)
    if text in ("NaN", "+Inf", "-Inf"):
        return text
    digits, _, exponent = f"{Decimal(repr(value)).normalize():e}".partition("e")
    return f"{digits}e{exponent[0]}{exponent[1:]:0>2}"


class Ruler:
    """Keeps the state of rule groups; each look brings it up to now (`now` gives UTC epoch seconds)."""

    def __init__(
        self, storage: Storage, now: Callable[[], float], groups: Mapping[str, Sequence[Rule]], url: str = ""
    ) -> None:
        self.url = url
        self.resolved: list[Alert] = []
        self.series: dict[Labels, Series] = {}
        self._storage = storage
        self._now = now
        self._groups = {name: [Watch(rule) for rule in rules] for name, rules in groups.items()}
        self._next = (round(now() * 1000) - BEFORE) // INTERVAL * INTERVAL

    @property
    def last(self) -> int:
        """The time of the last evaluation, in milliseconds."""
        return self._next - INTERVAL

    def update(self) -> None:
        """Evaluates every rule at each time that has passed since the last look."""
        times = range(self._next, round(self._now() * 1000) + 1, INTERVAL)
        if not times:
            return
        for watch in (one for group in self._groups.values() for one in group):
            began = time.perf_counter()
            rows = Evaluation(self._storage, times).rows(parse(watch.rule.expr))
            for place, at in enumerate(times):
                values = {row.labels: row.column[place] for row in rows}
                self._step(watch, at, {labels: value for labels, value in values.items() if value is not None})
            watch.seconds = (time.perf_counter() - began) / len(times)
        self._next = times[-1] + INTERVAL

    def _step(self, watch: Watch, at: int, values: Mapping[Labels, float]) -> None:
        """One evaluation of one rule."""
        rule = watch.rule
        for labels, value in values.items():
            alert = watch.active.get(labels)
            if alert is None:
                named = {name: text for name, text in labels if name != "__name__"}
                named |= {"alertname": rule.alert, "severity": rule.severity}
                alert = watch.active[labels] = Alert(rule, dict(sorted(named.items())), at, value)
            alert.value = value
            if alert.fired is None and at - alert.active >= rule.lasting * 1000:
                self._note(alert, at, ended=True)
                alert.fired = at
            self._note(alert, at)
        for labels in [known for known in watch.active if known not in values]:
            alert = watch.active.pop(labels)
            alert.ended = at
            self._note(alert, at, ended=True)
            if alert.fired is not None:
                self.resolved.append(alert)

    def _note(self, alert: Alert, at: int, ended: bool = False) -> None:
        """Writes the ALERTS series."""
        labels = {"__name__": "ALERTS", "alertstate": alert.state, **alert.labels}
        key = tuple(sorted(labels.items()))
        series = self.series.get(key)
        if ended:
            if series is not None:
                series.stale.append(at)
            return
        if series is None:
            series = self.series[key] = Series(dict(key))
        series.times.append(at)
        series.values.append(1.0)

    def firing(self) -> list[Alert]:
        """The alerts that fire now."""
        self.update()
        return [a for group in self._groups.values() for w in group for a in w.active.values() if a.fired is not None]

    def alerts(self) -> list[dict[str, object]]:
        """Pending and firing alerts in the API's shape."""
        self.update()
        return [a.shown() for group in self._groups.values() for watch in group for a in watch.active.values()]

    def groups(self) -> list[dict[str, object]]:
        """Rule groups in the API's shape."""
        self.update()
        return [
            {
                "name": name,
                "file": "/etc/prometheus/rules.yml",
                "rules": [self._shown(watch) for watch in group],
                "interval": INTERVAL // 1000,
                "limit": 0,
                "evaluationTime": round(sum(watch.seconds for watch in group), 9),
                "lastEvaluation": wire.stamp(self.last),
            }
            for name, group in self._groups.items()
        ]

    def _shown(self, watch: Watch) -> dict[str, object]:
        rule, states = watch.rule, {alert.state for alert in watch.active.values()}
        return {
            "state": "firing" if "firing" in states else "pending" if states else "inactive",
            "name": rule.alert,
            "query": rule.expr,
            "duration": rule.lasting,
            "keepFiringFor": 0,
            "labels": {"severity": rule.severity},
            "annotations": rule.annotations,
            "alerts": [alert.shown() for alert in watch.active.values()],
            "health": "ok",
            "evaluationTime": round(watch.seconds, 9),
            "lastEvaluation": wire.stamp(self.last),
            "type": "alerting",
        }

    def generator(self, alert: Alert) -> str:
        """The address of the alert's expression."""
        return f"{self.url}/graph?g0.expr={quote_plus(alert.rule.expr)}&g0.tab=1"

"""What faults and deploys may change about the shop at one moment."""

from dataclasses import dataclass, field

from bot.demo.shop.layout import SERVICES, instances

HEALTHY_HITS = 0.93
DAY = 86_400.0


@dataclass
class Conditions:
    """The shop's circumstances at `time` (seconds, UTC epoch); names are services' or instances'."""

    time: float
    traffic: float = 1.0
    hits: float = HEALTHY_HITS
    certificate: float = 0.0
    consumption: float = 1.0
    slow: dict[str, float] = field(default_factory=dict)
    fail: dict[str, float] = field(default_factory=dict)
    throttled: dict[str, float] = field(default_factory=dict)
    memory: dict[str, float] = field(default_factory=dict)
    idle: dict[str, int] = field(default_factory=dict)
    disk: dict[str, float] = field(default_factory=dict)
    down: set[str] = field(default_factory=set)
    started: dict[str, float] = field(default_factory=dict)
    version: dict[str, str] = field(default_factory=dict)

    def deploy(self, service: str, version: str, at: float) -> None:
        """Rolls a version out, one instance each 20 s; what lies in the future changes nothing."""
        for number, name in enumerate(SERVICES[service].names):
            restart = at + 20.0 * number
            if self.time >= restart:
                self.version[name] = version
                self.started[name] = restart


def calm(time: float, began: dict[str, float], certificate: float) -> Conditions:
    """A quiet moment: every instance up since `began` with its first version."""
    version = {name: service.version for name, service in instances()}
    return Conditions(time, certificate=certificate, started=dict(began), version=version)

"""Scores the evidence engine on a benchmark pack, beside the best references and the goals.

    python -m tests.benchmarks.analysis DIR [--json] [--lines 1000000] [--only logs,breach]

DIR is laid out as the pack's README says; parts that are not there are named and left out. References are those
measured on the acceptance set. The exit code tells whether every goal is met.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks import analysis_breach, analysis_logs, analysis_rca, analysis_rest

Figures = dict[str, float]
RECORDED_DRAIN3 = 3.0
"""MB/s of drain3 0.9.11 with masks at its fastest (the first 300,000 lines, a quiet machine): what is compared with
where drain3 is not installed."""


@dataclass(frozen=True)
class Goal:
    """A row of the table: the figure's name, what the best reference reaches, and between which values ours must be."""

    figure: str
    shown: str
    reference: str
    low: float | None = None
    high: float | None = None

    def met(self, value: float) -> bool:
        """Whether a figure is in bounds."""
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    @property
    def bounds(self) -> str:
        """The goal in words."""
        if self.low is not None and self.high is not None:
            return f"{self.low:g} to {self.high:g}"
        if self.low is None and self.high is None:
            return ""
        return f"≥ {self.low:g}" if self.high is None else f"≤ {self.high:g}"


GOALS = (
    Goal("raw_GA", "raw lines, GA", "drain3 .52, Brain .38", low=0.90),
    Goal("raw_FGA", "raw lines, FGA", "drain3 .42, Brain .52", low=0.88),
    Goal("raw_GA_lowest", "… the worst set, GA", "", low=0.85),
    Goal("raw_FGA_lowest", "… the worst set, FGA", "", low=0.82),
    Goal("content_GA", "content lines, GA", "Brain .88, drain3 .78", low=0.93),
    Goal("novel_recall", "novel events, recall", "drain3 .69", low=0.97),
    Goal("novel_false", "novel events, false groups", "drain3 169", high=15),
    Goal("mixed_MB_s", "mixed lines, MB/s", "drain3 0.9-3", low=100),
    Goal("times_drain3", "… times drain3 with masks", "", low=30),
    Goal("java_MB_s", "Java-style logs, MB/s", "drain3 0.9", low=60),
    Goal("peak_MB", "… peak of the process, MiB", "drain3 24-30", high=250),
    Goal("digest_tokens", "digest, most tokens", "template list 5-8 % of raw", high=2000),
    Goal("digest_left_out", "… new and error groups left out", "", high=0),
    Goal("incident_digest_tokens", "incident digest, most tokens", "", high=2000),
    Goal("incident_digests_short_of_room", "… with such groups left out", "", high=0),
    Goal("shop_service_ac1", "Sock Shop, service AC@1", "BARO .90", low=1.0),
    Goal("shop_metric_ac1", "… metric AC@1", "BARO .80", low=0.95),
    Goal("boutique_ac1", "Online Boutique, metrics, AC@1", "BARO .27", low=0.50),
    Goal("boutique_ac3", "… AC@3", "BARO .50", low=0.70),
    Goal("train_ac1", "Train Ticket, metrics and logs, AC@1", "BARO .00", low=0.50),
    Goal("train_ac3", "… AC@3", "BARO .06", low=0.70),
    Goal("pets_top1", "PetShop with call graph, top 1", "traversal .47", low=0.65),
    Goal("pets_top3", "… top 3", "traversal .74", low=0.90),
    Goal("quiet_share", "quiet windows, nothing reported", "none can", low=14 / 16),
    Goal("ms_1000x600", "1,000 series of 600 ranked, ms", "BARO 50-1,100 a case", high=100),
    Goal("breach_f1", "breach, F1", "seasonal naive .76, predict_linear .69", low=0.88),
    Goal("breach_brier", "breach, Brier", "seasonal naive .21, predict_linear .31", high=0.09),
    Goal("breach_within_10", "breach, timed within 10 %", "seasonal naive .57, predict_linear .14", low=0.78),
    Goal("breach_coverage", "breach, coverage of 80 %", "", low=0.75, high=0.88),
    Goal("breach_ms", "breach, ms a series", "", high=5),
    Goal("nab", "NAB, standard profile", "ARTime 69.9, HTM 64.2", low=55),
    Goal("nab_points_s", "NAB, points a second", "", low=1e6),
    Goal("alert_pair_f1", "alerts, pair F1", "Alertmanager .19, best simple .77", low=0.82),
    Goal("alert_compression", "alerts a group", "", low=3.5),
    Goal("alerts_5000_ms", "5,000 alerts, ms", "", high=100),
    Goal("import_s", "import of bot.analysis, s", "statsforecast 3-4", high=0.4),
    Goal("installed_MB", "… and what it needs, MB", "statsforecast 443", high=70),
)
DEVELOPMENT = {"alert_pair_f1": Goal("alert_pair_f1", "alerts, pair F1", "Alertmanager .09, best simple .37", low=0.55)}
"""Goals of their own for the development set, whose alerts are noisier."""


def goals_for(folder: Path) -> tuple[Goal, ...]:
    """The goals, those of the development set where the pack's README says that it is this."""
    about = folder / "README.md"
    first = about.read_text(encoding="utf-8").partition("\n")[0] if about.exists() else ""
    return tuple(DEVELOPMENT.get(g.figure, g) if first.endswith(" dev") else g for g in GOALS)


def logs(folder: Path, lines: int) -> Figures:
    """Grouping, novelty and digests of the labelled sets; speed and memory on lines of all of them mixed."""
    rows = analysis_logs.grouping(folder).values()
    told = analysis_logs.digests(folder).values()
    mix = analysis_logs.speed(analysis_logs.mixed(folder, lines))
    theirs = analysis_rest.drain3_speed(folder)
    count = len(rows)
    return {
        "raw_GA": sum(r["GA"] for r in rows) / count,
        "raw_FGA": sum(r["FGA"] for r in rows) / count,
        "raw_GA_lowest": min(r["GA"] for r in rows),
        "raw_FGA_lowest": min(r["FGA"] for r in rows),
        "content_GA": sum(r["content_GA"] for r in rows) / count,
        "novel_recall": sum(r["found"] for r in rows) / max(1, sum(r["novel"] for r in rows)),
        "novel_false": sum(r["false"] for r in rows),
        "mixed_MB_s": mix["MB_s"],
        "mixed_lines_s": mix["lines_s"],
        "drain3_MB_s": theirs or RECORDED_DRAIN3,
        "times_drain3": mix["MB_s"] / (theirs or RECORDED_DRAIN3),
        "peak_MB": analysis_rest.peak(folder, lines),
        "digest_tokens": max(r["tokens"] for r in told),
        "digest_share": max(r["share"] for r in told),
        "digest_left_out": sum(r["hidden"] for r in told),
    }


def incidents(folder: Path, lines: int) -> Figures:
    """Real logs of faults: speed, and what their digests hold."""
    java = analysis_logs.speed(analysis_logs.incident(folder))
    return {"java_MB_s": java["MB_s"], **analysis_rest.incidents(folder)}


def causes(folder: Path, lines: int) -> Figures:
    """Root causes of real and made faults, and quiet windows; times of change in samples."""
    return analysis_rca.score(folder)


def breach(folder: Path, lines: int) -> Figures:
    """Whether and when thresholds are crossed."""
    found = analysis_breach.breaches(folder / "breach")
    return {f"breach_{name}": found[name] for name in ("f1", "brier", "within_10", "coverage", "ms")}


def anomaly(folder: Path, lines: int) -> Figures:
    """Anomaly scores of single series."""
    found = analysis_breach.anomalies(folder / "anomaly")
    return {"nab": found["nab"], "nab_best": found["nab_best"], "nab_points_s": found["points_per_s"]}


def alerts(folder: Path, lines: int) -> Figures:
    """Alerts to incidents."""
    return analysis_rest.alerts(folder)


PARTS: dict[str, tuple[str, Callable[[Path, int], Figures]]] = {
    "logs": ("logs/loghub2k", logs),
    "incidents": ("logs/incident/labels.json", incidents),
    "causes": ("rca/labels.json", causes),
    "breach": ("breach/tasks.json", breach),
    "anomaly": ("anomaly/windows.json", anomaly),
    "alerts": ("alerts/stream.jsonl.gz", alerts),
    "size": ("", lambda folder, lines: analysis_rest.loaded()),
}
"""What is scored: the place in the folder that it needs, and how."""


def measure(folder: Path, lines: int, only: Sequence[str] = ()) -> tuple[Figures, dict[str, str]]:
    """(all figures, why a part is left out)."""
    figures: Figures = {}
    skipped: dict[str, str] = {}
    for name, (place, score) in PARTS.items():
        if only and name not in only:
            skipped[name] = "not asked for"
        elif not (folder / place).exists():
            skipped[name] = f"{folder / place} is not there"
        else:
            figures |= {key: float(value) for key, value in score(folder, lines).items()}
    return figures, skipped


def table(figures: Figures, goals: Sequence[Goal]) -> list[str]:
    """The figures with a goal, for people, then the others."""
    known = [g for g in goals if g.figure in figures]
    rows = [("figure", "ours", "goal", "", "reference")]
    rows += [
        (g.shown, f"{figures[g.figure]:,.4g}", g.bounds, "holds" if g.met(figures[g.figure]) else "MISSED", g.reference)
        for g in known
    ]
    named = {g.figure for g in known}
    rows += [(name, f"{value:,.4g}", "", "", "") for name, value in figures.items() if name not in named]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]


def main(argv: Sequence[str] | None = None) -> int:
    """Print the figures; the exit code tells whether every goal is met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--lines", type=int, default=1_000_000, help="of the mix that is timed")
    parser.add_argument("--only", default="", help=f"some of {', '.join(PARTS)}")
    asked = parser.parse_args(argv)
    only = [name for name in asked.only.split(",") if name]
    if unknown := set(only) - set(PARTS):
        parser.error(f"no part is called {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    figures, skipped = measure(asked.folder, asked.lines, only)
    if "times_drain3" in figures and not analysis_rest.has_drain3():
        skipped["drain3"] = f"not installed: compared with the recorded {RECORDED_DRAIN3:g} MB/s"
    goals = [g for g in goals_for(asked.folder) if g.figure in figures]
    held = {g.figure: g.met(figures[g.figure]) for g in goals}
    for name, why in skipped.items():
        print(f"left out: {name} ({why})", file=sys.stderr)
    if asked.json:
        beside = {g.figure: g.reference for g in goals if g.reference}
        print(json.dumps({"figures": figures, "references": beside, "goals": held, "skipped": skipped}, indent=1))
    else:
        print("\n".join(table(figures, goals)))
    return 0 if all(held.values()) else 1


if __name__ == "__main__":
    sys.exit(main())

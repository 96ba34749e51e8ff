"""Alert groups, incident logs, size and cost of the evidence engine; and the log parser it is compared with."""

import gzip
import importlib.util
import json
import lzma
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.analysis.digest import digest
from bot.analysis.groups import grouped
from bot.analysis.novelty import compare
from bot.domain.alerts import Alert
from tests.benchmarks.analysis_logs import mixed

START = datetime(2026, 1, 1, tzinfo=UTC)
SAME_LINES, SECONDS = 300_000, 60.0
"""Lines of the mix that the other parser gets, and how long it may take."""
_LEFT, _RIGHT = r"((?<=[^A-Za-z0-9])|^)", r"((?=[^A-Za-z0-9])|$)"
MASKS = (
    (rf"{_LEFT}(([0-9a-f]{{2,}}:){{3,}}([0-9a-f]{{2,}})){_RIGHT}", "ID"),
    (rf"{_LEFT}(\d{{1,3}}\.\d{{1,3}}\.\d{{1,3}}\.\d{{1,3}}){_RIGHT}", "IP"),
    (rf"{_LEFT}([0-9a-f]{{6,}} ?){{3,}}{_RIGHT}", "SEQ"),
    (rf"{_LEFT}([0-9A-F]{{4}} ?){{4,}}{_RIGHT}", "SEQ"),
    (rf"{_LEFT}(0x[a-fA-F0-9]+){_RIGHT}", "HEX"),
    (rf"{_LEFT}([\-\+]?\d+){_RIGHT}", "NUM"),
)
"""What drain3's own example configuration masks (github.com/logpai/Drain3, examples/drain3.ini)."""
LOADED = """
import importlib, json, pathlib, pkgutil, sys, time
began = time.perf_counter()
import bot.analysis
for module in pkgutil.iter_modules(bot.analysis.__path__):
    importlib.import_module(f"bot.analysis.{module.name}")
spent = time.perf_counter() - began
top = {name.partition(".")[0] for name in sys.modules} - set(sys.stdlib_module_names) - {"bot"}
places = [pathlib.Path(sys.modules[n].__file__).parent for n in top if getattr(sys.modules.get(n), "__path__", None)]
places += [libs for p in places if (libs := p.with_name(p.name + ".libs")).is_dir()]
size = sum(f.stat().st_size for p in places for f in p.rglob("*") if f.is_file() and "__pycache__" not in f.parts)
print(json.dumps([spent, size / 1e6, sorted(p.name for p in places)]))
"""
PEAK = """
import pathlib, sys
from tests.analysis.hostile import peak
from bot.analysis.templates import Miner
from tests.benchmarks.analysis_logs import mixed
miner = Miner()
for piece in mixed(pathlib.Path(sys.argv[1]), int(sys.argv[2])):
    miner.feed(piece)
miner.patterns()
print(peak())
"""


def told(code: str, *words: str) -> Any:
    """What a Python of its own prints for this, read as JSON."""
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, check=True, text=True)
    return json.loads(done.stdout)


def loaded(times: int = 5) -> dict[str, float]:
    """Seconds to import all of `bot.analysis` (the best of some), and MB of what it needs installed."""
    runs = [told(LOADED) for _ in range(times)]
    return {"import_s": min(run[0] for run in runs), "installed_MB": runs[0][1]}


def peak(folder: Path, lines: int) -> float:
    """MiB that a process takes at the most while it condenses so many mixed lines, making them included."""
    return float(told(PEAK, str(folder), str(lines)))


def _pairs(keys: Iterable[Hashable]) -> float:
    return sum(n * (n - 1) / 2 for n in Counter(keys).values())


def pair_scores(true: Sequence[Hashable], groups: Sequence[Hashable]) -> dict[str, float]:
    """Precision, recall and F1 over pairs of alerts in one group, and alerts a group."""
    both, right, said = _pairs(zip(true, groups, strict=True)), _pairs(true), _pairs(groups)
    precision, recall = both / said if said else 1.0, both / right if right else 1.0
    f1 = 2 * precision * recall / max(1e-12, precision + recall)
    return {"precision": precision, "recall": recall, "f1": f1, "compression": len(groups) / len(set(groups))}


def stream(folder: Path) -> tuple[list[Alert], dict[str, str]]:
    """The alerts of a folder (their ids as fingerprints), and each one's incident; noise is an incident of its own."""
    with gzip.open(folder / "alerts" / "stream.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    alerts = [
        Alert(r["labels"]["alertname"], r["labels"], START + timedelta(seconds=r["start"]), fingerprint=r["id"])
        for r in rows
    ]
    return alerts, {r["id"]: r["incident"] or f"noise-{r['id']}" for r in rows}


def alerts(folder: Path) -> dict[str, float]:
    """How well alerts become incidents, and milliseconds for 5,000 of them."""
    given, truth = stream(folder)
    placed = grouped(given)
    scores = pair_scores([truth[p.alert.fingerprint] for p in placed], [p.group for p in placed])
    many = [
        Alert(f"a{k % 7}", {"service": f"s{k % 200}", "namespace": f"n{k % 5}"}, START + timedelta(seconds=7 * k))
        for k in range(5_000)
    ]
    spent = []
    for _ in range(3):
        began = time.perf_counter()
        grouped(many)
        spent.append(time.perf_counter() - began)
    return {
        "alert_pair_f1": scores["f1"], "alert_compression": scores["compression"], "alerts_5000_ms": 1000 * min(spent),
    }  # fmt: skip


def _messages(path: Path) -> bytes:
    lines = lzma.decompress(path.read_bytes()).split(b"\n")
    return b"".join(line.split(b"\t", 2)[-1].replace(b"\\n", b"\n") + b"\n" for line in lines if line)


def incidents(folder: Path) -> dict[str, float]:
    """Digests of incident logs against a minute without a fault: tokens at the most, and groups that had no room."""
    room = folder / "logs" / "incident"
    ordinary: dict[str, bytes] = {}
    tokens, hidden, share = 0, 0, 0.0
    for case in json.loads((room / "labels.json").read_text(encoding="utf-8")):
        before = ordinary.setdefault(case["baseline"], _messages(room / case["baseline"]))
        now = _messages(room / case["file"])
        patterns, found = compare([before], [now])
        made = digest(patterns, found)
        tokens = max(tokens, made.tokens)
        share = max(share, len(made.text) / len(now))
        hidden += "(0 of them new" not in made.text and made.left_out > 0
    return {"incident_digest_tokens": tokens, "incident_digest_share": share, "incident_digests_short_of_room": hidden}


def has_drain3() -> bool:
    """Whether drain3 is installed."""
    return importlib.util.find_spec("drain3") is not None


def drain3_speed(folder: Path) -> float | None:
    """MB/s of CPU time of drain3 with masks on the same mix, in this process; None where it is not installed."""
    if not has_drain3():
        return None
    parser = importlib.import_module("drain3")
    config = importlib.import_module("drain3.template_miner_config").TemplateMinerConfig()
    mask = importlib.import_module("drain3.masking").MaskingInstruction
    config.masking_instructions = [mask(pattern, name) for pattern, name in MASKS]
    miner = parser.TemplateMiner(config=config)
    spent, size = 0.0, 0
    for piece in mixed(folder, SAME_LINES):
        lines = piece.decode("utf-8", "replace").split("\n")[:-1]
        began = time.process_time()
        for line in lines:
            miner.add_log_message(line)
        spent += time.process_time() - began
        size += len(piece)
        if spent > SECONDS:
            break
    return size / 1e6 / spent

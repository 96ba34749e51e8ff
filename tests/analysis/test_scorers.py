"""Our scorers say what the pack's own scorer says, to a millionth."""

import importlib.util
import random
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bot.analysis.groups import grouped
from bot.analysis.unusual import THRESHOLD, unusual
from tests.analysis.packs import PACK
from tests.benchmarks import analysis, analysis_breach, analysis_logs, analysis_rca, analysis_rest

SCORING = PACK / "scoring" / "scoring.py"
pytestmark = pytest.mark.skipif(
    not SCORING.exists(), reason=f"no scorer at {SCORING}: NIGHTJAR_TEST_ANALYSIS names another place for the pack"
)
CLOSE = 1e-6


def _factorized(values: Any, use_na_sentinel: bool) -> tuple[np.ndarray[Any, Any], list[Any]]:
    """Codes in order of first sight, as pandas gives them."""
    seen: dict[Any, int] = {}
    return np.array([seen.setdefault(value, len(seen)) for value in values]), list(seen)


def _pandas() -> ModuleType:
    """The three calls of pandas that the scores (not the loading) make, where pandas itself is not installed."""
    stub = ModuleType("pandas")
    parts = {
        "Series": lambda values, dtype: values,
        "factorize": _factorized,
        "to_datetime": lambda times: SimpleNamespace(to_numpy=lambda: np.array(list(times), "datetime64[s]")),
    }
    for name, part in parts.items():
        setattr(stub, name, part)
    return stub


@pytest.fixture(scope="module")
def theirs() -> Iterator[Any]:
    """The pack's scorer as a module, with pandas where it is installed."""
    patch = pytest.MonkeyPatch()
    if importlib.util.find_spec("pandas") is None:
        patch.setitem(sys.modules, "pandas", _pandas())
    spec = importlib.util.spec_from_file_location("pack_scoring", SCORING)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    patch.undo()


@pytest.mark.parametrize("seed", range(6))
def test_template_scores(theirs: Any, seed: int) -> None:
    """Of groupings that are right, wrong, split and merged."""
    chance = random.Random(seed)
    true = [f"E{chance.randrange(30)}" for _ in range(2_000)]
    names = {t: (t if chance.random() < 0.6 else f"E{chance.randrange(30)}") for t in set(true)}
    mined = [names[t] if chance.random() < 0.999 else "odd" for t in true]
    said = theirs.template_scores(true, mined)
    assert analysis_logs.template_scores(true, mined) == pytest.approx((said["GA"], said["FGA"]), abs=CLOSE)


def test_template_and_novelty_scores_of_the_sets(theirs: Any) -> None:
    """On every labelled set, as the product groups it."""
    for _, raw, labels in analysis_logs.sets(PACK):
        true, mined = [row["event_id"] for row in labels], analysis_logs.groups_of(raw)
        said = theirs.template_scores(true, mined)
        assert analysis_logs.template_scores(true, mined) == pytest.approx((said["GA"], said["FGA"]), abs=CLOSE)
        known = set(mined[: analysis_logs.HISTORY])
        later = mined[analysis_logs.HISTORY :]
        new = theirs.novelty_scores(true, [g not in known for g in later], later)
        ours = analysis_logs.novelty_scores(true, mined)
        assert ours == (new["novel_events"], new["found"], new["false_groups"])


def test_accuracy_of_causes(theirs: Any) -> None:
    """AC@k over rankings by chance, some without the cause."""
    chance = random.Random(2)
    names = [f"s{n}" for n in range(9)]
    cases = [{"root_cause_service": chance.choice(names)} for _ in range(80)]
    answers = [
        analysis_rca.Answer(case, tuple(chance.sample(names, chance.randrange(9))), "", True, None, 0.0)
        for case in cases
    ]
    said = theirs.ac_scores([list(a.services) for a in answers], [case["root_cause_service"] for case in cases])
    ours = {f"AC@{k}": analysis_rca.accuracy(answers, k) for k in (1, 3, 5)}
    assert ours == pytest.approx({name: said[name] for name in ours}, abs=CLOSE)


def test_breach_scores(theirs: Any) -> None:
    """On made tasks with right, wrong, early, late and missing answers."""
    chance = random.Random(3)
    tasks, guesses = [], []
    for n in range(400):
        breach = chance.random() < 0.5
        horizon = chance.randrange(10, 300)
        step = chance.randrange(horizon) if breach else None
        tasks.append({"id": f"t{n}", "breach": breach, "breach_step": step, "horizon": horizon, "step_s": 60})
        at = None if chance.random() < 0.2 else max(0, (step or 0) + chance.randrange(-20, 20))
        wide = chance.randrange(1, 40)
        guesses.append(analysis_breach.Guess(chance.random(), at, at and at - wide, at and at + wide))
    made = {t["id"]: {"p": g.p, "step": g.step, "lo": g.lo, "hi": g.hi} for t, g in zip(tasks, guesses, strict=True)}
    said, ours = theirs.breach_scores(tasks, made), analysis_breach.breach_scores(tasks, guesses)
    names = {
        "precision": "precision", "recall": "recall", "f1": "F1", "brier": "brier",
        "within_10": "within_10pct_of_horizon", "coverage": "interval80_coverage",
    }  # fmt: skip
    assert {n: ours[n] for n in names} == pytest.approx({n: said[their] for n, their in names.items()}, abs=CLOSE)


def test_nab_scores(theirs: Any) -> None:
    """With the product's threshold and with the best one, on every series."""
    begun = datetime(1970, 1, 1, tzinfo=UTC)
    files, scores, lines = {}, {}, []
    for name, (times, values, windows) in analysis_breach.labelled(PACK / "anomaly").items():
        stamps = [f"{begun + timedelta(seconds=float(t)):%Y-%m-%dT%H:%M:%S}" for t in times]
        files[name] = (stamps, [[stamps[a], stamps[b]] for a, b in windows])
        scores[name] = unusual(times, values)
        lines.append(analysis_breach.Labelled(scores[name], windows))
    for threshold in (THRESHOLD, None):
        said = theirs.nab_score(files, scores, threshold=threshold)
        assert analysis_breach.nab_score(lines, threshold) == pytest.approx(said, abs=CLOSE)


def test_alert_scores(theirs: Any) -> None:
    """As the product groups the stream, and for groups by chance."""
    rows = theirs.load_alerts(str(PACK))
    alerts, truth = analysis_rest.stream(PACK)
    of = {p.alert.fingerprint: p.group for p in grouped(alerts)}
    chance = random.Random(1)
    for groups in ([of[row["id"]] for row in rows], [chance.randrange(60) for _ in rows]):
        said = theirs.alert_scores(rows, groups)
        ours = analysis_rest.pair_scores([truth[row["id"]] for row in rows], groups)
        theirs_named = {n: said[f"pair_{n}"] for n in ("precision", "recall")}
        assert {n: ours[n] for n in theirs_named} == pytest.approx(theirs_named, abs=CLOSE)
        assert (ours["f1"], ours["compression"]) == pytest.approx((said["pair_F1"], said["compression"]), abs=CLOSE)


def test_one_command_names_what_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder without a pack: each part is said to be missing, what needs none is scored all the same."""
    code = analysis.main([str(tmp_path), "--only", "size,breach,alerts"])
    out, err = capsys.readouterr()
    assert f"left out: breach ({tmp_path}/breach/tasks.json is not there)" in err
    assert "import of bot.analysis" in out
    assert code in {0, 1}

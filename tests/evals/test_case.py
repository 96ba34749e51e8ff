"""Cases are read from TOML, and what does not fit is said with file, case and field."""

from pathlib import Path

import pytest

from bot.demo.shop import FAULTS
from bot.demo.shop.faults import choose
from bot.demo.shop.noise import Noise
from bot.domain.errors import SetupError
from bot.evals.case import NOTHING, SHIPPED, Case, load
from tests.evals.made import case

ONE = """
id = "pay"
question = "why?"
root_cause = "payments"
required = [{ words = ["errors"] }, { time = "onset" }, { number = 0.33, within = 0.05 }]
forbidden = [{ cause = "edge" }]
[world]
fault = "bad_deploy"
seed = 3
minutes = 9
"""
SHOP = load(SHIPPED)


def test_one_case_a_file_or_many(tmp_path: Path) -> None:
    """Folders inside are looked through as well, and the order is by id."""
    (tmp_path / "one.toml").write_text(ONE)
    more = "".join(f'[[case]]\nid = "{name}"\nquestion = "?"\n[case.world]\nfault = "none"\n' for name in ("z", "b"))
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "many.toml").write_text(more)
    assert [one.id for one in load(tmp_path)] == ["b", "pay", "z"]
    assert [one.id for one in load(tmp_path / "one.toml")] == ["pay"]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("id = ", "not valid TOML"),
        ('id = "x"\nquestion = "?"', "x does not fit:\n.*either a world or evidence"),
        (ONE.replace("seed", "sead"), "world.sead"),
        (ONE.replace('words = ["errors"]', 'words = ["errors"], phrase = "x"'), "exactly one of service, words"),
        (ONE.replace('{ cause = "edge" }', "{}"), "exactly one of cause, phrase"),
        (ONE.replace("minutes = 9", ""), "onset"),
        (ONE.replace('"onset"', '"2026-01-01T00:00:00"'), "needs its zone"),
        (ONE.replace('id = "pay"', 'id = "no blanks"'), "id: "),
        (ONE + "at = 2199-01-01T00:00:00Z", "in the past"),
        ('id = "x"\nquestion = "?"\nevidence = "e"', "evidence needs `at`"),
        ("case = [1]", "is no table"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, text: str, match: str) -> None:
    """By file, case and field; nothing is run before all fit."""
    (tmp_path / "x.toml").write_text(text)
    with pytest.raises(SetupError, match=rf"(?s)x\.toml.*{match}"):
        load(tmp_path)


def test_an_empty_folder_and_a_doubled_id_are_told(tmp_path: Path) -> None:
    """Neither is taken for "no cases failed"."""
    with pytest.raises(SetupError, match="holds no cases"):
        load(tmp_path)
    for name in ("a.toml", "b.toml"):
        (tmp_path / name).write_text(ONE)
    with pytest.raises(SetupError, match="two cases are called pay"):
        load(tmp_path)


def test_the_mark_changes_with_the_case() -> None:
    """With what decides the result, not with the remark about it."""
    assert case().mark == case(about="a remark").mark
    assert case().mark != case(question="what else?").mark


def test_enough_is_shipped() -> None:
    """Every fault at least twice, and the ways in which evidence lies or is missing."""
    assert len(SHOP) >= 30
    faults = [one.world.fault for one in SHOP if one.world]
    assert {name for name in FAULTS if faults.count(name) < 2} == {"random"}
    worlds = [one.world for one in SHOP if one.world]
    assert {kind for world in worlds for kind in world.missing} == {"prometheus", "alertmanager", "loki"}
    assert sum(world.alert is not None for world in worlds) >= 4
    assert sum(world.log is not None for world in worlds) >= 2
    assert len({one.question for one in SHOP}) >= 25


@pytest.mark.parametrize("one", SHOP, ids=lambda one: one.id)
def test_a_shipped_case_says_what_is_true(one: Case) -> None:
    """Its root cause is what the simulated shop says of itself."""
    assert one.world is not None
    world = one.world
    minutes = None if world.minutes is None else world.minutes * 60
    fault = choose(world.fault, Noise(world.seed).random("fault"), world.at.timestamp(), minutes, None)
    truth = fault.truth if fault else None
    right = {NOTHING} if truth is None else {truth.service, *([truth.dependency] if truth.dependency else [])}
    assert set(one.root_cause) == right | ({NOTHING} if truth and truth.harmless else set())
    assert not {rule.cause for rule in one.forbidden} & right

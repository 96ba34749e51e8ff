"""A case: a question, the world it is asked in, and what a right answer holds."""

import hashlib
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from bot.domain.errors import SetupError

SHIPPED = Path(__file__).parent / "cases"
NOTHING = "none"
AT = datetime(2026, 6, 10, 13, 30, tzinfo=UTC)
"""When questions about a simulated world are asked, unless a case says otherwise."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FiringRule(_Table):
    """One more alert rule in the world: by its expression it fires or not, by its summary it may mislead."""

    name: str
    expr: str
    summary: str
    severity: Literal["critical", "warning", "info"] = "warning"


class LogText(_Table):
    """A line that a service writes again and again in the half hour before the question."""

    service: str
    text: str
    level: str = "ERROR"


class World(_Table):
    """The simulated shop at one moment: `minutes` since the fault began, which sources do not answer."""

    fault: str
    seed: int = 1
    minutes: float | None = Field(None, gt=0, le=110)
    lasted: float | None = Field(None, gt=0, le=110)
    at: datetime = AT
    missing: tuple[Literal["prometheus", "alertmanager", "loki"], ...] = ()
    alert: FiringRule | None = None
    log: LogText | None = None

    @field_validator("at")
    @classmethod
    def _past(cls, at: datetime) -> datetime:
        if at.tzinfo is None or at > datetime.now(UTC):
            raise ValueError("a moment in the past with its zone, such as 2026-06-10T13:30:00Z")
        return at


class Fact(_Table):
    """One thing that the answer must hold: exactly one of service, words (any of them), time, number, phrase.

    `time` is ISO 8601 or `onset`; `within` is in minutes for a time and in the number's own unit for a number.
    """

    service: str = ""
    words: tuple[str, ...] = ()
    time: str | datetime = ""
    number: float | None = None
    phrase: str = ""
    within: float = Field(5.0, ge=0)

    @model_validator(mode="after")
    def _one(self) -> "Fact":
        if (
            sum((bool(self.service), bool(self.words), bool(self.time), self.number is not None, bool(self.phrase)))
            != 1
        ):
            raise ValueError("give exactly one of service, words, time, number, phrase")
        if self.time and self.time != "onset":
            at = datetime.fromisoformat(self.time) if isinstance(self.time, str) else self.time
            if at.tzinfo is None:
                raise ValueError("a time needs its zone")
        return self


class Forbidden(_Table):
    """One thing that the answer must not say: a service as the cause, or a phrase in its head (or anywhere)."""

    cause: str = ""
    phrase: str = ""
    anywhere: bool = False

    @model_validator(mode="after")
    def _one(self) -> "Forbidden":
        if bool(self.cause) == bool(self.phrase):
            raise ValueError("give exactly one of cause, phrase")
        return self


class Case(_Table):
    """One question with what a right answer holds.

    `root_cause` lists the services that may be named, "none" for nothing; left out, the cause is not graded.
    `unbacked` is how many numbers may lack evidence. `judge` is a criterion that a model decides, after all else.
    `evidence` is a folder with recorded evidence.
    """

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,79}$")
    question: str = Field(min_length=1)
    about: str = ""
    world: World | None = None
    evidence: Path | None = None
    at: datetime | None = None
    root_cause: tuple[str, ...] = ()
    required: tuple[Fact, ...] = ()
    forbidden: tuple[Forbidden, ...] = ()
    unbacked: int = Field(0, ge=0)
    judge: str = ""

    @field_validator("root_cause", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_world(self) -> "Case":
        if (self.world is None) == (self.evidence is None):
            raise ValueError("give either a world or evidence")
        if self.evidence is not None and (self.at is None or self.at.tzinfo is None):
            raise ValueError("evidence needs `at`: when the question was asked, with its zone")
        if any(fact.time == "onset" for fact in self.required) and not (self.world and self.world.minutes):
            raise ValueError("`onset` is known only in a world with `minutes`")
        return self

    @property
    def asked(self) -> datetime:
        """When the question is asked."""
        return self.world.at if self.world else (self.at or AT)

    @property
    def mark(self) -> str:
        """Changes when the case does, so that an older result of it is not taken for one of it."""
        return hashlib.sha256(self.model_dump_json(exclude={"about"}).encode()).hexdigest()[:12]


def load(folder: Path) -> tuple[Case, ...]:
    """Every case of a folder's `*.toml` files, its own folders included, by id. SetupError names what does not fit."""
    paths = sorted(folder.rglob("*.toml")) if folder.is_dir() else [folder] if folder.is_file() else []
    if not paths:
        raise SetupError(f"{folder} holds no cases (*.toml)")
    found: dict[str, Case] = {}
    for path in paths:
        for case in _read(path):
            if case.id in found:
                raise SetupError(f"{path}: two cases are called {case.id}")
            found[case.id] = case
    return tuple(found[name] for name in sorted(found))


def _read(path: Path) -> Iterator[Case]:
    """One case at the top of the file, or many as `[[case]]`."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SetupError(f"{path} is not valid TOML: {error}") from error
    rows: list[dict[str, Any]] = table.get("case", []) if "case" in table else [table]
    for number, row in enumerate(rows, 1):
        try:
            case = Case(**row)
        except (ValidationError, TypeError) as error:
            raise SetupError(_wrong(path, row, number, error)) from error
        yield case if case.evidence is None else case.model_copy(update={"evidence": path.parent / case.evidence})


def _wrong(path: Path, row: Any, number: int, error: ValidationError | TypeError) -> str:
    where = row.get("id", f"case {number}") if isinstance(row, dict) else f"case {number}"
    if isinstance(error, TypeError):
        return f"{path}: {where} is no table"
    lines = [f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}".lstrip(": ") for item in error.errors()]
    return f"{path}: {where} does not fit:\n  " + "\n  ".join(lines)

"""The only reader of the environment: variables and one TOML file become frozen settings."""

import os
import sqlite3
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings.exceptions import SettingsError

from bot.domain.errors import SetupError

CONFIG = "nightjar.toml"
Names = Annotated[tuple[str, ...], NoDecode]
_SECRET = ("password", "token", "key", "secret")


class ChannelSettings(BaseModel):
    """`[channels.inc-eu]`: what a channel is about, and what it may use."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    envs: tuple[str, ...] = Field((), description="environments it is about; none given means all, by choice")
    services: tuple[str, ...] = Field((), description="services it is about")
    models: tuple[str, ...] = Field((), description="models in order, instead of NIGHTJAR_MODELS")
    in_house: bool = Field(False, description="nothing said or seen here goes to a hosted model")
    keep: bool = Field(False, description="keep what is said in this channel, as it says there; off, nothing is copied")
    keep_days: int = Field(30, ge=1, le=3650, description="how long, with `keep`; edits and deletions follow Slack's")

    @property
    def days_kept(self) -> int:
        """0 where nothing is kept."""
        return self.keep_days if self.keep else 0


class LimitSettings(BaseModel):
    """`[limits]`: where an investigation ends, answered."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    turns: int = Field(8, ge=1, le=50, description="model turns; twice as many in a deep dive")
    tool_calls: int = Field(24, ge=1, le=200, description="queries and other tool calls")
    tokens: int = Field(200_000, ge=1_000, description="tokens read and written by the model")
    seconds: float = Field(120.0, ge=5, description="from acceptance to the last turn")
    usd: float = Field(1.0, ge=0, description="US dollars for the model")
    usd_per_day: float = Field(10.0, ge=0, description="US dollars a day; beyond it the playbook answers")


class Settings(BaseSettings):
    """Everything that can be set; variables win over `.env`, `.env` over `nightjar.toml`."""

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True)

    slack_bot_token: SecretStr = Field(SecretStr(""), description="xoxb-…, from OAuth & Permissions")
    slack_app_token: SecretStr = Field(SecretStr(""), description="xapp-…, from Basic Information, connections:write")
    slack_signing_secret: SecretStr = Field(SecretStr(""), description="from Basic Information; HTTP only")
    slack_transport: Literal["socket", "http"] = Field("socket", description="socket needs no public URL")
    slack_api_url: str = Field("https://slack.com/api/", description="another Slack-compatible server")
    anthropic_api_key: SecretStr = Field(SecretStr(""), description="without it the playbook answers")
    anthropic_base_url: str = Field("", description="another Anthropic-compatible server")
    nightjar_models: Names = Field((), description="models in order, e.g. claude:claude-opus-5-5,playbook")
    compare: Names = Field((), description="the two models that `/oncall compare` asks; else two families of the route")
    prometheus_url: str = Field("", description="short form of one [sources.prometheus]")
    alertmanager_url: str = Field("", description="short form of one [sources.alertmanager]")
    nightjar_env: str = Field("prod", description="environment of the short-form sources")
    database_url: str = Field("sqlite:///nightjar.sqlite", repr=False, description="sqlite:///path or postgresql://…")
    engine_url: str = Field("", repr=False, description="where running work is kept; default: beside the database")
    channel_patterns: Names = Field(("inc-*", "incident-*"), description="channels that are one incident")
    channel_list: Names = Field((), description="further incident channels, by name or id")
    channel_join: bool = Field(True, description="join new public channels of the pattern")
    money_channel: str = Field("", description="channel id that is told at 80 % of the day's money")
    link_hosts: Names = Field((), description="hosts whose links may stay links")
    concurrency: int = Field(20, ge=1, le=500, description="investigations at once in one process")
    concurrency_everywhere: int = Field(0, ge=0, description="investigations at once over all processes; 0: no limit")
    questions_per_minute: int = Field(0, ge=0, description="investigations begun a minute, over all; 0: no limit")
    keep_days: int = Field(400, ge=1, le=36500, description="how long investigations, evidence and votes are kept")
    heartbeat_url: SecretStr = Field(SecretStr(""), description="dead-man's switch: told each minute while all is well")
    otel_exporter_otlp_endpoint: str = Field(
        "", repr=False, description="collector of traces (OTLP over HTTP); none: off"
    )
    health_port: int = Field(0, ge=0, le=65535, description="health and metrics of a worker without HTTP; 0: none")
    port: int = Field(8080, ge=1, le=65535, description="HTTP intake, health and metrics")
    host: str = Field("127.0.0.1", description="address of the HTTP server")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="how much is logged")
    log_format: Literal["json", "text"] = Field("json", description="one JSON object a line, or text")
    limits: LimitSettings = Field(LimitSettings(), description="where an investigation ends, answered")
    channels: dict[str, ChannelSettings] = Field(default_factory=dict, description="by channel name or id")
    sources: dict[str, dict[str, Any]] = Field(default_factory=dict, repr=False, description="source instances")
    models: dict[str, dict[str, Any]] = Field(default_factory=dict, repr=False, description="by model family")
    route: dict[str, tuple[str, ...]] = Field(default_factory=dict, description="models in order, by task")

    @field_validator("nightjar_models", "compare", "channel_patterns", "channel_list", "link_hosts", mode="before")
    @classmethod
    def _comma_separated(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Given values, then variables, then `.env`; the TOML file comes in as given defaults (see `read`)."""
        return (init_settings, env_settings, dotenv_settings, _Toml(settings_cls))

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret value that is set, for the redactor."""
        own = [v.get_secret_value() for v in dict(self).values() if isinstance(v, SecretStr)]
        tables = (*self.sources.values(), *self.models.values())
        nested = [secret for table in tables for secret in _secrets_of(table)]
        urls = (
            self.database_url,
            self.engine_url,
            self.prometheus_url,
            self.alertmanager_url,
            self.otel_exporter_otlp_endpoint,
        )
        own += [password for url in urls if (password := urlsplit(url).password)]
        return tuple(value for value in (*own, *nested) if len(value) >= 6)


def _secrets_of(table: dict[str, Any]) -> Iterator[str]:
    """Values named as secrets, every header, and passwords inside addresses."""
    for name, value in table.items():
        if isinstance(value, dict) and name == "headers":
            yield from map(str, value.values())
        elif any(word in name for word in _SECRET) and not name.endswith("_file"):
            yield str(value)
        elif isinstance(value, str) and (password := urlsplit(value).password):
            yield password


class _Toml(PydanticBaseSettingsSource):
    """The TOML file named by NIGHTJAR_CONFIG, else `nightjar.toml` where the process starts."""

    def __call__(self) -> dict[str, Any]:
        path = Path(os.environ.get("NIGHTJAR_CONFIG", CONFIG))
        if not path.exists():
            if "NIGHTJAR_CONFIG" in os.environ:
                raise SetupError(f"NIGHTJAR_CONFIG names {path}, which does not exist")
            return {}
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SetupError(f"{path} is not valid TOML: {error}") from error
        if unknown := table.keys() - self.settings_cls.model_fields.keys():
            raise SetupError(f"{path}: no setting is called {', '.join(sorted(unknown))}")
        return {key: _from_environment(value) for key, value in table.items()}

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        """Not used: the whole table is returned at once."""
        return None, field_name, False


def _from_environment(value: Any) -> Any:
    """`password = "env:PROM_PASSWORD"` keeps the secret out of the file."""
    if isinstance(value, dict):
        return {key: _from_environment(item) for key, item in value.items()}
    if isinstance(value, str) and value.startswith("env:"):
        name = value.removeprefix("env:")
        if name not in os.environ:
            raise SetupError(f"the settings refer to {value}, but {name} is not set")
        return os.environ[name]
    return value


def read(**given: Any) -> Settings:
    """The settings, or a SetupError that names each wrong value and what it should be."""
    try:
        return Settings(**given)
    except ValidationError as error:
        lines = [f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors()]
        raise SetupError("the settings do not fit:\n  " + "\n  ".join(lines)) from error
    except SettingsError as error:
        raise SetupError(f"the settings do not fit: {error}") from error


def check_platform() -> None:
    """Refuse the one combination of Python and SQLite on which the engine cannot start."""
    if sys.version_info >= (3, 12) and sqlite3.sqlite_version_info < (3, 42):
        raise SetupError(
            f"Python {sys.version_info.major}.{sys.version_info.minor} with SQLite {sqlite3.sqlite_version} cannot run "
            "the engine. Remedies: use Python 3.11, or a Python built with SQLite 3.42 or newer; "
            "or set DATABASE_URL to PostgreSQL."
        )

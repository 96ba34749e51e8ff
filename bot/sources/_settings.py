"""How a source is reached over HTTP: its address, its credentials, its limits."""

from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator


class HttpSettings(BaseModel):
    """What every source that speaks HTTP takes; a user and password inside the URL are moved out of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(description="base URL, with the path under which its API stands")
    username: str = Field("", description="for basic authentication")
    password: SecretStr = Field(SecretStr(""), description="for basic authentication")
    token: SecretStr = Field(SecretStr(""), description="sent as a bearer token")
    token_file: str = Field("", description="file with the bearer token, read again whenever it changes")
    headers: dict[str, SecretStr] = Field(default_factory=dict, description="sent with every request")
    tenant: str = Field("", description="sent as X-Scope-OrgID")
    cert_file: str = Field("", description="client certificate (PEM), for mutual TLS")
    key_file: str = Field("", description="the certificate's key (PEM), unless it stands in cert_file")
    ca_file: str = Field("", description="authorities that signed the server's certificate (PEM)")
    verify: bool = Field(True, description="check the server's certificate")
    proxy: str = Field("", description="HTTP proxy to go through; variables such as HTTPS_PROXY are not read")
    timeout: float = Field(10.0, gt=0, le=120, description="seconds for a whole request")
    connections: int = Field(6, ge=1, le=64, description="requests at once")

    @model_validator(mode="before")
    @classmethod
    def _take_user_out(cls, given: Any) -> Any:
        if not isinstance(given, dict) or "@" not in str(given.get("url", "")):
            return given
        parts = urlsplit(str(given["url"]))
        user = {"username": unquote(parts.username or ""), "password": unquote(parts.password or "")}
        bare = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
        return {**{k: v for k, v in user.items() if v}, **given, "url": bare}

    @field_validator("url")
    @classmethod
    def _absolute(cls, url: str) -> str:
        parts = urlsplit(url.strip())
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("a URL starts with http:// or https:// and names a host")
        if parts.query or parts.fragment:
            raise ValueError("a base URL has no ? and no #")
        return url.strip().rstrip("/").removesuffix("/api/v1").removesuffix("/api/v2")

    @model_validator(mode="after")
    def _one_way_in(self) -> "HttpSettings":
        ways = [self.username or self.password.get_secret_value(), self.token.get_secret_value(), self.token_file]
        if sum(map(bool, ways)) > 1:
            raise ValueError("give one of: username and password, token, token_file")
        if self.key_file and not self.cert_file:
            raise ValueError("key_file needs cert_file")
        return self

    @property
    def host(self) -> str:
        """`host:port` as messages may show it."""
        return urlsplit(self.url).netloc

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret value that is set."""
        held = (self.password, self.token, *self.headers.values())
        return tuple(value for secret in held if (value := secret.get_secret_value()))

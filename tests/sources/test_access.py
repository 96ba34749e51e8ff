"""Ways in: basic authentication by a real Prometheus, mutual TLS, a tenant behind a path."""

import secrets
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sources import live
from tests.sources.opened import opened
from tests.sources.recorded import Player
from tests.sources.served import Reply, Request, Server


def bcrypt(word: str) -> str:
    """A bcrypt hash by the C library, as web.yml needs; empty where the library knows no bcrypt."""
    salt = "$2b$04$" + secrets.token_hex(11)
    command = ["perl", "-e", "print crypt($ARGV[0], $ARGV[1])", word, salt]
    made = subprocess.run(command, check=False, capture_output=True, text=True).stdout if shutil.which("perl") else ""
    return made if made.startswith("$2b$") else ""


def openssl(folder: Path, *arguments: str) -> None:
    """Run openssl in a folder."""
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority, a server's certificate for 127.0.0.1 and a client's, made for this run."""
    if shutil.which("openssl") is None:
        pytest.skip("not installed: openssl")
    folder = tmp_path_factory.mktemp("certificates")
    new = ("req", "-newkey", "rsa:2048", "-nodes")
    openssl(folder, *new, "-x509", "-days", "2", "-subj", "/CN=authority", "-keyout", "ca.key", "-out", "ca.pem")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1")
    for name in ("server", "client"):
        openssl(folder, *new, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        openssl(
            folder, "x509", "-req", "-days", "2", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-CAcreateserial", "-extfile", "names", "-out", f"{name}.pem",
        )  # fmt: skip
    return folder


@pytest.fixture
def mutual(certificates: Path) -> ssl.SSLContext:
    """A server's side of TLS that takes only clients of the authority."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(certificates / "ca.pem"))
    context.load_cert_chain(certificates / "server.pem", certificates / "server.key")
    context.verify_mode = ssl.CERT_REQUIRED
    return context


async def test_mutual_tls(certificates: Path, mutual: ssl.SSLContext) -> None:
    """With the authority and a client's certificate the source answers; each that is missing is told."""
    trust = {"ca_file": str(certificates / "ca.pem")}
    own = {"cert_file": str(certificates / "client.pem"), "key_file": str(certificates / "client.key")}
    async with Server(Player("3.5", "0.33"), tls=mutual) as server:
        async with opened("prometheus", server.url, **trust, **own) as p:
            assert (await p.health()).ok
        async with opened("prometheus", server.url, **own) as p:
            assert "set ca_file" in (await p.health()).detail
        async with opened("prometheus", server.url, **trust) as p:
            assert not (await p.health()).ok
        async with opened("prometheus", server.url, **own, verify=False) as p:
            assert (await p.health()).ok


async def test_a_certificate_that_cannot_be_read(tmp_path: Path) -> None:
    """A file that is no certificate is named, and nothing is sent."""
    (tmp_path / "not.pem").write_text("no certificate")
    async with opened("prometheus", "https://127.0.0.1:9", cert_file=str(tmp_path / "not.pem")) as p:
        health = await p.health()
    assert "not.pem" in health.detail
    assert not health.ok


async def test_a_tenant_behind_a_path_with_a_token() -> None:
    """As Mimir and Grafana Cloud are set up: a path, a bearer token, a tenant; without them 401."""
    token, play = secrets.token_urlsafe(20), Player("3.5", "0.33")

    def answer(request: Request) -> Reply:
        known = (request.headers.get("authorization"), request.headers.get("x-scope-orgid"))
        if known != (f"Bearer {token}", "team-a") or not request.path.startswith("/prometheus/"):
            return Reply(b"no org id", 401, "text/plain")
        path = request.path.removeprefix("/prometheus")
        return play(Request(request.method, path, request.params, request.headers))

    async with Server(answer) as server:
        async with opened("prometheus", f"{server.url}/prometheus", token=token, tenant="team-a") as p:
            assert (await p.health()).ok
        async with opened("prometheus", f"{server.url}/prometheus", token=token) as p:
            assert "tenant" in (await p.health()).detail or "token" in (await p.health()).detail


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """A real Prometheus with basic authentication and a path: its address and the password."""
    word = secrets.token_urlsafe(12)
    hashed = bcrypt(word)
    if live.MISSING or not hashed:
        pytest.skip(f"not installed: {live.MISSING or 'perl with bcrypt'}")
    (tmp_path / "web.yml").write_text(f"basic_auth_users:\n  jo: {hashed}\n")
    (tmp_path / "prometheus.yml").write_text("{}")
    flags = (f"--web.config.file={tmp_path}/web.yml", "--web.external-url=http://x/prom/")
    with live.prometheus(tmp_path, *flags) as url:
        yield f"{url}/prom", word


@pytest.mark.prometheus
async def test_basic_authentication_by_a_real_server(guarded: tuple[str, str]) -> None:
    """The right password opens it; a wrong one, and a token, are refused with the remedy and without the secret."""
    url, word = guarded
    wrong = secrets.token_urlsafe(12)
    async with opened("prometheus", url, username="jo", password=word) as p:
        assert (await p.health()).ok
    for settings in ({"username": "jo", "password": wrong}, {"token": wrong}):
        async with opened("prometheus", url, **settings) as p:
            detail = (await p.health()).detail
        assert "401" in detail
        assert wrong not in detail

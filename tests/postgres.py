"""A PostgreSQL cluster of the test run's own: started once, shared by all its processes, ended by the last one."""

import fcntl
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

_QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=32MB", "max_connections=200")
_UNPRIVILEGED = ("postgres", "nobody")


@dataclass(frozen=True)
class Cluster:
    """A server: `url` of its administrative database, `template` with this version's schema; no `pid` when given."""

    url: str
    template: str
    folder: str = ""
    pid: int = 0

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a new database made from the template; dropped afterwards."""
        name = f"test_{secrets.token_hex(6)}"
        _run(self.url, "CREATE DATABASE {} TEMPLATE {}", name, self.template)
        try:
            yield _with_name(self.url, name)
        finally:
            _run(self.url, "DROP DATABASE {} WITH (FORCE)", name)


def binaries() -> Path | None:
    """The folder of initdb and pg_ctl, or None."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    found = shutil.which("initdb") or (str(installed[-1]) if installed else "")
    return Path(found).resolve().parent if found else None


@contextmanager
def shared(state: Path, given: str, prepare: Callable[[str], None]) -> Iterator[Cluster]:
    """The run's cluster: the first process to ask starts it, the last to leave ends it; `prepare` fills the template.

    `state` is a file that all processes of the run see; `given` the URL of a server to use instead of a new one.
    """
    with _locked(state) as entry:
        if not entry:
            entry.update(asdict(_with_template(_given(given) if given else _started(), prepare)), users=0)
        entry["users"] += 1
        cluster = Cluster(**{key: value for key, value in entry.items() if key != "users"})
    try:
        yield cluster
    finally:
        with _locked(state) as entry:
            entry["users"] -= 1
            if not entry["users"]:
                _ended(cluster)
                entry.clear()


@contextmanager
def _locked(state: Path) -> Iterator[dict[str, Any]]:
    with Path(f"{state}.lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        entry = json.loads(state.read_text(encoding="utf-8")) if state.exists() else {}
        yield entry
        state.write_text(json.dumps(entry), encoding="utf-8")


def _given(url: str) -> Cluster:
    return Cluster(url, "")


def _started() -> Cluster:
    tools = binaries()
    assert tools is not None
    folder = Path(tempfile.mkdtemp(prefix="nightjar-pg-", dir=os.environ.get("NIGHTJAR_TEST_PG_DIR")))
    user = unprivileged()
    if user:
        shutil.chown(folder, user)
    data, port = folder / "data", free_port()
    settings = " ".join(f"-c {one}" for one in (*_QUICK, f"port={port}", f"unix_socket_directories={folder}"))
    _as(user, tools / "initdb", "-D", data, "-U", "nightjar", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
    listen = f"{settings} -c listen_addresses=127.0.0.1"
    _as(user, tools / "pg_ctl", "start", "-w", "-s", "-D", data, "-l", folder / "log", "-o", listen)
    pid = int((data / "postmaster.pid").read_text(encoding="utf-8").split()[0])
    return Cluster(f"postgresql://nightjar@127.0.0.1:{port}/postgres", "", str(folder), pid)


def unprivileged() -> str | None:
    """Who runs a server that refuses to be root's; None where nobody else is needed."""
    return next((name for name in _UNPRIVILEGED if _exists(name)), None) if os.getuid() == 0 else None


def _exists(user: str) -> bool:
    return subprocess.run(["id", user], capture_output=True, check=False).returncode == 0


def _as(user: str | None, *command: object) -> None:
    subprocess.run([str(part) for part in command], user=user, cwd="/", stdout=subprocess.DEVNULL, check=True)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _with_template(cluster: Cluster, prepare: Callable[[str], None]) -> Cluster:
    name = f"template_{secrets.token_hex(6)}"
    _run(cluster.url, "CREATE DATABASE {}", name)
    prepare(_with_name(cluster.url, name))
    return Cluster(cluster.url, name, cluster.folder, cluster.pid)


def _ended(cluster: Cluster) -> None:
    if not cluster.pid:
        _run(cluster.url, "DROP DATABASE {} WITH (FORCE)", cluster.template)
        return
    os.kill(cluster.pid, signal.SIGINT)
    pid_file = Path(cluster.folder) / "data" / "postmaster.pid"
    for _ in range(200):
        if not pid_file.exists():
            break
        time.sleep(0.05)
    shutil.rmtree(cluster.folder, ignore_errors=True)


def _run(url: str, statement: str, *names: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def _with_name(url: str, name: str) -> str:
    return f"{url.rpartition('/')[0]}/{name}"

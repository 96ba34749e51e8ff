"""A PgBouncer of a run's own between the bot and its PostgreSQL."""

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.postgres import free_port, unprivileged

MODES = ("session", "transaction")
START = 10.0  # seconds
CONFIG = """
[databases]
* = host={host} port={port} user={user} password={password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own}
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users.txt
pool_mode = {mode}
default_pool_size = {pool}
max_client_conn = 1000
logfile = {folder}/pgbouncer.log
"""


def installed() -> str:
    """Where the program is; empty where it is not."""
    return shutil.which("pgbouncer") or shutil.which("/usr/sbin/pgbouncer") or ""


@contextmanager
def bounced(url: str, mode: str, pool: int = 60) -> Iterator[str]:
    """The URL by which the same database is reached through it; `pool` connections to PostgreSQL at the most."""
    at, own, folder = urlsplit(url), free_port(), Path(tempfile.mkdtemp(prefix="nightjar-bouncer-"))
    user, runs_as = at.username or "nightjar", unprivileged()
    told = {
        "host": at.hostname,
        "port": at.port,
        "user": user,
        "password": at.password or "none",
        "own": own,
        "folder": folder,
    }
    (folder / "pgbouncer.ini").write_text(CONFIG.format(**told, mode=mode, pool=pool), encoding="utf-8")
    (folder / "users.txt").write_text(f'"{user}" ""\n', encoding="utf-8")
    if runs_as:
        shutil.chown(folder, runs_as)
        folder.chmod(0o755)
    process = subprocess.Popen([installed(), "-q", folder / "pgbouncer.ini"], user=runs_as, cwd="/")
    try:
        _wait_for(own)
        yield f"postgresql://{user}@127.0.0.1:{own}{at.path}"
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(port: int) -> None:
    end = time.monotonic() + START
    with socket.socket() as probe:
        while probe.connect_ex(("127.0.0.1", port)):
            if time.monotonic() > end:
                raise TimeoutError("pgbouncer did not start")
            time.sleep(0.05)

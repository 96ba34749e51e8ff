"""HTTP: Slack's requests come in, health and metrics go out."""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot import telemetry
from bot.domain.errors import SetupError
from bot.readiness import Report, shown

Handle = Callable[[bytes, Mapping[str, str]], Awaitable[tuple[int, Mapping[str, str], bytes]]]
Ready = Callable[[], Awaitable[Report]]
_LARGEST = 1_000_000


def application(ready: Ready, slack: Handle | None = None) -> Starlette:
    """The ASGI application.

    /healthz says that the process lives, and no more; /readyz is 503 with what is `wrong`, 200 with what it can work
    without.
    """

    async def healthz(_: Request) -> Response:
        return JSONResponse({"ok": True})

    async def readyz(_: Request) -> Response:
        report = await ready()
        wrong, impaired = shown(report.wrong), shown(report.impaired)
        return JSONResponse({"ok": not wrong, "wrong": wrong, "impaired": impaired}, 503 if wrong else 200)

    async def metrics(_: Request) -> Response:
        return Response(telemetry.exposition(), media_type="text/plain; version=0.0.4")

    routes = [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]
    if slack is not None:
        routes.append(Route("/slack/events", _events(slack), methods=["POST"]))
    return Starlette(routes=routes)


def _events(slack: Handle) -> Callable[[Request], Awaitable[Response]]:
    async def events(request: Request) -> Response:
        body = await _body(request)
        if body is None:
            return Response(status_code=413)
        status, headers, answer = await slack(body, dict(request.headers))
        return Response(answer, status, headers=dict(headers))

    return events


async def _body(request: Request) -> bytes | None:
    """The raw bytes, at most 1 MB; None when there are more or the sender went away."""
    parts, size = [], 0
    with contextlib.suppress(ClientDisconnect):
        async for part in request.stream():
            size += len(part)
            if size > _LARGEST:
                return None
            parts.append(part)
        return b"".join(parts)
    return None


class _Server(uvicorn.Server):
    """Leaves the process's signals to whoever composes it."""

    def capture_signals(self) -> contextlib.AbstractContextManager[None]:  # type: ignore[override]
        """Capture none."""
        return contextlib.nullcontext()


def serve(app: Any, host: str, port: int, stop: asyncio.Event) -> Coroutine[Any, Any, None]:
    """Listen at once; the coroutine serves until `stop` is set, then finishes what is under way, 5 s at most.

    SetupError when the address cannot be had.
    """
    try:
        listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except (OSError, UnicodeError) as error:
        why = str(getattr(error, "strerror", "") or error).partition(" (while")[0]
        raise SetupError(f"cannot listen on {host}:{port}: {why}; set HOST or PORT to another one") from error
    return _serve(app, listener, stop)


async def _serve(app: Any, listener: socket.socket, stop: asyncio.Event) -> None:
    config = uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=5)
    server = _Server(config)
    task = asyncio.create_task(server.serve([listener]))
    waiting = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        server.should_exit = True
        waiting.cancel()
        await task
        listener.close()

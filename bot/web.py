"""HTTP: Slack's requests come in, health and metrics go out."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot import telemetry

Handle = Callable[[bytes, Mapping[str, str]], Awaitable[tuple[int, Mapping[str, str], bytes]]]
Ready = Callable[[], Awaitable[Mapping[str, str]]]
_LARGEST = 1_000_000


def application(ready: Ready, slack: Handle | None = None) -> Starlette:
    """The ASGI application; `ready` names each part that is not well, empty when all are."""

    async def events(request: Request) -> Response:
        body = await _body(request)
        if body is None or slack is None:
            return Response(status_code=413 if slack else 404)
        status, headers, answer = await slack(body, dict(request.headers))
        return Response(answer, status, headers=dict(headers))

    async def healthz(_: Request) -> Response:
        return JSONResponse({"ok": True})

    async def readyz(_: Request) -> Response:
        wrong = await ready()
        return JSONResponse({"ok": not wrong, "wrong": dict(wrong)}, 503 if wrong else 200)

    async def metrics(_: Request) -> Response:
        return Response(telemetry.exposition(), media_type="text/plain; version=0.0.4")

    routes = [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]
    if slack is not None:
        routes.append(Route("/slack/events", events, methods=["POST"]))
    return Starlette(routes=routes)


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


async def serve(app: Any, host: str, port: int, stop: asyncio.Event) -> None:
    """Serve until `stop` is set, then finish what is under way, 5 s at most."""
    config = uvicorn.Config(app, host=host, port=port, log_config=None, lifespan="off", timeout_graceful_shutdown=5)
    server = _Server(config)
    task = asyncio.create_task(server.serve())
    waiting = asyncio.create_task(stop.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    waiting.cancel()
    await task

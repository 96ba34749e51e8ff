"""The routes, and who may use them: loopback names only, and no other site's pages."""

import dataclasses
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeAlias
from urllib.parse import quote

from aiohttp import web
from aiohttp.typedefs import Handler

from bot.demo.slack.control import obey
from bot.demo.slack.driver import Driver
from bot.demo.slack.gateway import Gateway
from bot.demo.slack.live import Live
from bot.demo.slack.records import Json, Refused

Serve: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]

PAGE = Path(__file__).parent / "page"
PAGE_FILES = {"index.html": "text/html", "style.css": "text/css", "icon.svg": "image/svg+xml"}
NAMES = ("127.0.0.1", "localhost", "[::1]")
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
MAX_BODY = 60_000_000


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse foreign Host names (DNS rebinding) and foreign Origins (other sites' scripts)."""
    name, _, _ = request.host.rpartition(":") if ":" in request.host.rsplit("]", 1)[-1] else (request.host, "", "")
    if name not in NAMES:
        return web.Response(status=403, text="this server answers on loopback names only\n")
    origin = request.headers.get("Origin")
    if origin is not None and origin != f"http://{request.host}":
        return web.Response(status=403, text="another site's page may not talk to this server\n")
    if request.headers.get("Sec-Fetch-Site") == "cross-site" and request.path != "/":
        return web.Response(status=403, text="another site's page may not talk to this server\n")
    return await handler(request)


class Site:
    """Everything outside the Web API: uploads, response URLs, the page and its control."""

    def __init__(self, driver: Driver, gateway: Gateway, live: Live) -> None:
        self._driver = driver
        self._gateway = gateway
        self._live = live

    async def page(self, request: web.Request) -> web.Response:
        """The page's files, and nothing beside them."""
        name = request.match_info.get("name", "index.html")
        kind = PAGE_FILES.get(name) or ("text/javascript" if name.endswith(".js") else "")
        if not kind or name not in {file.name for file in PAGE.iterdir()}:
            return web.Response(status=404, text="no such page\n")
        return web.Response(
            body=(PAGE / name).read_bytes(), headers=HEADERS | {"Content-Type": f"{kind}; charset=utf-8"}
        )

    async def link(self, request: web.Request) -> web.StreamResponse:
        """A Socket Mode connection; its ticket is good once."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._driver.workspace.tickets:
            return web.Response(status=403, text="unknown ticket\n")
        self._driver.workspace.tickets.discard(ticket)
        return await self._driver.sockets.serve(request)

    async def upload(self, request: web.Request) -> web.Response:
        """The bytes of a file; the answer is plain text, as Slack's is."""
        files = self._driver.workspace.files
        file = files.get(request.match_info["file"])
        body = await _uploaded(request)
        if file is None or len(body) != file.length:
            return web.Response(status=400, text="length mismatch or unknown upload\n")
        files[file.id] = dataclasses.replace(file, content=body)
        return web.Response(text=f"OK - {len(body)}")

    async def download(self, request: web.Request) -> web.Response:
        """A file's bytes."""
        file = self._driver.workspace.files.get(request.match_info["file"])
        if file is None or file.content is None:
            return web.Response(status=404, text="no such file\n")
        shown = "inline" if file.mimetype.startswith("image/") and "svg" not in file.mimetype else "attachment"
        headers = HEADERS | {"Content-Disposition": f"{shown}; filename*=UTF-8''{quote(file.name)}"}
        return web.Response(body=file.content, headers=headers | {"Content-Type": file.mimetype})

    async def private(self, request: web.Request) -> web.Response:
        """The same for a token that may read files; whoever has none is sent to sign in."""
        token = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
        if not self._gateway.may_read_files(token):
            return web.Response(status=302, headers={"Location": "/"})
        return await self.download(request)

    async def hook(self, request: web.Request) -> web.Response:
        """A response URL: five uses in thirty minutes."""
        driver = self._driver
        try:
            body = await _json_object(request)
            response = driver.workspace.surfaces.spend_response(request.match_info["id"])
            driver.respond(response, body)
        except Refused as refused:
            driver.traffic.note("call", "response_url", {}, {}, status=refused.code)
            return web.Response(status=404 if refused.code.endswith("_url") else 400, text=refused.code)
        driver.traffic.note("call", "response_url", body, {}, status="ok")
        return web.Response(text="ok")

    async def state(self, request: web.Request) -> web.Response:
        """The snapshot the page draws."""
        return web.json_response(self._live.snapshot())

    async def traffic(self, request: web.Request) -> web.Response:
        """The traffic list with its bodies: all of it, or what came after a number, or one line."""
        after, only = request.query.get("after", ""), request.query.get("number")
        least = int(after) if after.isdecimal() else 0
        lines = [
            exchange.to_json()
            for exchange in self._driver.traffic.exchanges
            if exchange.number > least and only in (None, str(exchange.number))
        ]
        return web.json_response({"traffic": lines})

    async def control(self, request: web.Request) -> web.Response:
        """One verb of the driver, its arguments as a JSON object."""
        if request.content_type != "application/json":
            return web.json_response({"ok": False, "error": "send JSON"}, status=415)
        try:
            result = await obey(self._driver, request.match_info["verb"], await _json_object(request))
        except Refused as refused:
            return web.json_response({"ok": False, "error": refused.code, "messages": refused.messages}, status=400)
        except (TypeError, ValueError, KeyError) as error:
            return web.json_response({"ok": False, "error": f"{type(error).__name__}: {error}"}, status=400)
        return web.json_response({"ok": True, "result": result}, dumps=lambda value: json.dumps(value, default=str))


async def _json_object(request: web.Request) -> Json:
    try:
        body = await request.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Refused("invalid_payload")
    return body


async def _uploaded(request: web.Request) -> bytes:
    if request.content_type != "multipart/form-data":
        return await request.read()
    for field in (await request.post()).values():
        if isinstance(field, web.FileField):
            return field.file.read()
    return b""


def build(driver: Driver, gateway: Gateway, live: Live) -> web.Application:
    """The application with all its routes."""
    site = Site(driver, gateway, live)
    app = web.Application(middlewares=[guard], client_max_size=MAX_BODY)
    app.router.add_route("*", "/api/{method}", gateway.serve)
    app.router.add_get("/link/", site.link)
    app.router.add_post("/upload/{file}", site.upload)
    app.router.add_get("/files/{file}/{name}", site.download)
    app.router.add_get("/files-pri/{file}/{name}", site.private)
    app.router.add_post("/hooks/{id}", site.hook)
    app.router.add_get("/", site.page)
    app.router.add_get("/page/{name}", site.page)
    app.router.add_get("/_sandbox/state", site.state)
    app.router.add_get("/_sandbox/live", live.serve)
    app.router.add_get("/_sandbox/traffic", site.traffic)
    app.router.add_post("/_sandbox/do/{verb}", site.control)
    return app

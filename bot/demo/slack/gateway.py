"""The Web API over HTTP: who calls, what fails on purpose, what is limited, and the method itself."""

import asyncio
import json
from dataclasses import dataclass

from aiohttp import web

from bot.demo.slack.arguments import Arguments
from bot.demo.slack.faults import Fault, Faults
from bot.demo.slack.limits import Limits
from bot.demo.slack.methods import METHODS
from bot.demo.slack.methods.method import Method
from bot.demo.slack.records import Json, Refused
from bot.demo.slack.traffic import Traffic
from bot.demo.slack.workspace import Workspace

HTML_500 = "<html><body><h1>500 Internal Server Error</h1></body></html>"
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


@dataclass(frozen=True)
class Tokens:
    """The app's credentials, and the scopes its bot token carries."""

    bot: str
    app: str
    scopes: tuple[str, ...]

    def judge(self, method: Method | None, given: str) -> Method:
        """The method if the token will do; raises `not_authed`, `invalid_auth`, `not_allowed_token_type`."""
        if method is None:
            raise Refused("unknown_method")
        if method.token == "none":  # noqa: S105 - a kind of token
            return method
        if not given:
            raise Refused("not_authed")
        if given not in (self.bot, self.app):
            raise Refused("invalid_auth")
        wanted = {"bot": (self.bot,), "app": (self.app,), "any": (self.bot, self.app)}[method.token]
        if given not in wanted:
            raise Refused("not_allowed_token_type")
        return method


async def read_arguments(request: web.Request) -> tuple[Json, str]:
    """The arguments of query, form or JSON body, in that order, and the token they came with."""
    raw: Json = dict(request.query)
    if request.content_type == "application/json":
        try:
            body = await request.json()
        except ValueError:
            raise Refused("invalid_json") from None
        if not isinstance(body, dict):
            raise Refused("json_not_object")
        raw |= body
    elif request.content_type in FORMS:
        raw |= {key: value for key, value in (await request.post()).items() if isinstance(value, str)}
    bearer = request.headers.get("Authorization", "")
    return raw, bearer.removeprefix("Bearer ").strip() if bearer else str(raw.get("token", ""))


class Gateway:
    """Answers `/api/{method}`; every call ends in the traffic list, also one that never got its answer."""

    def __init__(self, workspace: Workspace, tokens: Tokens, faults: Faults, limits: Limits, traffic: Traffic) -> None:
        self._workspace = workspace
        self._tokens = tokens
        self._faults = faults
        self._limits = limits
        self._traffic = traffic

    def may_read_files(self, token: str) -> bool:
        """Whether it is the bot's token, with the scope for files."""
        return token == self._tokens.bot and "files:read" in self._tokens.scopes

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One call."""
        name = request.match_info["method"]
        try:
            raw, token = await read_arguments(request)
            method = self._tokens.judge(METHODS.get(name), token)
        except Refused as refused:
            return self._answer(name, {}, _refusal(refused))
        fault = self._faults.for_call(name)
        if fault is not None:
            return await self._fail(request, method, raw, fault)
        wait = self._limits.wait_for(method, str(raw.get("channel", "")))
        if wait:
            return self._limited(name, raw, wait)
        return self._answer(name, raw, self._run(method, raw))

    def _run(self, method: Method, raw: Json) -> Json:
        try:
            return {"ok": True} | method.answer(self._workspace, Arguments(raw))
        except Refused as refused:
            return _refusal(refused)

    def _answer(self, name: str, raw: Json, body: Json) -> web.Response:
        self._note(name, raw, body, "ok" if body["ok"] else body["error"])
        headers = {"X-OAuth-Scopes": ",".join(self._tokens.scopes)}
        return web.json_response(body, headers=headers)

    def _limited(self, name: str, raw: Json, seconds: float) -> web.Response:
        body = {"ok": False, "error": "ratelimited"}
        self._note(name, raw, body, "ratelimited")
        return web.json_response(body, status=429, headers={"Retry-After": str(max(1, round(seconds)))})

    async def _fail(self, request: web.Request, method: Method, raw: Json, fault: Fault) -> web.StreamResponse:
        if fault.kind == "rate_limited":
            return self._limited(method.name, raw, fault.seconds)
        if fault.kind.endswith("stall"):
            landed = self._run(method, raw) if fault.kind == "landed_stall" else None
            await asyncio.sleep(fault.seconds)
            return self._answer(method.name, raw, landed or self._run(method, raw))
        body = self._run(method, raw) if fault.kind.startswith("landed") else {}
        self._note(method.name, raw, body, fault.kind)
        if fault.kind.endswith("dropped"):
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=499)
        return web.Response(status=500, text=HTML_500, content_type="text/html")

    def _note(self, name: str, raw: Json, body: Json, status: str) -> None:
        sent = {key: value for key, value in raw.items() if key != "token"}
        self._traffic.note("call", name, _plain(sent), _plain(body), status=status)


def _refusal(refused: Refused) -> Json:
    body: Json = {"ok": False, "error": refused.code}
    return body | ({"response_metadata": {"messages": list(refused.messages)}} if refused.messages else {})


def _plain(value: Json) -> Json:
    """A copy that later changes of the workspace do not reach."""
    copied: Json = json.loads(json.dumps(value))
    return copied

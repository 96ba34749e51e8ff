"""What an endpoint says of its model: how much it really reads."""

import asyncio
import contextlib
import re
from typing import Any

import httpx

_PLACES = (
    ("max_model_len",), ("context_length",), ("context_window",), ("max_context_length",),
    ("metadata", "context_length"), ("meta", "n_ctx"), ("top_provider", "context_length"),
)  # fmt: skip
"""Where /v1/models tells it: vLLM, Together, Groq, LM Studio, DeepInfra, llama.cpp, gateways."""
_SECONDS = 3.0
"""For all of it: a server that hangs must not hold the question up."""


async def window(http: httpx.AsyncClient, model: str) -> int:
    """Tokens the server reads at most of a prompt and its answer; 0 where it does not say.

    The servers' own answers come first, as they tell the window in use, not the one the model was trained for.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_SECONDS):
            for ask in (_llama_cpp, _ollama, _listed):
                with contextlib.suppress(httpx.HTTPError, ValueError, TypeError, AttributeError, LookupError):
                    if (found := await ask(http, model)) > 0:
                        return found
    return 0


async def _llama_cpp(http: httpx.AsyncClient, model: str) -> int:
    reply = await http.get(_root(http, "props"))
    return _number(reply.json()["default_generation_settings"]["n_ctx"]) if reply.status_code == 200 else 0


async def _ollama(http: httpx.AsyncClient, model: str) -> int:
    """What the loaded model got; before it is loaded, what its file asks for."""
    reply = await http.get(_root(http, "api/ps"))
    if reply.status_code != 200:
        return 0
    for loaded in reply.json()["models"]:
        if model in (loaded.get("name"), loaded.get("model")) and loaded.get("context_length"):
            return _number(loaded["context_length"])
    reply = await http.post(_root(http, "api/show"), json={"model": model})
    found = re.search(r"\bnum_ctx\s+(\d+)", str(reply.json().get("parameters")))
    return _number(int(found[1])) if found else 0


async def _listed(http: httpx.AsyncClient, model: str) -> int:
    reply = await http.get("models")
    listed = list(reply.json().get("data") or ())
    entry = next((one for one in listed if one.get("id") == model), listed[0] if len(listed) == 1 else {})
    return next((size for place in _PLACES if (size := _number(_at(entry, place)))), 0)


def _at(entry: Any, place: tuple[str, ...]) -> Any:
    for key in place:
        entry = entry.get(key) if isinstance(entry, dict) else None
    return entry


def _number(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _root(http: httpx.AsyncClient, path: str) -> httpx.URL:
    """A path beside `/v1`, on the same server."""
    return http.base_url.copy_with(
        raw_path=http.base_url.raw_path.rstrip(b"/").removesuffix(b"/v1") + b"/" + path.encode()
    )

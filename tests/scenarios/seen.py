"""Pictures to post, and a model that reads them off as a script says."""

import base64
import io
import json
from collections.abc import Callable, Mapping
from typing import Any

from PIL import Image, ImageDraw

from bot.demo.slack.records import Json
from tests.fakes.messages_server import Reply, Request, Said, Text

NAME = "dashboard.png"


def picture(text: str = "requests of cart", size: tuple[int, int] = (600, 300), kind: str = "PNG") -> bytes:
    """A small panel with some words and a line."""
    image = Image.new("RGB", size, "#181b1f")
    draw = ImageDraw.Draw(image)
    draw.text((20, 10), text, fill="white")
    draw.line([(20, 250), (300, 240), (400, 60), (580, 60)], fill="#73bf69", width=3)
    out = io.BytesIO()
    image.save(out, kind)
    return out.getvalue()


def posted(content: bytes, name: str = NAME, mimetype: str = "") -> Json:
    """A file as `say` takes it."""
    return {"name": name, "content": base64.b64encode(content).decode(), "mimetype": mimetype}


def panel(*points: tuple[str, float], title: str = "http_requests_total", name: str = "cart", **more: Any) -> Json:
    """What a model reads off: one panel with one series."""
    series = [{"name": name, "points": [{"at": at, "value": value} for at, value in points]}]
    empty = {"kind": "line", "unit": "req/s", "start": "", "end": "", "query": "", "thresholds": []}
    return {"title": title, **empty, "series": series, **more}


def read_off(*panels: Json, stands_out: str = "It rises at the end.") -> Said:
    """The same as the model writes it."""
    return Said(Text(json.dumps({"panels": list(panels), "stands_out": stands_out})))


def pictures_in(request: Request) -> list[bytes]:
    """The pictures of a request, in either protocol."""
    found = []
    for entry in request.body["messages"]:
        for block in entry["content"] if isinstance(entry["content"], list) else ():
            if block["type"] == "image":
                found.append(base64.b64decode(block["source"]["data"]))
            if block["type"] == "image_url":
                found.append(base64.b64decode(block["image_url"]["url"].partition(",")[2]))
    return found


def seeing(reads: Reply, then: Callable[[Request], Reply]) -> Callable[[Request], Reply]:
    """A model that reads off every picture alike, and does the rest as `then` says."""
    return lambda request: reads if pictures_in(request) else then(request)


def schema_of(body: Mapping[str, Any]) -> Any:
    """The schema that a request asks for, in either protocol."""
    if "response_format" in body:
        return body["response_format"]["json_schema"]["schema"]
    return body["output_config"]["format"]["schema"]

"""One file is one plugin: found where it lies, and never silently missing."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import bot.flows
import bot.llm
import bot.slack.actions
import bot.slack.commands
import bot.sources
import bot.tools
from bot import parts, settings
from bot.agent.guarded import Guarded
from bot.cli import inventory
from bot.domain.errors import PluginError
from bot.domain.plugin import Flow
from bot.plugins import discover
from bot.slack.app import SlackApp
from bot.slack.client import open_client
from bot.slack.settings import SlackSettings
from tests.flows.house import house

Add = Callable[[ModuleType, str, str], None]
FLOW = "from bot.domain.plugin import Flow\n\n\nasync def run(steps, deps, payload):\n    return payload\n\n\n"
SOURCE = """
from pydantic import BaseModel
from bot.domain.plugin import Source
from bot.domain.sources import Health, Instance

class Settings(BaseModel):
    url: str

async def health():
    return Health(True)

SOURCE = Source("pager", Settings, lambda head, s: Instance(head.name, "pager", head.env, health, url=s.url))
"""
TOOL = '''
from bot.domain.evidence import Found
from bot.domain.tools import Desk, tool

@tool(role="health", need="any")
async def ask_the_pager(desk: Desk) -> Found:
    """Who is on call."""
    return Found("nobody", "pager", "")

TOOL = ask_the_pager
'''
PROVIDER = """
from pydantic import BaseModel
from bot.domain.plugin import Provider

class Settings(BaseModel):
    pass

PROVIDER = Provider("oracle", Settings, lambda settings, model: model, "delphi")
"""
COMMAND = """
from bot.domain.plugin import Command

async def run(heard, context, commands):
    pass

COMMAND = Command("page", "page somebody", "page NAME", run)
"""
ACTION = """
from bot.domain.plugin import Action

async def run(payload, context):
    pass

ACTION = Action("page_now", run)
"""


@pytest.fixture
def add(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Add]:
    """Put a file into a room, for this test only."""
    before = set(sys.modules)

    def put(room: ModuleType, name: str, text: str) -> None:
        folder = tmp_path / room.__name__
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.py").write_text(text)
        monkeypatch.setattr(room, "__path__", [*room.__path__, str(folder)])

    yield put
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            package, _, last = name.rpartition(".")
            vars(sys.modules[package]).pop(last, None)
            del sys.modules[name]


def rows(**given: Any) -> dict[tuple[str, str], str]:
    """What bare `nightjar` lists: the state of each thing by room and name."""
    return {(room, name): state for room, name, state, _ in inventory.rows(settings.read(**given))}


def test_a_source_is_one_file(add: Add) -> None:
    """It is listed as off, and opened as soon as an instance is configured."""
    add(bot.sources, "pager", SOURCE)
    assert rows()["source", "pager"] == "off"
    given = settings.read(sources={"duty": {"kind": "pager", "url": "http://127.0.0.1", "env": "prod"}})
    (instance,) = parts.open_sources(given).instances
    assert (instance.name, instance.kind, instance.url) == ("duty", "pager", "http://127.0.0.1")


def test_a_tool_is_one_file(add: Add) -> None:
    """It is among the tools that a model may call."""
    add(bot.tools, "ask_the_pager", TOOL)
    assert "ask_the_pager" in {tool.name for tool in parts.all_tools()}
    assert ("tool", "ask_the_pager") in rows()


def test_a_model_family_is_one_file(add: Add) -> None:
    """Named in the route it is opened, with its own default model."""
    add(bot.llm, "oracle", PROVIDER)
    assert rows()["model", "oracle"] == "off"
    registry = parts.Registry(settings.read(nightjar_models="oracle"))
    assert registry.names == ("oracle:delphi", "playbook")
    opened = registry.get("oracle:delphi")
    assert isinstance(opened, Guarded)
    assert str(opened.model) == "delphi"


async def test_a_command_and_an_action_are_one_file_each(add: Add) -> None:
    """Slack's side finds both."""
    add(bot.slack.commands, "page", COMMAND)
    add(bot.slack.actions, "page_now", ACTION)
    client = open_client(SlackSettings("xoxb-nobody", base_url="http://127.0.0.1:9/api/"))
    async with house({}) as here:
        app = SlackApp(client, here.deps)
        assert app.commands["page"].usage == "page NAME"
        assert "page_now" in app.actions
    await client.close()


def test_a_flow_is_one_file(add: Add) -> None:
    """The engine is given it."""
    add(bot.flows, "escalate", FLOW + 'FLOW = Flow("escalate", run)\n')
    assert "escalate" in parts.all_flows()
    assert rows()["flow", "escalate"] == "on"


@pytest.mark.parametrize("text", ["import nothing_of_this_name", "this is no Python", "raise SystemError('early')"])
def test_a_broken_file_stops_the_start(add: Add, text: str) -> None:
    """Whatever goes wrong on import, the error names the file."""
    add(bot.flows, "broken", text)
    with pytest.raises(PluginError, match=r"bot\.flows\.broken cannot be imported"):
        parts.all_flows()


def test_two_of_one_name_stop_the_start(add: Add) -> None:
    """Which of them would answer must not depend on chance."""
    add(bot.flows, "zz_other", FLOW + 'FLOW = Flow("answer", run)\n')
    with pytest.raises(PluginError, match=r"two plugins of bot\.flows are called 'answer'"):
        parts.all_flows()


def test_a_constant_of_another_kind_stops_the_start(add: Add) -> None:
    """A typing error in a plugin does not make it vanish."""
    add(bot.flows, "odd", "FLOW = 'answer'\n")
    with pytest.raises(PluginError, match=r"bot\.flows\.odd\.FLOW is no Flow"):
        parts.all_flows()


def test_files_that_are_no_plugins_are_left_alone(add: Add) -> None:
    """An underscore, or no constant: beside the plugins there may be other modules."""
    before = discover(bot.flows, "FLOW", Flow)
    add(bot.flows, "_hidden", "raise SystemError('never imported')")
    add(bot.flows, "shared", "x = 1\n")
    assert discover(bot.flows, "FLOW", Flow) == before

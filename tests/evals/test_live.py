"""`make live`: real clients, real protocols, a fair table; without a key it says so."""

import asyncio
import json
import secrets
from pathlib import Path

import pytest

from tests.benchmarks import live
from tests.fakes.chat_server import ChatServer
from tests.fakes.messages_server import MessagesServer, Refused, Reply, Request, Said, Text


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the machine counts."""
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "NIGHTJAR_MODELS", "MODELS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def test_without_a_model_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 0, and nothing is written."""
    assert live.main([]) == 0
    assert "nothing is measured" in capsys.readouterr().out
    assert not Path("build").exists()


def test_the_ten_are_shipped() -> None:
    """A renamed case is missed here."""
    assert {case.id for case in live.chosen()} == set(live.TEN)
    assert len(live.TEN) == 10


@pytest.mark.timeout(300)
async def test_the_table_is_fair(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Claude is wrong once, Llama is throttled throughout, which is no wrong answer; the playbook stands beside."""

    def script(request: Request) -> Reply:
        return Said(Text("Nothing is wrong.\n\nCAUSE null"))

    monkeypatch.setattr(live, "TEN", ("nothing-wrong-2", "bad-deploy-2"))
    async with MessagesServer(script) as claude, ChatServer(lambda request: Refused(429)) as llama:
        monkeypatch.setenv("ANTHROPIC_API_KEY", "k-" + secrets.token_hex(8))
        monkeypatch.setenv("ANTHROPIC_BASE_URL", claude.url)
        monkeypatch.setenv("MODELS", json.dumps({"llama": {"base_url": llama.v1}}))
        assert await asyncio.to_thread(live.main, []) == 0
    table, page = [(tmp_path / "build" / name).read_text("utf-8") for name in ("live.md", "live.html")]
    assert "| claude | 1/2 (50 %) | 0 | 0 | 0 |" in table
    assert "| llama | nothing graded | 2 | 0 | 0 |" in table
    assert "| playbook | 2/2 (100 %) | 0 | 0 | 0 | $0.0000 |" in table
    assert "not graded on equally many runs" in table
    assert "rate_limited" in page

"""Whatever Slack does, there is exactly one answer, and nothing is left streaming."""

import pytest

from tests.fakes.messages_server import Request, Said
from tests.scenarios.conftest import Play
from tests.scenarios.stage import HEAD, Scene, looks_then_answers, text_of

METHODS = (
    "chat.postMessage",
    "chat.update",
    "chat.startStream",
    "chat.appendStream",
    "chat.stopStream",
    "chat.delete",
)
KINDS = ("rate_limited", "server_error", "landed_error", "landed_dropped", "dropped")


def drawn_out(request: Request) -> Said:
    """The same model, slow enough to be disturbed."""
    said = looks_then_answers(request)
    return Said(*said.blocks, pace=0.02)


async def whole(scene: Scene, count: int = 1) -> None:
    """The model's answers stand there, each once, and nothing else."""
    answers = await scene.answers(count, seconds=20)
    assert all(HEAD in text_of(answer) for answer in answers)
    assert scene.posts() == count
    assert scene.streaming == 0


@pytest.mark.parametrize("method", METHODS)
async def test_every_fault_of_a_method(play: Play, method: str) -> None:
    """Five ask at once while its next calls fail in each way: five answers, each posted once, nothing beside them."""
    async with play(script=drawn_out) as scene:
        for kind in KINDS:
            await scene.slack.fail(method, kind)
        for _ in KINDS:
            await scene.ask()
        await whole(scene, len(KINDS))


async def test_the_final_update(play: Play) -> None:
    """From the middle of the answer on an update fails in every way; the answer still arrives, once."""
    async with play(script=drawn_out) as scene:
        await scene.ask()
        await scene.slack.wait_for(lambda: scene.streaming)
        for kind in ("landed_dropped", "rate_limited", "landed_error"):
            await scene.slack.fail("chat.update", kind)
        await whole(scene)


async def test_reads_that_fail_do_not_stop_it(play: Play) -> None:
    """Channel, person and thread cannot be read at first."""
    async with play(script=looks_then_answers) as scene:
        for method in ("conversations.info", "conversations.replies", "users.info"):
            await scene.slack.fail(method, "server_error")
        root = await scene.ask("cart looks bad")
        await scene.ask(thread=root["ts"])
        await whole(scene)


async def test_calls_that_hang(play: Play) -> None:
    """A call that takes effect only after a second delays the answer, and doubles nothing."""
    async with play(script=looks_then_answers) as scene:
        for method in ("chat.postMessage", "chat.startStream", "chat.update"):
            await scene.slack.fail(method, "stall", seconds=1.0)
        await scene.ask()
        await whole(scene)


async def test_streams_that_slack_ends(play: Play) -> None:
    """Twice in mid-answer every stream is killed, as five minutes after its start; the answer goes on."""
    async with play(script=drawn_out) as scene:
        await scene.ask()
        for _ in range(2):
            await scene.slack.wait_for(lambda: scene.streaming)
            await scene.slack.kill_streams()
        await whole(scene)


async def test_sockets_sent_away_in_mid_answer(play: Play) -> None:
    """The bot comes again; what is asked meanwhile is told by Slack's tries again, and all is answered once."""
    async with play(script=drawn_out) as scene:
        await scene.ask()
        await scene.at_work()
        if scene.slack.sockets.alive:
            assert await scene.slack.disconnect() == 2
            await scene.slack.wait_connected(2)
        await scene.ask()
        await whole(scene, 2)


async def test_faults_by_chance(play: Play) -> None:
    """One call in five fails in some way, all along; five questions get five answers."""
    async with play(script=looks_then_answers) as scene:
        scene.slack.faults.rates.update({"*": 0.2})
        for _ in range(5):
            await scene.ask()
        await scene.slack.wait_for(lambda: len(scene.finished()) == 5, 40)
        await scene.slack.heal()
        await whole(scene, 5)

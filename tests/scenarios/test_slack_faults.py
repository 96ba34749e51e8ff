"""Whatever Slack does, there is exactly one answer, and nothing is left streaming."""

import pytest

from tests.fakes.messages_server import Request, Said
from tests.scenarios.conftest import Play
from tests.scenarios.stage import HEAD, Scene, looks_then_answers, text_of

KINDS = ("rate_limited", "server_error", "landed_error", "landed_dropped", "dropped")


def drawn_out(request: Request) -> Said:
    """The same model, slow enough to be disturbed."""
    said = looks_then_answers(request)
    return Said(*said.blocks, pace=0.02)


async def one_whole_answer(scene: Scene) -> None:
    """The model's answer stands there once, and nothing else."""
    (answer,) = await scene.answers()
    assert HEAD in text_of(answer)
    assert scene.posts() == 1
    assert scene.streaming == 0


@pytest.mark.parametrize("kind", KINDS)
async def test_the_placeholder_meets_it(play: Play, kind: str) -> None:
    """A post that failed, or only seemed to, is looked for before it is sent again."""
    async with play(script=looks_then_answers) as scene:
        await scene.slack.fail("chat.postMessage", kind)
        await scene.ask()
        await one_whole_answer(scene)


@pytest.mark.parametrize("kind", KINDS)
async def test_the_final_update_meets_it(play: Play, kind: str) -> None:
    """Every update from the middle of the answer on fails twice; the answer still arrives."""
    async with play(script=drawn_out) as scene:
        await scene.ask()
        await scene.slack.wait_for(lambda: scene.streaming)
        await scene.slack.fail("chat.update", kind, times=2)
        await one_whole_answer(scene)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", ["chat.startStream", "chat.appendStream", "chat.stopStream", "chat.delete"])
async def test_the_progress_meets_it(play: Play, method: str, kind: str) -> None:
    """Progress may be lost; the answer is not, and no second message stays."""
    async with play(script=drawn_out) as scene:
        await scene.slack.fail(method, kind)
        await scene.ask()
        await one_whole_answer(scene)


async def test_reads_that_fail_do_not_stop_it(play: Play) -> None:
    """Channel, person and thread cannot be read at first."""
    async with play(script=looks_then_answers) as scene:
        for method in ("conversations.info", "conversations.replies", "users.info"):
            await scene.slack.fail(method, "server_error")
        root = await scene.ask("cart looks bad")
        await scene.ask(thread=root["ts"])
        await one_whole_answer(scene)


async def test_calls_that_hang(play: Play) -> None:
    """A call that takes effect only after a second delays the answer, and doubles nothing."""
    async with play(script=looks_then_answers) as scene:
        for method in ("chat.postMessage", "chat.startStream", "chat.update"):
            await scene.slack.fail(method, "stall", seconds=1.0)
        await scene.ask()
        await one_whole_answer(scene)


async def test_streams_that_slack_ends(play: Play) -> None:
    """Twice in mid-answer every stream is killed, as five minutes after its start; the answer goes on."""
    async with play(script=drawn_out) as scene:
        await scene.ask()
        for _ in range(2):
            await scene.slack.wait_for(lambda: scene.streaming)
            await scene.slack.kill_streams()
        await one_whole_answer(scene)


async def test_sockets_sent_away_in_mid_answer(play: Play) -> None:
    """The bot comes again; what is asked meanwhile is told by Slack's tries again, and all is answered once."""
    async with play(script=drawn_out) as scene:
        await scene.ask()
        await scene.at_work()
        if scene.slack.sockets.alive:
            assert await scene.slack.disconnect() == 2
            await scene.slack.wait_connected(2)
        await scene.ask()
        await scene.answers(2)
        assert scene.posts() == 2
        assert scene.streaming == 0


async def test_faults_by_chance(play: Play) -> None:
    """One call in five fails in some way, all along; five questions get five answers."""
    async with play(script=looks_then_answers) as scene:
        scene.slack.faults.rates.update({"*": 0.2})
        for _ in range(5):
            await scene.ask()
        await scene.slack.wait_for(lambda: len(scene.finished()) == 5, 40)
        await scene.slack.heal()
        await scene.answers(5)
        assert all(HEAD in text_of(answer) for answer in scene.finished())
        assert scene.streaming == 0

"""`nightjar serve | web | worker`: the bot in production."""

import asyncio
import contextlib
import ctypes
import gc
import logging
import signal
from collections.abc import AsyncIterator

from bot import settings, wiring
from bot import web as http
from bot.domain.errors import SetupError
from bot.slack.health import check_app_token

log = logging.getLogger(__name__)
_ARENA_MAX = -8  # glibc's M_ARENA_MAX
_REFUSED = frozenset(
    {"account_inactive", "invalid_auth", "missing_scope", "not_allowed_token_type", "not_authed", "token_revoked"}
)


def run(*, web: bool, worker: bool) -> None:
    """Until SIGTERM or SIGINT; then what runs is finished or left for the next process."""
    config = settings.read()
    settings.check_platform()
    _require_slack(config)
    _few_arenas()
    asyncio.run(_serve(config, web=web, worker=worker))


def _few_arenas() -> None:
    """Two heaps for all threads, where the C library is glibc: one for each thread would keep what it freed."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_ARENA_MAX, 2)


def _settle() -> None:
    """What start-up made stays until the end: the collector need not look at it again, and may come less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 20, 20)


def _require_slack(config: settings.Settings) -> None:
    needed = {
        "SLACK_BOT_TOKEN": config.slack_bot_token,
        "SLACK_APP_TOKEN": config.slack_app_token if config.slack_transport == "socket" else config.slack_bot_token,
        "SLACK_SIGNING_SECRET": config.slack_signing_secret
        if config.slack_transport == "http"
        else config.slack_bot_token,
    }
    if missing := [name for name, value in needed.items() if not value.get_secret_value()]:
        raise SetupError(f"set {' and '.join(missing)} (`nightjar init` asks for each and says where it is found)")


async def _serve(config: settings.Settings, *, web: bool, worker: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    over_http = config.slack_transport == "http"
    async with contextlib.AsyncExitStack() as stack:
        house = await stack.enter_async_context(wiring.open_house(config, listen=worker))
        tasks: list[asyncio.Task[object]] = [loop.create_task(stop.wait())]
        serving: list[asyncio.Task[object]] = []
        heard = None
        async with _unless(stop):
            if worker and not over_http:
                await _try_app_token(config)
                tasks.append(await stack.enter_async_context(house.listening()))
            if web and over_http:
                heard = (await stack.enter_async_context(house.hearing())).handle_http
        if port := config.port if web else config.health_port:
            app = http.application(house.ready, heard)
            serving.append(loop.create_task(http.serve(app, config.host, port, stop)))
        await stack.enter_async_context(house.vitals.watching())
        _settle()
        log.info("ready", extra={"transport": config.slack_transport, "models": ", ".join(house.deps.policy.models)})
        done, _ = await asyncio.wait([*tasks, *serving], return_when=asyncio.FIRST_COMPLETED)
        stop.set()
        log.info("stopping")
        await asyncio.gather(*serving, *done)


@contextlib.asynccontextmanager
async def _unless(stop: asyncio.Event) -> AsyncIterator[None]:
    """What is done in here is given up when the process is told to stop: Slack may take its time to answer."""
    here, inside = asyncio.current_task(), True

    def give_up(_: object) -> None:
        if inside and stop.is_set() and here is not None:
            here.cancel()

    watch = asyncio.create_task(stop.wait())
    watch.add_done_callback(give_up)
    try:
        yield
    except asyncio.CancelledError:
        if not stop.is_set() or here is None or here.uncancel():
            raise
    finally:
        inside = False
        watch.cancel()


async def _try_app_token(config: settings.Settings) -> None:
    """The SDK would try a refused token again and again, and say so in the log only."""
    check = await check_app_token(config.slack_app_token.get_secret_value(), config.slack_api_url)
    if check.detail in _REFUSED:
        raise SetupError(f"SLACK_APP_TOKEN does not work: {check.detail}; {check.remedy}")

"""`nightjar serve | web | worker`: the bot in production."""

import asyncio
import logging
import signal

from bot import settings, wiring
from bot import web as http
from bot.domain.errors import SetupError

log = logging.getLogger(__name__)


def run(*, web: bool, worker: bool) -> None:
    """Until SIGTERM or SIGINT; then what runs is finished or left for the next process."""
    config = settings.read()
    settings.check_platform()
    _require_slack(config)
    asyncio.run(_serve(config, web=web, worker=worker))


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
    async with wiring.open_house(config, listen=worker) as house:
        over_http = web and config.slack_transport == "http"
        tasks = []
        if worker and config.slack_transport == "socket":
            await house.slack.connect()
        if web:
            app = http.application(house.ready, house.slack.handle_http if over_http else None)
            tasks.append(asyncio.create_task(http.serve(app, config.host, config.port, stop)))
        log.info("ready", extra={"transport": config.slack_transport, "models": house.deps.policy.models})
        await stop.wait()
        log.info("stopping")
        await asyncio.gather(*tasks)

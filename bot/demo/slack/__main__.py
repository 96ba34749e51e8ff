"""The sandbox in a process of its own: its first line on standard output says where it is and how to sign in."""

import argparse
import asyncio
import contextlib
import json
import signal
import sys

from bot.demo.slack.delivery import ACK_TIMEOUT_S, RETRY_DELAYS_S
from bot.demo.slack.sandbox import Sandbox


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bot.demo.slack", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1 (default: any free one)")
    parser.add_argument("--channel", action="append", help="channel to make (default: inc-checkout, general)")
    parser.add_argument("--limits", action="store_true", help="Slack's rate limits")
    parser.add_argument("--ack-timeout", type=float, default=ACK_TIMEOUT_S, help="seconds to wait for an ack")
    parser.add_argument(
        "--retry-delays", default=",".join(map(str, RETRY_DELAYS_S)), help="seconds before each try again"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the faults by chance")
    return parser.parse_args()


async def _serve(options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    sandbox = Sandbox(
        port=options.port,
        channels=options.channel or ("inc-checkout", "general"),
        limits=options.limits,
        ack_timeout=options.ack_timeout,
        retry_delays=[float(part) for part in options.retry_delays.split(",") if part],
        seed=options.seed,
    )
    async with sandbox:
        sys.stdout.write(json.dumps(sandbox.credentials()) + "\n")
        sys.stdout.flush()
        await stop.wait()


def main() -> int:
    """Serve until told to stop; 1 when the port is taken."""
    options = _options()
    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(_serve(options))
    except OSError as error:
        sys.stderr.write(f"cannot listen on port {options.port}: {error.strerror}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

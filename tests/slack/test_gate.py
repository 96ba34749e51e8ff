"""Nothing unsigned, old, too large or packed reaches Bolt, and nothing of it becomes a 500."""

import hashlib
import hmac
import random
import secrets
import time
from collections.abc import Callable

import pytest

from bot.slack.gate import MAX_BODY, Gate
from tests.slack.house import House, open_house

SECRET = secrets.token_hex(16)
BODY = b'{"type":"event_callback"}'


def signed(body: bytes = BODY, stamp: str | None = None, secret: str = SECRET) -> dict[str, str]:
    """Slack's two headers for a body."""
    stamp = str(int(time.time())) if stamp is None else stamp
    digest = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}"}


@pytest.mark.parametrize("age", [0, 299, -299])
def test_slacks_own_requests_pass(age: int) -> None:
    """A signature of these bytes, at most five minutes off, in any case of header names."""
    headers = signed(stamp=str(int(time.time()) - age))
    assert Gate(SECRET, time.time).refuses(BODY, headers) == 0
    assert Gate(SECRET, time.time).refuses(BODY, {name.lower(): value for name, value in headers.items()}) == 0


@pytest.mark.parametrize("stamp", ["", "abc", "1.5", "-5", "+5", "１２３", "9" * 400, " 1", "0x1", "1e9", "nan"])
def test_an_odd_timestamp_is_401(stamp: str) -> None:
    """A timestamp that is no plain number refuses the request; it never breaks the gate."""
    assert Gate(SECRET, time.time).refuses(BODY, signed(stamp=stamp)) == 401


def test_forgeries_are_401() -> None:
    """Three thousand forged requests of many kinds: none passes, none raises."""
    chance, gate = random.Random(5), Gate(SECRET, time.time)
    old = signed(stamp=str(int(time.time()) - 301))
    kinds: list[Callable[[], dict[str, str]]] = [
        lambda: signed(secret=secrets.token_hex(16)),
        lambda: signed(BODY + b" "),
        lambda: old,
        lambda: signed() | {"X-Slack-Signature": chance.choice(["", "v0=", "v0=é", "v1=" + "0" * 64, "\udcff"])},
        lambda: signed() | {"X-Slack-Signature": signed()["X-Slack-Signature"].upper()},
        lambda: {"X-Slack-Signature": signed()["X-Slack-Signature"]},
        dict,
    ]
    assert {gate.refuses(BODY, chance.choice(kinds)()) for _ in range(3_000)} == {401}


def test_size_and_packing_are_refused_before_the_signature() -> None:
    """A body over 1 MB is 413 and a packed one 415, signed or not; an empty secret lets nothing through."""
    gate = Gate(SECRET, time.time)
    assert gate.refuses(b"x" * (MAX_BODY + 1), {}) == 413
    assert gate.refuses(BODY, signed() | {"Content-Encoding": "gzip"}) == 415
    assert Gate("", time.time).refuses(BODY, signed(secret="")) == 401


async def _answer(house: House, body: bytes, kind: str = "application/json") -> tuple[int, bytes]:
    headers = signed(body, secret=house.slack.signing_secret) | {"Content-Type": kind}
    status, _, answer = await house.app.handle_http(body, headers)
    return status, answer


async def test_signed_bodies_of_no_known_shape_are_200() -> None:
    """What Slack signed but nobody can read must not make Slack switch the app off."""
    async with open_house() as house:
        bodies = [b"{", b"[]", b'"x"', b"\xff\xfe", b"[" * 100_000, b"payload=%7B", b"", b"null", b"a=b", b"1"]
        assert [(await _answer(house, body))[0] for body in bodies] == [200] * len(bodies)
        challenge = b'{"type":"url_verification","challenge":"abc"}'
        assert await _answer(house, challenge) == (200, b'{"challenge": "abc"}')

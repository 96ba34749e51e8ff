"""Signed HTTP delivery: what Slack does when the app has request URLs instead of sockets."""

import hashlib
import hmac
import json
import time
from urllib.parse import urlencode

import aiohttp

from bot.demo.slack.delivery import ACK_TIMEOUT_S, Envelope, Outcome
from bot.demo.slack.faults import Faults
from bot.demo.slack.records import Json

REASONS = {"timeout": "http_timeout", "no_connection": "connection_failed"}


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Slack's `v0` signature over the raw bytes."""
    base = b"v0:" + timestamp.encode() + b":" + body
    return "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()


class Push:
    """Posts to the app's one request URL, as Bolt serves events, commands and clicks from one path."""

    def __init__(self, url: str, secret: str, faults: Faults, timeout_s: float = ACK_TIMEOUT_S) -> None:
        self.url = url
        self._secret = secret
        self._faults = faults
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)

    async def carry(self, envelope: Envelope, attempt: int, reason: str) -> Outcome:
        """Post once; anything but a 2xx in time is a failure."""
        kind, body = _encoded(envelope)
        headers = self._headers(kind, body)
        if attempt:
            headers |= {"X-Slack-Retry-Num": str(attempt), "X-Slack-Retry-Reason": REASONS.get(reason, "http_error")}
        try:
            async with (
                aiohttp.ClientSession(timeout=self._timeout) as session,
                session.post(self.url, data=body, headers=headers) as answer,
            ):
                return self._judged(answer.status, answer.headers.get("X-Slack-No-Retry"), await answer.text())
        except TimeoutError:
            return Outcome("timeout")
        except aiohttp.ClientError:
            return Outcome("no_connection")

    async def verify(self) -> bool:
        """The challenge Slack sends when a request URL is set; whether it was answered."""
        payload = {"type": "url_verification", "challenge": hashlib.sha256(self._secret.encode()).hexdigest()}
        outcome = await self.carry(Envelope("", "events_api", "url_verification", payload), 0, "")
        answer = (outcome.body or {}).get("challenge") or (outcome.body or {}).get("text")
        return outcome.ok and answer == payload["challenge"]

    def _headers(self, kind: str, body: bytes) -> dict[str, str]:
        timestamp = str(int(time.time()))  # the receiver compares it with its own clock
        return {
            "Content-Type": kind,
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": signature(self._secret, timestamp, body),
        }

    def _judged(self, status: int, no_retry: str | None, text: str) -> Outcome:
        if self._faults.loses_ack():
            return Outcome("timeout")
        if not 200 <= status < 300:
            return Outcome("http_error", {"status": status}, final=no_retry == "1")
        try:
            body = json.loads(text) if text else None
        except ValueError:
            body = {"text": text}
        return Outcome("ok", body if isinstance(body, dict) else None)


def _encoded(envelope: Envelope) -> tuple[str, bytes]:
    payload: Json = envelope.payload
    if envelope.kind == "events_api":
        return "application/json", json.dumps(payload).encode()
    fields = payload if envelope.kind == "slash_commands" else {"payload": json.dumps(payload)}
    return "application/x-www-form-urlencoded", urlencode(fields).encode()

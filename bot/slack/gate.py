"""What is checked on an HTTP request's raw bytes before anything of it is parsed."""

import hashlib
import hmac
from collections.abc import Callable, Mapping

MAX_BODY = 1_000_000
MAX_AGE = 300  # seconds, into the past and into the future
_TIMESTAMP, _SIGNATURE = "x-slack-request-timestamp", "x-slack-signature"


class Gate:
    """Knows the signing secret and the time; an empty secret lets nothing through."""

    def __init__(self, secret: str, now: Callable[[], float]) -> None:
        self._secret = secret.encode()
        self._now = now

    def refuses(self, body: bytes, headers: Mapping[str, str]) -> int:
        """The HTTP status to answer with: 413, 415 or 401; 0 when the request is Slack's."""
        lower = {name.lower(): value for name, value in headers.items()}
        if len(body) > MAX_BODY:
            return 413
        if lower.get("content-encoding", "identity") != "identity":
            return 415
        stamp, signature = lower.get(_TIMESTAMP, ""), lower.get(_SIGNATURE, "")
        return 0 if self._is_fresh(stamp) and self._is_signed(body, stamp, signature) else 401

    def _is_fresh(self, stamp: str) -> bool:
        if not (stamp.isascii() and stamp.isdecimal() and len(stamp) <= 12):
            return False
        return abs(self._now() - int(stamp)) <= MAX_AGE

    def _is_signed(self, body: bytes, stamp: str, signature: str) -> bool:
        if not self._secret:
            return False
        expected = hmac.new(self._secret, b"v0:%b:%b" % (stamp.encode(), body), hashlib.sha256).hexdigest()
        return hmac.compare_digest(f"v0={expected}".encode(), signature.encode(errors="surrogatepass"))

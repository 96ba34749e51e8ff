"""What is checked on an HTTP request's raw bytes before anything of it is parsed."""

import hashlib
import hmac
import logging
import time
from collections.abc import Callable, Mapping

MAX_BODY = 1_000_000
MAX_AGE = 300  # seconds, into the past and into the future
_SAID_AGAIN = 60.0  # seconds
_log = logging.getLogger(__name__)
_TIMESTAMP, _SIGNATURE = "x-slack-request-timestamp", "x-slack-signature"


class Gate:
    """Knows the signing secret and the time; an empty secret lets nothing through."""

    def __init__(self, secret: str, now: Callable[[], float]) -> None:
        self._secret = secret.encode()
        self._now = now
        self._said = -_SAID_AGAIN

    def refuses(self, body: bytes, headers: Mapping[str, str]) -> int:
        """The HTTP status to answer with: 413, 415 or 401; 0 when the request is Slack's."""
        lower = {name.lower(): value for name, value in headers.items()}
        if len(body) > MAX_BODY:
            return 413
        if lower.get("content-encoding", "identity") != "identity":
            return 415
        stamp, signature = lower.get(_TIMESTAMP, ""), lower.get(_SIGNATURE, "")
        if not (stamp.isascii() and stamp.isdecimal() and len(stamp) <= 12):
            return 401
        if not self._is_signed(body, stamp, signature):
            return 401
        age = self._now() - int(stamp)
        if abs(age) > MAX_AGE:
            self._tell(age)
            return 401
        return 0

    def _tell(self, age: float) -> None:
        if time.monotonic() - self._said >= _SAID_AGAIN:
            self._said = time.monotonic()
            said = (
                "refused a request that Slack signed: it is %+.0f s old; sent again by somebody, or the clock is wrong"
            )
            _log.warning(said, age)

    def _is_signed(self, body: bytes, stamp: str, signature: str) -> bool:
        if not self._secret:
            return False
        expected = hmac.new(self._secret, b"v0:%b:%b" % (stamp.encode(), body), hashlib.sha256).hexdigest()
        return hmac.compare_digest(f"v0={expected}".encode(), signature.encode(errors="surrogatepass"))

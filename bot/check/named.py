"""Secrets known by where they stand: under a telling name, in a header, in an address, in a cookie."""

import re
from collections.abc import Callable, Iterator
from typing import Any

Span = tuple[int, int, str]
Reader = Callable[[Any, bytes], Iterator[Span]]

# Names after which any value is a secret; the others need a value that looks made by a machine.
_STRONG = (
    rb"pass(?:word|wd|wort|phrase|code)s?|pwd|client[_.-]?secret|secret[_.-]?(?:access[_.-]?)?key|api[_.-]?key"
    rb"|secret[_.-]?key[_.-]?base|account[_.-]?key|signing[_.-]?secret|webhook[_.-]?secret|private[_.-]?key"
    rb"|shared[_.-]?(?:access[_.-]?)?(?:key|secret)"
)
_TOKEN = rb"tokens?|secrets?|credentials?|creds|pass"
_WEAK = (
    rb"auth|authorization|dsn|salt|sig|signature|sid|session|session[_.-]?id|jwt|csrf|crumb|otp|nonce"
    rb"|key(?:[_.-]?(?:id|base|data|material))?|connection[_.-]?string"
)
_VALUE = rb"(?:\\*\"([^\"\n]+)|\\*'([^'\n]+)|([^\s\"'<>]+))"
_SIGN = rb"[\"'`\\]*\s{0,3}(?::=|=>|[:=])\s{0,3}"
_PAIR = rb"(?i)(?:(" + _STRONG + rb")|(" + _TOKEN + rb")|(" + _WEAK + rb"))" + _SIGN
_LISTED = (
    rb"(?i)name[\"'\\]*\s*[:=]\s*[\"'\\]*[A-Z0-9_.-]*(?:" + _STRONG + rb"|" + _TOKEN + rb")[\"'\\]*[\s,]+[\"'\\]*"
    rb"value[\"'\\]*\s*[:=]\s*" + _VALUE
)
_SPOKEN = (
    rb"(?i)(?:--[a-z-]*(?:" + _STRONG + rb"|" + _TOKEN + rb")\s+|identified\s+by\s+|\bpassword\s+(?:=\s*)?[\"']"
    rb"|\blogin\s+\S+\s+password\s+|requirepass\s+|sshpass\s+-p\s*|-u\s+[\"']?[^\s:\"']+:)[\"']?([^\s\"']+)"
)
_MARKUP = rb"(?i)<[a-z0-9_.:-]*(?:" + _STRONG + rb"|" + _TOKEN + rb")(?:\s[^<>]*)?>([^<\n]+)<"
_HEADER = (
    rb"(?i)(?:\b(?:bearer|basic|digest|apikey|ssws)\s+|authorization[\"'\\]*\s*[:=]\s*[\"'\\]*(?:[a-z-]+\s+)?)"
    rb"([a-z0-9+/=._~:|-]{6,})"
)
_ADDRESS = rb"(?i)[a-z][a-z0-9+.-]*:\\?/\\?/([^\s/:@\"'<>?#\\]*)(?::([^\s/\"'<>]+))?@"
_COOKIE = rb"(?i)cookie[\"'\\]*\s*[:=]\s*[\"'\\]*([^\n\"'\\]+)"
_CODE = rb"(?i)[?&](?:code|t|k|auth|pw|pass)=([^&\s\"'<>#]{12,})"

_VALUE_HERE = re.compile(_VALUE)
_READ = 200  # bytes read before it is decided whether a value matters, so that no line costs more than its length
_TELLING = 64  # bytes by which a random value is told
_TESTS = (bytes.islower, bytes.isupper, bytes.isdigit)
_NOT_LOWER, _NOT_UPPER, _NOT_DIGIT = (bytes(c for c in range(256) if not test(bytes([c]))) for test in _TESTS)
_BARE = 3  # the group of an unquoted value
_HARMLESS = re.compile(
    rb"(?i)(?:null|none|nil|undefined|true|false|yes|no|on|off|ok|empty|unset|missing|invalid|required|expired|failed|denied"
    rb"|redacted|masked|hidden|[*x.?-]+|\$\{.*|\$\(.*|\$[A-Z_][A-Z0-9_]*|\{\{.*|\[(?:masked|redacted|filtered|hidden|secret).*"
    rb"|%[a-z{(].*|<.*)"
)
_NEXT = re.compile(rb"[,;&](?=[\w.-]+[=:]|$)")
_PROSE = re.compile(rb"[ \t]+[a-z]")
_UUID = re.compile(rb"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_CHUNK = re.compile(rb"[A-Za-z0-9+/]+")
_PORT = re.compile(rb"[0-9]{1,5}(?:[?#].*)?")
_COOKIE_PAIR = re.compile(rb"([^=;\s]+)=([^;\s]+)")
_ALONE = (b"pass", b"sig", b"sid", b"auth", b"salt", b"otp", b"dsn", b"crumb")


def pairs(match: Any, data: bytes) -> Iterator[Span]:
    """`name = value`: what is masked depends on how telling the name is."""
    strong, token, weak = match.group(1), match.group(2), match.group(3)
    name = (strong or token or weak).lower()
    read = _VALUE_HERE.match(data, match.end(), match.end() + _READ)
    if read is None or (name in _ALONE and data[match.start() - 1 : match.start()].isalpha()):
        return
    start, value, bare = read.start(read.lastindex or 0), _value(read), read.lastindex == _BARE
    if not value or _HARMLESS.fullmatch(value):
        return
    if strong and not (bare and _is_prose(value, data[start + len(value) : start + len(value) + 8])):
        yield start, _end(read, data), "password" if name.startswith((b"pass", b"pwd")) else "secret"
    elif (token and _is_token(value)) or is_random(value):
        yield start, _end(read, data), "token" if name.startswith(b"token") else "secret"


def _value(read: re.Match[bytes]) -> bytes:
    """The value without what follows it."""
    value = read[read.lastindex or 0].rstrip(b"\\")
    return _NEXT.split(value, maxsplit=1)[0].rstrip(b")]}.,;:`") if read.lastindex == _BARE else value


def _end(read: re.Match[bytes], data: bytes) -> int:
    """Where the value ends, beyond what was read of it."""
    whole = read if read.end() < read.endpos else _VALUE_HERE.match(data, read.start()) or read
    return whole.start(whole.lastindex or 0) + len(_value(whole))


def _is_prose(value: bytes, rest: bytes) -> bool:
    return value.isalpha() and value.islower() and _PROSE.match(rest) is not None


def _is_token(value: bytes) -> bool:
    if len(value) < 6 or b" " in value or not any(c.isdigit() for c in value.decode("latin-1")):
        return is_random(value)
    return not value.replace(b".", b"").replace(b"-", b"").isdigit()


def is_random(value: bytes) -> bool:
    """Whether a value looks made by a machine: long, letters and digits mixed beyond words and counters."""
    if len(value) < 12 or b" " in value or _UUID.fullmatch(value):
        return False
    head = value[:_TELLING]
    lower, upper, digits = (len(head.translate(None, kept)) for kept in (_NOT_LOWER, _NOT_UPPER, _NOT_DIGIT))
    if lower >= 3 and upper >= 3 and digits >= 1 and len(value) >= 16:
        return True
    longest = max(_CHUNK.findall(head), key=len, default=b"")
    if len(longest) >= 16 and not longest[1:].islower() and not longest.isupper() and longest.isalpha():
        return True
    mixed = len(longest.translate(None, _NOT_DIGIT))
    return len(longest) >= 12 and 2 <= mixed < len(longest) - 1


def first(kind: str) -> Reader:
    """The first group that took part, whatever it holds."""

    def read(match: Any, data: bytes) -> Iterator[Span]:
        at = next(group for group in range(1, len(match.groups()) + 1) if match.group(group) is not None)
        start, end = match.span(at)
        value = data[start:end].rstrip(b"\\")
        if not _HARMLESS.fullmatch(value):
            yield start, start + len(value), kind

    return read


def header(match: Any, data: bytes) -> Iterator[Span]:
    """`Bearer x`, `Authorization: x`: not the words of a sentence."""
    start, end = match.span(1)
    value = data[start:end].rstrip(b".:")
    if re.search(rb"[0-9=+/_]|[a-z][A-Z]", value) and not _HARMLESS.fullmatch(value):
        yield start, start + len(value), "authorization"


def address(match: Any, _: bytes) -> Iterator[Span]:
    """The password of an address; the user, where it is a key itself."""
    password = match.group(2)
    if password and not _PORT.fullmatch(password) and not _HARMLESS.fullmatch(password):
        yield (*match.span(2), "password")
    user = match.group(1)
    if user and len(user) >= 20 and is_random(user):
        yield (*match.span(1), "token")


def cookies(match: Any, _: bytes) -> Iterator[Span]:
    """Every cookie whose value looks random."""
    base = match.start(1)
    for pair in _COOKIE_PAIR.finditer(match.group(1)):
        if is_random(pair[2]):
            yield base + pair.start(2), base + pair.end(2), "cookie"


PLACES: tuple[tuple[bytes, Reader], ...] = (
    (_PAIR, pairs),
    (_LISTED, first("secret")),
    (_SPOKEN, first("password")),
    (_MARKUP, first("secret")),
    (_HEADER, header),
    (_ADDRESS, address),
    (_COOKIE, cookies),
    (_CODE, first("token")),
)

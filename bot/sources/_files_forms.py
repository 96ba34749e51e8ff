"""The common forms of time stamps in logs, as bytes: how each is found in a line, and what it says."""

import re
from collections.abc import Callable

_MONTHS = {
    name: number
    for number, name in enumerate(
        (b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"), 1
    )
}
_ZONE = rb"(?P<zone>Z\b|UTC\b|GMT\b|[+-](?:0\d|1[0-4]):?[0-5]\d(?!\d))"
_MONTH = rb"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_CLOCK = rb"[0-2]\d:[0-5]\d:[0-6]\d"
_WEEKDAY = rb"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
Fields = tuple[int, int, int, int, int, int]


class Form:
    """One way to write the time: `stamp` matches the whole seconds, `before` and `after` what stands around them.

    `read` gives a stamp's fields, the year 0 where it has none, or the seconds themselves.
    """

    def __init__(
        self,
        read: Callable[[bytes], Fields | float],
        stamp: bytes,
        before: bytes = b"^",
        after: bytes = b"",
        fraction: bytes = rb"[.,](\d{1,3})",
    ) -> None:
        self.read = read
        self.stamp = re.compile(stamp)
        self.pattern = re.compile(rb"%b(?P<stamp>%b)%b" % (before, stamp, after))
        self.fraction = re.compile(fraction)


def _iso(stamp: bytes) -> Fields:
    return (int(stamp[:4]), int(stamp[5:7]), int(stamp[8:10]), *_clock(stamp[11:19]))


def _day_first(stamp: bytes) -> Fields:
    return (int(stamp[7:11]), _MONTHS[stamp[3:6]], int(stamp[:2]), *_clock(stamp[12:20]))


def _syslog(stamp: bytes) -> Fields:
    return (0, _MONTHS[stamp[:3]], int(stamp[4:6]), *_clock(stamp[7:15]))


def _ctime(stamp: bytes) -> Fields:
    return (int(stamp[-4:]), *_syslog(stamp)[1:])


def _klog(stamp: bytes) -> Fields:
    return (0, int(stamp[:2]), int(stamp[2:4]), *_clock(stamp[5:13]))


def _android(stamp: bytes) -> Fields:
    return (0, int(stamp[:2]), int(stamp[3:5]), *_clock(stamp[6:14]))


def _compact(stamp: bytes) -> Fields:
    digits = b"".join(re.findall(rb"\d+", stamp))
    year = int(digits[:-10]) + (2000 if len(digits) == 12 else 0)
    return (
        year,
        int(digits[-10:-8]),
        int(digits[-8:-6]),
        int(digits[-6:-4]),
        int(digits[-4:-2]),
        min(59, int(digits[-2:])),
    )


def _clock(text: bytes) -> tuple[int, int, int]:
    return int(text[:2]), int(text[3:5]), min(59, int(text[6:8]))  # a leap second is the one before


_DAY = rb"(?:0[1-9]|[12]\d|3[01])"
_MM = rb"(?:0[1-9]|1[0-2])"
_YEAR = rb"(?:19|20)\d\d"
_DATE = rb"%b(?:-%b-|/%b/|\.%b\.)%b" % (_YEAR, _MM, _MM, _MM, _DAY)
_SHORT = rb"\d\d(?:/%b/|%b)%b" % (_MM, _MM, _DAY)
_BARE_CLOCK = rb"[0-2]\d[0-5]\d[0-6]\d"
_TIME_NAME = rb"(?i:ts|(?:unix_?)?time(?:_?stamp)?|epoch)(?:_?(?i:ms|millis|s|seconds?))?"
_KEY = rb"^\W{0,3}(?:[^\n]{0,200}?\b%b\"?\s*[:=]\s*\"?)?" % _TIME_NAME
FORMS = {
    "iso": Form(_iso, rb"%b[T ]%b" % (_DATE, _CLOCK), rb"(?<!\d)", rb"(?:[.,]\d{1,9})?(?:\s?%b)?" % _ZONE),
    "day first": Form(
        _day_first,
        rb"%b(?P<sign>[/ -])%b(?P=sign)%b[: ]%b" % (_DAY, _MONTH, _YEAR, _CLOCK),
        rb"(?<![\w/-])",
        rb"(?:[.,]\d{1,9})?(?: %b)?" % _ZONE,
    ),
    "syslog": Form(_syslog, rb"%b [ \d]\d %b" % (_MONTH, _CLOCK), rb"^(?:<\d{1,3}>)?", rb"(?!\d)"),
    "ctime": Form(
        _ctime,
        rb"%b [ \d]\d %b(?:\.\d{1,9})?(?: (?P<zone>UTC|GMT)| [A-Z]{3,4})? %b" % (_MONTH, _CLOCK, _YEAR),
        rb"\b%b,? " % _WEEKDAY,
        rb"(?!\d)",
    ),
    "klog": Form(_klog, rb"%b%b %b" % (_MM, _DAY, _CLOCK), rb"(?<!\w)[IWEF]", rb"\."),
    "android": Form(_android, rb"%b-%b %b" % (_MM, _DAY, _CLOCK), rb"^", rb"\.\d{3}(?!\d)"),
    "compact iso": Form(
        _compact,
        rb"%b%b%bT%b" % (_YEAR, _MM, _DAY, _BARE_CLOCK),
        rb"(?<![\w.-])",
        rb"(?:[.,]\d{1,9})?%b?(?!\d)" % _ZONE,
    ),
    "compact": Form(
        _compact,
        rb"%b%b%b(?:[ _-](?:%b|%b)|%b)" % (_YEAR, _MM, _DAY, _BARE_CLOCK, _CLOCK, _BARE_CLOCK),
        rb"^[IWEFD]?%b" % _KEY[1:],
        rb"(?:[.,:]\d{1,9})?(?:\s?%b)?(?!\d)" % _ZONE,
        rb"[.,:](\d{1,3})",
    ),
    "short year": Form(_compact, rb"%b (?:%b|%b)" % (_SHORT, _BARE_CLOCK, _CLOCK), rb"^\W{0,2}", rb"(?!\d)"),
    "epoch": Form(float, rb"1\d{9}", _KEY, rb"(?:\d{3}|\d{6}|\d{9}|\.\d+)?(?![\d.])", rb"[.,]?(\d{1,3})"),
}

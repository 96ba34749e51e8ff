"""The errors of a monitoring server's HTTP API, with Prometheus' names for their kinds.

VendorError (status, kind)
├── BadData       400  bad_data    the question is wrong
├── Execution     422  execution   the question cannot be answered
└── Timeout       503  timeout     the answer took too long
"""

from typing import ClassVar


class VendorError(Exception):
    """An error that the API answers with; the message is the answer's text."""

    status: ClassVar[int] = 500
    kind: ClassVar[str] = "internal"


class BadData(VendorError):
    """The question is wrong."""

    status = 400
    kind = "bad_data"


class Execution(VendorError):
    """The question is well formed but has no answer on these series."""

    status = 422
    kind = "execution"


class Timeout(VendorError):
    """The evaluation ran out of its time."""

    status = 503
    kind = "timeout"

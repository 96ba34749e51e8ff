"""The tool that runs PromQL at one moment."""

import pytest

from bot.domain.errors import BadArguments
from bot.tools.query_instant import TOOL
from tests.tools.stores import NOW, Store, desk, prometheus, series

QUERY = "process_resident_memory_bytes"


async def test_largest_first() -> None:
    """Values come largest first, in their unit; beyond twenty the rest is counted."""
    rows = tuple(series([n * 1024.0**2], service=f"s{n}") for n in range(25))
    found = await TOOL.run(desk(prometheus(Store(held={QUERY: rows}))), query=QUERY)
    assert found.facts["values"][0] == {
        "labels": {"service": "s24"}, "service": "s24", "value": 24 * 1024.0**2, "unit": "bytes",
    }  # fmt: skip
    assert "service=s24: 24 MiB" in found.text
    assert "5 more series" in found.text
    assert (found.facts["left_out"], len(found.raw["values"])) == (5, 25)
    assert found.summary == "service=s24: 24 MiB; 25 series"


@pytest.mark.parametrize(
    ("at", "asked"),
    [
        ("", NOW.isoformat()),
        ("2026-11-23T12:30", "2026-11-23T11:30:00+00:00"),
        ("2026-11-23T11:30Z", "2026-11-23T11:30:00+00:00"),
    ],
)
async def test_the_moment_is_the_askers(at: str, asked: str) -> None:
    """A time without a zone is the asker's; none is the window's end."""
    store = Store(held={"up": (series([1]),)})
    await TOOL.run(desk(prometheus(store), zone="Europe/Berlin"), query="up", at=at)
    assert store.asked == [f"instant up {asked}"]


async def test_no_time_and_no_data() -> None:
    """A time that is none is the model's to mend; nothing found says why."""
    with pytest.raises(BadArguments, match="'half past' is no ISO 8601 time"):
        await TOOL.run(desk(prometheus(Store())), query="up", at="half past")
    found = await TOOL.run(desk(prometheus(Store())), query="up")
    assert found.summary == "no data"
    assert "No metric is called up" in found.missing[0]

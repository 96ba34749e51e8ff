"""The files source over real files: found safely, read by time, whatever they hold."""

import asyncio
import bz2
import gzip
import io
import lzma
import os
import random
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.domain.errors import BadArguments, SourceRefused
from bot.domain.logs import LogPiece, LogQuery, LogVolume
from bot.domain.plugin import SourceHead
from bot.domain.sources import Instance
from bot.domain.window import Window
from bot.sources import _files_packed, _files_paths, _files_times, files
from bot.sources._files_paths import find
from bot.sources._files_times import UNREAD, recognised
from tests.sources.opened import resident

START = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
EVER = Window(datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
ALL = LogQuery()


def opened(folder: Path, glob: str = "**", **more: Any) -> Instance:
    """An instance over a folder."""
    return files.SOURCE.open(SourceHead("disk", "prod"), files.FilesSettings(paths=(f"{folder}/{glob}",), **more))


async def pieces(instance: Instance, query: LogQuery = ALL, window: Window = EVER) -> list[LogPiece]:
    """All pieces of a window."""
    assert instance.logs is not None
    found = [piece async for piece in instance.logs.read(query, window)]
    for piece in found:
        assert piece.data.endswith(b"\n")
        assert len(piece.data) <= 1_048_576
        assert len(piece.times) in (0, piece.data.count(b"\n"))
        assert list(piece.times) == sorted(piece.times)
        assert all(window.start.timestamp() <= at < window.end.timestamp() for at in piece.times)
    return found


def lines(found: list[LogPiece]) -> list[bytes]:
    """The lines of some pieces."""
    return b"".join(piece.data for piece in found).split(b"\n")[:-1]


def iso(at: datetime, text: str) -> str:
    """A line with an ISO time."""
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z {text}"


def write(path: Path, count: int, every: float = 1.0, start: datetime = START, text: str = "line") -> list[bytes]:
    """A log of so many lines, one every so many seconds; the lines."""
    made = [iso(start + timedelta(seconds=i * every), f"{text} {i}").encode() for i in range(count)]
    path.write_bytes(b"".join(line + b"\n" for line in made))
    return made


FORMATS: dict[str, Callable[[datetime], str]] = {
    "iso zone": lambda at: f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z",
    "iso offset": lambda at: f"{at + timedelta(hours=2):%Y-%m-%dT%H:%M:%S}+02:00",
    "iso naive": lambda at: f"{at + timedelta(hours=1):%Y-%m-%d %H:%M:%S},{at.microsecond // 1000:03d}",
    "iso utc": lambda at: f"[{at:%Y-%m-%d %H:%M:%S} UTC]",
    "iso nanoseconds": lambda at: f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond * 1000 + 123:09d}Z",
    "slashes": lambda at: f"{at + timedelta(hours=1):%Y/%m/%d %H:%M:%S} [error]",
    "syslog": lambda at: (
        f"{at + timedelta(hours=1):%b} {(at + timedelta(hours=1)).day:2d} {at + timedelta(hours=1):%H:%M:%S} host a:"
    ),
    "syslog priority": lambda at: f"<34>{at + timedelta(hours=1):%b %d %H:%M:%S} host a:",
    "apache": lambda at: f"10.{at.second}.0.{at.minute} - - [{at + timedelta(hours=-7):%d/%b/%Y:%H:%M:%S} -0700]",
    "klog": lambda at: f"I{at + timedelta(hours=1):%m%d %H:%M:%S}.{at.microsecond:06d} 1 a.go:3]",
    "apache bare": lambda at: f"{at + timedelta(hours=1):%d/%b/%Y:%H:%M:%S} +0100 GET /",
    "haproxy": lambda at: f"10.0.0.1:80 [{at + timedelta(hours=1):%d/%b/%Y:%H:%M:%S}.{at.microsecond // 1000:03d}] web",
    "catalina": lambda at: f"{at + timedelta(hours=1):%d-%b-%Y %H:%M:%S}.{at.microsecond // 1000:03d} INFO",
    "rfc 2822": lambda at: f"{at + timedelta(hours=1):%a, %d %b %Y %H:%M:%S} +0100",
    "ctime": lambda at: (
        f"{at + timedelta(hours=1):%a %b} {(at + timedelta(hours=1)).day:2d} {at + timedelta(hours=1):%H:%M:%S %Y}"
    ),
    "ctime apache": lambda at: f"[{at + timedelta(hours=1):%a %b %d %H:%M:%S.%f %Y}] [error]",
    "ctime utc": lambda at: f"{at:%a %b %d %H:%M:%S UTC %Y}:",
    "klog year": lambda at: f"I{at + timedelta(hours=1):%Y%m%d %H:%M:%S}.{at.microsecond:06d} 1 a.cc:3]",
    "klog prefix": lambda at: f"[pod/a] W{at + timedelta(hours=1):%m%d %H:%M:%S}.{at.microsecond:06d} 1 a.go:3]",
    "android": lambda at: f"{at + timedelta(hours=1):%m-%d %H:%M:%S}.{at.microsecond // 1000:03d}  1702  2113 V",
    "compact": lambda at: f"{at + timedelta(hours=1):%Y%m%d %H%M%S}",
    "compact iso": lambda at: f"{at:%Y%m%dT%H%M%SZ}",
    "compact iso millis": lambda at: f"{at:%Y%m%dT%H%M%S}.{at.microsecond // 1000:03d}Z",
    "compact in json": lambda at: (
        f'{{"level":"{"info" if at.second % 3 else "warning"}","time":"{at:%Y%m%dT%H%M%SZ}"}}'
    ),
    "compact colons": lambda at: f"{at + timedelta(hours=1):%Y%m%d-%H:%M:%S}:{at.microsecond // 1000:03d}|Step",
    "digits": lambda at: f"{at + timedelta(hours=1):%Y%m%d%H%M%S} INFO",
    "spark": lambda at: f"{at + timedelta(hours=1):%y/%m/%d %H:%M:%S} INFO",
    "hdfs": lambda at: f"{at + timedelta(hours=1):%y%m%d %H%M%S} 308 INFO",
    "json epoch millis": lambda at: f'{{"n":{at.second},"timeMillis":{at.timestamp() * 1000:.0f}}}',
    "dots": lambda at: f"{at + timedelta(hours=1):%Y.%m.%d %H:%M:%S}.{at.microsecond:06d} [ 1 ]",
    "epoch": lambda at: f"{at.timestamp():.3f}",
    "epoch milliseconds": lambda at: f"{at.timestamp() * 1000:.0f}",
    "json": lambda at: f'{{"level":"{"info" if at.second % 3 else "warning"}","ts":"{at.isoformat()}"}}',
    "json epoch": lambda at: f'{{"level":"{"info" if at.second % 3 else "warning"}","ts":{at.timestamp():.3f}}}',
    "logfmt": lambda at: f"level={'info' if at.second % 3 else 'warning'} ts={at:%Y-%m-%dT%H:%M:%S}Z",
    "thread first": lambda at: f"[{'x' * (at.second % 9)}] {at:%Y-%m-%d %H:%M:%S} +0000",
}


@pytest.mark.parametrize("name", FORMATS)
async def test_every_form_of_time_is_read(name: str, tmp_path: Path) -> None:
    """A window gives just its lines, with their times; naive ones are of the zone in the settings."""
    moments = [START + timedelta(seconds=i * 7.25) for i in range(20_000)]
    path = tmp_path / "app.log"
    path.write_text("".join(f"{FORMATS[name](at)} line {i}\n" for i, at in enumerate(moments)))
    window = Window(START + timedelta(hours=10), START + timedelta(hours=11))
    instance = opened(tmp_path, timezone="Europe/Berlin")
    found = await pieces(instance, window=window)
    kept = [i for i, at in enumerate(moments) if window.start <= at < window.end]
    got = [int(line.rpartition(b" ")[2]) for line in lines(found)]
    assert abs(got[0] - kept[0]) <= 1  # a form without fractions puts a line up to a second earlier
    assert got[-1] - kept[-1] in (0, 1)
    assert got == list(range(got[0], got[-1] + 1))
    times = [at for piece in found for at in piece.times]
    assert all(-0.0011 <= moments[i].timestamp() - at < 1 for i, at in zip(got, times, strict=True))


async def test_continuation_lines_go_with_their_entry(tmp_path: Path) -> None:
    """A stack trace has the time of the line that it follows, also at the window's edges; a header the first."""
    entry = "{} ERROR boom\n\tat a.b(C.java:1)\nCaused by: 2020-01-01 in the text\n"
    text = "# header\n" + "".join(entry.format(iso(START + timedelta(seconds=i), "")) for i in range(5_000))
    (tmp_path / "app.log").write_text(text)
    window = Window(START + timedelta(seconds=100), START + timedelta(seconds=103))
    found = lines(await pieces(opened(tmp_path), window=window))
    assert len(found) == 9
    assert found[0].startswith(b"2026-11-20T08:01:40.000Z")
    assert found[-1].startswith(b"Caused by")
    assert lines(await pieces(opened(tmp_path)))[0] == b"# header"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, 5_000), st.integers(1, 4), st.integers(0, 3_000)), min_size=1, max_size=150),
    st.integers(-1_000, 200_000),
    st.integers(0, 100_000),
)
async def test_a_window_is_exact(tmp_path: Path, entries: list[tuple[int, int, int]], first: int, length: int) -> None:
    """Whatever the gaps, the repeats and the lengths of lines: the window's lines, as a plain reading finds them."""
    at, made = 0, []
    for gap, repeats, width in entries:
        at += gap
        made += [(at, iso(START + timedelta(milliseconds=at), "x" * width).encode())] * repeats
    (tmp_path / "a.log").write_bytes(b"\n".join(line for _, line in made))
    window = Window(START + timedelta(milliseconds=first), START + timedelta(milliseconds=first + length))
    found = lines(await pieces(opened(tmp_path), window=window))
    assert found == [line for at, line in made if first <= at < first + length]


async def test_a_window_reads_little_of_a_large_file(tmp_path: Path) -> None:
    """The place is found by halving; the volume says about what lies in it."""
    made = write(tmp_path / "app.log", 200_000)
    window = Window(START + timedelta(hours=10), START + timedelta(hours=11))
    instance = opened(tmp_path)
    assert instance.logs is not None
    volume = await instance.logs.volume(ALL, window)
    assert lines(await pieces(instance, window=window)) == made[36_000:39_600]
    inside = sum(len(line) + 1 for line in made[36_000:39_600])
    assert inside <= volume.size <= inside + 2 * 65_536
    assert (volume.lines, volume.streams) == (None, 1)
    for away in (Window(START - timedelta(days=2), START), Window(START + timedelta(days=3), EVER.end)):
        assert await instance.logs.volume(ALL, away) == LogVolume(0, 0, 0)
        assert await pieces(instance, window=away) == []


async def test_rotated_and_packed_files_are_one_log(tmp_path: Path) -> None:
    """In order of time, under one name; packed ones that ended before the window are not unpacked."""
    parts = [write(tmp_path / name, 3_000, start=START + timedelta(hours=i), text=name) for i, name in enumerate("abc")]
    (tmp_path / "shop.log.2.gz").write_bytes(gzip.compress((tmp_path / "a").read_bytes()))
    (tmp_path / "b").rename(tmp_path / "shop.log.1")
    (tmp_path / "c").rename(tmp_path / "shop.log")
    (tmp_path / "a").unlink()
    instance = opened(tmp_path, "shop.log*")
    assert instance.logs is not None
    found = await pieces(instance)
    assert lines(found) == [line for part in parts for line in part]
    assert {piece.labels["service"] for piece in found} == {"shop"}
    assert await instance.logs.services(EVER) == ("shop",)
    assert (await instance.logs.volume(ALL, EVER)).size == sum(len(line) + 1 for part in parts for line in part)
    os.utime(tmp_path / "shop.log.2.gz", (0, 0))
    assert lines(await pieces(instance, window=Window(START + timedelta(hours=1), EVER.end))) == parts[1] + parts[2]
    window = Window(START + timedelta(minutes=10), START + timedelta(minutes=11))
    os.utime(tmp_path / "shop.log.2.gz")
    assert lines(await pieces(instance, window=window)) == parts[0][600:660]


@pytest.mark.parametrize("kind", ["two members", "padding", "bz2", "xz", "cut", "garbage"])
async def test_packed_files_of_every_kind(kind: str, tmp_path: Path) -> None:
    """Several members and padding are read; what is broken is read up to there, and said."""
    made = write(tmp_path / "plain", 20_000)
    data = (tmp_path / "plain").read_bytes()
    (tmp_path / "plain").unlink()
    half = data.index(b"\n", len(data) // 2) + 1
    packed = {
        "two members": gzip.compress(data[:half]) + gzip.compress(data[half:]),
        "padding": gzip.compress(data) + b"\0" * 600_000,
        "bz2": bz2.compress(data),
        "xz": lzma.compress(data),
        "cut": gzip.compress(data)[:-5_000],
        "garbage": gzip.compress(data[:half]) + b"\x1f\x8bgarbage",
    }[kind]
    (tmp_path / "app.log.1.gz").write_bytes(packed)
    instance = opened(tmp_path)
    found = lines(await pieces(instance))
    if kind in ("cut", "garbage"):
        assert found[:-1] == made[: len(found) - 1]
        assert len(found) > 5_000
        assert "app.log.1.gz is damaged" in instance.trouble()
    else:
        assert found == made
        assert instance.trouble() == ""


async def test_a_member_that_ends_where_a_read_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next one is recognised when only its first byte is there."""
    made = write(tmp_path / "a.log", 100)
    data = gzip.compress((tmp_path / "a.log").read_bytes())
    (tmp_path / "a.log").write_bytes(data + data)
    monkeypatch.setattr(_files_packed, "PACKED", len(data) + 1)
    assert lines(await pieces(opened(tmp_path))) == made + made


async def test_zstd_needs_its_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it, the other files are read, and what is missing is said; with it, it is used."""
    made = write(tmp_path / "app.log", 10)
    (tmp_path / "app.log.1.zst").write_bytes(b"\x28\xb5\x2f\xfd" + b"x" * 20)
    monkeypatch.setitem(sys.modules, "zstandard", None)
    instance = opened(tmp_path)
    assert lines(await pieces(instance)) == made
    assert "pip install zstandard" in instance.trouble()
    assert "pip install zstandard" in (await instance.health()).detail
    with pytest.raises(SourceRefused, match="pip install zstandard"):
        await pieces(opened(tmp_path, "*.zst"))
    monkeypatch.setitem(sys.modules, "zstandard", stand_in(b"".join(line + b"\n" for line in made)))
    assert lines(await pieces(opened(tmp_path, "*.zst"))) == made


def stand_in(content: bytes) -> ModuleType:
    """A module in zstandard's place that unpacks everything to one content."""

    class Decompressor:
        def stream_reader(self, file: Any, read_across_frames: bool) -> Any:
            assert file.read(4) == b"\x28\xb5\x2f\xfd"
            assert read_across_frames
            return io.BytesIO(content)

    module = ModuleType("zstandard")
    module.__dict__.update(ZstdDecompressor=Decompressor, ZstdError=ValueError)
    return module


async def test_nothing_outside_the_folders_is_read(tmp_path: Path) -> None:
    """Links that lead out, folders that do, devices, pipes and sockets are refused; links within are followed."""
    inside, outside = tmp_path / "logs", tmp_path / "secret"
    for folder in (inside / "deep", outside):
        folder.mkdir(parents=True)
    made = write(inside / "deep" / "app.log", 5)
    write(outside / "other.log", 5)
    (inside / "out.log").symlink_to(outside / "other.log")
    (inside / "away").symlink_to(outside)
    (inside / "loop").symlink_to(inside)
    (inside / "same.log").symlink_to(inside / "deep" / "app.log")
    (inside / "null.log").symlink_to("/dev/null")
    (inside / "gone.log").symlink_to(inside / "nothing.log")
    os.mkfifo(inside / "pipe.log")
    for glob in ("**/*.log", "*/*.log", "**"):
        assert lines(await pieces(opened(inside, glob))) == made
    health = await opened(inside, "**/*.log").health()
    assert health.ok
    assert "refused" in health.detail
    with pytest.raises(SourceRefused, match=r"out\.log leads out of its folder"):
        await pieces(opened(inside, "out.log"))


async def test_a_file_swapped_for_a_link_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between finding and opening nothing can be slipped in."""
    write(tmp_path / "a.log", 5)
    (tmp_path / "secret").mkdir()
    write(tmp_path / "secret" / "b", 5)
    found = find((f"{tmp_path}/*.log",), "{stem}")
    (tmp_path / "a.log").unlink()
    (tmp_path / "a.log").symlink_to(tmp_path / "secret" / "b")
    monkeypatch.setattr(files, "find", lambda *given: found)
    with pytest.raises(SourceRefused, match=r"a\.log cannot be read"):
        await pieces(opened(tmp_path, "*.log"))


async def test_a_folder_swapped_for_a_link_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor can it be by way of a folder on the path."""
    for name in ("logs", "secret"):
        (tmp_path / name / "sub").mkdir(parents=True)
        write(tmp_path / name / "sub" / "a.log", 5)
    found = find((f"{tmp_path}/logs/**",), "{stem}")
    (tmp_path / "logs" / "sub").rename(tmp_path / "logs" / "moved")
    (tmp_path / "logs" / "sub").symlink_to(tmp_path / "secret" / "sub")
    monkeypatch.setattr(files, "find", lambda *given: found)
    with pytest.raises(SourceRefused, match=r"a\.log cannot be read: is no plain file any more"):
        await pieces(opened(tmp_path / "logs"))


async def test_a_growing_file_is_read_up_to_its_size(tmp_path: Path) -> None:
    """What is written meanwhile is for the next question; a file cut meanwhile ends there."""
    made = write(tmp_path / "app.log", 60_000)
    instance = opened(tmp_path)
    assert instance.logs is not None
    read, grown = b"", False
    async for piece in instance.logs.read(ALL, EVER):
        read += piece.data
        if not grown:
            grown = True
            with (tmp_path / "app.log").open("ab") as file:
                file.write(iso(START + timedelta(days=1), "later").encode() + b"\n")
    assert read.split(b"\n")[:-1] == made
    assert lines(await pieces(instance))[-1].endswith(b"later")
    count = 0
    async for piece in instance.logs.read(ALL, EVER):
        count += piece.data.count(b"\n")
        os.truncate(tmp_path / "app.log", 700_000)
    assert 10_000 < count < 60_000


async def test_any_bytes_are_read(tmp_path: Path) -> None:
    """Other encodings, carriage returns, NUL, holes, huge lines; a file without times goes by its last change."""
    first, last = (iso(START + timedelta(seconds=i), "").encode() for i in (0, 9))
    cases = {
        "latin": (b"%s caf\xe9\n%s\n" % (first, last), [b"%s caf\xe9" % first, last]),
        "dos": (b"%s a\r\n%s b\rc\r\n" % (first, last), [first + b" a", last + b" b c"]),
        "hole": (b"%s\n" % first + b"\0" * 3_000_000 + b"%s\n" % last, [first, last]),
        "utf16": (f"{first.decode()}\n{last.decode()}\n".encode("utf-16-le"), [first, last]),
        "open end": (b"%s\n%s" % (first, last), [first, last]),
        "no times": (b"a\nb\n\nc", [b"a", b"b", b"", b"c"]),
    }
    for name, (data, wanted) in cases.items():
        path = tmp_path / f"{name}.log"
        path.write_bytes(data)
        assert lines(await pieces(opened(tmp_path, path.name))) == wanted, name
    old = Window(EVER.start, START)
    assert await pieces(opened(tmp_path, "no times.log"), window=old) == []
    (tmp_path / "binary.log").write_bytes(random.Random(1).randbytes(300_000))
    (tmp_path / "empty.log").write_bytes(b"")
    for name in ("binary", "empty"):
        assert await pieces(opened(tmp_path, f"{name}.log")) == []


async def test_a_huge_line_is_cut(tmp_path: Path) -> None:
    """In pieces of bounded size, and nothing of it is lost."""
    (tmp_path / "a.log").write_bytes(iso(START, "x" * 5_000_000).encode() + b"\n" + iso(START, "end").encode() + b"\n")
    for window in (EVER, Window(START, START + timedelta(seconds=1))):
        found = await pieces(opened(tmp_path), window=window)
        assert sum(piece.data.count(b"x") for piece in found) == 5_000_000
        assert lines(found)[-1].endswith(b"end")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=3_000), st.booleans(), st.text(max_size=3))
async def test_garbage_does_no_harm(tmp_path: Path, data: bytes, packed: bool, contains: str) -> None:
    """No error but those a source may raise."""
    (tmp_path / "a.log").write_bytes((b"\x1f\x8b" if packed else iso(START, "").encode() + b"\n") + data)
    await pieces(opened(tmp_path), LogQuery(contains=contains))


async def test_a_text_is_found_in_any_case(tmp_path: Path) -> None:
    """Only its lines come back, with their times."""
    write(tmp_path / "app.log", 50_000)
    with (tmp_path / "app.log").open("ab") as file:
        file.write(f"{iso(START + timedelta(days=1), 'Connection REFUSED by ÖSE')}\n".encode())
    for text in ("refused", "Connection Refused", "öse"):
        (piece,) = await pieces(opened(tmp_path), LogQuery(contains=text))
        assert b"REFUSED" in piece.data
        assert piece.times == [(START + timedelta(days=1)).timestamp()]
    assert await pieces(opened(tmp_path), LogQuery(contains="nothing of it")) == []


async def test_services_and_names_narrow_it(tmp_path: Path) -> None:
    """By service as the settings name it, by a pattern of the file's name."""
    for name in ("cart/app.log", "cart/gc.log", "payment/app-2026-11-20.log.gz"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write(tmp_path / name, 3, text=name)
    for service in ("{folder}", r"/(?P<service>[^/]+)/[^/]+$", "/([^/]+)/[^/]+$"):
        instance = opened(tmp_path, service=service)
        assert instance.logs is not None
        assert await instance.logs.services(EVER) == ("cart", "payment")
        assert len(lines(await pieces(instance, LogQuery(services=("cart",))))) == 6
        assert await pieces(instance, LogQuery(services=("unknown",))) == []
    assert {piece.labels["service"] for piece in await pieces(opened(tmp_path))} == {"app", "gc"}
    assert len(lines(await pieces(opened(tmp_path), LogQuery(selector="gc")))) == 3
    assert len(lines(await pieces(opened(tmp_path), LogQuery(selector="*/payment/*")))) == 3
    with pytest.raises(BadArguments, match="no file name fits 'nginx'; there are 3, such as"):
        await pieces(opened(tmp_path), LogQuery(selector="nginx"))
    with pytest.raises(BadArguments, match="no pattern of file names"):
        await pieces(opened(tmp_path), LogQuery(selector='{app="x"}'))


async def test_files_are_put_in_order_of_time(tmp_path: Path) -> None:
    """Pieces of several files come in order of their first lines; a service's start is not after another's end."""
    for i, name in enumerate("dcba"):
        write(tmp_path / f"{name}.log", 40_000, 0.1, START + timedelta(hours=2 * i))
    found = await pieces(opened(tmp_path))
    starts = [piece.times[0] for piece in found]
    assert starts == sorted(starts)
    assert len(found) >= 8


async def test_a_year_that_is_not_written(tmp_path: Path) -> None:
    """A time without a year is of the last one that was not after the file's change."""
    path = tmp_path / "messages"
    path.write_text("Dec 31 23:59:59 host a: old\nJan  1 00:00:01 host a: new\n")
    changed = datetime(2026, 1, 1, 0, 5, tzinfo=UTC).timestamp()
    os.utime(path, (changed, changed))
    (piece,) = await pieces(opened(tmp_path))
    assert [datetime.fromtimestamp(at, UTC).year for at in piece.times] == [2025, 2026]


async def test_a_folder_that_is_not_to_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is left out, and said; the others are read."""
    for name in ("open", "closed"):
        (tmp_path / name).mkdir()
        made = write(tmp_path / name / "a.log", 3)
    scan = os.scandir

    def scandir(folder: str) -> Any:
        if folder.endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return scan(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    assert lines(await pieces(opened(tmp_path))) == made
    assert "1 folders cannot be read" in (await opened(tmp_path).health()).detail
    with pytest.raises(SourceRefused, match="closed cannot be read"):
        await pieces(opened(tmp_path / "closed"))


async def test_lines_slightly_out_of_order(tmp_path: Path) -> None:
    """As threads write them: each line goes by its own time, and what comes back ascends."""
    made = random.Random(3)
    moments = [i * 0.02 + made.uniform(-2, 2) for i in range(60_000)]
    rows = [(START + timedelta(seconds=round(at, 3)), str(i)) for i, at in enumerate(moments)]
    (tmp_path / "a.log").write_text("".join(iso(at, text) + "\n" for at, text in rows))
    window = Window(START + timedelta(seconds=500), START + timedelta(seconds=600))
    found = lines(await pieces(opened(tmp_path), window=window))
    assert found == [iso(at, text).encode() for at, text in rows if window.start <= at < window.end]


async def test_a_zone_that_changes(tmp_path: Path) -> None:
    """Summer time ends in the middle of a file whose times say their zone: they ascend all the same."""
    change = datetime(2026, 10, 25, 1, 0, tzinfo=UTC)
    moments = [change + timedelta(seconds=i) for i in range(-1_000, 1_000)]
    zones = [(2, "+02:00") if at < change else (1, "+01:00") for at in moments]
    text = (f"{at + timedelta(hours=h):%Y-%m-%dT%H:%M:%S}.5{z} x\n" for at, (h, z) in zip(moments, zones, strict=True))
    (tmp_path / "a.log").write_text("".join(text))
    (piece,) = await pieces(opened(tmp_path))
    assert list(piece.times) == [at.timestamp() + 0.5 for at in moments]


def utc(*fields: int) -> datetime:
    """A time in UTC."""
    return datetime(*fields, tzinfo=UTC)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("line", "newest", "at"),
    [
        (b"I1124 10:00:00.123456 1 a.go:3] x", utc(2026, 11, 24, 11), utc(2026, 11, 24, 10, 0, 0, 123_000)),
        (b"I1124 10:00:00.123456 1 a.go:3] x", utc(2026, 3, 1), utc(2025, 11, 24, 10, 0, 0, 123_000)),
        (b"Dec 31 23:59:59 host a: x", utc(2027, 1, 1), utc(2026, 12, 31, 23, 59, 59)),
        (b"12-31 23:59:59.500  1  2 I a: x", utc(2027, 1, 1), utc(2026, 12, 31, 23, 59, 59, 500_000)),
        (b"Tue Nov 24 10:00:00 2026", utc(2030, 1, 1), utc(2026, 11, 24, 10)),
        (b"24/Nov/2026:10:00:00 +0100", utc(2030, 1, 1), utc(2026, 11, 24, 9)),
        (b"20261124 100000 x", utc(2030, 1, 1), utc(2026, 11, 24, 10)),
        (b"20261124T100000Z x", utc(2030, 1, 1), utc(2026, 11, 24, 10)),
        (b"2026-11-24 10:00:00,123 INFO", utc(2030, 1, 1), utc(2026, 11, 24, 10, 0, 0, 123_000)),
        (b"1795514400 x", utc(2030, 1, 1), utc(2026, 11, 24, 10)),
        (b"1795514400123 x", utc(2030, 1, 1), utc(2026, 11, 24, 10, 0, 0, 123_000)),
    ],
)
def test_a_stamp_says_when(line: bytes, newest: datetime, at: datetime) -> None:
    """To the millisecond; without a year, the last in which it is not later than the file."""
    form = recognised([line], UTC, newest.timestamp())
    assert form
    assert form.of(line) == pytest.approx(at.timestamp(), abs=1e-4)


@pytest.mark.parametrize(
    "line",
    [
        b"job 20261124 100000 rows",
        b"order 20261124100000 paid",
        b"order 20269924 100000",
        b"10:00:00 up 1 day",
        b"release 24/Nov of 2026",
        b"99/99/99 10:00:00 x",
        b"see Tue Nov 24 10:00:00",
        b"A1124 10:00:00.1 x",
        b"ISBN 1795514400",
        b"123456 123456 789",
    ],
)
def test_what_only_looks_like_a_stamp(line: bytes) -> None:
    """Digits in the text are no time."""
    assert recognised([line], UTC, datetime(2030, 1, 1, tzinfo=UTC).timestamp()) is None


def test_stamps_that_are_no_time() -> None:
    """A day that does not exist, a leap day without a year, a leap second; and no more is kept than is bounded."""
    newest = datetime(2026, 3, 1, tzinfo=UTC).timestamp()
    iso_form = recognised([b"2026-01-01 00:00:00 a"], UTC, newest)
    syslog = recognised([b"Feb 29 12:00:00 a"], UTC, newest)
    assert iso_form
    assert syslog
    assert iso_form.of(b"2026-02-31 00:00:00 a") == UNREAD
    assert iso_form.of(b"2016-12-31 23:59:60 a") == datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()
    assert syslog.of(b"Feb 29 12:00:00 a") == datetime(2024, 2, 29, 12, tzinfo=UTC).timestamp()
    assert syslog.of(b"Feb 31 12:00:00 a") == UNREAD
    assert iso_form.of(b"  copied at 2020-01-01 00:00:00") == UNREAD
    assert recognised([b"no time", b"1234"], UTC, newest) is None
    assert recognised([b"2026-01-01 00:00:00 a", *[b"x"] * 199], UTC, newest) is None
    lines = [
        b"2026-01-%02d %02d:%02d:%02d.%03d x" % (d + 1, h, m, m, (h * m) % 999)
        for d in range(31)
        for h in range(24)
        for m in range(60)
    ]
    expected = [
        datetime.strptime(line[:23].decode(), "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=UTC).timestamp() for line in lines
    ]
    assert iso_form.each(lines * 2) == pytest.approx(expected * 2)


async def test_many_stamps_are_not_all_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is remembered of stamps is bounded, and forgetting changes nothing."""
    monkeypatch.setattr(_files_times, "MOST_KEPT", 3)
    made = write(tmp_path / "a.log", 1_000, 0.9)
    (piece,) = await pieces(opened(tmp_path))
    assert piece.data.split(b"\n")[:-1] == made
    assert list(piece.times) == pytest.approx([(START + timedelta(seconds=i * 0.9)).timestamp() for i in range(1_000)])


async def test_a_text_in_files_without_times(tmp_path: Path) -> None:
    """Lines are found by what they say; a link to nothing and a folder that is gone are no lines."""
    (tmp_path / "a.log").write_text("one\nTwo\nthree\n")
    (tmp_path / "b.log.gz").write_bytes(gzip.compress(b"two\nfour\n"))
    assert sorted(lines(await pieces(opened(tmp_path), LogQuery(contains="TWO")))) == [b"Two", b"two"]
    past = Window(EVER.start, START)
    assert await pieces(opened(tmp_path), window=past) == []
    with pytest.raises(SourceRefused, match="no file matches"):
        await pieces(opened(tmp_path, "gone/*.log"))


async def test_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before they are opened, or once too many have something in the window."""
    for i in range(6):
        write(tmp_path / f"{i}.log", 2)
    monkeypatch.setattr(files, "MOST_OPEN", 4)
    with pytest.raises(BadArguments, match="name services"):
        await pieces(opened(tmp_path))
    assert len(lines(await pieces(opened(tmp_path), LogQuery(services=("3",))))) == 2
    monkeypatch.setattr(_files_paths, "MOST_FILES", 5)
    with pytest.raises(SourceRefused, match="more than 5 files"):
        await pieces(opened(tmp_path))


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/x/payment.log", "payment"),
        ("/x/payment.log.2.gz", "payment"),
        ("/x/payment-2026-11-24.log", "payment"),
        ("/x/payment.log-20261124.gz", "payment"),
        ("/x/payment.20261124T1200.json", "payment"),
        ("/x/cart-1.log", "cart-1"),
        ("/x/syslog", "syslog"),
        ("/x/.log", ".log"),
        ("/x/2026-11-24.log", "2026-11-24.log"),
    ],
)
def test_the_stem_of_a_name(path: str, name: str) -> None:
    """What rotation, packing and habit append is left out."""
    assert _files_paths.stem(path) == name


async def test_no_files_and_no_rights_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what to do; nothing is never mistaken for quiet."""
    health = await opened(tmp_path).health()
    assert (health.ok, "no file matches" in health.detail) == (False, True)
    with pytest.raises(SourceRefused, match="no file matches"):
        await pieces(opened(tmp_path))
    write(tmp_path / "a.log", 3)

    def denied(*given: Any) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(files, "opened", denied)
    monkeypatch.setattr(os, "access", lambda *given: False)
    assert "permission denied" in (await opened(tmp_path).health()).detail
    with pytest.raises(SourceRefused, match=r"a\.log cannot be read: Permission denied"):
        await pieces(opened(tmp_path))


async def test_health_says_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """How many files, how large, and when the last was written."""
    write(tmp_path / "a.log", 3)
    health = await opened(tmp_path).health()
    assert health.ok
    assert health.detail.startswith("1 files, 0.0 MB, last written 20")
    (file,) = find((f"{tmp_path}/*",), "{stem}").files
    monkeypatch.setattr(files, "find", lambda *given: _files_paths.Found((replace(file, mtime=4e11),)))
    assert "last written 9999" in (await opened(tmp_path).health()).detail


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"paths": ["*.log"]}, "no absolute path"),
        ({"paths": ["/**"]}, "no absolute path below a folder"),
        ({"paths": ["/var/log/../../etc/*"]}, "no absolute path"),
        ({"paths": []}, "at least 1"),
        ({"paths": "/x/*", "timezone": "Mars/Base"}, "no time zone"),
        ({"paths": "/x/*", "service": "(x"}, "no regular expression"),
        ({"paths": "/x/*", "service": "fixed"}, "it takes"),
        ({"paths": "/x/*", "other": 1}, "Extra inputs"),
    ],
)
def test_settings_that_do_not_fit(given: dict[str, Any], words: str) -> None:
    """Each is told."""
    with pytest.raises(ValidationError, match=words):
        files.FilesSettings(**given)


async def test_a_reader_that_leaves_early_leaves_nothing_open(tmp_path: Path) -> None:
    """Cancelled in the middle, or not read to the end: the files are closed."""
    write(tmp_path / "a.log", 100_000)
    before = len(os.listdir("/proc/self/fd"))
    instance = opened(tmp_path)
    assert instance.logs is not None
    task = asyncio.ensure_future(pieces(instance))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    reading = instance.logs.read(ALL, EVER)
    await anext(reading)
    await reading.aclose()
    assert len(os.listdir("/proc/self/fd")) == before


async def test_a_million_lines_in_flat_memory(tmp_path: Path) -> None:
    """Piece by piece: what is held is a piece, not the log."""
    line = b" INFO shop.cart GET /api/cart 200 duration_ms=27.5\n"
    with (tmp_path / "a.log").open("wb") as file:
        for i in range(1_000):
            file.write((f"{START + timedelta(seconds=i):%Y-%m-%d %H:%M:%S}".encode() + line) * 1_000)
    instance = opened(tmp_path)
    assert instance.logs is not None
    count, sizes = 0, []
    async for piece in instance.logs.read(ALL, EVER):
        count += len(piece.times)
        sizes.append(resident())
    assert count == 1_000_000
    assert max(sizes) < sizes[3] + 20_000_000

"""Which files a source may read: what its globs match, below the folders that they name, and nothing that leads out."""

import fnmatch
import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.domain.errors import SourceRefused

MOST_FILES = 5_000
_WILD = re.compile(r"[*?\[]")
_ENDING = re.compile(
    r"(\.(gz|zst|bz2|xz|log|txt|out|err|json|jsonl|ndjson|old)|\.\d{1,3}|[._-]?\d{4}-?\d\d-?\d\d([T_-]?\d{2,6})?)+$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class LogFile:
    """A file as it was found: `path` as the glob names it, `real` where it stands, size in bytes, mtime in seconds."""

    path: str
    real: str
    service: str
    size: int
    mtime: float


@dataclass(frozen=True)
class Found:
    """The files of a source, by path.

    `refused` are the paths that lead out of its folders, or are no plain files; `denied` the folders not to be read.
    """

    files: tuple[LogFile, ...]
    refused: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()


def root(glob: str) -> str:
    """The folder that a glob fixes: what stands before its first wildcard."""
    parts = glob.split("/")
    fixed = next((i for i, part in enumerate(parts) if _WILD.search(part)), len(parts) - 1)
    return "/".join(parts[:fixed]) or "/"


def stem(path: str) -> str:
    """A file's name without what rotation, packing and habit append: `payment.log.2.gz` is `payment`."""
    name = path.rpartition("/")[2]
    return _ENDING.sub("", name).strip("._-") or name


def service_name(pattern: str, path: str) -> str:
    """By a template (`{stem}`, `{folder}`), or by a regular expression's group; the stem where that does not fit."""
    if "{" in pattern and "(" not in pattern:
        folder = path.rpartition("/")[0].rpartition("/")[2]
        return pattern.replace("{stem}", stem(path)).replace("{folder}", folder)
    found = re.search(pattern, path)
    named = found and (found.groupdict().get("service") or (found.groups() and found.group(1)) or found.group())
    return named or stem(path)


def find(globs: Sequence[str], service: str) -> Found:
    """Every file that the globs match, each once. SourceRefused where they are too many."""
    files: dict[str, LogFile] = {}
    refused: list[str] = []
    denied: list[str] = []
    for glob in globs:
        top = root(glob)
        inside = os.path.realpath(top)
        for path in _matches(top, glob[len(top) :].strip("/").split("/"), denied):
            real = os.path.realpath(path)
            if real in files:
                continue
            found = _regular(real) if _below(real, inside) else None
            if found is None:
                refused.append(path)
                continue
            files[real] = LogFile(path, real, service_name(service, path), found.st_size, found.st_mtime)
            if len(files) > MOST_FILES:
                raise SourceRefused(f"more than {MOST_FILES} files match {', '.join(globs)}; set narrower paths")
    return Found(tuple(sorted(files.values(), key=lambda file: file.path)), tuple(refused), tuple(denied))


def opened(file: LogFile) -> int:
    """A descriptor of the file for reading; OSError where it is none any more, or its path leads elsewhere by now."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe put in its place must not block
    descriptor = os.open(file.real, flags)
    if stat.S_ISREG(os.fstat(descriptor).st_mode) and os.path.realpath(file.real) == file.real:
        return descriptor
    os.close(descriptor)
    raise OSError("is no plain file any more")


def _below(real: str, folder: str) -> bool:
    return real.startswith(folder.rstrip("/") + "/")


def _regular(real: str) -> os.stat_result | None:
    try:
        found = os.stat(real)
    except OSError:
        return None
    return found if stat.S_ISREG(found.st_mode) else None


def _matches(folder: str, parts: Sequence[str], denied: list[str]) -> Iterator[str]:
    """The paths below a folder that fit; `**` is any depth, and follows no link."""
    part, rest = parts[0], parts[1:]
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError:
        denied.append(folder)
        return
    if part == "**":
        yield from _matches(folder, rest or ["*"], denied)
        for entry in entries:
            if entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
                yield from _matches(entry.path, parts, denied)
        return
    for entry in entries:
        if not fnmatch.fnmatchcase(entry.name, part) or (entry.name.startswith(".") and not part.startswith(".")):
            continue
        if rest and entry.is_dir():
            yield from _matches(entry.path, rest, denied)
        elif not rest and not entry.is_dir():
            yield entry.path

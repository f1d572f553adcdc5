"""A fitted matcher on disk, which several processes map into their memory.

A snapshot is a folder of plain arrays with a manifest that names each file's size and checksum; a
file called `CURRENT` names the snapshot in force. Everything is written beside what is in use and
put in force by one rename, so a crash at any moment leaves the last good snapshot. Nothing is
unpickled.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import shutil
import zlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bidding.matching.estimator import TfidfMatcher
from bidding.matching.postings import Postings

FORMAT = 2
"""Of the files; a snapshot of another format counts as missing."""

_SOURCES = ("text.py", "stopwords.txt", "estimator.py")
"""What decides on the numbers in a snapshot."""

_CURRENT = "CURRENT"
_MANIFEST = "manifest.json"
_UNFINISHED = ".part"
_NAME = re.compile(r"\d{8}T\d{6}-[0-9a-f]{8}")
_LEARNED = ("idf_", "usual_lengths_")
_CHUNK = 1 << 20


class SnapshotError(Exception):
    """There is no snapshot that this process can use; the message says why."""


class SnapshotDamaged(SnapshotError):
    """A snapshot is not what was written; the message says which file."""


@dataclass(frozen=True)
class Address:
    """Where a snapshot is."""

    folder: Path
    name: str


@dataclass(frozen=True)
class Snapshot:
    """A matcher, the ids of its documents in the order they were fitted, and how fresh it is.

    `as_of` is a moment before the documents were read: what changed later may be missing. `seen`
    are changes shortly before it, by id and microsecond, that are not missing.
    """

    address: Address
    matcher: TfidfMatcher
    ids: npt.NDArray[np.int64]
    as_of: datetime
    seen: frozenset[tuple[int, int]]


def write(
    folder: Path,
    matcher: TfidfMatcher,
    ids: npt.NDArray[np.int64],
    as_of: datetime,
    seen: Collection[tuple[int, int]] = (),
) -> str:
    """Write a snapshot into `folder` and put it in force; answers its name.

    Hold the right to build, see `building`. Snapshots older than the one it replaces are removed,
    unless they are `kept`. A process that maps a removed one keeps its pages until it lets go.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(f"*{_UNFINISHED}"):  # of a process that was killed
        shutil.rmtree(left, ignore_errors=True)
    name = f"{as_of:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
    unfinished = folder / f"{name}{_UNFINISHED}"
    try:
        _fill(unfinished, matcher, ids, as_of, seen)
        before = current(folder)
        unfinished.rename(folder / name)
        _put_in_force(folder, name)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        if current(folder) != name:
            shutil.rmtree(folder / name, ignore_errors=True)
        raise
    _tidy(folder, keep={name, before})
    return name


def _fill(
    unfinished: Path,
    matcher: TfidfMatcher,
    ids: npt.NDArray[np.int64],
    as_of: datetime,
    seen: Collection[tuple[int, int]],
) -> None:
    unfinished.mkdir()
    known = np.array(sorted(seen), np.int64).reshape(-1, 2)
    arrays = {"ids": ids, "seen": known, **_arrays_of(matcher)}
    files = {key: _write_array(unfinished / f"{key}.npy", array) for key, array in arrays.items()}
    manifest = {
        "format": FORMAT,
        "made_by": made_by(),
        "as_of": as_of.isoformat(),
        "parameters": _parameters(matcher),
        "pivot": matcher.pivot_,
        "documents": matcher.n_documents_,
        "files": files,
    }
    text = json.dumps(manifest, indent=1)
    _write_text(unfinished / _MANIFEST, f"{zlib.crc32(text.encode())}\n{text}")
    _sync(unfinished)


def current(folder: Path) -> str | None:
    """The name of the snapshot in force."""
    try:
        name = (folder / _CURRENT).read_text(encoding="utf-8").strip()
    except (FileNotFoundError, UnicodeDecodeError):
        return None
    return name if _NAME.fullmatch(name) else None


def discard(folder: Path, name: str) -> None:
    """Take a damaged snapshot out of force, so that whoever builds sees it missing.

    A worker that mapped it while it was whole would not look at it again. Whoever builds at this
    moment is about to replace it.
    """
    with building(folder) as mine:
        if mine and current(folder) == name:
            (folder / _CURRENT).unlink(missing_ok=True)


def read(folder: Path) -> Snapshot:
    """Map the snapshot in force, once every file has been found to be as it was written.

    Raises
    ------
    SnapshotError
        There is none, it was made by other code, or a file cannot be read at the moment.
    SnapshotDamaged
        A file is missing, or is not as it was written.
    """
    name = current(folder)
    if name is None:
        raise SnapshotError(f"{folder} has no snapshot")
    return _open(Address(folder, name))


@lru_cache(maxsize=2)
def open_once(address: Address) -> Snapshot:
    """Map a snapshot that may be in force no longer; the same one for every caller."""
    return _open(address)


def _open(address: Address) -> Snapshot:
    folder = address.folder / address.name
    try:
        manifest = _read_manifest(folder)
        arrays = {
            key: _read_array(folder / f"{key}.npy", expected)
            for key, expected in manifest["files"].items()
        }
    except FileNotFoundError as error:
        if current(address.folder) != address.name:  # it was replaced, and is tidied away
            raise SnapshotError(f"{address.name} is no longer there") from error
        raise SnapshotDamaged(f"{error.filename} is missing") from error
    except OSError as error:
        raise SnapshotError(f"{address.name} cannot be read: {error}") from error
    except ValueError as error:
        raise SnapshotDamaged(f"{address.name} cannot be read: {error}") from error
    matcher = TfidfMatcher(**manifest["parameters"])
    for key in _LEARNED:
        setattr(matcher, key, arrays[key])
    matcher.codes_ = arrays["codes"]
    matcher.pivot_ = manifest["pivot"]
    matcher.n_documents_ = manifest["documents"]
    matcher.postings_ = Postings(**{field.name: arrays[field.name] for field in fields(Postings)})
    as_of = datetime.fromisoformat(manifest["as_of"])
    seen = frozenset((int(ident), int(at)) for ident, at in arrays["seen"])
    return Snapshot(address, matcher, arrays["ids"], as_of, seen)


def _read_manifest(folder: Path) -> dict[str, Any]:
    checksum, _, text = (folder / _MANIFEST).read_bytes().partition(b"\n")
    if checksum != str(zlib.crc32(text)).encode():
        raise SnapshotDamaged(f"{_MANIFEST} of {folder.name} is damaged")
    manifest: dict[str, Any] = json.loads(text)
    if (manifest.get("format"), manifest.get("made_by")) != (FORMAT, made_by()):
        raise SnapshotError(f"{folder.name} was made by other code")
    if manifest["parameters"] != _parameters(TfidfMatcher()):
        raise SnapshotError(f"{folder.name} was made with other settings")
    return manifest


@cache
def made_by() -> int:
    """Identify the code and the word lists that snapshots and what comes of them depend on."""
    here = Path(__file__).parent
    return zlib.crc32(b"".join((here / name).read_bytes() for name in _SOURCES))


@contextmanager
def kept(address: Address) -> Iterator[None]:
    """Keep a snapshot on disk while it is in use, however many replace it.

    Raises
    ------
    SnapshotError
        It is gone already.
    """
    try:
        manifest = (address.folder / address.name / _MANIFEST).open("rb")
    except FileNotFoundError as error:
        raise SnapshotError(f"{address.name} is no longer there") from error
    with manifest:
        fcntl.flock(manifest, fcntl.LOCK_SH)
        yield


def _is_kept(folder: Path) -> bool:
    try:
        with (folder / _MANIFEST).open("rb") as manifest:
            fcntl.flock(manifest, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        pass
    return False


@contextmanager
def building(folder: Path) -> Iterator[bool]:
    """Hold the right to build: at most one process has it. Tells whether this one does."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def _arrays_of(matcher: TfidfMatcher) -> Mapping[str, npt.NDArray[Any]]:
    # The features of the postings are those of the matcher, so they are written once.
    return {**{key: getattr(matcher, key) for key in _LEARNED}, **matcher.postings_.arrays()}


def _parameters(matcher: TfidfMatcher) -> dict[str, Any]:
    return dict(json.loads(json.dumps(matcher.get_params())))


def _write_array(path: Path, array: npt.NDArray[Any]) -> dict[str, int]:
    with path.open("wb") as file:
        np.save(file, np.ascontiguousarray(array), allow_pickle=False)
        file.flush()
        os.fsync(file.fileno())
    return {"bytes": path.stat().st_size, "crc32": _checksum(path)}


def _read_array(path: Path, expected: Mapping[str, int]) -> npt.NDArray[Any]:
    if path.stat().st_size != expected["bytes"]:
        raise SnapshotDamaged(f"{path.name} has not its size")
    if _checksum(path) != expected["crc32"]:
        raise SnapshotDamaged(f"{path.name} is damaged")
    array: npt.NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    return array.view(np.ndarray)


def _checksum(path: Path) -> int:
    total = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            total = zlib.crc32(chunk, total)
    return total


def _write_text(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _put_in_force(folder: Path, name: str) -> None:
    pointer = folder / f"{_CURRENT}.part"
    _write_text(pointer, name)
    pointer.replace(folder / _CURRENT)
    _sync(folder)


def _sync(folder: Path) -> None:
    """Have the names in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _tidy(folder: Path, keep: set[str | None]) -> None:
    for path in folder.iterdir():
        if path.is_dir() and path.name not in keep and not _is_kept(path):
            shutil.rmtree(path, ignore_errors=True)

"""A matcher kept on disk: the same when it is read, and never half of one."""

from __future__ import annotations

import builtins
import io
import json
import os
import shutil
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bidding.matching import snapshots
from bidding.matching.estimator import Document, TfidfMatcher
from bidding.matching.snapshots import Address, SnapshotDamaged, SnapshotError

PROFILES = [
    Document("东阳磁材厂", "烧结钕铁硼永磁材料的生产，晶界扩散。"),
    Document("Coating works", "Superhydrophobic coatings for wind turbine blades."),
    Document("", ""),
]
IDS = np.array([3, 5, 8])
NOON = datetime(2026, 1, 2, 12, 0, 0, 123456, tzinfo=UTC)
NEED = Document("永磁材料", "晶界扩散 coating")


@pytest.fixture(scope="module")
def matcher() -> TfidfMatcher:
    return TfidfMatcher().fit(PROFILES)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "matching" / "offers"


@pytest.fixture
def written(folder: Path, matcher: TfidfMatcher) -> Path:
    """The folder of a snapshot in force."""
    return folder / snapshots.write(folder, matcher, IDS, NOON)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_snapshot_is_read_as_it_was_written(written: Path, matcher: TfidfMatcher) -> None:
    found = snapshots.read(written.parent)
    assert found.address == Address(written.parent, written.name)
    assert found.as_of == NOON
    assert found.ids.tolist() == IDS.tolist()
    assert found.matcher.get_params() == matcher.get_params()
    for name in ("codes_", "idf_", "usual_lengths_"):
        mine, other = getattr(matcher, name), getattr(found.matcher, name)
        assert np.array_equal(mine, other), name
        assert mine.dtype == other.dtype, name
    for name, array in matcher.postings_.arrays().items():
        other = found.matcher.postings_.arrays()[name]
        assert np.array_equal(array, other), name
        assert array.dtype == other.dtype, name
    assert (found.matcher.pivot_, found.matcher.n_documents_) == (matcher.pivot_, len(PROFILES))
    assert found.matcher.rank(NEED) == matcher.rank(NEED) != []
    assert found.matcher.explain(NEED, [0, 1]) == matcher.explain(NEED, [0, 1])
    for name, array in found.matcher.transform(PROFILES).arrays().items():
        assert np.array_equal(array, matcher.postings_.arrays()[name]), name


def test_a_snapshot_is_mapped_and_cannot_be_written_to(written: Path) -> None:
    found = snapshots.read(written.parent)
    for array in (found.ids, *found.matcher.postings_.arrays().values()):
        assert isinstance(array.base, np.memmap)
        assert type(array) is np.ndarray
        with pytest.raises(ValueError, match="read-only"):
            array[:1] = 0


@pytest.mark.parametrize("documents", [[], [Document("", "")]])
def test_a_snapshot_of_nothing_is_no_error(folder: Path, documents: list[Document]) -> None:
    snapshots.write(folder, TfidfMatcher().fit(documents), IDS[: len(documents)], NOON)
    found = snapshots.read(folder)
    assert found.matcher.rank(NEED) == []
    assert len(found.ids) == len(documents)


def test_the_newest_snapshot_is_in_force_and_the_one_before_is_kept(
    folder: Path, matcher: TfidfMatcher
) -> None:
    first, second, third = (snapshots.write(folder, matcher, IDS, NOON) for _ in range(3))
    assert snapshots.current(folder) == third
    assert names(folder) == {"CURRENT", second, third}
    assert first not in names(folder)


def test_a_snapshot_in_use_stays_however_many_replace_it(
    folder: Path, matcher: TfidfMatcher
) -> None:
    first = snapshots.write(folder, matcher, IDS, NOON)
    with snapshots.kept(Address(folder, first)):
        others = [snapshots.write(folder, matcher, IDS, NOON) for _ in range(3)]
        assert names(folder) == {"CURRENT", first, *others[1:]}
        assert snapshots.open_once(Address(folder, first)).matcher.rank(NEED)
    last = snapshots.write(folder, matcher, IDS, NOON)
    assert names(folder) == {"CURRENT", others[2], last}
    with (
        pytest.raises(SnapshotError, match="no longer there"),
        snapshots.kept(Address(folder, first)),
    ):
        pass


def test_only_a_snapshot_in_force_and_nobody_builds_is_discarded(written: Path) -> None:
    folder = written.parent
    snapshots.discard(folder, "20260102T120000-00000000")
    assert snapshots.current(folder) == written.name
    with snapshots.building(folder):
        snapshots.discard(folder, written.name)
    assert snapshots.current(folder) == written.name
    snapshots.discard(folder, written.name)
    assert snapshots.current(folder) is None


def test_a_process_keeps_a_snapshot_that_was_removed(folder: Path, matcher: TfidfMatcher) -> None:
    snapshots.write(folder, matcher, IDS, NOON)
    found = snapshots.read(folder)
    shutil.rmtree(folder)
    assert found.matcher.rank(NEED) == matcher.rank(NEED)


def test_a_snapshot_is_opened_once(written: Path) -> None:
    address = Address(written.parent, written.name)
    assert snapshots.open_once(address) is snapshots.open_once(address)
    with pytest.raises(SnapshotError):
        snapshots.open_once(Address(written.parent, "gone"))


# What is missing or damaged


@pytest.mark.parametrize(
    "pointer",
    [None, "", "  \n", "nothing", "../..", "20260102T120000-00000000", "a" * 5000, b"\x00\xff"],
)
def test_a_pointer_to_nothing_is_no_snapshot(written: Path, pointer: str | bytes | None) -> None:
    current = written.parent / "CURRENT"
    current.unlink()
    if pointer is not None:
        current.write_bytes(pointer if isinstance(pointer, bytes) else pointer.encode())
    with pytest.raises(SnapshotError):
        snapshots.read(written.parent)


def test_a_folder_that_is_not_there_has_no_snapshot(tmp_path: Path) -> None:
    assert snapshots.current(tmp_path / "none") is None
    with pytest.raises(SnapshotError, match="has no snapshot"):
        snapshots.read(tmp_path / "none")


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x10
    path.write_bytes(content)


def shorten(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def lengthen(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"\0")


def empty(path: Path) -> None:
    os.truncate(path, 0)


@pytest.mark.parametrize("damage", [flip, shorten, lengthen, empty, Path.unlink])
def test_whichever_file_is_damaged_is_named(
    folder: Path, matcher: TfidfMatcher, damage: Callable[[Path], None]
) -> None:
    written = folder / snapshots.write(folder, matcher, IDS, NOON)
    files = sorted(path.name for path in written.iterdir() if path.suffix == ".npy")
    assert len(files) == 12
    for name in files:
        whole = (written / name).read_bytes()
        damage(written / name)
        with pytest.raises(SnapshotDamaged, match=name.removesuffix(".npy")):
            snapshots.read(folder)
        (written / name).write_bytes(whole)
    assert snapshots.read(folder).matcher.rank(NEED) == matcher.rank(NEED)


@pytest.mark.parametrize("damage", [flip, shorten, lengthen, empty, Path.unlink])
def test_a_damaged_manifest_is_no_snapshot(written: Path, damage: Callable[[Path], None]) -> None:
    damage(written / "manifest.json")
    with pytest.raises(SnapshotDamaged, match=r"manifest\.json"):
        snapshots.read(written.parent)


def manifest_of(written: Path) -> dict[str, Any]:
    return dict(json.loads((written / "manifest.json").read_text().partition("\n")[2]))


def put_manifest(written: Path, manifest: dict[str, Any]) -> None:
    text = json.dumps(manifest)
    (written / "manifest.json").write_text(f"{zlib.crc32(text.encode())}\n{text}")


def test_a_snapshot_of_another_format_counts_as_missing(written: Path) -> None:
    put_manifest(written, {**manifest_of(written), "format": 0})
    with pytest.raises(SnapshotError, match="made by other code") as caught:
        snapshots.read(written.parent)
    assert not isinstance(caught.value, SnapshotDamaged)


@pytest.mark.parametrize("name", ["text.py", "stopwords.txt", "estimator.py"])
def test_a_snapshot_of_another_version_of_the_code_counts_as_missing(
    written: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_bytes = Path.read_bytes
    monkeypatch.setattr(
        Path, "read_bytes", lambda path: read_bytes(path) + (b" " if path.name == name else b"")
    )
    snapshots.made_by.cache_clear()
    with pytest.raises(SnapshotError, match="made by other code"):
        snapshots.read(written.parent)
    monkeypatch.undo()
    snapshots.made_by.cache_clear()
    assert snapshots.read(written.parent).ids.tolist() == IDS.tolist()


def test_a_snapshot_made_with_other_settings_counts_as_missing(folder: Path) -> None:
    snapshots.write(folder, TfidfMatcher(k1=2).fit(PROFILES), IDS, NOON)
    with pytest.raises(SnapshotError, match="other settings"):
        snapshots.read(folder)


class Harm:
    """Says so when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (HARM,)


HARM = ""


def test_nothing_is_unpickled(written: Path, tmp_path: Path) -> None:
    global HARM
    HARM = str(tmp_path / "harm")
    path, known = written / "ids.npy", manifest_of(written)
    np.save(path, np.array([Harm()], object), allow_pickle=True)
    known["files"]["ids"] = {
        "bytes": path.stat().st_size,
        "crc32": snapshots._checksum(path),
    }
    put_manifest(written, known)
    with pytest.raises(SnapshotError, match="cannot be read"):
        snapshots.read(written.parent)
    assert not Path(HARM).exists()


# A crash at any moment


class Crash(BaseException):
    """The power went."""


class FullDisk(OSError):
    """No space left on device."""


@contextmanager
def failing(at: int, error: type[BaseException]) -> Iterator[list[str]]:
    """Raise at one of the operations on files; tells which were asked for."""
    done: list[str] = []

    def watched(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            done.append(name)
            if len(done) == at + 1:
                raise error(name)
            return original(*args, **options)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for owner, name in (
            *((os, name) for name in ("mkdir", "open", "fsync", "rename", "replace", "rmdir")),
            *((os, name) for name in ("unlink", "scandir", "listdir", "stat")),
            *((io, "open"), (builtins, "open"), (np, "save"), (json, "dumps")),
        ):
            patch.setattr(owner, name, watched(name, getattr(owner, name)))
        yield done


@pytest.mark.parametrize(("error", "before"), [(Crash, True), (FullDisk, True), (FullDisk, False)])
def test_a_crash_at_any_moment_leaves_the_last_good_snapshot(
    tmp_path: Path,
    matcher: TfidfMatcher,
    error: type[BaseException],
    before: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)  # a hundred times over it takes its time
    newer = TfidfMatcher().fit(PROFILES[:2])
    old_name = None
    for at in range(500):
        folder = tmp_path / str(at)
        if before:
            old_name = snapshots.write(folder, matcher, IDS, NOON)
        with failing(at, error) as done, suppress(error):
            snapshots.write(folder, newer, IDS[:2], NOON)
        name = snapshots.current(folder)
        if name is None:
            assert not before
        else:
            expected = matcher if name == old_name else newer
            assert snapshots.read(folder).matcher.rank(NEED) == expected.rank(NEED)
        if len(done) <= at:
            break
        if at % 5:
            continue
        # Whatever was left lying about is cleared away by the next one.
        third = snapshots.write(folder, matcher, IDS, NOON)
        assert names(folder) <= {"CURRENT", third, name}
        assert snapshots.read(folder).address.name == third
    assert at > 70
    assert name != old_name


def test_what_a_full_disk_cut_short_takes_no_room(
    written: Path, matcher: TfidfMatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)
    cut_short = 0
    for at in range(100):
        before = names(written.parent)
        try:
            with failing(at, FullDisk):
                snapshots.write(written.parent, matcher, IDS, NOON)
        except FullDisk:
            cut_short += 1
            if snapshots.current(written.parent) in before:
                assert names(written.parent) - {"CURRENT.part"} == before - {"CURRENT.part"}
    assert cut_short > 50


def test_what_a_killed_process_left_is_removed_before_more_is_written(
    written: Path, matcher: TfidfMatcher
) -> None:
    left = written.parent / "20260101T000000-abcdef.part"
    left.mkdir()
    (left / "weights.npy").write_bytes(b"0" * 100)
    with failing(20, FullDisk), pytest.raises(FullDisk):
        snapshots.write(written.parent, matcher, IDS, NOON)
    assert not left.exists()


# Two at once

HOLD = """
import sys
from pathlib import Path
from bidding.matching import snapshots
for _ in range(2):
    with snapshots.building(Path(sys.argv[1])) as mine:
        print(mine, flush=True)
        sys.stdin.readline()
"""


def test_only_one_of_two_builders_builds_and_a_killed_one_holds_up_nobody(folder: Path) -> None:
    with subprocess.Popen(  # noqa: S603 - ourselves
        [sys.executable, "-c", HOLD, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        with snapshots.building(folder) as mine:
            assert mine
            with snapshots.building(folder) as again:
                assert not again
            assert other.stdout.readline() == "False\n"
        other.stdin.write("\n")
        other.stdin.flush()
        assert other.stdout.readline() == "True\n"
        with snapshots.building(folder) as mine:
            assert not mine
        other.kill()
        other.wait()
        with snapshots.building(folder) as mine:
            assert mine


def test_the_right_to_build_is_given_back_after_an_error(folder: Path) -> None:
    with pytest.raises(RuntimeError), snapshots.building(folder):
        raise RuntimeError
    with snapshots.building(folder) as mine:
        assert mine

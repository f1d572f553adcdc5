"""A refresh gives the same wherever its work is done, and goes on where it was stopped."""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bidding.matching import refreshing
from bidding.matching.pairing import Market, Pairing
from bidding.matching.refreshing import ClusterError, alone, forget, on_cluster
from tests.matching import markets

ROOT = Path(__file__).resolve().parents[2]
NEEDS = markets.needs(20)
COUNT = 160
STRETCH = 20
STRETCHES = COUNT // STRETCH
MARKET = markets.market(markets.fitted(COUNT))


def refresh(*given: Any, **options: Any) -> list[Pairing]:
    return [one for part in refreshing.refresh(*given, **options) for one in part]


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[Pairing]:
    """What a refresh in one go gives."""
    return refresh(MARKET, NEEDS, tmp_path_factory.mktemp("run"))


class Stop(Exception):
    """Somebody stopped the run."""


class Log(list[tuple[int, int]]):
    """What a run tells of its progress; stops it after some steps."""

    def __init__(self, until: int = 10**9) -> None:
        self.until = until

    def __call__(self, done: int, everything: int) -> None:
        self.append((done, everything))
        if done == self.until:
            raise Stop


def test_pairings_are_those_of_single_challenges(expected: list[Pairing]) -> None:
    kept = {(one.challenge_id, one.organization_id): one for one in expected}
    assert len(kept) == len(expected) > 200
    for need in NEEDS:
        for one in MARKET.for_challenge(need):
            other = kept[one.challenge_id, one.organization_id]
            assert other.score == pytest.approx(one.score, abs=1e-4)
            assert other.boosts == one.boosts
            assert [t["term"] for t in other.terms] == [t["term"] for t in one.terms]


@pytest.mark.parametrize("stretch", [3, 64, 1000])
def test_the_size_of_a_stretch_makes_no_difference(
    tmp_path: Path, expected: list[Pairing], stretch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refreshing, "EXPLAINED", 10 * stretch)
    assert refresh(MARKET, NEEDS, tmp_path, stretch=stretch) == expected


def test_a_market_with_changes_is_paired_whole(tmp_path: Path) -> None:
    market = markets.market(markets.kept(COUNT, tmp_path / "snapshot"))
    found = refresh(market, NEEDS, tmp_path / "run", stretch=STRETCH)
    assert found == refresh(market, NEEDS, tmp_path / "run")
    assert 10 not in {one.organization_id for one in found}
    delta = set(market.view.delta_ids.tolist())
    assert delta & {one.organization_id for one in found}


def test_two_processes_give_what_one_gives(tmp_path: Path, expected: list[Pairing]) -> None:
    assert refresh(MARKET, NEEDS, tmp_path, jobs=2, stretch=STRETCH) == expected


def test_progress_is_told_stretch_by_stretch(tmp_path: Path) -> None:
    log = Log()
    refresh(MARKET, NEEDS, tmp_path, progress=log, stretch=STRETCH)
    assert log[: STRETCHES + 1] == [(n, STRETCHES) for n in range(STRETCHES + 1)]
    assert log[-1][0] == log[-1][1]
    assert [done for done, _ in log] == sorted(done for done, _ in log)


@pytest.mark.parametrize("until", [0, 1, 5, STRETCHES, STRETCHES + 1])
def test_a_stopped_run_goes_on_where_it_stood(
    tmp_path: Path, expected: list[Pairing], until: int
) -> None:
    with pytest.raises(Stop):
        refresh(MARKET, NEEDS, tmp_path, progress=Log(until), stretch=STRETCH)
    log = Log()
    assert refresh(MARKET, NEEDS, tmp_path, progress=log, stretch=STRETCH) == expected
    assert log[0] == (min(until, STRETCHES), STRETCHES)
    again = Log()
    assert refresh(MARKET, NEEDS, tmp_path, progress=again, stretch=STRETCH) == expected
    assert again[0] == (STRETCHES, STRETCHES)  # nothing is computed twice until it is forgotten
    forget(tmp_path)
    assert not tmp_path.exists()


def test_results_that_were_cut_short_are_computed_again(
    tmp_path: Path, expected: list[Pairing]
) -> None:
    refresh(MARKET, NEEDS, tmp_path, stretch=STRETCH)
    results = sorted(tmp_path.rglob("*.json"))
    results[0].write_bytes(b"")
    results[1].write_bytes(results[1].read_bytes()[:-5])
    results[2].write_bytes(b"\xff")
    results[-1].unlink()
    assert refresh(MARKET, NEEDS, tmp_path, stretch=STRETCH) == expected


def other_view() -> Market:
    return markets.market(markets.fitted(COUNT - 1))


def other_facts() -> Market:
    return replace(MARKET, facts=markets.facts(MARKET.view.every_id, gone={10, 13}))


def other_policy() -> Market:
    return replace(MARKET, policy=replace(MARKET.policy, same_city=0.0))


@pytest.mark.parametrize("other", [other_view, other_facts, other_policy])
def test_another_market_is_another_run(tmp_path: Path, other: Callable[[], Market]) -> None:
    with pytest.raises(Stop):
        refresh(MARKET, NEEDS, tmp_path, progress=Log(5), stretch=STRETCH)
    log = Log()
    found = refresh(other(), NEEDS, tmp_path, progress=log, stretch=STRETCH)
    assert log[0][0] == 0
    assert found == refresh(other(), NEEDS, tmp_path / "anew")
    assert len([path for path in tmp_path.iterdir() if path.name != "anew"]) == 1


def test_other_needs_and_another_stretch_are_another_run(
    tmp_path: Path, expected: list[Pairing]
) -> None:
    with pytest.raises(Stop):
        refresh(MARKET, NEEDS, tmp_path, progress=Log(5), stretch=STRETCH)
    log = Log()
    assert refresh(MARKET, NEEDS, tmp_path, progress=log, stretch=STRETCH * 2) == expected
    assert log[0][0] == 0
    log = Log()
    refresh(MARKET, NEEDS[1:], tmp_path, progress=log, stretch=STRETCH * 2)
    assert log[0][0] == 0


def test_nothing_is_paired_where_nobody_asks(tmp_path: Path) -> None:
    assert refresh(MARKET, [], tmp_path) == []


def test_a_run_killed_in_its_process_is_finished_by_another(
    tmp_path: Path, expected: list[Pairing]
) -> None:
    command = [sys.executable, "-m", "tests.matching.markets", "fitted", str(COUNT), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:  # noqa: S603 - our own
        assert process.stdout is not None
        while not process.stdout.readline().startswith("4 "):
            assert process.poll() is None
        process.kill()
    log = Log()
    found = refresh(MARKET, NEEDS, tmp_path / "run", progress=log, stretch=STRETCH)
    assert found == expected
    assert 4 <= log[0][0] <= STRETCHES


def test_two_refreshes_wait_for_each_other(tmp_path: Path) -> None:
    told: list[str] = []

    def other() -> None:
        with alone(tmp_path / "refresh"):
            told.append("other")

    with alone(tmp_path / "refresh"):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(0.2)
        told.append("mine")
    thread.join()
    assert told == ["mine", "other"]


def test_a_view_travels_whole_or_as_the_address_of_its_snapshot(tmp_path: Path) -> None:
    memory, disk = markets.fitted(COUNT), markets.kept(COUNT, tmp_path)
    assert len(pickle.dumps(disk)) < 20_000 < len(pickle.dumps(memory))
    for view in (memory, disk):
        other = pickle.loads(pickle.dumps(view))  # noqa: S301 - our own
        vector, same = (one.weigh(NEEDS[0].text) for one in (view, other))
        assert other.search(same, 20)[0].tolist() == view.search(vector, 20)[0].tolist()
        assert other.search(same, 20)[1].tolist() == view.search(vector, 20)[1].tolist()
        assert other.every_id.tolist() == view.every_id.tolist()


# A cluster


@contextlib.contextmanager
def running(folder: Path, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of a cluster, ended by its id."""
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    log = (folder / f"{len(list(folder.iterdir()))}.log").open("wb")
    process = subprocess.Popen(  # noqa: S603 - ourselves
        [sys.executable, "-m", *command],
        cwd=folder,
        env=environ,
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        log.close()


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def worker(folder: Path, address: str) -> Any:
    options = ["--no-nanny", "--no-dashboard", "--nthreads", "1", "--memory-limit", "0"]
    where = ["--host", "127.0.0.1", "--local-directory", str(folder)]
    return running(folder, "distributed.cli.dask_worker", address, *options, *where)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler and two workers on loopback."""
    folder = tmp_path / "cluster"
    folder.mkdir()
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    options = ["--host", "127.0.0.1", "--port", str(port), "--no-dashboard", "--no-show"]
    with (
        running(folder, "distributed.cli.dask_scheduler", *options),
        worker(folder, address) as first,
        worker(folder, address) as second,
    ):
        yield address, [first, second]


def wait_for_workers(address: str, count: int) -> None:
    import distributed  # noqa: PLC0415 - slow, and of use here alone

    deadline = time.monotonic() + 60
    while True:
        with contextlib.suppress(OSError), distributed.Client(address, timeout=2) as client:
            client.wait_for_workers(count, timeout=deadline - time.monotonic())
            return
        assert time.monotonic() < deadline


def test_a_cluster_that_loses_a_worker_gives_what_one_process_gives(
    tmp_path: Path, cluster: tuple[str, list[subprocess.Popen[bytes]]], expected: list[Pairing]
) -> None:
    address, workers = cluster
    count, stretch = 2000, 25
    market = markets.market(markets.kept(count, tmp_path / "snapshot"))
    alone = refresh(market, NEEDS, tmp_path / "alone")
    wait_for_workers(address, 2)
    log = Log()

    def progress(done: int, everything: int) -> None:
        log(done, everything)
        if done == 20:
            workers[0].send_signal(signal.SIGKILL)

    began = time.monotonic()
    with on_cluster(address):
        found = refresh(market, NEEDS, tmp_path / "run", progress=progress, stretch=stretch)
        # A market in memory, on what is left of the cluster.
        in_memory = refresh(MARKET, NEEDS, tmp_path / "memory", stretch=STRETCH)
    assert found == alone
    assert in_memory == expected
    assert workers[0].wait() == -signal.SIGKILL
    assert workers[1].poll() is None
    assert log[-1][0] == log[-1][1] > count // stretch
    assert time.monotonic() - began < 60


def test_a_cluster_without_a_scheduler_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refreshing, "_PATIENCE", 0.5)
    address = f"tcp://127.0.0.1:{free_port()}"
    with pytest.raises(ClusterError, match=address), on_cluster(address):
        pass


def test_a_cluster_needs_dask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with (
        pytest.raises(ClusterError, match=r"pip install 'dask\[distributed\]'"),
        on_cluster("tcp://127.0.0.1:1"),
    ):
        pass

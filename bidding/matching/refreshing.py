"""Every suggestion computed anew: in stretches, on the processors of a machine or of a cluster.

A *run* is a folder of results. Each stretch of SMEs that is paired, and then each stretch of pairs
that is explained, leaves a file there, so that a run that was stopped goes on where it stood. The
folder is named after everything that goes in: other input is another run.
"""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import scipy.sparse as sp

from bidding.matching import snapshots
from bidding.matching.explaining import SharedTerm
from bidding.matching.facts_table import FactsTable, itemised
from bidding.matching.pairing import (
    LEAST_SCORE,
    PER_CHALLENGE,
    PER_ORGANIZATION,
    TERMS,
    Market,
    Need,
    Pairing,
    Pairs,
    best_for_challenges,
    join,
    matrix_of,
    pair_all,
)
from bidding.matching.policy import Policy
from bidding.matching.shelves import View

STRETCH = 8192
"""SMEs that are paired at once."""

EXPLAINED = 2000
"""Pairs that are explained at once."""

_PATIENCE = 10
"""Seconds in which a scheduler must answer."""

Progress = Callable[[int, int], None]


def refresh(
    market: Market,
    needs: Sequence[Need],
    folder: Path,
    *,
    progress: Progress = lambda _done, _all: None,
    jobs: int = 1,
    stretch: int = STRETCH,
) -> Iterator[list[Pairing]]:
    """Pair everybody with everybody: the best SMEs of each challenge, the best ones of each SME.

    Parameters
    ----------
    market : Market
    needs : sequence of Need
    folder : Path
        Where runs are kept; what is left of other runs is removed.
    progress : callable
        Is told how many stretches are done, and of how many as far as is known.
    jobs : int, default=1
        Processes of this machine, -1 for all; within `on_cluster` all workers are used.
    stretch : int, default=`STRETCH`

    Yields
    ------
    list of Pairing
        Some of them, by challenge and SME, so that those of a country need not be in memory at
        once. `forget` the run once all are stored.
    """
    if not needs:
        return
    view = market.view
    with snapshots.kept(view.snapshot) if view.snapshot else nullcontext():
        run = _Run(folder, _name_of(market, needs, stretch), jobs, progress)
        pairs = _paired(run, market, needs, stretch)
        firsts = range(0, len(pairs.needs), EXPLAINED)
        spans = [slice(first, first + EXPLAINED) for first in firsts]
        terms = run.results(
            "terms",
            _explain,
            len(spans),
            lambda at: (view, *_excerpt(pairs, needs, view, spans[at])),
        )
        for span, part in zip(spans, terms, strict=True):
            yield _pairings(market, needs, pairs.take(span), part)


def _paired(run: _Run, market: Market, needs: Sequence[Need], stretch: int) -> Pairs:
    view, places = market.view, len(market.view.every_id)
    queries = matrix_of(view, (view.weigh(need.text) for need in needs))

    def stretch_of(number: int) -> tuple[Any, ...]:
        span = slice(number * stretch, min((number + 1) * stretch, places))
        facts = market.facts.take(span)
        return view, needs, queries, facts, market.policy, (span.start, span.stop)

    results = run.results("pairs", _pair, -(-places // stretch), stretch_of)
    kept = [_pairs(rows) for result in results for rows in result]
    return join([*kept[::2], best_for_challenges(kept[1::2])])


def forget(folder: Path) -> None:
    """Remove what is left of runs."""
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Wait until no other process of this machine, and no other thread, refreshes in `folder`."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class ClusterError(Exception):
    """There is no cluster to work on; the message says what to do."""


@contextmanager
def on_cluster(scheduler: str) -> Iterator[None]:
    """Run what is refreshed within the block on the workers of a Dask cluster.

    The workers need this package, and a snapshot under the same path as here where there are many
    documents. A stretch whose worker is lost is given to another one.

    Parameters
    ----------
    scheduler : str
        Address of the scheduler, such as `tcp://10.0.0.5:8786`.

    Raises
    ------
    ClusterError
        Dask is not installed, or there is no scheduler.
    """
    try:
        import distributed  # noqa: PLC0415 - optional, and slow to import
    except ImportError as error:
        raise ClusterError("a cluster needs Dask: pip install 'dask[distributed]'") from error
    try:
        client = distributed.Client(scheduler, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ClusterError(f"no scheduler answers at {scheduler}: {error}") from error
    with client, joblib.parallel_config(backend="dask", client=client):
        yield


def _name_of(market: Market, needs: Sequence[Need], stretch: int) -> str:
    """A name that differs wherever the results of a run, or how they are divided, would."""
    limits = (stretch, EXPLAINED, TERMS, PER_CHALLENGE, PER_ORGANIZATION, LEAST_SCORE)
    code = snapshots.made_by()
    given = (market.view.identity, needs, market.facts, market.policy, limits, code)
    return str(joblib.hash(given))


class _Run:
    """The folder of one run, and the processes that fill it."""

    def __init__(self, folder: Path, name: str, jobs: int, progress: Progress) -> None:
        self._folder = folder / name
        if not self._folder.exists():
            forget(folder)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._jobs = jobs
        self._progress = progress
        self._before = 0

    def results(
        self,
        kind: str,
        work: Callable[..., Any],
        count: int,
        arguments: Callable[[int], tuple[Any, ...]],
    ) -> Iterator[Any]:
        """Results of `work` with arguments by their number: all are made, then read one by one."""
        paths = [self._folder / f"{kind}-{number:06}.json" for number in range(count)]
        missing = [number for number, path in enumerate(paths) if _read(path) is None]
        done = count - len(missing)
        whole = self._before + count
        self._progress(self._before + done, whole)
        for number, result in self._run(work, arguments, missing):
            _write(paths[number], result)
            done += 1
            self._progress(self._before + done, whole)
        self._before = whole
        return map(_read, paths)

    def _run(
        self,
        work: Callable[..., Any],
        arguments: Callable[[int], tuple[Any, ...]],
        missing: list[int],
    ) -> Iterator[tuple[int, Any]]:
        parallel = joblib.Parallel(n_jobs=self._jobs, return_as="generator_unordered")
        # All in one tuple: a cluster keeps single large arguments on one worker, and if that one
        # is lost, so are they.
        calls = (
            joblib.delayed(_numbered)((work, number, *arguments(number))) for number in missing
        )
        results: Iterator[tuple[int, Any]] = parallel(calls)
        return results


def _numbered(call: tuple[Any, ...]) -> tuple[int, Any]:
    work, number, *arguments = call
    return number, work(*arguments)


def _read(path: Path) -> Any:
    """A result that was kept, or None where there is none or it was cut short."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None


def _write(path: Path, result: Any) -> None:
    unfinished = path.with_suffix(".part")
    unfinished.write_text(json.dumps(result), encoding="utf-8")
    unfinished.replace(path)


def _pair(
    view: View,
    needs: Sequence[Need],
    queries: sp.csr_array,
    facts: FactsTable,
    policy: Policy,
    span: tuple[int, int],
) -> list[dict[str, list[float]]]:
    found = pair_all(view.rows(*span), span[0], needs, queries, facts, policy)
    return [
        {name: getattr(pairs, name).tolist() for name in ("needs", "places", "scores", "ranks")}
        for pairs in found
    ]


def _pairs(rows: dict[str, list[float]]) -> Pairs:
    return Pairs(
        np.array(rows["needs"], np.int64),
        np.array(rows["places"], np.int64),
        np.array(rows["scores"], np.float32),
        np.array(rows["ranks"], np.float32),
    )


def _excerpt(
    pairs: Pairs, needs: Sequence[Need], view: View, span: slice
) -> tuple[list[Need], list[list[int]]]:
    """Some pairs as needs, and the ids of the SMEs of each."""
    numbers, begins = np.unique(pairs.needs[span], return_index=True)
    ids = np.split(view.every_id[pairs.places[span]], begins[1:])
    return [needs[number] for number in numbers], [part.tolist() for part in ids]


def _explain(
    view: View, needs: Sequence[Need], ids: Sequence[list[int]]
) -> list[list[tuple[str, float]]]:
    found: list[list[tuple[str, float]]] = []
    for need, members in zip(needs, ids, strict=True):
        for terms in view.explain(view.weigh(need.text), members, TERMS):
            found.append([(term.term, term.share) for term in terms])
    return found


def _pairings(
    market: Market, needs: Sequence[Need], pairs: Pairs, terms: Sequence[Sequence[Any]]
) -> list[Pairing]:
    pairings = []
    numbers, begins = np.unique(pairs.needs, return_index=True)
    groups = np.split(np.arange(len(pairs.needs)), begins[1:])
    for number, members in zip(numbers, groups if len(numbers) else [], strict=True):
        need, places = needs[number], pairs.places[members]
        boosts = itemised(need.asked, market.facts.take(places), market.policy)
        for at, place, points in zip(members, places, boosts, strict=True):
            pairings.append(
                Pairing.of(
                    need.challenge_id,
                    int(market.view.every_id[place]),
                    float(pairs.scores[at]),
                    [SharedTerm(*term) for term in terms[at]],
                    points,
                )
            )
    return pairings

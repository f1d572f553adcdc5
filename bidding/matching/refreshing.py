"""Every suggestion computed anew: in stretches, on the processors of a machine or of a cluster.

A *run* is a folder of results. Each stretch of SMEs that is paired, and then each stretch of pairs
that is explained, leaves a file there, so that a run that was stopped goes on where it stood. The
folder is named after everything that goes in: other input is another run.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import scipy.sparse as sp

from bidding.matching.explaining import SharedTerm
from bidding.matching.facts_table import FactsTable, itemised
from bidding.matching.pairing import (
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

Progress = Callable[[int, int], None]


def refresh(
    market: Market,
    needs: Sequence[Need],
    folder: Path,
    *,
    progress: Progress = lambda _done, _all: None,
    jobs: int = 1,
    stretch: int = STRETCH,
) -> list[Pairing]:
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
        Processes of this machine; -1 for all, also those of the joblib backend in force.
    stretch : int, default=`STRETCH`

    Returns
    -------
    list of Pairing
        By challenge and SME. `forget` the run once they are stored.
    """
    if not needs:
        return []
    run = _Run(folder, market, needs, jobs, progress)
    view, places = market.view, len(market.view.every_id)
    queries = matrix_of(view.matcher, [view.weigh(need.text) for need in needs])
    stretches = [(at, min(at + stretch, places)) for at in range(0, places, stretch)]
    found = run.results(
        "pairs",
        _pair,
        [
            (view, needs, queries, market.facts.take(slice(*span)), market.policy, span)
            for span in stretches
        ],
    )
    kept = [_pairs(rows) for result in found for rows in result]
    pairs = join([*kept[::2], best_for_challenges(kept[1::2])])
    numbers = np.arange(0, len(pairs.needs), EXPLAINED)
    terms = run.results(
        "terms", _explain, [(view, *_excerpt(pairs, needs, view, at)) for at in numbers.tolist()]
    )
    return _pairings(market, needs, pairs, [one for part in terms for one in part])


def forget(folder: Path) -> None:
    """Remove what is left of runs."""
    shutil.rmtree(folder, ignore_errors=True)


class _Run:
    """The folder of one run, and the processes that fill it."""

    def __init__(
        self,
        folder: Path,
        market: Market,
        needs: Sequence[Need],
        jobs: int,
        progress: Progress,
    ) -> None:
        name = str(joblib.hash((market.view.identity, needs, market.facts, market.policy)))
        self._folder = folder / name
        if not self._folder.exists():
            forget(folder)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._jobs = jobs
        self._progress = progress
        self._before = 0

    def results(
        self, kind: str, work: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]
    ) -> list[Any]:
        """Results of `work` with each of some arguments, from its file where there is one."""
        paths = [self._folder / f"{kind}-{number:06}.json" for number in range(len(arguments))]
        missing = [number for number, path in enumerate(paths) if not path.exists()]
        done = len(paths) - len(missing)
        whole = self._before + len(paths)
        self._progress(self._before + done, whole)
        for number, result in self._run(work, arguments, missing):
            unfinished = paths[number].with_suffix(".part")
            unfinished.write_text(json.dumps(result), encoding="utf-8")
            unfinished.replace(paths[number])
            done += 1
            self._progress(self._before + done, whole)
        self._before = whole
        return [json.loads(path.read_text(encoding="utf-8")) for path in paths]

    def _run(
        self, work: Callable[..., Any], arguments: Sequence[tuple[Any, ...]], missing: list[int]
    ) -> Iterator[tuple[int, Any]]:
        parallel = joblib.Parallel(n_jobs=self._jobs, return_as="generator_unordered")
        calls = (joblib.delayed(_numbered)(work, number, *arguments[number]) for number in missing)
        results: Iterator[tuple[int, Any]] = parallel(calls)
        return results


def _numbered(work: Callable[..., Any], number: int, *arguments: Any) -> tuple[int, Any]:
    return number, work(*arguments)


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
    pairs: Pairs, needs: Sequence[Need], view: View, first: int
) -> tuple[list[Need], list[list[int]]]:
    """Some pairs as needs, and the ids of the SMEs of each."""
    span = slice(first, first + EXPLAINED)
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

"""Which challenges and SMEs belong together: one challenge, one SME, or everybody at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from bidding.matching.coverage import Item
from bidding.matching.estimator import Document, Vector
from bidding.matching.explaining import SharedTerm
from bidding.matching.facts import Boost
from bidding.matching.facts_table import Asked, FactsTable, bonus, eligible, itemised
from bidding.matching.policy import Policy
from bidding.matching.postings import Floats
from bidding.matching.shelves import View

PER_CHALLENGE = 20
"""SMEs suggested to the poster of a challenge."""

PER_ORGANIZATION = 10
"""Challenges recommended to an SME."""

LEAST_SCORE = 0.1
"""Below it two texts share little more than the words everybody uses."""

TERMS = 8

_LOOKED_AT = 10 * PER_CHALLENGE
"""The facts can lift an SME, but hardly one that so many others fit better by its words."""


@dataclass(frozen=True)
class Need:
    """What a challenge asks for: by its words, by its facts, and item by item."""

    challenge_id: int
    text: Document
    asked: Asked
    items: tuple[Item, ...] = ()


@dataclass(frozen=True)
class Pairing:
    """One scored pair, with the terms that tie it and what its facts add."""

    challenge_id: int
    organization_id: int
    score: float
    terms: list[dict[str, Any]]
    boosts: list[dict[str, Any]]
    rank_score: float

    @classmethod
    def of(
        cls,
        challenge_id: int,
        organization_id: int,
        score: float,
        terms: Sequence[SharedTerm],
        boosts: Sequence[Boost],
    ) -> Pairing:
        return cls(
            challenge_id,
            organization_id,
            round(score, 4),
            [{"term": item.term, "share": round(item.share, 4)} for item in terms],
            [boost.stored for boost in boosts],
            round(round(score, 4) + sum(boost.points for boost in boosts), 4),
        )


@dataclass(frozen=True)
class Pairs:
    """Places of needs and SMEs that were paired, an array each.

    Attributes
    ----------
    needs, places : ndarray of int64
    scores, ranks : ndarray of float32
        The likeness of the texts, and that with the points of the facts.
    """

    needs: npt.NDArray[np.int64]
    places: npt.NDArray[np.int64]
    scores: Floats
    ranks: Floats

    def take(self, which: slice | npt.NDArray[np.int64]) -> Pairs:
        """Some of them."""
        return Pairs(self.needs[which], self.places[which], self.scores[which], self.ranks[which])


@dataclass(frozen=True)
class Market:
    """Everything that challenges are paired with, at one moment.

    Attributes
    ----------
    view : View
        The texts of the SMEs.
    facts : FactsTable
        Of `view.every_id`, in that order.
    policy : Policy
    """

    view: View
    facts: FactsTable
    policy: Policy

    def for_challenge(self, need: Need) -> list[Pairing]:
        """The SMEs that fit one challenge best."""
        vector = self.view.weigh(need.text)
        may = eligible(need.asked, self.facts)
        ids, scores = self.view.search(vector, _LOOKED_AT, may)
        facts = self.facts.take(_places(self.view.every_id, ids))
        ranks = ranked(scores, need.asked, facts, self.policy)
        best = np.lexsort((ids, -ranks))[:PER_CHALLENGE]
        best = best[ranks[best] > 0]
        terms = self.view.explain(vector, ids[best], TERMS)
        boosts = itemised(need.asked, facts.take(best), self.policy)
        return [
            Pairing.of(need.challenge_id, int(ids[at]), float(scores[at]), *why)
            for at, *why in zip(best, terms, boosts, strict=True)
        ]

    def for_organization(self, organization_id: int, needs: Sequence[Need]) -> list[Pairing]:
        """The challenges among `needs` that fit one SME best."""
        facts = self.facts.take(_places(self.view.every_id, np.array([organization_id])))
        if not len(needs) or not len(facts.ids) or facts.ids[0] != organization_id:
            return []
        found = []
        for need in needs:
            vector = self.view.weigh(need.text)
            score = self.view.scores(vector, [organization_id])
            rank = float(ranked(score, need.asked, facts, self.policy)[0])
            if rank > 0:
                found.append((-rank, need.challenge_id, need, float(score[0])))
        pairings = []
        for _, challenge_id, need, score in sorted(found, key=lambda one: one[:2])[
            :PER_ORGANIZATION
        ]:
            (terms,) = self.view.explain(self.view.weigh(need.text), [organization_id], TERMS)
            (boosts,) = itemised(need.asked, facts, self.policy)
            pairings.append(Pairing.of(challenge_id, organization_id, score, terms, boosts))
        return pairings


def ranked(scores: Floats, asked: Asked, facts: FactsTable, policy: Policy) -> Floats:
    """What to order by; 0 for who fails a gate or is too unlike, whatever the facts add.

    Parameters
    ----------
    scores : ndarray of float32, shape (n_organizations,)
    facts : FactsTable
        Of the same organizations.
    """
    fits = eligible(asked, facts) & (scores >= LEAST_SCORE)
    return np.where(fits, scores + bonus(asked, facts, policy), 0).astype(np.float32)


def matrix_of(view: View, vectors: Iterable[Vector]) -> sp.csr_array:
    """Queries as weights of a view's features: csr_array, shape (n_features, n_queries)."""
    found = [(view.find(vector.codes), vector.weights) for vector in vectors]
    columns = np.repeat(np.arange(len(found)), [len(numbers) for numbers, _ in found])
    rows = np.concatenate([np.empty(0, np.int64), *(numbers for numbers, _ in found)])
    weights = np.concatenate([np.empty(0, np.float32), *(weights for _, weights in found)])
    known = rows >= 0
    shape = (view.n_features, len(found))
    return sp.coo_array((weights[known], (rows[known], columns[known])), shape=shape).tocsr()


def pair_all(
    rows: sp.csr_array,
    first: int,
    needs: Sequence[Need],
    queries: sp.csr_array,
    facts: FactsTable,
    policy: Policy,
) -> tuple[Pairs, Pairs]:
    """Pair some neighbouring SMEs with every need.

    Parameters
    ----------
    rows : csr_array, shape (n_organizations, n_features)
    first : int
        Place of the first of them.
    queries : csr_array, shape (n_features, n_needs)
    facts : FactsTable
        Of the same SMEs.

    Returns
    -------
    for_organizations : Pairs
        The best needs of each SME.
    for_challenges : Pairs
        The best of these SMEs for each need.
    """
    scores = (rows @ queries).toarray().astype(np.float32)
    ranks = np.zeros_like(scores)
    for column, need in enumerate(needs):
        ranks[:, column] = ranked(scores[:, column], need.asked, facts, policy)
    return (
        _kept(ranks, scores, _best_in_rows(ranks, PER_ORGANIZATION), first),
        _kept(ranks, scores, _best_in_rows(ranks.T, PER_CHALLENGE)[::-1], first),
    )


def best_for_challenges(candidates: Sequence[Pairs]) -> Pairs:
    """Of the best of every stretch of SMEs the best of all, need by need."""
    joined = join(candidates)
    order = np.lexsort((joined.places, -joined.ranks, joined.needs))
    needs = joined.needs[order]
    begins = np.searchsorted(needs, needs)
    order = order[np.arange(len(order)) - begins < PER_CHALLENGE]
    return joined.take(order)


def join(parts: Sequence[Pairs]) -> Pairs:
    """Several lists of pairs as one, each pair once, ordered by need and place."""
    needs = np.concatenate([np.empty(0, np.int64), *(part.needs for part in parts)])
    places = np.concatenate([np.empty(0, np.int64), *(part.places for part in parts)])
    scores = np.concatenate([np.empty(0, np.float32), *(part.scores for part in parts)])
    ranks = np.concatenate([np.empty(0, np.float32), *(part.ranks for part in parts)])
    order = np.lexsort((places, needs))
    is_new = np.ones(len(order), bool)
    is_new[1:] = (np.diff(needs[order]) != 0) | (np.diff(places[order]) != 0)
    order = order[is_new]
    return Pairs(needs[order], places[order], scores[order], ranks[order])


def _best_in_rows(ranks: Floats, top: int) -> tuple[npt.NDArray[np.int64], ...]:
    """Rows and columns of the largest values above 0 of each row, earlier columns among equals."""
    order = np.argsort(-ranks, axis=1, kind="stable")[:, :top]
    rows = np.repeat(np.arange(len(ranks)), order.shape[1])
    columns = order.ravel()
    positive = ranks[rows, columns] > 0
    return rows[positive], columns[positive]


def _kept(
    ranks: Floats, scores: Floats, at: tuple[npt.NDArray[np.int64], ...], first: int
) -> Pairs:
    places, needs = at
    return Pairs(needs, places + first, scores[places, needs], ranks[places, needs])


def _places(every_id: npt.NDArray[np.int64], ids: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Places of ids, the last place of each: what changed stands again behind what it was."""
    order = np.argsort(every_id, kind="stable")
    at = np.searchsorted(every_id[order], ids, side="right") - 1
    return order[np.maximum(at, 0)] if len(order) else np.empty(0, np.int64)

"""SMEs that together cover what no single one covers.

A *survey* of a challenge is made in the background: its items and the SMEs that cover some of them.
It holds a few dozen SMEs however many there are, so that choosing among them is quick enough for a
page, which knows best whom to leave out.

Choosing the fewest sets that cover the most is hard in general. The greedy choice is never below
1 - 1/e of the best cover with as many members, and it can be explained: each next member is the one
that adds most.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from bidding.matching.coverage import (
    COVERED,
    FEWEST_ITEMS,
    Extent,
    Item,
    Weighed,
    coverage_of,
    weighed,
)
from bidding.matching.estimator import Document
from bidding.matching.facts_table import eligible
from bidding.matching.pairing import LEAST_SCORE, Market, Need

MOST_MEMBERS = 4
ALTERNATIVES = 3

MUST_WEIGHT = 2
"""An item that must be met weighs as much as so many that are desirable."""

_BY_NEED = 200
_BY_ITEM = 50
_KEPT_FOR_ITEM = 12

Covers = npt.NDArray[np.bool_]
Weights = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Candidate:
    """An SME, how alike it is to the whole challenge, and how far it covers each item."""

    organization_id: int
    score: float
    coverage: tuple[float, ...]

    @cached_property
    def extents(self) -> list[Extent]:
        """The coverage in words, item by item."""
        return [Extent.of(part) for part in self.coverage]


@dataclass(frozen=True)
class Line:
    """One item of a consortium: how far it is covered together, and by each member."""

    item: Item
    together: Extent
    members: list[Extent]


@dataclass(frozen=True)
class Consortium:
    """SMEs in the order in which they were chosen, each adding something."""

    items: tuple[Item, ...]
    members: tuple[Candidate, ...]

    @property
    def ids(self) -> frozenset[int]:
        return frozenset(member.organization_id for member in self.members)

    @property
    def lines(self) -> list[Line]:
        """Who covers what."""
        rows = zip(*(member.extents for member in self.members), strict=True)
        return [
            Line(item, _best(extents), list(extents))
            for item, extents in zip(self.items, rows, strict=True)
        ]

    @property
    def covered(self) -> list[Item]:
        """The items that are covered together."""
        return [line.item for line in self.lines if line.together is Extent.COVERED]

    @property
    def left_open(self) -> list[Item]:
        """The items that nobody of them covers."""
        return [line.item for line in self.lines if line.together is not Extent.COVERED]


@dataclass(frozen=True)
class Addition:
    """An SME that would cover what is not covered yet."""

    candidate: Candidate
    items: list[Item]


@dataclass(frozen=True)
class Survey:
    """The items of a challenge and the SMEs that cover some of them.

    Attributes
    ----------
    challenge_id : int
    items : tuple of Item
    weighed : Weighed
        The same items as features.
    candidates : tuple of Candidate
        The most alike to the whole challenge first.
    """

    challenge_id: int
    items: tuple[Item, ...]
    weighed: Weighed
    candidates: tuple[Candidate, ...]

    @property
    def stored_items(self) -> list[dict[str, Any]]:
        """The items as JSON."""
        features = self.weighed.stored
        return [
            {"label": item.label, "text": item.text, "must": item.must, "features": own}
            for item, own in zip(self.items, features, strict=True)
        ]

    @property
    def stored_candidates(self) -> list[dict[str, Any]]:
        """The candidates as JSON."""
        return [
            {"id": each.organization_id, "score": each.score, "coverage": list(each.coverage)}
            for each in self.candidates
        ]

    @classmethod
    def restored(
        cls, challenge_id: int, items: list[dict[str, Any]], candidates: list[dict[str, Any]]
    ) -> Self:
        """What was stored."""
        return cls(
            challenge_id,
            tuple(Item(each["label"], each["text"], each["must"]) for each in items),
            Weighed.restored([each["features"] for each in items]),
            tuple(
                Candidate(each["id"], each["score"], tuple(each["coverage"])) for each in candidates
            ),
        )

    def among(self, ids: Collection[int]) -> Survey:
        """The same with only those candidates."""
        kept = tuple(each for each in self.candidates if each.organization_id in ids)
        return Survey(self.challenge_id, self.items, self.weighed, kept)

    def propose(self) -> list[Consortium]:
        """The best few consortia that cover a must more than any single SME does.

        Alternatives are what is left when one member of the best cannot or will not take part.
        """
        covers = _covers(self.candidates, self.items)
        if not len(covers):
            return []
        weights, musts = _weights(self.items), _musts(self.items)
        first = smallest(covers, weights)
        sets = [first]
        for member in first:
            others = covers.copy()
            others[member] = False
            sets.append(smallest(others, weights))
        best_alone = int(covers[:, musts].sum(axis=1).max())
        distinct = {tuple(sorted(members)): members for members in reversed(sets)}
        worth = [
            members
            for members in distinct.values()
            if len(members) > 1 and covers[members][:, musts].any(axis=0).sum() > best_alone
        ]
        worth.sort(key=_by_gain(covers, weights))
        proposed: list[list[int]] = []
        for members in worth:
            if not any(set(members) <= set(others) for others in proposed):
                proposed.append(members)
        return [self._consortium(members) for members in proposed[:ALTERNATIVES]]

    def complete(self, own: Candidate) -> Consortium | None:
        """The SME `own` with the partners that cover most of what it does not, if any do."""
        everyone = (own, *self._others(own))
        chosen = smallest(_covers(everyone, self.items), _weights(self.items), first=1)
        if len(chosen) < 2:
            return None
        return Consortium(self.items, tuple(everyone[place] for place in chosen))

    def additions(self, own: Candidate) -> list[Addition]:
        """Everybody who covers something that `own` does not, those who add most first."""
        others = self._others(own)
        covers = _covers((own, *others), self.items)
        adds = covers[1:] & ~covers[0]
        gains = adds @ _weights(self.items)
        return [
            Addition(others[at], [self.items[item] for item in np.flatnonzero(adds[at])])
            for at in np.argsort(-gains, kind="stable").tolist()
            if gains[at] > 0
        ]

    def _others(self, own: Candidate) -> tuple[Candidate, ...]:
        return tuple(
            each for each in self.candidates if each.organization_id != own.organization_id
        )

    def _consortium(self, members: Sequence[int]) -> Consortium:
        return Consortium(self.items, tuple(self.candidates[place] for place in members))


def survey(market: Market, need: Need) -> Survey | None:
    """Find the SMEs that cover items of a challenge; None where it has hardly any items."""
    if len(need.items) < FEWEST_ITEMS:
        return None
    view = market.view
    may = eligible(need.asked, market.facts)
    whole = view.weigh(need.text)
    found = [view.search(whole, _BY_NEED, may)[0]]
    for item in need.items:
        found.append(view.search(view.weigh(Document("", item.text)), _BY_ITEM, may)[0])
    ids = np.unique(np.concatenate(found))
    scores = view.scores(whole, ids)
    # A firm that knows one word of an item, and nothing of the field, is no partner.
    near = scores >= LEAST_SCORE
    ids, scores = ids[near], scores[near]
    items = weighed(view.matcher, [item.text for item in need.items])
    parts = coverage_of(view, items, ids)
    kept = _kept(ids, scores, parts, _weights(need.items))
    candidates = tuple(
        Candidate(int(ids[at]), round(float(scores[at]), 4), _rounded(parts[at])) for at in kept
    )
    return Survey(need.challenge_id, need.items, items, candidates)


def smallest(
    covers: Covers, weights: Weights, *, first: int = 0, most: int = MOST_MEMBERS
) -> list[int]:
    """Choose greedily: again and again who adds most, until nobody adds anything.

    Parameters
    ----------
    covers : ndarray of bool, shape (n_candidates, n_items)
        In order of preference: the earlier of two that add as much is chosen.
    weights : ndarray of int64, shape (n_items,)
    first : int, default=0
        So many of the first candidates are members whatever they cover.
    most : int, default=`MOST_MEMBERS`

    Returns
    -------
    list of int
        Members in the order they were chosen, none of them needless.
    """
    chosen = list(range(first))
    have = covers[chosen].any(axis=0)
    while len(chosen) < most and len(covers):
        gains = (covers & ~have) @ weights
        best = int(gains.argmax())
        if gains[best] == 0:
            break
        chosen.append(best)
        have = have | covers[best]
    return _needed(covers, chosen, first)


def _needed(covers: Covers, chosen: list[int], first: int) -> list[int]:
    """Leave out whose every item others cover, too: the later ones may make an earlier needless."""
    kept = list(chosen)
    for member in sorted(chosen[first:], reverse=True):
        others = [other for other in kept if other != member]
        if not (covers[member] & ~covers[others].any(axis=0)).any():
            kept = others
    return kept


def _covers(candidates: Sequence[Candidate], items: Sequence[Item]) -> Covers:
    table = np.array([each.coverage for each in candidates], np.float64)
    return table.reshape(-1, len(items)) >= COVERED


def _weights(items: Sequence[Item]) -> Weights:
    return np.array([MUST_WEIGHT if item.must else 1 for item in items], np.int64)


def _musts(items: Sequence[Item]) -> Covers:
    """Which items count for whether a consortium is worth it: all where none must be met."""
    musts = np.array([item.must for item in items], bool)
    return musts if musts.any() else ~musts


def _by_gain(covers: Covers, weights: Weights) -> Callable[[list[int]], tuple[Any, ...]]:
    """An order of sets: what covers more, then the smaller, then the one of better members."""
    return lambda members: (
        -int(covers[members].any(axis=0) @ weights),
        len(members),
        sorted(members),
    )


def _kept(
    ids: npt.NDArray[np.int64],
    scores: npt.NDArray[np.float32],
    parts: npt.NDArray[np.float32],
    weights: Weights,
) -> list[int]:
    """Places of the SMEs worth keeping, the most alike first: for each item those that cover most.

    Everybody may turn out to be a partner who is needed, but a few for each item are enough.
    """
    covers = parts >= COVERED
    order = np.lexsort((ids, -scores, -(covers @ weights)))
    ranks = np.cumsum(covers[order], axis=0)
    kept = order[((ranks <= _KEPT_FOR_ITEM) & covers[order]).any(axis=1)]
    return kept[np.lexsort((ids[kept], -scores[kept]))].tolist()


def _rounded(parts: npt.NDArray[np.float32]) -> tuple[float, ...]:
    """Short to store, and never over a limit that the exact number is below."""
    return tuple((np.floor(parts.astype(np.float64) * 1000 + 1e-3) / 1000).tolist())


def _best(extents: Sequence[Extent]) -> Extent:
    return min(extents, key=list(Extent).index)

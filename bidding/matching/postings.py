"""Weighted features of documents, kept both ways round, and the search over them.

By document (`features`, `weights`) they give the exact score of any pair. By feature
(`list_documents`, `list_weights`) they give candidates: each list is sorted by weight and holds at
most `LONGEST_LIST` documents, so that a query hardly costs more where there are more documents.
Everything is a plain array, which a snapshot can map into the memory of several processes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from bidding.matching.text import Codes, ranges

LONGEST_LIST = 16_384
"""Documents in the list of one feature: the ones it weighs most in."""

MOST_POSTINGS = 200_000
"""Postings read for one query; the lists that can add most come first."""

CANDIDATES = 150
"""Documents whose score is worked out exactly, of those with the best sums over the lists."""

FEW_RIVALS = 200_000
"""Of more documents so many are alike that both limits grow, with the square root."""

FEW_ALLOWED = 8192
"""Where no more documents are allowed each is scored: the lists may be full of others."""

_AT_ONCE = 4_000_000
_FEWEST_BITS = 15
_MOST_SLOTS = 2000
"""Features of a query that a table can hold; only a matcher without a limit has more."""
_FACTORS = np.array([0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F], np.uint32)
_SAMPLE = 1 << 14

Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Rows:
    """Documents as weighted features, one after another.

    Attributes
    ----------
    ends : ndarray of int64, shape (n_documents + 1,)
    features : ndarray of int32, shape (n_postings,)
    weights : ndarray of float16, shape (n_postings,)
        Document `d` has `features[ends[d]:ends[d + 1]]`, with these weights, all above 0.
    """

    ends: Numbers
    features: npt.NDArray[np.int32]
    weights: npt.NDArray[np.float16]

    @property
    def n_documents(self) -> int:
        return len(self.ends) - 1

    def chunks(self) -> Iterator[tuple[Numbers, npt.NDArray[np.int32], npt.NDArray[np.float16]]]:
        """Postings as triples of document, feature and weight, not too many at a time."""
        first = 0
        while first < self.n_documents:
            last = int(np.searchsorted(self.ends, self.ends[first] + _AT_ONCE, side="right")) - 1
            last = max(last, first + 1)
            span = slice(int(self.ends[first]), int(self.ends[last]))
            owners = np.repeat(np.arange(first, last), np.diff(self.ends[first : last + 1]))
            yield owners, self.features[span], self.weights[span]
            first = last


@dataclass(frozen=True)
class Postings:
    """Documents as weighted features, and for each feature the documents it weighs most in.

    Attributes
    ----------
    codes : ndarray of int64, shape (n_features,)
        The features, sorted; their places are the numbers used in the other arrays.
    ends, features, weights
        As in `Rows`.
    list_ends : ndarray of int64, shape (n_features + 1,)
    list_documents : ndarray of int32, shape (n_listed,)
    list_weights : ndarray of uint8, shape (n_listed,)
        The documents of each feature, heaviest first.
    list_scales : ndarray of float32, shape (n_features,)
        A weight in a list times the scale of its feature is about the weight in `weights`.
    """

    codes: Codes
    ends: Numbers
    features: npt.NDArray[np.int32]
    weights: npt.NDArray[np.float16]
    list_ends: Numbers
    list_documents: npt.NDArray[np.int32]
    list_weights: npt.NDArray[np.uint8]
    list_scales: Floats

    @classmethod
    def build(cls, codes: Codes, rows: Rows, *, longest_list: int = LONGEST_LIST) -> Self:
        """Make the lists."""
        lengths = np.zeros(len(codes), np.int64)
        for _, features, _ in rows.chunks():
            lengths += np.bincount(features, minlength=len(codes))
        listed = np.minimum(lengths, longest_list)
        list_ends = np.concatenate([[0], np.cumsum(listed)])
        documents = np.empty(list_ends[-1], np.int32)
        weights = np.empty(list_ends[-1], np.uint8)
        scales = np.empty(len(codes), np.float32)
        for first, last in _stretches(lengths):
            keys = _sorted(rows, first, lengths[first:last])
            span = slice(int(list_ends[first]), int(list_ends[last]))
            begins = np.concatenate([[0], np.cumsum(lengths[first:last])[:-1]])
            kept = ranges(begins, listed[first:last])
            documents[span], exact = _split(keys[kept], rows.n_documents)
            heads = list_ends[first:last] - list_ends[first]
            scales[first:last] = np.append(exact, 0)[heads] / 255
            scaled = exact / np.repeat(scales[first:last], listed[first:last])
            weights[span] = np.maximum(np.rint(scaled), 1)
        return cls(
            codes,
            rows.ends,
            rows.features,
            rows.weights,
            list_ends,
            documents,
            weights,
            scales,
        )

    @property
    def n_documents(self) -> int:
        return len(self.ends) - 1

    @property
    def n_bytes(self) -> int:
        """Size of all arrays."""
        return sum(array.nbytes for array in self.arrays().values())

    def arrays(self) -> Mapping[str, npt.NDArray[Any]]:
        """The arrays by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def find(self, codes: Codes) -> npt.NDArray[np.int32]:
        """The number of each feature, or -1 where no document has it."""
        if not len(self.codes):
            return np.full(len(codes), -1, np.int32)
        at = np.minimum(self.codes.searchsorted(codes), len(self.codes) - 1)
        return np.where(self.codes[at] == codes, at, -1).astype(np.int32)

    def rows(self, first: int, last: int) -> sp.csr_array:
        """Some neighbouring documents: csr_array of float32, shape (last - first, n_features)."""
        span = slice(int(self.ends[first]), int(self.ends[last]))
        ends = self.ends[first : last + 1] - self.ends[first]
        return sp.csr_array(
            (self.weights[span].astype(np.float32), self.features[span], ends),
            shape=(last - first, len(self.codes)),
        )

    def search(
        self,
        codes: Codes,
        weights: Floats,
        top: int,
        allowed: npt.NDArray[np.bool_] | None = None,
    ) -> tuple[Numbers, Floats]:
        """Find the documents with the largest products with a query.

        Parameters
        ----------
        codes : ndarray of int64, shape (n_query_features,)
            Sorted.
        weights : ndarray of float32, shape (n_query_features,)
        top : int
        allowed : ndarray of bool, shape (n_documents,), or None
            Which documents may be found; all of them unless given.

        Returns
        -------
        documents : ndarray of int64, at most `top`
            Best first; among equals the earlier document, also at the cut.
        scores : ndarray of float32
            All above 0.
        """
        if allowed is not None and np.count_nonzero(allowed) <= FEW_ALLOWED:
            documents = np.flatnonzero(allowed)
        else:
            sums = self._sum_lists(codes, weights)
            if allowed is not None:
                sums *= allowed
            documents = _largest(sums, max(int(CANDIDATES * self._growth), 2 * top))
        scores = self.shared(codes, documents) @ weights
        order = np.lexsort((documents, -scores))[:top]
        order = order[scores[order] > 0]
        return documents[order], scores[order]

    def _sum_lists(self, codes: Codes, weights: Floats) -> Floats:
        """Add up what the lists of a query's features say: about the score of each document."""
        numbers = self.find(codes)
        known = numbers >= 0
        numbers = numbers[known]
        gains = weights[known] * self.list_scales[numbers]
        order = np.argsort(-gains, kind="stable")
        begins, ends = self.list_ends[numbers[order]], self.list_ends[numbers[order] + 1]
        most = MOST_POSTINGS * self._growth
        read = 1 + int(np.searchsorted(np.cumsum(ends - begins), most))
        spans = list(zip(begins[:read].tolist(), ends[:read].tolist(), strict=True))
        if not spans:
            return np.zeros(self.n_documents, np.float32)
        lists = sp.csc_array(
            (
                np.concatenate([self.list_weights[a:b] for a, b in spans]).astype(np.float32),
                np.concatenate([self.list_documents[a:b] for a, b in spans]),
                np.cumsum([0, *(b - a for a, b in spans)], dtype=np.int32),
            ),
            shape=(self.n_documents, len(spans)),
        )
        return lists @ gains[order[:read]]

    @property
    def _growth(self) -> float:
        return float(max(self.n_documents / FEW_RIVALS, 1) ** 0.5)

    def shared(self, codes: Codes, documents: Numbers) -> sp.csr_array:
        """Weights that a query's features have in some documents.

        Parameters
        ----------
        codes : ndarray of int64, shape (n_query_features,)
            Sorted.
        documents : ndarray of int64, shape (n_asked,)

        Returns
        -------
        csr_array of float32, shape (n_asked, n_query_features)
        """
        numbers = self.find(codes)
        known = np.flatnonzero(numbers >= 0)
        numbers = numbers[known]
        if len(documents) and documents.min() < 0:
            raise IndexError(f"there is no document {documents.min()}")
        begins, ends = self.ends[documents], self.ends[documents + 1]
        spans = zip(begins.tolist(), ends.tolist(), strict=True)
        features = np.concatenate([np.empty(0, np.int32), *(self.features[a:b] for a, b in spans)])
        if len(numbers) > _MOST_SLOTS:
            hits, at = np.arange(len(features)), numbers.searchsorted(features)
            at[at == len(numbers)] = 0
        else:
            slots, factor, shift = _slots(numbers)
            places = features.view(np.uint32) * factor
            slot = slots.take(np.right_shift(places, shift, out=places), mode="clip")  # is fastest
            hits = np.flatnonzero(slot >= 0)
            at = slot[hits]
        is_same = numbers[at] == features[hits]
        hits, at = hits[is_same], at[is_same]
        firsts = np.concatenate([[0], np.cumsum(ends - begins)])
        bounds = np.searchsorted(hits, firsts)
        weights = self.weights[hits + np.repeat(begins - firsts[:-1], np.diff(bounds))]
        return sp.csr_array(
            (weights.astype(np.float32), known[at], bounds), shape=(len(documents), len(codes))
        )


def _slots(
    numbers: npt.NDArray[np.int32],
) -> tuple[npt.NDArray[np.int16], np.uint32, np.uint32]:
    """Make a table that tells of nearly every number whether, and where, it is among a few.

    Returns
    -------
    slots : ndarray of int16
        Where number `n` would stand, or -1, at `(n * factor) >> shift`. Another number can share
        the slot of one of the few, but no two of the few do.
    factor, shift : uint32
    """
    unsigned = numbers.astype(np.uint32)
    order = np.arange(len(numbers), dtype=np.int16)
    for bits in range(_FEWEST_BITS, 27):
        for factor in _FACTORS:
            places = (unsigned * factor) >> np.uint32(32 - bits)
            slots = np.full(1 << bits, -1, np.int16)
            slots[places] = order
            if (slots[places] == order).all():
                return slots, factor, np.uint32(32 - bits)
    raise ValueError("too many features in a query")


def _stretches(lengths: Numbers) -> Iterator[tuple[int, int]]:
    """Neighbouring features with not too many postings together, as half-open ranges."""
    totals = np.concatenate([[0], np.cumsum(lengths)])
    first = 0
    while first < len(lengths):
        last = int(np.searchsorted(totals, totals[first] + _AT_ONCE, side="right")) - 1
        last = max(last, first + 1)
        yield first, last
        first = last


def _sorted(rows: Rows, first: int, lengths: Numbers) -> Numbers:
    """Postings of some features from `first` on by feature, then weight, then document.

    All three are one number, because a positive float16 sorts as its bits do.
    """
    bits = rows.n_documents.bit_length()
    keys = np.empty(int(lengths.sum()), np.int64)
    filled = 0
    for owners, features, weights in rows.chunks():
        inside = np.flatnonzero((features >= first) & (features < first + len(lengths)))
        numbers = features[inside].astype(np.int64) - first
        lightness = 0xFFFF - weights[inside].view(np.uint16).astype(np.int64)
        keys[filled : filled + len(inside)] = ((numbers << 16 | lightness) << bits) | owners[inside]
        filled += len(inside)
    keys.sort()
    return keys


def _split(keys: Numbers, n_documents: int) -> tuple[Numbers, Floats]:
    """Take documents and weights from the numbers that `_sorted` made."""
    bits = n_documents.bit_length()
    weights = (0xFFFF - (keys >> bits & 0xFFFF)).astype(np.uint16).view(np.float16)
    return keys & ((1 << bits) - 1), weights.astype(np.float32)


def _largest(sums: Floats, top: int) -> Numbers:
    """Places of the `top` largest sums above 0 in order of place; among equals earlier ones."""
    least = np.float32(0)
    if len(sums) > 4 * _SAMPLE:
        # A sample tells about where the cut is: looking for it among all costs ten times more.
        sample = sums[:: len(sums) // _SAMPLE]
        wanted = min(len(sample) - 1, 2 * top * len(sample) // len(sums) + 4)
        least = np.partition(sample, -wanted)[-wanted]
    found = np.flatnonzero(sums > least)
    if len(found) < top and least > 0:
        found = np.flatnonzero(sums)
    if len(found) <= top:
        return found
    cut = np.partition(sums[found], -top)[-top]
    above = found[sums[found] > cut]
    equal = found[sums[found] == cut][: top - len(above)]
    return np.sort(np.concatenate([above, equal]))

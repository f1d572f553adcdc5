"""Why two texts fit: a score taken apart into terms, and where they stand in a text.

What a feature adds to a score is spread over the characters it stands on. A term's share of the
score is then the sum over its characters, so that all shares of a text together are the score.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from bidding.matching.postings import Floats
from bidding.matching.text import PIECE, Analyzer, Codes, Features, Token, channels, ranges

_LONGEST_PHRASE = 8
"""Characters after which a phrase of Han words takes no further word."""

_MOST_WORDS = 3
"""Words of a phrase in an alphabetic script."""

_POWERS = np.cumprod(np.full(64, 0x9E3779B97F4A7C15, np.uint64))
"""Factors for the words of a stretch, of which there are never so many."""

_LEAST_SHARE = 0.004
"""A word with less of the score is never among the terms of a page."""

_AT_ONCE = 4_000_000
"""Numbers given to places at once: a long text has a hundred thousand places."""


class SharedTerm(NamedTuple):
    """A term that ties two texts and the part of their score that it makes up."""

    term: str
    share: float


class Mark(NamedTuple):
    """A stretch of a text that the other text has too, and its part of the score."""

    start: int
    end: int
    share: float


@dataclass(frozen=True)
class _Stretches:
    """One or more neighbouring words of a text that other texts have, too, in no certain order.

    Attributes
    ----------
    others, starts, ends : ndarray of int64, shape (n_stretches,)
    shares : ndarray of float64, shape (n_stretches,)
        The part of the score with that other text.
    keys : ndarray of uint64, shape (n_stretches,)
        The same for other spellings of the same words.
    """

    others: Codes
    starts: Codes
    ends: Codes
    shares: npt.NDArray[np.float64]
    keys: npt.NDArray[np.uint64]

    def take(self, which: npt.NDArray[Any]) -> _Stretches:
        return _Stretches(*(getattr(self, each.name)[which] for each in fields(self)))

    def best(self, top: int | None) -> _Stretches:
        """The same words once for each other text, where they stand first; largest share first.

        At most `top` for each.
        """
        if not len(self.others):
            return self
        groups = self.keys ^ (self.others.view(np.uint64) * _POWERS[0])
        order = np.lexsort((self.starts, groups))
        firsts = np.flatnonzero(np.diff(groups[order], prepend=~groups[order[:1]]))
        sums = np.add.reduceat(self.shares[order], firsts)
        found = replace(self.take(order[firsts]), shares=sums)
        order = np.lexsort((found.starts, -found.shares, found.others))
        others = found.others[order]
        rank = np.arange(len(order)) - np.searchsorted(others, others)
        return found.take(order if top is None else order[rank < top])


_NO_STRETCHES = _Stretches(*np.empty((3, 0), np.int64), np.empty(0), np.empty(0, np.uint64))


class Reading:
    """A text with a title, ready to be explained against many others.

    Parameters
    ----------
    analyzer : Analyzer
    texts : sequence of str
        The title and the text.
    found : Features
        What `analyzer` finds in them.
    codes : ndarray of int64, shape (n_features,)
        Sorted; the features whose contributions will be given.
    title_weight : float
        How many times an occurrence in the title counts.
    """

    def __init__(
        self,
        analyzer: Analyzer,
        texts: Sequence[str],
        found: Features,
        codes: Codes,
        title_weight: float,
    ) -> None:
        self._analyzer = analyzer
        self._joined = "\n".join([*texts, ""])
        self._n_texts = len(texts)
        self._begins = np.cumsum([0, *(len(text) + 1 for text in texts)])
        self._size = int(self._begins[-1])
        at = np.minimum(codes.searchsorted(found.codes), max(len(codes) - 1, 0))
        known = np.flatnonzero(codes[at] == found.codes) if len(codes) else np.empty(0, np.int64)
        self._features = at[known]
        self._n_features = len(codes)
        offsets = self._begins[found.texts[known]]
        self._starts = found.starts[known] + offsets
        self._lengths = (found.ends - found.starts)[known].astype(np.int64)
        self._weights = np.where(found.texts[known] == 0, title_weight, 1.0)
        self._is_piece = channels(found.codes[known]) == PIECE

    @cached_property
    def _words(self) -> _Words:
        """The words of all texts, in the numbering of places used here."""
        return _Words.of(self._analyzer, self._joined)

    def terms(self, contributions: Floats, top: int | None = 8) -> list[list[SharedTerm]]:
        """Take scores apart into readable terms.

        Parameters
        ----------
        contributions : ndarray of float32, shape (n_others, n_features)
            What each feature adds to the score with each other text.
        top : int or None, default=8
            How many terms; None for all, pieces of words included, whose shares then sum to 1.

        Returns
        -------
        list of list of SharedTerm, of length n_others
            Largest share first, and what is only a piece of a word last. Pieces are named only
            when all terms are asked for, or when no whole word is shared.
        """
        least = 0.0 if top is None else _LEAST_SHARE
        return [
            terms
            for totals, stretches in self._spread(contributions, least)
            for terms in self._named(totals, stretches, top)
        ]

    def marks(self, contributions: Floats) -> list[list[Mark]]:
        """Find where the shared terms of one other text stand, text by text.

        Parameters
        ----------
        contributions : ndarray of float32, shape (1, n_features)

        Returns
        -------
        list of list of Mark, of length n_texts
            In the order of each text, none overlapping.
        """
        marks: list[list[Mark]] = [[] for _ in range(self._n_texts)]
        for _, stretches in self._spread(contributions, 0.0):
            found = stretches.take(np.argsort(stretches.starts))
            owners = np.searchsorted(self._begins, found.starts, side="right") - 1
            offsets = self._begins[owners]
            places = ((found.starts - offsets).tolist(), (found.ends - offsets).tolist())
            for owner, *mark in zip(owners, *places, found.shares.tolist(), strict=True):
                marks[owner].append(Mark(*mark))
        return marks

    @cached_property
    def _onto_places(self) -> sp.csr_array:
        """What features give to places: csr_array, shape (2 * n_places, n_features).

        First which part of a feature belongs to each place, then which places a feature ties to
        the next one.
        """
        totals = np.bincount(self._features, weights=self._weights, minlength=self._n_features)
        parts = self._weights / totals[self._features] / np.maximum(self._lengths, 1)
        links = np.where(self._is_piece, 0, self._lengths - 1)
        runs = np.concatenate([self._lengths, links])
        places = ranges(np.concatenate([self._starts, self._starts + self._size]), runs)
        given = np.concatenate([parts, np.ones(len(links))]).astype(np.float32)
        order = np.argsort(places, kind="stable")
        ends = np.cumsum(np.bincount(places, minlength=2 * self._size))
        return sp.csr_array(
            (
                np.repeat(given, runs)[order],
                np.repeat(np.concatenate([self._features, self._features]), runs)[order],
                np.concatenate([[0], ends]),
            ),
            shape=(2 * self._size, self._n_features),
        )

    def _spread(
        self, contributions: Floats, least: float
    ) -> Iterator[tuple[npt.NDArray[np.float64], _Stretches]]:
        """For some other texts at a time: the shares up to each place, and the words they have.

        Words with less than `least` of the score are passed over.
        """
        step = max(_AT_ONCE // max(2 * self._size, 1), 1)
        for first in range(0, len(contributions), step):
            yield self._spread_some(contributions[first : first + step], least)

    def _spread_some(
        self, contributions: Floats, least: float
    ) -> tuple[npt.NDArray[np.float64], _Stretches]:
        given = self._onto_places @ np.ascontiguousarray(contributions.T)
        shares, linked = given[: self._size], given[self._size :] > 0
        sums = shares.sum(axis=0, dtype=np.float64)
        # With the precision that differences between places need.
        totals = np.zeros((self._size + 1, len(contributions)))
        np.cumsum(shares / np.where(sums > 0, sums, 1), axis=0, out=totals[1:])
        return totals, self._words.stretches(totals, linked, least)

    def _named(
        self, totals: npt.NDArray[np.float64], stretches: _Stretches, top: int | None
    ) -> list[list[SharedTerm]]:
        found: list[list[SharedTerm]] = [[] for _ in totals.T]
        best = stretches.best(top)
        columns = (best.others, best.shares, best.starts, best.ends)
        for other, share, start, end in zip(*(each.tolist() for each in columns), strict=True):
            if share > 0:
                found[other].append(SharedTerm(self._joined[start:end], share))
        for other, terms in enumerate(found):
            if top is None or not terms:
                own = stretches.take(stretches.others == other)
                terms += self._pieces(totals[:, other], own)[:top]
        return found

    def _pieces(self, totals: npt.NDArray[np.float64], stretches: _Stretches) -> list[SharedTerm]:
        """What is shared outside the stretches, run by run."""
        left = np.diff(totals)
        for start, end in zip(stretches.starts, stretches.ends, strict=True):
            left[start:end] = 0
        edges = np.flatnonzero(np.diff(np.concatenate([[False], left > 0, [False]])))
        found: dict[str, SharedTerm] = {}
        for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            term = self._joined[start:end]
            before = found.get(term.lower(), SharedTerm(term, 0.0))
            share = before.share + float(left[start:end].sum())
            found[term.lower()] = SharedTerm(before.term, share)
        return sorted(found.values(), key=lambda term: -term.share)


@dataclass(frozen=True)
class _Words:
    """What can be named of a text: its words, and behind them the words within longer ones.

    Attributes
    ----------
    starts, ends : ndarray of int64, shape (n_words,)
    telling, is_word : ndarray of bool, shape (n_words,)
        As in `Token`.
    keys : ndarray of uint64, shape (n_words,)
        A number for the key of each.
    within : ndarray of int64, shape (n_words - n_tokens,)
        Which token each of the inner words is in; those of one token are longest first.
    """

    starts: Codes
    ends: Codes
    telling: npt.NDArray[np.bool_]
    is_word: npt.NDArray[np.bool_]
    keys: npt.NDArray[np.uint64]
    within: Codes

    @classmethod
    def of(cls, analyzer: Analyzer, text: str) -> _Words:
        tokens = analyzer.tokens(text)
        inner = [
            (at, Token(token.start + start, token.start + end, True, token.key[start:end]))
            for at, token in enumerate(tokens)
            if token.telling and not token.is_word and token.end - token.start > 2
            for start, end in analyzer.parts(token.key)
        ]
        every = [*tokens, *(part for _, part in inner)]
        starts, ends, telling, keys, is_word = zip(*every, strict=True) if every else [()] * 5
        return cls(
            np.array(starts, np.int64),
            np.array(ends, np.int64),
            np.array(telling, bool),
            np.array(is_word, bool),
            np.array([hash(key) for key in keys], np.int64).view(np.uint64),
            np.array([at for at, _ in inner], np.int64),
        )

    @property
    def _n_tokens(self) -> int:
        return len(self.starts) - len(self.within)

    def stretches(
        self, totals: npt.NDArray[np.float64], linked: npt.NDArray[np.bool_], least: float
    ) -> _Stretches:
        """Find the words that other texts have, too, joined where they have them joined.

        Parameters
        ----------
        totals : ndarray of float64, shape (n_places + 1, n_others)
            The shares up to each place.
        linked : ndarray of bool, shape (n_places, n_others)
            Whether a text has a place tied to the next one.
        least : float
            Words with a smaller share are passed over.
        """
        if not len(self.starts):
            return _NO_STRETCHES
        whole, follows = self._shared(linked)
        at_starts, at_ends = totals[self.starts], totals[self.ends]
        others, words = np.nonzero((whole & (at_ends - at_starts >= least)).T)
        if not len(words):
            return _NO_STRETCHES
        goes_on = np.zeros(len(words), bool)
        goes_on[1:] = (np.diff(words) == 1) & (np.diff(others) == 0) & (words[1:] < self._n_tokens)
        goes_on[1:] &= follows[np.minimum(words[:-1], len(follows) - 1), others[:-1]]
        self._cut(words, goes_on)
        firsts, lasts = _bounds(goes_on)
        nth = np.arange(len(words)) - np.repeat(firsts, lasts - firsts + 1)
        first, last = words[firsts], words[lasts]
        found = _Stretches(
            others[firsts],
            self.starts[first],
            self.ends[last],
            at_ends[last, others[lasts]] - at_starts[first, others[firsts]],
            # A number for the words of a stretch in their order.
            np.add.reduceat(self.keys[words] * _POWERS[nth], firsts),
        )
        kept = found.ends - found.starts > 1
        self._drop_overlapping(first, found, kept)
        return found.take(kept)

    def _cut(self, words: Codes, goes_on: npt.NDArray[np.bool_]) -> None:
        """Begin a new stretch, in `goes_on`, where one would become longer than a phrase."""
        firsts, lasts = _bounds(goes_on)
        spans = self.starts[words[lasts]] - self.starts[words[firsts]]
        is_long = (spans > _LONGEST_PHRASE) | (lasts - firsts >= _MOST_WORDS)
        for first, last in zip(firsts[is_long].tolist(), lasts[is_long].tolist(), strict=True):
            run = words[first : last + 1]
            starts, is_word = self.starts[run].tolist(), self.is_word[run].tolist()
            begin = 0
            for at in range(1, len(run)):
                if is_word[at]:
                    has_room = at - begin < _MOST_WORDS
                else:
                    has_room = starts[at] - starts[begin] <= _LONGEST_PHRASE
                if not has_room:
                    goes_on[first + at] = False
                    begin = at

    def _drop_overlapping(
        self, first: Codes, found: _Stretches, kept: npt.NDArray[np.bool_]
    ) -> None:
        """Of words within one longer word keep, in `kept`, the longest that stand apart."""
        inner = np.flatnonzero(first >= self._n_tokens)
        columns = (inner, found.others[inner], found.starts[inner], found.ends[inner])
        taken: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for at, other, start, end in zip(*(each.tolist() for each in columns), strict=True):
            if any(start < there and here < end for here, there in taken[other]):
                kept[at] = False
            else:
                taken[other].append((start, end))

    def _shared(
        self, linked: npt.NDArray[np.bool_]
    ) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Which words other texts have as a whole, and after which tokens they go on as here.

        Returns
        -------
        whole : ndarray of bool, shape (n_words, n_others)
        follows : ndarray of bool, shape (n_tokens, n_others)
        """
        n_tokens = self._n_tokens
        ties = np.zeros((len(linked) + 1, linked.shape[1]), np.int32)
        np.cumsum(linked, axis=0, out=ties[1:])
        lengths = (self.ends - self.starts)[:, np.newaxis]
        whole = ties[self.ends - 1] - ties[self.starts] == lengths - 1
        whole &= self.telling[:, np.newaxis]
        starts = self.starts[:n_tokens]
        follows = linked[self.ends[:n_tokens] - 1]
        precedes = linked[starts - 1] & (starts > 0)[:, np.newaxis]
        # A word of one character has no tie of its own.
        whole[:n_tokens] &= (lengths[:n_tokens] > 1) | follows | precedes
        whole[n_tokens:] &= ~whole[self.within]
        return whole, follows


def _bounds(goes_on: npt.NDArray[np.bool_]) -> tuple[Codes, Codes]:
    """First and last place of each run; `goes_on` tells which places do not begin one."""
    firsts = np.flatnonzero(~goes_on)
    return firsts, np.append(firsts[1:], len(goes_on)) - 1


def contributions(shared: sp.csr_array, weights: Floats) -> Floats:
    """What each feature of a query adds to its scores with some documents.

    Parameters
    ----------
    shared : csr_array, shape (n_documents, n_features)
        As `Postings.shared` gives it.
    weights : ndarray of float32, shape (n_features,)

    Returns
    -------
    ndarray of float32, shape (n_documents, n_features)
        Each row sums to a score.
    """
    gained: Floats = shared.toarray() * weights
    return gained

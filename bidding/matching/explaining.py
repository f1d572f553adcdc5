"""Why two texts fit: a score taken apart into terms, and where they stand in a text.

What a feature adds to a score is spread over the characters it stands on. A term's share of the
score is then the sum over its characters, so that all shares of a text together are the score.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from bidding.matching.postings import Floats
from bidding.matching.text import PIECE, Analyzer, Codes, Features, Token, channels, ranges

_LONGEST_PHRASE = 8
"""Characters after which a phrase of Han words takes no further word."""

_MOST_WORDS = 3
"""Words of a phrase in an alphabetic script."""

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


_Stretch = tuple[int, int, float, str]
"""One or more neighbouring words of a text: start, end, share, a key that other spellings share.

A plain tuple, because an explanation of twenty texts makes a thousand.
"""


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
        return [self._named(*pair, top) for pair in self._spread(contributions, least)]

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
            for start, end, share, _ in stretches:
                owner = int(np.searchsorted(self._begins, start, side="right")) - 1
                begin = int(self._begins[owner])
                marks[owner].append(Mark(start - begin, end - begin, share))
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
    ) -> Iterator[tuple[npt.NDArray[np.float64], list[_Stretch]]]:
        """For each other text: the shares up to each place, and the words that it has, too.

        Words with less than `least` of the score are passed over.
        """
        step = max(_AT_ONCE // max(2 * self._size, 1), 1)
        for first in range(0, len(contributions), step):
            yield from self._spread_some(contributions[first : first + step], least)

    def _spread_some(
        self, contributions: Floats, least: float
    ) -> Iterator[tuple[npt.NDArray[np.float64], list[_Stretch]]]:
        given = self._onto_places @ np.ascontiguousarray(contributions.T)
        shares, linked = given[: self._size], given[self._size :] > 0
        sums = shares.sum(axis=0, dtype=np.float64)
        # With the precision that differences between places need.
        totals = np.zeros((self._size + 1, len(contributions)))
        np.cumsum(shares / np.where(sums > 0, sums, 1), axis=0, out=totals[1:])
        yield from zip(totals.T, self._words.stretches(totals, linked, least), strict=True)

    def _named(
        self, totals: npt.NDArray[np.float64], stretches: list[_Stretch], top: int | None
    ) -> list[SharedTerm]:
        found: dict[str, tuple[float, int, int]] = {}
        for start, end, share, key in stretches:
            before = found.get(key)
            found[key] = (before[0] + share, *before[1:]) if before else (share, start, end)
        ordered = sorted(found.values(), key=_by_share)
        if top is None or not ordered:
            ordered += self._pieces(totals, stretches)
        return [
            SharedTerm(self._joined[start:end], share)
            for share, start, end in ordered[:top]
            if share > 0
        ]

    def _pieces(
        self, totals: npt.NDArray[np.float64], stretches: list[_Stretch]
    ) -> list[tuple[float, int, int]]:
        """What is shared outside the stretches, run by run."""
        left = np.diff(totals)
        for start, end, *_ in stretches:
            left[start:end] = 0
        edges = np.flatnonzero(np.diff(np.concatenate([[False], left > 0, [False]])))
        found: dict[str, tuple[float, int, int]] = {}
        for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            key = self._joined[start:end].lower()
            share, first, last = found.get(key, (0.0, start, end))
            found[key] = share + float(left[start:end].sum()), first, last
        return sorted(found.values(), key=_by_share)


def _by_share(item: tuple[float, int, int]) -> float:
    return -item[0]


@dataclass(frozen=True)
class _Words:
    """What can be named of a text: its words, and behind them the words within longer ones.

    Attributes
    ----------
    tokens : list of Token
    starts, ends : ndarray of int64, shape (n_words,)
    telling : ndarray of bool, shape (n_words,)
    within : ndarray of int64, shape (n_words - n_tokens,)
        Which token each of the inner words is in; those of one token are longest first.
    """

    tokens: list[Token]
    starts: Codes
    ends: Codes
    telling: npt.NDArray[np.bool_]
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
        return cls(
            every,
            np.array([token.start for token in every], np.int64),
            np.array([token.end for token in every], np.int64),
            np.array([token.telling for token in every], bool),
            np.array([at for at, _ in inner], np.int64),
        )

    def stretches(
        self, totals: npt.NDArray[np.float64], linked: npt.NDArray[np.bool_], least: float
    ) -> Iterator[list[_Stretch]]:
        """For each other text: the words that it has, too, joined where it has them joined.

        Parameters
        ----------
        totals : ndarray of float64, shape (n_places + 1, n_others)
            The shares up to each place.
        linked : ndarray of bool, shape (n_places, n_others)
            Whether a text has a place tied to the next one.
        least : float
            Words with a smaller share are passed over.
        """
        if not self.tokens:
            yield from ([] for _ in totals.T)
            return
        whole, follows = self._shared(linked)
        at_starts, at_ends = totals[self.starts], totals[self.ends]
        others, words = np.nonzero((whole & (at_ends - at_starts >= least)).T)
        found = zip(
            words.tolist(),
            at_starts[words, others].tolist(),
            at_ends[words, others].tolist(),
            follows[np.minimum(words, len(follows) - 1), others].tolist(),
            strict=True,
        )
        for size in np.bincount(others, minlength=linked.shape[1]).tolist():
            yield self._join(islice(found, size))

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

    def _join(self, found: Iterable[tuple[int, float, float, bool]]) -> list[_Stretch]:
        """Join neighbouring words of one other text.

        Parameters
        ----------
        found : iterable of (int, float, float, bool)
            A word, the shares up to its start and its end, and whether the other text goes on as
            here after it.
        """
        tokens, n_tokens = self.tokens, self._n_tokens
        joined: list[_Stretch] = []
        inner: list[_Stretch] = []
        begin, words, last, before, goes_on = 0, 0, -2, 0.0, False
        for at, here, there, is_tied in found:
            start, end, _, key, is_word = tokens[at]
            if at >= n_tokens:
                if not any(start < other[1] and other[0] < end for other in inner):
                    inner.append((start, end, there - here, key))
                continue
            has_room = words < _MOST_WORDS if is_word else start - begin <= _LONGEST_PHRASE
            if goes_on and at == last + 1 and has_room:
                joined[-1] = begin, end, there - before, f"{joined[-1][3]} {key}"
                words += 1
            else:
                joined.append((start, end, there - here, key))
                begin, words, before = start, 1, here
            last, goes_on = at, is_tied
        joined = [each for each in joined if each[1] - each[0] > 1]
        return sorted([*joined, *inner]) if inner else joined

    @property
    def _n_tokens(self) -> int:
        return len(self.tokens) - len(self.within)


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

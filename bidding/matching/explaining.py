"""Why two texts fit: a score taken apart into terms, and where they stand in a text.

What a feature adds to a score is spread over the characters it stands on. A term's share of the
score is then the sum over its characters, so that all shares of a text together are the score.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
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

_AT_ONCE = 4_000_000
"""Numbers that are spread over places at once: a long text has a hundred thousand places."""


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
class _Places:
    """What features give to places: one entry for each pair that has to do with each other."""

    places: Codes
    features: Codes
    parts: Floats

    def sums(self, contributions: Floats, size: int) -> Floats:
        """Add up by place: ndarray of shape (n_others, size)."""
        sums = np.zeros((len(contributions), size), np.float32)
        if len(self.places):
            firsts = np.flatnonzero(np.diff(self.places, prepend=-1))
            given = contributions[:, self.features] * self.parts
            sums[:, self.places[firsts]] = np.add.reduceat(given, firsts, axis=1)
        return sums


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
    def tokens(self) -> list[Token]:
        """The words of all texts, in the numbering of places used here."""
        return self._analyzer.tokens(self._joined)

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
        return [self._named(*pair, top) for pair in self._spread(contributions)]

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
        for shares, chains in self._spread(contributions):
            totals = _running(shares)
            for chain in chains:
                start, end = chain[0].start, chain[-1].end
                owner = int(np.searchsorted(self._begins, start, side="right")) - 1
                begin = int(self._begins[owner])
                share = float(totals[end] - totals[start])
                marks[owner].append(Mark(start - begin, end - begin, share))
        return marks

    @cached_property
    def _spreading(self) -> _Places:
        """Which part of a feature belongs to each place."""
        totals = np.bincount(self._features, weights=self._weights, minlength=self._n_features)
        parts = self._weights / totals[self._features] / np.maximum(self._lengths, 1)
        return self._over_places(self._lengths, parts)

    @cached_property
    def _linking(self) -> _Places:
        """Which places a feature ties to the next one."""
        links = np.where(self._is_piece, 0, self._lengths - 1)
        return self._over_places(links, np.ones(len(links)))

    def _over_places(self, lengths: Codes, parts: npt.NDArray[np.float64]) -> _Places:
        places = ranges(self._starts, lengths)
        order = np.argsort(places, kind="stable")
        return _Places(
            places[order],
            np.repeat(self._features, lengths)[order],
            np.repeat(parts, lengths)[order].astype(np.float32),
        )

    def _spread(
        self, contributions: Floats
    ) -> Iterator[tuple[npt.NDArray[np.float64], list[list[Token]]]]:
        """For each other text: the share of each place, and the chains of words it has, too."""
        step = max(_AT_ONCE // max(len(self._spreading.places), self._size, 1), 1)
        for first in range(0, len(contributions), step):
            yield from self._spread_some(contributions[first : first + step])

    def _spread_some(
        self, contributions: Floats
    ) -> Iterator[tuple[npt.NDArray[np.float64], list[list[Token]]]]:
        shares = self._spreading.sums(contributions, self._size)
        sums = shares.sum(axis=1, dtype=np.float64)
        linked = self._linking.sums(contributions, self._size) > 0
        ties = np.zeros((len(linked), self._size + 1), np.int32)
        np.cumsum(linked, axis=1, out=ties[:, 1:])
        starts = np.array([token.start for token in self.tokens], np.int64)
        ends = np.array([token.end for token in self.tokens], np.int64)
        telling = np.array([token.telling for token in self.tokens], bool)
        inner = ties[:, ends - 1] - ties[:, starts] if len(starts) else ties[:, :0]
        follows = linked[:, ends - 1] if len(starts) else linked[:, :0]
        precedes = linked[:, starts - 1] & (starts > 0) if len(starts) else follows
        whole = (inner == ends - starts - 1) & telling
        whole &= (ends - starts > 1) | follows | precedes
        in_part = (inner > 0) & telling & ~whole
        for row in range(len(shares)):
            chains = self._chains(np.flatnonzero(whole[row]).tolist(), follows[row])
            for at in np.flatnonzero(in_part[row]).tolist():
                chains += [[part] for part in self._parts(at, linked[row])]
            chains.sort(key=lambda chain: chain[0].start)
            yield shares[row] / (sums[row] or 1), chains

    def _chains(self, whole: Iterable[int], follows: npt.NDArray[np.bool_]) -> list[list[Token]]:
        """Join neighbouring shared words for as long as the other text has them so joined."""
        chains: list[list[Token]] = []
        last = -2
        for at in whole:
            token = self.tokens[at]
            if at == last + 1 and follows[last] and _has_room(chains[-1], token):
                chains[-1].append(token)
            else:
                chains.append([token])
            last = at
        return [chain for chain in chains if chain[-1].end - chain[0].start > 1]

    def _parts(self, at: int, linked: npt.NDArray[np.bool_]) -> Iterator[Token]:
        """The words within a word that the other text has, though not the whole; longest first."""
        token = self.tokens[at]
        free = linked.copy()
        for start, end in self._analyzer.parts(token.key):
            ties = free[token.start + start : token.start + end - 1]
            if ties.all():
                # The tie before is cut, too, so that no other part overlaps with this one.
                free[max(token.start + start - 1, 0) : token.start + end] = False
                yield Token(
                    token.start + start, token.start + end, telling=True, key=token.key[start:end]
                )

    def _named(
        self, shares: npt.NDArray[np.float64], chains: list[list[Token]], top: int | None
    ) -> list[SharedTerm]:
        totals = _running(shares).tolist()
        found: dict[tuple[str, ...], tuple[float, int, int]] = {}
        for chain in chains:
            start, end = chain[0].start, chain[-1].end
            key = tuple([token.key for token in chain])
            share, start, end = found.get(key, (0.0, start, end))
            found[key] = share + totals[chain[-1].end] - totals[chain[0].start], start, end
        ordered = sorted(found.values(), key=lambda item: -item[0])
        if top is None or not ordered:
            ordered += self._pieces(shares, chains)
        return [
            SharedTerm(self._joined[start:end], share)
            for share, start, end in ordered[:top]
            if share > 0
        ]

    def _pieces(
        self, shares: npt.NDArray[np.float64], chains: list[list[Token]]
    ) -> list[tuple[float, int, int]]:
        """What is shared outside the chains, stretch by stretch."""
        left = shares.copy()
        for chain in chains:
            left[chain[0].start : chain[-1].end] = 0
        totals = _running(left).tolist()
        edges = np.flatnonzero(np.diff(np.concatenate([[False], left > 0, [False]])))
        found: dict[str, tuple[float, int, int]] = {}
        for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            key = self._joined[start:end].lower()
            share, first, last = found.get(key, (0.0, start, end))
            found[key] = share + totals[end] - totals[start], first, last
        return sorted(found.values(), key=lambda item: -item[0])


def _running(shares: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Sums up to each place; with the precision that differences of them need."""
    return np.concatenate([[0.0], np.cumsum(shares, dtype=np.float64)])


def _has_room(chain: Sequence[Token], token: Token) -> bool:
    if token.is_word:
        return len(chain) < _MOST_WORDS
    return chain[-1].end - chain[0].start <= _LONGEST_PHRASE


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

"""The matcher: a cosine between TF-IDF vectors, in the manner of a scikit-learn estimator.

It stays linear on purpose. A score is a sum of products, one for each feature that two texts share,
so what is said about why a pair fits is the score itself, taken apart.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from bidding.matching.text import (
    CHANNELS,
    HAN_CHAR,
    HAN_PAIR,
    HAN_TRIPLE,
    HAN_WORD,
    WORD,
    WORD_PAIR,
    Analyzer,
    Occurrence,
    Term,
    readable,
)

CHANNEL_WEIGHTS: Mapping[str, float] = {
    HAN_WORD: 0.5,
    HAN_CHAR: 1.2,
    HAN_PAIR: 1.0,
    HAN_TRIPLE: 0.8,
    WORD: 1.0,
    WORD_PAIR: 0.6,
}

_BATCH = 256
_SLAB = 4096


@dataclass(frozen=True, slots=True)
class Document:
    """A need or a profile: what it is called and what it says."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Match:
    """A fitted document, by its place in `fit`, and how alike it is, from 0 to 1."""

    index: int
    score: float


@dataclass(frozen=True, slots=True)
class SharedTerm:
    """A term that ties two texts and the part of their score that it makes up."""

    term: str
    share: float


class TfidfMatcher(BaseEstimator):
    """Ranks fitted documents by their likeness to a query and says which terms they share.

    Counts saturate as in BM25 on the side of the documents and by a square root on the side of the
    query; both are weighted by inverse document frequency and by channel, and scaled to length one.

    Parameters
    ----------
    k1 : float, default=1.2
        How late repeating a feature stops to count.
    b : float, default=0.7
        How far a long document needs more repetitions for the same weight, from 0 to 1.
    title_weight : float, default=4.0
        How many times a query's title counts.
    document_title_weight : float, default=1.0
        How many times a document's title counts.
    max_query_terms : int or None, default=300
        Only so many of a query's heaviest features take part: the rest cost time and add noise.
    channel_weights : mapping of str to float, or None
        Overrides of `CHANNEL_WEIGHTS`; 0 switches a channel off.
    simplify : bool, default=True
        Fold traditional characters to simplified ones.
    stop : bool, default=True
        Leave out function words and boilerplate.

    Attributes
    ----------
    vocabulary_ : dict of str to int
        Column of each feature.
    idf_ : ndarray of shape (n_features,)
        Inverse document frequency times channel weight.
    postings_ : csr_array of shape (n_features, n_documents)
        Weight of each feature in each document; its columns have length one.
    n_documents_ : int
    """

    def __init__(
        self,
        *,
        k1: float = 1.2,
        b: float = 0.7,
        title_weight: float = 4.0,
        document_title_weight: float = 1.0,
        max_query_terms: int | None = 300,
        channel_weights: Mapping[str, float] | None = None,
        simplify: bool = True,
        stop: bool = True,
    ) -> None:
        self.k1 = k1
        self.b = b
        self.title_weight = title_weight
        self.document_title_weight = document_title_weight
        self.max_query_terms = max_query_terms
        self.channel_weights = channel_weights
        self.simplify = simplify
        self.stop = stop

    def fit(self, documents: Iterable[Document], y: None = None) -> Self:
        """Learn the vocabulary, its weights and the postings.

        Parameters
        ----------
        documents : iterable of Document, of length n_documents
        y : None
            Ignored, as scikit-learn's conventions have it.

        Returns
        -------
        TfidfMatcher
            Itself.
        """
        del y
        weights = self._channel_weights()
        analyzer = self._analyzer()
        vocabulary: dict[str, int] = {}
        # Arrays, not lists: a country's profiles have a billion features.
        columns, counts, ends = array("i"), array("f"), array("q", [0])
        for document in documents:
            for feature, count in _counts(analyzer, document, self.document_title_weight).items():
                if weights[feature[0]]:
                    columns.append(vocabulary.setdefault(feature, len(vocabulary)))
                    counts.append(count)
            ends.append(len(columns))
        matrix = sp.csr_array(
            (np.array(counts, np.float32), np.array(columns, np.int32), np.array(ends)),
            shape=(len(ends) - 1, len(vocabulary)),
        )
        self.vocabulary_ = vocabulary
        self.n_documents_ = matrix.shape[0]
        channel_of = np.fromiter((CHANNELS.index(f[0]) for f in vocabulary), int, len(vocabulary))
        frequency = np.bincount(matrix.indices, minlength=len(vocabulary))
        idf = np.log((1 + self.n_documents_) / (1 + frequency)) + 1
        strength = np.array([weights[channel] for channel in CHANNELS])
        self.idf_ = (idf * strength[channel_of]).astype(np.float32)
        self._saturate(matrix, channel_of)
        matrix.data *= self.idf_[matrix.indices]
        _scale_rows(matrix)
        self.postings_ = matrix.T.tocsr()
        self.postings_.sort_indices()
        return self

    def rank(self, query: Document, top: int = 20) -> list[Match]:
        """List the best documents for a query, best first, earlier documents first among equals.

        Parameters
        ----------
        query : Document
        top : int, default=20

        Returns
        -------
        list of Match, at most `top`
            Only documents that share something with the query.
        """
        return self.rank_many([query], top)[0]

    def rank_many(self, queries: Sequence[Document], top: int = 20) -> list[list[Match]]:
        """Rank for many queries at once.

        Parameters
        ----------
        queries : sequence of Document, of length n_queries
        top : int, default=20

        Returns
        -------
        list of list of Match, of length n_queries
            What `rank` gives for each.
        """
        ranked: list[list[Match]] = []
        for start in range(0, len(queries), _BATCH):
            scores = self._query_matrix(queries[start : start + _BATCH]) @ self.postings_
            for begin, end in zip(scores.indptr, scores.indptr[1:], strict=False):
                ranked.append(_best(scores.indices[begin:end], scores.data[begin:end], top))
        return ranked

    def scores(self, query: Document) -> np.ndarray:
        """Score every document.

        Parameters
        ----------
        query : Document

        Returns
        -------
        ndarray of shape (n_documents,)
        """
        return (self._query_matrix([query]) @ self.postings_).toarray().ravel()

    def explain(self, query: Document, index: int, top: int | None = 8) -> list[SharedTerm]:
        """Take the score of a pair apart into terms that a person can read.

        Every shared feature is credited to one term: the longest word or phrase around it that both
        texts have. What is left are pieces of words; they are named only when asked for all terms,
        where they come last, or when no whole word is shared.

        Parameters
        ----------
        query : Document
        index : int
            Which fitted document.
        top : int or None, default=8
            How many terms; None for all of them, whose shares then sum to 1.

        Returns
        -------
        list of SharedTerm
            Largest share first; empty when the two share nothing.
        """
        check_is_fitted(self)
        if not 0 <= index < self.n_documents_:
            raise IndexError(f"no document {index} among {self.n_documents_}")
        vector = self._query_matrix([query])
        weights = {
            int(column): float(value) * _weight(self.postings_, int(column), index)
            for column, value in zip(vector.indices, vector.data, strict=True)
        }
        score = sum(weights.values())
        if not score:
            return []
        credit = _Credit(self._analyzer(), query, _SharedWith(self, index))
        shares: dict[tuple[bool, str], float] = {}
        for feature, place in credit.places(weights, self.vocabulary_).items():
            shares[place] = shares.get(place, 0.0) + weights[self.vocabulary_[feature]] / score
        ordered = sorted(shares.items(), key=lambda item: (item[0][0], -item[1], item[0][1]))
        if top is not None:
            whole = [item for item in ordered if not item[0][0]]
            ordered = (whole or ordered)[:top]
        return [SharedTerm(credit.surface(key), share) for (_fragment, key), share in ordered]

    def _analyzer(self) -> Analyzer:
        return Analyzer(simplify=self.simplify, stop=self.stop)

    def _channel_weights(self) -> dict[str, float]:
        weights = {**CHANNEL_WEIGHTS, **(self.channel_weights or {})}
        if unknown := sorted(set(weights) - set(CHANNELS)):
            raise ValueError(f"unknown channels: {', '.join(unknown)}")
        return weights

    def _saturate(self, matrix: sp.csr_array, channel_of: np.ndarray) -> None:
        """Replace counts by BM25's saturated ones, with lengths taken channel by channel."""
        channel_of = channel_of.astype(np.int8)
        n_channels = len(CHANNELS)
        totals = np.bincount(channel_of[matrix.indices], weights=matrix.data, minlength=n_channels)
        mean = np.where(totals > 0, totals, 1) / max(matrix.shape[0], 1)
        # In slabs, because what is worked out on the way is several times as large as the matrix.
        for first in range(0, matrix.shape[0], _SLAB):
            ends = matrix.indptr[first : first + _SLAB + 1]
            part = slice(ends[0], ends[-1])
            rows = np.repeat(np.arange(len(ends) - 1), np.diff(ends))
            cells = rows * n_channels + channel_of[matrix.indices[part]]
            counts = matrix.data[part]
            lengths = np.bincount(
                cells, weights=counts, minlength=(len(ends) - 1) * n_channels
            ).reshape(-1, n_channels)
            delay = self.k1 * (1 - self.b + self.b * (lengths / mean).ravel()[cells])
            matrix.data[part] = counts * (self.k1 + 1) / (counts + delay)

    def _query_matrix(self, queries: Sequence[Document]) -> sp.csr_array:
        """Weigh queries in the fitted vocabulary: csr_array of shape (n_queries, n_features)."""
        check_is_fitted(self)
        analyzer = self._analyzer()
        columns: list[np.ndarray] = []
        values: list[np.ndarray] = []
        for query in queries:
            known = {
                self.vocabulary_[feature]: count
                for feature, count in _counts(analyzer, query, self.title_weight).items()
                if feature in self.vocabulary_
            }
            column = np.fromiter(sorted(known), np.int32, len(known))
            value = np.sqrt(np.fromiter((known[c] for c in column), np.float32, len(known)))
            value *= self.idf_[column]
            if self.max_query_terms is not None and len(value) > self.max_query_terms:
                heaviest = np.sort(np.argsort(-value, kind="stable")[: self.max_query_terms])
                column, value = column[heaviest], value[heaviest]
            columns.append(column)
            values.append(value)
        matrix = sp.csr_array(
            (
                np.concatenate([np.empty(0, np.float32), *values]),
                np.concatenate([np.empty(0, np.int32), *columns]),
                np.cumsum([0, *map(len, columns)]),
            ),
            shape=(len(queries), len(self.vocabulary_)),
        )
        _scale_rows(matrix)
        return matrix


class _SharedWith:
    """The features of one fitted document, as a container."""

    def __init__(self, matcher: TfidfMatcher, index: int) -> None:
        self._vocabulary = matcher.vocabulary_
        self._postings = matcher.postings_
        self._index = index

    def __contains__(self, feature: object) -> bool:
        column = self._vocabulary.get(feature)  # type: ignore[call-overload]
        return column is not None and _weight(self._postings, column, self._index) > 0


class _Credit:
    """Decides which readable term of a query each of its features belongs to."""

    def __init__(self, analyzer: Analyzer, query: Document, shared: _SharedWith) -> None:
        self._parts = [
            (analyzer.occurrences(text), analyzer.terms(text, shared))
            for text in (query.title, query.text)
        ]
        self._surfaces: dict[str, str] = {}

    def places(
        self, weights: Mapping[int, float], vocabulary: Mapping[str, int]
    ) -> dict[str, tuple[bool, str]]:
        """Map each feature with a weight to (is it a mere fragment, key of its term)."""
        best: dict[str, tuple[int, int, Term]] = {}
        features: set[str] = set()
        for occurrences, terms in self._parts:
            term_at = _by_position(terms)
            for occurrence in occurrences:
                if not weights.get(vocabulary.get(occurrence.feature, -1)):
                    continue
                features.add(occurrence.feature)
                for term in _touching(occurrence, term_at):
                    overlap = min(term.end, occurrence.end) - max(term.start, occurrence.start)
                    candidate = (overlap, term.end - term.start, term)
                    held = best.get(occurrence.feature)
                    if held is None or candidate[:2] > held[:2]:
                        best[occurrence.feature] = candidate
        placed: dict[str, tuple[bool, str]] = {}
        for feature in features:
            if feature in best:
                term = best[feature][2]
                placed[feature] = (False, term.key)
                self._surfaces.setdefault(term.key, term.surface)
            else:
                placed[feature] = (True, readable(feature))
        return placed

    def surface(self, key: str) -> str:
        return self._surfaces.get(key, key)


def _weight(postings: sp.csr_array, column: int, index: int) -> float:
    begin, end = postings.indptr[column : column + 2]
    at = begin + int(np.searchsorted(postings.indices[begin:end], index))
    return float(postings.data[at]) if at < end and postings.indices[at] == index else 0.0


def _by_position(terms: Iterable[Term]) -> dict[int, list[Term]]:
    places: dict[int, list[Term]] = {}
    for term in terms:
        for at in range(term.start, term.end):
            places.setdefault(at, []).append(term)
    return places


def _touching(occurrence: Occurrence, term_at: Mapping[int, list[Term]]) -> Iterable[Term]:
    for at in range(occurrence.start, occurrence.end):
        yield from term_at.get(at, ())


def _counts(analyzer: Analyzer, document: Document, title_weight: float) -> dict[str, float]:
    counts: Counter[str] | dict[str, float] = analyzer.features(document.text)
    for feature, count in analyzer.features(document.title).items():
        counts[feature] = counts.get(feature, 0) + count * title_weight
    return {feature: count for feature, count in counts.items() if count > 0}


def _scale_rows(matrix: sp.csr_array) -> None:
    """Scale the rows of a matrix of non-negative weights to length one, in place."""
    squares = np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel()
    lengths = np.sqrt(np.where(squares > 0, squares, 1))
    matrix.data /= np.repeat(lengths, np.diff(matrix.indptr)).astype(np.float32)


def _best(indices: np.ndarray, scores: np.ndarray, top: int) -> list[Match]:
    """Pick the `top` scores; among equals the lower index, also at the cut."""
    positive = scores > 0
    indices, scores = indices[positive], scores[positive]
    if 0 < top < len(scores):
        least = np.partition(scores, -top)[-top]
        kept = scores >= least
        indices, scores = indices[kept], scores[kept]
    order = np.lexsort((indices, -scores))[: max(top, 0)]
    # Rounding in single precision can lift a text's likeness to itself a hair above one.
    return [Match(int(indices[at]), min(float(scores[at]), 1.0)) for at in order]

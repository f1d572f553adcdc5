"""The matcher: TF-IDF vectors and their products, in the manner of a scikit-learn estimator.

It stays linear on purpose. A score is a sum of products, one for each feature that two texts share,
so what is said about why a pair fits is the score itself, taken apart; see `explaining`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from bidding.matching.explaining import Reading, SharedTerm, contributions
from bidding.matching.postings import Floats, Numbers, Postings, Rows
from bidding.matching.text import (
    PAYLOAD_BITS,
    Analyzer,
    Codes,
    Features,
    among,
    channels,
    is_single,
    ranges,
)

CHANNEL_WEIGHTS: Mapping[str, float] = {
    "character": 1.1,
    "two_characters": 1.0,
    "word": 1.0,
    "word_pair": 0.5,
    "word_piece": 0.4,
}
"""How much each channel of features counts, the same for all data."""

_BATCH_BITS = 12
"""A feature of 50 bits, a document of its batch, and one bit more make a number of 63 bits."""
_BATCH = 1 << _BATCH_BITS
_BATCH_CHARACTERS = 2_000_000
"""A batch ends at about so many, because taking a character apart needs some 200 bytes."""
_MOST_COUNTED = float(np.finfo(np.float16).max)
_N_CHANNELS = 4
_MERGE_FROM = 8_000_000
_LEAST_WEIGHT = np.float32(1e-4)
"""So that rounding makes no weight nothing."""


@dataclass(frozen=True, slots=True)
class Document:
    """A need or a profile: what it is called and what it says."""

    title: str
    text: str


class Match(NamedTuple):
    """A fitted document, by its place in `fit`, and how alike it is to a query."""

    index: int
    score: float


@dataclass(frozen=True)
class Vector:
    """A query as weighted features of length one.

    Attributes
    ----------
    codes : ndarray of int64, shape (n_features,)
        Sorted.
    weights : ndarray of float32, shape (n_features,)
    query : Document
    found : Features
        Every feature of the query with its places, known or not.
    """

    codes: Codes
    weights: Floats
    query: Document
    found: Features


@dataclass(frozen=True)
class _Counts:
    """How often each feature occurs in each of a batch of documents.

    `codes` are sorted; feature `f` occurs in `documents[ends[f]:ends[f + 1]]`.
    """

    n_documents: int
    codes: Codes
    ends: npt.NDArray[np.int32]
    documents: npt.NDArray[np.uint16]
    counts: npt.NDArray[np.float16]

    @property
    def frequencies(self) -> npt.NDArray[np.int64]:
        return np.diff(self.ends).astype(np.int64)

    def sizes(self, most: int | None) -> npt.NDArray[np.int64]:
        """How many features each document has, `most` at the most."""
        sizes = np.bincount(self.documents, minlength=self.n_documents)
        return sizes if most is None else np.minimum(sizes, most)

    def lengths(self) -> npt.NDArray[np.float64]:
        """Count the occurrences in each document: shape (n_documents, 4), by channel."""
        channel = np.repeat(channels(self.codes), self.frequencies)
        cells = self.documents.astype(np.int64) * _N_CHANNELS + channel
        size = self.n_documents * _N_CHANNELS
        return np.bincount(cells, self.counts, size).reshape(-1, _N_CHANNELS)


class TfidfMatcher(BaseEstimator):
    """Ranks fitted documents by their likeness to a query.

    Counts saturate as in BM25 on the side of the documents and by a power on the side of the query;
    both are weighted by inverse document frequency and by channel. A query has length one, a
    document a length between one and its own, see `length_norm`.

    Parameters
    ----------
    k1 : float, default=1.5
        How late repeating a feature stops to count.
    b : float, default=1.0
        How far a long document needs more repetitions for the same weight, from 0 to 1.
    length_norm : float, default=0.2
        How far documents are scaled to the same length: at 1 a score is a cosine, which favours
        short documents; at 0 nothing is scaled.
    idf_floor : float, default=0.5
        Weight of a feature that every document has.
    query_power : float, default=0.3
        Power of a count in a query.
    title_weight : float, default=30.0
        How many times a query's title counts.
    document_title_weight : float, default=1.0
        How many times a document's title counts.
    max_query_terms : int or None, default=240
        Only so many of a query's heaviest features take part: the rest cost time and add noise.
    max_document_terms : int or None, default=640
        Only so many of a document's heaviest features are kept.
    channel_weights : mapping of str to float, or None
        Overrides of `CHANNEL_WEIGHTS`; 0 switches a channel off.
    boilerplate_weight : float, default=0.6
        How much the features count that say little; see `Analyzer.boilerplate`.

    Attributes
    ----------
    codes_ : ndarray of int64, shape (n_features,)
        The features of all documents, sorted; see `text`.
    idf_ : ndarray of float32, shape (n_features,)
        Inverse document frequency times channel weight.
    usual_lengths_ : ndarray of float64, shape (4,)
        How many features a document has, by channel: the mean over features, not over documents, so
        that bare names do not make all other profiles seem long.
    pivot_ : float
        Length of a document before scaling: the mean over squared lengths, for the same reason.
    n_documents_ : int
    postings_ : Postings
    """

    def __init__(
        self,
        *,
        k1: float = 1.5,
        b: float = 1.0,
        length_norm: float = 0.2,
        idf_floor: float = 0.5,
        query_power: float = 0.3,
        title_weight: float = 30.0,
        document_title_weight: float = 1.0,
        max_query_terms: int | None = 240,
        max_document_terms: int | None = 640,
        channel_weights: Mapping[str, float] | None = None,
        boilerplate_weight: float = 0.6,
    ) -> None:
        self.k1 = k1
        self.b = b
        self.length_norm = length_norm
        self.idf_floor = idf_floor
        self.query_power = query_power
        self.title_weight = title_weight
        self.document_title_weight = document_title_weight
        self.max_query_terms = max_query_terms
        self.max_document_terms = max_document_terms
        self.channel_weights = channel_weights
        self.boilerplate_weight = boilerplate_weight

    def fit(self, documents: Iterable[Document], y: None = None) -> Self:
        """Learn the features, their weights and the postings.

        Parameters
        ----------
        documents : iterable of Document, of length n_documents
            Read once, and not kept.
        y : None
            Ignored, as scikit-learn's conventions have it.

        Returns
        -------
        TfidfMatcher
            Itself.
        """
        del y
        batches = [self._count(batch) for batch in _batches(documents)]
        self.n_documents_ = sum(batch.n_documents for batch in batches)
        self.codes_, frequencies = _merged(batches)
        self.idf_ = self._idf(frequencies) * self._strengths(self.codes_)
        self.usual_lengths_ = _usual(batches)
        rows, lengths = self._rows(batches, self.codes_, self.idf_)
        squares = np.square(lengths, dtype=np.float64)
        self.pivot_ = float((squares * lengths).sum() / squares.sum()) if squares.any() else 1.0
        self._scale(rows, lengths)
        self.postings_ = Postings.build(self.codes_, rows)
        return self

    def transform(self, documents: Iterable[Document]) -> Postings:
        """Weigh other documents as if they had been fitted, features never seen included.

        Parameters
        ----------
        documents : iterable of Document

        Returns
        -------
        Postings
            With feature numbers of their own.
        """
        check_is_fitted(self)
        batches = [self._count(batch) for batch in _batches(documents)]
        codes, _ = _merged(batches)
        rows, lengths = self._rows(batches, codes, self.weights_of(codes))
        self._scale(rows, lengths)
        return Postings.build(codes, rows)

    def weigh(self, query: Document, *, also: Postings | None = None) -> Vector:
        """Turn a query into weighted features.

        Parameters
        ----------
        query : Document
        also : Postings or None
            Other documents that are searched, so that features which only they have count, too.

        Returns
        -------
        Vector
            Features that occur in no document are left out.
        """
        check_is_fitted(self)
        found = self.analyzer.features([query.title, query.text])
        codes, counts = self._query_counts(found)
        at = self._find(codes)
        known = at >= 0
        if also is not None:
            known |= also.find(codes) >= 0
        codes = codes[known]
        weights = counts[known] ** np.float32(self.query_power) * self._weights(codes, at[known])
        if self.max_query_terms is not None and len(codes) > self.max_query_terms:
            heaviest = np.sort(np.argsort(-weights, kind="stable")[: self.max_query_terms])
            codes, weights = codes[heaviest], weights[heaviest]
        length = float(np.sqrt(np.square(weights).sum()))
        return Vector(codes, weights / np.float32(length or 1), query, found)

    def rank(
        self, query: Document, top: int = 20, *, allowed: npt.NDArray[np.bool_] | None = None
    ) -> list[Match]:
        """List the best documents for a query, best first, earlier documents first among equals.

        Parameters
        ----------
        query : Document
        top : int, default=20
        allowed : ndarray of bool, shape (n_documents,), or None
            Which documents may be found; all of them unless given.

        Returns
        -------
        list of Match, at most `top`
            Only documents that share something with the query.
        """
        vector = self.weigh(query)
        found, scores = self.postings_.search(vector.codes, vector.weights, top, allowed)
        pairs = zip(found.tolist(), scores.tolist(), strict=True)
        return [Match(index, score) for index, score in pairs]

    def scores(self, query: Document, indices: Sequence[int] | Numbers) -> Floats:
        """Score some documents.

        Parameters
        ----------
        query : Document
        indices : sequence of int, of length n_asked

        Returns
        -------
        ndarray of float32, shape (n_asked,)
        """
        vector = self.weigh(query)
        return self.postings_.shared(vector.codes, np.asarray(indices, np.int64)) @ vector.weights

    def explain(
        self, query: Document, indices: Sequence[int] | Numbers, top: int | None = 8
    ) -> list[list[SharedTerm]]:
        """Take the scores of a query and some documents apart into terms that a person can read.

        Parameters
        ----------
        query : Document
        indices : sequence of int, of length n_asked
        top : int or None, default=8
            How many terms; None for all of them, whose shares then sum to 1.

        Returns
        -------
        list of list of SharedTerm, of length n_asked
            Largest share first; empty where nothing is shared. See `Reading.terms`.
        """
        vector = self.weigh(query)
        shared = self.postings_.shared(vector.codes, np.asarray(indices, np.int64))
        return self.read(vector).terms(contributions(shared, vector.weights), top)

    def read(self, vector: Vector) -> Reading:
        """Make a query ready to be explained."""
        texts = (vector.query.title, vector.query.text)
        return Reading(self.analyzer, texts, vector.found, vector.codes, self.title_weight)

    def weights_of(self, codes: Codes) -> Floats:
        """Weigh any features; one never seen is as rare as can be.

        Parameters
        ----------
        codes : ndarray of int64, shape (n_asked,)

        Returns
        -------
        ndarray of float32, shape (n_asked,)
            `idf_` of those that were fitted.
        """
        return self._weights(codes, self._find(codes))

    @property
    def analyzer(self) -> Analyzer:
        """What takes texts apart."""
        return _analyzer()

    def _weights(self, codes: Codes, at: Numbers) -> Floats:
        """As `weights_of`, of features that `_find` has looked up."""
        weights = np.empty(len(codes), np.float32)
        seen = at >= 0
        weights[seen] = self.idf_[at[seen]]
        if not seen.all():
            rarest = self._idf(np.zeros(1, np.int64))
            weights[~seen] = rarest * self._strengths(codes[~seen])
        return weights

    def _strengths(self, codes: Codes) -> Floats:
        """How much each feature counts, whatever its frequency."""
        weights = {**CHANNEL_WEIGHTS, **(self.channel_weights or {})}
        if unknown := sorted(set(weights) - set(CHANNEL_WEIGHTS)):
            raise ValueError(f"unknown channels: {', '.join(unknown)}")
        channel = np.array([weights[name] for name in CHANNEL_WEIGHTS], np.float32)
        strengths = channel[_classes(codes)]
        strengths[among(codes, self.analyzer.boilerplate)] *= np.float32(self.boilerplate_weight)
        return strengths

    def _idf(self, frequencies: npt.NDArray[np.int64]) -> Floats:
        idf = np.log((1 + self.n_documents_) / (1 + frequencies)) + self.idf_floor
        return idf.astype(np.float32)

    def _find(self, codes: Codes) -> npt.NDArray[np.int64]:
        if not len(self.codes_):
            return np.full(len(codes), -1)
        at = np.minimum(self.codes_.searchsorted(codes), len(self.codes_) - 1)
        return np.where(self.codes_[at] == codes, at, -1)

    def _query_counts(self, found: Features) -> tuple[Codes, Floats]:
        weights = np.where(found.texts == 0, self.title_weight, 1.0)
        codes, places = np.unique(found.codes, return_inverse=True)
        counts = np.bincount(places, weights=weights, minlength=len(codes)).astype(np.float32)
        used = (counts > 0) & (self._strengths(codes) > 0)
        return codes[used], counts[used]

    def _count(self, documents: Sequence[Document]) -> _Counts:
        texts = [text for document in documents for text in (document.title, document.text)]
        found = self.analyzer.features(texts)
        used = self._strengths(found.codes) > 0
        # Feature, document, title or text: one number of 63 bits, so that sorting is one pass.
        shift = _BATCH_BITS + 1
        keys = (found.codes[used] << shift) | found.texts[used]
        keys.sort()
        firsts = _firsts(keys)
        runs = np.diff(np.append(firsts, len(keys))).astype(np.float32)
        keys = keys[firsts]
        runs[keys & 1 == 0] *= self.document_title_weight
        keys >>= 1
        firsts = _firsts(keys)
        counts = np.add.reduceat(runs, firsts) if len(firsts) else runs
        keys = keys[firsts][counts > 0]
        counts = counts[counts > 0]
        owners = (keys & (_BATCH - 1)).astype(np.uint16)
        keys >>= _BATCH_BITS
        firsts = _firsts(keys)
        return _Counts(
            len(documents),
            keys[firsts],
            np.append(firsts, len(keys)).astype(np.int32),
            owners,
            np.minimum(counts, _MOST_COUNTED).astype(np.float16),
        )

    def _rows(self, batches: list[_Counts], codes: Codes, idf: Floats) -> tuple[Rows, Floats]:
        """Weigh counted documents; empties `batches` on the way, because they are large.

        Returns
        -------
        rows : Rows
            Not yet scaled, each document's heaviest feature first.
        lengths : ndarray of float32, shape (n_documents,)
        """
        sizes = [batch.sizes(self.max_document_terms) for batch in batches]
        ends = np.concatenate([[0], np.cumsum(np.concatenate([np.empty(0, np.int64), *sizes]))])
        # Room for all at once: gathering parts would need it twice.
        features = np.empty(ends[-1], np.int32)
        weights = np.empty(ends[-1], np.float16)
        lengths = np.empty(len(ends) - 1, np.float32)
        batches.reverse()
        done = 0
        while batches:
            batch = batches.pop()
            after = done + batch.n_documents
            numbers = np.repeat(codes.searchsorted(batch.codes), batch.frequencies)
            owners = batch.documents.astype(np.int64)
            weight = self._saturate(batch, owners) * idf[numbers]
            square = np.bincount(owners, weights=weight**2, minlength=batch.n_documents)
            lengths[done:after] = np.sqrt(square)
            half = np.maximum(weight, _LEAST_WEIGHT).astype(np.float16)
            lightness = 0xFFFF - half.view(np.uint16).astype(np.int64)
            order = np.argsort(owners << 16 | lightness, kind="stable")
            firsts = np.searchsorted(owners[order], np.arange(batch.n_documents))
            kept = order[ranges(firsts, np.diff(ends[done : after + 1]))]
            features[ends[done] : ends[after]] = numbers[kept]
            weights[ends[done] : ends[after]] = half[kept]
            done = after
        return Rows(ends, features, weights), lengths

    def _saturate(self, batch: _Counts, owners: Numbers) -> Floats:
        """Replace counts by BM25's saturated ones, with lengths taken channel by channel."""
        counts = batch.counts.astype(np.float32)
        cells = owners * _N_CHANNELS + np.repeat(channels(batch.codes), batch.frequencies)
        relative = batch.lengths() / self.usual_lengths_
        delay = self.k1 * (1 - self.b + self.b * relative)
        return counts * np.float32(self.k1 + 1) / (counts + delay.astype(np.float32).ravel()[cells])

    def _scale(self, rows: Rows, lengths: Floats) -> None:
        """Scale documents in place towards length one, by the middle document's measure."""
        relative = np.where(lengths > 0, lengths, 1) / np.float32(self.pivot_)
        scales = 1 / (relative**self.length_norm * np.float32(self.pivot_))
        for owners, _, weights in rows.chunks():
            weights *= scales[owners].astype(np.float32)


def _batches(documents: Iterable[Document]) -> Iterator[list[Document]]:
    batch: list[Document] = []
    characters = 0
    for document in documents:
        batch.append(document)
        characters += len(document.title) + len(document.text)
        if len(batch) == _BATCH or characters >= _BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def _classes(codes: Codes) -> npt.NDArray[np.int64]:
    """Number features by the classes of `CHANNEL_WEIGHTS`, in its order."""
    return np.where(codes < 1 << PAYLOAD_BITS, ~is_single(codes), 1 + (codes >> PAYLOAD_BITS))


def _firsts(keys: Numbers) -> Numbers:
    """Where each run of equal numbers begins."""
    if not len(keys):
        return np.empty(0, np.int64)
    return np.concatenate([[0], np.flatnonzero(keys[1:] != keys[:-1]) + 1])


def _usual(batches: Sequence[_Counts]) -> npt.NDArray[np.float64]:
    """See `TfidfMatcher.usual_lengths_`; 1 for a channel that no document has."""
    totals, squares = np.zeros(_N_CHANNELS), np.zeros(_N_CHANNELS)
    for batch in batches:
        lengths = batch.lengths()
        totals += lengths.sum(axis=0)
        squares += np.square(lengths).sum(axis=0)
    return np.divide(squares, totals, out=np.ones(_N_CHANNELS), where=totals > 0)


def _merged(batches: Sequence[_Counts]) -> tuple[Codes, npt.NDArray[np.int64]]:
    """All features of some batches, sorted, and in how many documents each occurs."""
    codes, frequencies = np.empty(0, np.int64), np.empty(0, np.int64)
    waiting: list[_Counts] = []
    for at, batch in enumerate(batches):
        waiting.append(batch)
        if sum(len(one.codes) for one in waiting) < _MERGE_FROM and at < len(batches) - 1:
            continue
        every = np.concatenate([codes, *(one.codes for one in waiting)])
        count = np.concatenate([frequencies, *(one.frequencies for one in waiting)])
        order = np.argsort(every, kind="stable")
        every, count = every[order], count[order]
        firsts = _firsts(every)
        codes, frequencies = every[firsts], np.add.reduceat(count, firsts) if len(firsts) else count
        waiting = []
    return codes, frequencies


@cache
def _analyzer() -> Analyzer:
    """One for the process: it remembers the stems it has seen."""
    return Analyzer()

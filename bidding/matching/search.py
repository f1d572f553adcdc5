"""Finding challenges and organizations by words: what `bidding.finding` asks of the matcher."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from sqlalchemy.orm import Session

from bidding.finding import MOST_FOUND, Found, finds
from bidding.matching import index
from bidding.matching.estimator import Document, Vector
from bidding.matching.explaining import SharedTerm
from bidding.matching.postings import Floats
from bidding.matching.shelves import IndexNotReady, View
from bidding.matching.text import GRAM, Codes, Features, channels, is_single, ranges

NEAR_BEST = 0.5
"""What has less than this part of what the best record has of a search is left out.

With two words that occur together it keeps those that have the rarer one alone and drops those that
have only the other.
"""

LEAST_PART = 0.05
"""A record that has less of a search than this shares a syllable or a “Ltd.” with it."""

TERMS = 6
"""Words named under a record that was found."""


@finds("challenges")
def find_challenges(session: Session, q: str, among: Sequence[int] | None) -> Found | None:
    return _find(index.challenges, session, q, among)


@finds("organizations")
def find_organizations(session: Session, q: str, among: Sequence[int] | None) -> Found | None:
    return _find(index.offers, session, q, among)


def _find(
    shelf: Callable[[Session], View], session: Session, q: str, among: Sequence[int] | None
) -> Found | None:
    try:
        view = shelf(session)
    except IndexNotReady:
        return None
    return search(view, q, among)


def search(view: View, q: str, among: Sequence[int] | None = None, top: int = MOST_FOUND) -> Found:
    """Find the documents that have about as much of the words of `q` as any has.

    Parameters
    ----------
    view : View
    q : str
    among : sequence of int or None
        Ids of what may be found; everything unless given.
    top : int
    """
    vector = view.weigh(Document(q, ""))
    every = _telling(vector.found)
    is_telling = np.isin(vector.codes, every)
    vector = replace(vector, codes=vector.codes[is_telling], weights=vector.weights[is_telling])
    allowed = None if among is None else np.isin(view.every_id, np.asarray(among, np.int64))
    ids, _ = view.search(vector, top + 1, allowed)
    if len(ids):
        parts = _parts(view, vector, every, ids)
        ids = ids[parts >= max(NEAR_BEST * parts.max(), LEAST_PART)]

    def explain(page: Sequence[int]) -> dict[int, list[SharedTerm]]:
        return dict(zip(page, view.explain(vector, page, TERMS), strict=True))

    return Found(ids[:top].tolist(), len(ids) > top, explain=explain)


def _telling(found: Features) -> Codes:
    """The features of a search, sorted, but for characters that stand beside another one.

    Nearly every document has some of these; what was typed is the pairs.
    """
    is_gram = channels(found.codes) == GRAM
    is_pair = is_gram & ~is_single(found.codes)
    starts = found.starts[is_pair].astype(np.int64)
    paired = ranges(starts, np.full(len(starts), 2))
    return np.unique(found.codes[~is_gram | is_pair | ~np.isin(found.starts, paired)])


def _parts(view: View, vector: Vector, every: Codes, ids: npt.NDArray[np.int64]) -> Floats:
    """Which part of a search each document has: of the squared weights of all its features."""
    weights = np.square(view.matcher.weights_of(every))
    shared = view.shared(vector, ids)
    shared.data = np.ones_like(shared.data)
    parts: Floats = shared @ weights[every.searchsorted(vector.codes)] / weights.sum()
    return parts

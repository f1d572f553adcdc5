"""Challenges that ask for much the same.

How alike two texts are is the same from either side, and can be put into words: which part of each
stands in the other, its features counted by their rarity, and the geometric mean of the two parts.
Single characters and pieces of words are left out, because any two texts share many.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bidding.matching.estimator import Document, TfidfMatcher
from bidding.matching.explaining import SharedTerm
from bidding.matching.shelves import View
from bidding.matching.text import Codes, telling

ALIKE_FROM = 0.55
"""From this likeness on two challenges are much alike; see ``docs/matching.md``."""

HELD_FROM = 0.8
"""From this part on a text stands in the other, however much else that one says."""

LEAST_FEATURES = 30
"""A text of fewer stands by chance in many a longer one."""

MOST_SIMILAR = 3
"""Enough to act on."""

TERMS = 8

_LOOKED_AT = 50
"""What asks for the same is among the first that the matcher finds."""


@dataclass(frozen=True)
class Similar:
    """A challenge much like another one.

    Attributes
    ----------
    challenge_id : int
    likeness : float
        0 to 1, the same from either side.
    part : float
        Which part of this text stands in the other challenge, 0 to 1.
    other_part : float
        Which part of the other challenge stands in this text.
    terms : list of SharedTerm
        What they share.
    """

    challenge_id: int
    likeness: float
    part: float
    other_part: float
    terms: list[SharedTerm]


def similar_to(
    view: View, challenge_id: int | None, text: Document, top: int = MOST_SIMILAR
) -> list[Similar]:
    """Find what is much like a challenge.

    Parameters
    ----------
    view : View
        Of challenges; this one may be among them.
    challenge_id : int or None
    text : Document
        What the challenge says, which need not be what the view has of it.
    top : int

    Returns
    -------
    list of Similar
        The most alike first.
    """
    vector = view.weigh(text)
    ids, _ = view.search(vector, _LOOKED_AT)
    own = telling(view.matcher.transform([text]).codes)
    found = [
        _compare(view.matcher, own, int(ident), telling(view.features(int(ident))))
        for ident in ids
        if ident != challenge_id
    ]
    alike = sorted(filter(None, found), key=lambda one: (-one.likeness, one.challenge_id))[:top]
    terms = view.explain(vector, [one.challenge_id for one in alike], TERMS)
    return [replace(one, terms=why) for one, why in zip(alike, terms, strict=True)]


def beside(view: View, others: Mapping[int, Document]) -> View:
    """A view of other challenges, by id, measured by what `view` has learnt.

    For the few that are not public: nothing of them gets into what is kept.
    """
    ids = np.array(sorted(others), np.int64)
    return replace(
        view,
        hidden=np.ones(len(view.ids), bool),
        delta=view.matcher.transform(others[ident] for ident in ids.tolist()),
        delta_ids=ids,
    )


def alike_pairs(texts: Sequence[Document]) -> Iterator[tuple[int, Similar]]:
    """Yield the pairs that are much alike: the earlier text, and the later one as `Similar`."""
    view = View.of(texts, range(len(texts)))
    for number, text in enumerate(texts):
        for similar in similar_to(view, number, text, top=_LOOKED_AT):
            if similar.challenge_id > number:
                yield number, similar


def _compare(matcher: TfidfMatcher, own: Codes, ident: int, other: Codes) -> Similar | None:
    """How alike two texts are; None when they are not much alike."""
    shared = float(np.square(matcher.weights_of(np.intersect1d(own, other))).sum())
    if not shared:
        return None
    part = shared / float(np.square(matcher.weights_of(own)).sum())
    other_part = shared / float(np.square(matcher.weights_of(other)).sum())
    likeness = float(np.sqrt(part * other_part))
    is_held = (part >= HELD_FROM and len(own) >= LEAST_FEATURES) or (
        other_part >= HELD_FROM and len(other) >= LEAST_FEATURES
    )
    return (
        Similar(ident, likeness, part, other_part, [])
        if likeness >= ALIKE_FROM or is_held
        else None
    )

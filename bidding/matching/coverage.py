"""What a challenge asks for, item by item, and which items a profile speaks of.

The score of a pair says how alike two texts are; it does not say that a firm which knows all about
coercivity has nothing to say on corrosion. An item is covered by the same features that make the
score: by as much of its own weight as the profile has, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from bidding.challenges.models import Challenge, Operator, Requirement
from bidding.matching.estimator import Document, TfidfMatcher
from bidding.matching.postings import Floats
from bidding.matching.shelves import View
from bidding.matching.text import Analyzer, Codes, among, telling
from bidding.vocabulary import N_, Choice, Tone

COVERED = 0.5
"""An item is covered from this part of its weight on; see ``docs/matching.md``."""

PARTLY = 0.25
"""Below it a profile has no more of an item than the words everybody uses."""

FEWEST_ITEMS = 2
"""With fewer requirements than this, the sentences of a challenge stand in for them."""

_MOST_CLAUSES = 8
_SHORTEST_CLAUSE = 8
_CLAUSE_ENDS = re.compile(r"[。；;\n]|\.(?=\s|$)")
_BULLET = re.compile(r"^\W*(?:\d{1,2}[.)、．]\s*)?")
_MARKUP = re.compile(r"[*_`#>|]+")
_BRACKETS = re.compile(r"[(\uff08\[\u3010][^)\uff09\]\u3011]*[)\uff09\]\u3011]")


class Extent(Choice):
    """How far an item is covered."""

    COVERED = "covered", N_("Covered"), Tone.SUCCESS
    PARTLY = "partly", N_("Partly covered"), Tone.WARNING
    NOT = "not", N_("Not covered")

    @classmethod
    def of(cls, part: float) -> Extent:
        """The extent of a coverage between 0 and 1."""
        if part >= COVERED:
            return cls.COVERED
        return cls.PARTLY if part >= PARTLY else cls.NOT


@dataclass(frozen=True)
class Item:
    """One thing a challenge asks for.

    Parameters
    ----------
    label : str
        As people read it.
    text : str
        As the matcher reads it.
    must : bool
        Whether it is more than desirable.
    """

    label: str
    text: str
    must: bool = True


def items_of(challenge: Challenge) -> tuple[Item, ...]:
    """What a challenge asks for: its requirements, or sentences where it has hardly any."""
    rows = challenge.requirements
    if len(rows) >= FEWEST_ITEMS:
        return tuple(Item(row.summary, asked_of(row), row.must) for row in rows)
    return tuple(Item(clause, clause) for clause in _clauses(challenge))[:_MOST_CLAUSES]


def indicator_of(requirement: Requirement) -> str:
    """The name of an indicator without the circumstances under which it is measured."""
    return _BRACKETS.sub(" ", requirement.name).strip() or requirement.name


def asked_of(requirement: Requirement) -> str:
    """The words that a profile must have to speak of a requirement: a figure is none of them."""
    indicator = indicator_of(requirement)
    is_words = requirement.operator is Operator.TEXT
    return f"{indicator} {requirement.value}" if is_words else indicator


def item_texts(challenge: Challenge) -> list[str]:
    """The items of a challenge as the matcher reads them."""
    return [item.text for item in items_of(challenge)]


def _clauses(challenge: Challenge) -> Iterator[str]:
    """Sentences and parts of sentences that say something, each once."""
    seen: set[str] = set()
    for text in (challenge.problem, challenge.expected_result):
        for part in _CLAUSE_ENDS.split(text):
            clause = _BULLET.sub("", _MARKUP.sub("", part)).strip()
            telling = sum(letter.isalpha() for letter in clause)
            if telling >= _SHORTEST_CLAUSE and clause not in seen:
                seen.add(clause)
                yield clause


@dataclass(frozen=True, eq=False)
class Weighed:
    """Items as features.

    Attributes
    ----------
    codes : ndarray of int64, shape (n_features,)
        Sorted.
    shares : ndarray of float32, shape (n_features, n_items)
        The part of an item's weight that a feature makes up; each column sums to 1, or to 0 where
        an item says nothing.
    """

    codes: Codes
    shares: npt.NDArray[np.float32]

    @property
    def stored(self) -> list[list[list[Any]]]:
        """As JSON: for each item its features, with their shares."""
        return [
            [
                [int(self.codes[at]), round(float(column[at]), 4)]
                for at in np.flatnonzero(column).tolist()
            ]
            for column in self.shares.T
        ]

    @classmethod
    def restored(cls, stored: Sequence[Sequence[Sequence[Any]]]) -> Self:
        """What `stored` wrote."""
        codes = np.unique(np.array([code for item in stored for code, _ in item], np.int64))
        shares = np.zeros((len(codes), len(stored)), np.float32)
        for column, item in enumerate(stored):
            places = codes.searchsorted(np.array([code for code, _ in item], np.int64))
            shares[places, column] = [share for _, share in item]
        return cls(codes, shares)

    def of_text(self, analyzer: Analyzer, document: Document) -> npt.NDArray[np.float32]:
        """How far one document covers each item, without an index: shape (n_items,)."""
        found = np.unique(analyzer.features([document.title, document.text]).codes)
        return among(self.codes, found).astype(np.float32) @ self.shares


def part_weights(matcher: TfidfMatcher, text: str) -> tuple[Codes, Floats]:
    """The features that say what a text is about, and which part of it each is.

    Single characters and pieces of words are left out where there are others. Features that no
    document has count, too: without them whoever shares an item's one common word would cover it.

    Returns
    -------
    codes : ndarray of int64, shape (n_features,)
        Sorted.
    parts : ndarray of float32, shape (n_features,)
        Together 1.
    """
    codes = np.unique(matcher.analyzer.features([text]).codes)
    chosen = telling(codes)
    codes = chosen if len(chosen) else codes
    weights = matcher.weights_of(codes)
    return codes, weights / np.float32(weights.sum() or 1)


def weighed(matcher: TfidfMatcher, texts: Sequence[str]) -> Weighed:
    """Weigh the features of items."""
    found = [part_weights(matcher, text) for text in texts]
    codes = np.unique(np.concatenate([np.empty(0, np.int64), *(own for own, _ in found)]))
    shares = np.zeros((len(codes), len(found)), np.float32)
    for column, (own, parts) in enumerate(found):
        shares[codes.searchsorted(own), column] = parts
    return Weighed(codes, shares)


def coverage(
    view: View, texts: Sequence[str], ids: Sequence[int] | npt.NDArray[np.int64]
) -> npt.NDArray[np.float32]:
    """How far documents cover items.

    Parameters
    ----------
    view : View
    texts : sequence of str, of length n_items
    ids : sequence of int, of length n_ids

    Returns
    -------
    ndarray of float32, shape (n_ids, n_items)
        From 0 to 1: the part of an item's weight whose features a document has. See `Extent`.
    """
    return coverage_of(view, weighed(view.matcher, texts), ids)


def coverage_of(
    view: View, items: Weighed, ids: Sequence[int] | npt.NDArray[np.int64]
) -> npt.NDArray[np.float32]:
    """`coverage` of items that are weighed already."""
    # Only the features of a query are looked up, so one query asks for those of all items.
    query = view.weigh(Document("", ""))
    query = replace(query, codes=items.codes, weights=np.ones(len(items.codes), np.float32))
    had: sp.csr_array = view.shared(query, ids)
    had.data = (had.data > 0).astype(np.float32)
    found: npt.NDArray[np.float32] = had @ items.shares
    return found

"""Why one challenge and one SME fit: what ties their texts, what is covered, what is in the way.

Everything is read off the same weights that make the score: the terms and the marks are the score
taken apart, and a requirement counts as covered by the part of its weight that the profile has.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from bidding.challenges.models import Challenge, Operator, Requirement
from bidding.matching import figures
from bidding.matching.coverage import (
    COVERED,
    PARTLY,
    Extent,
    asked_of,
    indicator_of,
    part_weights,
)
from bidding.matching.documents import need_of
from bidding.matching.estimator import TfidfMatcher
from bidding.matching.explaining import Mark, Reading, SharedTerm, contributions
from bidding.matching.facts import Boost, Gate, GateName, gates, in_hundredths
from bidding.matching.facts_table import Asked, FactsTable, itemised
from bidding.matching.models import Strength
from bidding.matching.pairing import LEAST_SCORE
from bidding.matching.policy import Policy
from bidding.matching.postings import Floats
from bidding.matching.shelves import View
from bidding.matching.text import Analyzer, Codes, among
from bidding.organizations.models import Organization
from bidding.text import lines
from bidding.vocabulary import N_, Choice, Tone

TERMS = 12
"""Terms that are named: more than on a card, fewer than anybody tires of."""

LEAST_SHARE = 0.005
"""A term with less of the score would be shown as 0 %."""

STEPS = (0.0, 0.03, 0.08)
"""From which share of the score a term is marked with the first, second and third strength."""

_SELDOM = frozenset({GateName.SIZE, GateName.VERIFIED, GateName.OWN})
"""Gates that are named only when an SME fails them."""


class Figure(Choice):
    """What a profile says about the figure that a requirement asks for."""

    MET = "met", N_("The profile states a figure that meets it:"), Tone.SUCCESS
    CONDITIONAL = (
        "conditional",
        N_("The figure would meet it; check under which conditions. The profile says:"),
        Tone.WARNING,
    )
    QUOTED = "quoted", N_("Check the figure; the profile says:"), Tone.WARNING
    UNSTATED = "unstated", N_("Check the figure; none was found in the profile.")
    NONE = "none", ""


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a text; `step` is 0 where the other text has nothing of it, else 1 to 3."""

    text: str
    step: int = 0


@dataclass(frozen=True)
class Passage:
    """One field of a text, cut into pieces.

    Attributes
    ----------
    name : str
        Of the field.
    label : str
        An English catalogue entry.
    pieces : list of Piece
        Together they are the text.
    """

    name: str
    label: str
    pieces: list[Piece]

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.pieces)


@dataclass(frozen=True)
class Item:
    """A requirement and what the profile says of it.

    Attributes
    ----------
    requirement : Requirement
    pieces : list of Piece
        Its name; what the profile has of it has a step.
    extent : Extent
    figure : Figure
    quotation : str
        The sentence of the profile that the figure was found in.
    """

    requirement: Requirement
    pieces: list[Piece]
    extent: Extent
    figure: Figure = Figure.NONE
    quotation: str = ""


@dataclass(frozen=True)
class Explanation:
    """Why a pair fits. It has what the components for scores and boosts read of a suggestion.

    Attributes
    ----------
    score : float
        The likeness of the two texts, 0 to 1.
    terms : list of SharedTerm
    boosts : list of Boost
    gates : list of Gate
        Those that may well be failed, and whatever is.
    need, offer : list of Passage
        The two texts; requirements are in `items`.
    items : list of Item
    """

    score: float
    terms: list[SharedTerm]
    boosts: list[Boost]
    gates: list[Gate]
    need: list[Passage]
    offer: list[Passage]
    items: list[Item]

    @property
    def strength(self) -> Strength:
        return Strength.of(self.score)

    @property
    def boosted_by(self) -> list[Boost]:
        return self.boosts

    @property
    def bonus(self) -> float:
        """The points of all facts together."""
        return sum(boost.points for boost in self.boosts)

    @property
    def points_of_facts(self) -> str:
        """What the boosts add up to, in hundredths."""
        return in_hundredths(self.bonus)

    @property
    def passes(self) -> bool:
        """Whether the SME may take the challenge."""
        return all(gate.passed for gate in self.gates)

    @property
    def counts(self) -> dict[Extent, int]:
        """How many requirements are covered, partly covered, and not covered."""
        found = Counter(item.extent for item in self.items)
        return {extent: found[extent] for extent in Extent}


@dataclass(frozen=True, slots=True)
class Clause:
    """Part of a sentence between its commas."""

    text: str
    sentence: str


class Clauses:
    """The clauses of some texts, ready to be asked which of them are about something.

    Parameters
    ----------
    analyzer : Analyzer
    texts : sequence of str
    """

    def __init__(self, analyzer: Analyzer, texts: Sequence[str]) -> None:
        self._all = [
            Clause(clause, sentence)
            for text in texts
            for sentence in figures.sentences(text)
            for clause in figures.clauses(sentence)
        ]
        found = analyzer.features([clause.text for clause in self._all])
        pairs = np.stack([found.texts.astype(np.int64), found.codes])
        self._owners, self._codes = np.unique(pairs, axis=1)

    def about(self, codes: Codes, weights: Floats) -> list[tuple[Clause, float]]:
        """The clauses that have some of something, and which part of it; most of it first.

        Parameters
        ----------
        codes : ndarray of int64, shape (n_features,)
            Sorted.
        weights : ndarray of float32, shape (n_features,)
            Together 1.
        """
        hits = among(self._codes, codes)
        gained = weights[codes.searchsorted(self._codes[hits])]
        parts = np.bincount(self._owners[hits], weights=gained, minlength=len(self._all))
        order = np.argsort(-parts, kind="stable")
        return [(self._all[at], float(parts[at])) for at in order if parts[at] >= PARTLY]


class PairReading:
    """A challenge and an SME, read against each other.

    Parameters
    ----------
    view : View
        The documents that the SME is among.
    challenge : Challenge
    organization : Organization
    """

    def __init__(self, view: View, challenge: Challenge, organization: Organization) -> None:
        self.view = view
        self.matcher: TfidfMatcher = view.matcher
        self.challenge = challenge
        self.organization = organization
        self.vector = view.weigh(need_of(challenge))
        self.gained = contributions(
            view.shared(self.vector, [organization.id]), self.vector.weights
        )

    @property
    def score(self) -> float:
        return float(self.gained.sum())

    @cached_property
    def offered(self) -> list[tuple[str, str, str]]:
        """The fields of the SME: name, label, and plain text."""
        return [field for field in _fields_of(self.organization) if field[2]]

    @cached_property
    def had(self) -> Codes:
        """The features of the SME's texts, sorted."""
        return self.codes_of([text for _, _, text in self.offered])

    @cached_property
    def clauses(self) -> Clauses:
        """The clauses of the SME's fields, in their order."""
        return Clauses(self.matcher.analyzer, [text for _, _, text in self.offered])

    def codes_of(self, texts: Sequence[str]) -> Codes:
        """The features of some texts, sorted."""
        return np.unique(self.matcher.analyzer.features(texts).codes)

    @cached_property
    def terms(self) -> list[SharedTerm]:
        """What ties the two, largest share first."""
        (terms,) = self.matcher.read(self.vector).terms(self.gained, TERMS)
        return [term for term in terms if term.share >= LEAST_SHARE]

    def passages(
        self, fields: Sequence[tuple[str, str, str]], title_weight: float
    ) -> list[Passage]:
        """Some fields, with what ties the pair marked in them; the first one is the title."""
        texts = [text for _, _, text in fields]
        found = self._marks(texts, self.vector.codes, self.gained, title_weight)
        marks = [
            _completed(text, stretches, self.terms)
            for text, stretches in zip(texts, found, strict=True)
        ]
        shares: Counter[str] = Counter()
        for text, stretches in zip(texts, marks, strict=True):
            for mark in stretches:
                shares[_key(text, mark)] += mark.share
        for term in self.terms:
            key = term.term.casefold()
            shares[key] = max(shares[key], term.share)
        return [
            Passage(name, label, list(_pieces(text, stretches, shares)))
            for (name, label, text), stretches in zip(fields, marks, strict=True)
        ]

    def items(self) -> list[Item]:
        """The requirements of the challenge, in their order."""
        names = [requirement.name for requirement in self.challenge.requirements]
        codes = self.codes_of(names)
        has = among(codes, self.had) * self.matcher.weights_of(codes)
        marks = self._marks(names, codes, has[np.newaxis], 1.0)
        return [
            self._item(requirement, list(_pieces(requirement.name, stretches, None)))
            for requirement, stretches in zip(self.challenge.requirements, marks, strict=True)
        ]

    def _item(self, requirement: Requirement, pieces: list[Piece]) -> Item:
        indicator = indicator_of(requirement)
        is_words = requirement.operator is Operator.TEXT
        codes, weights = part_weights(self.matcher, asked_of(requirement))
        extent = Extent.of(float(weights[among(codes, self.had)].sum()))
        item = Item(requirement, pieces, extent)
        if is_words or extent is Extent.NOT:
            return item
        figure, quotation = self._figure(requirement, indicator)
        return replace(item, figure=figure, quotation=quotation)

    def _figure(self, requirement: Requirement, indicator: str) -> tuple[Figure, str]:
        """What the sentences about the indicator say of its figure, and the one that does."""
        target = figures.read_target(requirement.operator, requirement.value, requirement.unit)
        if target is None:
            return Figure.UNSTATED, ""
        found = (Figure.UNSTATED, "")
        for clause, part in self.clauses.about(*part_weights(self.matcher, indicator)):
            stated = figures.find(clause.text, target.unit)
            is_met = stated and all(target.is_met_by(span) for span in stated)
            if is_met and part >= COVERED:
                is_plain = indicator == requirement.name
                return (Figure.MET if is_plain else Figure.CONDITIONAL), clause.sentence
            if stated and found[0] is Figure.UNSTATED:
                found = (Figure.QUOTED, clause.sentence)
        return found

    def _marks(
        self, texts: Sequence[str], codes: Codes, gained: Floats, title_weight: float
    ) -> list[list[Mark]]:
        analyzer = self.matcher.analyzer
        reading = Reading(analyzer, texts, analyzer.features(texts), codes, title_weight)
        return reading.marks(gained)


def explain_pair(
    view: View,
    challenge: Challenge,
    organization: Organization,
    facts: FactsTable,
    policy: Policy,
) -> Explanation:
    """Say why a challenge and an SME fit, and what stands in the way.

    Parameters
    ----------
    view : View
        The documents that the SME is among.
    challenge : Challenge
    organization : Organization
    facts : FactsTable
        Of the SME alone; empty where it may take no challenges.
    policy : Policy
    """
    return explanation_of(PairReading(view, challenge, organization), facts, policy)


def explanation_of(pair: PairReading, facts: FactsTable, policy: Policy) -> Explanation:
    """What `explain_pair` says of a pair that was read already."""
    boosts = itemised(Asked.of(pair.challenge), facts, policy)
    must_pass = gates(pair.challenge, pair.organization)
    return Explanation(
        score=pair.score,
        terms=pair.terms,
        boosts=boosts[0] if boosts else [],
        gates=[gate for gate in must_pass if not (gate.passed and gate.name in _SELDOM)],
        need=pair.passages(_fields_of_need(pair.challenge), pair.matcher.title_weight),
        offer=pair.passages(pair.offered, 1.0),
        items=pair.items(),
    )


def rank_of(score: float, bonus: float) -> float:
    """What a pair is ordered by; 0 where the texts are too unlike to be suggested."""
    return score + bonus if score >= LEAST_SCORE else 0.0


def _fields_of_need(challenge: Challenge) -> list[tuple[str, str, str]]:
    fields = [
        ("title", N_("Title"), challenge.title),
        ("background", N_("Background"), lines(challenge.background)),
        ("problem", N_("Main problem"), lines(challenge.problem)),
        ("expected_result", N_("Expected result"), lines(challenge.expected_result)),
    ]
    return [field for field in fields if field[2]]


def _fields_of(organization: Organization) -> list[tuple[str, str, str]]:
    profile = organization.profile
    fields = [
        ("name", N_("Name"), organization.name),
        ("brief", N_("In a few sentences"), lines(organization.brief)),
    ]
    if profile is not None:
        fields += [
            ("products", N_("Main products"), lines(profile.products)),
            ("technologies", N_("Technologies"), lines(profile.technologies)),
            ("equipment", N_("Equipment and capacity"), lines(profile.equipment)),
            ("cases", N_("Cases"), lines(profile.cases)),
            ("notes", N_("Anything else"), lines(profile.notes)),
        ]
    return fields


def _completed(text: str, marks: Sequence[Mark], terms: Sequence[SharedTerm]) -> list[Mark]:
    """Marks, and the terms that stand in a text although it was cut into other words there.

    What is found only now has no share of its own: that of its term counts.
    """
    taken = [False] * len(text)
    found = list(marks)
    for mark in marks:
        taken[mark.start : mark.end] = [True] * (mark.end - mark.start)
    for term in terms:
        # A word of an alphabetic script is not part of a longer one.
        pattern = rf"(?<![^\W\d_\u2e80-\uffff]){re.escape(term.term)}(?![^\W\d_\u2e80-\uffff])"
        for match in re.finditer(pattern, text, re.IGNORECASE):
            start, end = match.span()
            if not any(taken[start:end]):
                taken[start:end] = [True] * (end - start)
                found.append(Mark(start, end, 0.0))
    return sorted(found, key=lambda mark: mark.start)


def _key(text: str, mark: Mark) -> str:
    return text[mark.start : mark.end].casefold()


def _pieces(text: str, marks: Iterable[Mark], shares: Counter[str] | None) -> Iterator[Piece]:
    """Cut a text at its marks; the same words have the same strength wherever they stand."""
    end = 0
    for mark in marks:
        if mark.start > end:
            yield Piece(text[end : mark.start])
        share = mark.share if shares is None else shares[_key(text, mark)]
        step = sum(share >= limit for limit in STEPS)
        yield Piece(text[mark.start : mark.end], 1 if shares is None else step)
        end = mark.end
    if end < len(text):
        yield Piece(text[end:])

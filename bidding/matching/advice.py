"""What an SME could add to its profile, if it is true, to rank higher for a challenge.

A program cannot know what is true, so nothing is written for anybody: these are the words of the
challenge that weigh most and that the profile does not have, with what they would change.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bidding.challenges.models import ChallengeKind
from bidding.matching import figures
from bidding.matching.coverage import Extent
from bidding.matching.documents import offer_of
from bidding.matching.estimator import Document
from bidding.matching.explanations import Explanation, PairReading, rank_of
from bidding.matching.pairing import PER_CHALLENGE
from bidding.matching.text import Codes, among
from bidding.vocabulary import N_

MOST = 3
"""More would read as a form to fill in."""

_MOST_OF_A_KIND = 2
"""Statements of one field: what was reached and what was solved before say more together."""

LEAST_GAIN = 0.005
"""Less cannot be seen in a score from 0 to 100."""

_TRIED = 12
"""Statements whose effect is computed: those that weigh most."""

_SHORTEST, _LONGEST = 6, 60
"""Characters: less is no statement, and more is more than one."""

_ALIKE = 0.5
"""Of two statements that share so much of what they would add, one is enough."""


_COMMAS = re.compile(r"，\s*|,\s+")


@dataclass(frozen=True, slots=True)
class Place:
    """Where an SME stands among those suggested; `number` is None below the last of them."""

    number: int | None

    @classmethod
    def of(cls, rank: float, others: Sequence[float]) -> Place:
        above = sum(other > rank for other in others)
        return cls(above + 1 if rank > 0 and above < PER_CHALLENGE else None)


@dataclass(frozen=True)
class Statement:
    """Something that an SME could say of itself, if it is true.

    Attributes
    ----------
    message, params
        A sentence in the first person, as the filter ``sentence`` reads it.
    field : str
        Of the profile, where it belongs.
    label : str
        What that field is called: an English catalogue entry.
    score : float
        The likeness of the texts with it.
    place : Place
    """

    message: str
    params: dict[str, Any]
    field: str
    label: str
    score: float
    place: Place


@dataclass(frozen=True)
class Advice:
    """Where an SME stands, and the statements that would raise it."""

    place: Place
    statements: list[Statement]


@dataclass(frozen=True)
class _Candidate:
    words: str
    message: str
    field: str
    label: str
    missing: Codes
    weight: float


def advise(pair: PairReading, explained: Explanation, others: Sequence[float]) -> Advice | None:
    """The statements that would raise the rank of an SME most, if they are true of it.

    None where no statement would help: the challenge is closed, or the SME fails a gate.

    Parameters
    ----------
    pair : PairReading
    explained : Explanation
        Of that pair.
    others : sequence of float
        What the other SMEs suggested are ordered by; the best `PER_CHALLENGE` are enough.
    """
    if not explained.passes:
        return None
    tried = sorted(_candidates(pair, explained), key=lambda one: -one.weight)[:_TRIED]
    scored = [(one, _score_with(pair, one.words)) for one in tried]
    # Requirements first: whether one is met can be checked.
    best = sorted(scored, key=lambda one: (one[0].field == "cases", -one[1]))
    chosen: list[_Candidate] = []
    statements = []
    for one, score in best:
        is_alike = any(_overlap(pair, one, other) > _ALIKE for other in chosen)
        is_full = sum(other.field == one.field for other in chosen) == _MOST_OF_A_KIND
        if is_alike or is_full or score < pair.score + LEAST_GAIN:
            continue
        if len(chosen) == MOST:
            break
        chosen.append(one)
        place = Place.of(rank_of(score, explained.bonus), others)
        statements.append(
            Statement(one.message, {"words": one.words}, one.field, one.label, score, place)
        )
    return Advice(Place.of(rank_of(pair.score, explained.bonus), others), statements)


def _candidates(pair: PairReading, explained: Explanation) -> list[_Candidate]:
    is_product = pair.challenge.kind is ChallengeKind.SUPPORTING_PRODUCT
    at = ("products", N_("Main products")) if is_product else ("technologies", N_("Technologies"))
    found = [
        _candidate(pair, item.requirement.summary, N_("We reach: %(words)s"), *at)
        for item in explained.items
        if item.extent is not Extent.COVERED
    ]
    solved = N_("We have dealt with this: “%(words)s”")
    for passage in explained.need:
        if passage.name in ("problem", "expected_result"):
            found += [
                _candidate(pair, words, solved, "cases", N_("Cases"))
                for words in _parts(passage.text)
            ]
    return [one for one in found if one.weight > 0]


def _parts(text: str) -> Iterator[str]:
    """The sentences of a text, and of those that are long the parts between commas."""
    for sentence in figures.sentences(text):
        parts = [sentence] if len(sentence) <= _LONGEST else _COMMAS.split(sentence)
        yield from (
            part for part in parts if _SHORTEST <= len(part) <= _LONGEST and _is_whole(part)
        )


def _is_whole(part: str) -> bool:
    """Whether no bracket was torn apart."""
    return all(part.count(left) == part.count(right) for left, right in ("()", "（）", "“”"))


def _candidate(pair: PairReading, words: str, message: str, field: str, label: str) -> _Candidate:
    codes = pair.codes_of([words])
    missing = codes[~among(codes, pair.had)]
    return _Candidate(words, message, field, label, missing, _weight(pair, missing))


def _weight(pair: PairReading, codes: Codes) -> float:
    """What some features weigh where each occurs once."""
    return float(pair.matcher.weights_of(codes).sum())


def _overlap(pair: PairReading, one: _Candidate, other: _Candidate) -> float:
    shared = one.missing[among(one.missing, other.missing)]
    return _weight(pair, shared) / min(one.weight, other.weight)


def _score_with(pair: PairReading, words: str) -> float:
    """The likeness of the texts with a statement added to the profile.

    Its words may be ones that no profile had before. They make the challenge longer, and everybody
    less alike to it; that is taken back, because others are compared by what they score now.
    """
    offer = offer_of(pair.organization)
    changed = pair.matcher.transform([Document(offer.title, f"{offer.text}\n{words}")])
    vector = pair.matcher.weigh(pair.vector.query, also=changed)
    score = float((changed.shared(vector.codes, np.zeros(1, np.int64)) @ vector.weights)[0])
    before = pair.vector.weights[among(pair.vector.codes, vector.codes)].sum()
    after = vector.weights[among(vector.codes, pair.vector.codes)].sum()
    return score * float(before / after) if after else score

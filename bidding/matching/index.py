"""From the database to the estimator: which texts are matched, and the pairings that come out."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.orm import Session

from bidding.challenges.models import Challenge
from bidding.matching import queries
from bidding.matching.estimator import Document, TfidfMatcher
from bidding.matching.facts_table import Asked, FactsTable, bonus, eligible, itemised, load_table
from bidding.matching.policy import Policy, in_force
from bidding.organizations.models import Organization

PER_CHALLENGE = 20
"""SMEs suggested to the poster of a challenge."""

PER_ORGANIZATION = 10
"""Challenges recommended to an SME."""

LEAST_SCORE = 0.08
"""Below it two texts share little more than the words everybody uses."""

TERMS = 8


@dataclass(frozen=True)
class Pairing:
    """One scored pair, with the terms that tie it."""

    challenge_id: int
    organization_id: int
    score: float
    terms: list[dict[str, Any]]
    boosts: list[dict[str, Any]]
    rank_score: float


@dataclass(frozen=True)
class Need:
    """What a challenge asks for: by its words, and by its facts."""

    text: Document
    asked: Asked


@dataclass(frozen=True)
class Index:
    """The SMEs' texts, fitted, and their facts.

    Parameters
    ----------
    organization_ids
        In the order of the fitted documents.
    facts
        In the same order.
    """

    organization_ids: tuple[int, ...]
    matcher: TfidfMatcher
    facts: FactsTable
    policy: Policy

    def for_challenge(
        self, challenge_id: int, need: Need, also: Iterable[int] = ()
    ) -> list[Pairing]:
        """The SMEs that fit one challenge best, and those in `also` whatever their score."""
        scores = self.matcher.scores(need.text)
        kept = set(_strongest(self._ranks(need, scores), PER_CHALLENGE))
        kept |= {self._places[ident] for ident in also if ident in self._places}
        return [self._pairing(challenge_id, need, place, scores) for place in sorted(kept)]

    def for_organization(
        self, organization_id: int, needs: Sequence[tuple[int, Need]]
    ) -> list[Pairing]:
        """The challenges among `needs` that fit one SME best."""
        place = self._places.get(organization_id)
        if place is None:
            return []
        scored = [
            (rank, challenge_id, need, scores)
            for challenge_id, need in needs
            if (rank := self._ranks(need, scores := self.matcher.scores(need.text))[place]) > 0
        ]
        best = heapq.nlargest(PER_ORGANIZATION, scored, key=lambda item: (item[0], -item[1]))
        return [self._pairing(ident, need, place, scores) for _, ident, need, scores in best]

    def for_everyone(
        self,
        needs: Sequence[tuple[int, Need]],
        progress: Callable[[int, int], None] = lambda _done, _all: None,
    ) -> list[Pairing]:
        """The union of what `for_challenge` and `for_organization` keep, for all of them."""
        kept: set[tuple[int, int]] = set()
        best_of: dict[int, list[tuple[float, int]]] = {}
        scored: list[np.ndarray] = []
        for number, (_, need) in enumerate(needs):
            scores = self.matcher.scores(need.text)
            ranks = self._ranks(need, scores)
            scored.append(scores)
            kept |= {(number, place) for place in _strongest(ranks, PER_CHALLENGE)}
            for place in np.flatnonzero(ranks).tolist():
                heap = best_of.setdefault(place, [])
                entry = (float(ranks[place]), -number)
                if len(heap) < PER_ORGANIZATION:
                    heapq.heappush(heap, entry)
                else:
                    heapq.heappushpop(heap, entry)
        kept |= {(-number, place) for place, heap in best_of.items() for _, number in heap}
        pairings = []
        for done, (number, place) in enumerate(sorted(kept), start=1):
            challenge_id, need = needs[number]
            pairings.append(self._pairing(challenge_id, need, place, scored[number]))
            progress(done, len(kept))
        return pairings

    @property
    def _places(self) -> dict[int, int]:
        return {ident: place for place, ident in enumerate(self.organization_ids)}

    def _ranks(self, need: Need, scores: np.ndarray) -> np.ndarray:
        """What to order by; 0 for who fails a gate or is too unlike, whatever the facts add."""
        fits = eligible(need.asked, self.facts) & (scores >= LEAST_SCORE)
        return np.where(fits, scores + bonus(need.asked, self.facts, self.policy), 0.0)

    def _pairing(self, challenge_id: int, need: Need, place: int, scores: np.ndarray) -> Pairing:
        shared = self.matcher.explain(need.text, place, top=TERMS)
        (boosts,) = itemised(need.asked, self.facts.take([place]), self.policy)
        score = round(float(scores[place]), 4)
        return Pairing(
            challenge_id,
            self.organization_ids[place],
            score,
            [{"term": item.term, "share": round(item.share, 4)} for item in shared],
            [boost.stored for boost in boosts],
            round(score + sum(boost.points for boost in boosts), 4),
        )


def _strongest(ranks: np.ndarray, top: int) -> list[int]:
    """Places of the `top` ranks above 0, earlier places first among equals."""
    order = np.lexsort((np.arange(len(ranks)), -ranks))[:top]
    return [int(place) for place in order if ranks[place] > 0]


def need_of(challenge: Challenge) -> Document:
    """What a challenge asks for, as the matcher reads it."""
    indicators = " ".join(f"{item.name} {item.value}{item.unit}" for item in challenge.requirements)
    parts = (challenge.problem, challenge.background, indicators, challenge.expected_result)
    return Document(challenge.title, "\n".join(part for part in parts if part))


def offer_of(organization: Organization) -> Document:
    """What an SME can do, as the matcher reads it."""
    profile = organization.profile
    parts = [organization.brief]
    if profile is not None:
        parts += [
            profile.products,
            profile.technologies,
            profile.equipment,
            profile.cases,
            profile.notes,
        ]
    return Document(organization.name, "\n".join(part for part in parts if part))


_fitted: dict[str, tuple[Any, tuple[int, ...], TfidfMatcher]] = {}


def load_index(session: Session) -> Index:
    """The index of every SME that may take challenges, fitted again only when one changed.

    Facts are read each time: a qualification expires without anybody's changing it.
    """
    state = session.execute(queries.offers_state()).one()
    key = str(session.get_bind().engine.url)  # type: ignore[union-attr]
    if key not in _fitted or _fitted[key][0] != state:
        organizations = session.scalars(queries.offers()).all()
        _fitted[key] = (
            state,
            tuple(organization.id for organization in organizations),
            TfidfMatcher().fit([offer_of(organization) for organization in organizations]),
        )
    _, ids, matcher = _fitted[key]
    return Index(ids, matcher, load_table(session).aligned(ids), in_force())


def load_needs(session: Session, query: sa.Select[tuple[Challenge]]) -> list[tuple[int, Need]]:
    """Ids, texts and facts of the challenges that `query` selects."""
    return [
        (challenge.id, Need(need_of(challenge), Asked.of(challenge)))
        for challenge in session.scalars(query)
    ]

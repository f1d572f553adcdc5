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


@dataclass(frozen=True)
class Index:
    """The SMEs' texts, fitted.

    Parameters
    ----------
    organization_ids
        In the order of the fitted documents.
    """

    organization_ids: tuple[int, ...]
    matcher: TfidfMatcher

    def for_challenge(
        self, challenge_id: int, need: Document, also: Iterable[int] = ()
    ) -> list[Pairing]:
        """The SMEs that fit one challenge best, and those in `also` whatever their score."""
        scores = self.matcher.scores(need)
        kept = set(_strongest(scores, PER_CHALLENGE))
        kept |= {self._places[ident] for ident in also if ident in self._places}
        return [self._pairing(challenge_id, need, place, scores) for place in sorted(kept)]

    def for_organization(
        self, organization_id: int, needs: Sequence[tuple[int, Document]]
    ) -> list[Pairing]:
        """The challenges among `needs` that fit one SME best."""
        place = self._places.get(organization_id)
        if place is None:
            return []
        scored = [
            (float(scores[place]), challenge_id, need, scores)
            for challenge_id, need in needs
            if (scores := self.matcher.scores(need))[place] >= LEAST_SCORE
        ]
        best = heapq.nlargest(PER_ORGANIZATION, scored, key=lambda item: (item[0], -item[1]))
        return [self._pairing(ident, need, place, scores) for _, ident, need, scores in best]

    def for_everyone(
        self,
        needs: Sequence[tuple[int, Document]],
        progress: Callable[[int, int], None] = lambda _done, _all: None,
    ) -> list[Pairing]:
        """The union of what `for_challenge` and `for_organization` keep, for all of them."""
        kept: set[tuple[int, int]] = set()
        best_of: dict[int, list[tuple[float, int]]] = {}
        scored: list[np.ndarray] = []
        for number, (_, need) in enumerate(needs):
            scores = self.matcher.scores(need)
            scored.append(scores)
            kept |= {(number, place) for place in _strongest(scores, PER_CHALLENGE)}
            for place in np.flatnonzero(scores >= LEAST_SCORE).tolist():
                heap = best_of.setdefault(place, [])
                entry = (float(scores[place]), -number)
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

    def _pairing(
        self, challenge_id: int, need: Document, place: int, scores: np.ndarray
    ) -> Pairing:
        shared = self.matcher.explain(need, place, top=TERMS)
        return Pairing(
            challenge_id,
            self.organization_ids[place],
            round(float(scores[place]), 4),
            [{"term": item.term, "share": round(item.share, 4)} for item in shared],
        )


def _strongest(scores: np.ndarray, top: int) -> list[int]:
    """Places of the `top` scores that are worth showing, earlier places first among equals."""
    order = np.lexsort((np.arange(len(scores)), -scores))[:top]
    return [int(place) for place in order if scores[place] >= LEAST_SCORE]


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


_fitted: dict[str, tuple[Any, Index]] = {}


def load_index(session: Session) -> Index:
    """The index of every SME that may take challenges, fitted again only when one changed."""
    state = session.execute(queries.offers_state()).one()
    key = str(session.get_bind().engine.url)  # type: ignore[union-attr]
    if key in _fitted and _fitted[key][0] == state:
        return _fitted[key][1]
    organizations = session.scalars(queries.offers()).all()
    index = Index(
        tuple(organization.id for organization in organizations),
        TfidfMatcher().fit([offer_of(organization) for organization in organizations]),
    )
    _fitted[key] = (state, index)
    return index


def load_needs(session: Session, query: sa.Select[tuple[Challenge]]) -> list[tuple[int, Document]]:
    """Ids and texts of the challenges that `query` selects."""
    return [(challenge.id, need_of(challenge)) for challenge in session.scalars(query)]

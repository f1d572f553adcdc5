"""What pages show of consortia: the stored survey of a challenge with the SMEs as they are now.

Surveys are as old as the last refresh. Who has left the programme since is left out here, and what
an SME covers itself is read from its profile anew.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy.orm import Session

from bidding.matching import queries
from bidding.matching.consortia import Addition, Candidate, Consortium, Survey
from bidding.matching.coverage import Item
from bidding.matching.estimator import Document, TfidfMatcher
from bidding.organizations.models import Organization

SHOWN_PARTNERS = 8


@dataclass(frozen=True)
class Proposals:
    """Consortia for the poster of a challenge."""

    consortia: list[Consortium]
    organizations: dict[int, Organization]
    introduced: set[frozenset[int]]

    @property
    def members(self) -> set[int]:
        """The ids of all SMEs in any of them."""
        return {ident for each in self.consortia for ident in each.ids}

    def is_introduced(self, consortium: Consortium) -> bool:
        """Whether just these SMEs were invited together and told of each other."""
        return consortium.ids in self.introduced


@dataclass(frozen=True)
class Fitting:
    """Partners for one SME; `items` is empty where nothing is known of the challenge yet."""

    items: tuple[Item, ...]
    own: Candidate
    consortium: Consortium | None
    additions: list[Addition]
    organizations: dict[int, Organization]


def proposals(session: Session, challenge_id: int, *, for_poster: bool) -> Proposals:
    """The consortia of a challenge; `for_poster` without whom it set aside."""
    survey = _survey(session, challenge_id)
    if survey is None:
        return Proposals([], {}, set())
    found = _organizations(session, survey, for_poster_of=challenge_id if for_poster else None)
    consortia = survey.among(found).propose()
    return Proposals(
        consortia, found, introduced_teams(session, challenge_id) if consortia else set()
    )


def fitting(session: Session, challenge_id: int, organization_id: int, offer: Document) -> Fitting:
    """The partners of the SME whose text is `offer`, whoever else may be invited or at work."""
    survey = _survey(session, challenge_id)
    if survey is None:
        return Fitting((), Candidate(organization_id, 0, ()), None, [], {})
    parts = survey.weighed.of_text(TfidfMatcher().analyzer, offer)
    own = Candidate(organization_id, 0, tuple(parts.tolist()))
    found = _organizations(session, survey)
    survey = survey.among(found)
    additions = survey.additions(own)[:SHOWN_PARTNERS]
    return Fitting(survey.items, own, survey.complete(own), additions, found)


def introduced_teams(session: Session, challenge_id: int) -> set[frozenset[int]]:
    """The members of each joint invitation to a challenge that told them of each other."""
    found: dict[int, set[int]] = defaultdict(set)
    for joint_id, organization_id in session.execute(queries.introduced_together(challenge_id)):
        found[joint_id].add(organization_id)
    return {frozenset(members) for members in found.values()}


def _survey(session: Session, challenge_id: int) -> Survey | None:
    row = session.scalar(queries.item_survey(challenge_id))
    return row and Survey.restored(row.challenge_id, row.items, row.candidates)


def _organizations(
    session: Session, survey: Survey, *, for_poster_of: int | None = None
) -> dict[int, Organization]:
    ids: Collection[int] = [each.organization_id for each in survey.candidates]
    rows = session.scalars(queries.partners(ids, for_poster_of=for_poster_of))
    return {row.id: row for row in rows}

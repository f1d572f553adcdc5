"""What the home page and each person's work page show."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, raiseload

from bidding.challenges.models import (
    Challenge,
    ChallengeInvitation,
    ChallengeStatus,
)
from bidding.challenges.queries import CARD, urgency
from bidding.matching.models import Side, Suggestion
from bidding.matching.queries import lift, not_set_aside_by
from bidding.matching.rules import TOLD_SCORE
from bidding.organizations.models import Organization, OrganizationStatus
from bidding.organizations.size_classes import SizeClass
from bidding.solutions.models import Solution, SolutionStatus

C, S = ChallengeStatus, SolutionStatus

PER_GROUP = 5
"""How many of one kind a work page shows before it points to the whole list."""


class Figures(NamedTuple):
    """The programme in numbers; all of them are public."""

    open: int
    awarded: int
    solvers: int
    posters: int


def figures() -> sa.Select[tuple[int, int, int, int]]:
    """The programme in numbers, as one row; see `Figures`."""
    verified = Organization.status == OrganizationStatus.VERIFIED
    large = Organization.size_class == SizeClass.LARGE
    counts = (
        sa.select(sa.func.count(Challenge.id)).where(Challenge.is_open),
        sa.select(sa.func.count(Challenge.id)).where(
            Challenge.status.in_((C.AWARDED, C.COMPLETED, C.TERMINATED))
        ),
        sa.select(sa.func.count(Organization.id)).where(verified, ~large),
        sa.select(sa.func.count(Organization.id)).where(verified, large),
    )
    return sa.select(*(count.scalar_subquery() for count in counts))


def closing_soon(limit: int) -> sa.Select[tuple[Challenge]]:
    """Open challenges, those with the least time left first."""
    return _open_cards().order_by(Challenge.closes_at, Challenge.id).limit(limit)


def newest(limit: int) -> sa.Select[tuple[Challenge]]:
    """Open challenges, the latest published first."""
    return _open_cards().order_by(Challenge.published_at.desc(), Challenge.id.desc()).limit(limit)


def _open_cards() -> sa.Select[tuple[Challenge]]:
    return sa.select(Challenge).where(Challenge.is_open).options(*CARD)


_AT_HAND = (
    C.DRAFT,
    C.CHANGES_REQUESTED,
    C.IN_REVIEW,
    C.PUBLISHED,
    C.SUSPENDED,
    C.EVALUATING,
)


def posted(organization_id: int) -> sa.Select[tuple[Challenge]]:
    """The undecided challenges of a poster, at most `PER_GROUP` of each state."""
    group = urgency()
    place = (
        sa.func.row_number()
        .over(partition_by=group, order_by=(Challenge.closes_at, Challenge.id))
        .label("place")
    )
    ranked = (
        sa.select(Challenge.id, group.label("urgency"), place)
        .where(Challenge.organization_id == organization_id, Challenge.status.in_(_AT_HAND))
        .subquery()
    )
    return (
        sa.select(Challenge)
        .join(ranked, ranked.c.id == Challenge.id)
        .where(ranked.c.place <= PER_GROUP)
        .options(raiseload("*"))
        .order_by(ranked.c.urgency, ranked.c.place)
    )


def recommended(organization_id: int) -> sa.Select[tuple[Suggestion]]:
    """Open challenges that fit an SME, without those it knows already or has set aside.

    Those it is interested in come first, then the best.
    """
    begun = sa.select(Solution.challenge_id).where(Solution.organization_id == organization_id)
    invited_to = sa.select(ChallengeInvitation.challenge_id).where(
        ChallengeInvitation.organization_id == organization_id
    )
    return (
        sa.select(Suggestion)
        .join(Suggestion.challenge)
        .where(
            Suggestion.organization_id == organization_id,
            Suggestion.score >= TOLD_SCORE,
            Challenge.is_open,
            Challenge.id.not_in(begun.union_all(invited_to)),
            not_set_aside_by(Side.SOLVER),
        )
        .options(joinedload(Suggestion.challenge).options(*CARD), raiseload("*"))
        .order_by(lift(Side.SOLVER), Suggestion.rank_score.desc(), Suggestion.id)
        .limit(PER_GROUP)
    )


def invited(organization_id: int) -> sa.Select[tuple[Challenge]]:
    """Open challenges to which an SME is invited and that it has not begun to answer."""
    begun = sa.select(Solution.challenge_id).where(Solution.organization_id == organization_id)
    return (
        sa.select(Challenge)
        .join(ChallengeInvitation, ChallengeInvitation.challenge_id == Challenge.id)
        .where(
            ChallengeInvitation.organization_id == organization_id,
            Challenge.is_open,
            Challenge.id.not_in(begun),
        )
        .options(*CARD)
        .order_by(Challenge.closes_at, Challenge.id)
        .limit(PER_GROUP)
    )


def in_hand(organization_id: int) -> sa.Select[tuple[Solution]]:
    """An SME's own solutions that still matter: to finish, to wait for, or to answer."""
    undecided = (S.SUBMITTED, S.ELIGIBLE, S.SHORTLISTED)
    return (
        sa.select(Solution)
        .join(Solution.challenge)
        .where(
            Solution.organization_id == organization_id,
            sa.or_(
                Solution.status.in_((S.SELECTED, *undecided)),
                sa.and_(Solution.status.in_((S.DRAFT, S.WITHDRAWN)), Challenge.is_open),
            ),
        )
        .options(joinedload(Solution.challenge).raiseload("*"), raiseload("*"))
        .order_by(
            sa.case((Solution.status == S.SELECTED, 0), (Challenge.is_open, 1), else_=2),
            Challenge.closes_at,
            Solution.id,
        )
        .limit(2 * PER_GROUP)
    )


class Queue(NamedTuple):
    """What waits for the reviewers."""

    challenges: int
    organizations: int
    oldest_challenge: datetime | None
    oldest_organization: datetime | None

    @property
    def length(self) -> int:
        return self.challenges + self.organizations

    @property
    def oldest(self) -> datetime | None:
        """When the one that waits longest was submitted."""
        moments = [m for m in (self.oldest_challenge, self.oldest_organization) if m is not None]
        return min(moments, default=None)


def queue(own_organization_id: int | None) -> sa.Select[tuple[int, int, datetime, datetime]]:
    """The review queue as one row, see `Queue`; what the reviewer may not decide is left out."""
    waiting = sa.and_(
        Challenge.status == C.IN_REVIEW,
        Challenge.organization_id.is_distinct_from(own_organization_id),
    )
    pending = sa.and_(
        Organization.status == OrganizationStatus.PENDING,
        Organization.id.is_distinct_from(own_organization_id),
    )
    return sa.select(
        sa.select(sa.func.count(Challenge.id)).where(waiting).scalar_subquery(),
        sa.select(sa.func.count(Organization.id)).where(pending).scalar_subquery(),
        sa.select(sa.func.min(Challenge.submitted_at)).where(waiting).scalar_subquery(),
        sa.select(sa.func.min(Organization.submitted_at)).where(pending).scalar_subquery(),
    )

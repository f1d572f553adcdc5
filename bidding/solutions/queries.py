"""Reading solutions."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, raiseload, selectinload

from bidding.challenges.models import Addendum, Challenge
from bidding.matching.queries import counts_deliveries
from bidding.organizations.models import Membership, Organization
from bidding.solutions.models import PRIVATE, Solution, SolutionStatus, SolutionVersion


def own(organization_id: int) -> sa.Select[tuple[Solution]]:
    """The solutions of one organization, those still to be worked on first."""
    return (
        sa.select(Solution)
        .join(Solution.challenge)
        .where(Solution.organization_id == organization_id)
        .order_by(
            sa.case((Challenge.is_open, 0), else_=1),
            sa.case((Challenge.is_open, Challenge.closes_at)),
            Challenge.closes_at.desc(),
            Solution.id,
        )
        .options(*_to_compare(), raiseload("*", sql_only=True))
    )


def whole() -> tuple[Any, ...]:
    """Loading options for one solution with everything that its page shows."""
    return (
        *_to_compare(),
        joinedload(Solution.organization),
        joinedload(Solution.challenge).joinedload(Challenge.organization),
        selectinload(Solution.versions).joinedload(SolutionVersion.submitted_by),
    )


def _to_compare() -> tuple[Any, ...]:
    """What telling a working copy from its last submission needs."""
    return (
        joinedload(Solution.challenge).selectinload(Challenge.requirements),
        joinedload(Solution.organization),
        selectinload(Solution.answers),
        selectinload(Solution.versions).defer(SolutionVersion.content),
    )


def of_organization(challenge_id: int, organization_id: int) -> sa.Select[tuple[Solution]]:
    """The solution of an organization to a challenge, if there is one."""
    return sa.select(Solution).where(
        Solution.challenge_id == challenge_id, Solution.organization_id == organization_id
    )


def put_forward(challenge_id: int) -> sa.Select[tuple[Solution]]:
    """The solutions that stood submitted when the seal of a challenge was broken.

    In the order in which they were started; the excluded ones last.
    """
    return (
        _with_people()
        .where(Solution.challenge_id == challenge_id, *_opened())
        .options(joinedload(Solution.organization).selectinload(Organization.qualifications))
        .order_by(sa.case((Solution.status == SolutionStatus.INELIGIBLE, 1), else_=0), Solution.id)
    )


def on_challenge(challenge_id: int) -> sa.Select[tuple[Solution]]:
    """Every solution to a challenge, with the people to tell. For notices only: see the seal."""
    return _with_people().where(Solution.challenge_id == challenge_id).order_by(Solution.id)


def last_versions(challenge_id: int) -> sa.Select[tuple[SolutionVersion]]:
    """What counts in the evaluation of a challenge: the last submission of each solution."""
    last = (
        sa.select(SolutionVersion.solution_id, sa.func.max(SolutionVersion.number).label("number"))
        .join(SolutionVersion.solution)
        .join(Solution.challenge)
        .where(Solution.challenge_id == challenge_id, *_opened())
        .group_by(SolutionVersion.solution_id)
        .subquery()
    )
    return (
        sa.select(SolutionVersion)
        .join(
            last,
            sa.and_(
                SolutionVersion.solution_id == last.c.solution_id,
                SolutionVersion.number == last.c.number,
            ),
        )
        .options(raiseload("*", sql_only=True))
    )


@counts_deliveries
def taken_on() -> sa.Select[tuple[int, int]]:
    """How many awards each SME accepted."""
    return (
        sa.select(Solution.organization_id, sa.func.count())
        .where(Solution.status == SolutionStatus.CONFIRMED)
        .group_by(Solution.organization_id)
    )


def addendum(ident: int) -> sa.Select[tuple[Addendum]]:
    """One addendum."""
    return sa.select(Addendum).where(Addendum.id == ident)


def _opened() -> tuple[sa.ColumnElement[bool], ...]:
    return Challenge.opened_at.is_not(None), Solution.status.not_in(PRIVATE)


def _with_people() -> sa.Select[tuple[Solution]]:
    people = selectinload(Organization.memberships).joinedload(Membership.user)
    return (
        sa.select(Solution)
        .join(Solution.challenge)
        .options(
            joinedload(Solution.challenge),
            joinedload(Solution.organization).options(people),
        )
    )

"""Reading decisions and their outcome."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import raiseload

from bidding.evaluations.models import Decision
from bidding.organizations.models import Organization
from bidding.solutions.models import Solution, SolutionStatus

WINNING = (SolutionStatus.SELECTED, SolutionStatus.CONFIRMED)


def decision_on(challenge_id: int) -> sa.Select[tuple[Decision]]:
    """The decision on a challenge, once there is one."""
    return sa.select(Decision).where(Decision.challenge_id == challenge_id).options(raiseload("*"))


def awarded_in(challenge_ids: Sequence[int]) -> sa.Select[tuple[int, str]]:
    """Of decided challenges among some: the SMEs they were awarded to and that have not declined.

    As pairs of the id of a challenge and a name.
    """
    return (
        sa.select(Solution.challenge_id, Organization.name)
        .join(Solution, Solution.organization_id == Organization.id)
        .join(Decision, Decision.challenge_id == Solution.challenge_id)
        .where(Solution.challenge_id.in_(challenge_ids), Solution.status.in_(WINNING))
        .order_by(Solution.id)
    )

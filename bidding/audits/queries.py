"""Reading the audit trail: what a reader may see of it, and filters."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from bidding.accounts.models import User
from bidding.audit import AuditEvent
from bidding.challenges.models import Challenge, ChallengeStatus
from bidding.db import BIGGEST_ID
from bidding.matching.models import Feedback
from bidding.organizations.models import Organization, OrganizationStatus
from bidding.solutions.models import PRIVATE, Solution


def events(
    reader: User,
    *,
    subject_type: str = "",
    subject_id: int | None = None,
    actor: str = "",
    action: str = "",
    request_id: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
) -> sa.Select[tuple[AuditEvent]]:
    """The trail as far as `reader` may see it, newest first.

    Parameters
    ----------
    actor
        A user's number, a mail address, or part of a name.
    since, until
        From the first moment, up to but without the second.
    """
    query = sa.select(AuditEvent).where(_visible_to(reader)).order_by(AuditEvent.id.desc())
    if subject_type:
        query = query.where(AuditEvent.subject_type == subject_type)
    if subject_id is not None:
        query = query.where(AuditEvent.subject_id == subject_id)
    if actor:
        query = query.where(_by(actor))
    if action:
        query = query.where(AuditEvent.action == action)
    if request_id:
        query = query.where(AuditEvent.request_id == request_id)
    if since is not None:
        query = query.where(AuditEvent.at >= since)
    if until is not None:
        query = query.where(AuditEvent.at < until)
    return query


def _by(actor: str) -> sa.ColumnElement[bool]:
    if actor.isdecimal() and int(actor) <= BIGGEST_ID:
        return AuditEvent.actor_id == int(actor)
    if "@" in actor:
        return AuditEvent.actor_id.in_(sa.select(User.id).where(User.email == actor.lower()))
    return AuditEvent.actor_name.icontains(actor, autoescape=True)


def _visible_to(reader: User) -> sa.ColumnElement[bool]:
    """Which events `reader` may know of: never more than the record's own page would tell.

    A sealed solution does not exist for anybody here, a draft nobody has handed in is its
    author's own, and what concerns the reader's own organization is for other staff.
    Conditions name what may be seen, so that a mistake hides rather than shows.
    """
    guarded = {
        "solutions": _solutions(reader.organization_id),
        "challenges": _challenges(reader.organization_id),
        "organizations": _organizations(reader.organization_id),
        "suggestion_feedback": _feedback(reader.organization_id),
    }
    return sa.or_(
        AuditEvent.subject_type.not_in(guarded),
        *(
            sa.and_(AuditEvent.subject_type == table, AuditEvent.subject_id.in_(visible))
            for table, visible in guarded.items()
        ),
    )


def _solutions(own: int | None) -> sa.Select[tuple[int]]:
    visible = (
        sa.select(Solution.id)
        .join(Solution.challenge)
        .where(Challenge.opened_at.is_not(None), Solution.status.not_in(PRIVATE))
    )
    if own is None:
        return visible
    # Neither of one's own challenges, nor where one competes.
    entry = aliased(Solution)
    competes = sa.exists().where(
        entry.challenge_id == Solution.challenge_id, entry.organization_id == own
    )
    return visible.where(Challenge.organization_id != own, ~competes)


def _challenges(own: int | None) -> sa.Select[tuple[int]]:
    visible = sa.select(Challenge.id).where(Challenge.status != ChallengeStatus.DRAFT)
    return visible if own is None else visible.where(Challenge.organization_id != own)


def _organizations(own: int | None) -> sa.Select[tuple[int]]:
    visible = sa.select(Organization.id).where(Organization.status != OrganizationStatus.DRAFT)
    return visible if own is None else visible.where(Organization.id != own)


def _feedback(own: int | None) -> sa.Select[tuple[int]]:
    """Neither side may learn from the trail what the other one says of it."""
    visible = sa.select(Feedback.id)
    if own is None:
        return visible
    return visible.join(Feedback.challenge).where(
        Challenge.organization_id != own, Feedback.organization_id != own
    )

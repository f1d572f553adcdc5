"""Reading what is matched, and the suggestions that came of it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, raiseload, selectinload

from bidding.challenges.models import Challenge, ChallengeInvitation
from bidding.matching.models import Suggestion
from bidding.organizations.models import (
    CapabilityProfile,
    Organization,
    OrganizationStatus,
)
from bidding.organizations.size_classes import SizeClass

RECOMMENDED_SCORE = 0.1
"""An SME reads every recommendation, so weaker ones are kept from it; see `Strength`."""

_IS_OFFER = sa.and_(
    Organization.status == OrganizationStatus.VERIFIED,
    Organization.size_class != SizeClass.LARGE,
)


def offers() -> sa.Select[tuple[Organization]]:
    """The SMEs that may take challenges, with their profiles."""
    return (
        sa.select(Organization)
        .where(_IS_OFFER)
        .order_by(Organization.id)
        .options(joinedload(Organization.profile), raiseload("*"))
    )


def offers_state() -> sa.Select[Any]:
    """A row that differs whenever the texts of `offers` could."""
    return (
        sa.select(
            sa.func.count(Organization.id),
            sa.func.sum(Organization.id),
            sa.func.max(Organization.updated_at),
            sa.func.max(CapabilityProfile.updated_at),
        )
        .outerjoin(CapabilityProfile)
        .where(_IS_OFFER)
    )


def open_challenges() -> sa.Select[tuple[Challenge]]:
    """The challenges that can still be taken, with what the matcher reads of them."""
    return (
        sa.select(Challenge)
        .where(Challenge.is_open)
        .order_by(Challenge.id)
        .options(selectinload(Challenge.requirements), raiseload("*"))
    )


def open_challenge(challenge_id: int) -> sa.Select[tuple[Challenge]]:
    """One challenge, if it can still be taken."""
    return open_challenges().where(Challenge.id == challenge_id)


def suggestions_for(challenge_id: int, top: int) -> sa.Select[tuple[Suggestion]]:
    """The SMEs suggested for a challenge, best first."""
    organization = joinedload(Suggestion.organization, innerjoin=True)
    return (
        sa.select(Suggestion)
        .join(Suggestion.organization)
        .where(Suggestion.challenge_id == challenge_id, _IS_OFFER)
        .order_by(Suggestion.score.desc(), Suggestion.organization_id)
        .limit(top)
        .options(
            organization.joinedload(Organization.profile),
            organization.selectinload(Organization.qualifications),
            raiseload("*"),
        )
    )


def recommendations_for(organization_id: int) -> sa.Select[tuple[Suggestion]]:
    """The open challenges recommended to an SME, best first."""
    challenge = joinedload(Suggestion.challenge, innerjoin=True)
    return (
        sa.select(Suggestion)
        .join(Suggestion.challenge)
        .where(
            Suggestion.organization_id == organization_id,
            Suggestion.score >= RECOMMENDED_SCORE,
            Challenge.is_open,
        )
        .order_by(Suggestion.score.desc(), Suggestion.challenge_id)
        .options(
            challenge.joinedload(Challenge.organization, innerjoin=True),
            challenge.selectinload(Challenge.requirements),
            raiseload("*"),
        )
    )


def invitations_to(organization_id: int) -> sa.Select[tuple[ChallengeInvitation]]:
    """Invitations of an SME to challenges that are still open, newest first."""
    challenge = joinedload(ChallengeInvitation.challenge, innerjoin=True)
    return (
        sa.select(ChallengeInvitation)
        .join(ChallengeInvitation.challenge)
        .where(ChallengeInvitation.organization_id == organization_id, Challenge.is_open)
        .order_by(ChallengeInvitation.created_at.desc())
        .options(
            challenge.joinedload(Challenge.organization, innerjoin=True),
            challenge.selectinload(Challenge.requirements),
            raiseload("*"),
        )
    )


def invited_to(challenge_id: int) -> sa.Select[tuple[int]]:
    """Ids of the SMEs invited to a challenge."""
    return sa.select(ChallengeInvitation.organization_id).where(
        ChallengeInvitation.challenge_id == challenge_id
    )

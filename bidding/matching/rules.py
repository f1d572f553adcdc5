"""Storing suggestions, telling SMEs of them, and inviting an SME."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from bidding import audit, clock
from bidding.challenges import queries as challenge_queries
from bidding.challenges.lifecycle import poster_is_suspended
from bidding.challenges.models import Challenge, ChallengeInvitation
from bidding.matching.index import Pairing
from bidding.matching.models import Suggestion
from bidding.notifications.rules import notify
from bidding.organizations.models import Membership, Organization
from bidding.permissions import Permission, demand
from bidding.violations import InvalidTransition, RuleViolation
from bidding.vocabulary import N_

TOLD_SCORE = 0.12
"""An SME hears of a new challenge from here on: a mail about a weak match is noise."""

TOLD = 10
"""How many SMEs hear of a new challenge."""


def store(session: Session, pairings: Sequence[Pairing], *, scope: Any) -> None:
    """Replace the suggestions that `scope` (a condition) selects by `pairings`.

    A suggestion whose SME was told of it stays, so that nobody is told twice.
    """
    moment = clock.now()
    held = {
        (row.challenge_id, row.organization_id): row
        for row in session.scalars(sa.select(Suggestion).where(scope))
    }
    for pairing in pairings:
        row = held.pop((pairing.challenge_id, pairing.organization_id), None)
        if row is None:
            row = Suggestion(
                challenge_id=pairing.challenge_id, organization_id=pairing.organization_id
            )
            session.add(row)
        row.score, row.terms, row.computed_at = pairing.score, pairing.terms, moment
    for row in held.values():
        if row.notified_at is None:
            session.delete(row)
    session.flush()


def tell_solvers(session: Session, challenge: Challenge) -> int:
    """Tell the best-fitting SMEs of an open challenge, each once; answers how many."""
    rows = session.scalars(
        sa.select(Suggestion)
        .where(Suggestion.challenge_id == challenge.id, Suggestion.score >= TOLD_SCORE)
        .order_by(Suggestion.score.desc(), Suggestion.organization_id)
        .limit(TOLD)
    ).all()
    new = [row for row in rows if row.notified_at is None]
    for row in new:
        row.notified_at = clock.now()
        notify(
            session,
            "challenges.suggest",
            challenge,
            members(session, row.organization_id),
            poster_name=_public_name(challenge),
            terms=[item["term"] for item in row.terms[:5]],
            closes_at=challenge.closes_at,
        )
    return len(new)


def invite(
    session: Session, challenge: Challenge, organization: Organization, *, actor: Any
) -> ChallengeInvitation:
    """Invite an SME to an open challenge.

    Raises
    ------
    AccessDenied
        `actor` is not of the posting organization.
    InvalidTransition
        The challenge is not open.
    RuleViolation
        The SME cannot take challenges, or was invited before.
    """
    demand(actor, Permission.INVITE_SOLVER, challenge)
    if not challenge.is_open:
        raise InvalidTransition(N_("Only an open challenge takes invitations."))
    if sentence := poster_is_suspended(challenge):
        raise InvalidTransition(sentence)
    if not organization.may_solve:
        raise RuleViolation(N_("This organization cannot take challenges at present."))
    if session.scalar(challenge_queries.invitation(challenge.id, organization.id)) is not None:
        raise RuleViolation(N_("This SME has been invited already."))
    invitation = ChallengeInvitation(
        challenge_id=challenge.id, organization_id=organization.id, invited_by_id=actor.id
    )
    session.add(invitation)
    audit.record(
        session,
        "challenges.invite",
        challenge,
        actor=actor,
        changes={"invited": [None, organization.name]},
    )
    notify(
        session,
        "challenges.invite",
        challenge,
        members(session, organization.id),
        poster_name=_public_name(challenge),
        closes_at=challenge.closes_at,
    )
    return invitation


def members(session: Session, organization_id: int) -> Iterable[Any]:
    """The people of an organization."""
    rows = session.scalars(
        sa.select(Membership)
        .where(Membership.organization_id == organization_id)
        .options(joinedload(Membership.user))
    )
    return [row.user for row in rows]


def _public_name(challenge: Challenge) -> str:
    return challenge.organization.name if challenge.shows_name else ""

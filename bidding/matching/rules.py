"""Storing suggestions, telling SMEs of them, inviting an SME, and what both sides say of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, joinedload

from bidding import audit, clock
from bidding.challenges import queries as challenge_queries
from bidding.challenges.lifecycle import poster_is_suspended
from bidding.challenges.models import Challenge, ChallengeInvitation
from bidding.db import Base
from bidding.matching import queries
from bidding.matching.consortia import MOST_MEMBERS, Survey
from bidding.matching.models import (
    Exposure,
    Feedback,
    ItemSurvey,
    JointInvitation,
    JointInvitee,
    Side,
    Suggestion,
    Verdict,
)
from bidding.matching.pairing import Pairing
from bidding.matching.teams import introduced_teams
from bidding.notifications.rules import notify
from bidding.organizations.models import Membership, Organization
from bidding.permissions import Permission, allows, demand
from bidding.violations import AccessDenied, InvalidTransition, RuleViolation
from bidding.vocabulary import N_

TOLD_SCORE = 0.15
"""An SME hears of a new challenge from here on: a mail about a weak match is noise."""

TOLD = 10
"""How many SMEs hear of a new challenge."""


def store(session: Session, pairings: Sequence[Pairing], *, scope: Any) -> None:
    """Replace the suggestions that `scope` (a condition) selects by a handful of `pairings`.

    A suggestion whose SME was told of it stays, so that nobody is told twice.
    """
    put(session, pairings)
    kept = [(pairing.challenge_id, pairing.organization_id) for pairing in pairings]
    pair = sa.tuple_(Suggestion.challenge_id, Suggestion.organization_id)
    _drop(session, scope, pair.not_in(kept))


def put(
    session: Session, pairings: Iterable[Pairing], *, unless_after: datetime | None = None
) -> None:
    """Store suggestions, also where there are such already.

    Those computed after a moment stay as they are, because whoever computed them knew more.
    """
    moment = clock.now()
    rows = [
        {
            "challenge_id": pairing.challenge_id,
            "organization_id": pairing.organization_id,
            "score": pairing.score,
            "terms": pairing.terms,
            "boosts": pairing.boosts,
            "rank_score": pairing.rank_score,
            "computed_at": moment,
        }
        for pairing in pairings
    ]
    if not rows:
        return
    insertion = _insert(session, Suggestion)
    key = ("challenge_id", "organization_id")
    session.execute(
        insertion.on_conflict_do_update(
            index_elements=key,
            set_={name: insertion.excluded[name] for name in rows[0] if name not in key},
            where=None if unless_after is None else Suggestion.computed_at <= unless_after,
        ),
        rows,
    )


def drop_older(session: Session, before: datetime, *, scope: Any) -> None:
    """Remove the suggestions among `scope` that were computed before a moment; see `store`."""
    _drop(session, scope, Suggestion.computed_at < before)


def _drop(session: Session, *conditions: Any) -> None:
    session.execute(sa.delete(Suggestion).where(Suggestion.notified_at.is_(None), *conditions))


def store_surveys(session: Session, surveys: Iterable[Survey]) -> None:
    """Replace what is known of who covers the items of some challenges."""
    for survey in surveys:
        session.merge(
            ItemSurvey(
                challenge_id=survey.challenge_id,
                items=survey.stored_items,
                candidates=survey.stored_candidates,
                computed_at=clock.now(),
            )
        )
    session.flush()


def tell_solvers(session: Session, challenge: Challenge) -> int:
    """Tell the best-fitting SMEs of an open challenge, each once; answers how many.

    Not those for which either side has set the other aside.
    """
    rows = session.scalars(
        sa.select(Suggestion)
        .where(
            Suggestion.challenge_id == challenge.id,
            Suggestion.score >= TOLD_SCORE,
            queries.not_set_aside_by(Side.POSTER),
            queries.not_set_aside_by(Side.SOLVER),
        )
        .order_by(Suggestion.rank_score.desc(), Suggestion.organization_id)
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
    expose(session, Side.SOLVER, [(challenge.id, row.organization_id) for row in new])
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
    _demand_inviting(challenge, actor)
    if not organization.may_solve:
        raise RuleViolation(N_("This organization cannot take challenges at present."))
    if session.scalar(challenge_queries.invitation(challenge.id, organization.id)) is not None:
        raise RuleViolation(N_("This SME has been invited already."))
    return _invite(session, challenge, organization, actor)


def invite_together(
    session: Session,
    challenge: Challenge,
    organizations: Sequence[Organization],
    *,
    actor: Any,
    introduces: bool,
) -> JointInvitation:
    """Invite SMEs to take an open challenge together; those not invited yet get an invitation.

    With `introduces` each is told the names of the others, which can be made up for later by
    inviting the same SMEs again. Otherwise nobody learns that somebody else was invited, and who
    was invited before hears nothing.

    Raises
    ------
    AccessDenied
        `actor` is not of the posting organization.
    InvalidTransition
        The challenge is not open.
    RuleViolation
        There are too few or too many of them, one cannot take challenges, or there is nothing
        left to tell them.
    """
    _demand_inviting(challenge, actor)
    members = sorted({each.id: each for each in organizations}.values(), key=lambda one: one.id)
    if not 2 <= len(members) <= MOST_MEMBERS:
        raise RuleViolation(N_("Choose two to four SMEs to invite together."))
    for each in members:
        if not each.may_solve:
            raise RuleViolation(
                N_("%(name)s cannot take challenges at present. Nobody was invited."),
                name=each.name,
            )
    ids = frozenset(each.id for each in members)
    if introduces and ids in introduced_teams(session, challenge.id):
        raise RuleViolation(N_("These SMEs have been invited together already."))
    invited = set(session.scalars(queries.invited_to(challenge.id)))
    if not introduces and invited >= ids:
        raise RuleViolation(N_("All of these SMEs have been invited already."))
    joint = JointInvitation(
        challenge_id=challenge.id,
        invited_by_id=actor.id,
        introduces=introduces,
        members=[JointInvitee(organization_id=each.id) for each in members],
    )
    session.add(joint)
    names = [each.name for each in members]
    audit.record(
        session,
        "challenges.invite_together",
        challenge,
        actor=actor,
        changes={"invited_together": [None, names], "introduced": [None, introduces]},
    )
    for each in members:
        partners = [name for name in names if name != each.name] if introduces else []
        if each.id not in invited:
            _invite(session, challenge, each, actor, partners)
        elif introduces:
            _tell(session, "challenges.introduce", challenge, each, partners)
    return joint


def _demand_inviting(challenge: Challenge, actor: Any) -> None:
    demand(actor, Permission.INVITE_SOLVER, challenge)
    if not challenge.is_open:
        raise InvalidTransition(N_("Only an open challenge takes invitations."))
    if sentence := poster_is_suspended(challenge):
        raise InvalidTransition(sentence)


def _invite(
    session: Session,
    challenge: Challenge,
    organization: Organization,
    actor: Any,
    partners: Sequence[str] = (),
) -> ChallengeInvitation:
    """The invitation itself, with its trail and its notice."""
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
    _tell(session, "challenges.invite", challenge, organization, partners)
    return invitation


def _tell(
    session: Session,
    event: str,
    challenge: Challenge,
    organization: Organization,
    partners: Sequence[str],
) -> None:
    notify(
        session,
        event,
        challenge,
        members(session, organization.id),
        poster_name=_public_name(challenge),
        partners=list(partners),
        closes_at=challenge.closes_at,
    )


def give_feedback(
    session: Session,
    challenge: Challenge,
    organization: Organization,
    *,
    actor: Any,
    verdict: Verdict,
) -> Feedback:
    """Keep what the actor's side says of a pairing; saying it again changes nothing.

    Raises
    ------
    AccessDenied
        `actor` is of neither side.
    InvalidTransition
        The challenge is not open, or its poster, whose word it is, is suspended.
    RuleViolation
        The SME cannot take challenges.
    """
    side = side_of(actor, challenge, organization)
    if not challenge.is_open:
        raise InvalidTransition(N_("Only suggestions for an open challenge take feedback."))
    if side is Side.POSTER and (sentence := poster_is_suspended(challenge)):
        raise InvalidTransition(sentence)
    if not organization.may_solve:
        raise RuleViolation(N_("This organization cannot take challenges at present."))
    row = session.scalar(queries.feedback(challenge.id, organization.id, side))
    if row is None:
        row = Feedback(challenge=challenge, organization=organization, side=side)
        session.add(row)
    return _say(session, row, verdict, actor)


def take_back_feedback(
    session: Session, challenge: Challenge, organization: Organization, *, actor: Any
) -> Feedback | None:
    """Take back what the actor's side said of a pairing, whatever has become of the two since.

    Raises
    ------
    AccessDenied
        `actor` is of neither side.
    """
    side = side_of(actor, challenge, organization)
    row = session.scalar(queries.feedback(challenge.id, organization.id, side))
    return row and _say(session, row, None, actor)


def side_of(actor: Any, challenge: Challenge, organization: Organization) -> Side:
    """The side of a pairing that `actor` is on.

    Raises
    ------
    AccessDenied
        On neither.
    """
    if allows(actor, Permission.GIVE_FEEDBACK, challenge):
        return Side.POSTER
    if organization.is_sme and allows(actor, Permission.GIVE_FEEDBACK, organization):
        return Side.SOLVER
    raise AccessDenied()


def _say(session: Session, row: Feedback, verdict: Verdict | None, actor: Any) -> Feedback:
    if row.verdict is verdict:
        return row
    changes = {"verdict": [row.verdict and row.verdict.value, verdict and verdict.value]}
    row.verdict, row.author_id, row.given_at = verdict, actor.id, clock.now()
    audit.record(session, "matching.feedback", row, actor=actor, changes=changes)
    return row


def expose(
    session: Session, side: Side, pairs: Sequence[queries.Pair], *, at: datetime | None = None
) -> None:
    """Note that `pairs` were shown to a side. The first time counts, however often it is said."""
    shown_at = at or clock.now()
    rows = [
        {"challenge_id": challenge, "organization_id": sme, "side": side, "shown_at": shown_at}
        for challenge, sme in pairs
    ]
    if rows:
        session.execute(_insert(session, Exposure).on_conflict_do_nothing(), rows)


def note_opening(
    session: Session, side: Side, pair: queries.Pair, *, at: datetime | None = None
) -> None:
    """Note that somebody of `side` looked at the other one of a pairing that was shown to them."""
    challenge_id, organization_id = pair
    session.execute(
        sa.update(Exposure)
        .where(
            Exposure.challenge_id == challenge_id,
            Exposure.organization_id == organization_id,
            Exposure.side == side,
            Exposure.opened_at.is_(None),
        )
        .values(opened_at=at or clock.now())
    )


def _insert(session: Session, model: type[Base]) -> sqlite.Insert | postgresql.Insert:
    """An insertion that minds what is there already; each database has its own."""
    if session.get_bind().dialect.name == "postgresql":
        return postgresql.insert(model)
    return sqlite.insert(model)


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

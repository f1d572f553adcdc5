"""Reading what is matched, and the suggestions that came of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased, joinedload, raiseload, selectinload

from bidding import clock
from bidding.challenges.models import (
    PUBLIC,
    Challenge,
    ChallengeInvitation,
    ChallengeStatus,
)
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
from bidding.organizations.models import (
    CapabilityProfile,
    Organization,
    OrganizationStatus,
    Qualification,
    QualificationKind,
)
from bidding.organizations.size_classes import SizeClass

Pair = tuple[int, int]
"""The ids of a challenge and of an organization."""

RECOMMENDED_SCORE = 0.12
"""An SME reads every recommendation, so weaker ones are kept from it; see `Strength`."""

_IS_VERIFIED = Organization.status == OrganizationStatus.VERIFIED
_IS_OFFER = sa.and_(_IS_VERIFIED, Organization.size_class != SizeClass.LARGE)
"""Whether it is an SME that may take challenges."""


def organizations(ids: Sequence[int] | None = None) -> sa.Select[tuple[Organization]]:
    """The verified organizations with their profiles; of some ids, or all."""
    query = (
        sa.select(Organization)
        .where(_IS_VERIFIED)
        .order_by(Organization.id)
        .options(joinedload(Organization.profile), raiseload("*"))
    )
    return query if ids is None else query.where(Organization.id.in_(ids))


def offers() -> sa.Select[tuple[Organization]]:
    """The SMEs that may take challenges, with their profiles."""
    return organizations().where(_IS_OFFER)


def count_organizations() -> sa.Select[tuple[int]]:
    """How many organizations are verified."""
    return sa.select(sa.func.count()).select_from(Organization).where(_IS_VERIFIED)


def changed_organizations(since: datetime) -> sa.CompoundSelect[Any]:
    """Id and time of what changed in organizations and their profiles after a moment."""
    return sa.union_all(
        sa.select(Organization.id, Organization.updated_at).where(Organization.updated_at > since),
        sa.select(CapabilityProfile.organization_id, CapabilityProfile.updated_at).where(
            CapabilityProfile.updated_at > since
        ),
    )


def public_challenges(ids: Sequence[int] | None = None) -> sa.Select[tuple[Challenge]]:
    """The challenges that anyone may read, with what the matcher reads of them."""
    query = (
        sa.select(Challenge)
        .where(Challenge.status.in_(PUBLIC))
        .order_by(Challenge.id)
        .options(selectinload(Challenge.requirements), raiseload("*"))
    )
    return query if ids is None else query.where(Challenge.id.in_(ids))


def count_public_challenges() -> sa.Select[tuple[int]]:
    """How many challenges anyone may read."""
    return sa.select(sa.func.count()).select_from(Challenge).where(Challenge.status.in_(PUBLIC))


def changed_challenges(since: datetime) -> sa.Select[tuple[int, datetime]]:
    """Id and time of what changed in challenges after a moment."""
    return sa.select(Challenge.id, Challenge.updated_at).where(Challenge.updated_at > since)


MOST_UNPUBLISHED = 200
"""Challenges compared one by one with another; those in review are fewer, unless reviewers fail."""

_ON_THEIR_WAY = (
    ChallengeStatus.IN_REVIEW,
    ChallengeStatus.CHANGES_REQUESTED,
    ChallengeStatus.SUSPENDED,
)


def on_their_way() -> sa.Select[tuple[Challenge]]:
    """The newest challenges that are with the reviewers, with what the matcher reads of them."""
    return _unpublished().where(Challenge.status.in_(_ON_THEIR_WAY))


def own_unpublished(organization_id: int) -> sa.Select[tuple[Challenge]]:
    """The newest challenges of an organization that are not public, drafts included."""
    return _unpublished().where(
        Challenge.organization_id == organization_id,
        Challenge.status.in_((ChallengeStatus.DRAFT, *_ON_THEIR_WAY)),
    )


def _unpublished() -> sa.Select[tuple[Challenge]]:
    return (
        sa.select(Challenge)
        .order_by(Challenge.id.desc())
        .limit(MOST_UNPUBLISHED)
        .options(selectinload(Challenge.requirements), raiseload("*"))
    )


def with_posters(ids: Sequence[int]) -> sa.Select[tuple[Challenge]]:
    """Some challenges with the organizations that post them."""
    return (
        sa.select(Challenge)
        .where(Challenge.id.in_(ids))
        .options(joinedload(Challenge.organization, innerjoin=True), raiseload("*"))
    )


BITS = {kind: 1 << place for place, kind in enumerate(QualificationKind)}
"""How a set of qualifications is written as one number."""

Counting = Callable[[], sa.Select[tuple[int, int]]]
_deliveries: dict[str, Counting] = {}


def counts_deliveries(query: Counting) -> Counting:
    """Decorator of the query that tells how many challenges each organization took on.

    What becomes of a challenge is known to rooms above this one, which may not be imported here.
    The one registered last counts.
    """
    _deliveries["counted"] = query
    return query


def facts_table(ids: Sequence[int] | None = None) -> sa.Select[Any]:
    """Id, region, industry, size, qualifications and deliveries of `offers` of some ids, or all.

    The size by its value; of the qualifications those that have not expired, as `BITS`.
    """
    held = (
        sa.select(
            Qualification.organization_id,
            sa.func.sum(sa.case(BITS, value=Qualification.kind)).label("mask"),
        )
        .where(sa.func.coalesce(Qualification.expires_on >= clock.now().date(), sa.true()))
        .group_by(Qualification.organization_id)
        .subquery()
    )
    query = (
        sa.select(
            Organization.id,
            Organization.region_code,
            Organization.industry_code,
            sa.type_coerce(Organization.size_class, sa.Text()),
            sa.func.coalesce(held.c.mask, 0),
        )
        .outerjoin(held, held.c.organization_id == Organization.id)
        .where(_IS_OFFER)
        .order_by(Organization.id)
    )
    if ids is not None:
        query = query.where(Organization.id.in_(ids))
    if "counted" not in _deliveries:
        return query.add_columns(sa.literal(0))
    counted = _deliveries["counted"]().subquery()
    who, count = counted.c
    return query.add_columns(sa.func.coalesce(count, 0)).outerjoin(counted, who == Organization.id)


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
        .order_by(Suggestion.rank_score.desc(), Suggestion.organization_id)
        .limit(top)
        .options(
            organization.joinedload(Organization.profile),
            organization.selectinload(Organization.qualifications),
            raiseload("*"),
        )
    )


def ranks_of_others(challenge_id: int, organization_id: int, top: int) -> sa.Select[tuple[float]]:
    """What the SMEs suggested for a challenge are ordered by, but for one of them; best first."""
    return (
        sa.select(Suggestion.rank_score)
        .join(Suggestion.organization)
        .where(
            Suggestion.challenge_id == challenge_id,
            Suggestion.organization_id != organization_id,
            _IS_OFFER,
        )
        .order_by(Suggestion.rank_score.desc())
        .limit(top)
    )


def verdict_of(side: Side) -> sa.ScalarSelect[Verdict | None]:
    """What `side` says of a suggestion, to order and to filter by."""
    return (
        sa.select(Feedback.verdict)
        .where(
            Feedback.challenge_id == Suggestion.challenge_id,
            Feedback.organization_id == Suggestion.organization_id,
            Feedback.side == side,
        )
        .correlate(Suggestion)
        .scalar_subquery()
    )


def not_set_aside_by(side: Side) -> sa.ColumnElement[bool]:
    """Whether `side` leaves a suggestion where it is."""
    return verdict_of(side).is_distinct_from(Verdict.NOT_RELEVANT)


def lift(*sides: Side) -> sa.ColumnElement[int]:
    """An order: the more of `sides` are interested, the earlier a suggestion comes."""
    places = [sa.case((verdict_of(side) == Verdict.INTERESTED, -1), else_=0) for side in sides]
    return sum(places[1:], start=places[0])


def suggestions_to_poster(challenge_id: int, top: int) -> sa.Select[tuple[Suggestion]]:
    """`suggestions_for` a challenge as its poster sees them: what was said of them counts.

    That an SME is not interested is its own affair and changes nothing here.
    """
    return (
        suggestions_for(challenge_id, top)
        .where(not_set_aside_by(Side.POSTER))
        .order_by(None)
        .order_by(
            lift(Side.POSTER, Side.SOLVER), Suggestion.rank_score.desc(), Suggestion.organization_id
        )
    )


def interested_in(challenge_id: int, side: Side) -> sa.Select[tuple[int]]:
    """Ids of the SMEs whose pairing with a challenge `side` is interested in."""
    return sa.select(Feedback.organization_id).where(
        Feedback.challenge_id == challenge_id,
        Feedback.side == side,
        Feedback.verdict == Verdict.INTERESTED,
    )


def interests_of(organization_id: int) -> sa.Select[tuple[int]]:
    """Ids of the challenges that an SME is interested in."""
    return sa.select(Feedback.challenge_id).where(
        Feedback.organization_id == organization_id,
        Feedback.side == Side.SOLVER,
        Feedback.verdict == Verdict.INTERESTED,
    )


def set_aside_by_poster(challenge_id: int) -> sa.Select[tuple[Organization]]:
    """The SMEs that the poster of a challenge set aside, the latest first."""
    return (
        sa.select(Organization)
        .join(Feedback, Feedback.organization_id == Organization.id)
        .where(
            Feedback.challenge_id == challenge_id,
            Feedback.side == Side.POSTER,
            Feedback.verdict == Verdict.NOT_RELEVANT,
            _IS_OFFER,
        )
        .order_by(Feedback.given_at.desc(), Feedback.id.desc())
        .options(raiseload("*"))
    )


def set_aside_by_solver(organization_id: int) -> sa.Select[tuple[Challenge]]:
    """The open challenges that an SME set aside, the latest first."""
    return (
        sa.select(Challenge)
        .join(Feedback, Feedback.challenge_id == Challenge.id)
        .where(
            Feedback.organization_id == organization_id,
            Feedback.side == Side.SOLVER,
            Feedback.verdict == Verdict.NOT_RELEVANT,
            Challenge.is_open,
        )
        .order_by(Feedback.given_at.desc(), Feedback.id.desc())
        .options(raiseload("*"))
    )


def feedback(challenge_id: int, organization_id: int, side: Side) -> sa.Select[tuple[Feedback]]:
    """What one side said of one pairing, if anything."""
    return sa.select(Feedback).where(
        Feedback.challenge_id == challenge_id,
        Feedback.organization_id == organization_id,
        Feedback.side == side,
    )


def exposed(side: Side, pairs: Sequence[Pair]) -> sa.Select[tuple[int, int]]:
    """Which of `pairs` were shown to a side already."""
    return sa.select(Exposure.challenge_id, Exposure.organization_id).where(
        Exposure.side == side,
        sa.tuple_(Exposure.challenge_id, Exposure.organization_id).in_(pairs),
    )


def recommendations_for(organization_id: int) -> sa.Select[tuple[Suggestion]]:
    """The open challenges recommended to an SME and not set aside by it.

    Those it is interested in come first, then the best.
    """
    challenge = joinedload(Suggestion.challenge, innerjoin=True)
    return (
        sa.select(Suggestion)
        .join(Suggestion.challenge)
        .where(
            Suggestion.organization_id == organization_id,
            Suggestion.score >= RECOMMENDED_SCORE,
            Challenge.is_open,
            not_set_aside_by(Side.SOLVER),
        )
        .order_by(lift(Side.SOLVER), Suggestion.rank_score.desc(), Suggestion.challenge_id)
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


def item_survey(challenge_id: int) -> sa.Select[tuple[ItemSurvey]]:
    """What is known of who covers which items of a challenge."""
    return sa.select(ItemSurvey).where(ItemSurvey.challenge_id == challenge_id)


def partners(ids: Collection[int], *, for_poster_of: int | None = None) -> sa.Select[Any]:
    """Those SMEs among `ids` that may take challenges still, with what a list of them shows.

    `for_poster_of` a challenge, without those that its poster set aside.
    """
    query = (
        sa.select(Organization)
        .where(_IS_OFFER, Organization.id.in_(ids))
        .order_by(Organization.id)
        .options(raiseload("*"))
    )
    if for_poster_of is None:
        return query
    aside = sa.select(Feedback.organization_id).where(
        Feedback.challenge_id == for_poster_of,
        Feedback.side == Side.POSTER,
        Feedback.verdict == Verdict.NOT_RELEVANT,
    )
    return query.where(Organization.id.not_in(aside))


def introduced_together(challenge_id: int) -> sa.Select[tuple[int, int]]:
    """Joint invitations to a challenge whose members were told of each other.

    As pairs of their id and that of a member.
    """
    return (
        sa.select(JointInvitee.joint_invitation_id, JointInvitee.organization_id)
        .join(JointInvitee.joint_invitation)
        .where(JointInvitation.challenge_id == challenge_id, JointInvitation.introduces)
    )


def introduced_to(challenge_id: int, organization_id: int) -> sa.Select[tuple[Organization]]:
    """The SMEs that one was told of for a challenge and that may take it still, by name."""
    own = aliased(JointInvitee)
    others = (
        sa.select(JointInvitee.organization_id)
        .join(JointInvitee.joint_invitation)
        .join(own, own.joint_invitation_id == JointInvitation.id)
        .where(
            JointInvitation.challenge_id == challenge_id,
            JointInvitation.introduces,
            own.organization_id == organization_id,
            JointInvitee.organization_id != organization_id,
        )
    )
    return (
        sa.select(Organization)
        .where(_IS_OFFER, Organization.id.in_(others))
        .order_by(Organization.name)
        .options(raiseload("*"))
    )

"""Reading organizations, their members and invitations."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import (
    InstrumentedAttribute,
    contains_eager,
    joinedload,
    raiseload,
    selectinload,
)

from bidding import clock
from bidding.finding import MOST_NAMED, phrases, places, words
from bidding.organizations import credit_codes, industries, regions
from bidding.organizations.models import (
    CapabilityProfile,
    MemberInvitation,
    Membership,
    Organization,
    OrganizationStatus,
    Qualification,
    QualificationKind,
)
from bidding.organizations.size_classes import SizeClass

Code = InstrumentedAttribute[str] | InstrumentedAttribute[str | None]

WHOLE = (joinedload(Organization.profile), selectinload(Organization.qualifications))
"""What a page about one organization shows of it."""


def within_region(column: Code, code: str) -> sa.ColumnElement[bool]:
    """Whether the region in `column` is, or lies in, region `code`."""
    return column.startswith(regions.code_prefix(code))


def within_section(column: Code, code: str) -> sa.ColumnElement[bool]:
    """Whether the industry in `column` is section `code`, or one of its divisions."""
    section = industries.find(code)
    divisions = [division.code for division in section.divisions] if section else []
    return column.in_([code, *divisions])


def directory(
    *,
    q: str = "",
    found: Sequence[int] = (),
    by_name: bool = False,
    province: str = "",
    section: str = "",
    sizes: tuple[SizeClass, ...] = (),
    qualification: QualificationKind | None = None,
) -> sa.Select[tuple[Organization]]:
    """Verified organizations with what a list shows of them: those `found` by words, best first.

    Where none was found, or `by_name`, in the order of their names; then every word of `q` must
    occur in the name or in what the organization says of itself.
    """
    query = (
        sa.select(Organization)
        .outerjoin(Organization.profile)
        .where(Organization.status == OrganizationStatus.VERIFIED)
        .options(
            contains_eager(Organization.profile),
            selectinload(Organization.qualifications),
            raiseload("*"),
        )
    )
    if found:
        query = query.where(Organization.id.in_(found), *map(_mentions, phrases(q)))
    else:
        query = query.where(*map(_mentions, words(q)))
    if province:
        query = query.where(within_region(Organization.region_code, province))
    if section:
        query = query.where(within_section(Organization.industry_code, section))
    if sizes:
        query = query.where(Organization.size_class.in_(sizes))
    if qualification:
        query = query.where(Organization.qualifications.any(Qualification.kind == qualification))
    if found and not by_name:
        literally = sa.case((sa.and_(sa.true(), *map(_mentions, words(q))), 0), else_=1)
        return query.order_by(literally, places(Organization.id, found))
    return query.order_by(Organization.name, Organization.id)


def named(q: str) -> sa.Select[tuple[int, bool]]:
    """Ids of verified organizations with `q` in their name, and whether it is the name or code."""
    name = " ".join(words(q))
    is_coded = Organization.credit_code == credit_codes.normalise(name)
    is_it = sa.or_(sa.func.lower(Organization.name) == name.lower(), is_coded)
    return (
        sa.select(Organization.id, is_it)
        .where(
            Organization.status == OrganizationStatus.VERIFIED,
            sa.literal(bool(name)),
            sa.or_(Organization.name.icontains(name, autoescape=True), is_coded),
        )
        .order_by(is_it.desc(), sa.func.length(Organization.name), Organization.id)
        .limit(MOST_NAMED)
    )


def _mentions(word: str) -> sa.ColumnElement[bool]:
    said = (
        Organization.name,
        Organization.brief,
        CapabilityProfile.products,
        CapabilityProfile.technologies,
        CapabilityProfile.equipment,
        CapabilityProfile.cases,
        CapabilityProfile.notes,
    )
    return sa.or_(
        *(column.icontains(word, autoescape=True) for column in said),
        Organization.credit_code == credit_codes.normalise(word),
    )


def by_credit_code(code: str) -> sa.Select[tuple[Organization]]:
    """The organization registered with a normalised code."""
    return sa.select(Organization).where(Organization.credit_code == code)


def members(organization: Organization) -> sa.Select[tuple[Membership]]:
    """The members of one organization, in the order they joined."""
    return (
        sa.select(Membership)
        .where(Membership.organization_id == organization.id)
        .order_by(Membership.id)
        .options(joinedload(Membership.user))
    )


def member_count(organization: Organization) -> sa.Select[tuple[int]]:
    """How many members an organization has."""
    return sa.select(sa.func.count()).where(Membership.organization_id == organization.id)


def open_invitations(organization: Organization) -> sa.Select[tuple[MemberInvitation]]:
    """Invitations that can still be accepted, newest first."""
    return _open_invitations().where(MemberInvitation.organization_id == organization.id)


def invitations_to(email: str) -> sa.Select[tuple[MemberInvitation]]:
    """The open invitations of one address, newest first."""
    return _open_invitations().where(MemberInvitation.email == email)


def _open_invitations() -> sa.Select[tuple[MemberInvitation]]:
    return (
        sa.select(MemberInvitation)
        .where(
            MemberInvitation.accepted_at.is_(None),
            MemberInvitation.revoked_at.is_(None),
            MemberInvitation.expires_at > clock.now(),
        )
        .order_by(MemberInvitation.id.desc())
        .options(joinedload(MemberInvitation.organization))
    )


def invitation(ident: int) -> sa.Select[tuple[MemberInvitation]]:
    """One invitation with its organization."""
    return (
        sa.select(MemberInvitation)
        .where(MemberInvitation.id == ident)
        .options(joinedload(MemberInvitation.organization))
    )

"""Organizations, their members, and what an SME can do."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bidding import clock
from bidding.db import FEN_PER_WAN, Base, Fen, LongText, PrimaryKey, Timestamps, choice, references
from bidding.lifecycle import HasLifecycle
from bidding.organizations.size_classes import SizeClass, suggest
from bidding.permissions import STAFF, Party, standing
from bidding.vocabulary import N_, Choice, Tone

if TYPE_CHECKING:
    from bidding.accounts.models import User


class OrganizationStatus(Choice):
    """Where an organization stands in verification."""

    DRAFT = "draft", N_("Draft")
    PENDING = "pending", N_("Waiting for verification"), Tone.INFO
    CHANGES_REQUESTED = "changes_requested", N_("Changes requested"), Tone.WARNING
    VERIFIED = "verified", N_("Verified"), Tone.SUCCESS
    REJECTED = "rejected", N_("Not verified"), Tone.DANGER
    SUSPENDED = "suspended", N_("Suspended"), Tone.DANGER


class MemberRole(Choice):
    """What a member is to the organization."""

    OWNER = "owner", N_("Owner")
    MEMBER = "member", N_("Member")


class QualificationKind(Choice):
    """Recognised qualifications of an SME."""

    INNOVATIVE_SME = "innovative_sme", N_("Innovative SME")
    SRDI_SME = "srdi_sme", N_("Specialized and sophisticated SME")
    LITTLE_GIANT = "little_giant", N_("“Little giant” SME")
    SINGLE_CHAMPION = "single_champion", N_("Manufacturing single champion")
    HIGH_TECH = "high_tech", N_("High-tech enterprise")


class Organization(HasLifecycle, Timestamps, Base):
    """A large enterprise that posts, or an SME that takes challenges."""

    __tablename__ = "organizations"
    __table_args__ = (
        sa.CheckConstraint(
            "status NOT IN ('verified', 'suspended') OR verified_at IS NOT NULL",
            name="verified_has_time",
        ),
        sa.Index("ix_organizations_status_size_class", "status", "size_class"),
        sa.Index("ix_organizations_updated_at", "updated_at"),
    )

    id: Mapped[PrimaryKey]
    name: Mapped[str] = mapped_column(index=True)
    credit_code: Mapped[str] = mapped_column(unique=True)
    region_code: Mapped[str] = mapped_column(index=True)
    industry_code: Mapped[str] = mapped_column(index=True)
    size_class: Mapped[SizeClass] = mapped_column(choice(SizeClass))
    employees: Mapped[int | None]
    revenue_fen: Mapped[Fen | None]
    founded: Mapped[int | None]
    website: Mapped[str] = mapped_column(default="")
    brief: Mapped[LongText]
    contact_name: Mapped[str] = mapped_column(default="")
    contact_phone: Mapped[str] = mapped_column(default="")
    contact_email: Mapped[str] = mapped_column(default="")
    status: Mapped[OrganizationStatus] = mapped_column(
        choice(OrganizationStatus), default=OrganizationStatus.DRAFT
    )
    submitted_at: Mapped[datetime | None] = mapped_column(index=True)
    verified_at: Mapped[datetime | None]

    memberships: Mapped[list[Membership]] = relationship(
        back_populates="organization", order_by="Membership.id"
    )
    profile: Mapped[CapabilityProfile | None] = relationship(back_populates="organization")
    qualifications: Mapped[list[Qualification]] = relationship(
        back_populates="organization",
        order_by="Qualification.kind",
        cascade="all, delete-orphan",
    )

    @property
    def headline(self) -> str:
        return self.name

    @property
    def people(self) -> list[User]:
        """The users who belong to it."""
        return [membership.user for membership in self.memberships]

    @property
    def is_verified(self) -> bool:
        return self.status is OrganizationStatus.VERIFIED

    @property
    def is_pending(self) -> bool:
        return self.status is OrganizationStatus.PENDING

    @property
    def is_sent_back(self) -> bool:
        """Whether a reviewer asked for changes."""
        return self.status is OrganizationStatus.CHANGES_REQUESTED

    @property
    def suggested_size(self) -> SizeClass | None:
        """The size class that follows from its figures, where that can be told."""
        wan = None if self.revenue_fen is None else self.revenue_fen / FEN_PER_WAN
        return suggest(self.industry_code, self.employees, wan)

    @property
    def is_large(self) -> bool:
        return self.size_class is SizeClass.LARGE

    @property
    def is_sme(self) -> bool:
        return not self.is_large

    @property
    def may_post(self) -> bool:
        return self.is_verified and self.is_large

    @property
    def may_solve(self) -> bool:
        return self.is_verified and self.is_sme

    @property
    def is_editable(self) -> bool:
        """Facts may not change under a reviewer's eyes, nor after a refusal."""
        return self.status in (
            OrganizationStatus.DRAFT,
            OrganizationStatus.CHANGES_REQUESTED,
            OrganizationStatus.VERIFIED,
        )

    def member(self, user: Any) -> Membership | None:
        """The membership of `user` here, from the user's side so that nothing is loaded."""
        membership = getattr(user, "membership", None)
        return membership if membership and membership.organization_id == self.id else None

    def parties(self, actor: Any) -> set[Party]:
        held = standing(actor)
        parties: set[Party] = set()
        if self.is_verified and Party.SIGNED_IN in held:
            parties.add(Party.AUDIENCE)
        if membership := self.member(actor):
            parties.add(Party.MEMBER)
            if membership.is_owner:
                parties.add(Party.OWNER)
            if self.may_post:
                parties.add(Party.POSTER)
            if self.may_solve:
                parties.add(Party.SOLVER)
        elif self.status is not OrganizationStatus.DRAFT:
            parties |= held & STAFF  # staff of the organization itself never decide on it
        return parties


class Membership(Base):
    """A user's place in an organization. A user has one."""

    __tablename__ = "memberships"

    id: Mapped[PrimaryKey]
    user_id: Mapped[int] = references("users.id", index=False, unique=True)
    organization_id: Mapped[int] = references("organizations.id")
    role: Mapped[MemberRole] = mapped_column(choice(MemberRole))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    user: Mapped[User] = relationship(back_populates="membership")
    # Access is decided by it on every request, hence always in the same query.
    organization: Mapped[Organization] = relationship(
        back_populates="memberships", lazy="joined", innerjoin=True
    )

    @property
    def is_owner(self) -> bool:
        return self.role is MemberRole.OWNER

    def parties(self, actor: Any) -> set[Party]:
        return self.organization.parties(actor)


class MemberInvitation(Base):
    """An owner's invitation to join, sent to a mail address."""

    __tablename__ = "member_invitations"

    id: Mapped[PrimaryKey]
    organization_id: Mapped[int] = references("organizations.id")
    email: Mapped[str]
    invited_by_id: Mapped[int] = references("users.id", index=False)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    organization: Mapped[Organization] = relationship()

    @property
    def headline(self) -> str:
        return self.organization.name

    @property
    def is_open(self) -> bool:
        return (
            self.accepted_at is None and self.revoked_at is None and self.expires_at > clock.now()
        )

    def parties(self, actor: Any) -> set[Party]:
        return self.organization.parties(actor)


class CapabilityProfile(Timestamps, Base):
    """What an SME makes and can do, in its own words (Markdown). The matcher reads it."""

    __tablename__ = "capability_profiles"
    __table_args__ = (sa.Index("ix_capability_profiles_updated_at", "updated_at"),)

    id: Mapped[PrimaryKey]
    organization_id: Mapped[int] = references("organizations.id", index=False, unique=True)
    products: Mapped[LongText]
    technologies: Mapped[LongText]
    equipment: Mapped[LongText]
    cases: Mapped[LongText]
    notes: Mapped[LongText]

    organization: Mapped[Organization] = relationship(back_populates="profile")

    @property
    def headline(self) -> str:
        return self.organization.name

    @property
    def is_empty(self) -> bool:
        return not any((self.products, self.technologies, self.equipment, self.cases, self.notes))


class Qualification(Base):
    """A recognised qualification of an organization, as it states it."""

    __tablename__ = "qualifications"
    __table_args__ = (sa.UniqueConstraint("organization_id", "kind"),)

    id: Mapped[PrimaryKey]
    organization_id: Mapped[int] = references("organizations.id", index=False)
    kind: Mapped[QualificationKind] = mapped_column(choice(QualificationKind))
    number: Mapped[str] = mapped_column(default="")
    issued_on: Mapped[date | None]
    expires_on: Mapped[date | None]

    organization: Mapped[Organization] = relationship(back_populates="qualifications")

    def is_valid_on(self, day: date) -> bool:
        return self.expires_on is None or self.expires_on >= day

    @property
    def is_expired(self) -> bool:
        return not self.is_valid_on(clock.now().date())

"""Challenges: what a large enterprise needs, and the terms it offers."""

from __future__ import annotations

import unicodedata
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bidding import clock
from bidding.db import Base, Fen, LongText, PrimaryKey, Timestamps, choice, references
from bidding.lifecycle import HasLifecycle
from bidding.organizations.models import QualificationKind
from bidding.permissions import STAFF, Party, standing
from bidding.vocabulary import N_, Choice, Tone

if TYPE_CHECKING:
    from bidding.accounts.models import User
    from bidding.organizations.models import Organization


class ChallengeKind(Choice):
    """What is asked for."""

    TECHNOLOGY = "technology", N_("Technology to develop")
    SUPPORTING_PRODUCT = "supporting_product", N_("Supporting product")


class Operator(Choice):
    """How a requirement's value is to be read."""

    AT_LEAST = ">=", N_("at least")
    AT_MOST = "<=", N_("at most")
    EQUAL = "=", N_("equal to")
    BETWEEN = "between", N_("between")
    TEXT = "text", N_("described as")

    @property
    def sign(self) -> str:
        """The mark put before a value: ≥, ≤, =, or nothing."""
        return {">=": "≥", "<=": "≤", "=": "="}.get(self.value, "")


class Cooperation(Choice):
    """Ways in which poster and solver may work together."""

    COMMISSIONED = "commissioned", N_("Commissioned development")
    JOINT = "joint", N_("Joint development")
    PURCHASE = "purchase", N_("Purchase")
    LICENCE = "licence", N_("Licence")
    EQUITY = "equity", N_("Equity participation")


class IpTerms(Choice):
    """Who owns what comes out of it."""

    POSTER = "poster", N_("Owned by the poster")
    JOINT = "joint", N_("Owned jointly")
    SOLVER = "solver", N_("Owned by the solver, licensed to the poster")
    NEGOTIABLE = "negotiable", N_("To be negotiated")


class ChallengeStatus(Choice):
    """Where a challenge stands. Open and closed follow from the deadline, see `is_open`."""

    DRAFT = "draft", N_("Draft")
    IN_REVIEW = "in_review", N_("In review"), Tone.INFO
    CHANGES_REQUESTED = "changes_requested", N_("Changes requested"), Tone.WARNING
    REJECTED = "rejected", N_("Rejected"), Tone.DANGER
    PUBLISHED = "published", N_("Published"), Tone.SUCCESS
    SUSPENDED = "suspended", N_("Suspended"), Tone.WARNING
    EVALUATING = "evaluating", N_("Under evaluation"), Tone.INFO
    AWARDED = "awarded", N_("Awarded"), Tone.SUCCESS
    UNSUCCESSFUL = "unsuccessful", N_("Unsuccessful")
    CANCELLED = "cancelled", N_("Cancelled")
    COMPLETED = "completed", N_("Completed"), Tone.SUCCESS
    TERMINATED = "terminated", N_("Terminated"), Tone.DANGER


S = ChallengeStatus

PUBLIC = frozenset(
    {S.PUBLISHED, S.EVALUATING, S.AWARDED, S.UNSUCCESSFUL, S.CANCELLED, S.COMPLETED, S.TERMINATED}
)
"""States in which anyone may read the challenge."""

DECIDED = PUBLIC - {S.PUBLISHED, S.EVALUATING}
"""States in which the outcome is known, with its reason."""


class Challenge(HasLifecycle, Timestamps, Base):
    """One need, from draft to decision. A draft may be incomplete; see `rules.gaps`."""

    __tablename__ = "challenges"
    __table_args__ = (
        sa.CheckConstraint(
            "status IN ('draft', 'in_review', 'changes_requested', 'rejected')"
            " OR (published_at IS NOT NULL AND closes_at IS NOT NULL)",
            name="published_has_terms",
        ),
        sa.CheckConstraint(
            "status NOT IN ('evaluating', 'awarded', 'unsuccessful') OR opened_at IS NOT NULL",
            name="opened_has_time",
        ),
        sa.CheckConstraint("awards BETWEEN 1 AND 3", name="one_to_three_awards"),
        sa.CheckConstraint(
            "budget_min_fen IS NULL OR budget_max_fen IS NULL OR budget_min_fen <= budget_max_fen",
            name="budget_range",
        ),
        sa.Index("ix_challenges_status_closes_at", "status", "closes_at"),
        sa.Index("ix_challenges_updated_at", "updated_at"),
    )

    id: Mapped[PrimaryKey]
    organization_id: Mapped[int] = references("organizations.id")
    author_id: Mapped[int | None] = references("users.id", index=False)
    kind: Mapped[ChallengeKind] = mapped_column(choice(ChallengeKind))
    title: Mapped[str]
    background: Mapped[LongText]
    problem: Mapped[LongText]
    expected_result: Mapped[LongText]
    budget_min_fen: Mapped[Fen | None]
    budget_max_fen: Mapped[Fen | None]
    budget_negotiable: Mapped[bool] = mapped_column(default=False)
    cooperation: Mapped[list[str]] = mapped_column(default=list)
    """Values of `Cooperation`."""
    ip_terms: Mapped[IpTerms | None] = mapped_column(choice(IpTerms))
    ip_notes: Mapped[LongText]
    duration_months: Mapped[int | None]
    region_code: Mapped[str | None] = mapped_column(index=True)
    industry_code: Mapped[str | None] = mapped_column(index=True)
    required_qualifications: Mapped[list[str]] = mapped_column(default=list)
    """Values of `QualificationKind`; a taker holds one of them. Empty: none is asked for."""
    taker_region_code: Mapped[str | None]
    """Where takers must be registered; None: anywhere."""
    taker_notes: Mapped[LongText]
    closes_at: Mapped[datetime | None]
    awards: Mapped[int] = mapped_column(default=1)
    shows_name: Mapped[bool] = mapped_column(default=True)
    status: Mapped[ChallengeStatus] = mapped_column(choice(ChallengeStatus), default=S.DRAFT)
    submitted_at: Mapped[datetime | None] = mapped_column(index=True)
    published_at: Mapped[datetime | None] = mapped_column(index=True)
    suspended_at: Mapped[datetime | None]
    opened_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]

    organization: Mapped[Organization] = relationship()
    author: Mapped[User | None] = relationship()
    requirements: Mapped[list[Requirement]] = relationship(
        back_populates="challenge",
        order_by="Requirement.position",
        cascade="all, delete-orphan",
    )
    addenda: Mapped[list[Addendum]] = relationship(
        back_populates="challenge", order_by="Addendum.id"
    )

    @property
    def headline(self) -> str:
        return self.title

    @property
    def number(self) -> str:
        """The public number, such as JB2026-00042."""
        return f"JB{self.created_at:%Y}-{self.id:05d}"

    @property
    def is_editable(self) -> bool:
        return self.status in (S.DRAFT, S.CHANGES_REQUESTED)

    @property
    def is_in_review(self) -> bool:
        return self.status is S.IN_REVIEW

    @property
    def is_rejected(self) -> bool:
        return self.status is S.REJECTED

    @property
    def is_completed(self) -> bool:
        return self.status is S.COMPLETED

    @property
    def is_suspended(self) -> bool:
        return self.status is S.SUSPENDED

    @property
    def is_decided(self) -> bool:
        return self.status in DECIDED

    @property
    def ways(self) -> list[Cooperation]:
        """The ways of cooperation offered."""
        return [Cooperation(value) for value in self.cooperation]

    @property
    def qualifications_asked(self) -> list[QualificationKind]:
        """The qualifications of which a taker must hold one."""
        return [QualificationKind(value) for value in self.required_qualifications]

    @property
    def has_conditions(self) -> bool:
        """Whether not every SME may take it."""
        return bool(self.required_qualifications or self.taker_region_code or self.taker_notes)

    @property
    def is_public(self) -> bool:
        return self.status in PUBLIC

    @hybrid_property
    def is_open(self) -> bool:
        """Published and before its deadline: solutions can be submitted."""
        return self.status is S.PUBLISHED and self.closes_at > clock.now()

    @is_open.inplace.expression
    @classmethod
    def _is_open(cls) -> sa.ColumnElement[bool]:
        return sa.and_(cls.status == S.PUBLISHED, cls.closes_at > clock.now())

    @property
    def awaits_opening(self) -> bool:
        """Past its deadline, and the poster has not opened the solutions yet."""
        return self.status is S.PUBLISHED and not self.is_open

    @property
    def awaits_decision(self) -> bool:
        return self.status is S.EVALUATING

    @property
    def is_opened(self) -> bool:
        """Whether the seal on the solutions is broken; cancelling afterwards mends nothing."""
        return self.opened_at is not None

    @property
    def time_left(self) -> timedelta:
        """Time to the deadline, never negative."""
        return max(self.closes_at - clock.now(), timedelta())

    @property
    def public_status(self) -> Choice:
        """The status in the words of the people who read it: open and closed are derived."""
        if self.status is S.PUBLISHED:
            return Phase.OPEN if self.is_open else Phase.CLOSED
        return self.status

    def shows_name_to(self, actor: Any) -> bool:
        """Whether `actor` may know who posts."""
        return self.shows_name or bool(
            self.parties(actor) & {Party.POSTER, Party.REVIEWER, Party.ADMINISTRATOR}
        )

    def gives_away_poster(self, *texts: str) -> bool:
        """Whether one of `texts` tells the name that is to be withheld, however it is written."""
        name = _letters(self.organization.name)
        return not self.shows_name and any(name in _letters(text) for text in texts)

    def parties(self, actor: Any) -> set[Party]:
        held = standing(actor)
        parties: set[Party] = set()
        if self.is_public:
            parties.add(Party.AUDIENCE)
        if Party.SIGNED_IN in held and actor.organization_id == self.organization_id:
            parties.add(Party.POSTER)  # and never its reviewer, whatever the role
        elif self.status is not S.DRAFT:
            parties |= held & STAFF
        return parties


class Phase(Choice):
    """The two faces of a published challenge."""

    OPEN = "open", N_("Open"), Tone.SUCCESS
    CLOSED = "closed", N_("Closed, waiting to be opened"), Tone.WARNING


class Requirement(Base):
    """One technical requirement: an indicator, how its value is read, the value, the unit."""

    __tablename__ = "requirements"

    id: Mapped[PrimaryKey]
    challenge_id: Mapped[int] = references("challenges.id")
    position: Mapped[int]
    name: Mapped[str]
    operator: Mapped[Operator] = mapped_column(choice(Operator))
    value: Mapped[str]
    unit: Mapped[str] = mapped_column(default="")
    must: Mapped[bool] = mapped_column(default=True)

    challenge: Mapped[Challenge] = relationship(back_populates="requirements")

    @property
    def target(self) -> str:
        """The value as people write it, such as “≥ 45 MGOe”."""
        return " ".join(part for part in (self.operator.sign, self.value, self.unit) if part)

    @property
    def summary(self) -> str:
        """Name and value, for a chip on a card."""
        return f"{self.name} {self.target}".strip()


class Addendum(Base):
    """A public supplement to a published challenge; the terms themselves do not change."""

    __tablename__ = "addenda"

    id: Mapped[PrimaryKey]
    challenge_id: Mapped[int] = references("challenges.id")
    author_id: Mapped[int | None] = references("users.id", index=False)
    text: Mapped[str]
    published_at: Mapped[datetime] = mapped_column(default=clock.now)
    closes_at_before: Mapped[datetime | None]
    closes_at_after: Mapped[datetime | None]
    """Set when the addendum extends the deadline."""

    challenge: Mapped[Challenge] = relationship(back_populates="addenda")


class ChallengeInvitation(Base):
    """The poster's invitation of one SME to one challenge."""

    __tablename__ = "challenge_invitations"
    __table_args__ = (sa.UniqueConstraint("challenge_id", "organization_id"),)

    id: Mapped[PrimaryKey]
    challenge_id: Mapped[int] = references("challenges.id", index=False)
    organization_id: Mapped[int] = references("organizations.id")
    invited_by_id: Mapped[int] = references("users.id", index=False)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    challenge: Mapped[Challenge] = relationship()
    organization: Mapped[Organization] = relationship()


def _letters(text: str) -> str:
    """`text` without differences of width, case and spacing."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())

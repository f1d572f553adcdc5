"""Suggestions: which SME fits which challenge, and why."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bidding import clock
from bidding.db import Base, PrimaryKey, choice, references
from bidding.matching.facts import Boost, in_hundredths
from bidding.vocabulary import N_, Choice, Tone

if TYPE_CHECKING:
    from bidding.challenges.models import Challenge
    from bidding.organizations.models import Organization


class Strength(Choice):
    """What a score means to a reader.

    The limits come from judged data: of the pairs that score 0.25 and more, six to eight in ten
    were judged to fit; from 0.18, three to five; see ``docs/matching.md``.
    """

    STRONG = "strong", N_("Strong match"), Tone.SUCCESS
    GOOD = "good", N_("Good match"), Tone.SUCCESS
    POSSIBLE = "possible", N_("Possible match"), Tone.INFO
    WEAK = "weak", N_("Weak match")

    @classmethod
    def of(cls, score: float) -> Strength:
        """The strength of a score between 0 and 1."""
        if score >= 0.25:
            return cls.STRONG
        if score >= 0.18:
            return cls.GOOD
        return cls.POSSIBLE if score >= 0.12 else cls.WEAK


def _text_alone(context: Any) -> float:
    return context.get_current_parameters()["score"]


class Suggestion(Base):
    """A stored pairing. Derived data: a refresh may replace it."""

    __tablename__ = "suggestions"
    __table_args__ = (
        sa.UniqueConstraint("challenge_id", "organization_id"),
        sa.Index("ix_suggestions_challenge_rank", "challenge_id", "rank_score"),
        sa.Index("ix_suggestions_organization_rank", "organization_id", "rank_score"),
    )

    id: Mapped[PrimaryKey]
    challenge_id: Mapped[int] = references("challenges.id", index=False)
    organization_id: Mapped[int] = references("organizations.id", index=False)
    score: Mapped[float]
    """Likeness of the two texts: seldom above 0.5, and above 1 only where one repeats the other."""
    terms: Mapped[list[dict[str, Any]]] = mapped_column(sa.JSON())
    """The terms that tie them, strongest first: ``{"term": …, "share": 0 to 1}``."""
    boosts: Mapped[list[dict[str, Any]]] = mapped_column(sa.JSON(), default=list)
    """What facts add, apart from the text: ``{"fact": a `Fact`, "points": …}``."""
    rank_score: Mapped[float] = mapped_column(default=_text_alone)
    """The score and the points of all boosts: the order of a list, and nothing else."""
    computed_at: Mapped[datetime] = mapped_column(default=clock.now)
    notified_at: Mapped[datetime | None]
    """When the SME was told; it is told once."""

    challenge: Mapped[Challenge] = relationship()
    organization: Mapped[Organization] = relationship()

    @property
    def strength(self) -> Strength:
        return Strength.of(self.score)

    @property
    def boosted_by(self) -> list[Boost]:
        """The boosts in words."""
        return Boost.restored(self.boosts)

    @property
    def points_of_facts(self) -> str:
        """What the boosts add up to, in hundredths."""
        return in_hundredths(self.rank_score - self.score)


class ItemSurvey(Base):
    """Which SMEs cover which items of a challenge, see `consortia`. Derived data, too."""

    __tablename__ = "item_surveys"

    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey("challenges.id"), primary_key=True)
    items: Mapped[list[dict[str, Any]]] = mapped_column(sa.JSON())
    candidates: Mapped[list[dict[str, Any]]] = mapped_column(sa.JSON())
    computed_at: Mapped[datetime] = mapped_column(default=clock.now)


class JointInvitation(Base):
    """SMEs that a poster invited to take a challenge together.

    It says only who was meant to go with whom; each member has its own `ChallengeInvitation`, and
    whether they become a consortium is for their solution to say.
    """

    __tablename__ = "joint_invitations"

    id: Mapped[PrimaryKey]
    challenge_id: Mapped[int] = references("challenges.id")
    invited_by_id: Mapped[int] = references("users.id", index=False)
    introduces: Mapped[bool]
    """Whether the members were told of each other."""
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    members: Mapped[list[JointInvitee]] = relationship(
        back_populates="joint_invitation", order_by="JointInvitee.organization_id"
    )


class JointInvitee(Base):
    """One SME of a joint invitation."""

    __tablename__ = "joint_invitees"

    joint_invitation_id: Mapped[int] = mapped_column(
        sa.ForeignKey("joint_invitations.id"), primary_key=True
    )
    organization_id: Mapped[int] = mapped_column(
        sa.ForeignKey("organizations.id"), primary_key=True, index=True
    )

    joint_invitation: Mapped[JointInvitation] = relationship(back_populates="members")


class Side(Choice):
    """Who looks at a pairing: the one that posts the challenge, or the SME that could take it."""

    POSTER = "poster", N_("Posters")
    SOLVER = "solver", N_("SMEs")


class Verdict(Choice):
    """What one side says of a pairing."""

    INTERESTED = "interested", N_("Interested"), Tone.SUCCESS
    NOT_RELEVANT = "not_relevant", N_("Not relevant")


class Feedback(Base):
    """What one side says of a pairing. Unlike the suggestion itself it survives a refresh."""

    __tablename__ = "suggestion_feedback"
    __table_args__ = (sa.UniqueConstraint("challenge_id", "organization_id", "side"),)

    id: Mapped[PrimaryKey]
    challenge_id: Mapped[int] = references("challenges.id", index=False)
    organization_id: Mapped[int] = references("organizations.id")
    side: Mapped[Side] = mapped_column(choice(Side))
    verdict: Mapped[Verdict | None] = mapped_column(choice(Verdict))
    """None once it is taken back."""
    author_id: Mapped[int] = references("users.id", index=False)
    given_at: Mapped[datetime] = mapped_column(default=clock.now)

    challenge: Mapped[Challenge] = relationship()
    organization: Mapped[Organization] = relationship()

    @property
    def headline(self) -> str:
        return f"{self.challenge.title} · {self.organization.name}"


class Exposure(Base):
    """A pairing that was shown to one side; written by jobs, see `exposure`."""

    __tablename__ = "exposures"
    __table_args__ = (
        sa.UniqueConstraint("challenge_id", "organization_id", "side"),
        sa.Index("ix_exposures_side_shown_at", "side", "shown_at"),
    )

    id: Mapped[PrimaryKey]
    challenge_id: Mapped[int] = references("challenges.id", index=False)
    organization_id: Mapped[int] = references("organizations.id")
    side: Mapped[Side] = mapped_column(choice(Side))
    shown_at: Mapped[datetime]
    """When it was first shown."""
    opened_at: Mapped[datetime | None]
    """When somebody of that side first looked at the other one from there."""

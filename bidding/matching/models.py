"""Suggestions: which SME fits which challenge, and why."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bidding import clock
from bidding.db import Base, PrimaryKey, references
from bidding.vocabulary import N_, Choice, Tone

if TYPE_CHECKING:
    from bidding.challenges.models import Challenge
    from bidding.organizations.models import Organization


class Strength(Choice):
    """What a score means to a reader.

    The limits come from judged data: of the pairs that score 0.3 and more, six to nine in ten
    were judged to fit; from 0.2, two to five; see ``docs/matching.md``.
    """

    STRONG = "strong", N_("Strong match"), Tone.SUCCESS
    GOOD = "good", N_("Good match"), Tone.SUCCESS
    POSSIBLE = "possible", N_("Possible match"), Tone.INFO
    WEAK = "weak", N_("Weak match")

    @classmethod
    def of(cls, score: float) -> Strength:
        """The strength of a score between 0 and 1."""
        if score >= 0.3:
            return cls.STRONG
        if score >= 0.2:
            return cls.GOOD
        return cls.POSSIBLE if score >= 0.12 else cls.WEAK


class Suggestion(Base):
    """A stored pairing. Derived data: a refresh may replace it."""

    __tablename__ = "suggestions"
    __table_args__ = (
        sa.UniqueConstraint("challenge_id", "organization_id"),
        sa.Index("ix_suggestions_challenge_score", "challenge_id", "score"),
        sa.Index("ix_suggestions_organization_score", "organization_id", "score"),
    )

    id: Mapped[PrimaryKey]
    challenge_id: Mapped[int] = references("challenges.id", index=False)
    organization_id: Mapped[int] = references("organizations.id", index=False)
    score: Mapped[float]
    """Cosine similarity of the two texts, 0 to 1."""
    terms: Mapped[list[dict[str, Any]]] = mapped_column(sa.JSON())
    """The terms that tie them, strongest first: ``{"term": …, "share": 0 to 1}``."""
    computed_at: Mapped[datetime] = mapped_column(default=clock.now)
    notified_at: Mapped[datetime | None]
    """When the SME was told; it is told once."""

    challenge: Mapped[Challenge] = relationship()
    organization: Mapped[Organization] = relationship()

    @property
    def strength(self) -> Strength:
        return Strength.of(self.score)

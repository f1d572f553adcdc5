"""Suggestions: which SME fits which challenge, and why."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bidding import clock
from bidding.db import Base, PrimaryKey, references

if TYPE_CHECKING:
    from bidding.challenges.models import Challenge
    from bidding.organizations.models import Organization


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

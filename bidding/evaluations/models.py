"""The decision on a challenge."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy.orm import Mapped, mapped_column, relationship

from bidding import clock
from bidding.db import Base, PrimaryKey, choice, references
from bidding.vocabulary import N_, Choice, Tone

if TYPE_CHECKING:
    from bidding.accounts.models import User
    from bidding.challenges.models import Challenge


class Outcome(Choice):
    """How an evaluation ended."""

    AWARDED = "awarded", N_("Awarded"), Tone.SUCCESS
    UNSUCCESSFUL = "unsuccessful", N_("Unsuccessful")


class Decision(Base):
    """What the poster decided and why. Made once; the reason to each SME is on its solution."""

    __tablename__ = "decisions"

    id: Mapped[PrimaryKey]
    challenge_id: Mapped[int] = references("challenges.id", index=False, unique=True)
    outcome: Mapped[Outcome] = mapped_column(choice(Outcome))
    statement: Mapped[str]
    decided_by_id: Mapped[int] = references("users.id", index=False)
    decided_at: Mapped[datetime] = mapped_column(default=clock.now)

    challenge: Mapped[Challenge] = relationship()
    decided_by: Mapped[User] = relationship()

    @property
    def headline(self) -> str:
        return self.challenge.title

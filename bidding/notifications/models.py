"""Notices to people: written with the event, delivered after it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bidding import clock
from bidding.db import Base, PrimaryKey, references
from bidding.permissions import Party, standing

if TYPE_CHECKING:
    from bidding.accounts.models import User


class Notification(Base):
    """One notice to one person, in the app and by mail.

    The sentence is rendered when it is read, in the reader's language, from
    ``templates/emails/<feature>/<event>`` and `params`.
    """

    __tablename__ = "notifications"
    __table_args__ = (
        sa.Index("ix_notifications_outbox", "mailed_at", "next_attempt_at"),
        sa.Index("ix_notifications_inbox", "user_id", "read_at"),
    )

    id: Mapped[PrimaryKey]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    user_id: Mapped[int | None] = references("users.id", index=False)
    address: Mapped[str]
    """Where the mail goes; the only trace of a recipient who has no account yet."""
    locale: Mapped[str]
    event: Mapped[str]
    """``<feature>.<event>``: names the templates."""
    subject_type: Mapped[str | None]
    """Table name of the record it is about; with `subject_id` it makes the link."""
    subject_id: Mapped[int | None]
    params: Mapped[dict[str, Any]]
    in_app: Mapped[bool] = mapped_column(default=True)
    """False for messages that only make sense by mail, such as a reset link."""
    read_at: Mapped[datetime | None]
    mailed_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime] = mapped_column(default=clock.now)
    last_error: Mapped[str] = mapped_column(default="")

    user: Mapped[User | None] = relationship()

    def parties(self, actor: Any) -> set[Party]:
        """Nobody but its reader has anything to do with a notice."""
        own = standing(actor)
        is_theirs = Party.SIGNED_IN in own and self.in_app and actor.id == self.user_id
        return {Party.SIGNED_IN} if is_theirs else set()

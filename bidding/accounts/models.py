"""Users and how they stand to the programme."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy.orm import Mapped, mapped_column, relationship

from bidding.db import Base, PrimaryKey, Timestamps, choice
from bidding.vocabulary import N_, Choice

if TYPE_CHECKING:
    from bidding.organizations.models import Membership, Organization


class Role(Choice):
    """What a user is to the programme itself."""

    PARTICIPANT = "participant", N_("Participant")
    REVIEWER = "reviewer", N_("Reviewer")
    ADMINISTRATOR = "administrator", N_("Administrator")


class User(Timestamps, Base):
    """Somebody with an account."""

    __tablename__ = "users"

    id: Mapped[PrimaryKey]
    email: Mapped[str] = mapped_column(unique=True)
    """Lower case; the sign-in name."""
    name: Mapped[str]
    password_hash: Mapped[str]
    role: Mapped[Role] = mapped_column(choice(Role), default=Role.PARTICIPANT)
    locale: Mapped[str] = mapped_column(default="zh_Hans_CN")
    session_key: Mapped[str] = mapped_column(default=lambda: secrets.token_urlsafe(16))
    """Part of the session identity: a new one signs every session of the user out."""
    confirmed_at: Mapped[datetime | None]
    deactivated_at: Mapped[datetime | None]

    membership: Mapped[Membership | None] = relationship(back_populates="user")

    @property
    def headline(self) -> str:
        return self.name

    @property
    def organization(self) -> Organization | None:
        return self.membership.organization if self.membership else None

    @property
    def organization_id(self) -> int | None:
        return self.membership.organization_id if self.membership else None

    @property
    def is_staff(self) -> bool:
        return self.role in (Role.REVIEWER, Role.ADMINISTRATOR)

    @property
    def is_administrator(self) -> bool:
        return self.role is Role.ADMINISTRATOR

    # What Flask-Login asks of a user.

    @property
    def is_authenticated(self) -> bool:
        return True

    @property
    def is_anonymous(self) -> bool:
        return False

    @property
    def is_active(self) -> bool:
        return self.confirmed_at is not None and self.deactivated_at is None

    def get_id(self) -> str:
        return f"{self.id}.{self.session_key}"

"""Reading users."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from bidding.accounts.demo import ACCOUNTS, POSTER
from bidding.accounts.models import User


def with_organization(ident: int) -> sa.Select[tuple[User]]:
    """One user with the membership and organization that access is decided by."""
    return sa.select(User).where(User.id == ident).options(joinedload(User.membership))


def by_email(email: str) -> sa.Select[tuple[User]]:
    """The user with this address, however it is capitalised."""
    return sa.select(User).where(User.email == email.strip().lower())


def has_demo(session: Session) -> bool:
    """Whether the seeded demo is in this database."""
    return session.scalar(demo_emails().where(User.email == POSTER)) is not None


def demo_emails() -> sa.Select[tuple[str]]:
    """The addresses of the demo's people who are in this database and may sign in.

    Confirmed ones only: anybody can register such an address, nobody can confirm it.
    """
    return sa.select(User.email).where(
        User.email.in_(ACCOUNTS), User.confirmed_at.is_not(None), User.deactivated_at.is_(None)
    )

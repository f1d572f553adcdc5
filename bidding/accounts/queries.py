"""Reading users."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from bidding.accounts.models import User


def with_organization(ident: int) -> sa.Select[tuple[User]]:
    """One user with the membership and organization that access is decided by."""
    return sa.select(User).where(User.id == ident).options(joinedload(User.membership))


def by_email(email: str) -> sa.Select[tuple[User]]:
    """The user with this address, however it is capitalised."""
    return sa.select(User).where(User.email == email.strip().lower())

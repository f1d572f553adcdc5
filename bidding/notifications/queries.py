"""Reading notices: a person's inbox, and the outbox of mail."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, raiseload

from bidding.notifications.models import Notification

MAX_ATTEMPTS = 12
"""How often a mail is tried before it is given up."""


def inbox(user_id: int) -> sa.Select[tuple[Notification]]:
    """What a person was told, newest first."""
    return (
        sa.select(Notification)
        .where(Notification.user_id == user_id, Notification.in_app)
        .options(raiseload("*"))
        .order_by(Notification.id.desc())
    )


def letter(ident: int) -> sa.Select[tuple[Notification]]:
    """One notice with its recipient, for composing the mail."""
    return (
        sa.select(Notification)
        .where(Notification.id == ident)
        .options(joinedload(Notification.user), raiseload("*"))
    )


def is_due(moment: datetime) -> sa.ColumnElement[bool]:
    """Whether the mail of a notice should be tried at `moment`."""
    return sa.and_(
        Notification.mailed_at.is_(None),
        Notification.attempts < MAX_ATTEMPTS,
        Notification.next_attempt_at <= moment,
    )

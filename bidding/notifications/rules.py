"""Queue notices. Delivery is `delivery`'s; it runs after the transaction."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bidding import clock
from bidding.deferred import defer
from bidding.notifications.models import Notification

DELIVER = "notifications.deliver"


def notify(
    session: Session,
    event: str,
    record: Any,
    recipients: Iterable[Any],
    *,
    actor: Any | None = None,
    reason: str = "",
    in_app: bool = True,
    **params: Any,
) -> None:
    """Queue a notice of `event` about `record` for every user in `recipients`.

    People whose account was closed hear nothing any more.

    `params` are plain values or moments for the templates; the record's headline and `reason`
    are added. What a reader may not know (a hidden poster's name) must not be in them.
    """
    del actor  # part of Lifecycle's announce signature; a notice never names who decided
    for user in recipients:
        if user.deactivated_at is not None:
            continue
        _queue(
            session,
            event,
            record,
            user=user,
            address=user.email,
            locale=user.locale,
            in_app=in_app,
            params={"headline": record.headline, "reason": reason, **params},
        )


def notify_address(
    session: Session, event: str, record: Any, address: str, *, locale: str, **params: Any
) -> None:
    """Queue a mail to `address`, which need not belong to a user."""
    _queue(
        session,
        event,
        record,
        user=None,
        address=address,
        locale=locale,
        in_app=False,
        params={"headline": record.headline, **params},
    )


def _queue(
    session: Session,
    event: str,
    record: Any,
    *,
    user: Any | None,
    address: str,
    locale: str,
    in_app: bool,
    params: dict[str, Any],
) -> None:
    session.add(
        Notification(
            user_id=user.id if user is not None else None,
            address=address,
            locale=locale,
            event=event,
            subject_type=record.__tablename__,
            subject_id=record.id,
            params={
                # JSON has no moments; the filter `datetime` reads their ISO text.
                name: value.isoformat() if isinstance(value, datetime) else value
                for name, value in params.items()
            },
            in_app=in_app,
        )
    )
    defer(session, DELIVER)


def mark_read(
    session: Session,  # noqa: ARG001 - every rule takes it first
    notification: Notification,
    *,
    actor: Any,
) -> None:
    """Note that `actor` has read their own notification."""
    if notification.user_id == actor.id and notification.read_at is None:
        notification.read_at = clock.now()


def mark_all_read(session: Session, *, actor: Any) -> None:
    """Note that `actor` has read everything."""
    session.execute(
        sa.update(Notification)
        .where(Notification.user_id == actor.id, Notification.read_at.is_(None))
        .values(read_at=clock.now())
    )

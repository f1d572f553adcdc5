"""Send the mail of notices: after the transaction that wrote them, and every minute.

Nothing is locked while a mail server is talked to. A worker *claims* one notice by moving its
next attempt into the future, in a transaction of its own, then sends, then writes down what
came of it. A worker that dies leaves a claim which runs out.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa
import structlog
from flask import current_app

from bidding import clock
from bidding.background import enqueue, every, job
from bidding.boundary import reading, unit_of_work
from bidding.config import Settings
from bidding.notifications import letters
from bidding.notifications.models import Notification
from bidding.notifications.queries import MAX_ATTEMPTS, is_due, letter
from bidding.notifications.rules import DELIVER
from bidding.notifications.transports import (
    PutOff,
    Refused,
    Transport,
    Unreachable,
    make_transport,
)

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=10)
"""How long a claim holds; well above what one mail can take with the transport's time-outs."""

LONGEST_WAIT = timedelta(hours=12)
PER_RUN = 200
"""Mails of one run; more are left to the next, so that a worker can be stopped."""


@every(DELIVER, minute="*")
@job(DELIVER)
def deliver() -> None:
    """Send what is due. A server that is down ends the run; the rest waits for the next."""
    settings: Settings = current_app.config["SETTINGS"]
    with make_transport(settings) as transport:
        for _ in range(PER_RUN):
            ident = _claim()
            if ident is None:
                return
            try:
                _send(ident, transport, settings)
            except Unreachable:
                return
    enqueue(DELIVER)


def wait_after(attempts: int) -> timedelta:
    """How long to wait after so many attempts: 1, 2, 4 … minutes, at most half a day."""
    return min(timedelta(minutes=2 ** (attempts - 1)), LONGEST_WAIT)


def _claim() -> int | None:
    """Take one due notice, so that no other worker does; its id.

    The condition is said twice: the outer one is checked again when this statement had to
    wait for another worker's.
    """
    moment = clock.now()
    due = is_due(moment)
    first = (
        sa.select(Notification.id)
        .where(due)
        .order_by(Notification.next_attempt_at, Notification.id)
        .limit(1)
        .scalar_subquery()
    )
    with unit_of_work() as session:
        return session.scalar(
            sa.update(Notification)
            .where(Notification.id == first, due)
            .values(attempts=Notification.attempts + 1, next_attempt_at=moment + LEASE)
            .returning(Notification.id)
            .execution_options(synchronize_session=False)
        )


def _send(ident: int, transport: Transport, settings: Settings) -> None:
    with reading() as session:
        notification = session.scalars(letter(ident)).one()
        attempts, address = notification.attempts, notification.address
        try:
            message = letters.compose(notification, settings, encoding=transport.encoding)
        except Exception as error:  # a broken template must not hold up the others
            log.exception("mail_not_composed", notification=ident, event_name=notification.event)
            message, fault = None, f"{type(error).__name__}: {error}"
    if message is None:
        _put_off(ident, attempts, fault)
        return
    try:
        transport.send(message, address)
    except Refused as refusal:
        log.error("mail_refused", notification=ident, answer=str(refusal))
        _note(ident, attempts=MAX_ATTEMPTS, last_error=str(refusal))
    except PutOff as delay:
        _put_off(ident, attempts, str(delay))
    except Unreachable as failure:
        log.warning("mail_server_unreachable", notification=ident, answer=str(failure))
        _put_off(ident, attempts, str(failure))
        raise
    else:
        _note(ident, mailed_at=clock.now(), last_error="")


def _put_off(ident: int, attempts: int, why: str) -> None:
    if attempts >= MAX_ATTEMPTS:
        log.error("mail_given_up", notification=ident, attempts=attempts, answer=why)
    _note(ident, next_attempt_at=clock.now() + wait_after(attempts), last_error=why)


def _note(ident: int, **values: Any) -> None:
    with unit_of_work() as session:
        session.execute(
            sa.update(Notification)
            .where(Notification.id == ident)
            .values(**values)
            .execution_options(synchronize_session=False)
        )

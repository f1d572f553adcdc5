"""Signed links in mails, which prove that their reader owns the address.

A token is made when the mail is rendered, so none is ever stored. It holds as long as its
purpose allows and until the user's session key changes: used once, or overtaken by a newer
password, it is worthless.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta
from enum import StrEnum

from flask import current_app, url_for
from itsdangerous import BadData, TimestampSigner, URLSafeTimedSerializer
from sqlalchemy.orm import Session

from bidding import clock
from bidding.accounts import queries, rules
from bidding.accounts.models import User
from bidding.notifications.links import link_of
from bidding.notifications.models import Notification


class Purpose(StrEnum):
    """What a link is for; a token for one is worthless for the other."""

    CONFIRM = "confirm"
    RESET = "reset"


LIFETIME = {Purpose.CONFIRM: timedelta(days=3), Purpose.RESET: timedelta(hours=2)}


class _Signer(TimestampSigner):
    def get_timestamp(self) -> int:
        return int(clock.now().timestamp())


def make(purpose: Purpose, user: User) -> str:
    """A token that lets its bearer do `purpose` as `user`."""
    return str(_serializer(purpose).dumps([user.id, _state(user)]))


def read(session: Session, purpose: Purpose, token: str) -> User | None:
    """The user of a token that still holds."""
    try:
        ident, state = _serializer(purpose).loads(
            token, max_age=int(LIFETIME[purpose].total_seconds())
        )
    except BadData:
        return None
    user = session.scalar(queries.with_organization(ident))
    if user is None or user.deactivated_at is not None:
        return None
    return user if hmac.compare_digest(state, _state(user)) else None


def _serializer(purpose: Purpose) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(
        str(current_app.secret_key),
        salt=f"jiebang.accounts.{purpose}",
        signer=_Signer,
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
    )


def _state(user: User) -> str:
    return hashlib.sha256(user.session_key.encode()).hexdigest()[:20]


@link_of(rules.CONFIRM_ADDRESS)
def _confirmation(notification: Notification) -> str:
    return url_for("accounts.confirm", token=make(Purpose.CONFIRM, notification.user))


@link_of(rules.RESET_PASSWORD)
def _reset(notification: Notification) -> str:
    return url_for("accounts.reset", token=make(Purpose.RESET, notification.user))


@link_of(rules.ALREADY_REGISTERED)
def _sign_in(_notification: Notification) -> str:
    return url_for("accounts.sign_in")


@link_of(rules.PASSWORD_CHANGED)
def _request_reset(_notification: Notification) -> str:
    return url_for("accounts.request_reset")

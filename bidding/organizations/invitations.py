"""The link in the mail that invites somebody to join.

Its token only names the invitation; whether that is still open is for the database to say.
"""

from __future__ import annotations

import hashlib

from flask import current_app, url_for
from itsdangerous import BadData, URLSafeSerializer

from bidding.notifications.links import link_of
from bidding.notifications.models import Notification
from bidding.organizations import rules


def make_token(ident: int) -> str:
    """The token of invitation `ident`, for the address ``/invitations/<token>``."""
    return str(_serializer().dumps(ident))


def read_token(token: str) -> int | None:
    """The invitation that `token` names, or None if we did not make it."""
    try:
        return int(_serializer().loads(token))
    except BadData:
        return None


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(
        str(current_app.secret_key),
        salt="jiebang.organizations.invitation",
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
    )


@link_of(rules.INVITE)
def _link(notification: Notification) -> str:
    return url_for("organizations.join", token=make_token(notification.subject_id or 0))

"""Who a request comes from, and how a session begins and ends."""

from __future__ import annotations

from flask import g, session
from flask_login import AnonymousUserMixin, login_user, logout_user

from bidding import i18n
from bidding.accounts import queries
from bidding.accounts.models import User
from bidding.extensions import db, login


class Visitor(AnonymousUserMixin):
    """Somebody without an account, with the attributes that pages ask of a user."""

    name = ""
    role = None
    locale = None
    membership = None
    organization = None
    organization_id = None
    is_staff = False
    is_administrator = False


login.anonymous_user = Visitor


@login.user_loader
def load_user(identity: str) -> User | None:
    """The user of a session, with their organization; None once the session was ended."""
    ident, _, session_key = identity.partition(".")
    if not ident.isdecimal():
        return None
    user = db.session.scalar(queries.with_organization(int(ident)))
    if user is None or user.session_key != session_key or not user.is_active:
        return None
    g.user_id = user.id
    return user


def begin(user: User) -> None:
    """Sign `user` in with a fresh session: nothing of the visitor's but the language stays."""
    _clear()
    session.permanent = True
    login_user(user)
    g.user_id = user.id


def end() -> None:
    """Sign out on this device; the language stays."""
    logout_user()
    _clear()


def _clear() -> None:
    locale = session.get(i18n.KEY)
    session.clear()
    if locale in i18n.LOCALES:
        i18n.remember(locale)

"""Verbs that change users."""

from __future__ import annotations

import re
import secrets

import structlog
from sqlalchemy.orm import Session

from bidding import audit, clock
from bidding.accounts import passwords, queries
from bidding.accounts.models import Role, User
from bidding.notifications.rules import notify
from bidding.violations import RuleViolation
from bidding.vocabulary import N_

log = structlog.get_logger(__name__)

CONFIRM_ADDRESS = "accounts.confirm_address"
ALREADY_REGISTERED = "accounts.already_registered"
RESET_PASSWORD = "accounts.reset_password"  # noqa: S105 - the name of a mail
PASSWORD_CHANGED = "accounts.password_changed"  # noqa: S105 - the name of a mail

_ADDRESS = re.compile(r"[^\s@<>,;\"]{1,64}@[^\s@<>,;\"]{1,189}")


class AddressNotConfirmed(RuleViolation):
    """The password is right, but the mailed link has not been followed yet."""


def register(session: Session, *, email: str, name: str, password: str, locale: str) -> None:
    """Make an account that works once its address is confirmed by the mailed link.

    Answers the same whether or not the address is known; only its mailbox learns which. Who
    registers an unconfirmed address again takes it over, and earlier links stop working:
    otherwise a stranger could register it first and wait for its owner to confirm.

    Raises
    ------
    RuleViolation
        Naming the field `email`, `name` or `password`.
    """
    email, name = _address(email), _one_line(name)
    passwords.demand_strength(password, email=email, name=name)
    password_hash = passwords.hash_of(password)
    user = session.scalar(queries.by_email(email))
    if user is not None and user.confirmed_at is not None:
        notify(session, ALREADY_REGISTERED, user, [user], in_app=False)
        return
    if user is None:
        user = User(email=email, name=name, password_hash=password_hash, locale=locale)
        session.add(user)
    else:
        user.name, user.password_hash, user.locale = name, password_hash, locale
        _end_sessions(user)
    audit.record(session, "accounts.register", user, actor=None)
    notify(session, CONFIRM_ADDRESS, user, [user], in_app=False)


def resend_confirmation(session: Session, *, email: str) -> None:
    """Send the confirmation link again, if `email` still waits for it."""
    user = session.scalar(queries.by_email(email))
    if user is not None and user.confirmed_at is None:
        notify(session, CONFIRM_ADDRESS, user, [user], in_app=False)


def confirm(session: Session, user: User) -> None:
    """Note that the owner of the address followed the link."""
    if user.confirmed_at is None:
        user.confirmed_at = clock.now()
        audit.record(session, "accounts.confirm", user, actor=user)


def authenticate(session: Session, email: str, password: str) -> User:
    """The user who signs in. Takes as long for an address that nobody has.

    Raises
    ------
    AddressNotConfirmed
        The password is right, the address unconfirmed.
    RuleViolation
        Everything else. Whether an account exists is told only to who knows its password.
    """
    user = session.scalar(queries.by_email(email))
    if not passwords.matches(user.password_hash if user else None, password) or user is None:
        _log_failure(user, "password")
        raise RuleViolation(
            N_("This e-mail address and password do not belong together."), field="password"
        )
    if user.deactivated_at is not None:
        _log_failure(user, "deactivated")
        raise RuleViolation(
            N_("This account has been deactivated. Ask the people who run the programme.")
        )
    if user.confirmed_at is None:
        _log_failure(user, "unconfirmed")
        raise AddressNotConfirmed(
            N_("Confirm your address first: open the link in the mail that we sent you.")
        )
    if passwords.is_outdated(user.password_hash):
        user.password_hash = passwords.hash_of(password)
    audit.record(session, "accounts.sign_in", user, actor=user, changes={})
    return user


def sign_out(session: Session, user: User) -> None:
    """Note that `user` signed out."""
    audit.record(session, "accounts.sign_out", user, actor=user, changes={})


def request_reset(session: Session, *, email: str) -> None:
    """Mail a link to choose a new password, if there is such an account. Tells nobody else."""
    user = session.scalar(queries.by_email(email))
    if user is not None and user.deactivated_at is None:
        audit.record(session, "accounts.request_reset", user, actor=None, changes={})
        notify(session, RESET_PASSWORD, user, [user], in_app=False)


def reset_password(session: Session, user: User, *, password: str) -> None:
    """Set the password of who followed the mailed link, and end every session of theirs.

    The link went to the mailbox, so it confirms the address as well.
    """
    passwords.demand_strength(password, email=user.email, name=user.name)
    user.password_hash = passwords.hash_of(password)
    user.confirmed_at = user.confirmed_at or clock.now()
    _end_sessions(user)
    audit.record(session, "accounts.reset_password", user, actor=user)
    notify(session, PASSWORD_CHANGED, user, [user], in_app=False)


def change_password(
    session: Session, user: User, *, actor: User, current: str, password: str
) -> User:
    """Set a new password, given the current one, and end every session, this one too.

    Raises
    ------
    RuleViolation
        Naming the field `current` or `password`.
    """
    if not passwords.matches(user.password_hash, current):
        _log_failure(user, "change_password")
        raise RuleViolation(N_("This is not your current password."), field="current")
    passwords.demand_strength(password, email=user.email, name=user.name)
    user.password_hash = passwords.hash_of(password)
    _end_sessions(user)
    audit.record(session, "accounts.change_password", user, actor=actor, changes={})
    notify(session, PASSWORD_CHANGED, user, [user], in_app=False)
    return user


def update(session: Session, user: User, *, actor: User, **facts: str) -> None:
    """Change the `name` or the `locale` of an account."""
    if "name" in facts:
        facts["name"] = _one_line(facts["name"])
    for key, value in facts.items():
        setattr(user, key, value)
    if changes := audit.pending_changes(user):
        audit.record(session, "accounts.update", user, actor=actor, changes=changes)


def create_user(
    session: Session,
    *,
    email: str,
    name: str,
    password: str,
    role: Role,
    locale: str = "zh_Hans_CN",
    actor: User | None = None,
) -> User:
    """Make a confirmed account, for the command line and the demo.

    Raises
    ------
    RuleViolation
        Naming the field, also when the address is taken.
    """
    email, name = _address(email), _one_line(name)
    if session.scalar(queries.by_email(email)) is not None:
        raise RuleViolation(N_("There is an account with this address already."), field="email")
    passwords.demand_strength(password, email=email, name=name)
    user = User(
        email=email,
        name=name,
        password_hash=passwords.hash_of(password),
        role=role,
        locale=locale,
        confirmed_at=clock.now(),
    )
    session.add(user)
    audit.record(session, "accounts.create", user, actor=actor)
    return user


def deactivate(session: Session, user: User, *, actor: User | None = None) -> None:
    """Close an account: its sessions end and it cannot sign in."""
    if user.deactivated_at is not None:
        return
    user.deactivated_at = clock.now()
    _end_sessions(user)
    audit.record(session, "accounts.deactivate", user, actor=actor)


def _end_sessions(user: User) -> None:
    """Make every session and every mailed link of `user` worthless."""
    user.session_key = secrets.token_urlsafe(16)


def _log_failure(user: User | None, why: str) -> None:
    # Not the typed address: people type their password into the wrong box.
    log.warning(
        "sign_in_failed",
        why=why,
        user=user.id if user is not None else None,
        address=audit.origin.get().address,
    )


def _address(email: str) -> str:
    email = email.strip().lower()
    if not _ADDRESS.fullmatch(email) or not email.isprintable():
        raise RuleViolation(N_("Enter an e-mail address such as name@example.com."), field="email")
    return email


def _one_line(name: str) -> str:
    name = " ".join(name.split())
    if not name:
        raise RuleViolation(N_("Enter your name."), field="name")
    return name

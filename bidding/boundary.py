"""Where a unit of work begins and ends: requests, jobs and commands.

The only commits of the application are here. A request that changes something is committed
after its view returned a good answer; a GET is never committed, so it cannot write.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import structlog
from flask import Flask, Response, abort, current_app, g, redirect, request, url_for
from flask.sessions import SecureCookieSessionInterface
from flask_login import current_user
from sqlalchemy.orm import Session
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response as BaseResponse

from bidding import audit, background, deferred
from bidding.db import BIGGEST_ID
from bidding.extensions import db
from bidding.permissions import Permission, allows, may_enter

log = structlog.get_logger(__name__)

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
Record = TypeVar("Record")

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none';"
        " form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class Application(Flask):
    """Flask, committing at the end of a view that succeeded."""

    def dispatch_request(self) -> Response:
        response = self.make_response(super().dispatch_request())
        if request.method not in SAFE_METHODS:
            if response.status_code < 400:
                commit(db.session)
            else:
                deferred.take(db.session)
                db.session.rollback()
        return response


class CookieSessions(SecureCookieSessionInterface):
    """Session cookies are Secure wherever the site is not on loopback."""

    def get_cookie_secure(self, app: Flask) -> bool:  # noqa: ARG002 - Flask's signature
        return not on_loopback()


def on_loopback() -> bool:
    """Whether this request came to a loopback address."""
    host = request.host
    return (host if host.endswith("]") else host.rsplit(":", 1)[0]) in LOOPBACK


def init_app(app: Flask) -> None:
    """Name every request, before anything can refuse it."""
    app.session_interface = CookieSessions()
    if hops := app.config["SETTINGS"].trusted_proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops
        )
    app.before_request(_name)
    app.after_request(_finish)


def guard(app: Flask) -> None:
    """Open the unit of work and the gate, behind the extensions' own checks."""
    app.before_request(_begin)
    app.before_request(_gate)


def _name() -> None:
    g.started = time.perf_counter()
    g.request_id = secrets.token_hex(8)
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)
    audit.origin.set(audit.Origin("web", g.request_id, request.remote_addr or ""))


def _begin() -> None:
    if request.method not in SAFE_METHODS:
        db.session.connection(execution_options={"writes": True})


def _gate() -> BaseResponse | None:
    """Refuse whoever cannot hold the permission of the view; an undeclared view is a fault."""
    if request.endpoint is None or request.endpoint == "static":
        return None
    view = current_app.view_functions[request.endpoint]
    permission: Permission | None = getattr(view, "permission", None)
    if permission is None:
        raise RuntimeError(f"the view {request.endpoint} declares no permission")
    if may_enter(current_user, permission):
        return None
    if current_user.is_authenticated:
        abort(403)
    return redirect(sign_in_url())


def sign_in_url() -> str:
    """The sign-in page, coming back here afterwards where that makes sense."""
    here = request.full_path.rstrip("?") if request.method in SAFE_METHODS else None
    return url_for("accounts.sign_in", next=here)


def _finish(response: Response) -> Response:
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    if request.endpoint != "static":
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers["X-Request-ID"] = g.get("request_id", "")
        log.info(
            "request",
            method=request.method,
            path=loggable_path(),
            status=response.status_code,
            ms=round((time.perf_counter() - g.get("started", time.perf_counter())) * 1000, 1),
            user=g.get("user_id"),
        )
    return response


def loggable_path() -> str:
    """The path without the one-time token that a mailed link carries."""
    token = (request.view_args or {}).get("token")
    return request.path.replace(token, "<token>") if token else request.path


def commit(session: Session) -> None:
    """Commit `session`, then queue what its rules deferred."""
    session.commit()
    for name, args in deferred.take(session):
        background.enqueue(name, *args)


@contextmanager
def unit_of_work(channel: str = "job") -> Iterator[Session]:
    """A session of its own that is committed at the end of the block, or rolled back."""
    token = audit.origin.set(audit.Origin(channel, secrets.token_hex(8)))
    try:
        with db.sessionmaker() as session:
            session.connection(execution_options={"writes": True})
            yield session
            commit(session)
    finally:
        audit.origin.reset(token)


@contextmanager
def reading() -> Iterator[Session]:
    """A session of its own that only reads: long work does not hold the write lock."""
    with db.sessionmaker() as session:
        yield session


def load(
    entity: type[Record] | Any,
    ident: int,
    permission: Permission,
    *,
    readable: Permission | None = None,
    options: tuple[Any, ...] = (),
) -> Record:
    """Load one record that the current user holds `permission` on.

    A record that the user may not even read (`readable`, where that differs from
    `permission`) does not exist for them: 404. One they may read but not act on: 403.
    """
    record = find(entity, ident, options=options)
    if not allows(current_user, permission, record):
        abort(403 if readable and allows(current_user, readable, record) else 404)
    return record


def find(entity: type[Record] | Any, ident: int, *, options: tuple[Any, ...] = ()) -> Record:
    """One record whoever may read it, or 404: for choosing among what a page lists anyway."""
    if not 0 < ident <= BIGGEST_ID:
        abort(404)
    return db.get_or_abort(entity, ident, options=list(options))

"""Error pages: what happened, what to do now, and the request id to quote."""

from __future__ import annotations

from typing import NamedTuple

import structlog
from flask import Flask, g, redirect, render_template, request
from flask_babel import gettext
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from bidding import deferred
from bidding.boundary import loggable_path, sign_in_url
from bidding.extensions import db, login
from bidding.violations import AccessDenied, InvalidTransition, RuleViolation
from bidding.vocabulary import N_

log = structlog.get_logger(__name__)

_DUPLICATE = frozenset({"SQLITE_CONSTRAINT_UNIQUE", "23505"})
"""What SQLite and PostgreSQL call a value that is there already."""


class Page(NamedTuple):
    """The words of one error page."""

    title: str
    what_now: str


PAGES = {
    400: Page(
        N_("That request could not be understood"),
        N_("Go back, check what you entered and try again."),
    ),
    403: Page(
        N_("You do not have access to this"),
        N_("You may need to sign in with another account, or ask the owner of your organization."),
    ),
    404: Page(
        N_("There is nothing here"),
        N_("The address may be mistyped, or what was here is not public."),
    ),
    405: Page(
        N_("That cannot be done at this address"),
        N_("Go back and use the buttons on the page."),
    ),
    409: Page(
        N_("This can no longer be done"),
        N_("Somebody else, or the clock, was faster. Go back and reload the page to see."),
    ),
    413: Page(
        N_("That is too large"),
        N_("Send less at once."),
    ),
    429: Page(
        N_("Too many attempts"),
        N_("Wait a minute, then try again."),
    ),
    500: Page(
        N_("Something went wrong on our side"),
        N_("Nothing was half-saved. Try again; if it happens again, tell us the request number."),
    ),
}


def init_app(app: Flask) -> None:
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(CSRFError, _csrf)
    app.register_error_handler(RuleViolation, _violation)
    app.register_error_handler(StaleDataError, _stale)
    app.register_error_handler(IntegrityError, _collision)
    app.register_error_handler(Exception, _fault)


def _page(code: int, detail: str = "") -> tuple[str, int]:
    deferred.take(db.session)
    db.session.rollback()
    page = PAGES.get(code, PAGES[500 if code >= 500 else 400])
    html = render_template(
        "errors/error.html",
        code=code,
        title=gettext(page.title),
        what_now=gettext(page.what_now),
        detail=detail,
        request_id=g.get("request_id", ""),
    )
    return html, code


def _http(
    error: HTTPException,
) -> tuple[str, int, list[tuple[str, str]]] | HTTPException | Response:
    if error.code is None or error.code < 400:
        return error
    if error.code == 401:
        return redirect(sign_in_url())
    html, code = _page(error.code)
    # Allow and Retry-After tell programs what the page tells people.
    headers = [(name, value) for name, value in error.get_headers() if name != "Content-Type"]
    return html, code, headers


def _csrf(_error: CSRFError) -> tuple[str, int]:
    return _page(
        400,
        gettext(
            "The page was open for too long, or cookies are blocked. "
            "Go back, copy what you typed, reload the page and send it again."
        ),
    )


def _violation(error: RuleViolation) -> tuple[str, int]:
    code = {AccessDenied: 403, InvalidTransition: 409}.get(type(error), 400)
    return _page(code, gettext(error.message) % error.params)


def _stale(_error: StaleDataError) -> tuple[str, int]:
    return _page(409, gettext("Somebody else changed this while you were looking at it."))


def _collision(error: IntegrityError) -> tuple[str, int]:
    """Two requests made the same thing at once: the rules of neither saw the other's."""
    if not _is_duplicate(error.orig):
        return _fault(error)
    log.warning("collision", path=loggable_path(), method=request.method)
    return _page(409)


def _is_duplicate(error: BaseException | None) -> bool:
    """Whether the database found a value that must be unique, on either kind of database."""
    names = (getattr(error, "sqlite_errorname", None), getattr(error, "sqlstate", None))
    return not _DUPLICATE.isdisjoint(names)


def _fault(_error: Exception) -> tuple[str, int]:
    log.exception("fault", path=loggable_path(), method=request.method)
    g.fault = True
    g._login_user = login.anonymous_user()  # noqa: SLF001 - whom to greet is the database's to say
    try:
        return _page(500)
    except Exception:  # the page itself may need what just failed
        log.exception("error_page_failed")
        text = f"500 · {PAGES[500].title} · {g.get('request_id', '')}"
        return text, 500

"""Views that do what no real view should, so that the frame around them can be watched."""

from __future__ import annotations

from flask import Blueprint, Response, abort, request
from sqlalchemy.orm.exc import StaleDataError

from bidding import background, deferred
from bidding.accounts.models import User
from bidding.boundary import load
from bidding.challenges.models import Challenge
from bidding.extensions import db
from bidding.permissions import Permission, requires
from bidding.violations import AccessDenied, InvalidTransition, ReasonRequired, RuleViolation
from bidding.vocabulary import N_

bp = Blueprint("probe", __name__, url_prefix="/probe")

notes: list[str] = []
"""What the probe's job was called with."""

REFUSALS = {
    "access": AccessDenied(),
    "transition": InvalidTransition(N_("The challenge is not under evaluation.")),
    "reason": ReasonRequired(),
    "input": RuleViolation("There is no %(thing)s.", thing="<b>bold</b> word"),
    "stale": StaleDataError("version"),
    "fault": ZeroDivisionError("secret detail"),
}


def register_jobs() -> None:
    background.job("probe.note")(notes.append)
    background.job("probe.write")(write_user)


def forget_jobs() -> None:
    for name in ("probe.note", "probe.write"):
        background._jobs.pop(name)


def write_user(email: str) -> None:
    from bidding.boundary import unit_of_work  # noqa: PLC0415 - only the job needs it

    with unit_of_work() as session:
        session.add(User(email=email, name=email, password_hash="-"))


@bp.route("/users/<email>", methods=["GET", "POST"])
@requires(Permission.VISIT)
def make_user(email: str) -> tuple[str, int] | Response:
    """Write a row and defer a job, then answer as `?then=` says."""
    db.session.add(User(email=email, name=email, password_hash="-"))
    db.session.flush()
    deferred.defer(db.session, "probe.note", email)
    then = request.args.get("then", "200")
    if then in REFUSALS:
        raise REFUSALS[then]
    if int(then) >= 500:
        abort(int(then))
    return "done", int(then)


@bp.route("/refusals/<name>")
@requires(Permission.VISIT)
def refuse(name: str) -> str:
    raise REFUSALS[name]


@bp.route("/status/<int:code>")
@requires(Permission.VISIT)
def status(code: int) -> str:
    abort(code)


@bp.route("/length", methods=["POST"])
@requires(Permission.VISIT)
def length() -> str:
    return str(len(request.form))


@bp.route("/undeclared")
def undeclared() -> str:
    return "nobody may see this"


@bp.route("/queue")
@requires(Permission.WORK_QUEUE)
def queue() -> str:
    return "the queue"


@bp.route("/account", methods=["GET", "POST"])
@requires(Permission.USE_ACCOUNT)
def account() -> str:
    return "the account"


@bp.route("/challenges/<int:ident>/edit")
@requires(Permission.EDIT_CHALLENGE)
def edit(ident: int) -> str:
    return load(
        Challenge, ident, Permission.EDIT_CHALLENGE, readable=Permission.READ_CHALLENGE
    ).title

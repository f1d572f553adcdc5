"""The home page, and what needs each person now."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from flask_login import current_user

from bidding.dashboards import queries
from bidding.extensions import db
from bidding.matching import exposure
from bidding.matching.models import Side
from bidding.organizations.models import Organization
from bidding.permissions import Permission, allows, requires

bp = Blueprint("dashboards", __name__)

CLOSING_SOON = 3
NEWEST = 6


@bp.get("/")
@requires(Permission.VISIT)
def home() -> ResponseReturnValue:
    """The programme in one screen, and what is open."""
    soon = list(db.session.scalars(queries.closing_soon(CLOSING_SOON)))
    latest = db.session.scalars(queries.newest(CLOSING_SOON + NEWEST))
    return render_template(
        "dashboards/home.html",
        figures=queries.Figures(*db.session.execute(queries.figures()).one()),
        soon=soon,
        newest=[challenge for challenge in latest if challenge not in soon][:NEWEST],
    )


@bp.get("/dashboard")
@requires(Permission.USE_ACCOUNT)
def work() -> ResponseReturnValue:
    """What this person's roles ask of them, the most urgent first."""
    organization = current_user.organization
    context: dict[str, Any] = {}
    if allows(current_user, Permission.WORK_QUEUE):
        row = db.session.execute(queries.queue(current_user.organization_id)).one()
        context["queue"] = queries.Queue(*row)
    if organization is not None:
        context |= _as_poster(organization) if organization.is_large else _as_solver(organization)
    html = render_template("dashboards/work.html", organization=organization, **context)
    if allows(current_user, Permission.SEE_RECOMMENDATIONS, organization):
        recommended = context["recommended"]
        exposure.shown(
            Side.SOLVER, [(one.challenge_id, one.organization_id) for one in recommended]
        )
    return html


def _as_poster(organization: Organization) -> dict[str, Any]:
    return {"posted": list(db.session.scalars(queries.posted(organization.id)))}


def _as_solver(organization: Organization) -> dict[str, Any]:
    return {
        "solutions": list(db.session.scalars(queries.in_hand(organization.id))),
        "invited": list(db.session.scalars(queries.invited(organization.id))),
        "recommended": list(db.session.scalars(queries.recommended(organization.id))),
    }

"""Suggestions for the poster, recommendations for the SME."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from bidding.boundary import find, load
from bidding.challenges.models import Challenge
from bidding.extensions import db
from bidding.matching import queries, rules
from bidding.matching.index import PER_CHALLENGE
from bidding.organizations.models import Organization
from bidding.pagination import paginate
from bidding.permissions import Permission, demand, requires
from bidding.violations import RuleViolation

bp = Blueprint("matching", __name__)


@bp.get("/challenges/<int:ident>/suggestions")
@requires(Permission.SEE_SUGGESTIONS)
def suggestions(ident: int) -> ResponseReturnValue:
    challenge = load(
        Challenge, ident, Permission.SEE_SUGGESTIONS, readable=Permission.READ_CHALLENGE
    )
    return render_template(
        "matching/suggestions.html",
        challenge=challenge,
        suggestions=db.session.scalars(queries.suggestions_for(ident, PER_CHALLENGE)).all(),
        invited=set(db.session.scalars(queries.invited_to(ident))),
    )


@bp.post("/challenges/<int:ident>/invitations")
@requires(Permission.INVITE_SOLVER)
def invite(ident: int) -> ResponseReturnValue:
    challenge = load(Challenge, ident, Permission.INVITE_SOLVER, readable=Permission.READ_CHALLENGE)
    organization = find(Organization, request.form.get("organization", 0, type=int))
    try:
        rules.invite(db.session, challenge, organization, actor=current_user)
    except RuleViolation as refusal:
        if type(refusal) is not RuleViolation:
            raise
        flash(_(refusal.message), "warning")
    else:
        flash(_("%(name)s has been invited.", name=organization.name), "success")
    return redirect(url_for("matching.suggestions", ident=ident))


@bp.get("/recommendations")
@requires(Permission.SEE_RECOMMENDATIONS)
def recommendations() -> ResponseReturnValue:
    organization = current_user.organization
    if organization is None:
        return redirect(url_for("organizations.own"))
    demand(current_user, Permission.SEE_RECOMMENDATIONS, organization)
    return render_template(
        "matching/recommendations.html",
        organization=organization,
        invitations=db.session.scalars(queries.invitations_to(organization.id)).all(),
        page=paginate(db.session, queries.recommendations_for(organization.id)),
    )

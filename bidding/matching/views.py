"""Suggestions for the poster, recommendations for the SME, and what they say of them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user

from bidding.boundary import find, load
from bidding.challenges.models import Challenge
from bidding.config import SettingsError
from bidding.extensions import db
from bidding.matching import exposure, index, pairs, policy, queries, rules, teams
from bidding.matching.alike import Alike, challenges_like
from bidding.matching.consortia import MOST_MEMBERS
from bidding.matching.facts import Gate, conditions, passes
from bidding.matching.models import Feedback, Side, Verdict
from bidding.matching.pairing import PER_CHALLENGE
from bidding.organizations.models import Organization
from bidding.organizations.queries import WHOLE
from bidding.pagination import paginate
from bidding.permissions import Permission, allows, demand, requires
from bidding.transitions import next_address
from bidding.violations import AccessDenied, RuleViolation
from bidding.vocabulary import N_

bp = Blueprint("matching", __name__)
bp.after_app_request(exposure.note_opening)

_SAID = {
    (Side.POSTER, Verdict.INTERESTED): _l("%(name)s is at the top of your suggestions now."),
    (Side.POSTER, Verdict.NOT_RELEVANT): _l(
        "%(name)s is set aside, at the end of your suggestions."
    ),
    (Side.POSTER, None): _l("Taken back. %(name)s stands where its score puts it."),
    (Side.SOLVER, Verdict.INTERESTED): _l(
        "The poster of “%(title)s” sees that you are interested."
    ),
    (Side.SOLVER, Verdict.NOT_RELEVANT): _l(
        "“%(title)s” is set aside, at the end of your recommendations."
    ),
    (Side.SOLVER, None): _l("Taken back. “%(title)s” stands where its score puts it."),
}


@bp.record_once
def _read_policy(state: BlueprintSetupState) -> None:
    """Rank by the policy of the settings; a broken one is told at the start, not at night."""
    try:
        policy.put_in_force(state.app.config["SETTINGS"].matching_policy)
    except policy.PolicyError as error:
        raise SettingsError(f"BIDDING_MATCHING_POLICY: {error}") from error


@bp.record_once
def _set_up_shelves(state: BlueprintSetupState) -> None:
    index.init_app(state.app)


@bp.app_context_processor
def _for_pages() -> dict[str, Any]:
    return {
        "conditions_for": conditions_for,
        "introduced_to": introduced_to,
        "much_like": much_like,
    }


def much_like(challenge: Challenge) -> list[Alike]:
    """For ``matching/_alike.html``, which pages of challenges further down include."""
    return challenges_like(db.session, challenge, reader=current_user)


def introduced_to(challenge: Challenge) -> list[Organization]:
    """The SMEs that the poster told the reader's SME of. One query."""
    query = queries.introduced_to(challenge.id, current_user.organization_id)
    return list(db.session.scalars(query))


def conditions_for(challenge: Challenge) -> list[Gate]:
    """What the poster asks of takers, and whether the reader's organization meets it."""
    organization = current_user.organization if current_user.is_authenticated else None
    return conditions(challenge, organization) if organization else []


@bp.get("/challenges/<int:ident>/suggestions")
@requires(Permission.SEE_SUGGESTIONS)
def suggestions(ident: int) -> ResponseReturnValue:
    challenge = load(
        Challenge, ident, Permission.SEE_SUGGESTIONS, readable=Permission.READ_CHALLENGE
    )
    # What both sides said is between them: others read what the matcher found.
    is_poster = allows(current_user, Permission.GIVE_FEEDBACK, challenge)
    query = queries.suggestions_to_poster if is_poster else queries.suggestions_for
    suggestions = db.session.scalars(query(ident, PER_CHALLENGE)).all()
    proposals = teams.proposals(db.session, ident, for_poster=is_poster)
    html = render_template(
        "matching/suggestions.html",
        challenge=challenge,
        suggestions=suggestions,
        proposals=proposals,
        invited=set(db.session.scalars(queries.invited_to(ident))),
        **(_said_of(ident) if is_poster else {}),
    )
    if is_poster:
        seen = {each.organization_id for each in suggestions} | proposals.members
        exposure.shown(Side.POSTER, [(ident, each) for each in sorted(seen)])
    return html


def _said_of(challenge_id: int) -> dict[str, Any]:
    """What a poster and the SMEs said of each other, as far as the poster may know it."""
    liked, keen = (
        set(db.session.scalars(queries.interested_in(challenge_id, side))) for side in Side
    )
    set_aside = db.session.scalars(queries.set_aside_by_poster(challenge_id)).all()
    return {"liked": liked, "keen": keen, "set_aside": set_aside}


@bp.get("/challenges/<int:ident>/pairings/<int:organization_id>")
@requires(Permission.SEE_PAIR)
def pair(ident: int, organization_id: int) -> ResponseReturnValue:
    """Why a challenge and an SME fit, to whoever is on one side of the two."""
    challenge = load(Challenge, ident, Permission.READ_CHALLENGE)
    organization = find(Organization, organization_id, options=WHOLE)
    if not organization.may_solve:
        abort(404)
    side = pairs.looks_from(challenge, organization)
    if side is not None:
        exposure.opened(ident, organization_id, side)
    return render_template(
        "matching/pair.html",
        challenge=challenge,
        organization=organization,
        is_solver=side is Side.SOLVER,
        is_poster=side is Side.POSTER,
        most=PER_CHALLENGE,
        **pairs.explained(challenge, organization, side),
        **pairs.said_of(challenge, organization, side),
    )


@bp.post("/challenges/<int:ident>/invitations")
@requires(Permission.INVITE_SOLVER)
def invite(ident: int) -> ResponseReturnValue:
    challenge = load(Challenge, ident, Permission.INVITE_SOLVER, readable=Permission.READ_CHALLENGE)
    organization = _named(challenge, request.form.get("organization", 0, type=int))
    try:
        rules.invite(db.session, challenge, organization, actor=current_user)
    except RuleViolation as refusal:
        if type(refusal) is not RuleViolation:
            raise
        flash(_(refusal.message), "warning")
    else:
        flash(_("%(name)s has been invited.", name=organization.name), "success")
    return redirect(url_for("matching.suggestions", ident=ident))


@bp.post("/challenges/<int:ident>/consortium-invitations")
@requires(Permission.INVITE_SOLVER)
def invite_together(ident: int) -> ResponseReturnValue:
    """Invite SMEs that cover more together, and introduce them to each other if that is wished."""
    challenge = load(Challenge, ident, Permission.INVITE_SOLVER, readable=Permission.READ_CHALLENGE)
    chosen = request.form.getlist("organization", type=int)[: MOST_MEMBERS + 1]
    organizations = [_named(challenge, each) for each in chosen]
    introduces = "introduces" in request.form
    try:
        rules.invite_together(
            db.session, challenge, organizations, actor=current_user, introduces=introduces
        )
    except RuleViolation as refusal:
        if type(refusal) is not RuleViolation:
            raise
        flash(_(refusal.message, **refusal.params), "warning")
    else:
        flash(
            _("They are invited, and know of each other.")
            if introduces
            else _("They are invited, each by itself."),
            "success",
        )
    return redirect(url_for("matching.suggestions", ident=ident))


@bp.get("/challenges/<int:ident>/partners")
@requires(Permission.SEE_RECOMMENDATIONS)
def partners(ident: int) -> ResponseReturnValue:
    """Who covers what the reader's SME does not."""
    challenge = load(Challenge, ident, Permission.READ_CHALLENGE)
    organization = current_user.organization
    demand(current_user, Permission.SEE_RECOMMENDATIONS, organization)
    if not passes(challenge, organization):
        raise AccessDenied(N_("Partners are shown for open challenges that you may take."))
    offer = index.offer_of(organization)
    return render_template(
        "matching/partners.html",
        challenge=challenge,
        fitting=teams.fitting(db.session, ident, organization.id, offer),
    )


@bp.post("/challenges/<int:ident>/feedback")
@requires(Permission.GIVE_FEEDBACK)
def feedback(ident: int) -> ResponseReturnValue:
    """What the reader's side says of a pairing; an empty verdict takes it back."""
    challenge = load(Challenge, ident, Permission.READ_CHALLENGE)
    organization = _named(challenge, request.form.get("organization", 0, type=int))
    asked = request.form.get("verdict", "")
    if asked not in ("", *Verdict):
        abort(400)
    side = rules.side_of(current_user, challenge, organization)
    verdict = Verdict(asked) if asked else None
    try:
        was_said = _say(challenge, organization, verdict)
    except RuleViolation as refusal:
        if type(refusal) is not RuleViolation:
            raise
        flash(_(refusal.message), "warning")
    else:
        words = {"name": organization.name, "title": challenge.title}
        if was_said:
            flash(_SAID[side, verdict] % words, "success")
    suggested = url_for("matching.suggestions", ident=ident)
    return redirect(
        next_address(suggested if side is Side.POSTER else url_for("matching.recommendations"))
    )


def _say(
    challenge: Challenge, organization: Organization, verdict: Verdict | None
) -> Feedback | None:
    pair = (db.session, challenge, organization)
    if verdict is None:
        return rules.take_back_feedback(*pair, actor=current_user)
    return rules.give_feedback(*pair, actor=current_user, verdict=verdict)


def _named(challenge: Challenge, organization_id: int) -> Organization:
    """The organization that a form names; 404 where the reader may not know that there is one.

    A poster who said something of an SME knows it, and can take that back whatever became of it.
    """
    organization = find(Organization, organization_id)
    if allows(current_user, Permission.READ_ORGANIZATION, organization):
        return organization
    said = queries.feedback(challenge.id, organization_id, Side.POSTER)
    is_poster = allows(current_user, Permission.GIVE_FEEDBACK, challenge)
    if not is_poster or db.session.scalar(said) is None:
        abort(404)
    return organization


@bp.get("/recommendations")
@requires(Permission.SEE_RECOMMENDATIONS)
def recommendations() -> ResponseReturnValue:
    organization = current_user.organization
    if organization is None:
        return redirect(url_for("organizations.own"))
    demand(current_user, Permission.SEE_RECOMMENDATIONS, organization)
    page = paginate(db.session, queries.recommendations_for(organization.id))
    html = render_template(
        "matching/recommendations.html",
        organization=organization,
        invitations=db.session.scalars(queries.invitations_to(organization.id)).all(),
        page=page,
        liked=set(db.session.scalars(queries.interests_of(organization.id))),
        set_aside=db.session.scalars(queries.set_aside_by_solver(organization.id)).all(),
    )
    exposure.shown(Side.SOLVER, [(each.challenge_id, organization.id) for each in page.items])
    return html

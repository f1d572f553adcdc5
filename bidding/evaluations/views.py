"""Evaluations over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user

from bidding.boundary import load
from bidding.challenges.lifecycle import LIFECYCLE as CHALLENGES
from bidding.challenges.lifecycle import ChallengeAction
from bidding.challenges.models import Challenge, ChallengeStatus
from bidding.evaluations import queries, rules
from bidding.evaluations.comparison import compare
from bidding.evaluations.forms import award_form
from bidding.extensions import db
from bidding.permissions import Permission, allows, requires
from bidding.solutions.lifecycle import LIFECYCLE as SOLUTIONS
from bidding.solutions.lifecycle import SolutionAction
from bidding.solutions.models import Solution
from bidding.transitions import buttons, route_transitions

bp = Blueprint("evaluations", __name__)


@dataclass(frozen=True)
class PublicOutcome:
    """What anyone may know of how a challenge ended."""

    status: ChallengeStatus
    statement: str
    awarded: tuple[str, ...]


@bp.app_context_processor
def _for_pages() -> dict[str, Any]:
    return {"outcome_of": outcome_of, "awarded_in": awarded_in}


def outcome_of(challenge: Challenge) -> PublicOutcome | None:
    """How `challenge` ended, or None while it has not. Two queries at most.

    For ``evaluations/_outcome.html``, which rooms further down include without importing this.
    """
    if challenge.status is ChallengeStatus.CANCELLED:
        return PublicOutcome(challenge.status, challenge.status_reason, ())
    if challenge.decided_at is None:
        return None
    decision = db.session.scalar(queries.decision_on(challenge.id))
    if decision is None:
        return None
    awarded = db.session.execute(queries.awarded_in([challenge.id]))
    return PublicOutcome(challenge.status, decision.statement, tuple(name for _, name in awarded))


def awarded_in(challenges: Sequence[Challenge]) -> dict[int, list[str]]:
    """By the id of a challenge that is decided, the SMEs it was awarded to. One query."""
    decided = [challenge.id for challenge in challenges if challenge.is_decided]
    names: dict[int, list[str]] = {}
    for ident, name in db.session.execute(queries.awarded_in(decided)):
        names.setdefault(ident, []).append(name)
    return names


@bp.route("/challenges/<int:ident>/evaluation")
@requires(Permission.READ_EVALUATION)
def detail(ident: int) -> ResponseReturnValue:
    challenge = load(
        Challenge, ident, Permission.READ_EVALUATION, readable=Permission.READ_CHALLENGE
    )
    is_poster = allows(current_user, Permission.EVALUATE_CHALLENGE, challenge)
    if not is_poster and current_user.organization_id is not None:
        abort(403)  # as for single solutions, see Solution.parties
    comparison = compare(db.session, challenge)
    return render_template(
        "evaluations/detail.html",
        challenge=challenge,
        comparison=comparison,
        actions=[b for b in buttons(CHALLENGES, challenge) if b.action in VERBS],
        actions_on={c.solution.id: buttons(SOLUTIONS, c.solution) for c in comparison.columns},
    )


@bp.route("/challenges/<int:ident>/award", methods=["GET", "POST"])
@requires(Permission.EVALUATE_CHALLENGE)
def award(ident: int) -> ResponseReturnValue:
    challenge = load(
        Challenge, ident, Permission.EVALUATE_CHALLENGE, readable=Permission.READ_CHALLENGE
    )
    if request.method == "GET" and not CHALLENGES.find(challenge.status, ChallengeAction.AWARD):
        return redirect(url_for("evaluations.detail", ident=ident))
    comparison = compare(db.session, challenge)
    form = award_form(comparison.candidates, comparison.shortlist)
    if form.attempt(
        lambda: rules.award(
            db.session,
            challenge,
            actor=current_user,
            statement=form.statement.data,
            reasons=form.reasons(),
            selected=set(form.selected.data),
        )
    ):
        flash(_("The challenge is awarded, and everyone concerned has been told."), "success")
        return redirect(url_for("evaluations.detail", ident=ident))
    page = render_template(
        "evaluations/award.html", challenge=challenge, comparison=comparison, form=form
    )
    return page, form.http_status


VERBS = {
    ChallengeAction.OPEN: (rules.open_solutions, _l("The solutions are open.")),
    ChallengeAction.FAIL: (
        rules.declare_unsuccessful,
        _l("The challenge is declared unsuccessful, and everyone concerned has been told."),
    ),
    ChallengeAction.CANCEL: (
        rules.cancel,
        _l("The challenge is cancelled, and everyone concerned has been told."),
    ),
}

route_transitions(
    bp,
    CHALLENGES,
    VERBS,
    entity=Challenge,
    path="/challenges",
    readable=Permission.READ_CHALLENGE,
    done=lambda challenge: url_for("evaluations.detail", ident=challenge.id),
)

route_transitions(
    bp,
    SOLUTIONS,
    {
        SolutionAction.PASS: (rules.pass_screening, _l("The solution passed the screening.")),
        SolutionAction.EXCLUDE: (
            rules.exclude,
            _l("The solution is excluded; its authors have been told why."),
        ),
        SolutionAction.SHORTLIST: (rules.shortlist, _l("The solution is on the shortlist.")),
    },
    entity=Solution,
    path="/solutions",
    readable=Permission.READ_SOLUTION,
    done=lambda solution: url_for("evaluations.detail", ident=solution.challenge_id),
)

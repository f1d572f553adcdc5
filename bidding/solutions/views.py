"""Solutions over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user

from bidding.boundary import load
from bidding.challenges.models import Challenge
from bidding.extensions import db
from bidding.pagination import paginate
from bidding.permissions import Permission, allows, requires
from bidding.solutions import queries, rules
from bidding.solutions.forms import SolutionForm, solution_form
from bidding.solutions.lifecycle import LIFECYCLE, SolutionAction
from bidding.solutions.models import Solution, SolutionVersion, canonical
from bidding.transitions import buttons, route_transitions

bp = Blueprint("solutions", __name__)


@bp.app_context_processor
def _for_pages() -> dict[str, Any]:
    return {"own_solution_of": own_solution_of}


def own_solution_of(challenge: Challenge) -> Solution | None:
    """The solution of the reader's own organization to `challenge`; nobody else's."""
    if current_user.organization_id is None:
        return None
    return db.session.scalar(queries.of_organization(challenge.id, current_user.organization_id))


@bp.route("/challenges/<int:ident>/solutions", methods=["POST"])
@requires(Permission.CREATE_SOLUTION)
def create(ident: int) -> ResponseReturnValue:
    challenge = load(Challenge, ident, Permission.READ_CHALLENGE)
    if refusal := rules.obstacle(challenge, current_user):
        return render_template(
            "solutions/obstacle.html", challenge=challenge, refusal=_(refusal)
        ), 403
    solution = rules.start(db.session, challenge, actor=current_user)
    return redirect(
        url_for("solutions.edit" if solution.is_editable else "solutions.detail", ident=solution.id)
    )


@bp.route("/solutions")
@requires(Permission.EDIT_SOLUTION)
def own() -> ResponseReturnValue:
    organization = current_user.organization
    page = (
        paginate(db.session, queries.own(organization.id))
        if organization and organization.is_sme
        else None
    )
    return render_template("solutions/own.html", page=page, organization=organization)


@bp.route("/solutions/<int:ident>")
@requires(Permission.READ_SOLUTION)
def detail(ident: int) -> ResponseReturnValue:
    solution = load(Solution, ident, Permission.READ_SOLUTION, options=queries.whole())
    if not allows(current_user, Permission.EDIT_SOLUTION, solution):
        return render_template(
            "solutions/submitted.html", solution=solution, version=solution.last_version
        )
    missing = rules.gaps(solution) if solution.is_editable else []
    items = [
        item
        for item in buttons(LIFECYCLE, solution)
        if item.action is not SolutionAction.SUBMIT
        or (not missing and solution.has_something_to_submit)
    ]
    return render_template(
        "solutions/detail.html", solution=solution, actions=items, missing=missing
    )


@bp.route("/solutions/<int:ident>/edit", methods=["GET", "POST"])
@requires(Permission.EDIT_SOLUTION)
def edit(ident: int) -> ResponseReturnValue:
    solution = load(
        Solution,
        ident,
        Permission.EDIT_SOLUTION,
        readable=Permission.READ_SOLUTION,
        options=queries.whole(),
    )
    if not solution.is_editable and request.method == "GET":
        return redirect(url_for("solutions.detail", ident=ident))
    form = solution_form(solution)
    if not solution.is_editable:  # the clock was faster; nothing that was typed may be lost
        return _edit_page(solution, form, late=True), 409
    overtaken = request.method == "POST" and form.version.data not in (None, solution.version)
    if form.attempt(lambda: _save(solution, form)):
        return redirect(url_for(form.result, ident=ident))
    theirs = form.differences(solution) if overtaken else []
    if overtaken:
        form.take_version(solution)
    return _edit_page(solution, form, theirs=theirs), form.http_status


def _save(solution: Solution, form: SolutionForm) -> str:
    """Save, and submit where that button was pressed; the endpoint to go on with."""
    rules.update(
        db.session,
        solution,
        actor=current_user,
        answers=form.answers(),
        version=form.version.data,
        **form.texts(),
    )
    if "submit" in request.form:
        version = rules.submit(db.session, solution, actor=current_user)
        flash(_("Version %(number)s is submitted.", number=version.number), "success")
        return "solutions.detail"
    if solution.has_unsubmitted_changes:
        flash(_("Your changes are saved, but they do not count until you submit them."), "warning")
    else:
        flash(_("The solution is saved."), "success")
    return "solutions.edit"


def _edit_page(
    solution: Solution,
    form: SolutionForm,
    *,
    theirs: Sequence[tuple[str, str]] = (),
    late: bool = False,
) -> str:
    return render_template(
        "solutions/edit.html",
        solution=solution,
        challenge=solution.challenge,
        form=form,
        theirs=theirs,
        late=late,
        is_reshown=request.method == "POST",
    )


@bp.route("/solutions/<int:ident>/versions/<int:number>")
@requires(Permission.READ_SOLUTION)
def version(ident: int, number: int) -> ResponseReturnValue:
    solution = load(Solution, ident, Permission.READ_SOLUTION, options=queries.whole())
    return render_template(
        "solutions/version.html", solution=solution, version=_readable_version(solution, number)
    )


@bp.route("/solutions/<int:ident>/versions/<int:number>/content")
@requires(Permission.READ_SOLUTION)
def content(ident: int, number: int) -> ResponseReturnValue:
    """The very bytes that the digest is taken of, to check it with any tool."""
    solution = load(Solution, ident, Permission.READ_SOLUTION, options=queries.whole())
    found = _readable_version(solution, number)
    name = f"{solution.challenge.number}-{ident}-v{number}.json"
    return Response(
        canonical(found.content),
        mimetype="application/json",
        headers={"Content-Disposition": f"attachment; filename={name}"},
    )


def _readable_version(solution: Solution, number: int) -> SolutionVersion:
    """Its authors read every version; others the last one only, which alone was put forward."""
    is_author = allows(current_user, Permission.EDIT_SOLUTION, solution)
    shown = solution.versions if is_author else solution.versions[-1:]
    found = next((each for each in shown if each.number == number), None)
    return found or abort(404)


route_transitions(
    bp,
    LIFECYCLE,
    {
        SolutionAction.SUBMIT: (
            rules.submit,
            _l("The solution is submitted. A receipt is in your notifications."),
        ),
        SolutionAction.WITHDRAW: (
            rules.withdraw,
            _l("The solution is withdrawn. You can submit it again until the deadline."),
        ),
        SolutionAction.CONFIRM: (rules.confirm, _l("You accepted the award.")),
        SolutionAction.DECLINE: (rules.decline, _l("You declined the award.")),
    },
    entity=Solution,
    path="/solutions",
    readable=Permission.READ_SOLUTION,
    done=lambda solution: url_for("solutions.detail", ident=solution.id),
)

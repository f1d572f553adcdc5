"""Pages of challenges: for everybody, for those who post, and for those who apply."""

from __future__ import annotations

from itertools import groupby

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from werkzeug.exceptions import NotFound

from bidding.boundary import load
from bidding.challenges import queries, rules
from bidding.challenges.forms import AddendumForm, ChallengeForm
from bidding.challenges.lifecycle import LIFECYCLE, ChallengeAction
from bidding.challenges.models import Challenge, ChallengeKind
from bidding.extensions import db
from bidding.finding import Found, asked, find
from bidding.forms import one_line
from bidding.organizations.fields import province_options, section_options
from bidding.organizations.models import Organization
from bidding.pagination import paginate
from bidding.permissions import Permission, allows, requires
from bidding.transitions import buttons, route_transitions
from bidding.violations import AccessDenied
from bidding.vocabulary import N_

bp = Blueprint("challenges", __name__)

EDIT = {"permission": Permission.EDIT_CHALLENGE, "readable": Permission.READ_CHALLENGE}


def _address(challenge: Challenge) -> str:
    return url_for("challenges.detail", ident=challenge.id)


route_transitions(
    bp,
    LIFECYCLE,
    {
        ChallengeAction.SUBMIT: (rules.submit, _l("The challenge is with the reviewers now.")),
        ChallengeAction.PUBLISH: (rules.publish, _l("The challenge is published.")),
        ChallengeAction.REQUEST_CHANGES: (
            rules.request_changes,
            _l("The challenge went back to its poster, with your reason."),
        ),
        ChallengeAction.REJECT: (rules.reject, _l("The challenge is rejected.")),
        ChallengeAction.SUSPEND: (
            rules.suspend,
            _l("The challenge is suspended, and no longer public."),
        ),
        ChallengeAction.RESUME: (
            rules.resume,
            _l("The challenge is public again. Its deadline has moved by as long."),
        ),
    },
    entity=Challenge,
    path="/challenges",
    readable=Permission.READ_CHALLENGE,
    done=_address,
)


@bp.get("/challenges")
@requires(Permission.VISIT)
def index() -> ResponseReturnValue:
    """Everything that is public, searched and filtered."""
    search = _read_search()
    found = _find(search) if search.q else Found()
    query = queries.public(search, found.ids)
    page = paginate(db.session, query, is_cut=found.is_cut)
    return render_template(
        "challenges/index.html",
        page=page,
        search=search,
        found=found,
        terms=found.explain([challenge.id for challenge in page.items]),
        kinds=ChallengeKind,
        states=queries.State,
        sorts=queries.Sort,
        provinces=province_options(),
        sections=section_options(),
    )


def _find(search: queries.Search) -> Found:
    return find(
        db.session,
        Challenge.__tablename__,
        search.q,
        named=queries.named(search.q),
        among=queries.left_by_filters(search),
    )


def _read_search() -> queries.Search:
    """The search of the address; what it does not understand is left out."""
    args = request.args
    return queries.Search(
        q=asked(one_line(args.get("q"))),
        kind=args.get("kind", type=ChallengeKind),
        section=args.get("section", ""),
        province=args.get("province", ""),
        state=args.get("state", type=queries.State),
        sort=args.get("sort", type=queries.Sort),
    )


@bp.get("/challenges/<int:ident>")
@requires(Permission.READ_CHALLENGE)
def detail(ident: int) -> ResponseReturnValue:
    """All of a challenge in reading order, and what the reader can do now."""
    try:
        challenge = load(Challenge, ident, Permission.READ_CHALLENGE, options=queries.ALL)
    except NotFound:
        return _suspended(ident)
    organization_id = current_user.organization_id if current_user.is_authenticated else None
    return render_template(
        "challenges/detail.html",
        challenge=challenge,
        poster=challenge.organization if challenge.shows_name_to(current_user) else None,
        gaps=rules.gaps(challenge) if challenge.is_editable else [],
        buttons=buttons(LIFECYCLE, challenge),
        invitation=db.session.scalar(queries.invitation(ident, organization_id))
        if organization_id
        else None,
    )


def _suspended(ident: int) -> ResponseReturnValue:
    """What an old link to a suspended challenge says: that it was taken away for a while only."""
    challenge = db.session.get(Challenge, ident)
    if challenge is None or not challenge.is_suspended:
        abort(404)
    return render_template("challenges/suspended.html", challenge=challenge), 404


@bp.get("/challenges/<int:ident>/preview")
@requires(Permission.EDIT_CHALLENGE)
def preview(ident: int) -> ResponseReturnValue:
    """The page as everybody will see it, and what is still missing."""
    challenge = load(Challenge, ident, **EDIT, options=queries.ALL)
    return render_template(
        "challenges/preview.html",
        challenge=challenge,
        poster=challenge.organization if challenge.shows_name else None,
        gaps=rules.gaps(challenge) if challenge.is_editable else [],
        buttons=buttons(LIFECYCLE, challenge),
    )


@bp.get("/challenges/own")
@requires(Permission.EDIT_CHALLENGE)
def own() -> ResponseReturnValue:
    """The challenges of the reader's organization and what each waits for."""
    organization = current_user.organization
    page = paginate(db.session, queries.own(organization.id if organization else 0))
    groups = groupby(page.items, key=lambda challenge: challenge.public_status)
    return render_template(
        "challenges/own.html",
        page=page,
        groups=[(state, list(challenges)) for state, challenges in groups],
        organization=organization,
    )


@bp.route("/challenges/new", methods=["GET", "POST"])
@requires(Permission.CREATE_CHALLENGE)
def new() -> ResponseReturnValue:
    """Write a challenge."""
    organization = current_user.organization
    if organization is None or not allows(current_user, Permission.CREATE_CHALLENGE, organization):
        raise AccessDenied(N_("Only members of a verified large enterprise can post challenges."))
    form = ChallengeForm.blank(organization)
    if form.attempt(_create, form, organization):
        return redirect(_saved(form.result))
    return render_template("challenges/new.html", form=form), form.http_status


@bp.route("/challenges/<int:ident>/edit", methods=["GET", "POST"])
@requires(Permission.EDIT_CHALLENGE)
def edit(ident: int) -> ResponseReturnValue:
    """Go on with a draft, or amend what the reviewer sent back."""
    challenge = load(Challenge, ident, **EDIT)
    if request.method == "GET":
        rules.demand_editable(challenge)
    form = ChallengeForm.of(challenge)
    if form.attempt(_update, form, challenge):
        return redirect(_saved(challenge))
    if form.is_conflict:
        db.session.rollback()
        form.rebase(challenge.version)
    return (
        render_template("challenges/edit.html", form=form, challenge=challenge),
        form.http_status,
    )


def _create(form: ChallengeForm, organization: Organization) -> Challenge:
    challenge = rules.create(db.session, organization, actor=current_user, **form.terms())
    _submit_if_asked(challenge)
    return challenge


def _update(form: ChallengeForm, challenge: Challenge) -> None:
    rules.update(
        db.session,
        challenge,
        actor=current_user,
        version=form.base_version,
        **form.terms(),
    )
    _submit_if_asked(challenge)


def _submit_if_asked(challenge: Challenge) -> None:
    if request.form.get("intent") == "submit":
        rules.submit(db.session, challenge, actor=current_user)


def _saved(challenge: Challenge) -> str:
    """Where to go after saving, and the sentence shown there."""
    intent = request.form.get("intent")
    if intent == "submit":
        flash(_("The challenge is with the reviewers now."), "success")
        return _address(challenge)
    flash(_("The draft is saved."), "success")
    page = "challenges.preview" if intent == "preview" else "challenges.edit"
    return url_for(page, ident=challenge.id)


@bp.post("/challenges/<int:ident>/copies")
@requires(Permission.EDIT_CHALLENGE)
def copy(ident: int) -> ResponseReturnValue:
    """Begin a draft from an own challenge."""
    challenge = load(Challenge, ident, **EDIT)
    draft = rules.copy(db.session, challenge, actor=current_user)
    flash(_("This is a new draft with the same terms. Set its deadline."), "success")
    return redirect(url_for("challenges.edit", ident=draft.id))


@bp.route("/challenges/<int:ident>/addenda", methods=["GET", "POST"])
@requires(Permission.EDIT_CHALLENGE)
def addendum(ident: int) -> ResponseReturnValue:
    """Supplement an open challenge, or extend its deadline."""
    challenge = load(Challenge, ident, **EDIT)
    if request.method == "GET":
        rules.demand_open(challenge)
    form = AddendumForm()
    if form.attempt(
        rules.add_addendum,
        db.session,
        challenge,
        actor=current_user,
        text=form.text.data,
        closes_at=form.closes_at.data,
    ):
        flash(_("The addendum is published, and those concerned are told."), "success")
        return redirect(_address(challenge))
    return (
        render_template("challenges/addendum.html", form=form, challenge=challenge),
        form.http_status,
    )

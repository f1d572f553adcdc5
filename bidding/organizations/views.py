"""Pages of organizations: the directory, one's own, its members and how to join."""

from __future__ import annotations

from flask import (
    Blueprint,
    abort,
    current_app,
    flash,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user

from bidding.boundary import load
from bidding.extensions import db, limiter
from bidding.finding import Found, find
from bidding.organizations import invitations, queries, regions, rules
from bidding.organizations.filters import DirectoryFilter
from bidding.organizations.forms import FactsForm, InvitationForm, OrganizationForm, ProfileForm
from bidding.organizations.lifecycle import LIFECYCLE
from bidding.organizations.lifecycle import OrganizationAction as Action
from bidding.organizations.models import (
    MemberInvitation,
    Membership,
    Organization,
    OrganizationStatus,
)
from bidding.pagination import paginate
from bidding.permissions import Permission, allows, requires
from bidding.transitions import buttons, route_transitions

bp = Blueprint("organizations", __name__)

REGION_CACHE_SECONDS = 24 * 3600

route_transitions(
    bp,
    LIFECYCLE,
    {
        Action.SUBMIT: (rules.submit, _l("It is submitted. You hear from us once it is decided.")),
        Action.VERIFY: (rules.verify, _l("The organization is verified. Its members are told.")),
        Action.REQUEST_CHANGES: (
            rules.request_changes,
            _l("The organization is asked for changes. Its members read your reason."),
        ),
        Action.REJECT: (
            rules.reject,
            _l("The organization is rejected. Its members read your reason."),
        ),
        Action.SUSPEND: (rules.suspend, _l("The organization is suspended.")),
        Action.REINSTATE: (rules.reinstate, _l("The organization is reinstated.")),
    },
    entity=Organization,
    path="/organizations",
    readable=Permission.READ_ORGANIZATION,
    done=lambda organization: url_for("organizations.detail", ident=organization.id),
)


@bp.get("/organizations")
@requires(Permission.BROWSE_ORGANIZATIONS)
def index() -> ResponseReturnValue:
    wanted = DirectoryFilter(request.args)
    found = _find(wanted) if wanted.q else Found()
    page = paginate(db.session, wanted.query(found.ids), is_cut=found.is_cut)
    return render_template(
        "organizations/index.html",
        page=page,
        wanted=wanted,
        found=found,
        terms=found.explain([organization.id for organization in page.items]),
    )


def _find(wanted: DirectoryFilter) -> Found:
    named = queries.named(wanted.q)
    table = Organization.__tablename__
    return find(db.session, table, wanted.q, named=named, among=wanted.left())


@bp.get("/regions/<code>")
@requires(Permission.VISIT)
def places(code: str) -> ResponseReturnValue:
    """The places below one, for `RegionField` with JavaScript."""
    region = regions.find(code)
    if region is None:
        abort(404)
    below = [{"code": r.code, "zh": r.name_zh, "en": r.name_en} for r in region.children]
    response = jsonify({"code": region.code, "places": below})
    # Not for shared caches: the answer may renew the reader's session cookie.
    response.headers["Cache-Control"] = f"private, max-age={REGION_CACHE_SECONDS}"
    return response


@bp.route("/organizations/new", methods=["GET", "POST"])
@requires(Permission.CREATE_ORGANIZATION)
def new() -> ResponseReturnValue:
    if current_user.organization_id:
        return redirect(url_for("organizations.own"))
    form = OrganizationForm()
    if request.method == "GET":
        form.contact_name.data = current_user.name
        form.contact_email.data = current_user.email
    if form.attempt(lambda: rules.create(db.session, actor=current_user, **form.facts())):
        flash(_("The organization is entered. Complete it below, then submit it."), "success")
        return redirect(url_for("organizations.detail", ident=form.result.id))
    waiting = db.session.scalars(queries.invitations_to(current_user.email)).all()
    html = render_template(
        "organizations/new.html",
        form=form,
        invitations=[(one, invitations.make_token(one.id)) for one in waiting],
    )
    return html, form.http_status


@bp.get("/organizations/own")
@requires(Permission.USE_ACCOUNT)
def own() -> ResponseReturnValue:
    if current_user.organization_id is None:
        return redirect(url_for("organizations.new"))
    return redirect(url_for("organizations.detail", ident=current_user.organization_id))


@bp.get("/organizations/<int:ident>")
@requires(Permission.READ_ORGANIZATION)
def detail(ident: int) -> ResponseReturnValue:
    organization = load(Organization, ident, Permission.READ_ORGANIZATION, options=queries.WHOLE)
    inside = allows(current_user, Permission.READ_ORGANIZATION_CONTACT, organization)
    return render_template(
        "organizations/detail.html",
        organization=organization,
        checklist=rules.gaps(organization)
        if LIFECYCLE.find(organization.status, Action.SUBMIT)
        else [],
        members=db.session.scalars(queries.members(organization)).all() if inside else [],
        states=OrganizationStatus,
        # A reviewer decides on the review page, with everything in sight.
        buttons=[] if organization.is_pending else buttons(LIFECYCLE, organization),
    )


@bp.route("/organizations/<int:ident>/edit", methods=["GET", "POST"])
@requires(Permission.EDIT_ORGANIZATION)
def edit(ident: int) -> ResponseReturnValue:
    organization = _editable(ident)
    form_class = FactsForm if organization.is_verified else OrganizationForm
    form = form_class(obj=organization)
    if form.attempt(
        lambda: rules.update(db.session, organization, actor=current_user, **form.facts())
    ):
        flash(_("The facts are saved."), "success")
        return redirect(url_for("organizations.detail", ident=ident))
    return (
        render_template("organizations/edit.html", form=form, organization=organization),
        form.http_status,
    )


@bp.route("/organizations/<int:ident>/profile", methods=["GET", "POST"])
@requires(Permission.EDIT_ORGANIZATION)
def profile(ident: int) -> ResponseReturnValue:
    organization = _editable(ident)
    if organization.is_large:
        abort(404)
    form = ProfileForm(obj=organization.profile, qualifications=organization.qualifications)
    if form.attempt(
        lambda: rules.update_profile(
            db.session,
            organization,
            actor=current_user,
            qualifications=form.qualifications.data,
            **form.texts(),
        )
    ):
        flash(_("The capability profile is saved."), "success")
        return redirect(url_for("organizations.detail", ident=ident))
    return (
        render_template("organizations/profile.html", form=form, organization=organization),
        form.http_status,
    )


def _editable(ident: int) -> Organization:
    organization = load(
        Organization,
        ident,
        Permission.EDIT_ORGANIZATION,
        readable=Permission.READ_ORGANIZATION,
        options=queries.WHOLE,
    )
    rules.check_editable(organization)
    return organization


@bp.get("/organizations/<int:ident>/members")
@requires(Permission.MANAGE_MEMBERS)
def members(ident: int) -> ResponseReturnValue:
    return _members_page(_managed(ident), InvitationForm(formdata=None)), 200


@bp.post("/organizations/<int:ident>/invitations")
@requires(Permission.MANAGE_MEMBERS)
@limiter.limit(lambda: current_app.config["SETTINGS"].mail_limit)
def invite(ident: int) -> ResponseReturnValue:
    organization = _managed(ident)
    form = InvitationForm()
    if form.attempt(
        lambda: rules.invite(db.session, organization, actor=current_user, email=form.email.data)
    ):
        flash(_("An invitation is on its way to %(email)s.", email=form.result.email), "success")
        return redirect(url_for("organizations.members", ident=ident))
    return _members_page(organization, form), form.http_status


@bp.post("/invitations/<int:ident>/revocation")
@requires(Permission.MANAGE_MEMBERS)
def revoke(ident: int) -> ResponseReturnValue:
    invitation = load(
        MemberInvitation, ident, Permission.MANAGE_MEMBERS, readable=Permission.READ_ORGANIZATION
    )
    rules.revoke(db.session, invitation, actor=current_user)
    flash(_("The invitation to %(email)s is revoked.", email=invitation.email), "success")
    return redirect(url_for("organizations.members", ident=invitation.organization_id))


@bp.post("/memberships/<int:ident>/removal")
@requires(Permission.MANAGE_MEMBERS)
def remove(ident: int) -> ResponseReturnValue:
    membership = load(
        Membership, ident, Permission.MANAGE_MEMBERS, readable=Permission.READ_ORGANIZATION
    )
    organization, name = membership.organization, membership.user.name
    rules.remove_member(db.session, organization, membership, actor=current_user)
    flash(_("%(name)s is no longer a member.", name=name), "success")
    if allows(current_user, Permission.MANAGE_MEMBERS, organization):
        return redirect(url_for("organizations.members", ident=organization.id))
    return redirect(url_for("dashboards.home"))


def _managed(ident: int) -> Organization:
    return load(
        Organization, ident, Permission.MANAGE_MEMBERS, readable=Permission.READ_ORGANIZATION
    )


def _members_page(organization: Organization, form: InvitationForm) -> str:
    return render_template(
        "organizations/members.html",
        organization=organization,
        form=form,
        members=db.session.scalars(queries.members(organization)).all(),
        invitations=db.session.scalars(queries.open_invitations(organization)).all(),
    )


@bp.route("/invitations/<token>", methods=["GET", "POST"])
@requires(Permission.VISIT)
def join(token: str) -> ResponseReturnValue:
    invitation = db.session.scalar(queries.invitation(invitations.read_token(token) or 0))
    if invitation is None:
        abort(404)
    if request.method == "POST" and current_user.is_authenticated:
        rules.accept(db.session, invitation, actor=current_user)
        name = invitation.organization.name
        flash(_("You are now a member of %(name)s.", name=name), "success")
        return redirect(url_for("organizations.own"))
    return render_template("organizations/join.html", invitation=invitation, token=token)

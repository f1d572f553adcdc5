"""STUB: the owner of bidding/organizations replaces this file."""
from flask import Blueprint

from bidding.permissions import Permission, requires

bp = Blueprint("organizations", __name__)


@bp.route("/organizations", endpoint="index")
@requires(Permission.VISIT)
def index_stub(**_kw):
    return "stub"

@bp.route("/organizations/new", endpoint="new")
@requires(Permission.VISIT)
def new_stub(**_kw):
    return "stub"

@bp.route("/organizations/own", endpoint="own")
@requires(Permission.VISIT)
def own_stub(**_kw):
    return "stub"

@bp.route("/organizations/<int:ident>", endpoint="detail")
@requires(Permission.VISIT)
def detail_stub(**_kw):
    return "stub"

@bp.route("/organizations/<int:ident>/edit", endpoint="edit")
@requires(Permission.VISIT)
def edit_stub(**_kw):
    return "stub"

@bp.route("/organizations/<int:ident>/profile", endpoint="profile")
@requires(Permission.VISIT)
def profile_stub(**_kw):
    return "stub"

@bp.route("/organizations/<int:ident>/members", endpoint="members")
@requires(Permission.VISIT)
def members_stub(**_kw):
    return "stub"

@bp.route("/invitations/<token>", endpoint="join")
@requires(Permission.VISIT)
def join_stub(**_kw):
    return "stub"

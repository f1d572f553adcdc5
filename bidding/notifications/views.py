"""A person's notices over HTTP."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from bidding.boundary import load
from bidding.extensions import db
from bidding.notifications import queries, rules
from bidding.notifications.letters import sentence
from bidding.notifications.links import link_to
from bidding.notifications.models import Notification
from bidding.pagination import paginate
from bidding.permissions import Permission, requires

bp = Blueprint("notifications", __name__)


@bp.route("/notifications")
@requires(Permission.USE_ACCOUNT)
def index() -> ResponseReturnValue:
    page = paginate(db.session, queries.inbox(current_user.id))
    notices = [(notice, sentence(notice), link_to(notice)) for notice in page.items]
    return render_template("notifications/index.html", page=page, notices=notices)


@bp.route("/notifications/<int:ident>/reading", methods=["POST"])
@requires(Permission.USE_ACCOUNT)
def read(ident: int) -> ResponseReturnValue:
    notification = load(Notification, ident, Permission.USE_ACCOUNT)
    rules.mark_read(db.session, notification, actor=current_user)
    return redirect(link_to(notification) or url_for("notifications.index"))


@bp.route("/notifications/reading", methods=["POST"])
@requires(Permission.USE_ACCOUNT)
def read_all() -> ResponseReturnValue:
    rules.mark_all_read(db.session, actor=current_user)
    return redirect(url_for("notifications.index"))

"""The audit trail over HTTP."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from bidding.audits import queries
from bidding.audits.describing import describe
from bidding.audits.forms import TrailFilters
from bidding.extensions import db
from bidding.pagination import paginate
from bidding.permissions import Permission, requires

bp = Blueprint("audits", __name__)


@bp.route("/audits")
@requires(Permission.READ_AUDIT)
def index() -> ResponseReturnValue:
    form = TrailFilters(request.args)
    page = paginate(db.session, queries.events(current_user, **form.terms()))
    lines = [describe(event) for event in page.items]
    return render_template("audits/index.html", form=form, page=page, lines=lines)

"""The home page, what needs each person now, and the matcher report."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from bidding.dashboards import queries, report
from bidding.extensions import db
from bidding.matching import exposure
from bidding.matching.models import Side
from bidding.organizations.models import Organization
from bidding.organizations.size_classes import SizeClass
from bidding.pagination import paginate
from bidding.permissions import Permission, allows, requires
from bidding.templating import region_name

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


@bp.get("/reports/matching")
@requires(Permission.READ_REPORTS)
def matching_report() -> ResponseReturnValue:
    """What becomes of suggestions, and which SMEs posters are never shown."""
    period = _period()
    page = paginate(db.session, report.not_shown(period.since))
    found = db.session.execute(report.found_for([each.id for each in page.items]))
    return render_template(
        "dashboards/matching_report.html",
        report=report.read(db.session, period),
        periods=report.Period,
        sides=Side,
        page=page,
        found=dict(found.all()),
    )


@bp.get("/reports/matching.csv")
@requires(Permission.READ_REPORTS)
def matching_report_table() -> ResponseReturnValue:
    """The figures as a table for a spreadsheet, which knows Chinese in UTF-8 by its mark."""
    figures = report.read(db.session, _period())
    table = io.StringIO("\ufeff")
    table.seek(0, io.SEEK_END)
    writer = csv.writer(table)
    writer.writerow([_("Group"), _("Figure"), _("Count"), _("Of"), _("Percent")])
    for group, words, share in _lines(figures):
        writer.writerow([group, words, share.number, share.of, share.percent])
    name = f"matching-{figures.period.value}.csv"
    return Response(
        table.getvalue(),
        mimetype="text/csv",
        headers={"Content-Disposition": f"attachment; filename={name}"},
    )


def _period() -> report.Period:
    return request.args.get("period", report.Period.QUARTER, type=report.Period)


def _lines(figures: report.Report) -> Iterator[tuple[str, str, report.Share]]:
    """Every figure of the report: its group, what it is called, and the share."""
    for place, side in enumerate(Side):
        for step, shares in figures.rows:
            yield _(side.label), _(step.label), shares[place]
    shown = _("Verified SMEs shown to a poster")
    yield shown, _("All SMEs"), figures.everyone.share
    for group in figures.sizes:
        yield shown, _(SizeClass(group.key).label), group.share
    for group in figures.provinces:
        yield shown, region_name(group.key), group.share
    tenth = _("Showings of the most-shown tenth of SMEs")
    yield _("Showings to posters"), tenth, figures.most_shown

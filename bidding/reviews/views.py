"""The queue of the reviewers, and everything about one item on one page."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from bidding import audit
from bidding.boundary import load
from bidding.challenges import models as challenges
from bidding.challenges import queries as challenge_queries
from bidding.challenges.lifecycle import LIFECYCLE as CHALLENGES
from bidding.challenges.models import Challenge
from bidding.challenges.rules import publication_obstacle
from bidding.extensions import db
from bidding.lifecycle import Lifecycle
from bidding.organizations import models as organizations
from bidding.organizations import queries as organization_queries
from bidding.organizations.lifecycle import LIFECYCLE as ORGANIZATIONS
from bidding.organizations.models import Organization
from bidding.organizations.rules import gaps
from bidding.pagination import paginate
from bidding.permissions import Permission, requires
from bidding.reviews import history, queries
from bidding.reviews.queries import Kind
from bidding.transitions import Button, buttons

bp = Blueprint("reviews", __name__)


@bp.get("/reviews")
@requires(Permission.WORK_QUEUE)
def index() -> ResponseReturnValue:
    kind = _kind()
    counts = dict(db.session.execute(queries.waiting_counts()).all())
    return render_template(
        "reviews/index.html",
        page=paginate(db.session, queries.queue(kind)),
        kind=kind,
        counts=counts,
        sizes=organizations.SizeClass,
        sorts=challenges.ChallengeKind,
    )


@bp.get("/reviews/organizations/<int:ident>")
@requires(Permission.REVIEW_ORGANIZATION)
def organization(ident: int) -> ResponseReturnValue:
    record = load(
        Organization,
        ident,
        Permission.REVIEW_ORGANIZATION,
        readable=Permission.READ_ORGANIZATION,
        options=organization_queries.WHOLE,
    )
    return render_template(
        "reviews/organization.html",
        organization=record,
        members=db.session.scalars(organization_queries.members(record)).all(),
        gaps=gaps(record),
        **_context(Kind.ORGANIZATION, ORGANIZATIONS, record, waits=record.is_pending),
    )


@bp.get("/reviews/challenges/<int:ident>")
@requires(Permission.REVIEW_CHALLENGE)
def challenge(ident: int) -> ResponseReturnValue:
    record = load(
        Challenge,
        ident,
        Permission.REVIEW_CHALLENGE,
        readable=Permission.READ_CHALLENGE,
        options=challenge_queries.ALL,
    )
    waits = record.status is challenges.ChallengeStatus.IN_REVIEW
    return render_template(
        "reviews/challenge.html",
        challenge=record,
        poster=record.organization,
        obstacle=publication_obstacle(record) if waits else None,
        **_context(Kind.CHALLENGE, CHALLENGES, record, waits=waits),
    )


def _context(kind: Kind, lifecycle: Lifecycle, record: Any, *, waits: bool) -> dict[str, Any]:
    """What both review pages show beside the record itself."""
    events = db.session.scalars(audit.trail(record.__tablename__, record.id)).all()
    following = queries.following(kind, record.id, organization_id=current_user.organization_id)
    return {
        "decisions": _decisions(lifecycle, record) if waits else [],
        "changes": history.changes_since_refusal(events) if waits else None,
        "entries": history.entries(events),
        "following": db.session.scalar(following),
        "queue": _queue_address(),
    }


def _decisions(lifecycle: Lifecycle, record: Any) -> list[Button]:
    """The buttons, coming back to the queue afterwards."""
    back = urlencode({"next": _queue_address()})
    return [replace(button, url=f"{button.url}?{back}") for button in buttons(lifecycle, record)]


def _queue_address() -> str:
    """The queue as the reviewer left it."""
    return url_for("reviews.index", kind=_kind())


def _kind() -> Kind | None:
    return request.args.get("kind", type=Kind)

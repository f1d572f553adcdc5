"""Counting which pairings people see. Pages say it, a job keeps it: a GET writes nothing.

Best effort: a figure that lacks a few showings is worth more than a page that waits, see
``docs/adr/0007-exposure-is-counted-by-jobs.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from flask import Response, request, url_for
from flask_login import current_user

from bidding import clock
from bidding.background import enqueue, job
from bidding.boundary import reading, unit_of_work
from bidding.challenges.models import Challenge
from bidding.db import BIGGEST_ID
from bidding.extensions import db
from bidding.matching import queries, rules
from bidding.matching.models import Side
from bidding.matching.queries import Pair
from bidding.notifications.links import link_of
from bidding.notifications.models import Notification
from bidding.permissions import Permission, allows

SOURCES = frozenset({"suggestions", "recommendations", "work", "notice"})
"""What a link from a suggestion carries as ``?from=``."""


def shown(side: Side, pairs: Sequence[Pair]) -> None:
    """Note, once this page is done, that it showed `pairs` to people of `side`."""
    if pairs:
        enqueue("matching.exposed", side.value, list(pairs), clock.now())


def opened(challenge_id: int, organization_id: int, side: Side) -> None:
    """Note that somebody of `side` looked at the other one, coming from a suggestion."""
    enqueue("matching.opened", side.value, (challenge_id, organization_id), clock.now())


@job("matching.exposed")
def keep_exposures(side: str, pairs: list[Pair], at: datetime) -> None:
    """Keep what is not known yet. Most showings are, and must not take the write lock."""
    with reading() as session:
        known = {tuple(row) for row in session.execute(queries.exposed(Side(side), pairs))}
    new = [pair for pair in pairs if tuple(pair) not in known]
    if new:
        with unit_of_work() as session:
            rules.expose(session, Side(side), new, at=at)


@job("matching.opened")
def keep_opening(side: str, pair: Pair, at: datetime) -> None:
    """Keep the first opening."""
    with unit_of_work() as session:
        rules.note_opening(session, Side(side), pair, at=at)


def note_opening(response: Response) -> Response:
    """After a request: whoever came by the link of a suggestion has opened the pairing."""
    told = request.method == "GET" and request.args.get("from") in SOURCES
    if told and response.status_code == 200 and request.endpoint in _OPENINGS:
        _OPENINGS[request.endpoint](request.view_args["ident"])
    return response


def _challenge_opened(ident: int) -> None:
    organization = current_user.organization if current_user.is_authenticated else None
    if organization and allows(current_user, Permission.SEE_RECOMMENDATIONS, organization):
        opened(ident, organization.id, Side.SOLVER)


def _organization_opened(ident: int) -> None:
    challenge_id = request.args.get("challenge", 0, type=int)
    challenge = db.session.get(Challenge, challenge_id) if 0 < challenge_id <= BIGGEST_ID else None
    if challenge and allows(current_user, Permission.GIVE_FEEDBACK, challenge):
        opened(challenge_id, ident, Side.POSTER)


_OPENINGS: dict[str | None, Callable[[int], None]] = {
    "challenges.detail": _challenge_opened,
    "organizations.detail": _organization_opened,
}


@link_of("challenges.suggest")
def _suggested(notice: Notification) -> str:
    return url_for("challenges.detail", ident=notice.subject_id, **{"from": "notice"})

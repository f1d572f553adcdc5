"""Background jobs about solutions."""

from __future__ import annotations

import flask_babel

from bidding import i18n
from bidding.background import job
from bidding.boundary import unit_of_work
from bidding.notifications.rules import notify
from bidding.solutions import queries
from bidding.solutions.models import solvers


@job("solutions.addendum")
def tell_of_addendum(addendum_id: int) -> None:
    """Tell everyone who works on a solution of an addendum to its challenge.

    A job, so that the poster, whose request publishes the addendum, learns nothing from how
    long it takes.
    """
    with unit_of_work() as session:
        addendum = session.scalars(queries.addendum(addendum_id)).one()
        for solution in session.scalars(queries.on_challenge(addendum.challenge_id)):
            for user in solvers(solution):
                with flask_babel.force_locale(user.locale):
                    closes_at = i18n.format_moment(addendum.closes_at_after)
                notify(
                    session,
                    "solutions.addendum",
                    solution,
                    [user],
                    text=addendum.text,
                    closes_at=closes_at,
                )

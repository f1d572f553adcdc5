"""Background jobs about solutions.

Jobs, so that those whose request sets them off (a poster, an administrator) learn nothing of
sealed solutions from how long it takes.
"""

from __future__ import annotations

from bidding.background import job
from bidding.boundary import unit_of_work
from bidding.challenges.models import Challenge
from bidding.challenges.queries import invited_members
from bidding.notifications.rules import notify
from bidding.solutions import queries
from bidding.solutions.lifecycle import solvers


@job("solutions.addendum")
def tell_of_addendum(addendum_id: int) -> None:
    """Tell everyone who works on a solution, and everyone invited, of an addendum; nobody twice."""
    with unit_of_work() as session:
        addendum = session.scalars(queries.addendum(addendum_id)).one()
        text, closes_at = addendum.text, addendum.closes_at_after
        told: set[int] = set()
        for solution in session.scalars(queries.on_challenge(addendum.challenge_id)):
            at_work = solvers(solution)
            told |= {user.id for user in at_work}
            notify(session, "solutions.addendum", solution, at_work, text=text, closes_at=closes_at)
        invited = session.scalars(invited_members(addendum.challenge_id))
        others = [user for user in invited if user.id not in told]
        notify(
            session,
            "challenges.addendum",
            addendum.challenge,
            others,
            text=text,
            closes_at=closes_at,
        )


@job("solutions.suspension")
def tell_of_suspension(challenge_id: int) -> None:
    """Tell everyone who works on a solution that its challenge is suspended, or goes on."""
    with unit_of_work() as session:
        challenge = session.get_one(Challenge, challenge_id)
        for solution in session.scalars(queries.on_challenge(challenge_id)):
            if challenge.is_suspended:
                notify(session, "solutions.suspend", solution, solvers(solution))
            else:
                notify(
                    session,
                    "solutions.resume",
                    solution,
                    solvers(solution),
                    closes_at=challenge.closes_at,
                )

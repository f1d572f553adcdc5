"""Solutions brought to believable states through the rules, for the tests of two rooms."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from bidding import clock
from bidding.accounts.models import User
from bidding.challenges.models import Challenge
from bidding.evaluations import rules as evaluations
from bidding.organizations.models import Organization
from bidding.solutions import rules
from bidding.solutions.models import Response, Solution
from tests import factories

TEXTS = {
    "summary": "Diffuse dysprosium only where it matters.",
    "approach": "Sputter, then age at 500 °C.",
    "price_fen": 180_000_000,
    "duration_months": 10,
    "schedule": "Samples in three months.",
    "team": "Six engineers.",
}


def answers_to(challenge: Challenge) -> dict[int, tuple[Response | None, str]]:
    return {r.id: (Response.MEETS, f"Measured: {r.name}") for r in challenge.requirements}


def draft(session: Session, challenge: Challenge, actor: User, **texts: Any) -> Solution:
    """A complete draft of the actor's organization."""
    solution = rules.start(session, challenge, actor=actor)
    rules.update(session, solution, actor=actor, answers=answers_to(challenge), **TEXTS | texts)
    return solution


def submitted(
    session: Session, challenge: Challenge, actor: User | None = None, **texts: Any
) -> Solution:
    """A submitted solution, of a new SME unless told otherwise."""
    actor = actor or factories.solver()
    solution = draft(session, challenge, actor, **texts)
    rules.submit(session, solution, actor=actor)
    return solution


def member(organization: Organization) -> User:
    """Somebody of the organization, as the actor of a rule."""
    return organization.memberships[0].user


def close(challenge: Challenge) -> None:
    """Let the deadline have passed."""
    challenge.closes_at = clock.now() - timedelta(hours=1)


def opened(session: Session, challenge: Challenge) -> None:
    """Break the seal."""
    close(challenge)
    evaluations.open_solutions(session, challenge, actor=member(challenge.organization))


def shortlisted(session: Session, solution: Solution) -> None:
    """Take an opened solution to the shortlist."""
    poster = member(solution.challenge.organization)
    evaluations.pass_screening(session, solution, actor=poster)
    evaluations.shortlist(session, solution, actor=poster)


def form_of(solution: Solution, **typed: Any) -> dict[str, Any]:
    """What the browser sends from the edit page when everything is filled in."""
    fields: dict[str, Any] = {
        "version": solution.version,
        "summary": "Typed summary",
        "approach": "Typed approach",
        "price_fen": "180",
        "duration_months": "9",
        "schedule": "Typed schedule",
        "team": "Typed team",
    }
    for requirement in solution.challenge.requirements:
        fields[f"response_{requirement.id}"] = "meets"
        fields[f"statement_{requirement.id}"] = f"Typed statement on {requirement.name}"
    return fields | typed

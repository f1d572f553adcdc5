"""Verbs that change solutions; the only writers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified

from bidding import audit, clock
from bidding.accounts.models import User
from bidding.challenges.models import Challenge
from bidding.notifications.rules import notify
from bidding.organizations.models import Organization
from bidding.permissions import Permission, allows, demand
from bidding.solutions import queries
from bidding.solutions.lifecycle import LIFECYCLE, SolutionAction, closed_because, solvers
from bidding.solutions.models import (
    Response,
    Solution,
    SolutionAnswer,
    SolutionStatus,
    SolutionVersion,
    digest_of,
)
from bidding.violations import AccessDenied, InvalidTransition, RuleViolation, Several
from bidding.vocabulary import N_

TEXTS = ("summary", "approach", "price_fen", "duration_months", "schedule", "team")

Answers = Mapping[int, tuple[Response | None, str]]
"""requirement id → how it is met, and the words that say so."""


class Stale(RuleViolation):
    """A colleague saved the solution after the writer had opened it."""

    def __init__(self) -> None:
        super().__init__(
            N_(
                "A colleague saved this solution while you were writing. Compare the two below: "
                "saving again puts your words in place of theirs."
            )
        )


def obstacle(challenge: Challenge, actor: Any) -> str | None:
    """Why `actor` cannot start a solution to `challenge`, whatever the clock says; or None."""
    organization: Organization | None = actor.organization
    if organization is None:
        return N_("You do not belong to an organization yet.")
    if organization.id == challenge.organization_id:
        return N_("This challenge was posted by your own organization.")
    if allows(actor, Permission.CREATE_SOLUTION, organization):
        return None
    if organization.is_large:
        return N_("Your organization is a large enterprise. Challenges are for smaller ones.")
    return N_("Your organization is not verified, and only verified ones can submit solutions.")


def start(session: Session, challenge: Challenge, *, actor: User) -> Solution:
    """The solution of the actor's organization to `challenge`: the one there is, or a new draft.

    Raises
    ------
    AccessDenied
        See `obstacle`.
    InvalidTransition
        There is none yet and the challenge is not open.
    """
    if refusal := obstacle(challenge, actor):
        raise AccessDenied(refusal)
    # Two colleagues may press the button at once: the second waits here and finds the draft.
    session.scalar(
        sa.select(Organization.id).where(Organization.id == actor.organization_id).with_for_update()
    )
    found = session.scalar(queries.of_organization(challenge.id, actor.organization_id))
    if found is not None:
        return found
    if refusal := closed_because(challenge):
        raise InvalidTransition(refusal)
    solution = Solution(
        challenge=challenge, organization_id=actor.organization_id, author_id=actor.id
    )
    session.add(solution)
    session.flush()
    audit.record(session, "solutions.start", solution, actor=actor, changes={})
    return solution


def update(
    session: Session,
    solution: Solution,
    *,
    actor: User,
    answers: Answers,
    version: int | None = None,
    **texts: Any,
) -> None:
    """Change the working copy. What was submitted stays as it is until it is submitted again.

    The trail receives digests instead of words: what was never submitted is nobody else's.

    Parameters
    ----------
    version
        The `Solution.version` that the writer started from; None does not ask.
    texts
        New values of `TEXTS`; what is not named stays.

    Raises
    ------
    Stale
        Somebody else saved in between.
    """
    demand(actor, Permission.EDIT_SOLUTION, solution)
    if not solution.is_editable:
        raise InvalidTransition(
            closed_because(solution.challenge)
            or N_("The solution can no longer be changed in its present state.")
        )
    if unknown := set(texts) - set(TEXTS):
        raise TypeError(f"a solution has no {', '.join(sorted(unknown))}")
    if version is not None and version != solution.version:
        raise Stale()
    before = digest_of(solution.content)
    for name, value in texts.items():
        setattr(solution, name, value)
    _answer(solution, answers)
    after = digest_of(solution.content)
    if after == before:
        return
    solution.updated_at = clock.now()
    flag_modified(solution, "updated_at")  # a changed answer alone must raise the version too
    audit.record(
        session, "solutions.update", solution, actor=actor, changes={"digest": [before, after]}
    )


def _answer(solution: Solution, answers: Answers) -> None:
    asked = {requirement.id for requirement in solution.challenge.requirements}
    given = {answer.requirement_id: answer for answer in solution.answers}
    for ident, (response, statement) in answers.items():
        if ident not in asked:
            raise LookupError(f"the challenge does not ask for requirement {ident}")
        if ident not in given:
            if response is None and not statement:
                continue
            given[ident] = SolutionAnswer(requirement_id=ident, response=None, statement="")
            solution.answers.append(given[ident])
        given[ident].response = response
        given[ident].statement = statement


def gaps(solution: Solution) -> list[RuleViolation]:
    """What is still missing before the solution can be submitted, field by field."""
    missing = []
    if not solution.summary:
        missing.append(
            RuleViolation(N_("Write a summary: the poster reads it first."), field="summary")
        )
    if not solution.approach:
        missing.append(RuleViolation(N_("Describe your approach."), field="approach"))
    for told in solution.content["answers"]:
        if told["response"] is None:
            missing.append(
                RuleViolation(
                    N_("Answer the requirement “%(requirement)s”."),
                    field=f"response_{told['requirement']}",
                    requirement=told["name"],
                )
            )
        elif told["response"] == Response.PARTLY and not told["statement"]:
            missing.append(
                RuleViolation(
                    N_("Say how far you meet the requirement “%(requirement)s”."),
                    field=f"statement_{told['requirement']}",
                    requirement=told["name"],
                )
            )
    if solution.price_fen is None:
        missing.append(
            RuleViolation(
                N_("State your price; enter 0 if you ask for no payment."), field="price_fen"
            )
        )
    if solution.duration_months is None:
        missing.append(
            RuleViolation(N_("State how many months you need."), field="duration_months")
        )
    return missing


def submit(
    session: Session, solution: Solution, *, actor: User, reason: str = ""
) -> SolutionVersion:
    """Submit the working copy: a version is kept, and everyone in the organization has a receipt.

    Raises
    ------
    Several
        Something is missing; see `gaps`.
    RuleViolation
        The same words are submitted already.
    """
    LIFECYCLE.check(solution, SolutionAction.SUBMIT, actor=actor)
    if missing := gaps(solution):
        raise Several(missing)
    last = solution.last_version
    if (
        last is not None
        and solution.status is SolutionStatus.SUBMITTED
        and not solution.has_unsubmitted_changes
    ):
        raise RuleViolation(
            N_("Version %(number)s says the same and is already submitted."), number=last.number
        )
    LIFECYCLE.advance(session, solution, SolutionAction.SUBMIT, actor=actor, reason=reason)
    content = solution.content
    version = SolutionVersion(
        number=last.number + 1 if last else 1,
        submitted_at=solution.submitted_at,
        submitted_by_id=actor.id,
        content=content,
        digest=digest_of(content),
    )
    solution.versions.append(version)
    session.flush()
    notify(
        session,
        "solutions.submit",
        solution,
        solvers(solution),
        actor=actor,
        number=version.number,
        digest=version.digest,
        sender=actor.name,
    )
    return version


def withdraw(session: Session, solution: Solution, *, actor: User, reason: str = "") -> None:
    """Take the submission back; the words stay, to be submitted again until the deadline."""
    LIFECYCLE.advance(session, solution, SolutionAction.WITHDRAW, actor=actor, reason=reason)


def confirm(session: Session, solution: Solution, *, actor: User, reason: str = "") -> None:
    """Accept the award."""
    LIFECYCLE.advance(session, solution, SolutionAction.CONFIRM, actor=actor, reason=reason)


def decline(session: Session, solution: Solution, *, actor: User, reason: str = "") -> None:
    """Decline the award, with a reason."""
    LIFECYCLE.advance(session, solution, SolutionAction.DECLINE, actor=actor, reason=reason)

"""How a solution goes from draft to decision: the states, and the ways between them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from bidding.challenges.lifecycle import poster_is_suspended
from bidding.challenges.models import ChallengeStatus
from bidding.lifecycle import Lifecycle, Reason, Transition
from bidding.notifications.rules import notify
from bidding.permissions import Permission
from bidding.solutions.models import Solution, SolutionStatus
from bidding.vocabulary import N_, Action, Tone

if TYPE_CHECKING:
    from bidding.accounts.models import User
    from bidding.challenges.models import Challenge


class SolutionAction(Action):
    """What can be done to a solution."""

    SUBMIT = "submit", N_("Submit the solution"), "submission", Tone.SUCCESS
    WITHDRAW = "withdraw", N_("Withdraw"), "withdrawal", Tone.WARNING
    PASS = "pass", N_("Pass screening"), "eligibility", Tone.SUCCESS
    EXCLUDE = "exclude", N_("Exclude at screening"), "exclusion", Tone.DANGER
    SHORTLIST = "shortlist", N_("Shortlist"), "shortlisting", Tone.SUCCESS
    SELECT = "select", N_("Select"), "selection", Tone.SUCCESS
    PASS_OVER = "pass_over", N_("Do not select"), "non-selection"
    CONFIRM = "confirm", N_("Accept the award"), "confirmation", Tone.SUCCESS
    DECLINE = "decline", N_("Decline the award"), "declination", Tone.DANGER


def solvers(solution: Solution) -> list[User]:
    """The people of the organization that offers the solution."""
    return solution.organization.people


def posters(solution: Solution) -> list[User]:
    """The people of the organization that posted the challenge."""
    return solution.challenge.organization.people


def closed_because(challenge: Challenge) -> str | None:
    """Why no solution can be written on `challenge` now; None while it is open."""
    if challenge.is_open:
        return None
    if challenge.status is ChallengeStatus.SUSPENDED:
        return N_("The challenge is suspended. Solutions wait until it is resumed.")
    if challenge.status is ChallengeStatus.CANCELLED:
        return N_("The challenge was cancelled; no solution can be written any more.")
    return N_("The deadline has passed; the solution can no longer be changed.")


def _closed(solution: Solution) -> str | None:
    return closed_because(solution.challenge)


def _may_not_submit(solution: Solution) -> str | None:
    if not solution.organization.may_solve:
        return N_("Only a verified small or medium enterprise can submit a solution.")
    return _closed(solution)


def _under_evaluation(solution: Solution) -> str | None:
    if solution.challenge.status is not ChallengeStatus.EVALUATING:
        return N_("The challenge is not under evaluation.")
    return poster_is_suspended(solution.challenge)


def _announce(
    session: Session,
    event: str,
    solution: Solution,
    recipients: Iterable[User],
    *,
    actor: User,
    reason: str,
) -> None:
    notify(
        session,
        event,
        solution,
        recipients,
        actor=actor,
        reason=reason,
        organization=solution.organization.name,
    )


_S, _A, _P = SolutionStatus, SolutionAction, Permission

LIFECYCLE = Lifecycle(
    name="solutions",
    initial=_S.DRAFT,
    announce=_announce,
    transitions=(
        Transition(
            (_S.DRAFT, _S.SUBMITTED, _S.WITHDRAWN),
            _A.SUBMIT,
            _S.SUBMITTED,
            _P.EDIT_SOLUTION,
            refuse=_may_not_submit,
            stamp="submitted_at",  # the receipt, to its sender too, is the rule's
        ),
        Transition(
            (_S.SUBMITTED,),
            _A.WITHDRAW,
            _S.WITHDRAWN,
            _P.EDIT_SOLUTION,
            Reason.OPTIONAL,
            refuse=_closed,
            hears=(solvers,),
        ),
        Transition(
            (_S.SUBMITTED,),
            _A.PASS,
            _S.ELIGIBLE,
            _P.EVALUATE_SOLUTION,
            Reason.OPTIONAL,
            refuse=_under_evaluation,
        ),
        Transition(
            (_S.SUBMITTED,),
            _A.EXCLUDE,
            _S.INELIGIBLE,
            _P.EVALUATE_SOLUTION,
            Reason.REQUIRED,
            refuse=_under_evaluation,
            stamp="decided_at",
            hears=(solvers,),
        ),
        Transition(
            (_S.ELIGIBLE,),
            _A.SHORTLIST,
            _S.SHORTLISTED,
            _P.EVALUATE_SOLUTION,
            Reason.OPTIONAL,
            refuse=_under_evaluation,
        ),
        Transition(
            (_S.SHORTLISTED,),
            _A.SELECT,
            _S.SELECTED,
            _P.EVALUATE_SOLUTION,
            Reason.REQUIRED,
            refuse=_under_evaluation,
            stamp="decided_at",
            hears=(solvers,),
        ),
        Transition(
            (_S.SUBMITTED, _S.ELIGIBLE, _S.SHORTLISTED),
            _A.PASS_OVER,
            _S.NOT_SELECTED,
            _P.EVALUATE_SOLUTION,
            Reason.REQUIRED,
            refuse=_under_evaluation,
            stamp="decided_at",
            hears=(solvers,),
        ),
        Transition(
            (_S.SELECTED,),
            _A.CONFIRM,
            _S.CONFIRMED,
            _P.EDIT_SOLUTION,
            hears=(posters,),
            keeps_reason=True,  # why it was chosen
        ),
        Transition(
            (_S.SELECTED,),
            _A.DECLINE,
            _S.DECLINED,
            _P.EDIT_SOLUTION,
            Reason.REQUIRED,
            hears=(posters,),
        ),
    ),
)

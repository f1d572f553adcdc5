"""Every state × action × person of the solutions' lifecycle."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from bidding.challenges.models import ChallengeStatus
from bidding.permissions import Party
from bidding.solutions.lifecycle import LIFECYCLE, SolutionAction
from bidding.solutions.models import Solution, SolutionStatus
from bidding.violations import AccessDenied, InvalidTransition
from tests import factories

A, S = SolutionAction, SolutionStatus

# Written out by hand: what the programme promises, not what the code happens to say.
ALLOWED = {
    (S.DRAFT, A.SUBMIT): (S.SUBMITTED, Party.SOLVER),
    (S.SUBMITTED, A.SUBMIT): (S.SUBMITTED, Party.SOLVER),
    (S.WITHDRAWN, A.SUBMIT): (S.SUBMITTED, Party.SOLVER),
    (S.SUBMITTED, A.WITHDRAW): (S.WITHDRAWN, Party.SOLVER),
    (S.SUBMITTED, A.PASS): (S.ELIGIBLE, Party.POSTER),
    (S.SUBMITTED, A.EXCLUDE): (S.INELIGIBLE, Party.POSTER),
    (S.ELIGIBLE, A.SHORTLIST): (S.SHORTLISTED, Party.POSTER),
    (S.SHORTLISTED, A.SELECT): (S.SELECTED, Party.POSTER),
    (S.SUBMITTED, A.PASS_OVER): (S.NOT_SELECTED, Party.POSTER),
    (S.ELIGIBLE, A.PASS_OVER): (S.NOT_SELECTED, Party.POSTER),
    (S.SHORTLISTED, A.PASS_OVER): (S.NOT_SELECTED, Party.POSTER),
    (S.SELECTED, A.CONFIRM): (S.CONFIRMED, Party.SOLVER),
    (S.SELECTED, A.DECLINE): (S.DECLINED, Party.SOLVER),
}
AUTHORS_ACTIONS = {A.SUBMIT, A.WITHDRAW, A.CONFIRM, A.DECLINE}
PEOPLE = ("solver", "poster", "rival", "reviewer", "administrator", "loner")


def _solution(state: SolutionStatus, action: SolutionAction) -> Solution:
    """A solution in `state` on a challenge that would allow `action`."""
    writing = action in (A.SUBMIT, A.WITHDRAW)
    challenge = factories.ChallengeFactory(
        status=ChallengeStatus.PUBLISHED if writing else ChallengeStatus.EVALUATING,
        closed=not writing,
    )
    solution: Solution = factories.SolutionFactory(challenge=challenge, status=state)
    return solution


def _person(name: str, solution: Solution) -> object:
    return {
        "solver": lambda: factories.member_of(solution.organization),
        "poster": lambda: factories.member_of(solution.challenge.organization),
        "rival": factories.solver,
        "reviewer": lambda: factories.UserFactory(reviewer=True),
        "administrator": lambda: factories.UserFactory(administrator=True),
        "loner": factories.UserFactory,
    }[name]()


@pytest.mark.parametrize("state", S)
@pytest.mark.parametrize("action", A)
@pytest.mark.parametrize("who", PEOPLE)
def test_only_the_promised_moves_are_possible(
    session: Session, state: SolutionStatus, action: SolutionAction, who: str
) -> None:
    solution = _solution(state, action)
    actor = _person(who, solution)
    target, party = ALLOWED.get((state, action), (None, None))

    if target is not None and who == party:
        LIFECYCLE.advance(session, solution, action, actor=actor, reason="Because.")
        assert solution.status is target
        return
    entitled = "solver" if action in AUTHORS_ACTIONS else "poster"
    private = state in (S.DRAFT, S.WITHDRAWN)
    refusal = InvalidTransition if who == entitled else AccessDenied
    if who == "poster" and entitled == "poster" and private:
        refusal = AccessDenied  # for the poster it does not even exist
    with pytest.raises(refusal):
        LIFECYCLE.advance(session, solution, action, actor=actor, reason="Because.")
    assert solution.status is state

"""Every state × action × role of every lifecycle, against a table written by hand.

The expectations below are DESIGN's words, not the code's: who may do what from where, and where
it leads. Everything they do not list must be refused.
"""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from bidding import clock
from bidding.accounts.models import Role
from bidding.challenges import lifecycle as challenges
from bidding.challenges.lifecycle import ChallengeAction
from bidding.challenges.models import Challenge, ChallengeStatus
from bidding.lifecycle import Lifecycle, Reason
from bidding.organizations import lifecycle as organizations
from bidding.organizations.lifecycle import OrganizationAction
from bidding.organizations.models import MemberRole, Membership, Organization, OrganizationStatus
from bidding.organizations.size_classes import SizeClass
from bidding.solutions import lifecycle as solutions
from bidding.solutions.lifecycle import SolutionAction
from bidding.solutions.models import Solution, SolutionStatus
from bidding.violations import AccessDenied, InvalidTransition

POSTING, SOLVING, ELSEWHERE = 1, 2, 3

LIFECYCLES: dict[str, Lifecycle] = {
    "organizations": organizations.LIFECYCLE,
    "challenges": challenges.LIFECYCLE,
    "solutions": solutions.LIFECYCLE,
}

# from             action           to                 who                      a reason is
EXPECTED = {
    "organizations": """
draft              submit           pending            member                   -
changes_requested  submit           pending            member                   -
pending            verify           verified           reviewer administrator   optional
pending            request_changes  changes_requested  reviewer administrator   required
pending            reject           rejected           reviewer administrator   required
verified           suspend          suspended          administrator            required
suspended          reinstate        verified           administrator            required
""",
    "challenges": """
draft              submit           in_review          poster                   -
changes_requested  submit           in_review          poster                   -
in_review          publish          published          reviewer administrator   optional
in_review          request_changes  changes_requested  reviewer administrator   required
in_review          reject           rejected           reviewer administrator   required
published          open             evaluating         poster                   -
published          cancel           cancelled          poster                   required
published          suspend          suspended          administrator            required
suspended          resume           published          administrator            optional
evaluating         award            awarded            poster                   required
evaluating         fail             unsuccessful       poster                   required
evaluating         cancel           cancelled          poster                   required
""",
    "solutions while open": """
draft              submit           submitted          solver                   -
submitted          submit           submitted          solver                   -
withdrawn          submit           submitted          solver                   -
submitted          withdraw         withdrawn          solver                   optional
selected           confirm          confirmed          solver                   -
selected           decline          declined           solver                   required
""",
    "solutions under evaluation": """
submitted          pass             eligible           poster                   optional
submitted          exclude          ineligible         poster                   required
eligible           shortlist        shortlisted        poster                   optional
shortlisted        select           selected           poster                   required
submitted          pass_over        not_selected       poster                   required
eligible           pass_over        not_selected       poster                   required
shortlisted        pass_over        not_selected       poster                   required
selected           confirm          confirmed          solver                   -
selected           decline          declined           solver                   required
""",
}


def person(organization: int | None = None, role: Role = Role.PARTICIPANT) -> Any:
    membership = organization and Membership(
        user_id=1, organization_id=organization, role=MemberRole.OWNER
    )
    return SimpleNamespace(
        id=1,
        is_authenticated=True,
        role=role,
        membership=membership,
        organization_id=organization,
    )


PEOPLE: dict[str, Any] = {
    "visitor": None,
    "newcomer": person(),
    "member": person(POSTING),
    "poster": person(POSTING),
    "solver": person(SOLVING),
    "other": person(ELSEWHERE),
    "reviewer": person(role=Role.REVIEWER),
    "administrator": person(role=Role.ADMINISTRATOR),
    "reviewer of the posting organization": person(POSTING, Role.REVIEWER),
    "administrator of the posting organization": person(POSTING, Role.ADMINISTRATOR),
}
# An insider of the staff is a member like the others, and nothing more.
INSIDERS = {
    "reviewer of the posting organization",
    "administrator of the posting organization",
}


def make_organization(status: OrganizationStatus) -> Organization:
    return Organization(id=POSTING, name="x", size_class=SizeClass.LARGE, status=status)


def make_challenge(status: ChallengeStatus, *, closed: bool = True) -> Challenge:
    hours = -1 if closed else 1
    return Challenge(
        id=1,
        title="x",
        organization_id=POSTING,
        organization=make_organization(OrganizationStatus.VERIFIED),
        status=status,
        closes_at=clock.now() + timedelta(hours=hours),
        opened_at=clock.now() if status is ChallengeStatus.EVALUATING else None,
    )


def make_solution(status: SolutionStatus, challenge: Challenge) -> Solution:
    sme = Organization(
        id=SOLVING, name="y", size_class=SizeClass.SMALL, status=OrganizationStatus.VERIFIED
    )
    return Solution(
        id=1, organization_id=SOLVING, organization=sme, status=status, challenge=challenge
    )


# What is tried: expectations, statuses, actions, and the record in a given status.
CASES = {
    "organizations": (OrganizationStatus, OrganizationAction, make_organization),
    "challenges": (ChallengeStatus, ChallengeAction, make_challenge),
    "solutions while open": (
        SolutionStatus,
        SolutionAction,
        lambda s: make_solution(s, make_challenge(ChallengeStatus.PUBLISHED, closed=False)),
    ),
    "solutions under evaluation": (
        SolutionStatus,
        SolutionAction,
        lambda s: make_solution(s, make_challenge(ChallengeStatus.EVALUATING)),
    ),
}


def moves(case: str) -> dict[tuple[str, str], tuple[str, set[str], str]]:
    found = {}
    for line in EXPECTED[case].strip().splitlines():
        source, action, target, *who, reason = line.split()
        found[source, action] = (target, set(who), reason.replace("-", "none"))
    return found


def outcome(lifecycle: Lifecycle, record: Any, action: Any, actor: Any) -> str:
    try:
        return lifecycle.check(record, action, actor=actor).target.value
    except (AccessDenied, InvalidTransition):
        return "refused"


@pytest.mark.parametrize(
    ("case", "status", "action"),
    [
        (case, status, action)
        for case, (statuses, actions, _make) in CASES.items()
        for status in statuses
        for action in actions
    ],
    ids=lambda value: getattr(value, "value", value),
)
def test_every_state_action_and_role(case, status, action):
    lifecycle, make = LIFECYCLES[case.split()[0]], CASES[case][2]
    target, who, reason = moves(case).get((status.value, action.value), ("", set(), ""))
    if who & {"member", "poster"}:
        who = who | INSIDERS | ({"member", "poster"})
    expected = {name: target if name in who else "refused" for name in PEOPLE}

    got = {name: outcome(lifecycle, make(status), action, p) for name, p in PEOPLE.items()}

    assert got == expected
    if who:
        assert lifecycle.find(status, action).reason is Reason(reason)


def test_no_solutions_are_opened_before_the_deadline():
    challenge = make_challenge(ChallengeStatus.PUBLISHED, closed=False)
    with pytest.raises(InvalidTransition, match="sealed until the deadline"):
        challenges.LIFECYCLE.check(challenge, ChallengeAction.OPEN, actor=PEOPLE["poster"])


@pytest.mark.parametrize("action", [SolutionAction.SUBMIT, SolutionAction.WITHDRAW])
@pytest.mark.parametrize("status", [SolutionStatus.DRAFT, SolutionStatus.SUBMITTED])
def test_nothing_is_submitted_or_withdrawn_after_the_deadline(status, action):
    late = make_solution(status, make_challenge(ChallengeStatus.PUBLISHED))
    with pytest.raises(InvalidTransition):
        solutions.LIFECYCLE.check(late, action, actor=PEOPLE["solver"])


@pytest.mark.parametrize("name", list(LIFECYCLES))
def test_every_state_can_be_reached_or_belongs_to_a_later_room(name):
    lifecycle = LIFECYCLES[name]
    reached = {row.target.value for row in lifecycle.transitions} | {lifecycle.initial.value}
    later = {"completed", "terminated"} if name == "challenges" else set()
    assert {s.value for s in type(lifecycle.initial)} - reached == later

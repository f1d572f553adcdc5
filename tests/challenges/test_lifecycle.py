"""Every state × action × role of a challenge, against a table written by hand."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest

from bidding import clock
from bidding.accounts.models import Role, User
from bidding.challenges.lifecycle import LIFECYCLE, ChallengeAction
from bidding.challenges.models import Challenge, ChallengeStatus
from bidding.organizations.models import Membership, Organization, OrganizationStatus
from bidding.organizations.size_classes import SizeClass
from bidding.violations import AccessDenied, InvalidTransition

A, S = ChallengeAction, ChallengeStatus
POSTERS, OTHERS = 1, 2


def person(role: Role, organization_id: int | None) -> User:
    membership = Membership(organization_id=organization_id) if organization_id else None
    return User(role=role, membership=membership)


ROLES = {
    "visitor": None,
    "participant": person(Role.PARTICIPANT, None),
    "poster": person(Role.PARTICIPANT, POSTERS),
    "other_member": person(Role.PARTICIPANT, OTHERS),
    "reviewer": person(Role.REVIEWER, None),
    "administrator": person(Role.ADMINISTRATOR, None),
    "reviewer_of_the_poster": person(Role.REVIEWER, POSTERS),
    "administrator_of_the_poster": person(Role.ADMINISTRATOR, POSTERS),
}
OF_THE_POSTER = {"poster", "reviewer_of_the_poster", "administrator_of_the_poster"}
STAFF = {"reviewer", "administrator"}

WHO = {
    A.SUBMIT: OF_THE_POSTER,
    A.PUBLISH: STAFF,
    A.REQUEST_CHANGES: STAFF,
    A.REJECT: STAFF,
    A.OPEN: OF_THE_POSTER,
    A.AWARD: OF_THE_POSTER,
    A.FAIL: OF_THE_POSTER,
    A.CANCEL: OF_THE_POSTER,
    A.SUSPEND: {"administrator"},
    A.RESUME: {"administrator"},
}
# "open" and "closed" are the two faces of a published challenge.
WHEN = {
    A.SUBMIT: {"draft": "in_review", "changes_requested": "in_review"},
    A.PUBLISH: {"in_review": "published"},
    A.REQUEST_CHANGES: {"in_review": "changes_requested"},
    A.REJECT: {"in_review": "rejected"},
    A.OPEN: {"closed": "evaluating"},
    A.AWARD: {"evaluating": "awarded"},
    A.FAIL: {"evaluating": "unsuccessful"},
    A.CANCEL: {"open": "cancelled", "closed": "cancelled", "evaluating": "cancelled"},
    A.SUSPEND: {"open": "suspended", "closed": "suspended"},
    A.RESUME: {"suspended": "published"},
}
STATES = [status.value for status in S if status is not S.PUBLISHED] + ["open", "closed"]


def challenge_in(state: str) -> Challenge:
    status = S.PUBLISHED if state in ("open", "closed") else S(state)
    day = timedelta(days=-1 if state == "closed" else 1)
    return Challenge(
        title="Magnets",
        organization_id=POSTERS,
        organization=Organization(
            id=POSTERS, size_class=SizeClass.LARGE, status=OrganizationStatus.VERIFIED
        ),
        status=status,
        closes_at=clock.now() + day,
    )


@pytest.mark.parametrize(("state", "action", "role"), list(product(STATES, A, ROLES)))
def test_who_may_do_what_in_which_state(state: str, action: A, role: str) -> None:
    challenge, actor = challenge_in(state), ROLES[role]
    # Staff has no standing towards a draft, which is its author's alone.
    may = role in WHO[action] and not (state == "draft" and role in STAFF)
    target = WHEN[action].get(state)

    if may and target:
        row = LIFECYCLE.check(challenge, action, actor=actor)
        assert row.target.value == target
    else:
        with pytest.raises(InvalidTransition if may else AccessDenied):
            LIFECYCLE.check(challenge, action, actor=actor)
    offered = [row.action for row in LIFECYCLE.available(challenge, actor)]
    assert (action in offered) == bool(may and target)

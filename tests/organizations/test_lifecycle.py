"""Every state × action × person of the organizations' lifecycle, and what follows from each."""

from __future__ import annotations

import itertools

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from bidding.audit import AuditEvent
from bidding.deferred import take
from bidding.notifications.models import Notification
from bidding.organizations import rules
from bidding.organizations.lifecycle import OrganizationAction as A
from bidding.organizations.models import MemberRole, Organization
from bidding.organizations.models import OrganizationStatus as S
from bidding.violations import AccessDenied, InvalidTransition, ReasonRequired
from tests import factories

STAFF, ADMINISTRATOR = {"reviewer", "administrator"}, {"administrator"}
MEMBERS = {"owner", "member", "reviewer among its members"}
PEOPLE = ("owner", "member", "reviewer", "administrator", "reviewer among its members", "outsider")

# The whole table, written down a second time: (from, action) → to, and who may.
ALLOWED = {
    (S.DRAFT, A.SUBMIT): (S.PENDING, MEMBERS),
    (S.CHANGES_REQUESTED, A.SUBMIT): (S.PENDING, MEMBERS),
    (S.PENDING, A.VERIFY): (S.VERIFIED, STAFF),
    (S.PENDING, A.REQUEST_CHANGES): (S.CHANGES_REQUESTED, STAFF),
    (S.PENDING, A.REJECT): (S.REJECTED, STAFF),
    (S.VERIFIED, A.SUSPEND): (S.SUSPENDED, ADMINISTRATOR),
    (S.SUSPENDED, A.REINSTATE): (S.VERIFIED, ADMINISTRATOR),
}
HOLDERS = {
    A.SUBMIT: MEMBERS,
    A.VERIFY: STAFF,
    A.REQUEST_CHANGES: STAFF,
    A.REJECT: STAFF,
    A.SUSPEND: ADMINISTRATOR,
    A.REINSTATE: ADMINISTRATOR,
}


def complete(status: S, **facts: object) -> Organization:
    return factories.OrganizationFactory(
        status=status, brief="Magnets.", employees=2000, revenue_fen=10**12, **facts
    )


def person(name: str, organization: Organization):
    match name:
        case "owner":
            return factories.member_of(organization)
        case "member":
            return factories.member_of(organization, member_role=MemberRole.MEMBER)
        case "reviewer among its members":
            return factories.member_of(organization, reviewer=True)
        case "outsider":
            return factories.poster()
    return factories.UserFactory(**{name: True})


@pytest.mark.parametrize(
    ("status", "action", "name"), list(itertools.product(S, A, PEOPLE)), ids=str
)
def test_every_state_action_and_person(session: Session, status: S, action: A, name: str) -> None:
    organization = complete(status)
    actor = person(name, organization)
    verb = getattr(rules, action.value)
    target, who = ALLOWED.get((status, action), (status, set()))
    # Staff do not even see a draft.
    holders = HOLDERS[action] - (STAFF if status is S.DRAFT else set())

    if name in who:
        verb(session, organization, actor=actor, reason="Checked.")
    else:
        refusal = InvalidTransition if name in holders else AccessDenied
        with pytest.raises(refusal):
            verb(session, organization, actor=actor, reason="Checked.")

    assert organization.status is (target if name in who else status)


@pytest.mark.parametrize("action", [A.REQUEST_CHANGES, A.REJECT])
def test_a_refusal_owes_a_reason(session: Session, action: A) -> None:
    organization = complete(S.PENDING)
    with pytest.raises(ReasonRequired):
        getattr(rules, action.value)(
            session, organization, actor=factories.UserFactory(reviewer=True), reason=" "
        )


def test_the_members_hear_of_a_decision_and_the_trail_keeps_it(session: Session) -> None:
    organization = complete(S.PENDING)
    owner = person("owner", organization)
    reviewer = person("reviewer", organization)

    rules.reject(session, organization, actor=reviewer, reason="Not an enterprise.")

    (notice,) = session.scalars(sa.select(Notification))
    assert (notice.event, notice.user_id) == ("organizations.reject", owner.id)
    (event,) = session.scalars(sa.select(AuditEvent))
    assert event.changes["status"] == ["pending", "rejected"]
    assert event.reason == organization.status_reason == "Not an enterprise."


@pytest.mark.parametrize(("sme", "jobs"), [(True, 1), (False, 0)])
def test_the_matcher_hears_of_a_verified_sme_only(session: Session, sme: bool, jobs: int) -> None:
    organization = complete(S.PENDING, sme=sme)
    rules.verify(session, organization, actor=factories.UserFactory(reviewer=True))
    asked = [job for job in take(session) if job == ("matching.organization", (organization.id,))]
    assert len(asked) == jobs

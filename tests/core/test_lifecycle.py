"""The one place where a status changes: what it refuses, and all that it does at once."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from bidding import clock
from bidding.audit import AuditEvent
from bidding.extensions import db
from bidding.lifecycle import Lifecycle, Reason, Transition
from bidding.notifications.models import Notification
from bidding.organizations.lifecycle import LIFECYCLE, OrganizationAction
from bidding.organizations.models import Organization, OrganizationStatus
from bidding.permissions import Permission
from bidding.violations import AccessDenied, InvalidTransition, ReasonRequired
from tests import factories

S, A = OrganizationStatus, OrganizationAction


@pytest.fixture
def reviewer(session):
    return factories.UserFactory(reviewer=True)


@pytest.fixture
def pending(session):
    return factories.OrganizationFactory(status=S.PENDING)


def test_advancing_sets_stamps_audits_and_queues_notices_in_one_transaction(
    session, reviewer, pending
):
    first, second = factories.member_of(pending), factories.member_of(pending)
    moment = datetime(2027, 3, 31, 9, tzinfo=UTC)
    with clock.at(moment):
        LIFECYCLE.advance(session, pending, A.VERIFY, actor=reviewer, reason="  Checked.  ")

    assert pending.status is S.VERIFIED
    assert pending.verified_at == pending.status_changed_at == moment
    assert pending.status_reason == "Checked."

    event = session.scalars(sa.select(AuditEvent)).one()
    assert event.action == "organizations.verify"
    assert (event.actor_id, event.actor_name) == (reviewer.id, reviewer.name)
    assert (event.subject_type, event.subject_id) == ("organizations", pending.id)
    assert (event.subject_name, event.reason) == (pending.name, "Checked.")
    assert event.changes == {"status": ["pending", "verified"]}

    notices = session.scalars(sa.select(Notification)).all()
    assert {notice.user_id for notice in notices} == {first.id, second.id}
    assert {notice.event for notice in notices} == {"organizations.verify"}
    assert notices[0].params == {"headline": pending.name, "reason": "Checked."}

    session.rollback()
    assert session.scalar(sa.select(sa.func.count(AuditEvent.id))) == 0
    assert session.scalar(sa.select(sa.func.count(Notification.id))) == 0


def test_other_changes_made_with_the_transition_are_audited_with_it(session, reviewer, pending):
    pending.brief = "Corrected."
    LIFECYCLE.advance(session, pending, A.VERIFY, actor=reviewer)
    event = session.scalars(sa.select(AuditEvent)).one()
    assert event.changes == {"brief": ["", "Corrected."], "status": ["pending", "verified"]}


def test_who_acts_is_not_told_of_it(session):
    administrator = factories.UserFactory(administrator=True)
    organization = factories.OrganizationFactory()
    member = factories.member_of(organization)
    told = []
    lifecycle = Lifecycle(
        name="organizations",
        initial=S.DRAFT,
        announce=lambda _session, event, _record, people, **_rest: told.append((event, people)),
        transitions=(
            Transition(
                (S.VERIFIED,),
                A.SUSPEND,
                S.SUSPENDED,
                Permission.SUSPEND_ORGANIZATION,
                hears=(lambda _record: [administrator, member, member],),
            ),
        ),
    )
    lifecycle.advance(session, organization, A.SUSPEND, actor=administrator)
    assert told == [("organizations.suspend", [member])]


def test_a_participant_cannot_do_what_is_a_reviewers(session, pending):
    with pytest.raises(AccessDenied):
        LIFECYCLE.advance(session, pending, A.VERIFY, actor=factories.member_of(pending))
    assert pending.status is S.PENDING


def test_a_reviewer_cannot_decide_on_the_own_organization(session, pending):
    insider = factories.member_of(pending, reviewer=True)
    with pytest.raises(AccessDenied):
        LIFECYCLE.advance(session, pending, A.VERIFY, actor=insider)


def test_deciding_twice_is_refused_as_no_longer_possible(session, reviewer, pending):
    LIFECYCLE.advance(session, pending, A.VERIFY, actor=reviewer)
    with pytest.raises(InvalidTransition) as refusal:
        LIFECYCLE.advance(session, pending, A.REJECT, actor=reviewer, reason="Changed my mind.")
    assert refusal.value.params == {"record": pending.name}


def test_access_is_judged_before_state_so_that_the_state_is_not_given_away(session):
    verified = factories.OrganizationFactory()
    with pytest.raises(AccessDenied):
        LIFECYCLE.check(verified, A.VERIFY, actor=factories.UserFactory())


@pytest.mark.parametrize("reason", ["", "   ", "\n\t"])
def test_a_blank_reason_is_no_reason(session, reviewer, pending, reason):
    with pytest.raises(ReasonRequired):
        LIFECYCLE.advance(session, pending, A.REJECT, actor=reviewer, reason=reason)
    assert pending.status is S.PENDING
    assert session.scalar(sa.select(sa.func.count(AuditEvent.id))) == 0


def test_a_fact_can_refuse_what_the_status_allows(session, reviewer, pending):
    lifecycle = Lifecycle(
        name="organizations",
        initial=S.DRAFT,
        transitions=(
            Transition(
                (S.PENDING,),
                A.VERIFY,
                S.VERIFIED,
                Permission.REVIEW_ORGANIZATION,
                refuse=lambda record: "Not today." if record.brief == "" else None,
            ),
        ),
    )
    assert lifecycle.available(pending, reviewer) == []
    with pytest.raises(InvalidTransition, match=r"Not today\."):
        lifecycle.advance(session, pending, A.VERIFY, actor=reviewer)
    pending.brief = "Ready."
    assert [row.action for row in lifecycle.available(pending, reviewer)] == [A.VERIFY]


def test_the_buttons_are_what_would_be_accepted(session, reviewer, pending):
    def offered(actor: object) -> list[str]:
        return [row.action.value for row in LIFECYCLE.available(pending, actor)]

    assert offered(reviewer) == ["verify", "request_changes", "reject"]
    assert offered(factories.member_of(pending)) == []
    assert offered(None) == []


def test_two_rows_for_one_move_are_a_mistake():
    row = Transition((S.PENDING,), A.VERIFY, S.VERIFIED, Permission.REVIEW_ORGANIZATION)
    with pytest.raises(ValueError, match="two rows"):
        Lifecycle(name="x", initial=S.DRAFT, transitions=(row, row))


def test_the_diagram_has_one_arrow_for_each_move():
    lifecycle = Lifecycle(
        name="x",
        initial=S.DRAFT,
        transitions=(
            Transition(
                (S.DRAFT, S.CHANGES_REQUESTED), A.SUBMIT, S.PENDING, Permission.EDIT_ORGANIZATION
            ),
            Transition(
                (S.PENDING,), A.VERIFY, S.VERIFIED, Permission.REVIEW_ORGANIZATION, Reason.OPTIONAL
            ),
        ),
    )
    assert lifecycle.mermaid().splitlines() == [
        "stateDiagram-v2",
        "    [*] --> draft",
        "    draft --> pending: submit",
        "    changes_requested --> pending: submit",
        "    pending --> verified: verify",
    ]


def test_of_two_reviewers_with_the_same_page_the_second_is_told(app, session):
    """Both loaded version 1; whoever writes second must not overwrite the first decision."""
    ident = factories.OrganizationFactory(status=S.PENDING).id
    for name in ("first", "second"):
        factories.UserFactory(reviewer=True, email=f"{name}@example.com")
    session.commit()

    def open_page(email: str) -> tuple[Session, Organization, object]:
        own = Session(db.engine, expire_on_commit=False)
        record = own.get_one(Organization, ident)
        reviewer = own.scalars(sa.select(factories.User).filter_by(email=email)).one()
        assert reviewer.membership is None  # loaded now, not after the other has written
        own.commit()
        return own, record, reviewer

    first, one, fast = open_page("first@example.com")
    second, other, slow = open_page("second@example.com")
    with first, second:
        LIFECYCLE.advance(first, one, A.VERIFY, actor=fast)
        first.commit()
        with pytest.raises(StaleDataError):
            LIFECYCLE.advance(second, other, A.REJECT, actor=slow, reason="Too late.")
        second.rollback()
    session.expire_all()
    assert session.get_one(Organization, ident).status is S.VERIFIED
    assert session.scalar(sa.select(sa.func.count(AuditEvent.id))) == 1

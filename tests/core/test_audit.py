"""The trail: complete, and not to be changed by anybody."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from bidding import audit
from bidding.audit import AuditEvent, Origin
from bidding.organizations.size_classes import SizeClass
from tests import factories


@pytest.fixture
def organization(session):
    organization = factories.OrganizationFactory(name="Hengdian", employees=20)
    session.commit()
    session.refresh(organization)
    return organization


@pytest.mark.parametrize(
    "change",
    [sa.update(AuditEvent).values(reason="Nothing happened."), sa.delete(AuditEvent)],
    ids=["update", "delete"],
)
def test_the_database_itself_refuses_to_change_the_trail(session, organization, change):
    audit.record(session, "organizations.update", organization, actor=None, reason="Kept.")
    session.commit()
    with pytest.raises(DBAPIError, match="append-only"):
        session.execute(change)
    session.rollback()
    assert session.scalars(sa.select(AuditEvent.reason)).all() == ["Kept."]


def test_a_change_is_recorded_from_old_to_new_in_plain_values(session, organization):
    actor = factories.UserFactory(name="Zhou Min")
    organization.employees = 350
    organization.size_class = SizeClass.MEDIUM
    organization.name = "Hengdian"  # set, but not changed
    event = audit.record(session, "organizations.update", organization, actor=actor)
    assert event.changes == {"employees": [20, 350], "size_class": ["large", "medium"]}
    assert (event.actor_id, event.actor_name) == (actor.id, "Zhou Min")
    assert (event.subject_type, event.subject_id) == ("organizations", organization.id)


def test_it_says_from_where_and_in_which_request(session, organization):
    token = audit.origin.set(Origin("web", "abc123", "203.0.113.9"))
    try:
        event = audit.record(session, "organizations.update", organization, actor=None)
    finally:
        audit.origin.reset(token)
    assert (event.channel, event.request_id, event.address) == ("web", "abc123", "203.0.113.9")


def test_passwords_and_session_keys_never_enter_the_trail(session):
    user = factories.UserFactory()
    session.commit()
    user.password_hash, user.session_key, user.name = "new", "new", "Zhou"
    event = audit.record(session, "accounts.change_password", user, actor=user)
    assert set(event.changes) == {"name"}


def test_the_trail_of_a_record_is_told_from_its_beginning(session, organization):
    other = factories.OrganizationFactory()
    for action in ("organizations.create", "organizations.submit"):
        audit.record(session, action, organization, actor=None)
        audit.record(session, action, other, actor=None)
    session.flush()
    trail = session.scalars(audit.trail("organizations", organization.id))
    assert [event.action for event in trail] == ["organizations.create", "organizations.submit"]

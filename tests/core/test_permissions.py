"""Access is decided by party, in one table."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from bidding.accounts.models import Role
from bidding.accounts.sessions import Visitor
from bidding.permissions import (
    HOLDERS,
    Party,
    Permission,
    allows,
    demand,
    may_enter,
    requires,
    standing,
)
from bidding.violations import AccessDenied


def person(role: Role = Role.PARTICIPANT) -> SimpleNamespace:
    return SimpleNamespace(is_authenticated=True, role=role)


def record(*parties: Party) -> SimpleNamespace:
    return SimpleNamespace(parties=lambda _actor: set(parties))


def test_every_permission_is_held_by_somebody():
    assert set(HOLDERS) == set(Permission)
    assert all(HOLDERS.values())


@pytest.mark.parametrize("visitor", [None, Visitor()], ids=["nobody", "visitor"])
def test_a_visitor_is_everyone_and_nothing_more(visitor):
    assert standing(visitor) == {Party.EVERYONE}


@pytest.mark.parametrize(
    ("role", "parties"),
    [
        (Role.PARTICIPANT, set()),
        (Role.REVIEWER, {Party.REVIEWER}),
        (Role.ADMINISTRATOR, {Party.ADMINISTRATOR}),
    ],
)
def test_a_role_is_a_standing(role, parties):
    assert standing(person(role)) == {Party.EVERYONE, Party.SIGNED_IN} | parties


@pytest.mark.parametrize(
    ("permission", "visitor", "participant", "reviewer", "administrator"),
    [
        (Permission.VISIT, True, True, True, True),
        (Permission.USE_ACCOUNT, False, True, True, True),
        (Permission.READ_CHALLENGE, True, True, True, True),
        (Permission.EDIT_CHALLENGE, False, True, True, True),
        (Permission.READ_SOLUTION, False, True, True, True),
        (Permission.WORK_QUEUE, False, False, True, True),
        (Permission.REVIEW_CHALLENGE, False, False, True, True),
        (Permission.SUSPEND_CHALLENGE, False, False, False, True),
    ],
)
def test_who_may_enter_a_route_before_its_record_is_known(
    permission, visitor, participant, reviewer, administrator
):
    assert may_enter(None, permission) is visitor
    assert may_enter(person(), permission) is participant
    assert may_enter(person(Role.REVIEWER), permission) is reviewer
    assert may_enter(person(Role.ADMINISTRATOR), permission) is administrator


@pytest.mark.parametrize("party", list(Party))
@pytest.mark.parametrize("permission", list(Permission))
def test_on_a_record_only_the_parties_it_names_count(permission, party):
    """A reviewer of the programme who is no party to the record holds nothing on it."""
    actor = person(Role.ADMINISTRATOR)
    assert allows(actor, permission, record(party)) is (party in HOLDERS[permission])
    assert not allows(actor, permission, record())


def test_a_demand_that_is_not_met_is_refused():
    demand(person(), Permission.EDIT_CHALLENGE, record(Party.POSTER))
    with pytest.raises(AccessDenied):
        demand(person(), Permission.EDIT_CHALLENGE, record(Party.AUDIENCE))


def test_a_view_keeps_its_declared_permission():
    @requires(Permission.WORK_QUEUE)
    def view() -> None: ...

    assert view.permission is Permission.WORK_QUEUE

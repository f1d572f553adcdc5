"""What holds for every lifecycle. Who may do what from where is each room's `test_lifecycle.py`."""

from __future__ import annotations

import pytest

from bidding.challenges import lifecycle as challenges
from bidding.lifecycle import Reason
from bidding.organizations import lifecycle as organizations
from bidding.solutions import lifecycle as solutions

LIFECYCLES = {
    lifecycle.name: lifecycle
    for lifecycle in (organizations.LIFECYCLE, challenges.LIFECYCLE, solutions.LIFECYCLE)
}

# What is decided on somebody, or takes something from somebody, owes a reason.
OWED = {
    "organizations": {"request_changes", "reject", "suspend", "reinstate"},
    "challenges": {"request_changes", "reject", "award", "fail", "cancel", "suspend"},
    "solutions": {"exclude", "select", "pass_over", "decline"},
}


@pytest.mark.parametrize("name", LIFECYCLES)
def test_whoever_is_decided_on_is_owed_a_reason(name: str) -> None:
    rows = LIFECYCLES[name].transitions
    assert {row.action.value for row in rows if row.reason is Reason.REQUIRED} == OWED[name]


@pytest.mark.parametrize("name", LIFECYCLES)
def test_every_state_can_be_reached_or_belongs_to_a_later_room(name: str) -> None:
    lifecycle = LIFECYCLES[name]
    reached = {row.target.value for row in lifecycle.transitions} | {lifecycle.initial.value}
    later = {"completed", "terminated"} if name == "challenges" else set()
    assert {s.value for s in type(lifecycle.initial)} - reached == later

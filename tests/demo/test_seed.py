"""The demo: enough of everything, in every state, with a history that makes sense."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from bidding import seed
from bidding.accounts import demo
from bidding.accounts.models import User
from bidding.accounts.passwords import matches
from bidding.audit import AuditEvent
from bidding.challenges.models import Challenge, ChallengeStatus
from bidding.matching.models import Suggestion
from bidding.notifications.models import Notification
from bidding.organizations.models import Organization
from bidding.organizations.size_classes import SizeClass
from bidding.solutions.models import Solution, SolutionStatus

DERIVED = {ChallengeStatus.COMPLETED, ChallengeStatus.TERMINATED}  # deliveries come later


@pytest.fixture
def seeded(session: Session) -> Session:
    seed.seed_demo()
    session.rollback()
    return session


def test_the_demo_is_a_site_that_has_been_in_use(seeded) -> None:
    sizes = seeded.scalars(sa.select(Organization.size_class)).all()
    large = sizes.count(SizeClass.LARGE)
    assert (large >= 10, len(sizes) - large >= 60) == (True, True)

    states = seeded.scalars(sa.select(Challenge.status)).all()
    assert len(states) >= 40
    assert set(states) == set(ChallengeStatus) - DERIVED

    names = seeded.scalars(sa.select(Organization.name)).all()
    assert [name for name in names if not name.endswith("（演示）")] == []

    people = seeded.scalars(sa.select(User).where(User.email.in_(demo.ACCOUNTS))).all()
    assert len(people) == 4
    assert all(matches(person.password_hash, demo.PASSWORD) for person in people)

    events = seeded.scalars(sa.select(AuditEvent.at).order_by(AuditEvent.id)).all()
    assert events == sorted(events)

    unsent = sa.select(sa.func.count(Notification.id)).where(Notification.mailed_at.is_(None))
    assert seeded.scalar(unsent) == 0

    strong = sa.select(sa.func.count(Suggestion.id)).where(Suggestion.score >= 0.3)
    assert seeded.scalar(strong) >= 10

    kept = seeded.scalars(sa.select(Solution).where(Solution.status != SolutionStatus.DRAFT)).all()
    assert all(solution.versions for solution in kept)

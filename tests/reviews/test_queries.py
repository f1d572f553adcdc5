"""The queue: what waits, in which order."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Session

from bidding import clock
from bidding.reviews import queries
from bidding.reviews.queries import Kind
from tests import factories


def test_the_oldest_waits_first_whatever_it_is(session: Session) -> None:
    day = clock.now()
    for age, status in ((3, "pending"), (1, "pending"), (9, "verified"), (9, "draft")):
        factories.OrganizationFactory(
            name=f"Organization {age}", status=status, submitted_at=day - timedelta(days=age)
        )
    for age, status in ((2, "in_review"), (4, "in_review"), (9, "published"), (9, "rejected")):
        factories.ChallengeFactory(
            title=f"Challenge {age}", status=status, submitted_at=day - timedelta(days=age)
        )
    items = session.scalars(queries.queue()).all()
    assert [item.title for item in items] == [
        "Challenge 4",
        "Organization 3",
        "Challenge 2",
        "Organization 1",
    ]
    assert items[0].since == day - timedelta(days=4)
    only = session.scalars(queries.queue(Kind.ORGANIZATION)).all()
    assert [item.title for item in only] == ["Organization 3", "Organization 1"]


def test_the_next_one_is_another_and_not_ones_own(session: Session) -> None:
    reviewer = factories.member_of(factories.OrganizationFactory(status="pending"), reviewer=True)
    first = factories.OrganizationFactory(status="pending")
    second = factories.ChallengeFactory(status="in_review", submitted_at=clock.now())

    def following(kind: Kind, ident: int) -> tuple[str, int] | None:
        query = queries.following(kind, ident, organization_id=reviewer.organization_id)
        item = session.scalar(query)
        return (item.kind, item.id) if item else None

    assert following(Kind.CHALLENGE, second.id) == ("organization", first.id)
    assert following(Kind.ORGANIZATION, first.id) == ("challenge", second.id)

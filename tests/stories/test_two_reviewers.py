"""Two people decide on the same thing at the same moment; one decision stands."""

from __future__ import annotations

import threading
from collections.abc import Callable

import sqlalchemy as sa

from bidding.audit import AuditEvent
from bidding.challenges.models import Challenge, ChallengeStatus
from bidding.notifications.models import Notification
from bidding.organizations.models import Organization, OrganizationStatus
from tests import factories


def at_once(*calls: Callable[[], object]) -> list[object]:
    """Make the calls in threads that start together; their answers in order."""
    barrier = threading.Barrier(len(calls))
    answers: list[object] = [None] * len(calls)

    def make(number: int) -> None:
        barrier.wait()
        answers[number] = calls[number]()

    threads = [threading.Thread(target=make, args=(n,)) for n in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return answers


def test_one_publishes_while_the_other_rejects(session, sign_in):
    poster = factories.poster()
    challenge = factories.ChallengeFactory(
        organization=poster.organization, status=ChallengeStatus.IN_REVIEW, published_at=None
    )
    first, second = factories.UserFactory(reviewer=True), factories.UserFactory(reviewer=True)
    ident = challenge.id
    session.commit()
    fast, slow = sign_in(first), sign_in(second)

    answers = at_once(
        lambda: fast.post(f"/challenges/{ident}/publication"),
        lambda: slow.post(f"/challenges/{ident}/rejection", data={"reason": "Too vague."}),
    )

    codes = [answer.status_code for answer in answers]
    assert sorted(codes) == [302, 409]
    winner = (
        ("published", "challenges.publish")
        if codes[0] == 302
        else (
            "rejected",
            "challenges.reject",
        )
    )
    session.rollback()
    assert session.get_one(Challenge, ident).status.value == winner[0]
    decided = sa.select(AuditEvent.action).where(AuditEvent.subject_type == "challenges")
    assert session.scalars(decided).all() == [winner[1]]
    told = session.scalars(sa.select(Notification.event)).all()
    assert told == [winner[1]]


def test_both_verify_and_the_members_hear_it_once(session, sign_in):
    organization = factories.OrganizationFactory(status=OrganizationStatus.PENDING)
    factories.member_of(organization)
    reviewers = [factories.UserFactory(reviewer=True) for _ in range(4)]
    ident = organization.id
    session.commit()
    clients = [sign_in(reviewer) for reviewer in reviewers]

    answers = at_once(
        *(lambda c=client: c.post(f"/organizations/{ident}/verification") for client in clients)
    )

    assert sorted(answer.status_code for answer in answers) == [302, 409, 409, 409]
    session.rollback()
    assert session.get_one(Organization, ident).is_verified
    assert session.scalar(sa.select(sa.func.count(Notification.id))) == 1


def test_who_comes_late_reads_what_happened(session, sign_in):
    organization = factories.OrganizationFactory(status=OrganizationStatus.PENDING)
    reviewers = [factories.UserFactory(reviewer=True) for _ in range(2)]
    address = f"/organizations/{organization.id}"
    name = organization.name
    session.commit()
    first, second = map(sign_in, reviewers)
    assert first.post(f"{address}/verification").status_code == 302
    late = second.post(f"{address}/rejection", data={"reason": "No."})
    assert late.status_code == 409
    assert f"“{name}” has changed in the meantime" in late.text

"""No page sends more queries because there are more rows."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import url_for

from bidding import audit, clock
from bidding.challenges.models import (
    Addendum,
    ChallengeInvitation,
    ChallengeStatus,
    Operator,
    Requirement,
)
from bidding.matching.models import ItemSurvey, Suggestion
from bidding.notifications.models import Notification
from bidding.organizations.models import MemberRole, OrganizationStatus
from bidding.solutions.models import SolutionStatus
from tests import factories
from tests.site.matrix import ROLES, ROWS
from tests.site.world import World

# What a page may cost at most: a bound on what a person waits for, not a target.
MOST = 30


@pytest.fixture
def world(app, session) -> World:
    with app.test_request_context():
        return World(session)


def grow(world: World, count: int) -> None:
    """More of everything that a page could list."""
    session = world.session
    factories.bind(session)
    for person in world.people.values():
        if person is not None:
            session.add(person)
    session.add_all([world.posting, world.solving])
    challenges = [session.merge(challenge) for challenge in world.challenges.values()]
    by_status = {challenge.status: challenge for challenge in challenges}
    for number in range(count):
        factories.member_of(world.posting, member_role=MemberRole.MEMBER)
        factories.OrganizationFactory(status=OrganizationStatus.PENDING)
        sme = factories.ProfileFactory().organization
        for status, facts in (
            (ChallengeStatus.DRAFT, {"published_at": None}),
            (ChallengeStatus.IN_REVIEW, {"published_at": None}),
            (ChallengeStatus.PUBLISHED, {}),
            (ChallengeStatus.AWARDED, {"closed": True}),
        ):
            made = factories.ChallengeFactory(organization=world.posting, status=status, **facts)
            if status is ChallengeStatus.PUBLISHED:
                factories.SolutionFactory(challenge=made, organization=world.solving)
                session.add(_suggestion(made, world.solving, number))
                session.add(
                    ChallengeInvitation(
                        challenge=made,
                        organization=world.solving,
                        invited_by_id=world.people["poster"].id,
                    )
                )
        for challenge in challenges:
            session.add(_suggestion(challenge, sme, number))
            challenge.addenda.append(Addendum(text="More."))
            challenge.requirements.append(
                Requirement(position=10 + number, name="Size", operator=Operator.EQUAL, value="1")
            )
        survey = session.get_one(ItemSurvey, world.records["open"]["ident"])
        survey.candidates = [
            *survey.candidates,
            {"id": sme.id, "score": 0.2, "coverage": [0.1, 0.9]},
        ]
        evaluating = by_status[ChallengeStatus.EVALUATING]
        solution = factories.SolutionFactory(
            challenge=evaluating, organization=sme, status=SolutionStatus.SUBMITTED
        )
        session.flush()
        world._submit(solution)
        for person in filter(None, world.people.values()):
            session.add(_notice(person, evaluating))
        audit.record(session, "challenges.update", evaluating, actor=world.people["poster"])
    session.commit()
    for person in filter(None, world.people.values()):
        session.refresh(person)
    session.expunge_all()


def _suggestion(challenge, organization, number: int) -> Suggestion:
    terms = [{"term": "magnet", "share": 0.5}]
    return Suggestion(
        challenge=challenge, organization=organization, score=0.5 - number / 100, terms=terms
    )


def _notice(person, record) -> Notification:
    return Notification(
        user_id=person.id,
        address=person.email,
        locale="en",
        event="challenges.publish",
        subject_type="challenges",
        subject_id=record.id,
        params={"headline": record.title, "reason": ""},
        mailed_at=clock.now() - timedelta(days=1),
    )


def test_every_page_costs_the_same_with_few_rows_and_with_many(
    app, world, sign_in, client, count_queries
):
    browsers = {role: sign_in(p) if p else client for role, p in world.people.items()}
    pages = [
        (role, str(row), row.endpoint, world.records[row.record])
        for row in ROWS
        for role in ROLES
        if row.method == "GET" and row.expected[role] == 200
    ]

    def opens(role: str, url: str) -> None:
        assert browsers[role].get(url).status_code == 200, f"{role}: {url}"

    def costs() -> dict[tuple[str, str], int]:
        found = {}
        for role, name, endpoint, arguments in pages:
            with app.test_request_context():
                url = url_for(endpoint, **arguments)
            found[role, name] = count_queries(lambda u=url, r=role: opens(r, u))
        return found

    grow(world, 1)
    few = costs()
    grow(world, 4)
    many = costs()
    grown = {page: (few[page], many[page]) for page in few if many[page] > few[page]}
    assert grown == {}
    assert {page: cost for page, cost in many.items() if cost > MOST} == {}

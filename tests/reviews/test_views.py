"""The queue and the review pages."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from bidding import clock
from bidding.challenges.models import Challenge, ChallengeStatus
from bidding.organizations.models import Organization, OrganizationStatus
from tests import factories

PENDING, IN_REVIEW = OrganizationStatus.PENDING, ChallengeStatus.IN_REVIEW


def fresh(session: Session, entity: type, ident: int):
    return session.get(entity, ident, populate_existing=True)


def test_only_staff_see_the_queue(session: Session, sign_in, client) -> None:
    people = (factories.solver(), factories.UserFactory(reviewer=True))
    session.commit()
    assert [sign_in(person).get("/reviews").status_code for person in people] == [403, 200]
    assert client.get("/reviews").status_code == 302


def test_an_empty_queue_says_so_kindly(session: Session, sign_in) -> None:
    reviewer = factories.UserFactory(reviewer=True)
    session.commit()
    assert "Nothing is waiting" in sign_in(reviewer).get("/reviews").text


def test_the_queue_shows_age_kind_region_and_who(session: Session, sign_in) -> None:
    reviewer = factories.UserFactory(reviewer=True)
    long_ago = clock.now() - timedelta(days=5, hours=1)
    factories.OrganizationFactory(
        name="Waiting", status=PENDING, submitted_at=long_ago, contact_name="Zhou Min"
    )
    factories.ChallengeFactory(
        title="Wanted", status=IN_REVIEW, organization__name="Poster", region_code="440112"
    )
    session.commit()
    client = sign_in(reviewer)
    page = client.get("/reviews").text
    for words in ("5 days", "Zhou Min", "Dongyang, Jinhua, Zhejiang", "Poster", "Huangpu"):
        assert words in page
    assert page.index("Waiting</a>") < page.index("Wanted</a>")
    assert "Wanted" not in client.get("/reviews?kind=organization").text
    assert "Waiting</a>" not in client.get("/reviews?kind=challenge").text
    assert client.get("/reviews?kind=nonsense").status_code == 200


def test_ones_own_item_is_marked_and_not_ones_to_decide(session: Session, sign_in) -> None:
    reviewer = factories.member_of(
        factories.OrganizationFactory(name="Own", status=PENDING), reviewer=True
    )
    own = reviewer.organization_id
    session.commit()
    client = sign_in(reviewer)
    page = client.get("/reviews").text
    assert "Your own organization: somebody else decides" in page
    assert f"/reviews/organizations/{own}" not in page
    assert client.get(f"/reviews/organizations/{own}").status_code == 403
    assert client.post(f"/organizations/{own}/verification").status_code == 403
    assert fresh(session, Organization, own).status is PENDING


def test_nobody_reviews_a_challenge_of_their_own_organization(session: Session, sign_in) -> None:
    reviewer = factories.member_of(factories.OrganizationFactory(), reviewer=True)
    challenge = factories.ChallengeFactory(organization=reviewer.organization, status=IN_REVIEW)
    session.commit()
    client = sign_in(reviewer)
    assert client.get(f"/reviews/challenges/{challenge.id}").status_code == 403
    assert client.post(f"/challenges/{challenge.id}/publication").status_code == 403


def test_the_queue_takes_as_many_queries_for_one_as_for_thirty(
    session: Session, sign_in, count_queries
) -> None:
    reviewer = factories.UserFactory(reviewer=True)
    factories.OrganizationFactory(status=PENDING)
    factories.ChallengeFactory(status=IN_REVIEW)
    session.commit()
    client = sign_in(reviewer)
    few = count_queries(lambda: client.get("/reviews"))
    factories.OrganizationFactory.create_batch(15, status=PENDING)
    factories.ChallengeFactory.create_batch(15, status=IN_REVIEW)
    session.commit()
    assert count_queries(lambda: client.get("/reviews")) == few
    assert len(re.findall("<tr>", client.get("/reviews?page=2").text)) == 13  # and the heading


def test_a_reviewer_reads_all_of_an_organization_and_verifies_it(session: Session, sign_in) -> None:
    reviewer = factories.UserFactory(reviewer=True)
    profile = factories.ProfileFactory(
        organization__status=PENDING, organization__brief="Makes magnets.", notes="Two shifts."
    )
    owner = factories.member_of(profile.organization)
    session.commit()
    client, ident = sign_in(reviewer), profile.organization_id
    page = client.get(f"/reviews/organizations/{ident}?kind=organization").text
    for words in (
        "Makes magnets.",
        "Sintered neodymium magnets",
        "Two shifts.",
        profile.organization.credit_code,
        "contact@example.com",
        owner.email,
        "Enter the number of employees.",
        f"/audits?subject_type=organizations&amp;subject_id={ident}",
    ):
        assert words in page
    (action,) = re.findall(r'action="(/organizations/\d+/verification[^"]*)"', page)

    answer = client.post(action.replace("&amp;", "&"))

    assert answer.location == "/reviews?kind=organization"
    assert fresh(session, Organization, ident).is_verified
    assert client.post(action).status_code == 409
    assert "not waiting for a decision" in client.get(f"/reviews/organizations/{ident}").text


@pytest.mark.parametrize(
    ("noun", "target"),
    [("change-request", OrganizationStatus.CHANGES_REQUESTED), ("rejection", "rejected")],
)
def test_a_refusal_needs_a_reason(session: Session, sign_in, noun: str, target: str) -> None:
    reviewer = factories.UserFactory(reviewer=True)
    ident = factories.OrganizationFactory(status=PENDING).id
    session.commit()
    client, url = sign_in(reviewer), f"/organizations/{ident}/{noun}"
    assert client.post(url).status_code == 400
    assert fresh(session, Organization, ident).status is PENDING
    assert client.post(url, data={"reason": "The name is mistyped."}).status_code == 302
    assert fresh(session, Organization, ident).status == target


def test_a_reviewer_reads_all_of_a_challenge_and_publishes_it(session: Session, sign_in) -> None:
    reviewer = factories.UserFactory(reviewer=True)
    challenge = factories.ChallengeFactory(
        status=IN_REVIEW, shows_name=False, organization__name="Hidden Poster", ip_notes="Shared."
    )
    waiting = factories.OrganizationFactory(name="Next one", status=PENDING)
    session.commit()
    client = sign_in(reviewer)
    page = client.get(f"/reviews/challenges/{challenge.id}").text
    for words in (
        "Coercivity falls above 150 °C.",
        "Energy product",
        "Weight loss",
        "Shared.",
        "Hidden Poster",
        challenge.organization.credit_code,
        "name is withheld",
        f"/reviews/organizations/{waiting.id}",
    ):
        assert words in page
    (action,) = re.findall(r'action="(/challenges/\d+/publication[^"]*)"', page)
    assert client.post(action).location == "/reviews"
    assert fresh(session, Challenge, challenge.id).status is ChallengeStatus.PUBLISHED
    assert client.post(action).status_code == 409


def test_a_deadline_that_is_too_near_is_pointed_out(session: Session, sign_in) -> None:
    reviewer = factories.UserFactory(reviewer=True)
    challenge = factories.ChallengeFactory(
        status=IN_REVIEW, closes_at=clock.now() + timedelta(hours=2)
    )
    session.commit()
    page = sign_in(reviewer).get(f"/reviews/challenges/{challenge.id}").text
    assert "Less than one day would be left until the deadline." in page

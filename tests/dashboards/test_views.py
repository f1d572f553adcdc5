"""The home page, and what each person's work page asks of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from bidding import clock
from bidding.accounts.models import User
from bidding.challenges.models import Challenge, ChallengeInvitation, ChallengeStatus
from bidding.matching.models import Suggestion
from bidding.organizations.models import Organization, OrganizationStatus
from bidding.solutions.models import SolutionStatus
from tests import factories

S = ChallengeStatus
SignIn = Callable[[User], FlaskClient]
Count = Callable[[Callable[[], object]], int]


def suggest(challenge: Challenge, organization: Organization, score: float) -> Suggestion:
    return Suggestion(
        challenge=challenge,
        organization=organization,
        score=score,
        terms=[{"term": "sintering", "share": 0.4}],
    )


def invite(challenge: Challenge, solver: User) -> ChallengeInvitation:
    poster = factories.member_of(challenge.organization)
    return ChallengeInvitation(
        challenge=challenge, organization=solver.organization, invited_by_id=poster.id
    )


def test_home_explains_and_counts_only_what_is_public(
    session: Session, client: FlaskClient
) -> None:
    factories.ChallengeFactory(title="Open one")
    factories.ChallengeFactory(title="Closed one", closed=True)
    factories.ChallengeFactory(title="Draft one", status=S.DRAFT)
    factories.ChallengeFactory(status=S.AWARDED)
    factories.OrganizationFactory(sme=True)
    factories.OrganizationFactory(sme=True, status=OrganizationStatus.PENDING)
    session.commit()

    page = client.get("/").text

    words = " ".join(page.split())
    for number, label in (
        (1, "open challenges"),
        (1, "verified SMEs"),
        (4, "verified large enterprises"),
        (1, "challenges awarded"),
    ):
        assert (
            f'<span class="figure-number">{number}</span>'
            f' <span class="figure-label">{label}</span>' in words
        )
    assert "Open one" in page
    assert "Closed one" not in page
    assert "Draft one" not in page
    for explanation in ("How it works", "Sealed until the deadline", "Reasons on record"):
        assert explanation in page
    assert "/register" in page


def test_home_begins_with_what_closes_first_and_shows_nothing_twice(
    session: Session, client: FlaskClient
) -> None:
    for days in range(1, 15):
        factories.ChallengeFactory(
            title=f"Closes in {days:02} days",
            closes_at=clock.now() + timedelta(days=days, hours=1),
        )
    session.commit()

    page = client.get("/").text

    shown = [days for days in range(1, 15) if f"Closes in {days:02} days" in page]
    assert shown[:3] == [1, 2, 3]
    assert len(shown) == 9
    assert all(page.count(f"Closes in {days:02} days") == 1 for days in shown)


def test_home_of_an_empty_site_says_what_to_do(session: Session, client: FlaskClient) -> None:
    assert "No challenge is open at the moment" in client.get("/").text


def test_work_needs_an_account(session: Session, client: FlaskClient) -> None:
    assert client.get("/dashboard").location.startswith("/sign-in")


def test_a_person_without_organization_is_told_to_create_or_join_one(
    session: Session, sign_in: SignIn
) -> None:
    person, reviewer = factories.UserFactory(), factories.UserFactory(reviewer=True)
    session.commit()

    assert "Begin with your organization" in sign_in(person).get("/dashboard").text
    assert "Begin with your organization" not in sign_in(reviewer).get("/dashboard").text


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (OrganizationStatus.DRAFT, "Complete its entry and submit it"),
        (OrganizationStatus.CHANGES_REQUESTED, "The code is missing."),
        (OrganizationStatus.PENDING, "Waiting for verification"),
        (OrganizationStatus.SUSPENDED, "Until it is verified"),
    ],
)
def test_an_unverified_organization_reads_its_next_step(
    session: Session, sign_in: SignIn, status: OrganizationStatus, words: str
) -> None:
    member = factories.solver(status=status, status_reason="The code is missing.")
    session.commit()

    page = sign_in(member).get("/dashboard").text

    assert "Your organization is not verified" in page
    assert words in page


def test_a_poster_sees_what_waits_first(session: Session, sign_in: SignIn) -> None:
    poster = factories.poster()
    made = {"organization": poster.organization}
    factories.ChallengeFactory(title="An open one", **made)
    factories.ChallengeFactory(title="A closed one", closed=True, **made)
    factories.ChallengeFactory(title="A draft", status=S.DRAFT, **made)
    factories.ChallengeFactory(
        title="One sent back", status=S.CHANGES_REQUESTED, status_reason="Too vague.", **made
    )
    factories.ChallengeFactory(title="One to decide", status=S.EVALUATING, **made)
    factories.ChallengeFactory(title="A decided one", status=S.AWARDED, **made)
    factories.ChallengeFactory(title="Not ours")
    session.commit()

    page = sign_in(poster).get("/dashboard").text

    order = ["A closed one", "One sent back", "One to decide", "A draft", "An open one"]
    assert sorted(order, key=page.index) == order
    for words in ("Open the solutions", "Too vague.", "Compare and decide", "29 days left"):
        assert words in page
    assert "A decided one" not in page
    assert "Not ours" not in page


def test_an_sme_sees_decisions_invitations_drafts_and_what_fits(
    session: Session, sign_in: SignIn
) -> None:
    solver = factories.solver()
    own = {"organization": solver.organization}
    won = factories.ChallengeFactory(title="Won", status=S.AWARDED)
    factories.SolutionFactory(challenge=won, status=SolutionStatus.SELECTED, **own)
    begun = factories.ChallengeFactory(title="Begun")
    factories.SolutionFactory(
        challenge=begun, status=SolutionStatus.DRAFT, submitted_at=None, **own
    )
    missed = factories.ChallengeFactory(title="Missed", closed=True)
    factories.SolutionFactory(
        challenge=missed, status=SolutionStatus.DRAFT, submitted_at=None, **own
    )
    asked = factories.ChallengeFactory(title="Invited to")
    fits = factories.ChallengeFactory(title="Fits well")
    fits_less = factories.ChallengeFactory(title="Fits less")
    hardly = factories.ChallengeFactory(title="Fits hardly")
    over = factories.ChallengeFactory(title="Fits, too late", closed=True)
    session.add_all(
        [
            invite(asked, solver),
            suggest(asked, solver.organization, 0.9),
            suggest(begun, solver.organization, 0.9),
            suggest(over, solver.organization, 0.9),
            suggest(fits_less, solver.organization, 0.3),
            suggest(fits, solver.organization, 0.4),
            suggest(hardly, solver.organization, 0.01),
        ]
    )
    session.commit()

    page = sign_in(solver).get("/dashboard").text

    order = ["Won", "Begun", "Invited to", "Fits well", "Fits less"]
    assert sorted(order, key=page.index) == order
    assert "Accept or decline the award" in page
    assert "sintering" in page
    for title in ("Missed", "Fits hardly", "Fits, too late"):
        assert title not in page
    # A title is shown once, with its one button's hidden words.
    assert page.count(">Invited to<") == 1
    assert page.count(">Begun<") == 1


def test_staff_see_how_much_waits_and_since_when(session: Session, sign_in: SignIn) -> None:
    mine = factories.OrganizationFactory()
    reviewer = factories.member_of(mine, reviewer=True)
    old = clock.now() - timedelta(days=9)
    factories.ChallengeFactory(status=S.IN_REVIEW, submitted_at=old)
    factories.ChallengeFactory(
        status=S.IN_REVIEW, organization=mine, submitted_at=old - timedelta(days=50)
    )
    factories.OrganizationFactory(status=OrganizationStatus.PENDING)
    other = factories.UserFactory(administrator=True)
    session.commit()

    page = " ".join(sign_in(reviewer).get("/dashboard").text.split())
    assert '<span class="figure-number">1</span> <span class="figure-label">challenges' in page
    assert "9 days ago" in page  # what one may not decide on is not in one's queue
    page = " ".join(sign_in(other).get("/dashboard").text.split())
    assert '<span class="figure-number">2</span> <span class="figure-label">challenges' in page
    assert "59 days ago" in page


def test_pages_cost_the_same_whatever_there_is_to_show(
    session: Session, client: FlaskClient, sign_in: SignIn, count_queries: Count
) -> None:
    poster, solver = factories.poster(), factories.solver()

    def more(number: int) -> None:
        for _ in range(number):
            factories.ChallengeFactory(organization=poster.organization)
            factories.ChallengeFactory(organization=poster.organization, status=S.DRAFT)
            asked, fits = factories.ChallengeFactory.create_batch(2)
            session.add_all([invite(asked, solver), suggest(fits, solver.organization, 0.5)])
            factories.SolutionFactory(organization=solver.organization)
        session.commit()

    browsers = [(client, "/"), (sign_in(poster), "/dashboard"), (sign_in(solver), "/dashboard")]

    def costs() -> list[int]:
        return [count_queries(lambda b=b, page=page: b.get(page)) for b, page in browsers]

    more(1)
    costs()
    few = costs()
    more(12)
    assert costs() == few

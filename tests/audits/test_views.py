"""The audit trail as staff read it: complete, but never a way around a seal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from bidding import audit, clock
from bidding.accounts.models import User
from bidding.audits import queries
from bidding.challenges.models import Challenge, ChallengeStatus
from bidding.solutions.models import Solution, SolutionStatus
from tests import factories

SignIn = Callable[[User], FlaskClient]


def record(session: Session, action: str, subject: object, **details: object) -> None:
    details.setdefault("actor", None)
    details.setdefault("changes", {})
    audit.record(session, action, subject, **details)
    session.commit()


@pytest.fixture
def reviewer(session: Session) -> User:
    reviewer = factories.UserFactory(reviewer=True, name="Reviewer Wu")
    session.commit()
    return reviewer


def actions_seen(session: Session, reader: User, **filters: object) -> list[str]:
    return [event.action for event in session.scalars(queries.events(reader, **filters))]


def test_the_trail_tells_who_when_from_where_why_and_what_changed(
    sign_in: SignIn, session: Session, reviewer: User
) -> None:
    challenge = factories.ChallengeFactory(title="Low-loss magnets")
    token = audit.origin.set(audit.Origin("web", "f00dbeef", "192.0.2.7"))
    record(
        session,
        "challenges.request_changes",
        challenge,
        actor=reviewer,
        reason="Indicators are <vague>.",
        changes={
            "status": ["in_review", "changes_requested"],
            "budget_max_fen": [None, 300_000_000],
            "region_code": ["330783", "330700"],
            "cooperation": [[], ["joint", "equity"]],
            "closes_at": [None, "2027-03-31T09:00:00+00:00"],
            "odd_key": ["a", {"b": 1}],
        },
    )
    audit.origin.reset(token)
    page = sign_in(reviewer).get("/audits").text
    for words in (
        "Reviewer Wu</a>",
        "asked for changes to the challenge",
        f'<a href="/challenges/{challenge.id}">Low-loss magnets</a>',
        "Website",
        "192.0.2.7",
        "request f00dbeef",
        "Indicators are &lt;vague&gt;.",
        "<del>In review</del>",
        "<ins>Changes requested</ins>",
        "<ins>CNY 3,000,000</ins>",
        "<ins>Joint development, Equity participation</ins>",
        "<ins>2027-03-31 17:00",
        "Odd key",
    ):
        assert words in page
    assert "<ins>330700</ins>" not in page


def test_lists_are_written_as_the_language_writes_them(
    sign_in: SignIn, session: Session, reviewer: User
) -> None:
    changes = {
        "cooperation": [[], ["joint", "equity"]],
        "invited_together": [None, ["Alpha Works", "Beta Works"]],
    }
    challenge = factories.ChallengeFactory()
    record(session, "challenges.invite_together", challenge, changes=changes)

    page = sign_in(reviewer).get("/audits?lang=zh_Hans_CN").text

    assert "<ins>Alpha Works\u3001Beta Works</ins>" in page
    assert "\u3001" in page.partition("<ins>")[2].partition("</ins>")[0]


def test_an_action_without_a_sentence_is_still_readable(
    sign_in: SignIn, session: Session, reviewer: User
) -> None:
    record(session, "deliveries.accept_milestone", factories.ChallengeFactory())
    assert "deliveries: accept milestone" in sign_in(reviewer).get("/audits").text


def test_only_staff_read_the_trail(sign_in: SignIn, client: FlaskClient, session: Session) -> None:
    admin, poster = factories.UserFactory(administrator=True), factories.poster()
    session.commit()
    assert sign_in(admin).get("/audits").status_code == 200
    assert sign_in(poster).get("/audits").status_code == 403
    assert client.get("/audits").location == "/sign-in?next=/audits"


def test_filters_narrow_the_trail(session: Session, reviewer: User) -> None:
    wu, lin = reviewer, factories.UserFactory(name="Lin Yue", email="lin@example.com")
    first, second = factories.ChallengeFactory(), factories.ChallengeFactory()
    noon = clock.now()
    with clock.at(noon - timedelta(days=2)):
        record(session, "challenges.create", first, actor=lin)
    record(session, "challenges.publish", first, actor=wu)
    record(session, "challenges.suspend", second, actor=wu)
    record(session, "organizations.verify", first.organization, actor=wu)

    def seen(**filters: object) -> list[str]:
        return [action.partition(".")[2] for action in actions_seen(session, wu, **filters)]

    assert seen() == ["verify", "suspend", "publish", "create"]
    assert seen(subject_type="challenges") == ["suspend", "publish", "create"]
    assert seen(subject_type="challenges", subject_id=first.id) == ["publish", "create"]
    assert seen(actor="lin") == ["create"]
    assert seen(actor="LIN@example.com") == ["create"]
    assert seen(actor=str(lin.id)) == ["create"]
    assert seen(actor="%") == []
    assert seen(action="challenges.suspend") == ["suspend"]
    assert seen(since=noon - timedelta(hours=1)) == ["verify", "suspend", "publish"]
    assert seen(until=noon - timedelta(days=1)) == ["create"]


def test_days_are_days_of_the_sites_time_zone(
    sign_in: SignIn, session: Session, reviewer: User
) -> None:
    with clock.at(datetime(2027, 3, 1, 17, 0, tzinfo=UTC)):  # 1 a.m. of 2 March in Shanghai
        record(session, "challenges.publish", factories.ChallengeFactory(title="Nightly"))
    client = sign_in(reviewer)
    assert "Nightly" in client.get("/audits?since=2027-03-02&until=2027-03-02").text
    assert "Nightly" not in client.get("/audits?until=2027-03-01").text


def test_filters_that_cannot_be_read_do_no_harm(
    sign_in: SignIn, session: Session, reviewer: User
) -> None:
    record(session, "challenges.publish", factories.ChallengeFactory(title="Magnets"))
    client = sign_in(reviewer)
    page = client.get(
        "/audits?subject_type=nonsense%00&subject_id=x&since=yesterday&action=%27&page=-3"
    )
    assert page.status_code == 200
    assert client.get(f"/audits?subject_id={10**30}").status_code == 200
    assert client.get(f"/audits?actor={10**30}").status_code == 200
    assert client.get("/audits?until=9999-12-31&since=0001-01-01").status_code == 200
    assert "Nothing matches" in client.get("/audits?actor=nobody").text


def competition(session: Session, **challenge: object) -> tuple[Challenge, Solution]:
    solution = factories.SolutionFactory(
        challenge=factories.ChallengeFactory(title="Sealed magnets", **challenge)
    )
    record(session, "solutions.submit", solution, changes={"status": ["draft", "submitted"]})
    return solution.challenge, solution


@pytest.mark.parametrize(
    ("status", "opened_at"),
    [
        (ChallengeStatus.PUBLISHED, None),
        (ChallengeStatus.SUSPENDED, None),
        (ChallengeStatus.CANCELLED, None),
    ],
)
def test_a_sealed_solution_leaves_no_trace_for_anybody(
    sign_in: SignIn, session: Session, status: ChallengeStatus, opened_at: None
) -> None:
    challenge, solution = competition(session, closed=True, status=status, opened_at=opened_at)
    readers = [
        factories.UserFactory(administrator=True),
        factories.UserFactory(reviewer=True),
        factories.member_of(challenge.organization, reviewer=True),
        factories.member_of(solution.organization, administrator=True),
    ]
    session.commit()
    for reader in readers:
        assert actions_seen(session, reader) == []
        for address in ("/audits", f"/audits?subject_type=solutions&subject_id={solution.id}"):
            page = sign_in(reader).get(address).text
            assert "Sealed magnets" not in page
            assert "Nothing matches" in page


def test_counts_do_not_give_a_sealed_solution_away(
    sign_in: SignIn, session: Session, reviewer: User
) -> None:
    challenge, _solution = competition(session)
    record(session, "challenges.publish", challenge)
    assert "1 event<" in sign_in(reviewer).get("/audits").text


def test_once_opened_what_was_put_forward_shows_without_its_words(
    sign_in: SignIn, session: Session, reviewer: User
) -> None:
    challenge, solution = competition(session, status=ChallengeStatus.EVALUATING)
    record(session, "solutions.update", solution, changes={"summary": ["Secret recipe", "Tamer"]})
    withdrawn = factories.SolutionFactory(challenge=challenge, status=SolutionStatus.WITHDRAWN)
    record(session, "solutions.withdraw", withdrawn)
    draft = factories.SolutionFactory(
        challenge=challenge, status=SolutionStatus.DRAFT, submitted_at=None
    )
    record(session, "solutions.start", draft)

    assert actions_seen(session, reviewer) == ["solutions.update", "solutions.submit"]
    page = sign_in(reviewer).get("/audits").text
    assert "<ins>Submitted</ins>" in page
    assert "Secret recipe" not in page


def test_staff_learn_nothing_here_about_their_own_organizations_affairs(session: Session) -> None:
    challenge, solution = competition(session, status=ChallengeStatus.EVALUATING)
    rival = factories.SolutionFactory(challenge=challenge)
    record(session, "challenges.publish", challenge)
    record(session, "organizations.verify", challenge.organization)
    record(session, "organizations.verify", rival.organization)

    of_poster = factories.member_of(challenge.organization, reviewer=True)
    of_rival = factories.member_of(rival.organization, administrator=True)
    outsider = factories.member_of(factories.OrganizationFactory(), reviewer=True)
    session.commit()
    assert actions_seen(session, of_poster) == ["organizations.verify"]
    assert actions_seen(session, of_rival) == ["organizations.verify", "challenges.publish"]
    assert len(actions_seen(session, outsider)) == 4
    assert solution.challenge_id == rival.challenge_id


def test_a_draft_that_was_never_handed_in_is_its_authors_own(
    session: Session, reviewer: User
) -> None:
    draft = factories.ChallengeFactory(
        status=ChallengeStatus.DRAFT, published_at=None, submitted_at=None
    )
    record(session, "challenges.create", draft)
    assert actions_seen(session, reviewer) == []
    draft.status = ChallengeStatus.IN_REVIEW
    session.commit()
    assert actions_seen(session, reviewer) == ["challenges.create"]


def test_the_trail_costs_the_same_with_one_event_and_with_thirty(
    sign_in: SignIn,
    session: Session,
    reviewer: User,
    count_queries: Callable[[Callable[[], object]], int],
) -> None:
    client = sign_in(reviewer)
    client.get("/audits")
    challenge = factories.ChallengeFactory()
    record(session, "challenges.publish", challenge, actor=reviewer)
    with_one = count_queries(lambda: client.get("/audits"))
    for _ in range(30):
        record(session, "challenges.update", factories.ChallengeFactory(), actor=reviewer)
    assert count_queries(lambda: client.get("/audits")) == with_one
    assert "31 events" in client.get("/audits").text

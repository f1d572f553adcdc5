"""A person's own notices."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from bidding.accounts.models import User
from bidding.notifications.models import Notification
from bidding.notifications.rules import notify
from tests import factories

SignIn = Callable[[User], FlaskClient]


@pytest.fixture
def person(session: Session) -> User:
    person = factories.UserFactory()
    session.commit()
    return person


def tell(session: Session, person: User, *titles: str) -> list[Notification]:
    for title in titles:
        notify(session, "tests.decided", factories.ChallengeFactory(title=title), [person])
    session.commit()
    return list(session.scalars(sa.select(Notification).order_by(Notification.id)))


def test_notices_are_read_in_the_readers_words_newest_first(
    sign_in: SignIn, session: Session, person: User
) -> None:
    tell(session, person, "Older <b>", "Newer")
    page = sign_in(person).get("/notifications").text
    assert page.index("Decided: Newer") < page.index("Decided: Older &lt;b&gt;")
    assert "2 unread" in page


def test_opening_a_notice_marks_it_read_and_leads_to_its_record(
    sign_in: SignIn, session: Session, person: User
) -> None:
    (notice,) = tell(session, person, "Magnets")
    client = sign_in(person)
    answer = client.post(f"/notifications/{notice.id}/reading")
    assert answer.location == f"/challenges/{notice.subject_id}"
    page = client.get("/notifications").text
    assert f'href="/challenges/{notice.subject_id}"' in page
    assert "All read" in page


def test_all_notices_are_marked_read_at_once(
    sign_in: SignIn, session: Session, person: User
) -> None:
    other = factories.UserFactory()
    tell(session, person, "One", "Two")
    tell(session, other, "Theirs")
    sign_in(person).post("/notifications/reading")
    assert "1 unread" in sign_in(other).get("/notifications").text
    assert "All read" in sign_in(person).get("/notifications").text


def test_nobody_reads_another_persons_notices(
    sign_in: SignIn, client: FlaskClient, session: Session, person: User
) -> None:
    (notice,) = tell(session, person, "Secret")
    stranger = sign_in(factories.UserFactory(administrator=True))
    session.commit()
    assert stranger.post(f"/notifications/{notice.id}/reading").status_code == 404
    assert "Secret" not in stranger.get("/notifications").text
    assert client.get("/notifications").status_code == 302
    session.refresh(notice)
    assert notice.read_at is None


def test_what_is_only_mail_is_not_shown(sign_in: SignIn, session: Session, person: User) -> None:
    notify(session, "accounts.reset_password", person, [person], in_app=False)
    session.commit()
    page = sign_in(person).get("/notifications").text
    assert "Nothing yet" in page


def test_the_list_costs_the_same_with_one_notice_and_with_thirty(
    sign_in: SignIn,
    session: Session,
    person: User,
    count_queries: Callable[[Callable[[], object]], int],
) -> None:
    client = sign_in(person)
    client.get("/notifications")
    tell(session, person, "One")
    with_one = count_queries(lambda: client.get("/notifications"))
    tell(session, person, *(f"Number {n}" for n in range(30)))
    assert count_queries(lambda: client.get("/notifications")) == with_one

"""Tables' common ground behaves the same on every database."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, StatementError

from bidding import boundary, clock
from bidding.accounts.models import Role, User
from bidding.challenges.models import ChallengeStatus
from bidding.extensions import db
from bidding.organizations.models import MemberRole, Membership, OrganizationStatus
from tests import factories

BEIJING = timezone(timedelta(hours=8))


def test_a_moment_comes_back_aware_and_in_utc(session):
    user = factories.UserFactory(confirmed_at=datetime(2027, 3, 31, 17, tzinfo=BEIJING))
    session.commit()
    session.expire_all()
    assert user.confirmed_at == datetime(2027, 3, 31, 9, tzinfo=UTC)
    assert user.confirmed_at.utcoffset() == timedelta()


def test_a_moment_without_a_time_zone_is_refused(session):
    with pytest.raises(StatementError, match="naive datetime"):
        factories.UserFactory(confirmed_at=datetime(2027, 3, 31))  # noqa: DTZ001 - the mistake


def test_the_clock_is_set_inside_a_block_only():
    moment = datetime(2027, 1, 1, tzinfo=BEIJING)
    with clock.at(moment):
        assert clock.now() == moment
    assert clock.now() != moment
    with pytest.raises(ValueError, match="aware"), clock.at(datetime(2027, 1, 1)):  # noqa: DTZ001 - the mistake
        pass


def test_a_choice_is_stored_as_its_value_and_read_as_itself(session):
    user = factories.UserFactory(reviewer=True)
    session.commit()
    assert session.scalar(sa.text("SELECT role FROM users")) == "reviewer"
    session.expire_all()
    assert user.role is Role.REVIEWER


def test_a_choice_that_does_not_exist_is_refused(session):
    with pytest.raises(StatementError, match="emperor"):
        factories.UserFactory(role="emperor")


def test_foreign_keys_hold(session):
    factories.UserFactory()
    session.add(Membership(user_id=1, organization_id=999999, role=MemberRole.OWNER))
    pytest.raises(IntegrityError, session.flush)


@pytest.mark.parametrize(
    "build",
    [
        lambda: factories.OrganizationFactory(status=OrganizationStatus.VERIFIED, verified_at=None),
        lambda: factories.ChallengeFactory(closes_at=None),
        lambda: factories.ChallengeFactory(status=ChallengeStatus.EVALUATING, opened_at=None),
        lambda: factories.ChallengeFactory(awards=4),
        lambda: factories.ChallengeFactory(budget_min_fen=2, budget_max_fen=1),
        lambda: factories.SolutionFactory(submitted_at=None),
    ],
    ids=["verified", "published", "opened", "awards", "budget", "submitted"],
)
def test_a_status_without_its_facts_is_refused_by_the_database(session, build):
    pytest.raises(IntegrityError, build)


def test_a_savepoint_takes_back_its_own_rows_only(session):
    factories.UserFactory(email="kept@example.com")
    savepoint = session.begin_nested()
    factories.UserFactory(email="dropped@example.com")
    savepoint.rollback()
    session.commit()
    assert session.scalars(sa.select(User.email)).all() == ["kept@example.com"]


def test_many_who_write_at_once_wait_for_each_other(app, session):
    """On SQLite a reader that turns writer would fail at once; writers begin as writers."""
    failures: list[Exception] = []

    def write(number: int) -> None:
        try:
            with app.app_context(), boundary.unit_of_work() as own:
                count = own.scalar(sa.select(sa.func.count(User.id)))
                assert count is not None
                own.add(User(email=f"{number}@example.com", name="x", password_hash="-"))
        except Exception as failure:  # noqa: BLE001 - reported by the main thread
            failures.append(failure)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []
    assert db.session.scalar(sa.select(sa.func.count(User.id))) == 8

"""Requests, jobs and commands: one transaction each, committed only when all went well."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from bidding import audit, boundary
from bidding.accounts.models import User
from bidding.challenges.models import ChallengeStatus
from bidding.extensions import db
from tests import factories
from tests.core import probe


def emails(session: Session) -> list[str]:
    session.rollback()  # look with fresh eyes
    return list(session.scalars(sa.select(User.email)))


def test_a_good_post_is_committed_and_then_its_jobs_run(session, probing, run_probe_jobs):
    assert probing.post("/probe/users/a@example.com").status_code == 200
    assert emails(session) == ["a@example.com"]
    assert probe.notes == []
    run_probe_jobs()
    assert probe.notes == ["a@example.com"]


def test_a_redirect_after_post_is_committed(session, probing):
    probing.post("/probe/users/a@example.com?then=302")
    assert emails(session) == ["a@example.com"]


def test_a_get_never_writes(session, probing, run_probe_jobs):
    assert probing.get("/probe/users/a@example.com").status_code == 200
    assert emails(session) == []
    assert run_probe_jobs() == 0


@pytest.mark.parametrize(
    ("then", "code"),
    [
        ("400", 400),
        ("422", 422),
        ("503", 503),
        ("access", 403),
        ("transition", 409),
        ("reason", 400),
        ("stale", 409),
        ("fault", 500),
    ],
)
def test_a_failed_post_leaves_nothing_behind(session, probing, run_probe_jobs, then, code):
    assert probing.post(f"/probe/users/a@example.com?then={then}").status_code == code
    assert emails(session) == []
    # A job deferred by the failed request must not ride on the next one either.
    assert probing.post("/probe/users/b@example.com").status_code == 200
    run_probe_jobs()
    assert probe.notes == ["b@example.com"]


def test_a_view_without_a_permission_is_a_fault(probing):
    response = probing.get("/probe/undeclared")
    assert response.status_code == 500
    assert "nobody may see this" not in response.text


def test_a_visitor_is_sent_to_sign_in_and_back(probing):
    response = probing.get("/probe/account?tab=mail")
    assert response.status_code == 302
    assert response.location == "/sign-in?next=/probe/account?tab%3Dmail"


def test_a_visitor_who_posts_is_not_sent_back_to_an_address_that_cannot_be_opened(probing):
    response = probing.post("/probe/account")
    assert (response.status_code, response.location) == (302, "/sign-in")


def as_user(client: FlaskClient, user: User) -> FlaskClient:
    with client.session_transaction() as cookie:
        cookie["_user_id"] = user.get_id()
        cookie["_fresh"] = True
    return client


def test_somebody_signed_in_without_the_standing_is_refused(session, probing):
    user = factories.UserFactory()
    session.commit()
    assert as_user(probing, user).get("/probe/queue").status_code == 403


def test_what_one_may_not_read_does_not_exist_and_what_one_may_not_change_is_refused(
    session, probing
):
    owner = factories.poster()
    stranger = factories.solver()
    draft = factories.ChallengeFactory(
        organization=owner.organization, status=ChallengeStatus.DRAFT
    )
    public = factories.ChallengeFactory(organization=owner.organization)
    session.commit()

    as_user(probing, stranger)
    assert probing.get(f"/probe/challenges/{draft.id}/edit").status_code == 404
    assert probing.get(f"/probe/challenges/{public.id}/edit").status_code == 403
    assert probing.get("/probe/challenges/999999/edit").status_code == 404
    as_user(probing, owner)
    assert probing.get(f"/probe/challenges/{draft.id}/edit").status_code == 200


@pytest.mark.parametrize(
    "ending", [{"session_key": "another"}, {"deactivated_at": sa.func.now()}], ids=str
)
def test_an_ended_session_or_a_closed_account_is_a_visitor_at_once(session, probing, ending):
    user = factories.UserFactory()
    session.commit()
    assert as_user(probing, user).get("/probe/account").status_code == 200
    session.execute(sa.update(User).values(**ending))
    session.commit()
    assert probing.get("/probe/account").status_code == 302


@pytest.mark.parametrize("path", ["/healthz", "/probe/refusals/fault", "/probe/status/404"])
def test_every_answer_carries_the_security_headers(probing, path):
    headers = probing.get(path).headers
    for name, value in boundary.SECURITY_HEADERS.items():
        assert headers[name] == value
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"
    assert len(headers["X-Request-ID"]) == 16


@pytest.mark.parametrize(
    ("site", "secure"),
    [
        ("http://127.0.0.1:5000", False),
        ("http://localhost", False),
        ("http://[::1]:5000", False),
        ("http://jiebang.example", True),
        ("http://localhost.evil.example", True),
        ("http://127.0.0.1.evil.example", True),
    ],
)
def test_the_session_cookie_is_secure_off_loopback(probe_app, site, secure):
    response = probe_app.test_client().get("/healthz?lang=en", base_url=site)
    (cookie,) = response.headers.getlist("Set-Cookie")
    assert ("Secure" in cookie) is secure
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_https_is_remembered_by_browsers(probing):
    secure = probing.get("/healthz", base_url="https://jiebang.example")
    assert secure.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert "Strict-Transport-Security" not in probing.get("/healthz").headers


@pytest.mark.parametrize(("hops", "secure"), [(0, False), (1, True)])
def test_a_proxy_is_believed_only_when_the_settings_say_so(make_app, hops, secure):
    client = make_app(trusted_proxies=hops).test_client()
    response = client.get("/healthz", headers={"X-Forwarded-Proto": "https"})
    assert ("Strict-Transport-Security" in response.headers) is secure


def test_a_unit_of_work_commits_and_says_where_it_comes_from(app, session):
    with boundary.unit_of_work("job") as own:
        user = User(email="job@example.com", name="Job", password_hash="-")
        own.add(user)
        audit.record(own, "probe.made", user, actor=None)
    event = session.scalars(sa.select(audit.AuditEvent)).one()
    assert (event.channel, event.actor_name, event.subject_name) == ("job", "", "Job")
    assert len(event.request_id) == 16
    assert audit.origin.get().channel != "job"


def test_a_unit_of_work_that_fails_leaves_nothing(app, session):
    def fail() -> None:
        with boundary.unit_of_work() as own:
            own.add(User(email="job@example.com", name="Job", password_hash="-"))
            own.flush()
            raise ZeroDivisionError

    pytest.raises(ZeroDivisionError, fail)
    assert emails(session) == []


def test_reading_needs_no_write_lock(app, session):
    """A long read beside an open write transaction neither waits nor fails."""
    with boundary.unit_of_work() as writing:
        writing.add(User(email="slow@example.com", name="Slow", password_hash="-"))
        writing.flush()
        with boundary.reading() as reading:
            assert reading.scalars(sa.select(User.email)).all() == []
    assert db.session.scalar(sa.select(sa.func.count(User.id))) == 1

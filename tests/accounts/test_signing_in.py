"""Signing in and out, and what a session remembers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from bidding import clock, create_app, migrations
from bidding.accounts import demo, passwords
from bidding.accounts.models import User
from bidding.audit import AuditEvent
from bidding.extensions import db
from tests import factories
from tests.accounts.conftest import Mailbox, without_tokens

SignIn = Callable[[User], FlaskClient]


@pytest.fixture
def person(session: Session) -> User:
    person = factories.UserFactory(email="lin@example.com", name="Lin Yue")
    session.commit()
    return person


def attempt(client: FlaskClient, password: str = factories.PASSWORD, **fields: str) -> TestResponse:
    return client.post(
        "/sign-in", data={"email": "lin@example.com", "password": password, **fields}
    )


def test_the_address_may_be_capitalised_differently(client: FlaskClient, person: User) -> None:
    assert attempt(client, email=" LIN@example.com ").status_code == 302


def test_a_wrong_password_and_an_unknown_address_look_the_same(
    client: FlaskClient, person: User
) -> None:
    wrong = attempt(client, password="not this one, surely")
    unknown = attempt(client, email="nobody@example.com")
    assert wrong.status_code == unknown.status_code == 400
    assert "do not belong together" in wrong.text
    same = unknown.text.replace("nobody@example.com", "lin@example.com")
    assert without_tokens(same) == without_tokens(wrong.text)


def test_unprintable_input_is_only_wrong(client: FlaskClient, person: User) -> None:
    assert attempt(client, email="lin\0@example.com", password="a\0b").status_code == 400


def test_an_unknown_address_costs_as_much_work_as_a_known_one(
    client: FlaskClient, person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []

    class Spy:
        def verify(self, kept: str, _password: str) -> bool:
            checked.append(kept)
            return True

    monkeypatch.setattr(passwords, "_hasher", Spy())
    assert attempt(client, email="nobody@example.com").status_code == 400
    (kept,) = checked
    monkeypatch.undo()
    assert kept.startswith("$argon2id$")
    assert not passwords.is_outdated(kept), "a cheaper hash would answer sooner"


def test_an_outdated_hash_is_renewed_when_its_owner_signs_in(
    client: FlaskClient, session: Session, person: User
) -> None:
    assert passwords.is_outdated(person.password_hash)
    attempt(client)
    session.refresh(person)
    assert not passwords.is_outdated(person.password_hash)
    assert attempt(client).status_code == 302


def test_an_unconfirmed_person_is_told_so_and_offered_a_new_mail(
    client: FlaskClient, session: Session, person: User, mailbox: Mailbox
) -> None:
    person.confirmed_at = None
    session.commit()
    answer = attempt(client)
    assert answer.status_code == 400
    assert "Confirm your address first" in answer.text
    assert "Send the mail again" in answer.text
    assert "Confirm your address first" not in attempt(client, password="guess guess guess").text

    client.post("/confirmations", data={"email": person.email})
    client.post(mailbox.last_link())
    assert attempt(client).status_code == 302


def test_a_deactivated_account_is_refused(
    client: FlaskClient, session: Session, person: User
) -> None:
    person.deactivated_at = clock.now()
    session.commit()
    answer = attempt(client)
    assert answer.status_code == 400
    assert "has been deactivated" in answer.text


def test_successes_are_audited_and_failures_logged_without_what_was_typed(
    client: FlaskClient, session: Session, person: User, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        attempt(client, password="my secret slipped out")
    assert "sign_in_failed" in caplog.text
    assert "slipped" not in caplog.text
    attempt(client)
    event = session.scalars(sa.select(AuditEvent)).one()
    assert (event.action, event.actor_id, event.address) == (
        "accounts.sign_in",
        person.id,
        "127.0.0.1",
    )


def test_signing_in_starts_a_fresh_session_and_keeps_the_language(
    client: FlaskClient, person: User
) -> None:
    client.get("/sign-in?lang=en")
    with client.session_transaction() as before:
        before["planted"] = "by a stranger"
        before["csrf_token"] = "known to a stranger"
    attempt(client)
    with client.session_transaction() as after:
        assert "planted" not in after
        assert after.get("csrf_token") != "known to a stranger"
        assert after["locale"] == "en"
        assert after.permanent


def test_the_session_cookie_lasts_and_is_kept_from_scripts(
    client: FlaskClient, person: User
) -> None:
    attempt(client)
    cookie = client.get_cookie("jiebang")
    assert cookie.max_age is not None or cookie.expires is not None
    assert cookie.http_only
    assert cookie.same_site == "Lax"


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
    ],
)
def test_signing_in_never_leads_to_another_site(
    client: FlaskClient, person: User, target: str
) -> None:
    assert attempt(client, next=target).location == "/dashboard"
    assert "evil.example" not in client.get("/sign-in", query_string={"next": target}).text


def test_signing_in_leads_back_to_where_it_was_asked_for(client: FlaskClient, person: User) -> None:
    wall = client.get("/account")
    assert wall.location == "/sign-in?next=/account"
    assert 'name="next" value="/account"' in client.get(wall.location).text
    assert attempt(client, next="/account").location == "/account"


def test_signing_out_takes_a_post_and_ends_the_session(sign_in: SignIn, person: User) -> None:
    client = sign_in(person)
    assert client.get("/sign-out").status_code == 405
    client.post("/sign-out")
    assert client.get("/account").location == "/sign-in?next=/account"
    assert client.post("/sign-out").status_code == 302


@pytest.fixture
def strict_app(app: Flask, tmp_path: Path) -> Iterator[Flask]:
    """An application of its own in which two attempts are too many."""
    settings = replace(
        app.config["SETTINGS"],
        database_url="",
        data_dir=tmp_path,
        sign_in_limit="2 per minute",
        mail_limit="1 per minute",
    )
    strict = create_app(settings)
    strict.config.update(TESTING=True, WTF_CSRF_ENABLED=False, PROPAGATE_EXCEPTIONS=False)
    with strict.app_context():
        engine = db.engine
        migrations.upgrade(engine)
    yield strict
    engine.dispose()


def test_sign_in_attempts_are_limited_by_address(strict_app: Flask) -> None:
    client = strict_app.test_client()
    answers = [attempt(client).status_code for _ in range(3)]
    assert answers == [400, 400, 429]
    assert client.get("/sign-in").status_code == 200, "reading the page is not an attempt"
    elsewhere = strict_app.test_client()
    elsewhere.environ_base = {"REMOTE_ADDR": "192.0.2.7"}
    assert attempt(elsewhere).status_code == 400


def test_requests_for_mail_are_limited_together(strict_app: Flask) -> None:
    client = strict_app.test_client()
    data = {"email": "lin@example.com"}
    assert client.post("/password-resets", data=data).status_code == 302
    assert client.post("/confirmations", data=data).status_code == 429


def test_demo_people_are_offered_only_where_they_exist(
    client: FlaskClient, session: Session
) -> None:
    assert demo.PASSWORD not in client.get("/sign-in").text
    factories.UserFactory(email="poster@jiebang.demo", confirmed_at=None)
    session.commit()
    assert demo.PASSWORD not in client.get("/sign-in").text, "anybody can register an address"
    factories.UserFactory(email="solver@jiebang.demo")
    session.commit()
    page = client.get("/sign-in").text
    assert demo.PASSWORD in page
    assert "solver@jiebang.demo" in page
    assert "poster@jiebang.demo" not in page

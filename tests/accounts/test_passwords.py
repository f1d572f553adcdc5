"""Forgotten and changed passwords, settings, and the command line."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from bidding import clock
from bidding.accounts.models import Role, User
from bidding.audit import AuditEvent
from tests import factories
from tests.accounts.conftest import Mailbox, without_tokens

SignIn = Callable[[User], FlaskClient]
NEW = "seven wooden bridges"


@pytest.fixture
def person(session: Session) -> User:
    person = factories.UserFactory(email="lin@example.com")
    session.commit()
    return person


def signs_in(client: FlaskClient, password: str) -> bool:
    data = {"email": "lin@example.com", "password": password}
    return client.post("/sign-in", data=data).status_code == 302


def test_a_forgotten_password_is_replaced_and_every_session_ends(
    client: FlaskClient, sign_in: SignIn, session: Session, person: User, mailbox: Mailbox
) -> None:
    old_device = sign_in(person)
    assert old_device.get("/account").status_code == 200
    client.post("/password-resets", data={"email": "LIN@example.com"})
    link = mailbox.last_link()

    assert client.get(link).status_code == 200
    assert client.post(link, data={"password": "short"}).status_code == 400
    assert client.post(link, data={"password": NEW}).status_code == 302
    assert old_device.get("/account").status_code == 302
    assert not signs_in(client, factories.PASSWORD)
    assert signs_in(client, NEW)
    assert mailbox.last()["Subject"] == "Your password for Jiebang was changed"


def test_a_reset_link_works_once(client: FlaskClient, person: User, mailbox: Mailbox) -> None:
    client.post("/password-resets", data={"email": person.email})
    link = mailbox.last_link()
    client.post(link, data={"password": NEW})
    assert client.post(link, data={"password": "another one entirely"}).status_code == 410
    assert signs_in(client, NEW)


def test_a_reset_link_expires(client: FlaskClient, person: User, mailbox: Mailbox) -> None:
    client.post("/password-resets", data={"email": person.email})
    link = mailbox.last_link()
    with clock.at(clock.now() + timedelta(hours=2, minutes=1)):
        assert client.post(link, data={"password": NEW}).status_code == 410


def test_a_reset_never_tells_whether_there_is_an_account(
    client: FlaskClient, person: User, mailbox: Mailbox
) -> None:
    known = client.post(
        "/password-resets", data={"email": person.email}, follow_redirects=True
    ).text
    unknown = client.post(
        "/password-resets", data={"email": "nobody@example.com"}, follow_redirects=True
    ).text
    same = unknown.replace("nobody@example.com", person.email)
    assert without_tokens(same) == without_tokens(known)
    assert [mail["To"] for mail in mailbox.all()] == [person.email]


def test_changing_the_password_needs_the_current_one_and_keeps_only_this_device(
    sign_in: SignIn, client: FlaskClient, person: User
) -> None:
    here, elsewhere = sign_in(person), sign_in(person)
    wrong = here.post("/account/password", data={"current": "a guess", "password": NEW})
    assert wrong.status_code == 400
    assert "not your current password" in wrong.text
    here.post("/account/password", data={"current": factories.PASSWORD, "password": NEW})
    assert here.get("/account").status_code == 200
    assert elsewhere.get("/account").status_code == 302
    assert signs_in(client, NEW)


def test_settings_are_saved_and_audited(sign_in: SignIn, session: Session, person: User) -> None:
    client = sign_in(person)
    answer = client.post("/account", data={"name": "  ", "locale": "en"})
    assert answer.status_code == 400
    client.post("/account", data={"name": "Lin  Yue", "locale": "zh_Hans_CN"})
    session.refresh(person)
    assert (person.name, person.locale) == ("Lin Yue", "zh_Hans_CN")
    event = session.scalars(sa.select(AuditEvent)).one()
    assert event.changes["locale"] == ["en", "zh_Hans_CN"]
    assert 'lang="zh-Hans"' in client.get("/account").text


def test_the_language_chosen_on_a_page_is_kept_with_the_account(
    sign_in: SignIn, client: FlaskClient, session: Session, person: User
) -> None:
    answer = client.post("/language", data={"locale": "zh_Hans_CN", "next": "/register"})
    assert answer.location == "/register"
    assert 'lang="zh-Hans"' in client.get("/register").text
    assert client.post("/language", data={"locale": "tlh"}).status_code == 400
    evil = client.post("/language", data={"locale": "en", "next": "//evil.example"})
    assert evil.location == "/"

    sign_in(person).post("/language", data={"locale": "zh_Hans_CN"})
    session.refresh(person)
    assert person.locale == "zh_Hans_CN"


def test_the_theme_is_kept_for_a_year(client: FlaskClient) -> None:
    client.post("/theme", data={"theme": "dark", "next": "/register"})
    cookie = client.get_cookie("theme")
    assert (cookie.value, cookie.max_age, cookie.same_site) == ("dark", 365 * 24 * 3600, "Lax")
    assert not cookie.secure
    assert 'data-theme="dark"' in client.get("/register").text
    assert client.post("/theme", data={"theme": "pink"}).status_code == 400

    public = client.post("/theme", data={"theme": "light"}, base_url="https://site.example")
    assert "Secure" in public.headers["Set-Cookie"]


def test_staff_are_made_and_closed_on_the_command_line(
    app: Flask, session: Session, sign_in: SignIn
) -> None:
    run = app.test_cli_runner().invoke
    arguments = ["users", "create", "Wei@example.com", "--name", "Wei", "--role", "reviewer"]
    made = run(args=[*arguments, "--password", NEW])
    assert made.exit_code == 0, made.output
    user = session.scalars(sa.select(User)).one()
    assert (user.email, user.role) == ("wei@example.com", Role.REVIEWER)
    assert user.is_active

    again = run(args=[*arguments, "--password", NEW])
    assert again.exit_code == 1
    assert "already" in again.output

    client = sign_in(user)
    assert client.get("/account").status_code == 200
    assert run(args=["users", "deactivate", "wei@example.com"]).exit_code == 0
    assert client.get("/account").status_code == 302
    assert run(args=["users", "deactivate", "nobody@example.com"]).exit_code == 1

"""From the registration form to a confirmed account."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from bidding import clock
from bidding.accounts import rules
from bidding.accounts.models import User
from bidding.violations import RuleViolation
from tests import factories
from tests.accounts.conftest import Mailbox, without_tokens

NEW = {"name": "Lin Yue", "email": "Lin@Example.com", "password": "nine green lanterns"}


def users(session: Session) -> list[User]:
    session.rollback()
    return list(session.scalars(sa.select(User).order_by(User.id)))


def test_a_person_registers_confirms_and_signs_in(
    client: FlaskClient, session: Session, mailbox: Mailbox
) -> None:
    answer = client.post("/register", data=NEW, follow_redirects=True)
    assert "in the mail that we are sending to Lin@Example.com" in answer.text

    link = mailbox.last_link()
    assert mailbox.last()["To"] == "lin@example.com"
    assert "Yes, confirm" in client.get(link).text
    assert users(session)[0].confirmed_at is None, "following the link must not confirm"

    assert "Your address is confirmed" in client.post(link, follow_redirects=True).text
    answer = client.post("/sign-in", data=NEW)
    assert answer.status_code == 302
    assert "Lin Yue" in client.get("/account").text


def test_registering_a_known_address_looks_the_same_and_changes_nothing(
    client: FlaskClient, session: Session, mailbox: Mailbox
) -> None:
    known = factories.UserFactory(email="known@example.com", name="Known")
    session.commit()
    unknown_page = client.post(
        "/register", data={**NEW, "email": "free@example.com"}, follow_redirects=True
    )
    known_page = client.post("/register", data={**NEW, "email": known.email}, follow_redirects=True)

    assert known_page.status_code == unknown_page.status_code == 200
    same = known_page.text.replace(known.email, "free@example.com")
    assert without_tokens(same) == without_tokens(unknown_page.text)
    free, taken = mailbox.all()
    assert free["To"] == "free@example.com"
    assert taken["To"] == known.email
    assert taken["Subject"] == "You already have an account with Jiebang"
    assert [user.name for user in users(session)] == ["Known", "Lin Yue"]


def test_who_registered_an_address_first_gains_nothing_when_its_owner_registers(
    client: FlaskClient, session: Session, mailbox: Mailbox
) -> None:
    client.post("/register", data={**NEW, "name": "Thief", "password": "thief knows this one"})
    thiefs_link = mailbox.last_link()
    client.post("/register", data=NEW)
    owners_link = mailbox.last_link()

    assert client.get(thiefs_link).status_code == 410
    client.post(owners_link)
    thief = {"email": NEW["email"], "password": "thief knows this one"}
    assert client.post("/sign-in", data=thief).status_code == 400
    assert client.post("/sign-in", data=NEW).status_code == 302


def test_a_strangers_words_are_not_mailed_to_an_unconfirmed_address(
    client: FlaskClient, mailbox: Mailbox
) -> None:
    client.post("/register", data={**NEW, "name": "Win at www.casino.example"})
    assert "casino" not in mailbox.last().as_string()


def test_a_confirmation_link_expires_and_a_new_one_can_be_had(
    client: FlaskClient, session: Session, mailbox: Mailbox
) -> None:
    client.post("/register", data=NEW)
    link = mailbox.last_link()
    with clock.at(clock.now() + timedelta(days=3, minutes=1)):
        assert "Get a new link" in client.get(link).text
        assert client.post(link).status_code == 410
        client.post("/confirmations", data={"email": NEW["email"]})
        assert client.post(mailbox.last_link()).status_code == 302
    assert users(session)[0].confirmed_at is not None


def test_a_confirmation_link_followed_twice_only_says_so(
    client: FlaskClient, mailbox: Mailbox
) -> None:
    client.post("/register", data=NEW)
    link = mailbox.last_link()
    client.post(link)
    assert "confirmed already" in client.get(link, follow_redirects=True).text


def test_a_link_that_was_tampered_with_is_dead(client: FlaskClient, mailbox: Mailbox) -> None:
    client.post("/register", data=NEW)
    token = mailbox.last_link().rpartition("/")[2]
    payload, moment, signature = token.split(".")
    swapped = ("b" if signature[0] == "a" else "a") + signature[1:]
    assert client.post(f"/confirmations/{payload}.{moment}.{swapped}").status_code == 410
    assert client.get(f"/password-resets/{token}").status_code == 410


@pytest.mark.parametrize(
    ("password", "told"),
    [
        ("short", "Use at least 10 characters"),
        ("aaaaaaaaaaaa", "easy to guess"),
        ("Password123!", "easy to guess"),
        ("1234567890", "easy to guess"),
        ("lin@example.com", "easy to guess"),
        ("x" * 201, "Use at most 200 characters"),
    ],
)
def test_weak_passwords_are_refused_with_what_would_be_better(
    client: FlaskClient, session: Session, password: str, told: str
) -> None:
    answer = client.post("/register", data={**NEW, "password": password})
    assert answer.status_code == 400
    assert told in answer.text
    assert 'value="Lin Yue"' in answer.text
    assert users(session) == []


@pytest.mark.parametrize(
    "email", ["nobody", "two words@example.com", "a@example.com\nBcc: b@example.com", "a@b@c"]
)
def test_what_is_no_address_is_refused(session: Session, email: str) -> None:
    with pytest.raises(RuleViolation) as refusal:
        rules.register(
            session, email=email, name="Lin", password="nine green lanterns", locale="en"
        )
    assert refusal.value.field == "email"

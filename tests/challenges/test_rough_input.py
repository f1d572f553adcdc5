"""Addresses and forms as nobody means them: nothing breaks, nothing gets in."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from bidding.challenges.models import Addendum, Challenge
from tests import factories

DRAFT = {"kind": "technology", "title": "Magnets", "awards": "1"}


@pytest.mark.parametrize(
    "words", ["endpoint=x", "_method=POST", "_external=1&_scheme=javascript", "_anchor=x"]
)
def test_the_next_page_of_a_list_is_found_whatever_the_address_says(
    session: Session, client, words: str
) -> None:
    factories.ChallengeFactory.create_batch(21)
    session.commit()

    response = client.get(f"/challenges?{words}&kind=technology")

    assert response.status_code == 200
    link = f'href="/challenges?{words.replace("&", "&amp;")}&amp;kind=technology&amp;page=2"'
    assert link in response.text


def test_a_search_reads_over_control_characters(session: Session, client) -> None:
    factories.ChallengeFactory(title="Low-loss magnets")
    session.commit()

    assert "Low-loss magnets" in client.get("/challenges?q=low-%00loss%07").text


@pytest.mark.parametrize("amount", ["1e400", "1e99999999", "NaN", "sNaN", "-Infinity", "-1"])
def test_a_budget_beyond_all_bounds_is_refused_beside_its_field(
    session: Session, sign_in, amount: str
) -> None:
    poster = factories.poster()
    session.commit()

    response = sign_in(poster).post("/challenges/new", data={**DRAFT, "budget_max_fen": amount})

    assert response.status_code == 400
    assert f'value="{amount}"' in response.text
    assert "Enter an amount" in response.text


def test_a_title_is_one_line_without_control_characters(session: Session, sign_in) -> None:
    poster = factories.poster()
    session.commit()

    sign_in(poster).post(
        "/challenges/new", data={**DRAFT, "title": "Magnets\0\r\nBcc: x@example.com\x07 磁材 😀"}
    )

    assert session.scalars(sa.select(Challenge.title)).one() == "Magnets Bcc: x@example.com 磁材 😀"


def test_a_refused_form_has_a_number_to_quote(app: Flask, client, monkeypatch) -> None:
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)

    response = client.post("/sign-in", data={"email": "zhou@example.com"})

    number = response.headers["X-Request-ID"]
    assert (response.status_code, len(number)) == (400, 16)
    assert number in response.text


def test_an_addendum_sent_twice_is_published_once(session: Session, sign_in) -> None:
    challenge = factories.ChallengeFactory()
    browser = sign_in(factories.member_of(challenge.organization))
    later = (challenge.closes_at + timedelta(days=5)).strftime("%Y-%m-%dT%H:%M")
    session.commit()

    for _ in range(2):
        answer = browser.post(
            f"/challenges/{challenge.id}/addenda",
            data={"text": "Samples are at hand.", "closes_at": later},
        )
        assert answer.status_code == 302
    assert len(session.scalars(sa.select(Addendum)).all()) == 1

"""Before the deadline nobody but its authors learns anything of a solution.

Everybody else reads every page they can reach by following links, before anybody has written a
solution and after one has been submitted. Not a letter may differ: not a word, not a count.
"""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from bidding import clock
from bidding.notifications.models import Notification
from bidding.organizations.models import MemberRole
from tests import factories

MOST_PAGES = 150
# Where somebody curious would look, linked or not; the first solution has the number 1.
GUESSES = (
    "/dashboard",
    "/challenges/own",
    "/challenges/1/evaluation",
    "/challenges/1/award",
    "/challenges/1/suggestions",
    "/solutions",
    "/solutions/1",
    "/solutions/1/edit",
    "/solutions/1/versions/1",
    "/solutions/1/versions/1/content",
    "/audits?subject_type=solutions&subject_id=1",
)
CHANGING = re.compile(
    r'name="csrf_token"[^>]*|class="request-id">[^<]*|value="[\w.-]{60,}"', re.DOTALL
)


def every_page(client: FlaskClient) -> dict[str, str]:
    """Address → words of what can be reached or guessed, without what always differs."""
    waiting, pages = ["/", *GUESSES], {}
    while waiting and len(pages) < MOST_PAGES:
        address = waiting.pop(0)
        if address in pages:
            continue
        response = client.get(address)
        pages[address] = f"{response.status_code} {CHANGING.sub('', response.text)}"
        for link in re.findall(r'href="(/[^"#]*)', response.text):
            link = link.replace("&amp;", "&")
            if not link.startswith("/static/") and "lang=" not in link:
                waiting.append(link)
    return pages


@pytest.fixture
def cast(session):
    poster = factories.poster(name="Hengfeng Motors")
    solver = factories.solver(name="Dongyang Magnets")
    people = {
        "visitor": None,
        "newcomer": factories.UserFactory(),
        "poster": poster,
        "poster's colleague": factories.member_of(
            poster.organization, member_role=MemberRole.MEMBER
        ),
        "rival": factories.solver(),
        "reviewer": factories.UserFactory(reviewer=True),
        "administrator": factories.UserFactory(administrator=True),
    }
    challenge = factories.ChallengeFactory(organization=poster.organization, awards=2)
    session.commit()
    return people, solver, challenge


def submit(client: FlaskClient, challenge, unique: str) -> str:
    """Write and submit a solution over HTTP; answers its address."""
    started = client.post(f"/challenges/{challenge.id}/solutions")
    address = started.location.removesuffix("/edit")
    words = {
        "summary": f"Summary {unique}",
        "approach": f"Approach {unique}",
        "price_fen": "123.45",
        "duration_months": "7",
        "schedule": "Soon.",
        "team": "Us.",
    }
    for requirement in challenge.requirements:
        words[f"response_{requirement.id}"] = "meets"
        words[f"statement_{requirement.id}"] = f"Measured {unique}"
    saved = client.post(started.location, data=words | {"submit": "1"})
    assert (saved.status_code, saved.location) == (302, address)
    return address


def test_nobody_else_sees_any_difference(session, sign_in, client, run_jobs, cast, unique):
    people, solver, challenge = cast
    browsers = {name: sign_in(user) if user else client for name, user in people.items()}
    moment = clock.now()

    with clock.at(moment):
        before = {name: every_page(browser) for name, browser in browsers.items()}
    assert sum(map(len, before.values())) > 40
    with clock.at(moment - timedelta(minutes=5)):
        submit(sign_in(solver), challenge, unique)
        run_jobs()
    with clock.at(moment):
        after = {name: every_page(browser) for name, browser in browsers.items()}

    for name in people:
        assert after[name].keys() == before[name].keys(), name
        changed = [url for url in before[name] if before[name][url] != after[name][url]]
        assert changed == [], f"{name} can tell that somebody submitted"


def test_only_its_authors_hear_of_it(session, sign_in, run_jobs, cast, unique):
    _people, solver, challenge = cast
    submit(sign_in(solver), challenge, unique)
    run_jobs()
    session.expire_all()
    told = set(session.scalars(sa.select(Notification.address)))
    assert told <= {solver.email}


def test_the_seal_breaks_for_the_poster_and_the_staff_only(session, sign_in, client, cast, unique):
    people, solver, challenge = cast
    address = submit(sign_in(solver), challenge, unique)
    assert address == "/solutions/1"  # see GUESSES
    with clock.at(challenge.closes_at + timedelta(minutes=1)):
        poster = sign_in(people["poster"])
        assert unique not in poster.get(f"/challenges/{challenge.id}/evaluation").text
        assert poster.post(f"/challenges/{challenge.id}/opening").status_code == 302
        assert unique in poster.get(f"/challenges/{challenge.id}/evaluation").text
        readers = {
            name
            for name, user in people.items()
            if unique in (sign_in(user) if user else client).get(address).text
        }
    assert readers == {"poster", "poster's colleague", "reviewer", "administrator"}


def test_a_draft_stays_private_for_ever(session, sign_in, cast, unique):
    people, solver, challenge = cast
    client = sign_in(solver)
    started = client.post(f"/challenges/{challenge.id}/solutions")
    client.post(started.location, data={"summary": unique, "save": "1"})
    address = started.location.removesuffix("/edit")
    assert unique in client.get(address).text
    with clock.at(challenge.closes_at + timedelta(minutes=1)):
        poster = sign_in(people["poster"])
        assert poster.post(f"/challenges/{challenge.id}/opening").status_code == 302
        assert unique not in poster.get(f"/challenges/{challenge.id}/evaluation").text
        assert poster.get(address).status_code == 404
        assert sign_in(people["administrator"]).get(address).status_code == 404

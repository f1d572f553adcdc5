"""The pages of challenges, as visitors, posters, SMEs and staff meet them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from bidding import clock
from bidding.accounts.models import User
from bidding.challenges.models import Challenge, ChallengeInvitation, ChallengeStatus
from bidding.notifications.models import Notification
from tests import factories

S = ChallengeStatus
SignIn = Callable[[User], FlaskClient]
SECRET = "Hengdian Secret Works"


def typed(**changes: Any) -> dict[str, Any]:
    """What a poster sends with a complete form."""
    closes = clock.now() + timedelta(days=30)
    return {
        "kind": "technology",
        "title": "Magnets that hold at 200 °C",
        "background": "Motors run hot.",
        "problem": "Coercivity falls.",
        "expected_result": "A process.",
        "requirements-0-name": "Coercivity",
        "requirements-0-operator": ">=",
        "requirements-0-value": "20",
        "requirements-0-unit": "kOe",
        "requirements-0-must": "y",
        "budget_min_fen": "100",
        "budget_max_fen": "300",
        "cooperation": ["joint"],
        "ip_terms": "joint",
        "duration_months": "12",
        "region_code": ["330000", "330700", "330783"],
        "industry_code": "39",
        "closes_at": f"{closes:%Y-%m-%dT%H:%M}",
        "awards": "1",
        "shows_name": "y",
        "intent": "save",
        **changes,
    }


def only(session: Session) -> Challenge:
    return session.scalars(sa.select(Challenge)).one()


# Reading


def test_a_visitor_reads_a_challenge_in_full(session: Session, client: FlaskClient) -> None:
    challenge = factories.ChallengeFactory()
    session.commit()

    page = client.get(f"/challenges/{challenge.id}").text

    for words in (
        challenge.title,
        challenge.organization.name,
        challenge.number,
        "Coercivity falls above 150 °C.",
        "≥ 45",
        "Must be met",
        "Desirable",
        "CNY 1,000,000 to CNY 3,000,000",
        "Joint development",
        "Owned jointly",
        "12 months",
        "Dongyang",
        "Beijing time",
        "29 days left",
        "Sign in to write a solution",
    ):
        assert words in unescape(page)


@pytest.mark.parametrize(
    "status", [S.DRAFT, S.IN_REVIEW, S.CHANGES_REQUESTED, S.REJECTED, S.SUSPENDED]
)
def test_what_is_not_public_does_not_exist_for_others(
    session: Session, client: FlaskClient, sign_in: SignIn, status: S
) -> None:
    challenge = factories.ChallengeFactory(status=status, title="Not for you")
    mate = factories.member_of(challenge.organization)
    people = [factories.poster(), factories.solver(), factories.UserFactory()]
    reviewer = factories.UserFactory(reviewer=True)
    session.commit()
    address = f"/challenges/{challenge.id}"

    for browser in (client, *(sign_in(person) for person in people)):
        assert browser.get(address).status_code == 404
        assert "Not for you" not in browser.get("/challenges").text
        assert "Not for you" not in browser.get("/").text
    for page in ("", "/edit", "/preview", "/addenda"):
        assert sign_in(people[0]).get(address + page).status_code == 404
    assert sign_in(mate).get(address).status_code == 200
    assert sign_in(reviewer).get(address).status_code == (404 if status is S.DRAFT else 200)


@pytest.mark.parametrize(
    ("person", "words"),
    [
        (lambda _: factories.solver(), "Write a solution"),
        (lambda _: factories.solver(status="pending"), "must be verified"),
        (lambda _: factories.poster(), "Only small and medium enterprises"),
        (lambda _: factories.UserFactory(), "Create my organization"),
        (lambda c: factories.member_of(c.organization), "Suggested SMEs"),
        (lambda _: factories.UserFactory(administrator=True), "Suspend"),
    ],
)
def test_the_page_says_what_the_reader_can_do(
    session: Session, sign_in: SignIn, person: Callable[[Challenge], User], words: str
) -> None:
    challenge = factories.ChallengeFactory()
    reader = person(challenge)
    session.commit()

    assert words in sign_in(reader).get(f"/challenges/{challenge.id}").text


def test_an_sme_goes_on_with_the_solution_it_has(session: Session, sign_in: SignIn) -> None:
    solution = factories.SolutionFactory(status="draft", submitted_at=None)
    member = factories.member_of(solution.organization)
    session.commit()

    page = sign_in(member).get(f"/challenges/{solution.challenge_id}").text

    assert "Continue your solution" in page
    assert f"/solutions/{solution.id}" in page


def test_an_invited_sme_reads_that_it_is_invited(session: Session, sign_in: SignIn) -> None:
    challenge, solver = factories.ChallengeFactory(), factories.solver()
    session.add(
        ChallengeInvitation(
            challenge=challenge,
            organization=solver.organization,
            invited_by_id=factories.member_of(challenge.organization).id,
        )
    )
    other = factories.solver()
    session.commit()

    assert "You are invited" in sign_in(solver).get(f"/challenges/{challenge.id}").text
    assert "You are invited" not in sign_in(other).get(f"/challenges/{challenge.id}").text


def test_a_poster_learns_nothing_of_solutions_before_the_deadline(
    session: Session, sign_in: SignIn
) -> None:
    challenge = factories.ChallengeFactory()
    poster = factories.member_of(challenge.organization)
    session.commit()
    pages = [f"/challenges/{challenge.id}", "/challenges/own", "/dashboard"]

    def read() -> list[str]:
        return [re.sub(r'value="[^"]+"', "", sign_in(poster).get(page).text) for page in pages]

    before = read()
    factories.bind(session)
    factories.SolutionFactory.create_batch(3, challenge=session.get(Challenge, challenge.id))
    session.commit()

    assert [re.findall(r">([^<]+)<", page) for page in read()] == [
        re.findall(r">([^<]+)<", page) for page in before
    ]


# The hidden name


@pytest.mark.parametrize("status", [S.PUBLISHED, S.EVALUATING, S.AWARDED, S.CANCELLED])
def test_a_hidden_name_leaks_nowhere(
    session: Session, client: FlaskClient, sign_in: SignIn, status: S
) -> None:
    organization = factories.OrganizationFactory(name=SECRET)
    challenge = factories.ChallengeFactory(
        organization=organization, shows_name=False, status=status, status_reason="So be it."
    )
    author = factories.member_of(organization, name="Zhou Verysecret")
    challenge.author = author
    solver, other_poster = factories.solver(), factories.poster()
    reviewer = factories.UserFactory(reviewer=True)
    session.commit()

    for browser in (client, sign_in(solver), sign_in(other_poster)):
        for page in (f"/challenges/{challenge.id}", "/challenges", "/", "/dashboard"):
            answer = browser.get(page)
            assert SECRET not in answer.text
            assert "Verysecret" not in answer.text
        assert challenge.title not in browser.get("/challenges?q=Secret").text
    assert "Name withheld" in client.get(f"/challenges/{challenge.id}").text
    for insider in (author, reviewer):
        assert SECRET in sign_in(insider).get(f"/challenges/{challenge.id}").text


def test_a_notice_about_an_addendum_does_not_name_a_hidden_poster(
    session: Session, sign_in: SignIn, run_jobs: Callable[[], int]
) -> None:
    organization = factories.OrganizationFactory(name=SECRET)
    challenge = factories.ChallengeFactory(organization=organization, shows_name=False)
    poster, solver = factories.member_of(organization), factories.solver()
    session.add(
        ChallengeInvitation(
            challenge=challenge, organization=solver.organization, invited_by_id=poster.id
        )
    )
    session.commit()

    sign_in(poster).post(f"/challenges/{challenge.id}/addenda", data={"text": "Samples."})
    run_jobs()

    notice = session.scalars(sa.select(Notification)).one()
    assert notice.address == solver.email
    assert SECRET not in str(notice.params)


def test_the_preview_withholds_the_name_as_the_public_page_will(
    session: Session, sign_in: SignIn
) -> None:
    poster = factories.poster(name=SECRET)
    draft = factories.ChallengeFactory(
        organization=poster.organization, status=S.DRAFT, shows_name=False, problem=""
    )
    session.commit()

    page = sign_in(poster).get(f"/challenges/{draft.id}/preview").text

    assert "Name withheld" in page
    assert SECRET not in page.split("<main", 1)[1]
    assert "Describe the main problem." in page
    assert "Submit for review" not in page


# Writing


def test_a_poster_writes_previews_and_submits(session: Session, sign_in: SignIn) -> None:
    poster = factories.poster()
    session.commit()
    browser = sign_in(poster)
    assert browser.get("/challenges/new").status_code == 200

    always_sent = ("title", "kind", "awards", "requirements-0-operator")
    blank = {name: "" for name in typed() if name not in always_sent}
    answer = browser.post("/challenges/new", data=typed(**{**blank, "cooperation": []}))
    draft = only(session)
    assert answer.location == f"/challenges/{draft.id}/edit"

    sent = typed(version=str(draft.version), intent="preview")
    answer = browser.post(f"/challenges/{draft.id}/edit", data=sent)
    assert answer.location == f"/challenges/{draft.id}/preview"
    assert "Still missing" not in browser.get(answer.location).text

    answer = browser.post(f"/challenges/{draft.id}/submission")
    assert answer.location == f"/challenges/{draft.id}"
    challenge = only(session)
    assert challenge.status is S.IN_REVIEW
    assert challenge.budget_max_fen == 300_000_000
    assert challenge.region_code == "330783"
    assert [row.summary for row in challenge.requirements] == ["Coercivity ≥ 20 kOe"]


def test_writing_and_submitting_can_be_one_step(session: Session, sign_in: SignIn) -> None:
    poster = factories.poster()
    session.commit()

    sign_in(poster).post("/challenges/new", data=typed(intent="submit"))

    assert only(session).status is S.IN_REVIEW


def test_submitting_with_gaps_names_them_and_keeps_every_word(
    session: Session, sign_in: SignIn
) -> None:
    poster = factories.poster()
    session.commit()
    sent = typed(
        intent="submit", problem="", ip_terms="", background="Line one.\nLine <two> & three."
    )

    answer = sign_in(poster).post("/challenges/new", data=sent)

    assert answer.status_code == 400
    page = unescape(answer.text)
    for words in ("Describe the main problem.", "Say who will own the intellectual property."):
        assert words in page
    for words in ("Line <two> & three.", "Magnets that hold", "kOe", 'value="300"'):
        assert words in page
    assert session.scalar(sa.select(sa.func.count(Challenge.id))) == 0


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("budget_max_fen", "about three hundred"),
        ("budget_max_fen", "50"),
        ("closes_at", "next spring"),
        ("closes_at", "0001-01-01T00:00"),
        ("duration_months", "a year"),
        ("duration_months", "500"),
    ],
)
def test_what_cannot_be_read_is_kept_as_typed(
    session: Session, sign_in: SignIn, field: str, words: str
) -> None:
    poster = factories.poster()
    session.commit()

    answer = sign_in(poster).post("/challenges/new", data=typed(**{field: words}))

    assert answer.status_code == 400
    assert f'value="{words}"' in answer.text
    assert "Motors run hot." in answer.text
    assert answer.text.count(f'<li><a href="#{field}">') == 1


def rows_of(page: str) -> list[str]:
    shown = page.split("<template", 1)[0]
    return re.findall(r'name="requirements-\d+-name"[^>]*value="([^"]*)"', shown)


@pytest.mark.parametrize(
    ("button", "expected"),
    [
        ({"add-row": "requirements"}, ["Coercivity", "Loss", ""]),
        ({"remove-row": "requirements-0"}, ["Loss"]),
        ({"move-row-up": "requirements-1"}, ["Loss", "Coercivity"]),
        ({"move-row-up": "requirements-0"}, ["Coercivity", "Loss"]),
        ({"move-row-down": "requirements-0"}, ["Loss", "Coercivity"]),
        ({"move-row-down": "requirements-1"}, ["Coercivity", "Loss"]),
        ({"move-row-down": "requirements-77"}, ["Coercivity", "Loss"]),
    ],
)
def test_rows_are_rearranged_without_javascript_and_without_saving(
    session: Session, sign_in: SignIn, button: dict[str, str], expected: list[str]
) -> None:
    poster = factories.poster()
    session.commit()
    second = {f"requirements-1-{n}": v for n, v in (("name", "Loss"), ("value", "2"))}

    answer = sign_in(poster).post("/challenges/new", data=typed(**second, **button))

    assert answer.status_code == 200
    assert rows_of(answer.text) == expected
    assert "Motors run hot." in answer.text
    assert session.scalar(sa.select(sa.func.count(Challenge.id))) == 0


def test_only_a_verified_large_enterprise_gets_the_form(
    session: Session, sign_in: SignIn, client: FlaskClient
) -> None:
    people = [factories.solver(), factories.UserFactory(), factories.poster(status="pending")]
    session.commit()

    assert client.get("/challenges/new").location.startswith("/sign-in")
    for person in people:
        answer = sign_in(person).post("/challenges/new", data=typed())
        assert answer.status_code == 403
    assert session.scalar(sa.select(sa.func.count(Challenge.id))) == 0


def test_the_reviewers_reason_is_above_the_form(session: Session, sign_in: SignIn) -> None:
    poster = factories.poster()
    challenge = factories.ChallengeFactory(
        organization=poster.organization,
        status=S.CHANGES_REQUESTED,
        status_reason="Say how it is measured.",
    )
    session.commit()

    page = sign_in(poster).get(f"/challenges/{challenge.id}/edit").text

    assert page.index("Say how it is measured.") < page.index('name="title"')


def test_a_colleague_who_saved_first_is_noticed_and_nothing_is_lost(
    session: Session, sign_in: SignIn
) -> None:
    poster = factories.poster()
    draft = factories.ChallengeFactory(organization=poster.organization, status=S.DRAFT)
    mate = factories.member_of(poster.organization)
    session.commit()
    address, seen = f"/challenges/{draft.id}/edit", str(draft.version)
    sign_in(mate).post(address, data=typed(title="Theirs", version=seen))

    answer = sign_in(poster).post(address, data=typed(title="Mine", version=seen))

    assert answer.status_code == 409
    assert "A colleague saved this draft" in answer.text
    assert 'value="Mine"' in answer.text
    assert only(session).title == "Theirs"
    version = re.search(r'name="version"[^>]*value="(\d+)"', answer.text)
    again = sign_in(poster).post(address, data=typed(title="Mine", version=version[1]))
    assert again.status_code == 302
    assert only(session).title == "Mine"


def test_words_survive_a_colleague_having_submitted(session: Session, sign_in: SignIn) -> None:
    poster = factories.poster()
    draft = factories.ChallengeFactory(organization=poster.organization, status=S.IN_REVIEW)
    session.commit()
    address = f"/challenges/{draft.id}/edit"

    answer = sign_in(poster).post(address, data=typed(background="An hour of work."))

    assert answer.status_code == 409
    assert "An hour of work." in answer.text
    assert "is no longer a draft" in answer.text
    assert sign_in(poster).get(address).status_code == 409


def test_conditions_for_takers_are_set_in_the_form_and_read_by_everybody(
    session: Session, sign_in: SignIn, client: FlaskClient
) -> None:
    poster = factories.poster()
    session.commit()
    conditions = {
        "required_qualifications": ["srdi_sme", "high_tech"],
        "taker_region_code": ["330000", "330700", ""],
        "taker_notes": "Certified to **IATF 16949**.",
    }

    saved = sign_in(poster).post("/challenges/new", data=typed(**conditions))

    challenge = only(session)
    assert saved.location == f"/challenges/{challenge.id}/edit"
    assert challenge.taker_region_code == "330700"
    form = sign_in(poster).get(saved.location).text
    assert re.search(
        r'<input checked[^>]*name="required_qualifications"[^>]*value="srdi_sme"', form
    )
    assert re.search(r'<option selected value="330700">', form)
    told = [
        "Conditions for takers",
        "Specialized and sophisticated SME or High-tech enterprise",
        "Jinhua, Zhejiang",
        "Certified to <strong>IATF 16949</strong>.",
    ]
    preview = sign_in(poster).get(f"/challenges/{challenge.id}/preview").text
    assert [words for words in told if words not in preview] == []
    public = factories.ChallengeFactory(
        **{**conditions, "taker_region_code": "330700"}, organization=challenge.organization
    )
    session.commit()
    page = client.get(f"/challenges/{public.id}").text
    assert [words for words in told if words not in page] == []


def test_a_challenge_without_conditions_does_not_speak_of_them(
    session: Session, client: FlaskClient
) -> None:
    challenge = factories.ChallengeFactory()
    session.commit()

    assert "Conditions for takers" not in client.get(f"/challenges/{challenge.id}").text


def test_an_unknown_region_of_takers_is_refused_and_nothing_is_lost(
    session: Session, sign_in: SignIn
) -> None:
    poster = factories.poster()
    session.commit()

    answer = sign_in(poster).post(
        "/challenges/new", data=typed(taker_region_code="999999", taker_notes="An hour of work.")
    )

    assert answer.status_code == 400
    assert "Choose a place from the list." in answer.text
    assert "An hour of work." in answer.text


def test_an_own_challenge_is_copied_into_a_draft(session: Session, sign_in: SignIn) -> None:
    poster = factories.poster()
    old = factories.ChallengeFactory(organization=poster.organization, status=S.REJECTED)
    foreign = factories.ChallengeFactory()
    session.commit()

    answer = sign_in(poster).post(f"/challenges/{old.id}/copies")

    assert re.fullmatch(r"/challenges/\d+/edit", answer.location)
    assert old.title in sign_in(poster).get(answer.location).text
    assert sign_in(poster).post(f"/challenges/{foreign.id}/copies").status_code == 403


def test_an_addendum_is_read_by_everybody(
    session: Session, sign_in: SignIn, client: FlaskClient
) -> None:
    challenge = factories.ChallengeFactory()
    poster = factories.member_of(challenge.organization)
    session.commit()
    address = f"/challenges/{challenge.id}/addenda"
    later = f"{clock.now() + timedelta(days=60):%Y-%m-%dT%H:%M}"
    sooner = f"{clock.now() + timedelta(days=3):%Y-%m-%dT%H:%M}"

    refused = sign_in(poster).post(address, data={"text": "More **samples**.", "closes_at": sooner})
    assert refused.status_code == 400
    assert "More **samples**." in refused.text
    sign_in(poster).post(address, data={"text": "More **samples**.", "closes_at": later})

    page = client.get(f"/challenges/{challenge.id}").text
    assert "More <strong>samples</strong>." in page
    assert "The deadline was extended from" in page
    assert "59 days left" in page


# Review and transitions


def test_transitions_over_http(session: Session, sign_in: SignIn, client: FlaskClient) -> None:
    challenge = factories.ChallengeFactory(status=S.IN_REVIEW, published_at=None)
    own_reviewer = factories.member_of(challenge.organization, reviewer=True)
    reviewer = factories.UserFactory(reviewer=True)
    session.commit()
    publication = f"/challenges/{challenge.id}/publication"

    assert client.post(publication).location.startswith("/sign-in")
    assert sign_in(own_reviewer).post(publication).status_code == 403
    assert sign_in(reviewer).get(publication).status_code == 405
    assert sign_in(reviewer).post(publication).location == f"/challenges/{challenge.id}"
    assert sign_in(reviewer).post(publication).status_code == 409
    assert only(session).status is S.PUBLISHED


# Lists


def test_the_list_filters_and_forgives_nonsense(session: Session, client: FlaskClient) -> None:
    factories.ChallengeFactory(title="Rubber seals", region_code="370211", industry_code="29")
    factories.ChallengeFactory(title="Magnet rings")
    session.commit()

    assert "Rubber seals" in client.get("/challenges?q=rubber").text
    assert "Magnet rings" not in client.get("/challenges?q=rubber").text
    assert "Magnet rings" not in client.get("/challenges?province=370000&section=C").text
    assert "No challenge fits" in client.get("/challenges?q=submarine").text
    nonsense = "/challenges?kind=x&state=y&sort=z&province=%25&section=__&page=zz"
    assert "Magnet rings" in client.get(nonsense).text


def test_a_need_with_hardly_any_facts_reads_well(session: Session, client: FlaskClient) -> None:
    challenge = factories.ChallengeFactory(
        title="\u9700" * 60,
        background="",
        problem="\u63cf\u8ff0" * 2000,
        expected_result="",
        requirements=[],
        budget_min_fen=None,
        budget_max_fen=None,
        cooperation=[],
        ip_terms=None,
        duration_months=None,
        region_code=None,
        industry_code=None,
    )
    session.commit()

    assert challenge.title in client.get("/challenges").text
    page = client.get(f"/challenges/{challenge.id}").text
    assert "lists no separate requirements" in page
    assert "None" not in page
    assert "Time for the work" not in page


@pytest.mark.parametrize("reader", ["visitor", "poster"])
def test_lists_cost_the_same_whatever_their_length(
    session: Session,
    client: FlaskClient,
    sign_in: SignIn,
    count_queries: Callable[[Callable[[], object]], int],
    reader: str,
) -> None:
    poster = factories.poster()
    factories.ChallengeFactory(organization=poster.organization)
    session.commit()
    browser = client if reader == "visitor" else sign_in(poster)
    page = "/challenges" if reader == "visitor" else "/challenges/own"
    browser.get(page)
    few = count_queries(lambda: browser.get(page))
    factories.bind(session)
    for status in (S.PUBLISHED, S.DRAFT, S.AWARDED):
        for _ in range(10):
            factories.ChallengeFactory(status=status)
            factories.ChallengeFactory(
                organization=session.merge(poster.organization), status=status
            )
    session.commit()

    assert count_queries(lambda: browser.get(page)) == few

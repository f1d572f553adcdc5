"""Solutions in the browser of the people concerned, and of those who must learn nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from bidding import clock
from bidding.accounts.models import Role, User
from bidding.challenges.models import Challenge, ChallengeStatus
from bidding.evaluations import rules as evaluations
from bidding.organizations.models import OrganizationStatus
from bidding.organizations.size_classes import SizeClass
from bidding.solutions import queries, rules
from bidding.solutions.models import Solution, SolutionStatus, canonical
from tests import factories
from tests.solutions import make

SignIn = Callable[[User], FlaskClient]


def _saved(session: Session) -> Solution:
    session.expire_all()
    return session.scalars(sa.select(Solution)).one()


def test_sme_starts_a_draft_and_a_colleague_is_led_to_it(session: Session, sign_in: SignIn) -> None:
    actor = factories.solver()
    colleague = factories.member_of(actor.organization)
    challenge = factories.ChallengeFactory()
    session.commit()

    first = sign_in(actor).post(f"/challenges/{challenge.id}/solutions")
    second = sign_in(colleague).post(f"/challenges/{challenge.id}/solutions")

    assert first.location == second.location == f"/solutions/{_saved(session).id}/edit"


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"size_class": SizeClass.LARGE}, "is a large enterprise"),
        (
            {"size_class": SizeClass.SMALL, "status": OrganizationStatus.PENDING},
            "organization is not verified",
        ),
    ],
)
def test_others_read_why_not_and_what_to_do(
    session: Session, sign_in: SignIn, facts: dict[str, object], words: str
) -> None:
    actor, challenge = factories.poster(**facts), factories.ChallengeFactory()
    session.commit()
    answer = sign_in(actor).post(f"/challenges/{challenge.id}/solutions")
    assert answer.status_code == 403
    assert words in answer.text
    assert "/organizations/" in answer.text


def test_somebody_without_an_organization_is_led_to_registering_one(
    session: Session, sign_in: SignIn
) -> None:
    actor, challenge = factories.UserFactory(), factories.ChallengeFactory()
    session.commit()
    answer = sign_in(actor).post(f"/challenges/{challenge.id}/solutions")
    assert answer.status_code == 403
    assert 'href="/organizations/new"' in answer.text


def test_saving_and_submitting_from_the_edit_page(session: Session, sign_in: SignIn) -> None:
    actor = factories.solver()
    solution = rules.start(session, factories.ChallengeFactory(), actor=actor)
    session.commit()
    client, url = sign_in(actor), f"/solutions/{solution.id}"

    assert not re.search(
        r"<(select|textarea)[^>]*(readonly|disabled)", client.get(f"{url}/edit").text
    )
    saved = client.post(f"{url}/edit", data=make.form_of(solution, save="1"))
    assert saved.location == f"{url}/edit"
    assert _saved(session).price_fen == 180_000_000

    sent = client.post(f"{url}/edit", data=make.form_of(_saved(session), submit="1"))
    assert sent.location == url
    solution = _saved(session)
    assert solution.status is SolutionStatus.SUBMITTED
    page = client.get(url).text
    assert solution.versions[0].digest in page
    assert "Version 1 takes part" in page


def test_a_failed_submission_names_every_gap_and_keeps_every_word(
    session: Session, sign_in: SignIn
) -> None:
    actor = factories.solver()
    solution = rules.start(session, factories.ChallengeFactory(), actor=actor)
    first, second = solution.challenge.requirements
    session.commit()

    data = make.form_of(solution, submit="1", approach="", price_fen="a lot")
    data[f"response_{first.id}"] = ""
    answer = sign_in(actor).post(f"/solutions/{solution.id}/edit", data=data)
    assert answer.status_code == 400
    assert "Enter an amount as a number" in answer.text
    assert 'value="a lot"' in answer.text

    answer = sign_in(actor).post(f"/solutions/{solution.id}/edit", data=data | {"price_fen": "1.5"})
    assert answer.status_code == 400
    assert "Describe your approach." in answer.text
    assert "Answer the requirement “Energy product”." in answer.text
    for word in ("Typed summary", "Typed statement on Weight loss", 'value="1.5"'):
        assert word in answer.text
    assert _saved(session).summary == ""


def test_a_stale_save_shows_what_the_colleague_saved_and_can_be_repeated(
    session: Session, sign_in: SignIn
) -> None:
    actor = factories.solver()
    solution = make.draft(session, factories.ChallengeFactory(), actor)
    session.commit()
    mine = make.form_of(solution, save="1")
    rules.update(session, solution, actor=actor, answers={}, summary="From a colleague")
    session.commit()
    client, url = sign_in(actor), f"/solutions/{solution.id}/edit"

    answer = client.post(url, data=mine)
    assert answer.status_code == 400
    assert "A colleague saved this solution while you were writing" in answer.text
    assert "From a colleague" in answer.text
    assert "Typed summary" in answer.text
    assert f'name="version" type="hidden" value="{_saved(session).version}"' in answer.text

    assert client.post(url, data=mine | {"version": _saved(session).version}).status_code == 302
    assert _saved(session).summary == "Typed summary"


def test_a_save_after_the_deadline_is_refused_with_every_word_still_there(
    session: Session, sign_in: SignIn
) -> None:
    actor = factories.solver()
    solution = make.draft(session, factories.ChallengeFactory(), actor)
    session.commit()
    data, closes_at = make.form_of(solution, submit="1"), solution.challenge.closes_at
    client = sign_in(actor)
    with clock.at(closes_at):
        answer = client.post(f"/solutions/{solution.id}/edit", data=data)
        page = client.get(f"/solutions/{solution.id}/edit", follow_redirects=True)
    assert answer.status_code == 409
    assert "Typed statement on Weight loss" in answer.text
    assert 'name="submit"' not in answer.text
    assert "This solution is read-only now." in page.text
    assert _saved(session).summary == make.TEXTS["summary"]


def test_unsubmitted_changes_are_pointed_out(session: Session, sign_in: SignIn) -> None:
    actor = factories.solver()
    solution = make.submitted(session, factories.ChallengeFactory(), actor)
    session.commit()
    client = sign_in(actor)
    assert "not submitted" not in client.get(f"/solutions/{solution.id}").text
    assert (
        f'action="/solutions/{solution.id}/submission"'
        not in client.get(f"/solutions/{solution.id}").text
    )

    rules.update(session, solution, actor=actor, answers={}, team="Seven engineers.")
    session.commit()
    page = client.get(f"/solutions/{solution.id}").text
    assert "You have changes that are not submitted. Version 1 counts" in page
    assert f'action="/solutions/{solution.id}/submission"' in page
    assert "Changes not submitted" in client.get("/solutions").text


def test_withdrawing_and_submitting_again_by_the_buttons(session: Session, sign_in: SignIn) -> None:
    actor = factories.solver()
    solution = make.submitted(session, factories.ChallengeFactory(), actor)
    session.commit()
    client, url = sign_in(actor), f"/solutions/{solution.id}"
    assert client.post(f"{url}/withdrawal").location == url
    assert _saved(session).status is SolutionStatus.WITHDRAWN
    assert client.post(f"{url}/submission").location == url
    assert len(_saved(session).versions) == 2


def test_the_download_is_what_the_digest_was_taken_of(session: Session, sign_in: SignIn) -> None:
    actor = factories.solver()
    solution = make.submitted(session, factories.ChallengeFactory(), actor)
    session.commit()
    answer = sign_in(actor).get(f"/solutions/{solution.id}/versions/1/content")
    assert answer.data == canonical(solution.versions[0].content)


# ---- The seal ---------------------------------------------------------------------------------


def _people(challenge: Challenge) -> dict[str, User]:
    return {
        "poster": factories.member_of(challenge.organization),
        "reviewer": factories.UserFactory(reviewer=True),
        "administrator": factories.UserFactory(administrator=True),
        "rival": factories.solver(),
        "loner": factories.UserFactory(),
    }


@pytest.mark.parametrize("past", [False, True], ids=["while open", "closed, not opened"])
@pytest.mark.parametrize("state", ["draft", "submitted", "withdrawn"])
def test_before_the_opening_a_solution_does_not_exist_for_others(
    session: Session, sign_in: SignIn, client: FlaskClient, state: str, past: bool
) -> None:
    challenge, actor = factories.ChallengeFactory(), factories.solver(name="Secret Sinterers")
    people = _people(challenge)
    solution = make.draft(session, challenge, actor)
    if state != "draft":
        rules.submit(session, solution, actor=actor)
    if state == "withdrawn":
        rules.withdraw(session, solution, actor=actor)
    if past:
        make.close(challenge)
    session.commit()

    url = f"/solutions/{solution.id}"
    for person in people.values():
        browser = sign_in(person)
        assert {
            browser.get(f"{url}{path}").status_code
            for path in ("", "/edit", "/versions/1", "/versions/1/content")
        } == {404}
        assert {
            browser.post(f"{url}/{noun}", data={"reason": "x"}).status_code
            for noun in ("submission", "withdrawal", "eligibility", "exclusion", "shortlisting")
        } == {404}
        assert "Secret Sinterers" not in browser.get("/solutions").text
    for person in ("poster", "reviewer", "administrator"):
        page = sign_in(people[person]).get(f"/challenges/{challenge.id}/evaluation")
        assert page.status_code == 200
        assert "Secret Sinterers" not in page.text
    assert "/sign-in" in client.get(url).location
    assert list(session.scalars(queries.put_forward(challenge.id))) == []
    assert list(session.scalars(queries.last_versions(challenge.id))) == []


def test_the_evaluation_page_is_the_same_with_and_without_sealed_solutions(
    session: Session, sign_in: SignIn
) -> None:
    challenge = factories.ChallengeFactory()
    poster = factories.member_of(challenge.organization)
    session.commit()
    browser, url = sign_in(poster), f"/challenges/{challenge.id}/evaluation"
    with clock.at(clock.now()):
        empty = browser.get(url).text
        make.submitted(session, challenge)
        session.commit()
        full = browser.get(url).text

    def lines(page: str) -> list[str]:
        """Without what differs from request to request."""
        each = page.split("\n")
        return [line for line in each if "request" not in line and "csrf_token" not in line]

    assert lines(full) == lines(empty)


def test_after_the_opening_only_what_stood_submitted_is_read(
    session: Session, sign_in: SignIn
) -> None:
    challenge = factories.ChallengeFactory()
    people = _people(challenge)
    standing = make.submitted(session, challenge)
    left = factories.solver()
    withdrawn = make.submitted(session, challenge, left)
    rules.withdraw(session, withdrawn, actor=left)
    drafted = make.draft(session, challenge, factories.solver())
    make.opened(session, challenge)
    session.commit()

    def codes(solution: Solution) -> dict[str, int]:
        return {
            name: sign_in(person).get(f"/solutions/{solution.id}").status_code
            for name, person in people.items()
        }

    hidden = dict.fromkeys(people, 404)
    assert codes(standing) == hidden | {"poster": 200, "reviewer": 200, "administrator": 200}
    assert codes(withdrawn) == hidden
    assert codes(drafted) == hidden


def test_a_reviewer_who_belongs_to_a_company_reads_no_rival(
    session: Session, sign_in: SignIn
) -> None:
    challenge = factories.ChallengeFactory()
    factories.member_of(challenge.organization)
    solution = make.submitted(session, challenge)
    make.opened(session, challenge)
    rival = factories.solver(name="Rival")
    rival.role = Role.REVIEWER
    session.commit()
    browser = sign_in(rival)
    assert browser.get(f"/solutions/{solution.id}").status_code == 404
    assert browser.get(f"/challenges/{challenge.id}/evaluation").status_code == 403


def test_the_poster_reads_the_last_submission_and_nothing_else(
    session: Session, sign_in: SignIn
) -> None:
    challenge, actor = factories.ChallengeFactory(), factories.solver()
    poster = factories.member_of(challenge.organization)
    solution = make.submitted(session, challenge, actor, summary="First words")
    rules.update(session, solution, actor=actor, answers={}, summary="Second words")
    rules.submit(session, solution, actor=actor)
    rules.update(session, solution, actor=actor, answers={}, summary="Third words, never sent")
    make.opened(session, challenge)
    session.commit()

    browser, url = sign_in(poster), f"/solutions/{solution.id}"
    pages = {
        "detail": browser.get(url).text,
        "version": browser.get(f"{url}/versions/2").text,
        "evaluation": browser.get(f"/challenges/{challenge.id}/evaluation").text,
    }
    for page in pages.values():
        assert "Second words" in page
        assert "First words" not in page
        assert "Third words" not in page
    assert browser.get(f"{url}/versions/1").status_code == 404
    assert browser.get(f"{url}/edit").status_code == 403


def test_a_cancelled_challenge_keeps_its_seal(session: Session, sign_in: SignIn) -> None:
    challenge, actor = factories.ChallengeFactory(), factories.solver()
    poster = factories.member_of(challenge.organization)
    solution = make.submitted(session, challenge, actor)
    evaluations.cancel(session, challenge, actor=poster, reason="The line was sold.")
    session.commit()

    assert challenge.status is ChallengeStatus.CANCELLED
    assert sign_in(poster).get(f"/solutions/{solution.id}").status_code == 404
    assert "The line was sold." in sign_in(actor).get(f"/solutions/{solution.id}").text


# ---- Lists ------------------------------------------------------------------------------------


def test_the_own_list_costs_the_same_with_one_row_and_with_many(
    session: Session, sign_in: SignIn, count_queries: Callable[..., int]
) -> None:
    actor = factories.solver()
    make.submitted(session, factories.ChallengeFactory(), actor)
    session.commit()
    client = sign_in(actor)
    one = count_queries(lambda: client.get("/solutions"))
    for _ in range(8):
        make.submitted(session, factories.ChallengeFactory(), actor)
    session.commit()
    assert count_queries(lambda: client.get("/solutions")) == one


def test_what_can_still_be_worked_on_comes_first(session: Session, sign_in: SignIn) -> None:
    actor = factories.solver()
    for title, days in (("Later", 20), ("Gone", 2), ("Sooner", 5)):
        challenge = factories.ChallengeFactory(
            title=title, closes_at=clock.now() + timedelta(days=days)
        )
        make.draft(session, challenge, actor)
        if title == "Gone":
            make.close(challenge)
    session.commit()
    page = sign_in(actor).get("/solutions").text
    assert sorted(("Later", "Gone", "Sooner"), key=page.index) == ["Sooner", "Later", "Gone"]


@pytest.mark.parametrize("kind", ["sme", "large", "none"])
def test_an_empty_list_says_what_to_do_next(session: Session, sign_in: SignIn, kind: str) -> None:
    person = {"sme": factories.solver, "large": factories.poster, "none": factories.UserFactory}
    actor = person[kind]()
    session.commit()
    page = sign_in(actor).get("/solutions").text
    link = {"sme": "/challenges", "large": "/challenges/own", "none": "/organizations/new"}[kind]
    assert f'class="btn btn-primary" href="{link}"' in page


CONTACT = {"contact_name": "Ms Gu", "contact_phone": "0579-5555 0188"}


@pytest.mark.parametrize(
    ("status", "introduced"),
    [
        (SolutionStatus.SHORTLISTED, False),
        (SolutionStatus.SELECTED, True),
        (SolutionStatus.CONFIRMED, True),
        (SolutionStatus.DECLINED, False),
        (SolutionStatus.NOT_SELECTED, False),
    ],
)
def test_once_selected_both_sides_learn_whom_to_call_even_of_a_hidden_poster(
    session: Session, sign_in: SignIn, status: SolutionStatus, introduced: bool
) -> None:
    organization = factories.OrganizationFactory(name="Hengdian Secret Works", **CONTACT)
    challenge = factories.ChallengeFactory(organization=organization, shows_name=False)
    poster, author = factories.member_of(organization), factories.solver(contact_name="Mr Ruan")
    solution = make.submitted(session, challenge, author)
    make.opened(session, challenge)
    solution.status = status
    challenge.status = ChallengeStatus.AWARDED
    session.commit()

    theirs = sign_in(author).get(f"/solutions/{solution.id}").text
    for words in ("Hengdian Secret Works", *CONTACT.values()):
        assert (words in theirs) is introduced
    reader = sign_in(poster)
    for url in (f"/solutions/{solution.id}", f"/challenges/{challenge.id}/evaluation"):
        assert ("Mr Ruan" in reader.get(url).text) is introduced
    public = sign_in(author).get(f"/challenges/{challenge.id}").text
    assert "Hengdian Secret Works" not in public


def test_an_old_link_to_a_suspended_challenge_says_so_and_leads_to_the_solution(
    session: Session, sign_in: SignIn
) -> None:
    challenge = factories.ChallengeFactory(title="Leaked drawings")
    author, stranger = factories.solver(), factories.solver()
    solution = make.submitted(session, challenge, author)
    challenge.status = ChallengeStatus.SUSPENDED
    session.commit()

    answer = sign_in(author).get(f"/challenges/{challenge.id}")
    assert answer.status_code == 404
    assert "This challenge is suspended" in answer.text
    assert f"/solutions/{solution.id}" in answer.text
    other = sign_in(stranger).get(f"/challenges/{challenge.id}").text
    assert "This challenge is suspended" in other
    assert "Leaked drawings" not in other
    assert "/solutions/" not in other


def test_the_answers_are_read_in_the_language_of_each_reader(
    session: Session, sign_in: SignIn
) -> None:
    author = factories.solver()
    solution = make.submitted(session, factories.ChallengeFactory(), author)
    session.commit()
    client = sign_in(author)

    assert "Meets" in client.get(f"/solutions/{solution.id}").text
    assert "Meets" not in client.get(f"/solutions/{solution.id}?lang=zh_Hans_CN").text

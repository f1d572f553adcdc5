"""The evaluation in the poster's browser, and its outcome in everybody's."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask, render_template
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from bidding.accounts.models import User
from bidding.challenges.lifecycle import LIFECYCLE, ChallengeAction
from bidding.challenges.models import Challenge, ChallengeStatus
from bidding.config import ROOT
from bidding.evaluations import rules
from bidding.evaluations.models import Decision
from bidding.notifications.models import Notification
from bidding.solutions import rules as solution_rules
from bidding.solutions.models import Response, Solution, SolutionStatus
from tests import factories
from tests.solutions import make

SignIn = Callable[[User], FlaskClient]


def _opened(session: Session, count: int, **facts: object) -> tuple[Challenge, User]:
    challenge = factories.ChallengeFactory(**facts)
    poster = factories.member_of(challenge.organization)
    for _ in range(count):
        make.submitted(session, challenge)
    make.opened(session, challenge)
    return challenge, poster


def _solutions(session: Session) -> list[Solution]:
    session.expire_all()
    return list(session.scalars(sa.select(Solution).order_by(Solution.id)))


def test_poster_opens_the_solutions_after_the_deadline(session: Session, sign_in: SignIn) -> None:
    challenge = factories.ChallengeFactory()
    poster = factories.member_of(challenge.organization)
    make.submitted(session, challenge)
    session.commit()
    browser, url = sign_in(poster), f"/challenges/{challenge.id}"

    page = browser.get(f"{url}/evaluation").text
    assert "Beijing time" in page
    assert f'action="{url}/opening"' not in page
    assert browser.post(f"{url}/opening").status_code == 409

    make.close(challenge)
    session.commit()
    assert f'action="{url}/opening"' in browser.get(f"{url}/evaluation").text
    assert browser.post(f"{url}/opening").location == f"{url}/evaluation"
    assert _solutions(session)[0].organization.name in browser.get(f"{url}/evaluation").text


def test_staff_read_along_and_others_are_refused(session: Session, sign_in: SignIn) -> None:
    challenge, poster = _opened(session, 1)
    reviewer, rival = factories.UserFactory(reviewer=True), factories.solver()
    session.commit()
    url = f"/challenges/{challenge.id}"
    page = sign_in(reviewer).get(f"{url}/evaluation")
    assert page.status_code == 200
    assert "/eligibility" not in page.text
    assert sign_in(reviewer).get(f"{url}/award").status_code == 403
    assert sign_in(rival).get(f"{url}/evaluation").status_code == 403
    solution = _solutions(session)[0]
    assert sign_in(reviewer).post(f"/solutions/{solution.id}/eligibility").status_code == 403
    assert sign_in(rival).post(f"/solutions/{solution.id}/eligibility").status_code == 404


def test_the_poster_sees_at_the_screening_who_met_the_conditions(
    session: Session, sign_in: SignIn, count_queries: Callable[[Callable[[], object]], int]
) -> None:
    asked = {"taker_region_code": "330000", "required_qualifications": ["high_tech"]}
    rounds = [_opened(session, count, **asked) for count in (1, 4)]
    session.commit()
    visits = [(sign_in(poster), f"/challenges/{c.id}/evaluation") for c, poster in rounds]

    page = visits[0][0].get(visits[0][1]).text
    few, many = (count_queries(lambda b=b, u=u: b.get(u)) for b, u in visits)

    row = re.search(r'<th scope="row">Conditions for takers</th>(.*?)</tr>', page, re.DOTALL)
    assert re.findall(r'aria-label="([^"]+)".*?<span>(\w+)</span>', row[1], re.DOTALL) == [
        ("Met", "Region"),
        ("Not met", "Qualification"),
    ]
    assert few == many


def test_every_answer_stands_beside_its_requirement(session: Session, sign_in: SignIn) -> None:
    challenge = factories.ChallengeFactory()
    poster, actor = factories.member_of(challenge.organization), factories.solver()
    solution = make.draft(session, challenge, actor)
    first = challenge.requirements[0]
    solution_rules.update(
        session,
        solution,
        actor=actor,
        answers={first.id: (Response.PARTLY, "43 MGOe so far")},
    )
    solution_rules.submit(session, solution, actor=actor)
    make.opened(session, challenge)
    session.commit()
    page = sign_in(poster).get(f"/challenges/{challenge.id}/evaluation").text
    assert "43 MGOe so far" in page
    assert "1 requirement that must be met is not fully met" in page


def test_screening_and_shortlisting_by_the_buttons(session: Session, sign_in: SignIn) -> None:
    challenge, poster = _opened(session, 2)
    session.commit()
    browser = sign_in(poster)
    first, second = (solution.id for solution in _solutions(session))
    assert browser.post(f"/solutions/{first}/eligibility").status_code == 302
    assert browser.post(f"/solutions/{first}/shortlisting").status_code == 302
    assert browser.post(f"/solutions/{second}/exclusion").status_code == 400
    browser.post(f"/solutions/{second}/exclusion", data={"reason": "No test report."})
    assert [s.status for s in _solutions(session)] == [
        SolutionStatus.SHORTLISTED,
        SolutionStatus.INELIGIBLE,
    ]
    authors = make.member(_solutions(session)[1].organization)
    session.commit()
    assert "No test report." in sign_in(authors).get(f"/solutions/{second}").text


@pytest.fixture
def shortlist(session: Session, sign_in: SignIn) -> tuple[Challenge, FlaskClient]:
    """Three on the shortlist for one award."""
    challenge, poster = _opened(session, 3)
    for solution in _solutions(session):
        make.shortlisted(session, solution)
    session.commit()
    return challenge, sign_in(poster)


def _award(session: Session, picked: list[int], **typed: str) -> dict[str, object]:
    solutions = _solutions(session)
    data: dict[str, object] = {f"reason_{s.id}": f"Typed reason {s.id}" for s in solutions}
    data["selected"] = [str(solutions[index].id) for index in picked]
    return data | {"statement": "Typed statement"} | typed


def test_awarding_sends_every_enterprise_its_reason(
    session: Session, sign_in: SignIn, shortlist: tuple[Challenge, FlaskClient]
) -> None:
    challenge, browser = shortlist
    url = f"/challenges/{challenge.id}/award"
    assert browser.get(url).status_code == 200
    assert browser.post(url, data=_award(session, [1])).status_code == 302
    winner, loser = _solutions(session)[1], _solutions(session)[2]
    assert (winner.status, loser.status) == (
        SolutionStatus.SELECTED,
        SolutionStatus.NOT_SELECTED,
    )
    readers = {s.id: make.member(s.organization) for s in (winner, loser)}
    session.commit()
    page = sign_in(readers[loser.id]).get(f"/solutions/{loser.id}").text
    assert f"Typed reason {loser.id}" in page
    assert f"Typed reason {winner.id}" not in page
    accepted = sign_in(readers[winner.id]).post(f"/solutions/{winner.id}/confirmation")
    assert accepted.status_code == 302
    assert browser.get(url).location == f"/challenges/{challenge.id}/evaluation"
    assert browser.post(url, data=_award(session, [1])).status_code == 409


@pytest.mark.parametrize(
    ("picked", "typed", "words"),
    [
        ([], {}, "Select at least one solution."),
        ([0, 1], {}, "At most 1 can be selected; you selected 2."),
        ([0], {"statement": ""}, "Write the statement that is published."),
    ],
)
def test_a_refused_award_keeps_every_word_and_changes_nothing(
    session: Session,
    shortlist: tuple[Challenge, FlaskClient],
    picked: list[int],
    typed: dict[str, str],
    words: str,
) -> None:
    challenge, browser = shortlist
    answer = browser.post(
        f"/challenges/{challenge.id}/award", data=_award(session, picked, **typed)
    )
    assert answer.status_code == 400
    assert words in answer.text
    for solution in _solutions(session):
        assert f"Typed reason {solution.id}" in answer.text
        assert solution.status is SolutionStatus.SHORTLISTED
    assert answer.text.count(" checked ") == len(picked)


def test_a_reason_forgotten_is_asked_for_beside_the_enterprise(
    session: Session, shortlist: tuple[Challenge, FlaskClient]
) -> None:
    challenge, browser = shortlist
    forgotten = f"reason_{_solutions(session)[2].id}"
    answer = browser.post(
        f"/challenges/{challenge.id}/award", data=_award(session, [0], **{forgotten: " "})
    )
    assert answer.status_code == 400
    assert f'id="{forgotten}-errors"' in answer.text


def test_an_award_that_breaks_half_way_leaves_nothing(
    session: Session,
    shortlist: tuple[Challenge, FlaskClient],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    challenge, browser = shortlist
    advance = type(LIFECYCLE).advance

    def break_at_the_challenge(lifecycle: object, *args: object, **kwargs: object) -> object:
        if ChallengeAction.AWARD in args:
            raise RuntimeError("the disk is full")
        return advance(lifecycle, *args, **kwargs)

    monkeypatch.setattr(type(LIFECYCLE), "advance", break_at_the_challenge)
    before = session.scalar(sa.select(sa.func.count(Notification.id)))
    data = _award(session, [0])
    session.commit()
    assert browser.post(f"/challenges/{challenge.id}/award", data=data).status_code == 500

    assert {s.status for s in _solutions(session)} == {SolutionStatus.SHORTLISTED}
    assert session.get(Challenge, challenge.id).status is ChallengeStatus.EVALUATING
    assert session.scalar(sa.select(sa.func.count(Decision.id))) == 0
    assert session.scalar(sa.select(sa.func.count(Notification.id))) == before


def test_without_solutions_the_page_says_so_and_can_be_closed(
    session: Session, sign_in: SignIn
) -> None:
    challenge, poster = _opened(session, 0)
    session.commit()
    browser, url = sign_in(poster), f"/challenges/{challenge.id}"
    assert "No solution was submitted" in browser.get(f"{url}/evaluation").text
    browser.post(f"{url}/closure", data={"reason": "Nobody answered."})
    page = browser.get(f"{url}/evaluation").text
    assert "the challenge was unsuccessful" in page
    assert "Nobody answered." in page


def test_cancelling_asks_for_a_reason(session: Session, sign_in: SignIn) -> None:
    challenge = factories.ChallengeFactory()
    poster = factories.member_of(challenge.organization)
    session.commit()
    browser, url = sign_in(poster), f"/challenges/{challenge.id}/cancellation"
    assert browser.post(url).status_code == 400
    assert browser.post(url, data={"reason": "The line was sold."}).status_code == 302


def test_the_evaluation_costs_the_same_with_one_solution_and_with_eight(
    session: Session, sign_in: SignIn, count_queries: Callable[..., int]
) -> None:
    few, poster = _opened(session, 1)
    many, other = _opened(session, 8)
    session.commit()

    def cost(challenge: Challenge, person: User, page: str) -> int:
        url, browser = f"/challenges/{challenge.id}/{page}", sign_in(person)
        return count_queries(lambda: browser.get(url))

    assert cost(few, poster, "evaluation") == cost(many, other, "evaluation")
    assert cost(few, poster, "award") == cost(many, other, "award")


def test_anyone_reads_the_outcome_but_not_a_hidden_poster(app: Flask, session: Session) -> None:
    challenge, poster = _opened(session, 2, shows_name=False)
    winner, loser = _solutions(session)
    make.shortlisted(session, winner)
    assert _outcome_for_a_visitor(app, challenge) == ""
    rules.award(
        session,
        challenge,
        actor=poster,
        statement="**Convincing** samples.",
        reasons={winner.id: "Yes.", loser.id: "Private reason."},
        selected={winner.id},
    )
    page = _outcome_for_a_visitor(app, challenge)
    assert winner.organization.name in page
    assert "<strong>Convincing</strong>" in page
    for secret in (loser.organization.name, "Private reason.", challenge.organization.name):
        assert secret not in page

    solution_rules.decline(
        session, winner, actor=make.member(winner.organization), reason="Too busy."
    )
    page = _outcome_for_a_visitor(app, challenge)
    assert winner.organization.name not in page


def _outcome_for_a_visitor(app: Flask, challenge: Challenge) -> str:
    with app.test_request_context("/?lang=en"):
        return render_template("evaluations/_outcome.html", challenge=challenge).strip()


def _events() -> list[str]:
    ours = ("emails/solutions", "emails/challenges/open", "emails/challenges/award")
    ours += ("emails/challenges/fail", "emails/challenges/cancel")
    return sorted(
        str(path.relative_to(ROOT / "templates").as_posix()).removesuffix(".subject.txt")
        for path in Path(ROOT / "templates" / "emails").rglob("*.subject.txt")
        if path.relative_to(ROOT / "templates").as_posix().startswith(ours)
    )


@pytest.mark.parametrize("event", _events())
def test_every_mail_can_be_written(app: Flask, event: str) -> None:
    facts = {
        "headline": "Magnets",
        "reason": "Because of 5 % loss",
        "organization": "Sinterers",
        "number": 2,
        "digest": "ab12",
        "sender": "Li Lei",
        "text": "20 mm will do",
        "closes_at": "2027-03-31T09:00:00+00:00",
    }
    with app.test_request_context("/?lang=en"):
        subject = render_template(f"{event}.subject.txt", **facts)
        body = render_template(f"{event}.txt", **facts)
    assert "Magnets" in subject
    assert "\n" not in subject.strip()
    assert body.strip()
    assert not body.startswith("\n")

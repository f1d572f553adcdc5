"""Challenges that ask for much the same: found, and shown to those who may know."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from bidding.accounts.models import User
from bidding.challenges.models import Challenge, ChallengeStatus
from bidding.evaluations.models import Decision, Outcome
from bidding.matching import cli, index
from bidding.matching.duplicates import ALIKE_FROM, alike_pairs, beside, similar_to
from bidding.matching.estimator import Document
from bidding.matching.shelves import IndexNotReady, View
from bidding.solutions.models import SolutionStatus
from tests import factories as f

S = ChallengeStatus
SignIn = Callable[[User], FlaskClient]

MAGNETS = Document(
    "Sintered magnets with little heavy rare earth",
    "Coercivity of sintered neodymium magnets falls in a hot traction motor."
    " Diffuse dysprosium along the grain boundaries instead of alloying it."
    " Keep the remanence of the blank within two percent."
    " Show the process on a furnace of industrial size, with batches of fifty kilograms."
    " Deliver samples coated against salt spray for the endurance test of the motor.",
)
FURNACE = Document(
    "Walking beam furnace for aluminium forging blanks",
    "Heat forging blanks evenly before the press."
    " Burners waste gas when the line waits for the manipulator."
    " Predict the pause from the press signals and lower the flame in time."
    " Log temperature of each blank for the quality records.",
)
BREAD = Document("Sourdough for flat bread", "Ferment rye dough overnight without losing volume.")
ALL = (MAGNETS, FURNACE, BREAD)


def sentences(text: str) -> list[str]:
    return [sentence.strip(" .") + "." for sentence in text.split(". ")]


@pytest.fixture
def view() -> View:
    return View.of(ALL, [3, 5, 9])


# What is much alike


@pytest.mark.parametrize(
    "variant",
    [
        MAGNETS,
        Document("Other title altogether", MAGNETS.text),
        Document(MAGNETS.title, " ".join(reversed(sentences(MAGNETS.text)))),
        Document(MAGNETS.title, " ".join(sentences(MAGNETS.text)[:3])),
        Document(MAGNETS.title, MAGNETS.text.replace("fifty", "eighty").replace("two", "three")),
        Document(f"{MAGNETS.title}; {FURNACE.title}", f"{MAGNETS.text} {FURNACE.text}"),
    ],
    ids=["the same", "new title", "reordered", "shortened", "other figures", "merged"],
)
def test_variants_of_a_challenge_are_much_like_it(view: View, variant: Document) -> None:
    found = similar_to(view, None, variant)

    assert 3 in [one.challenge_id for one in found]
    assert all(0 < one.likeness <= 1.0001 and one.terms for one in found)


def test_other_challenges_of_the_same_field_are_not(view: View) -> None:
    other = Document(
        "Bonded magnets for sensors",
        "Injection moulded ferrite magnets lose remanence at the gate of the mould.",
    )

    assert similar_to(view, None, other) == []
    assert similar_to(view, 3, MAGNETS) == []  # not like itself


def test_likeness_is_the_same_from_either_side() -> None:
    short = Document(MAGNETS.title, " ".join(sentences(MAGNETS.text)[:3]))
    ((_, one),) = alike_pairs([MAGNETS, short, BREAD])
    ((_, other),) = alike_pairs([short, MAGNETS, BREAD])

    assert one.likeness == pytest.approx(other.likeness)
    assert (one.part, one.other_part) == pytest.approx((other.other_part, other.part))
    assert one.likeness == pytest.approx(np.sqrt(one.part * one.other_part))
    assert one.other_part > 0.9 > one.part


def test_a_short_text_is_not_said_to_stand_in_every_long_one(view: View) -> None:
    assert similar_to(view, None, Document("Sintered neodymium magnets", "")) == []


def test_others_are_measured_beside_the_view_and_not_kept(view: View) -> None:
    (found,) = similar_to(beside(view, {7: MAGNETS}), None, MAGNETS)

    assert found.challenge_id == 7
    assert found.likeness == pytest.approx(1)
    assert [one.challenge_id for one in similar_to(view, None, MAGNETS)] == [3]
    assert similar_to(beside(View.of([], []), {}), None, MAGNETS) == []


# The panel


@pytest.fixture
def poster(session: Session) -> User:
    return f.poster(name="Hengdian Magnetics")


def make(text: Document = MAGNETS, **facts: Any) -> Challenge:
    quiet = {"background": "", "expected_result": "", "requirements": []}
    said = {"title": text.title, "problem": text.text}
    return f.ChallengeFactory(**{**quiet, **said, **facts})


def draft_of(poster: User, **facts: Any) -> Challenge:
    return make(organization=poster.organization, status=S.DRAFT, published_at=None, **facts)


def panel(browser: FlaskClient, url: str) -> str:
    page = browser.get(url)
    assert page.status_code == 200
    _, found, rest = page.text.partition('aria-labelledby="alike"')
    return rest.partition("</section>")[0] if found else ""


def test_an_author_sees_what_a_draft_is_much_like(
    session: Session, poster: User, sign_in: SignIn
) -> None:
    draft, public = draft_of(poster), make(title="Magnets for motors")
    make(FURNACE)
    session.commit()

    for page in ("edit", "preview"):
        shown = panel(sign_in(poster), f"/challenges/{draft.id}/{page}")

        assert "Much like another challenge" in shown
        assert public.number in shown
        assert "Magnets for motors" in shown
        assert "Open" in shown
        assert "% alike." in shown
        assert "dysprosium" in shown
        assert FURNACE.title not in shown


def test_a_draft_like_nothing_has_no_panel(session: Session, poster: User, sign_in: SignIn) -> None:
    draft = draft_of(poster)
    make(FURNACE)
    session.commit()

    assert panel(sign_in(poster), f"/challenges/{draft.id}/edit") == ""
    assert panel(sign_in(poster), f"/challenges/{draft.id}/preview") == ""


def test_an_awarded_one_leads_to_its_outcome_and_is_solved_once_completed(
    session: Session, poster: User, sign_in: SignIn
) -> None:
    draft, solved = draft_of(poster), make(status=S.AWARDED, closed=True)
    sme = f.OrganizationFactory(sme=True, name="Dongyang Sintering")
    f.SolutionFactory(challenge=solved, organization=sme, status=SolutionStatus.CONFIRMED)
    loser = f.SolutionFactory(challenge=solved, status=SolutionStatus.NOT_SELECTED)
    session.commit()

    assert "Awarded to" not in panel(sign_in(poster), f"/challenges/{draft.id}/edit")
    session.add(
        Decision(
            challenge_id=solved.id,
            outcome=Outcome.AWARDED,
            statement="Best plan.",
            decided_by_id=poster.id,
        )
    )
    session.commit()

    shown = panel(sign_in(poster), f"/challenges/{draft.id}/edit")
    assert "Awarded</span>" in shown
    assert "Already solved" not in shown
    assert "Awarded to Dongyang Sintering." in shown
    assert f"/challenges/{solved.id}#outcome" in shown
    assert loser.organization.name not in shown

    solved.status = S.COMPLETED
    session.commit()
    assert "Already solved" in panel(sign_in(poster), f"/challenges/{draft.id}/edit")


def test_an_author_learns_of_their_own_drafts_and_of_nobody_elses(
    session: Session, poster: User, sign_in: SignIn
) -> None:
    draft, twin = draft_of(poster), draft_of(poster, title="Twin of our own")
    for status in (S.DRAFT, S.IN_REVIEW, S.CHANGES_REQUESTED, S.SUSPENDED, S.REJECTED):
        make(title=f"Not yours: {status}", status=status)
    session.commit()

    shown = panel(sign_in(poster), f"/challenges/{draft.id}/edit")

    assert twin.title in shown
    assert "Your own" in shown
    assert "Not yours" not in shown


def test_a_reviewer_sees_what_other_posters_submitted_but_no_drafts(
    session: Session, poster: User, sign_in: SignIn
) -> None:
    waiting = make(organization=poster.organization, status=S.IN_REVIEW)
    make(title="Submitted by another", status=S.IN_REVIEW)
    make(title="Draft of another", status=S.DRAFT)
    reviewer = f.UserFactory(reviewer=True)
    session.commit()

    shown = panel(sign_in(reviewer), f"/reviews/challenges/{waiting.id}")

    assert "Submitted by another" in shown
    assert "Draft of another" not in shown


def test_a_hidden_poster_stays_hidden(session: Session, poster: User, sign_in: SignIn) -> None:
    secret = f.OrganizationFactory(name="Hengdian Secret Works")
    draft = draft_of(poster)
    make(organization=secret, shows_name=False)
    session.commit()

    shown = panel(sign_in(poster), f"/challenges/{draft.id}/edit")

    assert "Name withheld" in shown
    assert "Secret" not in shown


def test_pages_work_while_the_index_is_being_made(
    session: Session, poster: User, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def not_ready(_session: Session) -> View:
        raise IndexNotReady("challenges")

    monkeypatch.setattr(index, "challenges", not_ready)
    draft, twin = draft_of(poster), draft_of(poster, title="Twin of our own")
    make(title="Public, and not in an index yet")
    session.commit()

    for page in ("edit", "preview"):
        shown = panel(sign_in(poster), f"/challenges/{draft.id}/{page}")
        assert twin.title in shown
        assert "Public" not in shown


def test_the_panel_costs_the_same_with_1_row_and_30(
    session: Session, poster: User, sign_in: SignIn, count_queries
) -> None:
    draft = draft_of(poster)
    make()
    draft_of(poster)
    session.commit()
    browser = sign_in(poster)
    url = f"/challenges/{draft.id}/edit"

    def ask() -> None:
        assert panel(browser, url)

    ask()
    few = count_queries(ask)
    f.bind(session)
    for _ in range(29):
        make()
        make(status=S.AWARDED, closed=True)
    session.commit()
    ask()

    assert count_queries(ask) == few


# The command


def test_the_command_lists_the_most_alike_rows(tmp_path, app) -> None:
    table = tmp_path / "needs.csv"
    rows = [FURNACE, MAGNETS, BREAD, Document("Magnets again", MAGNETS.text)]
    lines = [f'"{row.title}","{row.text}",40' for row in rows]
    table.write_text("\n".join(["title,description,budget", *lines]), encoding="utf-8-sig")

    result = app.test_cli_runner().invoke(cli.matching, ["duplicates", str(table)])

    first, second, summary = result.output.splitlines()
    assert float(first.split()[0]) > ALIKE_FROM
    assert first.endswith(f"line 3: {MAGNETS.title}")
    assert second.strip() == "line 5: Magnets again"
    assert summary == "1 pairs much alike in 4 rows"


@pytest.mark.parametrize(
    ("content", "options"),
    [(b"", []), (b"\xff\xfe", []), (b"title\nx", ["--title", "name"])],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, app, content, options) -> None:
    table = tmp_path / "needs.csv"
    table.write_bytes(content)

    for path in (table, tmp_path / "missing.csv"):
        result = app.test_cli_runner().invoke(cli.matching, ["duplicates", str(path), *options])
        assert result.exit_code == 1
        assert path.name in result.output

"""Finding challenges: words, filters, order."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from bidding import clock
from bidding.challenges import queries
from bidding.challenges.models import Challenge, ChallengeKind, ChallengeStatus
from bidding.challenges.queries import Search, Sort, State
from tests import factories

S = ChallengeStatus


def titles(session: Session, **search: Any) -> list[str]:
    return [c.title for c in session.scalars(queries.public(Search(**search)))]


def make(title: str, **facts: Any) -> Challenge:
    quiet = {"background": "", "problem": "", "region_code": "330783", "industry_code": "39"}
    return factories.ChallengeFactory(title=title, **{**quiet, **facts})


def test_words_are_found_in_all_that_the_page_says_of_the_need(session: Session) -> None:
    make("Title with coating")
    make("By problem", problem="Coating peels off.")
    make("By background", background="A coating line.")
    make("By result", expected_result="A coating.")
    make("By indicator", requirements=[factories.RequirementFactory.build(name="Coating weight")])
    make("By neither", taker_notes="Known for coatings.")

    assert set(titles(session, q="coating")) == {
        "Title with coating",
        "By problem",
        "By background",
        "By result",
        "By indicator",
    }


def test_every_word_must_occur_somewhere(session: Session) -> None:
    make("Coating of magnets")
    make("Coating", problem="on magnets")
    make("Coating of steel")

    assert set(titles(session, q=" magnets  coating ")) == {"Coating of magnets", "Coating"}


def test_two_han_characters_are_enough(session: Session) -> None:
    make("\u9632\u8150\u6d82\u5c42\u5f00\u53d1")

    assert len(titles(session, q="\u6d82\u5c42")) == 1


@pytest.mark.parametrize("q", ["%", "_", "100%", "\\", "a_b"])
def test_wildcards_are_only_characters(session: Session, q: str) -> None:
    make("Plain words, and 100 of them: aXb")
    exact = make(f"It says {q} here")

    assert titles(session, q=q) == [exact.title]


def test_a_public_number_finds_its_challenge(session: Session) -> None:
    wanted = make("Wanted")
    make("Other")

    for number in (wanted.number, wanted.number.lower(), wanted.number.removeprefix("JB")):
        assert titles(session, q=number) == ["Wanted"]
    assert titles(session, q="JB2026-99999999999999999999") == []


@pytest.mark.parametrize("shows_name", [True, False])
def test_nobody_is_found_by_the_name_of_the_organization(
    session: Session, shows_name: bool
) -> None:
    make(
        "Magnets",
        organization=factories.OrganizationFactory(name="Hengdian Secret"),
        shows_name=shows_name,
    )

    assert titles(session, q="Hengdian") == []


def test_filters_narrow_by_kind_section_and_province(session: Session) -> None:
    make("Magnets")
    make("Product", kind=ChallengeKind.SUPPORTING_PRODUCT)
    make("Farming", industry_code="01")
    make("Section only", industry_code="C")
    make("Qingdao", region_code="370211")
    make("Nowhere", region_code=None, industry_code=None)

    assert titles(session, kind=ChallengeKind.SUPPORTING_PRODUCT) == ["Product"]
    assert titles(session, section="A") == ["Farming"]
    assert "Section only" in titles(session, section="C")
    assert "Farming" not in titles(session, section="C")
    assert titles(session, province="370000") == ["Qingdao"]
    assert len(titles(session, province="nonsense", section="?")) == 6


def test_states_follow_status_and_clock(session: Session) -> None:
    make("Open")
    make("Waiting to be opened", closed=True)
    for status in S:
        if status is not S.PUBLISHED:
            make(status.value, status=status)

    assert titles(session, state=State.OPEN) == ["Open"]
    assert set(titles(session, state=State.EVALUATING)) == {"Waiting to be opened", "evaluating"}
    decided = {"awarded", "unsuccessful", "cancelled", "completed", "terminated"}
    assert set(titles(session, state=State.DECIDED)) == decided
    everything = set(titles(session))
    assert everything == decided | {"Open", "Waiting to be opened", "evaluating"}


def test_open_ones_come_first_in_both_orders(session: Session) -> None:
    def day(days: int) -> Any:
        return clock.now() + timedelta(days=days)

    make("Old, closes last", published_at=day(-9), closes_at=day(9))
    make("New, closes next", published_at=day(-2), closes_at=day(3))
    make("Newest, but closed", published_at=day(-1), closes_at=day(-1))

    assert titles(session, sort=Sort.NEWEST) == [
        "New, closes next",
        "Old, closes last",
        "Newest, but closed",
    ]
    assert titles(session, sort=Sort.DEADLINE) == [
        "New, closes next",
        "Old, closes last",
        "Newest, but closed",
    ]
    make("Newer, closes latest", published_at=day(-1), closes_at=day(20))
    assert titles(session, sort=Sort.NEWEST)[0] == "Newer, closes latest"
    assert titles(session, sort=Sort.DEADLINE)[2] == "Newer, closes latest"


def test_own_challenges_begin_with_what_waits_for_the_poster(session: Session) -> None:
    organization = factories.OrganizationFactory()
    for status in (S.REJECTED, S.PUBLISHED, S.DRAFT, S.AWARDED, S.CHANGES_REQUESTED):
        make(status.value, status=status, organization=organization)
    make("closed", closed=True, organization=organization)
    make("somebody else's")

    found = session.scalars(queries.own(organization.id))

    assert [c.title for c in found] == [
        "closed",
        "changes_requested",
        "draft",
        "published",
        "awarded",
        "rejected",
    ]

"""The keyword search over challenges and organizations, by the index and by what is exact."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from bidding import clock, finding
from bidding.accounts.models import User
from bidding.challenges.models import Challenge, ChallengeKind, ChallengeStatus
from bidding.matching import index, search
from bidding.matching.estimator import Document
from bidding.matching.shelves import IndexNotReady, View
from bidding.organizations.models import Organization, OrganizationStatus
from tests import factories as f

S = ChallengeStatus
SignIn = Callable[[User], FlaskClient]
Search = Callable[..., list[str]]

COATING = "\u6d82\u5c42"
MAGNET = "\u6c38\u78c1"
MOTOR = "\u7535\u673a"


def make(title: str, **facts: Any) -> Challenge:
    quiet = {"background": "", "problem": "", "expected_result": "", "requirements": []}
    return f.ChallengeFactory(title=title, **{**quiet, **facts})


def sme(name: str, **facts: Any) -> Organization:
    texts = {key: facts.pop(key, "") for key in ("products", "technologies", "equipment", "cases")}
    organization = f.OrganizationFactory(sme=True, name=name, **facts)
    f.ProfileFactory(organization=organization, **texts)
    return organization


def listed(browser: FlaskClient, path: str, q: str, **filters: str) -> list[str]:
    page = browser.get(path, query_string={"q": q, **filters})
    assert page.status_code == 200
    return [unescape(title) for title in re.findall(r'card-heading"><a[^>]*>([^<]+)<', page.text)]


@pytest.fixture
def challenges(session: Session, client: FlaskClient) -> Search:
    def ask(q: str, **filters: str) -> list[str]:
        session.commit()
        return listed(client, "/challenges", q, **filters)

    return ask


@pytest.fixture
def organizations(session: Session, sign_in: SignIn) -> Search:
    reader = f.UserFactory()
    session.commit()
    browser = sign_in(reader)

    def ask(q: str, **filters: str) -> list[str]:
        session.commit()
        return listed(browser, "/organizations", q, **filters)

    return ask


# What a search is made of


@pytest.mark.parametrize(
    ("q", "words", "phrases"),
    [
        ("grain boundary", ["grain", "boundary"], []),
        ('"grain boundary" magnets', ["grain boundary", "magnets"], ["grain boundary"]),
        ("\u201cgrain  boundary\u201d", ["grain boundary"], ["grain boundary"]),
        ('19" rack', ["19", "rack"], []),
        ('""', [], []),
    ],
)
def test_a_phrase_in_quotation_marks_is_one_word(q, words, phrases) -> None:
    assert finding.words(q) == words
    assert finding.phrases(q) == phrases


# By the index


def test_the_most_relevant_comes_first_whatever_became_of_it(challenges) -> None:
    make("Casting", problem="Sand for moulds. Now and then a coating, for one part of many parts.")
    make("Coating that resists salt spray", status=S.AWARDED, closed=True)
    make("Bread")

    assert challenges("coating") == ["Coating that resists salt spray", "Casting"]


def test_other_forms_of_a_word_are_found_after_the_word_itself(challenges) -> None:
    make("Magnets", problem="A magnet for one motor.")
    make("Motors", problem="Winding motors.")
    make("Bread")

    assert challenges("motors") == ["Motors", "Magnets"]


def test_two_characters_are_found_inside_a_longer_word_and_not_apart(challenges) -> None:
    make(f"\u9632\u8150{COATING}\u5f00\u53d1")
    make("\u6d82\u88c5\u7ebf\u7684\u5206\u5c42\u63a7\u5236")

    assert challenges(COATING) == [f"\u9632\u8150{COATING}\u5f00\u53d1"]


def test_what_has_all_words_comes_first_and_what_shares_one_common_word_not_at_all(
    challenges,
) -> None:
    make(f"{MAGNET}{MOTOR}")
    make(f"{MAGNET}\u78c1\u6750")
    for number in range(8):
        make(f"{MOTOR}\u58f3\u4f53 {number}")

    assert challenges(f"{MAGNET} {MOTOR}") == [f"{MAGNET}{MOTOR}", f"{MAGNET}\u78c1\u6750"]


def test_a_part_of_the_words_is_found_where_nothing_has_more(challenges) -> None:
    make("Grain boundary diffusion for magnets")

    assert challenges("grain boundary of a spacecraft") == ["Grain boundary diffusion for magnets"]
    assert challenges("sourdough") == []


def test_what_only_shares_a_character_or_a_company_form_is_not_found() -> None:
    view = View.of(
        [Document("\u94a2\u94c1\u516c\u53f8", "\u78c1\u77f3"), Document("\u5176\u4ed6", "")], [1, 2]
    )

    assert search.search(view, "\u78c1\u94a2").ids == []
    assert search.search(view, "\u5f20\u4e09\u4e30\u516c\u53f8").ids == []
    assert search.search(view, "\u78c1\u77f3").ids == [1]


def test_each_hit_says_which_words_were_found(session: Session, client: FlaskClient) -> None:
    make(f"{MAGNET}{MOTOR}")
    make(f"{MAGNET}\u78c1\u6750")
    make(f"{MOTOR}\u58f3\u4f53")
    session.commit()

    page = client.get("/challenges", query_string={"q": f"{MAGNET} {MOTOR}"}).text

    found = [re.findall(r"<mark>(.*?)</mark>", part) for part in page.split("<article")[1:]]
    assert [set(words) for words in found] == [{MAGNET, MOTOR}, {MAGNET}, {MOTOR}]


def test_who_asks_for_another_order_gets_it(challenges) -> None:
    day = timedelta(days=1)
    make("Coating", published_at=clock.now() - 9 * day, closes_at=clock.now() + day)
    make("A line", problem="For a coating.", published_at=clock.now() - 2 * day)

    assert challenges("coating") == ["Coating", "A line"]
    assert challenges("coating", sort="newest") == ["A line", "Coating"]
    assert challenges("coating", sort="deadline") == ["Coating", "A line"]
    assert challenges("", sort="relevance") == ["A line", "Coating"]


def test_the_order_on_offer_follows_whether_words_were_typed(client: FlaskClient) -> None:
    def first(q: str) -> str:
        page = client.get("/challenges", query_string={"q": q}).text
        options = page.partition('id="filter-sort"')[2].partition("</select>")[0]
        return re.findall(r'<option value="" selected>([^<]+)<', options)[0]

    assert first("") == "Newest first"
    assert first("coating") == "Most relevant first"


def test_filters_leave_of_what_was_found(challenges) -> None:
    make("Coating of steel", kind=ChallengeKind.SUPPORTING_PRODUCT)
    make("Coating of glass", region_code="370211")
    make("Coating of wood", status=S.AWARDED, closed=True)
    make("Product", kind=ChallengeKind.SUPPORTING_PRODUCT)

    assert challenges("coating", kind="supporting_product") == ["Coating of steel"]
    assert challenges("coating", province="370000") == ["Coating of glass"]
    assert challenges("coating", state="decided") == ["Coating of wood"]
    assert challenges("coating", section="A") == []


def test_only_so_many_are_ranked_and_the_page_says_so(
    session: Session, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        make(f"Coating {number}", region_code="370211" if number == 5 else "330783")
    session.commit()
    monkeypatch.setattr(search, "MOST_FOUND", 4)
    monkeypatch.setattr(finding, "MOST_FOUND", 4)

    def said(**filters: str) -> str:
        page = client.get("/challenges", query_string={"q": "coatings", **filters}).text
        return " ".join(page.partition('role="status">')[2].partition("</p>")[0].split())

    assert said().startswith("At least 4 challenges; the best are listed.")
    assert said(province="370000") == "1 challenge"
    assert said(province="330000").startswith("At least 4")


def test_how_many_there_are_at_least_is_said_of_those_that_are_listed(
    session: Session, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        make(f"Coating {number}")
    session.commit()
    monkeypatch.setattr(search, "MOST_FOUND", 4)
    monkeypatch.setattr(finding, "MOST_FOUND", 4)

    page = client.get("/challenges", query_string={"q": 'coatings "coating 0"'}).text

    assert "At least 1 challenge; the best are listed." in " ".join(page.split())


@pytest.mark.parametrize("q", ['"', '" "', "\u201c\u201d", " \u300c \u300d "])
def test_quotation_marks_alone_are_no_search(
    challenges: Search, organizations: Search, client: FlaskClient, q: str
) -> None:
    make("Coating")
    sme("Small")

    assert challenges(q) == challenges("")
    assert organizations(q) == organizations("")
    options = client.get("/challenges", query_string={"q": q}).text
    assert "Most relevant first" not in options


def test_of_a_very_long_search_the_beginning_counts(
    challenges: Search, organizations: Search
) -> None:
    make("Coating")
    sme("Coating Works")

    assert finding.asked("coating " * 100) == ("coating " * 25).rstrip()
    assert challenges("coating " * 100) == ["Coating"]
    assert organizations("coating " * 10_000) == ["Coating Works"]


# What is exact


def test_a_public_number_is_found_first(challenges) -> None:
    wanted = make("Wanted")
    make(f"Mentions {wanted.number} in its title")

    for number in (wanted.number, wanted.number.lower(), wanted.number.removeprefix("JB")):
        assert challenges(number)[0] == "Wanted"


def test_a_number_that_nobody_has_finds_nothing(challenges) -> None:
    make("Other")

    assert challenges("JB2026-99999") == []


def test_a_name_typed_in_full_or_in_part_comes_first(organizations) -> None:
    name = "\u6a2a\u5e97\u78c1\u6750\u6709\u9650\u516c\u53f8"
    sme(name)
    sme("Other", products="\u4e3a\u6a2a\u5e97\u78c1\u6750\u914d\u5957")
    sme("Siemens Works")

    assert organizations("\u5e97\u78c1") == [
        "\u6a2a\u5e97\u78c1\u6750\u6709\u9650\u516c\u53f8",
        "Other",
    ]
    assert organizations("\u6a2a\u5e97\u78c1\u6750\u6709\u9650\u516c\u53f8")[0].startswith("\u6a2a")
    assert organizations("sieme") == ["Siemens Works"]


def test_a_credit_code_finds_its_organization(organizations) -> None:
    wanted = sme("Wanted")
    sme("Other")

    assert organizations(wanted.credit_code) == ["Wanted"]
    assert organizations(wanted.credit_code.lower()) == ["Wanted"]


def test_large_enterprises_are_in_the_directory_too(organizations) -> None:
    f.OrganizationFactory(name="Giant", brief="Motors and magnets for railways.")
    sme("Small", products="Magnets")
    sme("Waiting", products="Magnets", status=OrganizationStatus.PENDING)

    assert set(organizations("magnets")) == {"Giant", "Small"}
    assert organizations("magnets", size="large") == ["Giant"]
    assert organizations("magnets", size="sme", sort="name") == ["Small"]


def test_large_enterprises_are_not_suggested(session: Session) -> None:
    challenge = make("Magnets for motors")
    f.OrganizationFactory(name="Giant", brief="Magnets for motors.")
    small = sme("Small", products="Magnets for motors")
    session.commit()

    needs = index.load_needs(session, search_query(challenge))
    pairings = index.market(session).for_challenge(needs[0])

    assert [pairing.organization_id for pairing in pairings] == [small.id]


def search_query(challenge: Challenge) -> Any:
    return index.queries.open_challenge(challenge.id)


def test_a_quoted_phrase_must_occur_just_so(challenges) -> None:
    make("Grain boundary diffusion")
    make("Boundary of the grain", problem="Diffusion.")
    make("Indicator", requirements=[f.RequirementFactory.build(name="Grain boundary width")])

    assert set(challenges("grain boundary")) >= {"Grain boundary diffusion", "Indicator"}
    assert set(challenges('"grain boundary"')) == {"Grain boundary diffusion", "Indicator"}
    assert challenges('"grain boundary" diffusion')[0] == "Grain boundary diffusion"


def test_figures_that_no_index_holds_are_found_as_they_are_written(challenges) -> None:
    make("Forging of 6061 aluminium")
    make("Forging of aluminium")

    assert challenges("6061") == ["Forging of 6061 aluminium"]
    assert challenges("6061 aluminium")[0] == "Forging of 6061 aluminium"
    assert challenges("%") == []


def test_a_hidden_poster_cannot_be_found(challenges) -> None:
    secret = f.OrganizationFactory(name="Hengdian Secret Works")
    make("Magnets", organization=secret, shows_name=False)

    for q in ("Hengdian Secret Works", "Hengdian", "Secret", "secre"):
        assert challenges(q) == []


def test_what_is_not_public_cannot_be_found(challenges) -> None:
    for status in S:
        make(f"Coating {status}", status=status)

    assert {title.split()[1] for title in challenges("coating")} == {
        "published",
        "evaluating",
        "awarded",
        "unsuccessful",
        "cancelled",
        "completed",
        "terminated",
    }


# Without an index


def test_while_the_index_is_made_words_are_found_as_they_are_written(
    session: Session,
    client: FlaskClient,
    sign_in: SignIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def not_ready(_session: Session) -> View:
        raise IndexNotReady("challenges")

    make("Coating of steel", problem="Salt spray.")
    make("Coatings")
    sme("Small", products="Coating")
    reader = f.UserFactory()
    session.commit()
    monkeypatch.setattr(index, "challenges", not_ready)
    monkeypatch.setattr(index, "offers", not_ready)
    pages = {"/challenges": client, "/organizations": sign_in(reader)}

    assert listed(client, "/challenges", "spray coating") == ["Coating of steel"]
    assert listed(pages["/organizations"], "/organizations", "coating") == ["Small"]
    for path, browser in pages.items():
        assert "is being rebuilt" in browser.get(f"{path}?q=coating").text
        assert "is being rebuilt" not in browser.get(path).text


# An empty result, and what it costs


@pytest.mark.parametrize("path", ["/challenges", "/organizations"])
def test_an_empty_result_keeps_the_words_and_says_what_to_do(
    session: Session, sign_in: SignIn, path: str
) -> None:
    reader = f.UserFactory()
    session.commit()
    browser = sign_in(reader)

    page = browser.get(f"{path}?q=sourdough+bread").text
    assert 'value="sourdough bread"' in page
    assert "Use fewer or other words." in page
    page = browser.get(f"{path}?q=sourdough+bread&province=330000").text
    assert 'value="sourdough bread"' in page
    assert f'href="{path}?q=sourdough+bread"' in page
    assert "Search without filters" in page


@pytest.mark.parametrize("path", ["/challenges", "/organizations"])
@pytest.mark.parametrize("filters", ["", "&province=330000"])
def test_a_search_costs_the_same_with_1_row_and_30(
    session: Session, sign_in: SignIn, count_queries, path: str, filters: str
) -> None:
    reader = f.UserFactory()
    make("Coating")
    sme("Coating works")
    session.commit()
    browser = sign_in(reader)

    def ask() -> None:
        assert listed(browser, path, "coating") != []
        browser.get(f"{path}?q=coating{filters}")

    ask()
    few = count_queries(ask)
    f.bind(session)
    for number in range(29):
        make(f"Coating {number}")
        sme(f"Coating works {number}")
    session.commit()
    ask()

    assert count_queries(ask) == few

"""Facts beside the text: gates, boosts, and the same for many SMEs at once."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from bidding import clock
from bidding.challenges.models import Challenge, ChallengeStatus
from bidding.matching import facts_table, jobs, policy, queries
from bidding.matching.facts import Boost, Fact, GateName, conditions, gates, passes
from bidding.matching.facts_table import Asked, FactsTable, bonus, boosts, eligible, itemised
from bidding.matching.models import Suggestion
from bidding.notifications.models import Notification
from bidding.organizations import industries, regions
from bidding.organizations.models import (
    Organization,
    OrganizationStatus,
    Qualification,
    QualificationKind,
)
from bidding.organizations.size_classes import SizeClass
from bidding.solutions.models import SolutionStatus
from bidding.templating import sentence
from tests import factories as f

POLICY = policy.read()
KINDS = list(QualificationKind)


def challenge_of(**facts) -> Challenge:
    return Challenge(
        **{
            "organization_id": 1,
            "status": ChallengeStatus.PUBLISHED,
            "closes_at": clock.now() + timedelta(days=9),
            "region_code": "330783",
            "industry_code": "39",
            "required_qualifications": [],
            "taker_region_code": None,
            **facts,
        }
    )


def sme(held=(), **facts) -> Organization:
    """An SME with the qualifications `held`: kinds, or kinds with the day they expire."""
    pairs = [one if isinstance(one, tuple) else (one, None) for one in held]
    return Organization(
        **{
            "id": 2,
            "region_code": "330783",
            "industry_code": "39",
            "size_class": SizeClass.MEDIUM,
            "status": OrganizationStatus.VERIFIED,
            "qualifications": [Qualification(kind=kind, expires_on=day) for kind, day in pairs],
            **facts,
        }
    )


# Gates


def test_whoever_meets_everything_passes_and_is_told_each_condition() -> None:
    challenge = challenge_of(
        taker_region_code="330000", required_qualifications=["srdi_sme", "high_tech"]
    )

    found = gates(challenge, sme([QualificationKind.HIGH_TECH]))

    assert [(gate.name, gate.passed) for gate in found] == [(name, True) for name in GateName]
    assert passes(challenge, sme([QualificationKind.HIGH_TECH]))


@pytest.mark.parametrize(
    ("asked", "organization", "failed"),
    [
        ({"closes_at": clock.now()}, sme(), GateName.DEADLINE),
        ({"status": ChallengeStatus.SUSPENDED}, sme(), GateName.DEADLINE),
        ({}, sme(size_class=SizeClass.LARGE), GateName.SIZE),
        ({}, sme(status=OrganizationStatus.PENDING), GateName.VERIFIED),
        ({}, sme(id=1), GateName.OWN),
        ({"taker_region_code": "330200"}, sme(), GateName.REGION),
        ({"required_qualifications": ["high_tech"]}, sme(), GateName.QUALIFICATION),
    ],
)
def test_each_gate_closes_by_itself(asked, organization, failed) -> None:
    challenge = challenge_of(**asked)

    assert [gate.name for gate in gates(challenge, organization) if not gate.passed] == [failed]
    assert not passes(challenge, organization)


def test_a_gate_can_be_asked_about_another_moment() -> None:
    held = (QualificationKind.HIGH_TECH, date(2027, 3, 31))
    challenge = challenge_of(
        closes_at=clock.now() + timedelta(days=900), required_qualifications=["high_tech"]
    )
    moment = clock.now().replace(year=2027, month=3, day=31)

    assert passes(challenge, sme([held]), at=moment)
    assert not passes(challenge, sme([held]), at=moment + timedelta(days=1))


def test_the_reader_is_told_what_is_asked_and_what_they_have(app) -> None:
    challenge = challenge_of(
        taker_region_code="330700", required_qualifications=["little_giant", "high_tech"]
    )
    expired = sme([(QualificationKind.HIGH_TECH, date(2020, 1, 1))], region_code="370211")

    with app.test_request_context("/?lang=en"):
        told = [sentence(gate) for gate in conditions(challenge, expired)]
        everything = [sentence(gate) for gate in gates(challenge, sme())]
    with app.test_request_context("/?lang=zh_Hans_CN"):
        chinese = sentence(conditions(challenge, expired)[0])

    assert told == [
        "Takers must be registered in Jinhua, Zhejiang;"
        " your organization is in Huangdao, Qingdao, Shandong.",
        "Takers must hold this qualification: “Little giant” SME or High-tech enterprise."
        " Yours has expired.",
    ]
    assert everything[0].startswith("Solutions are accepted until 20")
    assert "浙江省金华市" in chinese


# Boosts


@pytest.mark.parametrize(
    ("asked", "organization", "deliveries", "expected"),
    [
        ({}, sme(region_code="110101", industry_code="65"), 0, []),
        (
            {},
            sme(),
            0,
            [(Fact.SAME_DIVISION, 0.02), (Fact.SAME_COUNTY, 0.03), (Fact.CLUSTER, 0.01)],
        ),
        (
            {},
            sme(region_code="330782", industry_code="38"),
            0,
            [(Fact.SAME_SECTION, 0.005), (Fact.SAME_CITY, 0.02)],
        ),
        ({"industry_code": "C"}, sme(region_code="440112"), 0, [(Fact.SAME_SECTION, 0.005)]),
        (
            {"region_code": "330000", "industry_code": None},
            sme(size_class=SizeClass.MICRO),
            0,
            [(Fact.SAME_PROVINCE, 0.01), (Fact.SIZE, 0.01)],
        ),
        # The districts of a municipality are one city; so is a county directly under its province,
        # but not with its neighbours.
        (
            {"region_code": "110101", "industry_code": None},
            sme(region_code="110105"),
            0,
            [(Fact.SAME_CITY, 0.02)],
        ),
        (
            {"region_code": "469001", "industry_code": None},
            sme(region_code="469002"),
            0,
            [(Fact.SAME_PROVINCE, 0.01)],
        ),
        (
            {"region_code": None, "industry_code": None},
            sme([QualificationKind.HIGH_TECH, QualificationKind.SINGLE_CHAMPION]),
            3,
            [(Fact.QUALIFICATION, 0.02), (Fact.DELIVERIES, 0.01)],
        ),
        (
            {"region_code": None, "industry_code": None},
            sme([(QualificationKind.LITTLE_GIANT, date(2020, 1, 1))]),
            1,
            [(Fact.DELIVERIES, 0.005)],
        ),
    ],
)
def test_what_facts_add(asked, organization, deliveries, expected) -> None:
    found = boosts(challenge_of(**asked), organization, POLICY, deliveries)

    assert [(boost.fact, boost.points) for boost in found] == expected


def test_boosts_survive_being_stored_and_unknown_ones_are_left_out() -> None:
    boost = Boost(Fact.SAME_CITY, 0.02)

    assert Boost.restored([boost.stored, {"fact": "horoscope", "points": 1}]) == [boost]
    assert [Boost(Fact.SIZE, points).hundredths for points in (0.02, 0.005, 0.1)] == [
        "2",
        "0.5",
        "10",
    ]


# Many at once

CODES = ["330783", "330782", "330700", "330000", "110101", "110105", "110000", "469001", "469002"]
CODES += ["810000", "441900", "not a code"]
TRADES = ["39", "38", "C", "65", "I", "not a code"]
DAYS = st.sampled_from([None, date(2020, 1, 1), date(2400, 1, 1)])

organizations = st.builds(
    sme,
    held=st.lists(st.tuples(st.sampled_from(KINDS), DAYS), unique_by=lambda pair: pair[0]),
    id=st.integers(1, 9),
    region_code=st.sampled_from(CODES),
    industry_code=st.sampled_from(TRADES),
    size_class=st.sampled_from(list(SizeClass)),
    status=st.sampled_from([OrganizationStatus.VERIFIED, OrganizationStatus.SUSPENDED]),
)
challenges = st.builds(
    challenge_of,
    organization_id=st.integers(1, 9),
    region_code=st.sampled_from([None, *CODES[:-1]]),
    industry_code=st.sampled_from([None, *TRADES[:-1]]),
    taker_region_code=st.sampled_from([None, "330000", "330700", "330783", "110000", "460000"]),
    required_qualifications=st.lists(st.sampled_from([kind.value for kind in KINDS]), unique=True),
)


def table_of(group: list[Organization], deliveries: list[int]) -> FactsTable:
    tables = [FactsTable.of(one, count) for one, count in zip(group, deliveries, strict=True)]
    columns = [[getattr(table, name) for table in tables] for name in FactsTable.__annotations__]
    return FactsTable(*(np.concatenate(column) for column in columns))


def by_hand(challenge: Challenge, organization: Organization, deliveries: int) -> float:
    """The points of one pair, told from the regions and industries themselves."""
    total = 0.0
    here = regions.find(challenge.region_code or "")
    there = regions.find(organization.region_code)
    trade = industries.find(challenge.industry_code or "")
    theirs = industries.find(organization.industry_code)
    same_division = trade == theirs and trade is not None and not trade.is_section
    same_city = False
    if here and there:
        whole = here.province.kind in ("municipality", "special administrative region")
        same_county = here == there and here.level == "county"
        in_city = whole or here.city is not None
        same_city = same_county or (
            in_city and here.province == there.province and (whole or here.city == there.city)
        )
        if same_county:
            total += POLICY.same_county
        elif same_city:
            total += POLICY.same_city
        elif here.province == there.province:
            total += POLICY.same_province
    if same_division:
        total += POLICY.same_division + (POLICY.cluster if same_city else 0)
    elif trade and theirs and trade.section == theirs.section:
        total += POLICY.same_section
    held = [
        POLICY.qualifications[item.kind]
        for item in organization.qualifications
        if not item.is_expired
    ]
    total += max(held, default=0) + POLICY.size.get(organization.size_class, 0)
    return total + min(deliveries * POLICY.per_delivery, POLICY.deliveries_at_most)


@given(challenges, st.lists(st.tuples(organizations, st.integers(0, 5)), min_size=1, max_size=30))
def test_many_at_once_are_judged_as_one_by_one(challenge, group) -> None:
    smes, deliveries = [one for one, _ in group], [count for _, count in group]
    table, asked = table_of(smes, deliveries), Asked.of(challenge)

    assert eligible(asked, table).tolist() == [passes(challenge, one) for one in smes]

    total = bonus(asked, table, POLICY)
    assert total == pytest.approx([by_hand(challenge, *pair) for pair in group])
    assert total.max() <= policy.MOST + 1e-9
    single = [boosts(challenge, *(one, POLICY, count)) for one, count in group]
    assert itemised(asked, table, POLICY) == single
    assert [sum(boost.points for boost in found) for found in single] == pytest.approx(total)


def test_the_table_is_made_by_one_query(session, count_queries) -> None:
    challenge = f.ChallengeFactory()
    first = f.OrganizationFactory(sme=True, region_code="370211", industry_code="29")
    f.OrganizationFactory()  # large
    f.OrganizationFactory(sme=True, status=OrganizationStatus.SUSPENDED)
    f.QualificationFactory(organization=first)
    f.QualificationFactory(organization=first, kind=QualificationKind.LITTLE_GIANT)
    f.QualificationFactory(
        organization=first, kind=QualificationKind.SRDI_SME, expires_on=date(2020, 1, 1)
    )
    second = f.OrganizationFactory(sme=True)
    for status in (SolutionStatus.CONFIRMED, SolutionStatus.SELECTED):
        f.SolutionFactory(
            organization=second, status=status, challenge__organization=challenge.organization
        )
    session.flush()

    assert count_queries(lambda: facts_table.load_table(session)) == 1
    rows = session.execute(queries.facts_table()).all()
    mask = queries.BITS[QualificationKind.HIGH_TECH] + queries.BITS[QualificationKind.LITTLE_GIANT]
    assert [tuple(row) for row in rows] == [
        (first.id, "370211", "29", "small", mask, 0),
        (second.id, "330783", "39", "small", 0, 1),
    ]
    table = facts_table.load_table(session)
    for place, organization in enumerate((first, second)):
        alone = FactsTable.of(organization, deliveries=place)
        for name in FactsTable.__annotations__:
            assert getattr(table, name)[place] == getattr(alone, name)[0], name


def test_a_table_is_put_in_the_order_of_an_index_and_strangers_may_not_take() -> None:
    rows = [(ident, "330783", "39", "small", 0, ident) for ident in (3, 5, 8)]

    table = FactsTable.from_rows(rows).aligned([8, 4, 3, 9])

    assert table.ids.tolist() == [8, 4, 3, 9]
    assert table.may_take.tolist() == [True, False, True, False]
    assert table.deliveries[[0, 2]].tolist() == [8, 3]
    assert FactsTable.from_rows([]).aligned([1, 2]).may_take.tolist() == [False, False]


# In the suggestions

NEED = {"title": "Low heavy rare earth sintered neodymium magnets", "problem": "Coercivity."}


def stored(session) -> list[Suggestion]:
    session.rollback()  # read what the jobs committed
    return list(session.scalars(sa.select(Suggestion).order_by(Suggestion.rank_score.desc())))


@pytest.mark.parametrize("run", ["challenge", "organization", "everyone"])
def test_whoever_fails_a_gate_is_neither_suggested_nor_told(session, run) -> None:
    far = f.solver(region_code="370211")
    near = f.solver(region_code="330783")
    unqualified = f.solver(region_code="330783")
    for user in (far, near, unqualified):
        f.ProfileFactory(organization=user.organization)
    for user in (far, near):
        f.QualificationFactory(organization=user.organization)
    challenge = f.ChallengeFactory(
        **NEED, taker_region_code="330000", required_qualifications=["high_tech"]
    )
    session.commit()

    if run == "challenge":
        jobs.match_challenge(challenge.id)
    elif run == "organization":
        for user in (far, near, unqualified):
            jobs.match_organization(user.organization_id)
    else:
        jobs.refresh()

    assert [row.organization_id for row in stored(session)] == [near.organization_id]
    told = session.scalars(sa.select(Notification.user_id)).all()
    assert told == ([near.id] if run == "challenge" else [])


def test_facts_decide_between_equal_texts_and_leave_the_text_score_alone(session) -> None:
    far = f.OrganizationFactory(sme=True, region_code="110101", industry_code="65")
    near = f.OrganizationFactory(sme=True, name=far.name)
    for organization in (far, near):
        f.ProfileFactory(organization=organization)
    challenge = f.ChallengeFactory(**NEED)
    session.commit()

    jobs.refresh()

    first, second = stored(session)
    assert (first.organization_id, second.organization_id) == (near.id, far.id)
    assert first.score == second.score
    assert first.strength is second.strength
    assert [boost["fact"] for boost in first.boosts] == [
        "same_division",
        "same_county",
        "cluster",
        "size",
    ]
    assert second.boosts == [{"fact": "size", "points": 0.01}]
    assert first.rank_score == pytest.approx(first.score + 0.07)
    assert (first.points_of_facts, second.points_of_facts) == ("7", "1")
    shown = session.scalars(queries.suggestions_for(challenge.id, 20)).all()
    assert [row.organization_id for row in shown] == [near.id, far.id]


def test_no_fact_makes_up_for_texts_that_share_nothing(session) -> None:
    f.ProfileFactory(
        organization__name="Bakery", products="Bread and cakes", technologies="Sourdough"
    )
    f.ChallengeFactory(**NEED)
    session.commit()

    jobs.refresh()

    assert stored(session) == []


# On pages


def test_both_sides_see_the_boosts_apart_from_the_text_score(session, sign_in) -> None:
    profile = f.ProfileFactory()
    solver = f.member_of(profile.organization)
    challenge = f.ChallengeFactory(**NEED)
    poster = f.member_of(challenge.organization)
    session.commit()
    jobs.refresh()
    (suggestion,) = stored(session)
    score = round(suggestion.score * 100)

    pages = [
        sign_in(poster).get(f"/challenges/{challenge.id}/suggestions").text,
        sign_in(solver).get("/recommendations").text,
        sign_in(solver).get("/dashboard").text,
    ]

    for page in pages:
        assert f"Order: likeness of the texts {score}, facts +7" in page
        assert 'Same county <span class="boost-points">+3</span>' in page
        assert "which counts as one cluster" in page


def test_an_sme_reads_which_conditions_it_meets_before_it_writes(
    session, sign_in, count_queries
) -> None:
    outsider, insider = f.solver(region_code="370211"), f.solver()
    for user in (outsider, insider):
        f.QualificationFactory(organization=user.organization)
    challenge = f.ChallengeFactory(
        taker_region_code="330000", required_qualifications=["high_tech"], taker_notes="IATF 16949."
    )
    session.commit()
    address = f"/challenges/{challenge.id}"

    outside, inside = sign_in(outsider).get(address).text, sign_in(insider).get(address).text

    assert outside.index("You do not meet a condition for takers:") < outside.index(
        "Write a solution"
    )
    assert "your organization is in Huangdao, Qingdao, Shandong." in outside
    assert "Takers must hold this qualification: High-tech enterprise. You do." in outside
    assert inside.index("You meet the conditions for takers:") < inside.index("Write a solution")
    assert "Read the other conditions, too" in inside
    assert "You do not meet" not in inside


def test_an_sme_that_misses_a_condition_is_warned_but_not_stopped(session, sign_in) -> None:
    outsider = f.solver(region_code="370211")
    challenge = f.ChallengeFactory(taker_region_code="330000")
    session.commit()
    browser = sign_in(outsider)

    answer = browser.post(f"/challenges/{challenge.id}/solutions")
    page = browser.get(answer.location).text

    assert "You do not meet a condition for takers:" in page
    assert "the poster decides at the screening" in page
    assert "Save and submit" in page
    assert "You do not meet" in browser.get(f"/challenges/{challenge.id}").text


def test_nobody_else_is_told_of_conditions_they_meet(session, sign_in, client) -> None:
    challenge = f.ChallengeFactory(taker_region_code="440000")
    readers = [f.member_of(challenge.organization), f.poster(), f.UserFactory(reviewer=True)]
    session.commit()

    for browser in (client, *map(sign_in, readers)):
        page = browser.get(f"/challenges/{challenge.id}").text
        assert "Conditions for takers" in page
        assert "You do not meet" not in page

"""Why a pair fits, on the texts of the demo: terms, marks, requirements, gates, advice."""

from __future__ import annotations

import tomllib
from datetime import timedelta
from functools import cache

import numpy as np
import pytest

from bidding import clock
from bidding.challenges.models import (
    Challenge,
    ChallengeKind,
    ChallengeStatus,
    Operator,
    Requirement,
)
from bidding.config import ROOT
from bidding.matching.advice import Place, advise
from bidding.matching.coverage import Extent
from bidding.matching.documents import offer_of
from bidding.matching.estimator import TfidfMatcher
from bidding.matching.explanations import (
    Clauses,
    Explanation,
    Figure,
    PairReading,
    explain_pair,
    explanation_of,
)
from bidding.matching.facts import GateName
from bidding.matching.facts_table import FactsTable
from bidding.matching.policy import in_force
from bidding.matching.shelves import View
from bidding.matching.text import Analyzer
from bidding.organizations.models import (
    CapabilityProfile,
    Organization,
    OrganizationStatus,
)
from bidding.organizations.size_classes import SizeClass


@cache
def _rows(kind: str) -> list[dict]:
    files = sorted((ROOT / "bidding" / "seed_data").glob("*.toml"))
    return [row for file in files for row in tomllib.loads(file.read_text()).get(kind, [])]


def organization(row: dict, ident: int) -> Organization:
    profile = {k: v for k, v in row["profile"].items() if isinstance(v, str)}
    return Organization(
        id=ident,
        name=row["name"],
        brief=row.get("brief", ""),
        region_code=row["region"],
        industry_code=row["industry"],
        size_class=SizeClass(row["size"]),
        status=OrganizationStatus.VERIFIED,
        profile=CapabilityProfile(**profile),
    )


def challenge(title_part: str) -> Challenge:
    (row,) = [row for row in _rows("challenge") if title_part in row["title"]]
    return Challenge(
        id=1,
        organization_id=10_000,
        kind=ChallengeKind(row["kind"]),
        title=row["title"],
        background=row.get("background", ""),
        problem=row["problem"],
        expected_result=row.get("expected_result", ""),
        required_qualifications=[],
        region_code=row["region"],
        industry_code=row["industry"],
        status=ChallengeStatus.PUBLISHED,
        closes_at=clock.now() + timedelta(days=9),
        requirements=[
            Requirement(
                name=item["name"],
                operator=Operator(item["operator"]),
                value=item["value"],
                unit=item.get("unit", ""),
            )
            for item in row["requirement"]
        ],
    )


@pytest.fixture(scope="module")
def market() -> tuple[View, list[Organization]]:
    rows = [row for row in _rows("organization") if row.get("profile") and row["size"] != "large"]
    smes = [organization(row, ident) for ident, row in enumerate(rows, 1)]
    matcher = TfidfMatcher().fit(offer_of(sme) for sme in smes)
    return View(matcher, np.arange(1, len(smes) + 1)), smes


def named(market, part: str) -> Organization:
    (found,) = [sme for sme in market[1] if part in sme.name]
    return found


def explained(market, need: Challenge, sme: Organization) -> Explanation:
    return explain_pair(market[0], need, sme, FactsTable.of(sme), in_force())


def item(explanation: Explanation, name: str):
    (found,) = [one for one in explanation.items if one.requirement.name == name]
    return found


def marked(passages) -> dict[str, int]:
    return {
        piece.text: piece.step for passage in passages for piece in passage.pieces if piece.step
    }


# Terms and marks


def test_the_score_is_the_one_that_ranks(market) -> None:
    view, _ = market
    need, sme = challenge("低重稀土"), named(market, "铄元")
    why = explained(market, need, sme)
    pair = PairReading(view, need, sme)

    assert why.score == pytest.approx(float(view.scores(pair.vector, [sme.id])[0]), abs=1e-6)
    assert why.terms[0].term == "烧结钕铁硼"
    assert sum(term.share for term in why.terms) <= 1


def test_both_texts_are_kept_whole_and_marked_alike(market) -> None:
    sme = named(market, "铄元")
    why = explained(market, challenge("低重稀土"), sme)

    by_name = {passage.name: passage.text for passage in why.need + why.offer}
    assert by_name["title"] == "低重稀土 52SH 烧结钕铁硼磁体晶界扩散工艺"
    assert by_name["name"] == sme.name
    assert by_name["technologies"].startswith("• 晶界扩散：镀覆法")
    assert marked(why.need)["晶界扩散"] == 3
    assert marked(why.offer)["晶界扩散"] == 3
    assert marked(why.need)["涂覆"] < 3


def test_a_term_is_marked_although_the_text_was_cut_into_other_words(market) -> None:
    why = explained(market, challenge("无铬高耐蚀"), named(market, "南马表面"))

    assert "无铬" in {term.term for term in why.terms}
    assert {"无铬"} <= marked(why.need).keys() & marked(why.offer).keys()


def test_two_that_share_nothing_are_told_so(market) -> None:
    sme = Organization(
        id=999, name="x", brief="", region_code="110000", industry_code="13", profile=None,
        size_class=SizeClass.SMALL, status=OrganizationStatus.VERIFIED,
    )  # fmt: skip
    why = explained(market, challenge("低重稀土"), sme)

    assert (why.score, why.terms, marked(why.need), marked(why.offer)) == (0, [], {}, {})
    assert set(why.counts.values()) == {0, len(why.items)}


# Requirements


def test_requirements_are_covered_by_the_words_of_the_profile(market) -> None:
    why = explained(market, challenge("无铬高耐蚀"), named(market, "南马表面"))

    assert item(why, "中性盐雾").extent is Extent.COVERED
    assert item(why, "镀层厚度").extent is Extent.PARTLY
    assert item(why, "单位面积加工成本").extent is Extent.NOT
    assert why.counts == {Extent.COVERED: 2, Extent.PARTLY: 2, Extent.NOT: 2}
    pieces = [(piece.text, piece.step) for piece in item(why, "镀层与基体结合力").pieces]
    assert pieces == [("镀层", 1), ("与基体", 0), ("结合力", 1)]


@pytest.mark.parametrize(
    ("need", "sme", "name", "figure", "words"),
    [
        ("无铬高耐蚀", "铄元", "中性盐雾", Figure.MET, "中性盐雾 500 h"),
        ("无铬高耐蚀", "南马表面", "中性盐雾", Figure.QUOTED, "中性盐雾 480 h"),
        ("人形机器人关节无框", "铄元", "磁偏角", Figure.MET, "批次磁偏角 ≤ 1.5°"),
        ("氨氢混烧", "燊和", "窑内截面温差", Figure.MET, "窑截面温差 ±3 ℃"),
        ("长寿命低背隙", "萝峰", "额定载荷寿命", Figure.QUOTED, "8000 h"),
        ("无铬高耐蚀", "南马表面", "镀层与基体结合力", Figure.QUOTED, "结合力 ≥ 18 MPa"),
        ("无铬高耐蚀", "南马表面", "镀层厚度", Figure.UNSTATED, ""),
        ("无铬高耐蚀", "铄元", "单位面积加工成本", Figure.NONE, ""),
    ],
)
def test_a_figure_counts_only_where_the_profile_states_it(
    market, need, sme, name, figure, words
) -> None:
    found = item(explained(market, challenge(need), named(market, sme)), name)

    assert found.figure is figure
    assert words in found.quotation


def test_a_figure_under_conditions_is_to_be_checked(market) -> None:
    why = explained(market, challenge("无铬高耐蚀"), named(market, "南马表面"))

    assert item(why, "PCT（121 ℃、2 atm）").figure is Figure.CONDITIONAL


@pytest.mark.parametrize(
    ("technologies", "figure"),
    [
        ("Bond strength of at least 20 MPa.", Figure.MET),
        ("Bond strength of at least 20 mpa.", Figure.UNSTATED),
        ("Tensile strength of at least 20 MPa, and a bond.", Figure.QUOTED),
        ("Bond strength 12 MPa, after ageing bond strength 8 MPa.", Figure.QUOTED),
    ],
)
def test_english_figures(market, technologies, figure) -> None:
    need = challenge("低重稀土")
    need.requirements = [
        Requirement(name="Bond strength", operator=Operator.AT_LEAST, value="18", unit="MPa")
    ]
    sme = named(market, "铄元")
    row = next(row for row in _rows("organization") if row["name"] == sme.name)
    changed = organization(row, sme.id)
    changed.profile.technologies = technologies

    (found,) = explained(market, need, changed).items
    assert found.figure is figure


def test_without_requirements_there_is_nothing_to_cover(market) -> None:
    need = challenge("低重稀土")
    need.requirements = []

    assert explained(market, need, named(market, "铄元")).items == []


@pytest.mark.parametrize("texts", [[], [""], ["x"], ["，。"]])
def test_texts_that_say_nothing_are_about_nothing(texts) -> None:
    clauses = Clauses(Analyzer(), texts)

    assert clauses.about(np.array([7]), np.ones(1, np.float32)) == []
    assert clauses.about(np.empty(0, np.int64), np.empty(0, np.float32)) == []


# Gates


def test_gates_that_fail_are_named(market) -> None:
    need, sme = challenge("低重稀土"), named(market, "铄元")
    assert [gate.name for gate in explained(market, need, sme).gates] == [GateName.DEADLINE]

    need.taker_region_code = "440000"
    need.closes_at = clock.now() - timedelta(days=1)
    why = explained(market, need, sme)

    assert not why.passes
    assert [(gate.name, gate.passed) for gate in why.gates] == [
        (GateName.DEADLINE, False),
        (GateName.REGION, False),
    ]
    assert "your" in why.gates[1].message
    assert "your" not in why.gates[1].to_others.message


# Advice


def advice(market, need: Challenge, sme: Organization, others):
    pair = PairReading(market[0], need, sme)
    return advise(pair, explanation_of(pair, FactsTable.of(sme), in_force()), others)


def test_the_statements_that_would_raise_an_sme(market) -> None:
    need, sme = challenge("多极充磁磁环"), named(market, "铄元")

    told = advice(market, need, sme, [0.29])

    assert told.place == Place(2)
    assert 2 <= len(told.statements) <= 3
    now = explained(market, need, sme).score
    assert all(one.score > now for one in told.statements)
    assert [one.place.number for one in told.statements][-1] == 1
    offered = offer_of(sme).text
    assert all(one.params["words"] not in offered for one in told.statements)
    assert {one.field for one in told.statements} <= {"products", "technologies", "cases"}
    asked = [requirement.summary for requirement in need.requirements]
    assert told.statements[0].params["words"] in asked


def test_a_statement_has_the_effect_that_is_told(market) -> None:
    """Whoever adds it finds its likeness where the page said, and is ranked so."""
    need, sme = challenge("多极充磁磁环"), named(market, "铄元")
    one = advice(market, need, sme, []).statements[0]
    row = next(row for row in _rows("organization") if row["name"] == sme.name)
    changed = organization(row, sme.id)
    changed.profile.notes += "\n" + one.params["words"]
    smes = [changed if other is sme else other for other in market[1]]
    view = View(TfidfMatcher().fit(offer_of(each) for each in smes), market[0].ids)

    then = explain_pair(view, need, changed, FactsTable.of(changed), in_force()).score

    assert then == pytest.approx(one.score, abs=0.02)


def test_nobody_who_may_not_take_it_is_advised(market) -> None:
    need = challenge("多极充磁磁环")
    need.taker_region_code = "440000"

    assert advice(market, need, named(market, "铄元"), []) is None


def test_a_place_is_counted_among_those_suggested() -> None:
    assert Place.of(0.3, [0.4, 0.3, 0.2]) == Place(2)
    assert Place.of(0.3, [0.4] * 20) == Place(None)
    assert Place.of(0.0, []) == Place(None)

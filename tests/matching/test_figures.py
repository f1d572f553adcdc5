"""Figures in what people write, and whether they are what a requirement asks for."""

from __future__ import annotations

from math import inf

import pytest

from bidding.challenges.models import Operator
from bidding.matching.figures import Span, clauses, find, read_target, sentences


def stated(text: str, unit: str) -> list[tuple[float, float]]:
    target = read_target(Operator.AT_LEAST, "1", unit)
    assert target is not None
    return [(span.low, span.high) for span in find(text, target.unit)]


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("中性盐雾 500 h", "h", [(500, 500)]),
        ("中性盐雾 500 h 以上", "h", [(500, inf)]),
        ("抗拉强度不低于８００ＭＰａ", "MPa", [(800, inf)]),
        ("a tensile strength of at least 800 MPa", "MPa", [(800, inf)]),
        ("偏差 ≤ 2%", "%", [(-inf, 2)]),
        ("温差 ±3 ℃", "°C", [(-inf, 3)]),
        ("不大于 3 mm", "mm", [(-inf, 3)]),
        ("剩磁 14.0–14.5 kGs", "KGS", [(14.0, 14.5)]),
        ("2 mm～6 mm", "mm", [(2, 6)]),
        ("-40~105 ℃", "℃", [(-40, 105)]),
        ("年产 1.2 万吨", "吨", [(12000, 12000)]),
        ("200,000 件", "件", [(200000, 200000)]),
        ("抗拉 800 MPa，屈服 600 MPa", "MPa", [(800, 800), (600, 600)]),
    ],
)
def test_a_figure_is_read_with_what_makes_a_bound_of_it(text, unit, expected):
    assert stated(text, unit) == expected


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("3 mPa", "MPa"),
        ("功耗 150 kW/m³", "kW"),
        ("厚 12 mm", "m"),
        ("N54 h", "h"),
        ("10⁵ Pa", "Pa"),
        ("五百 h", "h"),
        ("500", "h"),
    ],
)
def test_what_looks_like_a_figure_of_that_unit_but_is_none(text, unit):
    assert stated(text, unit) == []


@pytest.mark.parametrize(
    ("operator", "value", "text", "is_met"),
    [
        (Operator.AT_LEAST, "500", "500 h", True),
        (Operator.AT_LEAST, "500", "≥ 480 h", False),
        (Operator.AT_LEAST, "500", "600 h 以内", False),
        (Operator.AT_LEAST, "500", "480–600 h", False),
        (Operator.AT_MOST, "500", "480 h", True),
        (Operator.AT_MOST, "500", "480 h 以上", False),
        (Operator.AT_MOST, "500", "480–520 h", False),
        (Operator.EQUAL, "500", "500 h", True),
        (Operator.EQUAL, "500", "400–600 h", True),
        (Operator.EQUAL, "500", "501 h", False),
        (Operator.EQUAL, "500", "≥ 400 h", False),
        (Operator.BETWEEN, "2–6", "1–8 h", True),
        (Operator.BETWEEN, "2–6", "2–5 h", False),
        (Operator.BETWEEN, "2 至 6", "3 h", False),
    ],
)
def test_a_requirement_is_met_only_where_nothing_is_left_open(operator, value, text, is_met):
    target = read_target(operator, value, "h")

    assert [target.is_met_by(span) for span in find(text, target.unit)] == [is_met]


def test_ten_thousands_count_in_the_value_and_in_the_unit():
    target = read_target(Operator.AT_LEAST, "20", "万件")

    assert (target.span, target.unit) == (Span(200000, 200000), "件")
    assert target == read_target(Operator.AT_LEAST, "20万", "件")


@pytest.mark.parametrize(
    ("operator", "value", "unit"),
    [
        (Operator.TEXT, "500", "h"),
        (Operator.AT_LEAST, "约 500", "h"),
        (Operator.AT_LEAST, "500", ""),
        (Operator.AT_LEAST, "2–6", "h"),
        (Operator.BETWEEN, "6", "h"),
    ],
)
def test_what_asks_for_no_figure_has_no_target(operator, value, unit):
    assert read_target(operator, value, unit) is None


def test_sentences_and_clauses_do_not_break_numbers():
    text = "• 寿命 1,000 h，精度 2.5 μm；无铬。\n2. A bond of 3.5 MPa. It holds, 20 years."

    assert sentences(text) == [
        "寿命 1,000 h，精度 2.5 μm",
        "无铬",
        "A bond of 3.5 MPa",
        "It holds, 20 years",
    ]
    assert clauses("寿命 1,000 h，精度 2.5 μm") == ["寿命 1,000 h", "精度 2.5 μm"]

"""Size classes by the standards for classifying SMEs of 2011."""

import pytest

from bidding.organizations.size_classes import SizeClass, suggest

LARGE, MEDIUM, SMALL, MICRO = SizeClass

# What is needed to be small, medium and large: employees, revenue and assets in 10,000 yuan.
STANDARDS = {
    "01": (None, (50, 500, 20_000), None),
    "06": ((20, 300, 1_000), (300, 2_000, 40_000), None),
    "39": ((20, 300, 1_000), (300, 2_000, 40_000), None),
    "46": ((20, 300, 1_000), (300, 2_000, 40_000), None),
    "47": (None, (300, 6_000, 80_000), (300, 5_000, 80_000)),
    "51": ((5, 20, 200), (1_000, 5_000, 40_000), None),
    "52": ((10, 50, 300), (100, 500, 20_000), None),
    "54": ((20, 300, 1_000), (200, 3_000, 30_000), None),
    "591": ((20, 300, 1_000), (200, 3_000, 30_000), None),
    "592": ((20, 100, 200), (100, 1_000, 30_000), None),
    "60": ((20, 300, 1_000), (100, 2_000, 30_000), None),
    "61": ((10, 100, 300), (100, 2_000, 10_000), None),
    "62": ((10, 100, 300), (100, 2_000, 10_000), None),
    "63": ((10, 100, 2_000), (100, 1_000, 100_000), None),
    "64": ((10, 100, 2_000), (100, 1_000, 100_000), None),
    "65": ((10, 100, 300), (50, 1_000, 10_000), None),
    "7010": (None, (100, 1_000, 200_000), (2_000, 5_000, 10_000)),
    "7020": ((100, 300, 1_000), (500, 1_000, 5_000), None),
    "72": ((10, 100, 300), None, (100, 8_000, 120_000)),
    "73": ((10, 100, 300), None, None),
}


@pytest.mark.parametrize("industry", STANDARDS)
@pytest.mark.parametrize(
    ("step", "reached", "missed"), [(0, SMALL, MICRO), (1, MEDIUM, SMALL), (2, LARGE, MEDIUM)]
)
def test_class_is_reached_exactly_at_the_thresholds_of_the_standard(
    industry, step, reached, missed
):
    enough = [None if needs is None else needs[step] for needs in STANDARDS[industry]]
    assert suggest(industry, *enough) is reached
    for which, amount in enumerate(enough):
        if amount is not None:
            short = [*enough[:which], amount - 1, *enough[which + 1 :]]
            assert suggest(industry, *short) is missed


def test_lowest_figure_decides():
    assert suggest("C39", 5_000, 1_500) is SMALL
    assert suggest("C39", 25, 90_000) is SMALL


def test_section_is_enough_where_one_rule_covers_it():
    assert suggest("C", 300, 2_000) is MEDIUM


def test_rough_industry_is_enough_where_its_rules_agree():
    assert suggest("70", 5, 20) is MICRO
    assert suggest("70", 150, 600, 6_000) is None
    assert suggest("59", 50, 500) is SMALL
    assert suggest("59", 150, 5_000) is None


def test_missing_figure_leaves_it_open_unless_another_says_micro():
    assert suggest("39", None, 5_000) is None
    assert suggest("39", 500, None) is None
    assert suggest("39", 19, None) is MICRO
    assert suggest("47", 500, 10_000) is None
    assert suggest("72", 500, 10_000) is None


@pytest.mark.parametrize(
    "industry", ["53", "66", "83", "84", "Q", "704", "91", "97", "99", "", "?"]
)
def test_industry_outside_the_standard_has_no_class(industry):
    assert suggest(industry, 5, 5, 5) is None


def test_all_but_large_enterprises_are_smes():
    assert [size for size in SizeClass if not size.is_sme] == [LARGE]

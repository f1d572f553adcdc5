"""Size classes of enterprises by the standards for classifying SMEs of 2011.

The standards (Gong Xin Bu Lian Qi Ye [2011] No. 300) set, industry by industry, what an
enterprise needs of each indicator to be medium or small, and to be too large for an SME.
Its class is the lowest that any of its indicators allows. Which industry of GB/T 4754-2017
falls under which rule follows the National Bureau of Statistics (Guo Tong Zi [2017] No. 213).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from bidding.organizations import industries
from bidding.vocabulary import N_, Choice


class SizeClass(Choice):
    """How large an enterprise is."""

    LARGE = "large", N_("Large")
    MEDIUM = "medium", N_("Medium")
    SMALL = "small", N_("Small")
    MICRO = "micro", N_("Micro")

    @property
    def is_sme(self) -> bool:
        return self is not SizeClass.LARGE


# From the smallest up: an enterprise climbs one step for each threshold it reaches.
STEPS = (SizeClass.MICRO, SizeClass.SMALL, SizeClass.MEDIUM, SizeClass.LARGE)

Amount = int | float | Decimal
Thresholds = tuple[int, int, int]


@dataclass(frozen=True)
class Rule:
    """The least an enterprise needs to be small, medium and large; money in 10,000 yuan."""

    employees: Thresholds | None = None
    revenue: Thresholds | None = None
    assets: Thresholds | None = None


AGRICULTURE = Rule(revenue=(50, 500, 20_000))
INDUSTRY = Rule(employees=(20, 300, 1_000), revenue=(300, 2_000, 40_000))
CONSTRUCTION = Rule(revenue=(300, 6_000, 80_000), assets=(300, 5_000, 80_000))
WHOLESALE = Rule(employees=(5, 20, 200), revenue=(1_000, 5_000, 40_000))
RETAIL = Rule(employees=(10, 50, 300), revenue=(100, 500, 20_000))
TRANSPORT = Rule(employees=(20, 300, 1_000), revenue=(200, 3_000, 30_000))
STORAGE = Rule(employees=(20, 100, 200), revenue=(100, 1_000, 30_000))
POST = Rule(employees=(20, 300, 1_000), revenue=(100, 2_000, 30_000))
HOSPITALITY = Rule(employees=(10, 100, 300), revenue=(100, 2_000, 10_000))
INFORMATION = Rule(employees=(10, 100, 2_000), revenue=(100, 1_000, 100_000))
SOFTWARE = Rule(employees=(10, 100, 300), revenue=(50, 1_000, 10_000))
REAL_ESTATE = Rule(revenue=(100, 1_000, 200_000), assets=(2_000, 5_000, 10_000))
PROPERTY_MANAGEMENT = Rule(employees=(100, 300, 1_000), revenue=(500, 1_000, 5_000))
BUSINESS_SERVICES = Rule(employees=(10, 100, 300), assets=(100, 8_000, 120_000))
OTHER = Rule(employees=(10, 100, 300))

# By section, division or group; the longest code that fits decides. Nothing or None: the
# standards do not cover it (finance, education, health, railways, letting of property).
RULES: dict[str, Rule | None] = {
    "A": AGRICULTURE,
    "B": INDUSTRY,
    "C": INDUSTRY,
    "D": INDUSTRY,
    "E": CONSTRUCTION,
    "51": WHOLESALE,
    "52": RETAIL,
    "G": TRANSPORT,
    "53": None,
    "591": TRANSPORT,
    "592": STORAGE,
    "593": STORAGE,
    "594": STORAGE,
    "595": STORAGE,
    "596": STORAGE,
    "599": STORAGE,
    "60": POST,
    "H": HOSPITALITY,
    "63": INFORMATION,
    "64": INFORMATION,
    "65": SOFTWARE,
    "701": REAL_ESTATE,
    "702": PROPERTY_MANAGEMENT,
    "703": OTHER,
    "709": OTHER,
    "L": BUSINESS_SERVICES,
    "M": OTHER,
    "N": OTHER,
    "O": OTHER,
    "Q": None,
    "85": OTHER,
    "R": OTHER,
}


def suggest(
    industry_code: str,
    employees: int | None,
    revenue_wan: Amount | None,
    assets_wan: Amount | None = None,
) -> SizeClass | None:
    """The size class that follows from the figures, or None when it cannot be told.

    Takes a section, division, group or class of GB/T 4754-2017 ("C", "39", "7020"). Revenue
    of the last year and total assets are in 10,000 yuan. It cannot be told where no rule
    covers the industry, where a figure that matters is missing (construction and business
    services are measured by assets, too), or where an industry given too roughly spans
    rules that disagree, as division 70 does.
    """
    classes = {
        None if rule is None else _classify(rule, employees, revenue_wan, assets_wan)
        for rule in _rules(industry_code)
    }
    return classes.pop() if len(classes) == 1 else None


def _classify(
    rule: Rule, employees: Amount | None, revenue: Amount | None, assets: Amount | None
) -> SizeClass | None:
    measured = (
        (rule.employees, employees),
        (rule.revenue, revenue),
        (rule.assets, assets),
    )
    steps = [
        None if amount is None else bisect_right(thresholds, amount)
        for thresholds, amount in measured
        if thresholds is not None
    ]
    if 0 in steps:  # one indicator is enough to be micro, whatever the missing ones are
        return SizeClass.MICRO
    known = [step for step in steps if step is not None]
    return STEPS[min(known)] if len(known) == len(steps) else None


def _rules(industry_code: str) -> Iterator[Rule | None]:
    """The rule for an industry, and those for parts of it that have rules of their own."""
    industry = industries.parse(industry_code)
    if industry is None:
        return
    section = industry.section
    digits = re.sub("[^0-9]", "", industry_code) or re.sub("[^0-9]", "", industry.code)
    for code in (digits[:3], digits[:2], section.code):
        if code in RULES:
            yield RULES[code]
            break
    divisions = {division.code for division in section.divisions}
    for code, rule in RULES.items():
        if code[:2] in divisions and code.startswith(digits) and code != digits:
            yield rule

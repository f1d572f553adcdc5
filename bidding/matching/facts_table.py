"""Gates and boosts of one challenge for many SMEs at once: an array for each fact.

It must hold for a million SMEs: nothing here loops over organizations but the making of the table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Protocol, Self

import numpy as np
from sqlalchemy.orm import Session

from bidding import clock
from bidding.challenges.models import Challenge
from bidding.matching import queries
from bidding.matching.facts import Boost, Fact
from bidding.matching.policy import Policy
from bidding.matching.queries import BITS
from bidding.organizations import industries, regions
from bidding.organizations.models import Organization, QualificationKind
from bidding.organizations.regions import Region
from bidding.organizations.size_classes import SizeClass


class Asking(Protocol):
    """What is read of a challenge: a `Challenge`, or `Asked` once its session is closed."""

    organization_id: Any
    region_code: Any
    industry_code: Any
    required_qualifications: Any
    taker_region_code: Any


@dataclass(frozen=True)
class Asked:
    """The facts of one challenge."""

    organization_id: int
    region_code: str | None
    industry_code: str | None
    required_qualifications: tuple[str, ...] = ()
    taker_region_code: str | None = None

    @classmethod
    def of(cls, challenge: Challenge) -> Self:
        return cls(
            challenge.organization_id,
            challenge.region_code,
            challenge.industry_code,
            tuple(challenge.required_qualifications),
            challenge.taker_region_code,
        )


@dataclass(frozen=True, eq=False)
class FactsTable:
    """The facts of many organizations, an array each; a place of the arrays is an organization.

    Places and industries are numbers, 0 where there is none: a division by its two digits, a
    section by its letter, a county, city or province by its code.
    """

    ids: np.ndarray
    may_take: np.ndarray
    region: np.ndarray
    county: np.ndarray
    city: np.ndarray
    province: np.ndarray
    division: np.ndarray
    section: np.ndarray
    size: np.ndarray
    qualifications: np.ndarray
    """Of those not expired, one bit each, see `queries.BITS`."""
    deliveries: np.ndarray

    @classmethod
    def of(cls, organization: Organization, deliveries: int = 0) -> Self:
        """A table of one."""
        today = clock.now().date()
        held = [item.kind for item in organization.qualifications if item.is_valid_on(today)]
        row = (
            organization.id,
            organization.region_code,
            organization.industry_code,
            organization.size_class.value,
            _mask(held),
            deliveries,
        )
        return replace(cls.from_rows([row]), may_take=np.array([organization.may_solve]))

    @classmethod
    def from_rows(cls, rows: Sequence[Any]) -> Self:
        """From the rows of `queries.facts_table`, all of which may take challenges."""
        columns = ([row[column] for row in rows] for column in range(6))
        ids, codes, trades, sizes, masks, deliveries = columns
        region, county, city, province = _encode(codes, _place, 4)
        division, section = _encode(trades, _trade, 2)
        return cls(
            np.array(ids, dtype=np.int64),
            np.ones(len(ids), dtype=bool),
            region,
            county,
            city,
            province,
            division,
            section,
            _encode(sizes, lambda size: (_SIZES.index(size),), 1)[0],
            np.array(masks, dtype=np.int32),
            np.array(deliveries, dtype=np.int32),
        )

    def take(self, places: Any) -> Self:
        """The organizations at `places`, in that order."""
        return type(self)(*(getattr(self, item.name)[places] for item in fields(self)))

    def aligned(self, organization_ids: Sequence[int]) -> Self:
        """In the order of `organization_ids`; who is not in the table may not take challenges.

        The table must be in the order of its ids.
        """
        wanted = np.asarray(organization_ids, dtype=np.int64)
        if not len(self.ids):
            nothing = [np.zeros(len(wanted), getattr(self, f.name).dtype) for f in fields(self)]
            return replace(type(self)(*nothing), ids=wanted)
        places = np.searchsorted(self.ids, wanted).clip(max=len(self.ids) - 1)
        part = self.take(places)
        return replace(part, ids=wanted, may_take=part.may_take & (part.ids == wanted))


def load_table(session: Session, ids: Sequence[int] | None = None) -> FactsTable:
    """The facts of SMEs that may take challenges today, by one query: of some ids, or of all."""
    return FactsTable.from_rows(session.execute(queries.facts_table(ids)).all())


def eligible(challenge: Asking, table: FactsTable) -> np.ndarray:
    """Which organizations pass every gate of `challenge` but its deadline."""
    fits = table.may_take & (table.ids != challenge.organization_id)
    if challenge.taker_region_code:
        prefix = regions.code_prefix(challenge.taker_region_code)
        fits &= table.region // 10 ** (6 - len(prefix)) == int(prefix)
    if challenge.required_qualifications:
        fits &= (table.qualifications & _mask(challenge.required_qualifications)) != 0
    return fits


def bonus(challenge: Asking, table: FactsTable, policy: Policy) -> np.ndarray:
    """The points that facts add for each organization of `table`."""
    total = np.zeros(len(table.ids))
    for _, points in _points(challenge, table, policy):
        total += points
    return total


def itemised(challenge: Asking, table: FactsTable, policy: Policy) -> list[list[Boost]]:
    """What `bonus` adds up, for each organization; for few of them: `table.take` them first."""
    found: list[list[Boost]] = [[] for _ in table.ids]
    for fact, points in _points(challenge, table, policy):
        for place in np.flatnonzero(points):
            found[place].append(Boost(fact, round(float(points[place]), 4)))
    return found


def boosts(
    challenge: Asking, organization: Organization, policy: Policy, deliveries: int = 0
) -> list[Boost]:
    """What the facts of one pair add."""
    return itemised(challenge, FactsTable.of(organization, deliveries), policy)[0]


def _points(
    challenge: Asking, table: FactsTable, policy: Policy
) -> Iterator[tuple[Fact, np.ndarray]]:
    """The points of each fact, for every organization; of rival facts the nearest alone."""
    _, county, city, province = _place(challenge.region_code)
    division, section = _trade(challenge.industry_code)
    same_division = _same(division, table.division)
    same_city = _same(city, table.city)
    same_county = _same(county, table.county)
    yield Fact.SAME_DIVISION, policy.same_division * same_division
    related = _same(section, table.section) & ~same_division
    yield Fact.SAME_SECTION, policy.same_section * related
    yield Fact.SAME_COUNTY, policy.same_county * same_county
    yield Fact.SAME_CITY, policy.same_city * (same_city & ~same_county)
    around = _same(province, table.province) & ~same_city
    yield Fact.SAME_PROVINCE, policy.same_province * around
    yield Fact.CLUSTER, policy.cluster * (same_city & same_division)
    yield Fact.QUALIFICATION, _best_held(policy)[table.qualifications]
    yield Fact.SIZE, np.array([policy.size.get(size, 0.0) for size in SizeClass])[table.size]
    earned = policy.per_delivery * table.deliveries
    yield Fact.DELIVERIES, np.minimum(earned, policy.deliveries_at_most)


def _same(own: int, theirs: np.ndarray) -> np.ndarray:
    return (theirs == own) & (own != 0)


def _best_held(policy: Policy) -> np.ndarray:
    """The points of every set of qualifications, by its bits."""
    return np.array(
        [
            max(
                (policy.qualifications[kind] for kind, bit in BITS.items() if mask & bit), default=0
            )
            for mask in range(1 << len(BITS))
        ]
    )


def _mask(kinds: Iterable[str]) -> int:
    return sum(BITS[QualificationKind(kind)] for kind in set(kinds))


_SIZES = [size.value for size in SizeClass]
_CITIES = frozenset({"municipality", "special administrative region"})


def _place(code: str | None) -> tuple[int, int, int, int]:
    """Code, county, city and province as numbers, as deep as the code goes."""
    region = regions.find(code) if code else None
    if region is None:
        return 0, 0, 0, 0
    county = int(region.code) if region.level == "county" else 0
    return int(region.code), county, _city(region), int(region.province.code)


def _city(region: Region) -> int:
    """A municipality is one city, and a county directly under its province is one of its own."""
    if region.province.kind in _CITIES:
        return int(region.province.code)
    return 0 if region.level == "province" else int((region.city or region).code)


def _trade(code: str | None) -> tuple[int, int]:
    """Division and section as numbers."""
    industry = industries.find(code) if code else None
    if industry is None:
        return 0, 0
    return 0 if industry.is_section else int(industry.code), ord(industry.section.code)


def _encode(
    values: Sequence[str], numbers: Callable[[str], tuple[int, ...]], width: int
) -> np.ndarray:
    """`numbers` of each value, an array for each of their `width`; asked once a distinct value."""
    distinct = list(dict.fromkeys(values))
    table = np.array([numbers(value) for value in distinct], dtype=np.int32).reshape(-1, width)
    places = {value: place for place, value in enumerate(distinct)}
    encoded = np.fromiter(map(places.__getitem__, values), np.intp, len(values))
    return np.ascontiguousarray(table[encoded].T)

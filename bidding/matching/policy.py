"""How many points a fact is worth: read from a file, so that a programme can weigh differently."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bidding.organizations.models import QualificationKind
from bidding.organizations.size_classes import SizeClass

DEFAULT = Path(__file__).parent / "policy.toml"

MOST = 0.10
"""All facts together may not add more: the text score is what says that two sides fit."""


class PolicyError(ValueError):
    """The file cannot be used; the message names the key."""


@dataclass(frozen=True)
class Policy:
    """The points of each fact, in the unit of the text score."""

    same_division: float
    same_section: float
    same_county: float
    same_city: float
    same_province: float
    cluster: float
    qualifications: Mapping[QualificationKind, float]
    size: Mapping[SizeClass, float]
    per_delivery: float
    deliveries_at_most: float

    @property
    def most(self) -> float:
        """What an SME of which every fact speaks for it gets."""
        return (
            max(self.same_division, self.same_section)
            + max(self.same_county, self.same_city, self.same_province)
            + self.cluster
            + max(self.qualifications.values())
            + max(self.size.values())
            + self.deliveries_at_most
        )


def read(path: str | Path = "") -> Policy:
    """The policy of the file at `path`; what it leaves out, or all without a path, is the default.

    Raises
    ------
    PolicyError
        The file is unreadable, has an unknown key or no number of points, or gives too many.
    """
    points = _points(DEFAULT)
    if path:
        own = _points(Path(path))
        if unknown := sorted(own.keys() - points.keys()):
            raise PolicyError(f"{unknown[0]}: no such key; known are {', '.join(points)}")
        points |= own
    policy = Policy(
        same_division=points["industry.same_division"],
        same_section=points["industry.same_section"],
        same_county=points["region.same_county"],
        same_city=points["region.same_city"],
        same_province=points["region.same_province"],
        cluster=points["cluster.same_city_and_division"],
        qualifications={kind: points[f"qualifications.{kind.value}"] for kind in QualificationKind},
        size={size: points[f"size.{size.value}"] for size in (SizeClass.SMALL, SizeClass.MICRO)},
        per_delivery=points["deliveries.each"],
        deliveries_at_most=points["deliveries.at_most"],
    )
    if round(policy.most, 6) > MOST:
        raise PolicyError(
            f"all keys together: at most {MOST:g} for one SME, and these give {policy.most:g}"
        )
    return policy


def _points(path: Path) -> dict[str, float]:
    """The numbers of a file, as table.key."""
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise PolicyError(f"{path}: {error}") from error
    points = {}
    for table, keys in tables.items():
        if not isinstance(keys, dict):
            raise PolicyError(f"{table}: belongs into a table, such as [industry]")
        for key, value in keys.items():
            if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1:
                raise PolicyError(f"{table}.{key}: a number of points from 0 to {MOST:g} is needed")
            points[f"{table}.{key}"] = float(value)
    return points


_in_force: list[Policy] = []


def put_in_force(path: str | Path = "") -> None:
    """Rank by the policy at `path` from now on; the application does so when it starts."""
    _in_force[:] = [read(path)]


def in_force() -> Policy:
    """The policy to rank by."""
    if not _in_force:
        put_in_force()
    return _in_force[0]

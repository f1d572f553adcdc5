"""Administrative regions of China by GB/T 2260: provinces, cities, counties.

A code is six digits, two for each level: 330000 Zhejiang, 330700 Jinhua, 330783 Dongyang.
Some counties hang under a city-level code that is no place ("urban districts" of Beijing,
"divisions directly under the province"). Such groupings can be found by their code, but
paths, parents and children skip them. Where the data come from: data/README.md.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

Level = Literal["province", "city", "county"]

DATA = Path(__file__).parent / "data" / "regions.csv"
GROUPING = "grouping"

# English words people write after a name, by kind, beside the kind itself.
OTHER_KIND_WORDS = {
    "municipality": ("city",),
    "autonomous prefecture": ("prefecture",),
    "autonomous county": ("county",),
    "autonomous banner": ("banner",),
    "ethnic district": ("district",),
}
ALIASES = {
    "guangxizhuangautonomousregion": "450000",
    "tibet": "540000",
    "tibetautonomousregion": "540000",
    "ningxiahuiautonomousregion": "640000",
    "xinjianguygurautonomousregion": "650000",
    "xinjianguyghurautonomousregion": "650000",
    "hongkong": "810000",
    "macao": "820000",
    "macau": "820000",
    "macausar": "820000",
}
COUNTRY = re.compile("^(\u4e2d\u56fd|china)|china$")
COMMAS = re.compile(r"[,\u3001;/|>\u00b7]")
PREFECTURE = "\u5dde"  # what is said after the short name of an autonomous prefecture
LONGEST_TEXT = 120


@dataclass(frozen=True)
class Region:
    """One administrative division."""

    code: str
    name_zh: str
    name_en: str
    short_zh: str = field(default="", compare=False)
    kind: str = field(default="", compare=False)

    @property
    def level(self) -> Level:
        if self.code.endswith("0000"):
            return "province"
        return "city" if self.code.endswith("00") else "county"

    @property
    def is_grouping(self) -> bool:
        """Whether this is a heading of the standard and no place to have an address in."""
        return self.kind == GROUPING

    @property
    def province(self) -> Region:
        return _atlas().regions[self.code[:2] + "0000"]

    @property
    def city(self) -> Region | None:
        """The city-level division; None for provinces and what hangs directly under them."""
        if self.level == "province":
            return None
        city = _atlas().regions[self.code[:4] + "00"]
        return None if city.is_grouping else city

    @property
    def parent(self) -> Region | None:
        if self.level == "province":
            return None
        city = self.city
        return self.province if city is None or city is self else city

    @property
    def children(self) -> tuple[Region, ...]:
        """The next places down: cities of a province, but the districts of a municipality."""
        return _atlas().children.get(self.code, ())

    @property
    def path(self) -> tuple[Region, ...]:
        """From the province down to this region."""
        parent = self.parent
        return (self,) if parent is None else (*parent.path, self)

    def name(self, locale: str) -> str:
        return self.name_zh if _is_chinese(locale) else self.name_en

    def full_name(self, locale: str) -> str:
        """The whole address: largest first and unspaced in Chinese, smallest first in English."""
        if _is_chinese(locale):
            return "".join(region.name_zh for region in self.path)
        return ", ".join(region.name_en for region in reversed(self.path))


def find(code: str) -> Region | None:
    """The region with exactly this code."""
    return _atlas().regions.get(code)


def provinces() -> tuple[Region, ...]:
    """Provinces, municipalities, autonomous and special administrative regions, by code."""
    return _atlas().provinces


def code_prefix(code: str) -> str:
    """What every code inside region `code` begins with; safe in a SQL LIKE pattern.

    Raises ValueError for anything but a six-digit code.
    """
    if not re.fullmatch(r"(?!00)[0-9]{6}", code):
        raise ValueError(f"not a region code: {code!r}")
    if code.endswith("0000"):
        return code[:2]
    return code[:4] if code.endswith("00") else code


def is_within(code: str, ancestor_code: str) -> bool:
    """Whether region `code` is, or lies in, region `ancestor_code`."""
    return code.startswith(code_prefix(ancestor_code))


def parse(text: str) -> Region | None:
    """The one region meant by a code or a Chinese or English name; None if unknown or unsure.

    Levels may be left out and names shortened, as in "Dongyang, Zhejiang". A shared name
    means the province of that name, else the city, else the county if there is but one. The
    districts of a municipality are as well known as cities: with one of them it is unclear.
    """
    if len(text) > LONGEST_TEXT:
        return None
    folded = _fold(text)
    if re.fullmatch("[0-9]{2}|[0-9]{4}|[0-9]{6}", folded):
        return _place(find(folded.ljust(6, "0")))
    parts = [part for part in map(_fold, COMMAS.split(unicodedata.normalize("NFKC", text))) if part]
    for order in (parts, parts[::-1]):
        meant = _likeliest(_resolve(COUNTRY.sub("", "".join(order)), within=None))
        if meant is not None:
            return _place(meant)
    return None


@dataclass(frozen=True)
class _Atlas:
    regions: dict[str, Region]
    provinces: tuple[Region, ...]
    children: dict[str, tuple[Region, ...]]
    names: dict[str, tuple[Region, ...]]


@cache
def _atlas() -> _Atlas:
    with DATA.open(encoding="utf-8", newline="") as file:
        regions = {row["code"]: Region(**row) for row in csv.DictReader(file)}
    children: defaultdict[str, list[Region]] = defaultdict(list)
    names: defaultdict[str, dict[str, Region]] = defaultdict(dict)
    for region in regions.values():
        for name in _names(region):
            names[name][region.code] = region
        if region.level == "province" or region.is_grouping:
            continue
        above = regions[region.code[:2] + "0000"]
        if region.level == "county":
            city = regions[region.code[:4] + "00"]
            if city.is_grouping:
                children[city.code].append(region)
            else:
                above = city
        children[above.code].append(region)
    for alias, code in ALIASES.items():
        names[alias][code] = regions[code]
    return _Atlas(
        regions=regions,
        provinces=tuple(region for region in regions.values() if region.level == "province"),
        children={code: tuple(below) for code, below in children.items()},
        names={name: tuple(called.values()) for name, called in names.items()},
    )


def _names(region: Region) -> set[str]:
    if region.is_grouping:
        return {_fold(region.name_zh)}
    names = {_fold(region.name_zh), _fold(region.short_zh), _fold(region.name_en)}
    if region.kind == "autonomous prefecture":
        names.add(region.short_zh + PREFECTURE)
    for word in (region.kind, *OTHER_KIND_WORDS.get(region.kind, ())):
        names.add(_fold(f"{region.name_en} {word}"))
    return names


def _fold(text: str) -> str:
    """Letters and digits only, without case, width or accents, so that spellings compare."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    return "".join(character for character in plain if character.isalnum())


def _resolve(text: str, within: Region | None) -> set[Region]:
    """Regions that `text`, a run of names from large to small, can mean inside `within`."""
    whole = _called(text, within)
    if whole:
        return whole
    found: set[Region] = set()
    for cut in range(1, len(text)):
        for region in _called(text[:cut], within):
            if region.level != "county":
                found |= _resolve(text[cut:], within=region)
    return found


def _called(name: str, within: Region | None) -> set[Region]:
    called = _atlas().names.get(name, ())
    if within is None:
        return {region for region in called if not region.is_grouping}
    return {region for region in called if region != within and is_within(region.code, within.code)}


def _likeliest(regions: set[Region]) -> Region | None:
    for level in ("province", "city"):
        named = [region for region in regions if region.level == level]
        if named and (len(named) > 1 or _has_rival(named[0], regions)):
            return None
        if named:
            return named[0]
    return next(iter(regions)) if len(regions) == 1 else None


def _has_rival(city: Region, regions: set[Region]) -> bool:
    return city.level == "city" and any(
        region.province != city.province and region.province.kind == "municipality"
        for region in regions
    )


def _place(region: Region | None) -> Region | None:
    """Who names a grouping means the province around it."""
    return region.province if region is not None and region.is_grouping else region


def _is_chinese(locale: str) -> bool:
    return locale.startswith("zh")

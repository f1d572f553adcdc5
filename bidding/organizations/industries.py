"""Industries by GB/T 4754-2017: sections A to T and their divisions 01 to 97.

Groups and classes of the standard (three and four digits) are not kept; their codes are
understood as the division they belong to. Where the data come from: data/README.md.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path

DATA = Path(__file__).parent / "data" / "industries.csv"

CODE = re.compile("([A-T])?([0-9]{2,4})?")
CODE_AND_NAME = re.compile("([A-T]?(?:[0-9]{2,4})?)([^ -~]+)")
INDUSTRY = "\u4e1a"  # the last character of most names, which people leave out


@dataclass(frozen=True)
class Industry:
    """One section (a letter) or division (two digits)."""

    code: str
    name_zh: str
    name_en: str

    @property
    def is_section(self) -> bool:
        return self.code.isalpha()

    @property
    def section(self) -> Industry:
        """The section this division belongs to; a section is its own."""
        table = _table()
        return table.industries[table.section_codes[self.code]]

    @property
    def divisions(self) -> tuple[Industry, ...]:
        """The divisions of a section; none for a division."""
        return _table().divisions.get(self.code, ())

    def name(self, locale: str) -> str:
        return self.name_zh if locale.startswith("zh") else self.name_en


def find(code: str) -> Industry | None:
    """The section or division with exactly this code."""
    return _table().industries.get(code)


def sections() -> tuple[Industry, ...]:
    return _table().sections


def parse(text: str) -> Industry | None:
    """The industry meant by a code ("C", "39", "C39", "3912"), by its full name, or by both.

    Where a section consists of one division of the same name, the division is meant.
    """
    folded = _fold(text)
    named = _table().names.get(folded)
    if named is not None:
        return named
    both = CODE_AND_NAME.fullmatch(folded.upper())
    if both is None:
        return _by_code(folded.upper())
    coded = _by_code(both[1])
    return coded if coded is not None and both[2] in _chinese_names(coded) else None


def _by_code(code: str) -> Industry | None:
    match = CODE.fullmatch(code)
    if match is None:
        return None
    letter, digits = match.groups()
    if digits is None:
        return find(code)
    division = find(digits[:2])
    if division is None or (letter and division.section.code != letter):
        return None
    return division


def _chinese_names(industry: Industry) -> tuple[str, str]:
    name = _fold(industry.name_zh)
    return name, name.removesuffix(INDUSTRY)


@dataclass(frozen=True)
class _Table:
    industries: dict[str, Industry]
    sections: tuple[Industry, ...]
    section_codes: dict[str, str]
    divisions: dict[str, tuple[Industry, ...]]
    names: dict[str, Industry]


@cache
def _table() -> _Table:
    """Read the file, in which every section is followed by its divisions."""
    with DATA.open(encoding="utf-8", newline="") as file:
        industries = {row["code"]: Industry(**row) for row in csv.DictReader(file)}
    section_codes: dict[str, str] = {}
    divisions: defaultdict[str, list[Industry]] = defaultdict(list)
    names: dict[str, Industry] = {}
    section = ""
    for industry in industries.values():
        if industry.is_section:
            section = industry.code
        else:
            divisions[section].append(industry)
        section_codes[industry.code] = section
        for name in (*_chinese_names(industry), _fold(industry.name_en)):
            names[name] = industry
    return _Table(
        industries=industries,
        sections=tuple(industries[code] for code in divisions),
        section_codes=section_codes,
        divisions={code: tuple(below) for code, below in divisions.items()},
        names=names,
    )


def _fold(text: str) -> str:
    """Letters and digits only, without case or width, so that spellings compare."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(character for character in plain if character.isalnum())

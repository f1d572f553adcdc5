"""Industries by GB/T 4754-2017."""

import re

import pytest

from bidding.organizations import industries

# Sections and the last division of each, as in the standard.
LAST_DIVISIONS = {
    "A": 5, "B": 12, "C": 43, "D": 46, "E": 50, "F": 52, "G": 60, "H": 62, "I": 65, "J": 69,
    "K": 70, "L": 72, "M": 75, "N": 79, "O": 82, "P": 83, "Q": 85, "R": 90, "S": 96, "T": 97,
}  # fmt: skip


def test_every_section_has_the_divisions_of_the_standard():
    first = 1
    assert [section.code for section in industries.sections()] == list(LAST_DIVISIONS)
    for section in industries.sections():
        last = LAST_DIVISIONS[section.code]
        assert [d.code for d in section.divisions] == [f"{n:02d}" for n in range(first, last + 1)]
        assert {division.section for division in section.divisions} == {section}
        assert section.section == section
        first = last + 1


def test_every_industry_is_named_in_both_languages():
    everything = [i for section in industries.sections() for i in (section, *section.divisions)]
    assert [i for i in everything if not re.fullmatch("[\u4e00-\u9fff\u3001]+", i.name_zh)] == []
    assert [i for i in everything if not re.fullmatch("[A-Z][A-Za-z,;' -]+", i.name_en)] == []


def test_name_follows_the_locale():
    electronics = industries.find("39")
    assert electronics.name("zh_Hans_CN") == "计算机、通信和其他电子设备制造业"
    assert electronics.name("en").startswith("Manufacture of Computers")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("c", "C"),
        ("39", "39"),
        ("C39", "39"),
        ("3912", "39"),
        ("制造业", "C"),
        ("医药制造", "27"),
        ("酒、饮料和精制茶制造业", "15"),
        ("酒饮料和精制茶制造业", "15"),
        ("C39 计算机、通信和其他电子设备制造业", "39"),
        ("manufacture of medicines", "27"),
        ("房地产业", "70"),
        ("K 房地产业", "K"),
    ],
)
def test_industry_is_recognised_as_people_write_it(text, code):
    assert industries.parse(text) == industries.find(code)


@pytest.mark.parametrize(
    "text", ["", "Z", "00", "98", "D39", "39912", "磁性材料", "C39 医药制造业"]
)
def test_unknown_or_contradictory_industry_is_not_guessed(text):
    assert industries.parse(text) is None

"""Unified social credit codes by GB 32100-2015."""

import pytest

from bidding.organizations import credit_codes
from bidding.organizations.credit_codes import ALPHABET, Problem

# Published codes of well-known companies: Huawei, Tencent, Alibaba (China), Baidu Online, BYD.
REAL = [
    "914403001922038216",
    "9144030071526726XG",
    "91330100799655058B",
    "91110000802100433B",
    "91440300192317458F",
]


@pytest.mark.parametrize("code", REAL)
def test_code_of_a_real_company_is_right(code):
    assert credit_codes.problem(code) is None
    assert credit_codes.check_digit(code[:17]) == code[17]
    assert credit_codes.organization_check_digit(code[8:16]) == code[16]


@pytest.mark.parametrize("code", REAL)
def test_any_one_wrong_character_is_caught(code):
    slips = [
        code[:position] + other + code[position + 1 :]
        for position, right in enumerate(code)
        for other in ALPHABET
        if other != right
    ]
    assert [slip for slip in slips if credit_codes.problem(slip) is None] == []


@pytest.mark.parametrize("code", REAL)
def test_any_two_swapped_neighbours_are_caught(code):
    slips = [
        code[:first] + code[first + 1] + code[first] + code[first + 2 :]
        for first in range(17)
        if code[first] != code[first + 1]
    ]
    assert [slip for slip in slips if credit_codes.problem(slip) is None] == []


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("", Problem.LENGTH),
        ("91440300192203821", Problem.LENGTH),
        ("9144030019220382166", Problem.LENGTH),
        ("91440300I922038216", Problem.ALPHABET),
        ("9144030071526726xg", Problem.ALPHABET),
        ("9144030\u06601922038216", Problem.ALPHABET),
        ("B14403001922038216", Problem.AUTHORITY),
        ("91A403001922038216", Problem.AUTHORITY),
        ("914403001922038215", Problem.CHECK_DIGIT),
    ],
)
def test_problem_says_what_is_wrong(code, problem):
    assert credit_codes.problem(code) is problem


@pytest.mark.parametrize(
    "typed",
    [" 9144030071526726xg\n", "91 440300 71526726-X G", "９１４４０３００７１５２６７２６ＸＧ"],
)
def test_code_is_taken_as_people_type_it(typed):
    assert credit_codes.normalise(typed) == "9144030071526726XG"


def test_made_up_codes_are_valid_and_all_different():
    codes = [credit_codes.make(index, "330783") for index in range(0, 10**6, 997)]
    assert {credit_codes.problem(code) for code in codes} == {None}
    assert {code[:8] for code in codes} == {"91330783"}
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize(("index", "region"), [(-1, "330783"), (10**6, "330783"), (1, "3307")])
def test_code_that_would_be_malformed_is_not_made(index, region):
    with pytest.raises(ValueError, match="index|region"):
        credit_codes.make(index, region)

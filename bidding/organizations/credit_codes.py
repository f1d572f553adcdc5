"""Unified social credit codes by GB 32100-2015.

Eighteen characters: registering department (1), kind of organization (1), registration
region by GB/T 2260 (6), organization code by GB 11714 with its own check (9), check (1).
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum

LENGTH = 18
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
DEPARTMENTS = "123456789ANY"
ENTERPRISE = "91"

ORGANIZATION_LENGTH = 8
ORGANIZATION_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
ORGANIZATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
# Organization codes are issued as digits or beginning with MA, so these stay apart from them.
MADE_UP = "JB"
MADE_UP_CODES = 10**6


class Problem(StrEnum):
    """What is wrong with a code."""

    LENGTH = "length"
    ALPHABET = "alphabet"
    AUTHORITY = "authority"
    CHECK_DIGIT = "check_digit"


def normalise(text: str) -> str:
    """The code as typed or pasted, without spaces, hyphens, lower case or full-width forms."""
    return re.sub(
        r"[\s\-\u2010-\u2015\u200b\ufeff]", "", unicodedata.normalize("NFKC", text)
    ).upper()


def problem(code: str) -> Problem | None:
    """The first thing wrong with a normalised code, or None."""
    if len(code) != LENGTH:
        return Problem.LENGTH
    if any(character not in ALPHABET for character in code):
        return Problem.ALPHABET
    if code[0] not in DEPARTMENTS or not code[2:8].isdecimal():
        return Problem.AUTHORITY
    if code[-1] != check_digit(code[:-1]):
        return Problem.CHECK_DIGIT
    return None


def check_digit(first17: str) -> str:
    """The last character, from the seventeen before it."""
    if len(first17) != LENGTH - 1:
        raise ValueError(f"expected {LENGTH - 1} characters, got {len(first17)}")
    size = len(ALPHABET)
    total = sum(
        ALPHABET.index(character) * pow(3, position, size)
        for position, character in enumerate(first17)
    )
    return ALPHABET[-total % size]


def make(index: int, region: str) -> str:
    """A valid code for demonstration and tests, unlike those issued to enterprises.

    Each `index` below one million gives another code in the same `region`.
    """
    if not 0 <= index < MADE_UP_CODES:
        raise ValueError(f"index out of range: {index}")
    if not re.fullmatch("[0-9]{6}", region):
        raise ValueError(f"not a region code: {region!r}")
    organization = f"{MADE_UP}{index:06d}"
    first17 = ENTERPRISE + region + organization + organization_check_digit(organization)
    return first17 + check_digit(first17)


def organization_check_digit(first8: str) -> str:
    """The ninth character of an organization code, by GB 11714."""
    if len(first8) != ORGANIZATION_LENGTH:
        raise ValueError(f"expected {ORGANIZATION_LENGTH} characters, got {len(first8)}")
    total = sum(
        ORGANIZATION_ALPHABET.index(character) * weight
        for character, weight in zip(first8, ORGANIZATION_WEIGHTS, strict=True)
    )
    return "0123456789X"[-total % 11]

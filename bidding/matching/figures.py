"""Figures with units in what people write, and whether they are what a requirement asks for.

Only what can be told for certain is told: a unit has to be the same but for width and case, a
bound has to lie on the right side, and what is merely aimed at cannot be told from what is reached.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from math import inf
from pathlib import Path
from typing import Any

from bidding.challenges.models import Operator

_SUPERSCRIPTS = "\u2070\u00b9\u00b2\u00b3\u2074-\u2079"
_NUMBER = r"[-+\u2212]?\d+(?:,\d{3})*(?:\.\d+)?"
_SENTENCE_ENDS = re.compile(r"[。；;！!？?\n]+|(?<!^\d)(?<![\s\n]\d)\.(?=\s|$)")
_BULLET = re.compile(r"^\s*(?:\u2022|\d{1,2}[.)\u3001](?=\s))\s*")
_CLAUSE_ENDS = re.compile(r"[，、]|,(?!\d{3}(?!\d))")


@dataclass(frozen=True, slots=True)
class Span:
    """Everything from `low` to `high`; one figure is a span of no width."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Target:
    """What a requirement asks for, as figures."""

    operator: Operator
    span: Span
    unit: str

    def is_met_by(self, stated: Span) -> bool:
        """Whether every figure of `stated` meets it, or `stated` has all figures asked for."""
        if self.operator is Operator.AT_LEAST:
            return stated.low >= self.span.low
        if self.operator is Operator.AT_MOST:
            return stated.high <= self.span.high
        is_finite = stated.low > -inf and stated.high < inf
        return is_finite and stated.low <= self.span.low and stated.high >= self.span.high


def read_target(operator: Operator, value: str, unit: str) -> Target | None:
    """The figures of a requirement; None where it is words, or a number of nothing."""
    if operator is Operator.TEXT:
        return None
    times, unit = _split_unit(_fold(unit))
    found = _grammar().target.fullmatch(_fold(value).strip())
    if not unit or not found or (operator is Operator.BETWEEN) is (found["high"] is None):
        return None
    scale = times * _times(found["times"])
    low = _number(found["low"]) * scale
    high = _number(found["high"]) * scale if found["high"] else low
    return Target(operator, Span(min(low, high), max(low, high)), unit)


def find(text: str, unit: str) -> list[Span]:
    """The figures in a text that carry a unit, with the words that make bounds of them."""
    text, spans = _fold(text), []
    for found in _with_unit(unit).finditer(text):
        scale = _times(found["times"])
        low = _number(found["low"]) * scale
        high = _number(found["high"]) * scale if found["high"] else low
        spans.append(_bounded(low, high, text[: found.start()], text[found.end() :]))
    return spans


def sentences(text: str) -> list[str]:
    """The sentences of a text and the lines of its lists, without bullets and numbers."""
    parts = (_BULLET.sub("", part).strip() for part in _SENTENCE_ENDS.split(text))
    return [part for part in parts if part]


def clauses(sentence: str) -> list[str]:
    """The parts of a sentence between its commas, but for those inside numbers."""
    return [part.strip() for part in _CLAUSE_ENDS.split(sentence) if part.strip()]


@dataclass(frozen=True)
class _Grammar:
    """The word list, made ready to be looked for."""

    between: str
    times: dict[str, float]
    before: list[tuple[str, bool]]
    after: list[tuple[str, bool]]
    target: re.Pattern[str]


@cache
def _grammar() -> _Grammar:
    words = tomllib.loads(Path(__file__).with_name("figures.toml").read_text("utf-8"))
    between = _any_of(words["range"]["between"])
    times = _any_of(words["times"])
    target = (
        rf"[<>=≤≥±\s]*(?P<low>{_NUMBER})"
        rf"(?:\s*(?:{between})\s*(?P<high>{_NUMBER}))?\s*(?P<times>{times})?"
    )
    return _Grammar(
        between,
        words["times"],
        _bounds(words, "before"),
        _bounds(words, "after"),
        re.compile(target, re.IGNORECASE),
    )


def _bounds(words: dict[str, Any], place: str) -> list[tuple[str, bool]]:
    """Words with whether they say “at least”; longer ones first, for they may contain others."""
    found = [(_fold(w).lower(), True) for w in words["at_least"][place]]
    found += [(_fold(w).lower(), False) for w in words["at_most"][place]]
    return sorted(found, key=lambda word: -len(word[0]))


@lru_cache(256)
def _with_unit(unit: str) -> re.Pattern[str]:
    grammar = _grammar()
    sign = re.escape(unit)
    # mPa and MPa are a thousand million apart; other letters are written as people please.
    if re.match(r"[mM][A-Za-z]", unit):
        sign = f"(?-i:{sign[0]}){sign[1:]}"
    return re.compile(
        rf"(?<![a-z0-9.,^])(?P<low>{_NUMBER})"
        rf"(?:\s*(?:{sign})?\s*(?:{grammar.between})\s*(?P<high>{_NUMBER}))?"
        rf"\s*(?P<times>{_any_of(grammar.times)})?\s*{sign}(?![a-z0-9^]|[/·*]\s*[a-z\u4e00-\u9fff])",
        re.IGNORECASE,
    )


def _bounded(low: float, high: float, before: str, after: str) -> Span:
    before, after = before.rstrip().lower(), after.lstrip().lower()
    for word, is_least in _grammar().before:
        if before.endswith(word):
            return Span(low, inf) if is_least else Span(-inf, high)
    for word, is_least in _grammar().after:
        if after.startswith(word):
            return Span(low, inf) if is_least else Span(-inf, high)
    return Span(low, high)


def _fold(text: str) -> str:
    """Without differences of width; powers of numbers stay what they are."""
    text = re.sub(rf"(?<=\d)(?=[{_SUPERSCRIPTS}])", "^", text)
    return unicodedata.normalize("NFKC", text).replace("\u2212", "-")


def _split_unit(unit: str) -> tuple[float, str]:
    """A unit such as ten thousand pieces as its factor and what is counted."""
    unit = unit.strip()
    for word, times in _grammar().times.items():
        if unit.startswith(word) and len(unit) > len(word):
            return times, unit[len(word) :].strip()
    return 1.0, unit


def _times(word: str | None) -> float:
    return _grammar().times[word] if word else 1.0


def _number(written: str) -> float:
    return float(written.replace(",", ""))


def _any_of(words: Any) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))

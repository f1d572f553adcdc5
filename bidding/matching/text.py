"""From text to features that a person can read back.

Two languages of the programme meet in one feature space. Chinese is cut into words and also into
one to three neighbouring characters, because needs are full of new compounds that no dictionary
holds; alphabetic scripts give stemmed words and pairs of neighbours. Every feature remembers where
it stands, so that an explanation can name the words a feature is part of.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections import Counter
from collections.abc import Container, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path

import opencc
import rjieba
import snowballstemmer
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

# The first character of a feature names its channel; the rest is what stands in the text.
HAN_WORD, HAN_CHAR, HAN_PAIR, HAN_TRIPLE, WORD, WORD_PAIR = "w", "1", "2", "3", "e", "p"
CHANNELS = (HAN_WORD, HAN_CHAR, HAN_PAIR, HAN_TRIPLE, WORD, WORD_PAIR)

_HAN = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
# Kana and hangul have no blanks to rely on either, so they share the n-gram channels.
_CJK = _HAN + "\u3040-\u30ff\u31f0-\u31ff\uac00-\ud7af"
_CJK_RUN = re.compile(f"[{_CJK}]+")
_ALL_HAN = re.compile(f"[{_HAN}]+")
_ALPHABETIC = re.compile(rf"(?:(?![{_CJK}])[^\W_])+")
_PAIR_GAP = re.compile(r"(?:\s+|[-/\u2010-\u2013])")

_LONGEST_PHRASE_CHARACTERS = 8
_LONGEST_PHRASE_WORDS = 3


def _listed(name: str) -> Iterator[str]:
    for line in Path(__file__).with_name(name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            yield line


@cache
def _stop_lists() -> dict[str, frozenset[str]]:
    sections: dict[str, set[str]] = {}
    words: set[str] = set()
    for line in _listed("stopwords.txt"):
        if line.startswith("["):
            words = sections.setdefault(line.strip("[]"), set())
        else:
            words.update(line.split())
    return {name: frozenset(section) for name, section in sections.items()}


@cache
def _segmenter() -> rjieba.Jieba:
    """One dictionary for the process; it is only read once the domain words are in."""
    segmenter = rjieba.Jieba()
    for line in _listed("lexicon.txt"):
        for word in line.split():
            segmenter.add_word(word, None, None)
    return segmenter


@cache
def _to_simplified() -> opencc.OpenCC:
    return opencc.OpenCC("t2s")


class _Stemmer(threading.local):
    """One for each thread: a stemmer keeps the word it works on in itself."""

    def __init__(self) -> None:
        self.stem = snowballstemmer.stemmer("english").stemWord


_STEMMER = _Stemmer()


@lru_cache(maxsize=200_000)
def _stem(word: str) -> str:
    return _STEMMER.stem(word)


def _lower(text: str) -> str:
    """Lower case of the same length, so that positions stay true."""
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return "".join(low if len(low := letter.lower()) == 1 else letter for letter in text)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A feature and the half-open range of the folded text it stands for."""

    feature: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Term:
    """A readable stretch of text that features are credited to.

    `key` is the same for spellings that count as one term.
    """

    key: str
    surface: str
    start: int
    end: int


class Analyzer:
    """Cuts text into features; stateless, so one instance serves every thread.

    Parameters
    ----------
    simplify : bool, default=True
        Fold traditional characters to simplified ones.
    stop : bool, default=True
        Leave out function words and the boilerplate of calls and profiles.
    """

    def __init__(self, *, simplify: bool = True, stop: bool = True) -> None:
        self.simplify = simplify
        self.stop = stop
        lists = _stop_lists() if stop else {}
        self._boilerplate = lists.get("boilerplate", frozenset())
        self._function = lists.get("function", frozenset())
        self._english = (
            ENGLISH_STOP_WORDS | lists["english"] | lists["units"] if stop else frozenset()
        )

    def fold(self, text: str) -> tuple[str, str]:
        """Return the text as people read it and as features see it, position by position."""
        shown = unicodedata.normalize("NFKC", text)
        folded = shown
        if self.simplify and _CJK_RUN.search(shown):
            folded = _to_simplified().convert(shown)
            if len(folded) != len(shown):
                shown = folded
        return shown, _lower(folded)

    def features(self, text: str) -> Counter[str]:
        """Count the features of a text."""
        return Counter([feature for feature, _start, _end in self._occurrences(self.fold(text)[1])])

    def occurrences(self, text: str) -> list[Occurrence]:
        """List the features of a text with their places in the folded text."""
        return [Occurrence(*found) for found in self._occurrences(self.fold(text)[1])]

    def _occurrences(self, folded: str) -> Iterator[tuple[str, int, int]]:
        for run in _CJK_RUN.finditer(folded):
            yield from self._han_grams(run.group(), run.start())
            yield from self._han_words(run.group(), run.start())
        previous, previous_start, previous_end = "", 0, 0
        for word, start, end in self._words(folded):
            yield WORD + word, start, end
            if previous and _PAIR_GAP.fullmatch(folded, previous_end, start):
                yield f"{WORD_PAIR}{previous} {word}", previous_start, end
            previous, previous_start, previous_end = word, start, end

    def _han_grams(self, run: str, offset: int) -> Iterator[tuple[str, int, int]]:
        pairs = [run[at : at + 2] for at in range(len(run) - 1)]
        idle = [False, *(pair in self._boilerplate for pair in pairs), False]
        covered = [before or after for before, after in pairwise(idle)]
        for at, character in enumerate(run):
            if not covered[at] and character not in self._function:
                yield HAN_CHAR + character, offset + at, offset + at + 1
        for at, pair in enumerate(pairs):
            if covered[at] and covered[at + 1]:
                continue
            yield HAN_PAIR + pair, offset + at, offset + at + 2
            if at and not idle[at]:
                yield HAN_TRIPLE + run[at - 1 : at + 2], offset + at - 1, offset + at + 2

    def _han_words(self, run: str, offset: int) -> Iterator[tuple[str, int, int]]:
        pure = _ALL_HAN.fullmatch(run) is not None
        for word, start, end in _segmenter().tokenize(run, mode="search"):
            if end - start < 2 or word in self._boilerplate or word in self._function:
                continue
            if pure or _ALL_HAN.fullmatch(word):
                yield HAN_WORD + word, offset + start, offset + end

    def _words(self, folded: str) -> Iterator[tuple[str, int, int]]:
        for found in _ALPHABETIC.finditer(folded):
            word = found.group()
            if len(word) > 1 and not word.isdigit() and word not in self._english:
                yield _stem(word), found.start(), found.end()

    def terms(self, text: str, shared: Container[str]) -> list[Term]:
        """Find the readable terms of a text that another text has too.

        Parameters
        ----------
        text : str
        shared : container of str
            Says of a feature whether the other text has it.

        Returns
        -------
        list of Term
            Whole words and phrases; what is shared only as a piece of a word is not among them.
        """
        shown, folded = self.fold(text)
        found: list[Term] = []
        for run in _CJK_RUN.finditer(folded):
            spans = self._han_phrases(run.group(), shared)
            spans.update(
                (start - run.start(), end - run.start())
                for feature, start, end in self._han_words(run.group(), run.start())
                if feature in shared
            )
            for start, end in sorted(spans):
                begin, finish = run.start() + start, run.start() + end
                found.append(Term(folded[begin:finish], shown[begin:finish], begin, finish))
        for chain in self._word_chains(folded, shared):
            begin, finish = chain[0][1], chain[-1][2]
            key = " ".join(stem for stem, _start, _end in chain)
            found.append(Term(key, shown[begin:finish], begin, finish))
        return found

    def _han_phrases(self, run: str, shared: Container[str]) -> set[tuple[int, int]]:
        """Join neighbouring whole words for as long as the other text has them so joined."""
        phrases: set[tuple[int, int]] = set()
        start = end = -1

        def close() -> None:
            if end - start >= 2:
                phrases.add((start, end))

        for word, begin, finish in _segmenter().tokenize(run, mode="default"):
            idle = word in self._boilerplate or word in self._function
            joins = (
                not idle
                and begin == end
                and finish - start <= _LONGEST_PHRASE_CHARACTERS
                and self._has_stretch(run, max(start, begin - 2), finish, shared)
            )
            if joins:
                end = finish
                continue
            close()
            usable = not idle and self._has_stretch(run, begin, finish, shared)
            start, end = (begin, finish) if usable else (-1, -1)
        close()
        return phrases

    @staticmethod
    def _has_stretch(run: str, start: int, end: int, shared: Container[str]) -> bool:
        if end - start < 3:
            channel = HAN_PAIR if end - start == 2 else HAN_CHAR
            return channel + run[start:end] in shared
        return all(HAN_TRIPLE + run[at : at + 3] in shared for at in range(start, end - 2))

    def _word_chains(
        self, folded: str, shared: Container[str]
    ) -> Iterator[list[tuple[str, int, int]]]:
        chain: list[tuple[str, int, int]] = []
        for word in self._words(folded):
            if WORD + word[0] not in shared:
                continue
            joins = (
                chain
                and len(chain) < _LONGEST_PHRASE_WORDS
                and f"{WORD_PAIR}{chain[-1][0]} {word[0]}" in shared
                and _PAIR_GAP.fullmatch(folded, chain[-1][2], word[1])
            )
            if joins:
                chain.append(word)
                continue
            if chain:
                yield chain
            chain = [word]
        if chain:
            yield chain


def readable(feature: str) -> str:
    """Return what stands in the text for a feature that is part of no readable term."""
    return feature[1:]

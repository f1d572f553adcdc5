"""From text to features that a person can read back.

Two kinds of script meet in one feature space. Han, kana and hangul give characters and pairs of
neighbours, because needs are full of compounds that no dictionary holds; alphabetic scripts give
stemmed words, pairs of neighbours, and pieces of four letters, which tie related words of languages
that nobody wrote a stemmer for. Every feature remembers where it stands, so that an explanation can
name the words it is part of.

A feature is a number of 50 bits: two for its channel, 48 for its content. Neighbouring characters
stand in it as they are, words by a hash. Texts are taken apart many at a time, as arrays, because a
country's profiles are 300 million characters.
"""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import opencc
import rjieba
import snowballstemmer
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

Codes = npt.NDArray[np.int64]
Places = npt.NDArray[np.int32]

GRAM, WORD, PAIR, PIECE = range(4)
PAYLOAD_BITS = 48
CODE_BITS = PAYLOAD_BITS + 2
_PAYLOAD = np.uint64((1 << PAYLOAD_BITS) - 1)

_OTHER, _CJK, _LETTER, _SPACE, _JOINT = range(5)
_PLANE = 0x10000

_BLANK = "\x00"
_ODD = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Features:
    """The features of several texts, place by place.

    Attributes
    ----------
    codes : ndarray of int64, shape (n_occurrences,)
    texts : ndarray of int32, shape (n_occurrences,)
        Which of the texts, counted from 0.
    starts, ends : ndarray of int32, shape (n_occurrences,)
        The half-open range of characters in that text.
    """

    codes: Codes
    texts: Places
    starts: Places
    ends: Places


class Token(NamedTuple):
    """A word of a text as a reader sees it.

    Attributes
    ----------
    start, end : int
        The half-open range of characters.
    telling : bool
        Whether it is more than a function word or boilerplate.
    key : str
        The same for spellings that count as one word.
    is_word : bool
        Whether it is of an alphabetic script.
    """

    start: int
    end: int
    telling: bool
    key: str
    is_word: bool = False


def channels(codes: Codes) -> npt.NDArray[np.int8]:
    """Name the channel of each feature: `GRAM`, `WORD`, `PAIR` or `PIECE`."""
    return (codes >> PAYLOAD_BITS).astype(np.int8)


def is_single(codes: Codes) -> npt.NDArray[np.bool_]:
    """Whether each feature is a single character: of neighbouring ones each takes 16 bits."""
    return codes < 1 << 16


def telling(codes: Codes) -> Codes:
    """Those that say what a text is about: any two texts share characters and pieces of words."""
    return codes[~is_single(codes) & (channels(codes) != PIECE)]


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


def _kind(letter: str) -> int:
    point = ord(letter)
    if (
        0x3400 <= point <= 0x4DBF
        or 0x4E00 <= point <= 0x9FFF
        or 0xF900 <= point <= 0xFAFF
        or 0x3040 <= point <= 0x30FF
        or 0x31F0 <= point <= 0x31FF
        or 0xAC00 <= point <= 0xD7AF
        or point == 0x3007
    ):
        return _CJK
    if letter.isalnum():
        return _LETTER
    if letter.isspace():
        return _SPACE
    return _JOINT if letter in "-/\u2010\u2011\u2012\u2013" else _OTHER


@cache
def _tables() -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int8]]:
    """For each character of the basic plane: what it is read as, and its kind once read so.

    Width, case and traditional forms are folded one character for one, so that places stay true.
    """
    letters = [chr(point) for point in range(_PLANE)]
    for point, letter in enumerate(letters):
        if 0xD800 <= point < 0xE000:
            continue
        plain = unicodedata.normalize("NFKC", letter)
        low = (plain if len(plain) == 1 else letter).lower()
        letters[point] = low if len(low) == 1 else letter
    han = [letter for letter in letters if _kind(letter) == _CJK]
    simple = opencc.OpenCC("t2s").convert("\n".join(han)).split("\n")
    pairs = zip(han, simple, strict=True)
    simplified = {letter: plain for letter, plain in pairs if plain <= "\uffff"}
    folds = [simplified.get(letter, letter) for letter in letters]
    points = np.array([ord(f) if len(f) == 1 else at for at, f in enumerate(folds)], np.uint32)
    points = np.where(points < _PLANE, points, np.arange(_PLANE, dtype=np.uint32))
    kinds = np.array([_kind(chr(point)) for point in range(_PLANE)], np.int8)
    kinds[0xD800:0xE000] = _OTHER
    return points, kinds[points]


def _fold(text: str) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int8]]:
    """Read a text character by character: as folded code points below 2^16, and their kinds."""
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    folds, kinds = _tables()
    if points.size == 0 or points.max() < _PLANE:
        return folds[points], kinds[points]
    # Rarer Han characters share the numbers of the private area, where nothing else is read.
    rare = (points >= 0x20000) & (points < 0x31350)
    known = np.where(points < _PLANE, points, 0)
    crowded = (0xE000 + points % 6400).astype(np.uint32)
    return np.where(rare, crowded, folds[known]), np.where(rare, _CJK, kinds[known])


def _mix(numbers: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Spread the bits of each number over the 48 of a payload; wraps around on purpose."""
    numbers = (numbers ^ (numbers >> np.uint64(29))) * _ODD
    return (numbers ^ (numbers >> np.uint64(32))) & _PAYLOAD


def _powers(longest: int) -> npt.NDArray[np.uint64]:
    return np.cumprod(np.full(longest, _ODD))


def _hash(word: str) -> int:
    points = np.frombuffer(word.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    return int(_mix((points * _powers(len(points))).sum(keepdims=True))[0])


class _Stems:
    """What words are counted as: from the hash of a word to that of its stem, or -1 to skip it.

    Words are few beside their occurrences, so each is stemmed once in the life of a process.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Replaced together and never changed in place: readers need no lock.
        self._known = (np.empty(0, np.int64), np.empty(0, np.int64))
        self._stem = snowballstemmer.stemmer("english").stemWord

    def find(self, words: Codes, spell: Sequence[slice], letters: str) -> Codes:
        """Look up hashes of words; `letters[spell[at]]` spells the word at a place."""
        known, stems = self._known
        if not among(words, known).all():
            known, stems = self._learn(words, spell, letters)
        return stems[known.searchsorted(words)]

    def _learn(self, words: Codes, spell: Sequence[slice], letters: str) -> tuple[Codes, Codes]:
        with self._lock:  # a stemmer keeps the word it works on in itself
            known, stems = self._known
            fresh, places = np.unique(words, return_index=True)
            is_new = ~among(fresh, known)
            fresh, places = fresh[is_new], places[is_new]
            learnt = np.array([self._read(letters[spell[at]]) for at in places], np.int64)
            at = known.searchsorted(fresh)  # keeps the order: sorting millions takes a second
            self._known = np.insert(known, at, fresh), np.insert(stems, at, learnt)
            return self._known

    @lru_cache(maxsize=50_000)  # noqa: B019 - there is one for each analyzer, and one of these
    def spell(self, word: str) -> str:
        """The stem of one word."""
        with self._lock:
            return self._stem(word)

    def hash(self, word: str) -> int:
        """What one word is counted as."""
        return _hash(self.spell(word))

    def _read(self, word: str) -> int:
        return -1 if len(word) < 2 or word.isdigit() else _hash(self._stem(word))


class Analyzer:
    """Takes texts apart into features; one instance serves every thread.

    Attributes
    ----------
    boilerplate : ndarray of int64
        Features, sorted, that say little of what is needed or offered: English function words,
        units of measurement, and what every call and profile says.
    """

    def __init__(self) -> None:
        lists = _stop_lists()
        english = ENGLISH_STOP_WORDS | lists["english"] | lists["units"]
        self._silent = lists["function"] | lists["boilerplate"] | english
        self._stems = _Stems()
        self._idle_pairs = np.array(sorted(map(_pack, lists["boilerplate"])), np.int64)
        stems = [self._stems.hash(word) for word in english if len(word) > 1]
        self._idle_stems = np.unique(np.array(stems, np.int64))
        self.boilerplate = np.concatenate(
            [self._idle_pairs, self._idle_stems | (WORD << PAYLOAD_BITS)]
        )

    def features(self, texts: Sequence[str]) -> Features:
        """Take texts apart.

        Parameters
        ----------
        texts : sequence of str, of length n_texts

        Returns
        -------
        Features
            Text by text in no promised order of places.
        """
        joined = _BLANK.join(["", *texts, ""])
        points, kinds = _fold(joined)
        lengths = np.fromiter((len(text) + 1 for text in texts), np.int64, len(texts))
        begins = np.cumsum([1, *lengths])[:-1] if len(texts) else np.empty(0, np.int64)
        found = [*self._grams(points, kinds), *self._alphabetic(points, kinds)]
        codes = np.concatenate([part[0] for part in found])
        starts = np.concatenate([part[1] for part in found])
        ends = np.concatenate([part[2] for part in found])
        owners = np.searchsorted(begins, starts, side="right") - 1
        offsets = begins[owners] if len(begins) else starts
        return Features(
            codes,
            owners.astype(np.int32),
            (starts - offsets).astype(np.int32),
            (ends - offsets).astype(np.int32),
        )

    def _grams(
        self, points: npt.NDArray[np.uint32], kinds: npt.NDArray[np.int8]
    ) -> Iterator[tuple[Codes, Codes, Codes]]:
        is_han = kinds == _CJK
        letters = points.astype(np.int64)
        twos = np.flatnonzero(is_han[:-1] & is_han[1:])
        pairs = (letters[twos] << 16) | letters[twos + 1]
        idle = np.zeros(len(points), bool)
        idle[twos] = among(pairs, self._idle_pairs)
        # A character is covered when boilerplate begins at it or at the one before.
        covered = idle.copy()
        covered[1:] |= idle[:-1]
        ones = np.flatnonzero(is_han & ~covered)
        yield letters[ones], ones, ones + 1
        between = covered[twos] & covered[twos + 1] & ~idle[twos]
        yield pairs[~between], twos[~between], twos[~between] + 2

    def _alphabetic(
        self, points: npt.NDArray[np.uint32], kinds: npt.NDArray[np.int8]
    ) -> Iterator[tuple[Codes, Codes, Codes]]:
        is_letter = (kinds == _LETTER).astype(np.int8)
        edges = np.diff(is_letter)
        starts, ends = np.flatnonzero(edges == 1) + 1, np.flatnonzero(edges == -1) + 1
        if not len(starts):
            return
        lengths = ends - starts
        places = ranges(starts, lengths)
        owner = np.repeat(np.arange(len(starts)), lengths)
        powers = _powers(int(lengths.max()))
        terms = points[places].astype(np.uint64) * powers[places - starts[owner]]
        bounds = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        words = _mix(np.add.reduceat(terms, bounds)).astype(np.int64)
        letters = points.tobytes().decode("utf-32-le", "surrogatepass")
        spell = [slice(start, end) for start, end in zip(starts, ends, strict=True)]
        stems = self._stems.find(words, spell, letters)
        kept = stems >= 0
        yield stems[kept] | (WORD << PAYLOAD_BITS), starts[kept], ends[kept]
        yield from self._pairs(kinds, stems, starts, ends)
        long = kept & ~among(stems, self._idle_stems)
        yield from self._pieces(points, places[long[owner]])

    def _pairs(
        self, kinds: npt.NDArray[np.int8], stems: Codes, starts: Codes, ends: Codes
    ) -> Iterator[tuple[Codes, Codes, Codes]]:
        """Pairs of words with only a blank, a hyphen or a slash between them."""
        others = np.concatenate([[0], np.cumsum(kinds != _SPACE)])
        left, right = ends[:-1], starts[1:]
        joined = (others[right] == others[left]) | ((right - left == 1) & (kinds[left] == _JOINT))
        usable = (stems >= 0) & ~among(stems, self._idle_stems)
        joined &= usable[:-1] & usable[1:]
        first, second = stems[:-1][joined].astype(np.uint64), stems[1:][joined].astype(np.uint64)
        codes = _mix(first * _ODD + second).astype(np.int64)
        yield codes | (PAIR << PAYLOAD_BITS), starts[:-1][joined], ends[1:][joined]

    @staticmethod
    def _pieces(
        points: npt.NDArray[np.uint32], places: Codes
    ) -> Iterator[tuple[Codes, Codes, Codes]]:
        """Four neighbouring letters of a word of four or more; its edges count as a letter."""
        letters = np.zeros(len(points) + 3, np.uint64)
        letters[places] = points[places]
        filled = letters > 0
        run = filled[:-3].astype(np.int8) + filled[1:-2] + filled[2:-1] + filled[3:]
        at = np.flatnonzero(filled[1:-2] & filled[2:-1] & (run >= 3))
        # A word of three letters has nothing else in it, so its two pieces would count it thrice.
        short = ~filled[at] & ~filled[np.minimum(at + 4, len(filled) - 1)] & filled[at + 3]
        short |= filled[at] & ~filled[np.maximum(at - 1, 0)] & ~filled[at + 3]
        at = at[~short]
        mixed = letters[at] | letters[at + 1] << np.uint64(16)
        mixed |= letters[at + 2] << np.uint64(32) | letters[at + 3] << np.uint64(48)
        starts = np.where(filled[at], at, at + 1)
        ends = np.where(filled[at + 3], at + 4, at + 3)
        yield _mix(mixed).astype(np.int64) | (PIECE << PAYLOAD_BITS), starts, ends

    def parts(self, word: str) -> list[tuple[int, int]]:
        """Find the telling words within a word of Han, as half-open ranges, longest first."""
        return _parts(word, self._silent) if _kind(word[0]) == _CJK else []

    def tokens(self, text: str) -> list[Token]:
        """Cut a text into the words that a reader sees, in the order of the text."""
        points, kinds = _fold(text)
        folded = points.tobytes().decode("utf-32-le", "surrogatepass")
        silent, tokenize = self._silent, _segmenter().tokenize
        found = [
            Token(start + begin, start + finish, word not in silent, word)
            for start, end in _runs(kinds == _CJK)
            for word, begin, finish in tokenize(folded[start:end], mode="default")
        ]
        for start, end in _runs(kinds == _LETTER):
            word = folded[start:end]
            telling = len(word) > 1 and not word.isdigit() and word not in silent
            found.append(Token(start, end, telling, self._stems.spell(word), is_word=True))
        return sorted(found)


@lru_cache(maxsize=50_000)
def _parts(word: str, silent: frozenset[str]) -> list[tuple[int, int]]:
    found = _segmenter().tokenize(word, mode="search")
    parts = [(start, end) for part, start, end in found if part not in silent]
    inner = [(start, end) for start, end in parts if 1 < end - start < len(word)]
    return sorted(inner, key=lambda part: part[0] - part[1])


def words(text: str) -> list[str]:
    """Cut a text into words alone, as search engines for words do; for comparisons."""
    points, kinds = _fold(text)
    folded = points.tobytes().decode("utf-32-le", "surrogatepass")
    found = [
        word for start, end in _runs(kinds == _CJK) for word in _segmenter().cut(folded[start:end])
    ]
    return found + [folded[start:end] for start, end in _runs(kinds == _LETTER)]


def _pack(word: str) -> int:
    return (ord(word[0]) << 16) | ord(word[1])


def among(numbers: Codes, listed: Codes) -> npt.NDArray[np.bool_]:
    """Whether each number is listed; `listed` is sorted."""
    if not len(listed):
        return np.zeros(len(numbers), bool)
    return listed[np.minimum(listed.searchsorted(numbers), len(listed) - 1)] == numbers


def ranges(starts: Codes, lengths: Codes) -> Codes:
    """The numbers of each half-open range from `starts` of `lengths`, one after another."""
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    return np.arange(total) + np.repeat(starts - (ends - lengths), lengths)


def _runs(mask: npt.NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)

"""What a text is taken apart into, and where its features stand."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
import opencc
import pytest
import snowballstemmer
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from bidding.matching import text as module
from bidding.matching.text import GRAM, PAIR, PIECE, WORD, Analyzer, among, channels, ranges

Occurrence = tuple[int, int, int]


@pytest.fixture(scope="module")
def analyzer() -> Analyzer:
    return Analyzer()


def occurrences(analyzer: Analyzer, *texts: str) -> list[list[Occurrence]]:
    """The features of each text: code, start and end, sorted."""
    found = analyzer.features(texts)
    rows: list[list[Occurrence]] = [[] for _ in texts]
    columns = (found.texts.tolist(), found.codes.tolist(), found.starts.tolist())
    for owner, code, start, end in zip(*columns, found.ends.tolist(), strict=True):
        rows[owner].append((code, start, end))
    return [sorted(row) for row in rows]


def surfaces(analyzer: Analyzer, channel: int, text: str) -> list[str]:
    """What is under the features of one channel, in the order of the text."""
    found = [one for one in occurrences(analyzer, text)[0] if one[0] >> 48 == channel]
    return [text[start:end] for _, start, end in sorted(found, key=lambda one: one[1:])]


def bag(analyzer: Analyzer, text: str) -> Counter[int]:
    return Counter(analyzer.features([text]).codes.tolist())


def test_chinese_gives_characters_and_neighbours(analyzer: Analyzer) -> None:
    found = surfaces(analyzer, GRAM, "高性能永磁电机")
    assert found == [*"高", "高性", "性", "性能", "能", "能永", "永", "永磁", "磁", "磁电"] + [
        *["电", "电机", "机"]
    ]


def test_english_gives_stems_pairs_within_a_clause_and_pieces(analyzer: Analyzer) -> None:
    text = "The magnets of rare-earth motors. Coatings"
    assert surfaces(analyzer, WORD, text) == [
        *["The", "magnets", "of", "rare", "earth", "motors", "Coatings"]
    ]
    assert surfaces(analyzer, PAIR, text) == ["rare-earth", "earth motors"]
    assert surfaces(analyzer, PIECE, "a rare gas") == ["rar", "rare", "are"]
    assert bag(analyzer, "magnets") - bag(analyzer, "magnet")  # pieces tell them apart …
    words = [next(c for c in bag(analyzer, w) if c >> 48 == WORD) for w in ("magnets", "magnet")]
    assert words[0] == words[1]  # … and the word does not


def test_words_are_paired_across_blanks_one_hyphen_or_one_slash(analyzer: Analyzer) -> None:
    for joint in (" ", "   ", "\n", "-", "/", "\u2013"):
        assert surfaces(analyzer, PAIR, f"rare{joint}earth") == [f"rare{joint}earth"]
    for joint in (", ", ".", "--", " - ", " the ", "磁", " 5 ", "\x00"):
        assert surfaces(analyzer, PAIR, f"rare{joint}earth") == []


def test_single_letters_and_numbers_are_no_words(analyzer: Analyzer) -> None:
    assert surfaces(analyzer, WORD, "2025 12.5 x 3d b2 七") == ["3d", "b2"]


def test_boilerplate_is_one_feature_and_covers_its_characters(analyzer: Analyzer) -> None:
    assert surfaces(analyzer, GRAM, "公司研发技术") == ["公司", "研发", "技术"]
    assert surfaces(analyzer, GRAM, "磁研发材") == ["磁", "磁研", "研发", "发材", "材"]
    assert np.isin(analyzer.features(["公司研发技术"]).codes, analyzer.boilerplate).all()
    assert (np.diff(analyzer.boilerplate) > 0).all()


def test_idle_words_count_by_themselves_and_join_nothing(analyzer: Analyzer) -> None:
    text = "the company's technologies"
    codes = [code for code, *_ in occurrences(analyzer, text)[0]]
    assert surfaces(analyzer, WORD, text) == ["the", "company", "technologies"]
    assert np.isin(codes, analyzer.boilerplate).all()


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ("釹鐵硼永磁材料", "钕铁硼永磁材料"),
        ("ＬＥＤ封装", "led封装"),
        ("Ｍａｇｎｅｔｉｃ　ＣＯＡＴＩＮＧＳ", "magnetic coatings"),
        ("Magnetic COATINGS", "magnetic coatings"),
        ("rare\u2011earth", "rare-earth"),
        ("ｶﾀｶﾅ", "カタカナ"),
    ],
)
def test_spellings_of_one_thing_are_alike(analyzer: Analyzer, written: str, same: str) -> None:
    mine, other = occurrences(analyzer, written, same)
    assert mine == other


def test_other_scripts_have_features_too(analyzer: Analyzer) -> None:
    assert {"石の", "の製"} <= set(surfaces(analyzer, GRAM, "磁石の製造"))
    assert "영구" in surfaces(analyzer, GRAM, "영구자석")
    assert surfaces(analyzer, WORD, "магнит") == ["магнит"]
    assert surfaces(analyzer, PIECE, "магнит") == ["маг", "магн", "агни", "гнит", "нит"]
    assert surfaces(analyzer, WORD, "مغناطيس") == ["مغناطيس"]


def test_related_words_of_other_languages_share_pieces(analyzer: Analyzer) -> None:
    assert bag(analyzer, "магнит") & bag(analyzer, "магнитный")
    assert bag(analyzer, "Beschichtung") & bag(analyzer, "Oberflächenbeschichtung")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "，。！",
        "2025 12.5",
        "\x00\ud7ff",
        "İstanbul 磁İ材",
        "\ud800磁\udfff",
        "ß ﬁne ǅ",
        "\x00",
    ],
)
def test_odd_text_is_no_error(analyzer: Analyzer, text: str) -> None:
    (found,) = occurrences(analyzer, text)
    assert all(0 <= start < end <= len(text) for _, start, end in found)
    assert all(0 <= one.start < one.end <= len(text) for one in analyzer.tokens(text))


def test_no_texts_have_no_features(analyzer: Analyzer) -> None:
    assert analyzer.features([]).codes.tolist() == []
    assert analyzer.features(["", ""]).texts.tolist() == []


def test_rare_han_characters_are_read_like_others(analyzer: Analyzer) -> None:
    text = "𠀀磁𪚥"
    assert surfaces(analyzer, GRAM, text) == ["𠀀", "𠀀磁", "磁", "磁𪚥", "𪚥"]
    assert [text[one.start : one.end] for one in analyzer.tokens(text)] == ["𠀀", "磁", "𪚥"]
    assert surfaces(analyzer, GRAM, "\ue000") == []  # the private area stays unread


def test_a_nul_within_a_text_does_not_end_it(analyzer: Analyzer) -> None:
    text = "磁\x00材\x00coat"
    assert surfaces(analyzer, GRAM, text) == ["磁", "材"]
    assert surfaces(analyzer, WORD, text) == ["coat"]


@pytest.mark.parametrize("word", ["a" * 100_000, "磁" * 100_000, "ab磁 " * 25_000, "x-" * 50_000])
def test_a_hundred_thousand_characters_are_taken_as_they_come(
    analyzer: Analyzer, word: str
) -> None:
    (found,) = occurrences(analyzer, word)
    assert max((end for _, _, end in found), default=0) <= len(word)
    assert analyzer.tokens(word)


def test_texts_of_a_batch_are_taken_apart_as_one_by_one(analyzer: Analyzer) -> None:
    texts = ["永磁电机", "", "rare", "earth magnets", "\x00", "机电"]
    assert occurrences(analyzer, *texts) == [occurrences(analyzer, text)[0] for text in texts]


def test_every_token_is_where_it_says(analyzer: Analyzer) -> None:
    text = "Rare-earth 永磁電機 motors of 2025，公司"
    tokens = analyzer.tokens(text)
    assert [text[one.start : one.end] for one in tokens] == [
        *["Rare", "earth", "永磁電機", "motors", "of", "2025", "公司"]
    ]
    assert [one.telling for one in tokens] == [True, True, True, True, False, False, False]
    assert [one.key for one in tokens] == [
        "rare",
        "earth",
        "永磁电机",
        "motor",
        "of",
        "2025",
        "公司",
    ]
    assert [one.is_word for one in tokens] == [True, True, False, True, True, True, False]


def test_threads_share_one_analyzer() -> None:
    texts = [f"永磁电机 coatings{'s' * (n % 7)} stabilizing number{n}" for n in range(400)]
    alone = [Analyzer().features([text]).codes.tolist() for text in texts[::40]]
    shared = Analyzer()
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda text: shared.features([text]).codes.tolist(), texts))
    assert together[::40] == alone
    assert together == [shared.features([text]).codes.tolist() for text in texts]


def test_features_fit_into_fifty_bits(analyzer: Analyzer) -> None:
    codes = analyzer.features(["\uffdc힣𪚥 zzyzx magnets", "永磁 rare-earth"]).codes
    assert codes.dtype == np.int64
    assert (codes >= 0).all()
    assert codes.max() < 1 << module.CODE_BITS
    assert set(channels(codes).tolist()) == {GRAM, WORD, PAIR, PIECE}


def test_sorted_numbers_are_found_among_others() -> None:
    listed = np.array([2, 3, 9])
    assert among(np.array([1, 2, 9, 10]), listed).tolist() == [False, True, True, False]
    assert among(np.array([1]), listed[:0]).tolist() == [False]
    assert ranges(np.array([5, 1, 7]), np.array([2, 0, 3])).tolist() == [5, 6, 7, 8, 9]
    assert ranges(np.array([], np.int64), np.array([], np.int64)).tolist() == []


# The same, said slowly: what `Analyzer.features` must equal.

ODD, WIDE, PAYLOAD = 0x9E3779B97F4A7C15, (1 << 64) - 1, (1 << 48) - 1
LISTS = Path(module.__file__).with_name("stopwords.txt").read_text(encoding="utf-8")
stem = cache(snowballstemmer.stemmer("english").stemWord)
simplify = cache(opencc.OpenCC("t2s").convert)


def section(name: str) -> set[str]:
    return set(LISTS.split(f"[{name}]")[1].split("[")[0].split())


def mixed(number: int) -> int:
    number = (number ^ (number >> 29)) * ODD & WIDE
    return (number ^ (number >> 32)) & PAYLOAD


def hashed(word: str) -> int:
    return mixed(sum(ord(c) * pow(ODD, n + 1, 1 << 64) for n, c in enumerate(word)) & WIDE)


IDLE = {stem(w) for w in ENGLISH_STOP_WORDS | section("english") | section("units") if len(w) > 1}


@cache
def read(letter: str) -> tuple[str, str]:
    """What a character is read as, and what it is: han, letter, space, joint or nothing."""
    point = ord(letter)
    if 0x20000 <= point < 0x31350:
        return chr(0xE000 + point % 6400), "han"
    if point > 0xFFFF or 0xD800 <= point < 0xE000:
        return letter, ""
    plain = unicodedata.normalize("NFKC", letter)
    low = (plain if len(plain) == 1 else letter).lower()
    letter = low if len(low) == 1 and low <= "\uffff" else letter
    if is_han(letter):
        return simplify(letter) if simplify(letter) <= "\uffff" else letter, "han"
    if letter.isalnum():
        return letter, "letter"
    if letter.isspace():
        return letter, "space"
    return letter, "joint" if letter in "-/‐‑‒–" else ""


def is_han(letter: str) -> bool:
    name = unicodedata.name(letter, "")
    if name.startswith(("CJK UNIFIED", "CJK COMPATIBILITY IDEOGRAPH", "HIRAGANA", "KATAKANA")):
        return "LETTER SMALL" not in name or ord(letter) < 0xFF00
    return letter == "〇" or name.startswith("HANGUL SYLLABLE")


def slowly(text: str) -> list[Occurrence]:
    letters = [read(letter)[0] for letter in text]
    kinds = [read(letter)[1] for letter in text]
    return sorted([*slow_grams(letters, kinds), *slow_words(letters, kinds)])


def slow_grams(letters: list[str], kinds: list[str]) -> Iterator[Occurrence]:
    pairs = {n for n in range(len(kinds) - 1) if kinds[n] == kinds[n + 1] == "han"}
    idle = {n for n in pairs if letters[n] + letters[n + 1] in section("boilerplate")}
    covered = idle | {n + 1 for n in idle}
    for n, kind in enumerate(kinds):
        if kind == "han" and n not in covered:
            yield ord(letters[n]), n, n + 1
        if n in pairs and (n in idle or not {n, n + 1} <= covered):
            yield ord(letters[n]) << 16 | ord(letters[n + 1]), n, n + 2


def slow_words(letters: list[str], kinds: list[str]) -> Iterator[Occurrence]:
    last: tuple[str, int, int] | None = None
    for found in re.finditer("l+", "".join(kind[:1] or "?" for kind in kinds)):
        start, end = found.span()
        word = "".join(letters[start:end])
        if len(word) < 2 or word.isdigit():
            last = None
            continue
        root = stem(word)
        yield WORD << 48 | hashed(root), start, end
        if root in IDLE:
            last = None
            continue
        between = kinds[last[2] : start] if last else []
        if last and (set(between) == {"space"} or between == ["joint"]):
            code = mixed((hashed(last[0]) * ODD + hashed(root)) & WIDE)
            yield PAIR << 48 | code, last[1], end
        last = root, start, end
        yield from slow_pieces(word, start)


def slow_pieces(word: str, start: int) -> Iterator[Occurrence]:
    edged = f"\0{word}\0"
    for n in range(len(edged) - 3 if len(word) > 3 else 0):
        code = mixed(sum(ord(letter) << 16 * at for at, letter in enumerate(edged[n : n + 4])))
        yield PIECE << 48 | code, start + max(n - 1, 0), start + min(n + 3, len(word))


SHARED = Analyzer()
WORDS = st.sampled_from(
    ["公司", "研发", "技术研发", "发明公开", "永磁", "電機", "磁", "company", "The", "rare", "gas"]
    + [
        "magnets",
        "COATINGS",
        "ＬＥＤ",
        "12",
        "x",
        "3d",
        "mm",
        "-",
        "/",
        " ",
        ", ",
        "\x00",
        "𠀀",
        "かな",
    ]
)
ANYTHING = st.text(st.characters(codec=None, categories=None), max_size=6)
LATIN = st.text(st.sampled_from("abcABCü -/.，磁材公司研发"), max_size=12)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(WORDS | ANYTHING | LATIN, max_size=12).map("".join), max_size=4))
def test_features_equal_a_slow_and_obvious_reading(texts: list[str]) -> None:
    assert occurrences(SHARED, *texts) == [slowly(text) for text in texts]


def test_each_character_of_the_basic_plane_is_read_as_the_slow_way_has_it() -> None:
    points = [chr(point) for point in range(0x10000)]
    folded, kinds = module._fold("".join(points))
    names = ["", "han", "letter", "space", "joint"]
    odd = [
        f"{ord(letter):04x}"
        for letter, point, kind in zip(points, folded.tolist(), kinds.tolist(), strict=True)
        if read(letter) != (chr(point), names[kind]) and not excused(letter)
    ]
    assert odd == []


def excused(letter: str) -> bool:
    """Marks and points nobody has assigned yet: of no interest either way."""
    return not letter.isalnum() or letter in "\uff9e\uff9f"

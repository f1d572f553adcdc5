"""What a text is taken apart into, and which of it can be read back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from bidding.matching.text import Analyzer


def channel(name: str, text: str) -> set[str]:
    return {f[1:] for f in Analyzer().features(text) if f[0] == name}


def surfaces(mine: str, other: str) -> list[str]:
    return [term.surface for term in Analyzer().terms(mine, Analyzer().features(other))]


def test_chinese_gives_words_and_neighbouring_characters() -> None:
    text = "高性能永磁电机"
    assert {"永磁电机", "性能"} <= channel("w", text)
    assert channel("1", text) == set("高性能永磁电机")
    assert channel("2", text) == {"高性", "性能", "能永", "永磁", "磁电", "电机"}
    assert channel("3", text) == {"高性能", "性能永", "能永磁", "永磁电", "磁电机"}


def test_english_gives_stems_and_pairs_within_a_sentence() -> None:
    text = "The magnets of rare-earth motors. Coatings"
    assert channel("e", text) == {"magnet", "rare", "earth", "motor", "coat"}
    assert channel("p", text) == {"rare earth", "earth motor"}


def test_boilerplate_carries_no_weight() -> None:
    assert not Analyzer().features("公司研发技术，the company's technology")
    assert Analyzer(stop=False).features("公司研发技术")


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ("釹鐵硼永磁材料", "钕铁硼永磁材料"),
        ("ＬＥＤ封装", "led封装"),
        ("Magnetic COATINGS", "magnetic coating"),
    ],
)
def test_spellings_of_one_thing_are_alike(written: str, same: str) -> None:
    assert Analyzer().features(written) == Analyzer().features(same)


@pytest.mark.parametrize("text", ["", "   ", "，。！", "2025 12.5", "\x00\ud7ff", "İstanbul 磁İ材"])
def test_odd_text_is_no_error(text: str) -> None:
    shown, folded = Analyzer().fold(text)
    assert len(shown) == len(folded)
    Analyzer().features(text)


def test_other_scripts_have_features_too() -> None:
    assert channel("2", "磁石の製造") >= {"石の", "の制"}
    assert "영구" in channel("2", "영구자석")
    assert "магнит" in channel("e", "магнит")


def test_every_occurrence_is_where_it_says() -> None:
    text = "Rare-earth 永磁電機 motors"
    _shown, folded = Analyzer().fold(text)
    for found in Analyzer().occurrences(text):
        if found.feature[0] in "w123":
            assert folded[found.start : found.end] == found.feature[1:]


def test_neighbouring_shared_words_read_as_one_phrase() -> None:
    assert "烧结钕铁硼永磁材料" not in surfaces("新型钕铁硼永磁材料", "烧结钕铁硼永磁材料")
    assert "钕铁硼永磁材料" in surfaces("新型钕铁硼永磁材料", "烧结钕铁硼永磁材料")


def test_terms_keep_the_writing_of_the_text() -> None:
    assert surfaces("高效PERC电池", "perc 电池") == ["电池", "PERC"]
    assert surfaces("釹鐵硼", "钕铁硼") == ["釹鐵硼"]
    assert surfaces("Rare-Earth Magnets here", "a rare earth magnet") == ["Rare-Earth Magnets"]


def test_half_words_are_no_terms() -> None:
    assert surfaces("电机轴承", "机轴") == []


def test_threads_share_one_analyzer() -> None:
    analyzer = Analyzer()
    texts = [f"永磁电机 coatings{'s' * (n % 7)} stabilizing number{n}" for n in range(400)]
    alone = [Analyzer().features(text) for text in texts]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(analyzer.features, texts)) == alone

"""Why two texts fit, in words that stand in them."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bidding.matching import explaining
from bidding.matching.estimator import Document, TfidfMatcher
from bidding.matching.explaining import Mark, Reading, contributions
from bidding.matching.postings import Floats
from bidding.matching.text import Analyzer

ANALYZER = Analyzer()


def explained(mine: str, *others: str, title: str = "") -> tuple[Reading, Floats]:
    """A text ready to be explained against others, and what ties it to each of them."""
    matcher = TfidfMatcher().fit([Document("", other) for other in others])
    vector = matcher.weigh(Document(title, mine))
    shared = matcher.postings_.shared(vector.codes, np.arange(len(others)))
    return matcher.read(vector), contributions(shared, vector.weights)


def terms(mine: str, other: str, top: int | None = 8) -> list[str]:
    reading, gained = explained(mine, other)
    return [one.term for one in reading.terms(gained, top)[0]]


def marked(title: str, mine: str, other: str) -> list[list[str]]:
    reading, gained = explained(mine, other, title=title)
    both = zip((title, mine), reading.marks(gained), strict=True)
    return [[text[mark.start : mark.end] for mark in marks] for text, marks in both]


def test_neighbouring_shared_words_read_as_one_phrase() -> None:
    assert terms("新型钕铁硼永磁材料", "烧结钕铁硼永磁材料") == ["钕铁硼永磁材料"]


def test_a_phrase_is_only_as_long_as_the_other_text_has_it() -> None:
    assert set(terms("钕铁硼永磁材料", "永磁材料和钕铁硼")) == {"永磁材料", "钕铁硼"}


def test_terms_keep_the_writing_of_the_text() -> None:
    assert set(terms("高效PERC电池", "perc 电池")) == {"电池", "PERC"}
    assert terms("釹鐵硼", "钕铁硼") == ["釹鐵硼"]
    assert terms("Rare-Earth Magnets here", "a rare earth magnet") == ["Rare-Earth Magnets"]


def test_half_words_are_no_terms_where_there_are_whole_ones() -> None:
    assert terms("电机轴承", "机轴，轴承") == ["轴承"]


def test_a_word_within_a_word_is_named_where_the_other_text_has_no_more() -> None:
    assert terms("不锈钢丝", "不锈钢管") == ["不锈钢"]
    assert marked("", "不锈钢丝与钢管", "不锈钢管")[1] == ["不锈钢", "钢管"]
    assert set(terms("永磁电机", "永磁同步电机用磁钢")) == {"永磁", "电机"}


def test_pieces_of_words_are_named_where_there_is_nothing_else() -> None:
    assert terms("магнит", "магнитный") == ["магнит"]
    assert terms("电机", "发动机") == ["机"]


def test_spellings_of_one_word_are_one_term_under_the_first_of_them() -> None:
    reading, gained = explained("Coatings and a coating", "coating")
    (found,) = reading.terms(gained)
    assert [one.term for one in found] == ["Coatings"]


def test_function_words_and_boilerplate_are_no_terms() -> None:
    assert terms("公司的研发技术，磁材料 the company", "公司的研发技术，磁材料 the company") == [
        "磁材料"
    ]


def test_each_other_text_is_explained_as_if_alone() -> None:
    others = ["永磁电机", "rare earth", "", "电机 rare", "伺服"]
    reading, gained = explained("永磁电机 rare-earth", *others)
    alone = [reading.terms(gained[[at]])[0] for at in range(len(others))]
    assert reading.terms(gained) == alone
    assert alone[2] == alone[4] == []


def test_a_long_text_is_explained_against_few_others_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What it takes of memory must not be length times number of others: that was gigabytes."""
    others = ["永磁电机", "rare earth", "", "电机 rare", "伺服"]
    reading, gained = explained("永磁电机 rare-earth", *others)
    whole = reading.terms(gained)
    taken: list[int] = []

    def spread_some(self: object, contributions: Floats, least: float) -> Any:
        taken.append(len(contributions))
        return original(self, contributions, least)

    original = explaining.Reading._spread_some
    monkeypatch.setattr(explaining.Reading, "_spread_some", spread_some)
    monkeypatch.setattr(explaining, "_AT_ONCE", 80)
    assert reading.terms(gained) == whole
    assert sum(taken) == len(others)
    assert max(taken) < len(others)


def test_nothing_is_named_of_no_text() -> None:
    """As the requirements of a challenge that has none."""
    matcher = TfidfMatcher().fit([Document("", "永磁电机")])
    reading = Reading(matcher.analyzer, [], matcher.analyzer.features([]), np.empty(0, np.int64), 1)
    gained = np.zeros((1, 0), np.float32)
    assert reading.terms(gained) == [[]]
    assert reading.marks(gained) == []


def test_no_other_texts_need_no_explanation() -> None:
    reading, gained = explained("永磁电机", "电机")
    assert reading.terms(gained[:0]) == []
    assert reading.marks(gained[:0]) == [[], []]


def test_marks_stand_in_title_and_text_where_the_shared_words_are() -> None:
    assert marked("永磁电机", "需要永磁電機，Servo Motors。", "永磁电机 servo motor") == [
        ["永磁电机"],
        ["永磁電機", "Servo Motors"],
    ]
    assert marked("", "轴承", "橡胶") == [[], []]


def test_nothing_is_joined_across_the_end_of_a_title() -> None:
    assert marked("rare", "earth", "rare earth") == [["rare"], ["earth"]]
    assert marked("永磁", "电机", "永磁电机") == [["永磁"], ["电机"]]


def test_a_title_counts_for_more_in_the_explanation_too() -> None:
    reading, gained = explained("轴承", "轴承 橡胶", title="橡胶")
    first, second = reading.terms(gained)[0]
    assert (first.term, second.term) == ("橡胶", "轴承")
    assert first.share > second.share


def test_a_reading_of_nothing_is_no_error() -> None:
    none = np.empty(0, np.int64)
    for texts in ([], ["", ""], ["磁", "材"]):
        reading = Reading(ANALYZER, texts, ANALYZER.features(texts), none, 12.0)
        assert reading.terms(np.zeros((1, 0), np.float32)) == [[]]
        assert reading.marks(np.zeros((1, 0), np.float32)) == [[] for _ in texts]


def test_rare_han_characters_and_blanks_stand_where_they_are() -> None:
    assert marked("", "\x00𠀀𠀁磁材，", "𠀀𠀁磁材")[1] != []
    reading, gained = explained("\x00𠀀𠀁磁材，\ud800", "𠀀𠀁磁材")
    (found,) = reading.terms(gained, None)
    assert "".join(one.term for one in found).count("𠀀") == 1


TEXTS = st.lists(
    st.sampled_from(
        ["永磁", "电机", "钕铁硼", "研发", "的", "机", "Rare", "earth", "magnets", "coating"]
        + [" ", " ", "-", "，", "магнит", "магнитный", "\x00", "𠀀", "公司"]
    ),
    max_size=14,
).map("".join)


@settings(max_examples=80, deadline=None)
@given(TEXTS, TEXTS, TEXTS)
def test_shares_are_the_whole_score_and_marks_do_not_overlap(
    title: str, mine: str, other: str
) -> None:
    reading, gained = explained(mine, other, title=title)
    (whole,) = reading.terms(gained, None)
    is_tied = gained.sum() > 0
    assert sum(one.share for one in whole) == pytest.approx(1 if is_tied else 0, abs=1e-5)
    assert all(one.share > 0 and one.term for one in whole)
    (best,) = reading.terms(gained, 3)
    assert [one.term for one in best] == [one.term for one in whole[: len(best)]]
    assert bool(best) == is_tied
    for text, marks in zip((title, mine), reading.marks(gained), strict=True):
        for mark in marks:
            assert isinstance(mark, Mark)
            assert 0 <= mark.start < mark.end <= len(text)
            assert -1e-6 <= mark.share <= 1 + 1e-6
        assert all(one.end <= two.start for one, two in pairwise(marks))

"""Which items of a challenge a profile speaks of."""

from __future__ import annotations

import json

import numpy as np
import pytest

from bidding.challenges.models import Challenge, Operator, Requirement
from bidding.matching.coverage import (
    COVERED,
    PARTLY,
    Extent,
    Weighed,
    coverage,
    item_texts,
    items_of,
    weighed,
)
from bidding.matching.estimator import Document, TfidfMatcher
from bidding.matching.shelves import View

PROFILES = {
    3: Document("Dongyang Magnets", "Grain boundary diffusion for sintered magnets. 晶界扩散"),
    5: Document("Wuxi Coatings", "Salt spray resistant nickel coating and adhesion. 中性盐雾"),
    8: Document("Qingdao Bakery", "Bread, cakes and pastry."),
}


@pytest.fixture(scope="module")
def view() -> View:
    return View(TfidfMatcher().fit(PROFILES.values()), np.array(list(PROFILES)))


def need(*requirements: tuple, **texts: str) -> Challenge:
    rows = [
        Requirement(name=name, operator=operator, value=value, unit=unit, must=must)
        for name, operator, value, unit, must in requirements
    ]
    return Challenge(**{"problem": "", "expected_result": "", **texts}, requirements=rows)


# Items


def test_requirements_are_the_items() -> None:
    challenge = need(
        ("Coercivity", Operator.AT_LEAST, "20", "kOe", True),
        ("Coating", Operator.TEXT, "free of chromium", "", False),
        problem="Magnets corrode in hot oil, and nobody knows why.",
    )

    assert [(item.label, item.text, item.must) for item in items_of(challenge)] == [
        ("Coercivity ≥ 20 kOe", "Coercivity", True),
        ("Coating free of chromium", "Coating free of chromium", False),
    ]
    assert item_texts(challenge) == ["Coercivity", "Coating free of chromium"]


def test_sentences_stand_in_where_there_are_hardly_any_requirements() -> None:
    challenge = need(
        ("Coercivity", Operator.AT_LEAST, "20", "kOe", True),
        problem="1. 涂覆扩散深度不足，表层矫顽力偏低；\n2. **剩磁**下降 0.15 kGs 以上。\n太短。",
        expected_result="A process that holds 0.3 wt% in series. Samples in 3.5 months.",
    )

    assert item_texts(challenge) == [
        "涂覆扩散深度不足，表层矫顽力偏低",
        "剩磁下降 0.15 kGs 以上",
        "A process that holds 0.3 wt% in series",
        "Samples in 3.5 months",
    ]
    assert all(item.must for item in items_of(challenge))


def test_a_sentence_counts_once_and_there_are_not_too_many() -> None:
    twice = "The coating flakes off in oil. " * 2
    many = " ".join(f"Problem number {'x' * n} is a hard one." for n in range(1, 20))

    assert item_texts(need(problem=twice)) == ["The coating flakes off in oil"]
    assert len(item_texts(need(problem=many))) == 8
    assert item_texts(need()) == []


# Coverage


def test_an_item_is_covered_by_who_speaks_of_it(view) -> None:
    found = coverage(view, ["Grain boundary diffusion", "Nickel coating", "中性盐雾"], [3, 5, 8])

    extents = [[Extent.of(part) for part in row] for row in found]
    assert extents == [
        [Extent.COVERED, Extent.NOT, Extent.NOT],
        [Extent.NOT, Extent.COVERED, Extent.COVERED],
        [Extent.NOT, Extent.NOT, Extent.NOT],
    ]


def test_all_of_an_item_is_one_and_half_of_it_is_less(view) -> None:
    whole, half = coverage(view, ["nickel coating", "nickel plasma"], [5])[0]

    assert whole == pytest.approx(1)
    assert 0 < half < COVERED


def test_words_that_no_profile_has_are_not_covered(view) -> None:
    """Else whoever has one common word of an item would seem to cover it."""
    found = coverage(view, ["coating xylophone quaternion"], [5])

    assert found[0, 0] < COVERED


def test_an_item_without_words_is_covered_by_nobody(view) -> None:
    assert coverage(view, ["", "20 %"], [3, 5]).tolist() == [[0, 0], [0, 0]]
    assert coverage(view, [], [3, 5]).shape == (2, 0)
    assert coverage(view, ["coating"], []).shape == (0, 1)


def test_unknown_ids_cover_nothing(view) -> None:
    assert coverage(view, ["nickel coating"], [4, 99]).tolist() == [[0], [0]]


def test_many_items_at_once_are_what_each_is_alone(view) -> None:
    texts = ["Grain boundary diffusion", "nickel", "晶界扩散 and adhesion"]

    together = coverage(view, texts, [3, 5, 8])

    alone = np.hstack([coverage(view, [text], [3, 5, 8]) for text in texts])
    np.testing.assert_allclose(together, alone, rtol=1e-6)


def test_features_survive_the_database_and_read_a_text_as_the_index_does(view) -> None:
    texts = ["Grain boundary diffusion", "中性盐雾 nickel coating", "20 %"]
    items = weighed(view.matcher, texts)

    again = Weighed.restored(json.loads(json.dumps(items.stored)))

    analyzer = TfidfMatcher().analyzer
    read = np.array([again.of_text(analyzer, profile) for profile in PROFILES.values()])
    np.testing.assert_allclose(read, coverage(view, texts, list(PROFILES)), atol=0.01)


@pytest.mark.parametrize(
    ("part", "extent"),
    [
        (1, Extent.COVERED),
        (COVERED, Extent.COVERED),
        (COVERED - 0.001, Extent.PARTLY),
        (PARTLY, Extent.PARTLY),
        (PARTLY - 0.001, Extent.NOT),
        (0, Extent.NOT),
    ],
)
def test_the_limits_belong_to_the_better_side(part, extent) -> None:
    assert Extent.of(part) is extent

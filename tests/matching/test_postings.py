"""The fast search finds what a product with every document finds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bidding.matching import postings as module
from bidding.matching.postings import Postings, Rows

Matrix = np.ndarray[Any, np.dtype[Any]]


def rows_of(dense: Matrix, rng: np.random.Generator | None = None) -> Rows:
    """A dense matrix as rows; in mixed order of features, as documents have them."""
    documents, features = np.nonzero(dense)
    if rng is not None:
        order = np.lexsort((rng.random(len(documents)), documents))
        features = features[order]
    ends = np.searchsorted(documents, np.arange(len(dense) + 1))
    return Rows(ends, features.astype(np.int32), dense[documents, features].astype(np.float16))


def build(dense: Matrix, longest_list: int = module.LONGEST_LIST) -> Postings:
    """Postings whose features have the codes 7, 17, 27 …"""
    codes = np.arange(dense.shape[1], dtype=np.int64) * 10 + 7
    return Postings.build(
        codes, rows_of(dense, np.random.default_rng(1)), longest_list=longest_list
    )


def random_dense(
    rng: np.random.Generator, documents: int, features: int, density: float, levels: int = 0
) -> Matrix:
    """Weights of float16; with few `levels` many are equal."""
    weights = rng.integers(1, levels + 1, (documents, features)) / levels if levels else None
    if weights is None:
        weights = rng.random((documents, features)) ** 3 + 0.01
    return np.where(rng.random((documents, features)) < density, weights, 0).astype(np.float16)


def best(scores: Matrix, top: int) -> list[int]:
    order = np.lexsort((np.arange(len(scores)), -scores))[:top]
    return order[scores[order] > 0].tolist()


def query_of(rng: np.random.Generator, found: Postings, features: int) -> tuple[Matrix, Matrix]:
    """Some features of the corpus and one that it does not have, with weights."""
    codes = np.sort(rng.choice(found.codes, min(features, len(found.codes)), replace=False))
    codes = np.unique(np.append(codes, 8))
    return codes, rng.random(len(codes)).astype(np.float32)


def exact_scores(dense: Matrix, found: Postings, codes: Matrix, weights: Matrix) -> Matrix:
    query = np.zeros(dense.shape[1], np.float32)
    numbers = found.find(codes)
    query[numbers[numbers >= 0]] = weights[numbers >= 0]
    return dense.astype(np.float32) @ query


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 120), st.integers(1, 40), st.integers(0, 3))
def test_the_best_of_all_documents_are_found(
    seed: int, documents: int, features: int, levels: int
) -> None:
    rng = np.random.default_rng(seed)
    dense = random_dense(rng, documents, features, rng.random(), levels)
    built = build(dense)
    codes, weights = query_of(rng, built, 12)
    expected = exact_scores(dense, built, codes, weights)
    for top in (1, 5, 200):
        found, scores = built.search(codes, weights, top)
        assert scores.tolist() == pytest.approx(np.sort(expected)[::-1][: len(found)], rel=1e-5)
        assert expected[found].tolist() == pytest.approx(scores.tolist(), rel=1e-5)
        assert len(found) == min(top, (expected > 0).sum())


def test_the_best_of_many_documents_are_found_by_their_candidates() -> None:
    """More documents than candidates, no list cut: what 8 bits leave out must not matter."""
    rng = np.random.default_rng(2)
    dense = random_dense(rng, 4000, 60, 0.3)
    built = build(dense)
    for _ in range(30):
        codes, weights = query_of(rng, built, 25)
        found, scores = built.search(codes, weights, 20)
        expected = exact_scores(dense, built, codes, weights)
        assert set(found.tolist()) == set(best(expected, 20))
        assert (np.diff(scores) <= 0).all()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 25))
def test_what_is_lost_by_cutting_lists_is_no_more_than_their_tails(seed: int, longest: int) -> None:
    rng = np.random.default_rng(seed)
    dense = random_dense(rng, 300, 30, 0.5)
    built = build(dense, longest)
    assert np.diff(built.list_ends).max() <= longest
    codes, weights = query_of(rng, built, 10)
    found, scores = built.search(codes, weights, 20)
    expected = exact_scores(dense, built, codes, weights)
    assert expected[found].tolist() == pytest.approx(scores.tolist(), rel=1e-5)
    numbers = built.find(codes)
    known = numbers >= 0
    tails = np.zeros(known.sum())
    for at, number in enumerate(numbers[known]):
        column = np.sort(dense[:, number].astype(np.float32))[::-1]
        tails[at] = column[longest] if longest < len(column) else 0
    rounding = 2 * (weights[known] * built.list_scales[numbers[known]]).sum()
    most_lost = (weights[known] * tails).sum() + rounding
    ideal = np.sort(expected)[::-1][:20]
    have = np.append(scores, np.zeros(20 - len(scores)))
    assert (ideal - have).max() <= most_lost + 1e-6


def test_the_lists_that_add_most_are_read_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_POSTINGS", 1)
    dense = np.array([[0.9, 0, 0], [0, 0.1, 0], [0.5, 0.1, 0.1]], np.float16)
    built = build(dense)
    found, scores = built.search(built.codes, np.ones(3, np.float32), 5)
    assert found.tolist() == [0, 2]
    assert scores.tolist() == pytest.approx([0.9, 0.7], rel=1e-3)


def test_among_equals_the_earlier_documents_are_found_also_at_every_cut(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "CANDIDATES", 10)
    built = build(np.full((5000, 3), 0.25, np.float16), longest_list=4000)
    found, scores = built.search(built.codes, np.ones(3, np.float32), 7)
    assert found.tolist() == list(range(7))
    assert set(scores.tolist()) == {0.75}


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.floats(0, 1), st.integers(1, 400))
def test_only_allowed_documents_are_found(seed: int, share: float, longest: int) -> None:
    rng = np.random.default_rng(seed)
    dense = random_dense(rng, 200, 20, 0.4, levels=4)
    built = build(dense, longest)
    codes, weights = query_of(rng, built, 8)
    allowed = rng.random(200) < share
    found, _ = built.search(codes, weights, 10, allowed)
    assert allowed[found].all()
    expected = np.where(allowed, exact_scores(dense, built, codes, weights), 0)
    missed = np.sort(expected)[::-1][: len(found)] - expected[found]
    assert missed.tolist() == pytest.approx([0] * len(found), abs=1e-5)
    assert len(found) == min(10, (expected > 0).sum())


def test_few_allowed_documents_are_found_though_every_list_is_full_of_others() -> None:
    """A county's ten firms among ten thousand that have the same words, a little heavier."""
    dense = np.full((10_000, 2), 0.5, np.float16)
    dense[5000:5010] = 0.4
    built = build(dense, longest_list=100)
    allowed = np.zeros(10_000, bool)
    allowed[5000:5010] = True
    found, _ = built.search(built.codes, np.ones(2, np.float32), 20, allowed)
    assert found.tolist() == list(range(5000, 5010))


@pytest.mark.parametrize("at_once", [1, 7, 100])
def test_stretches_make_no_difference(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    rng = np.random.default_rng(3)
    dense = random_dense(rng, 90, 25, 0.5, levels=5)
    dense[20:30] = 0
    whole = build(dense, longest_list=20)
    monkeypatch.setattr(module, "_AT_ONCE", at_once)
    parts = build(dense, longest_list=20)
    for name, array in whole.arrays().items():
        assert np.array_equal(array, parts.arrays()[name]), name


def test_lists_are_sorted_by_weight_and_scaled_to_eight_bits() -> None:
    rng = np.random.default_rng(4)
    dense = random_dense(rng, 50, 10, 0.6, levels=3)
    built = build(dense, longest_list=20)
    for feature in range(10):
        span = slice(built.list_ends[feature], built.list_ends[feature + 1])
        listed, weights = built.list_documents[span], dense[:, feature].astype(np.float32)
        assert listed.tolist() == best(weights, 20)
        about = built.list_weights[span] * built.list_scales[feature]
        assert about.tolist() == pytest.approx(
            weights[listed], abs=float(built.list_scales[feature])
        )


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0), (4, 3)])
def test_nothing_is_found_where_there_is_nothing(shape: tuple[int, int]) -> None:
    built = build(np.zeros(shape, np.float16))
    codes, weights = np.array([7, 17]), np.ones(2, np.float32)
    assert built.n_documents == shape[0]
    for allowed in (None, np.ones(shape[0], bool)):
        found, scores = built.search(codes, weights, 5, allowed)
        assert (found.tolist(), scores.tolist()) == ([], [])
    assert built.shared(codes, np.arange(shape[0])).toarray().tolist() == [[0, 0]] * shape[0]
    assert built.rows(0, shape[0]).shape == shape
    assert built.search(codes[:0], weights[:0], 5)[0].tolist() == []


def test_documents_and_features_that_lost_everything_stay_in_their_places() -> None:
    dense = np.array([[0, 0, 0], [0, 0.5, 0], [0, 0, 0], [0, 0.25, 0.5], [0, 0, 0]], np.float16)
    built = build(dense)
    found, _ = built.search(built.codes, np.ones(3, np.float32), 5)
    assert found.tolist() == [3, 1]
    assert np.isfinite(built.list_scales).all()
    assert built.rows(0, 5).toarray().tolist() == dense.tolist()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_shared_weights_are_those_of_the_documents(seed: int) -> None:
    rng = np.random.default_rng(seed)
    dense = random_dense(rng, 40, 15, 0.4)
    built = build(dense)
    codes, _ = query_of(rng, built, 6)
    asked = rng.integers(0, 40, 12)
    numbers = built.find(codes)
    expected = np.where(numbers >= 0, dense[:, numbers][asked], 0)
    assert built.shared(codes, asked).toarray().tolist() == expected.tolist()
    first, last = sorted(rng.integers(0, 41, 2))
    assert built.rows(first, last).toarray().tolist() == dense[first:last].tolist()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 2**31 - 1), max_size=300, unique=True), st.integers(0, 30))
def test_a_table_tells_a_querys_features_from_all_others(numbers: list[int], ends: int) -> None:
    few = np.array(sorted({*numbers, *(5 + (n << 24) for n in range(ends))}), np.int32)
    slots, factor, shift = module._slots(few)
    at = slots[(few.view(np.uint32) * factor) >> shift]
    assert at.tolist() == list(range(len(few)))


def test_a_query_may_have_more_features_than_a_table_holds() -> None:
    size = 40_000
    codes = np.arange(size, dtype=np.int64)
    rows = Rows(np.array([0, 1, 3]), np.array([7, 39_999, 8], np.int32), np.ones(3, np.float16))
    built = Postings.build(codes, rows)
    found, scores = built.search(codes, np.ones(size, np.float32), 5)
    assert (found.tolist(), scores.tolist()) == ([1, 0], [2, 1])


def test_a_document_that_is_not_there_is_named() -> None:
    built = build(np.ones((2, 2), np.float16))
    for place in (2, -1):
        with pytest.raises(IndexError):
            built.shared(built.codes, np.array([place]))


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 400), st.integers(1, 60), st.integers(1, 50))
def test_the_largest_sums_are_found_by_a_sample(
    seed: int, size: int, top: int, levels: int
) -> None:
    rng = np.random.default_rng(seed)
    sums = (rng.integers(0, levels, size) / 8).astype(np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_SAMPLE", 8)
        found = module._largest(sums, top)
    assert found.tolist() == sorted(best(sums, top))


def test_the_size_is_that_of_all_arrays() -> None:
    built = build(np.ones((2, 2), np.float16))
    assert built.n_bytes == sum(array.nbytes for array in built.arrays().values()) > 0

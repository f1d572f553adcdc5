"""The matcher ranks, explains what it ranked, and takes whatever it is given."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from bidding.matching.estimator import Document, SharedTerm, TfidfMatcher

PROFILES = [
    Document("东阳磁材厂", "烧结钕铁硼永磁材料的生产，晶界扩散，磁性能检测。"),
    Document("青岛橡胶厂", "子午线轮胎用合成橡胶配方与硫化工艺，炭黑分散。"),
    Document("黄埔装备厂", "工业机器人用谐波减速器，机器视觉检测设备。"),
    Document(
        "Coating works", "Superhydrophobic coatings for wind turbine blades and marine paints."
    ),
    Document("Empty profile", ""),
]
NEED = Document("高性能钕铁硼永磁材料", "需要晶界扩散技术，提高矫顽力，公司合作研发。")
ENGLISH_NEED = Document("Anti-icing coating", "Coating of wind-turbine blades against ice.")


@pytest.fixture(scope="module")
def matcher() -> TfidfMatcher:
    return TfidfMatcher().fit(PROFILES)


def test_the_maker_of_magnets_fits_the_need_for_magnets(matcher: TfidfMatcher) -> None:
    assert matcher.rank(NEED)[0].index == 0
    assert matcher.rank(ENGLISH_NEED)[0].index == 3


def test_scores_are_cosines(matcher: TfidfMatcher) -> None:
    scores = matcher.scores(NEED)
    assert scores.shape == (len(PROFILES),)
    assert np.all((scores >= 0) & (scores <= 1))
    assert scores[4] == 0
    lengths = np.sqrt(matcher.postings_.multiply(matcher.postings_).sum(axis=0))
    assert lengths == pytest.approx([1, 1, 1, 1, 1], abs=1e-6)


def test_a_score_worked_out_by_hand() -> None:
    """Two documents, words alone: df of 'magnet' is 2, of 'rubber' and of 'glass' is 1."""
    fitted = TfidfMatcher(channel_weights={"p": 0}).fit(
        [Document("", "magnet rubber"), Document("", "magnet glass")]
    )
    common, rare = math.log(3 / 3) + 1, math.log(3 / 2) + 1
    expected = rare / math.hypot(common, rare)
    scores = fitted.scores(Document("", "rubber"))
    assert scores.tolist() == pytest.approx([expected, 0])


def test_equals_come_in_the_order_they_were_fitted_even_at_the_cut() -> None:
    fitted = TfidfMatcher().fit([Document("", text) for text in ("glass", *["magnet"] * 40)])
    matches = fitted.rank(Document("", "magnet"), top=3)
    assert [match.index for match in matches] == [1, 2, 3]
    assert {match.score for match in matches} == {1.0}


def test_a_batch_ranks_as_one_by_one(matcher: TfidfMatcher) -> None:
    queries = [NEED, Document("", ""), ENGLISH_NEED, PROFILES[1]] * 100
    assert matcher.rank_many(queries, 3) == [matcher.rank(query, 3) for query in queries]


def test_the_title_counts_for_more_than_the_text(matcher: TfidfMatcher) -> None:
    best = matcher.rank(Document("合成橡胶", "谐波减速器"))[0]
    assert best.index == 1
    assert TfidfMatcher(title_weight=0).fit(PROFILES).rank(Document("橡胶", "减速器"))[0].index == 2


@pytest.mark.parametrize("query", [NEED, ENGLISH_NEED, PROFILES[2]])
def test_shares_sum_to_one_and_rebuild_the_score(matcher: TfidfMatcher, query: Document) -> None:
    for match in matcher.rank(query):
        terms = matcher.explain(query, match.index, top=None)
        assert sum(term.share for term in terms) == pytest.approx(1)
        assert all(term.share > 0 for term in terms)
        products = matcher.postings_[:, [match.index]].toarray().ravel()
        parts = [term.share * match.score for term in terms]
        assert sum(parts) == pytest.approx(matcher.scores(query)[match.index], rel=1e-5)
        assert products.any()


def test_the_share_of_a_term_is_what_the_score_loses_without_it() -> None:
    fitted = TfidfMatcher(channel_weights={"p": 0}).fit(
        [Document("", "magnet rubber glass"), Document("", "rubber")]
    )
    shares = {t.term: t.share for t in fitted.explain(Document("", "magnet rubber steel"), 0)}
    magnet, rubber = (math.log(3 / 2) + 1) ** 2, 1.0
    assert shares == pytest.approx(
        {"magnet": magnet / (magnet + rubber), "rubber": rubber / (magnet + rubber)}
    )


def test_terms_read_well_in_chinese(matcher: TfidfMatcher) -> None:
    assert [term.term for term in matcher.explain(NEED, 0)] == ["钕铁硼永磁材料", "晶界扩散"]


def test_terms_read_well_in_english(matcher: TfidfMatcher) -> None:
    terms = [term.term for term in matcher.explain(ENGLISH_NEED, 3)]
    assert set(terms) == {"coating", "wind-turbine blades"}


def test_pieces_of_words_are_named_only_when_there_is_nothing_better() -> None:
    fitted = TfidfMatcher().fit([Document("", "电机轴承"), Document("", "发动机")])
    assert [term.term for term in fitted.explain(Document("", "电机"), 0)] == ["电机"]
    assert fitted.explain(Document("", "电机"), 1) == [SharedTerm("机", 1.0)]


def test_an_explanation_is_cut_to_the_heaviest(matcher: TfidfMatcher) -> None:
    whole = matcher.explain(PROFILES[1], 1, top=None)
    assert matcher.explain(PROFILES[1], 1, top=2) == whole[:2]


@pytest.mark.parametrize(
    "query", [Document("", ""), Document("", "，。"), Document("", "zzyzx"), Document("的", "公司")]
)
def test_nothing_known_finds_nothing(matcher: TfidfMatcher, query: Document) -> None:
    assert matcher.rank(query) == []
    assert matcher.explain(query, 0) == []
    assert not matcher.scores(query).any()


@pytest.mark.parametrize("documents", [[], [Document("", "")]])
def test_an_empty_corpus_is_no_error(documents: list[Document]) -> None:
    fitted = TfidfMatcher().fit(documents)
    assert fitted.rank(NEED) == []
    assert fitted.rank_many([NEED, NEED]) == [[], []]
    assert fitted.rank_many([]) == []
    assert fitted.scores(NEED).shape == (len(documents),)


def test_it_keeps_to_the_conventions_of_scikit_learn() -> None:
    weights = {"1": 0.5}
    matcher = TfidfMatcher(k1=2, channel_weights=weights)
    assert matcher.get_params()["channel_weights"] is weights
    assert not [name for name in vars(matcher) if name.endswith("_")]
    assert clone(matcher).get_params() == matcher.get_params()
    assert matcher.fit(iter(PROFILES)) is matcher
    assert matcher.n_documents_ == len(PROFILES)
    with pytest.raises(NotFittedError):
        TfidfMatcher().rank(NEED)


def test_mistakes_are_named(matcher: TfidfMatcher) -> None:
    with pytest.raises(IndexError):
        matcher.explain(NEED, len(PROFILES))
    with pytest.raises(ValueError, match="unknown channels: x"):
        TfidfMatcher(channel_weights={"x": 1}).fit(PROFILES)

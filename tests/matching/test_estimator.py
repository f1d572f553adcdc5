"""The matcher ranks, explains what it ranked, and takes whatever it is given."""

from __future__ import annotations

import math
import string
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from bidding.matching import estimator
from bidding.matching.estimator import CHANNEL_WEIGHTS, Document, TfidfMatcher
from bidding.matching.explaining import SharedTerm

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
WORDS_ALONE = {"word_pair": 0, "word_piece": 0}
PRECISION = 2e-3
"""Of a document's weights, which are kept with eleven bits."""


@pytest.fixture(scope="module")
def matcher() -> TfidfMatcher:
    return TfidfMatcher().fit(PROFILES)


def text(words: str) -> Document:
    return Document("", words)


def test_the_maker_of_magnets_fits_the_need_for_magnets(matcher: TfidfMatcher) -> None:
    assert matcher.rank(NEED)[0].index == 0
    assert matcher.rank(ENGLISH_NEED)[0].index == 3


def test_a_score_worked_out_by_hand() -> None:
    """Two documents, words alone: df of 'magnet' is 2, of 'rubber' and of 'glass' is 1."""
    fitted = TfidfMatcher(channel_weights=WORDS_ALONE).fit(
        [text("magnet rubber"), text("magnet glass")]
    )
    common, rare = math.log(3 / 3) + 0.5, math.log(3 / 2) + 0.5
    expected = rare / math.hypot(common, rare)
    scores = fitted.scores(text("rubber"), [0, 1])
    assert scores.tolist() == pytest.approx([expected, 0], rel=PRECISION)


def test_a_repeated_word_saturates_and_a_title_counts_by_its_weight() -> None:
    fitted = TfidfMatcher(
        channel_weights=WORDS_ALONE, k1=0.8, b=0, length_norm=0, title_weight=3, query_power=0.4
    ).fit([text("magnet magnet magnet"), text("glass")])
    rare = math.log(3 / 2) + 0.5
    thrice = 3 * 1.8 / (3 + 0.8)
    in_title, in_text = 3**0.4, 1
    expected = thrice * rare * in_title / math.hypot(in_title, in_text)
    score = fitted.scores(Document("magnet", "glass"), [0])
    pivot = fitted.pivot_
    cubes, squares = (sum((n * rare) ** power for n in (thrice, 1)) for power in (3, 2))
    assert pivot == pytest.approx(cubes / squares, rel=1e-5)
    assert score.tolist() == pytest.approx([expected / pivot], rel=PRECISION)


def test_profiles_that_are_bare_names_change_no_scores_of_the_others() -> None:
    profile = "sintered permanent magnets for servo motors, coated against corrosion in salt fog"
    full = [text(profile), text("silicone rubber gaskets and seals, moulded to any drawing" * 2)]
    names = [Document(f"Firm {name}", "") for name in string.ascii_lowercase * 4]
    need = text("corrosion of magnets in servo motors")
    alone = TfidfMatcher().fit(full).scores(need, [0])
    crowded = TfidfMatcher().fit([*full, *names]).scores(need, [0])
    assert crowded == pytest.approx(alone, rel=0.35)  # it was three times as much


def slow_scores(matcher: TfidfMatcher, documents: Sequence[Document], query: Document) -> Any:
    """What `scores` must give, feature by feature."""
    strengths = {**CHANNEL_WEIGHTS, **(matcher.channel_weights or {})}
    idle = set(matcher.analyzer.boilerplate.tolist())

    def counts(document: Document, title_weight: float) -> dict[int, float]:
        title, body = (
            Counter(matcher.analyzer.features([part]).codes.tolist())
            for part in (document.title, document.text)
        )
        every = {code: title[code] * title_weight + body[code] for code in title | body}
        return {code: n for code, n in every.items() if n and strength(code)}

    def strength(code: int) -> float:
        names = ("two_characters" if code >> 16 else "character", "word", "word_pair", "word_piece")
        return strengths[names[code >> 48]] * (matcher.boilerplate_weight if code in idle else 1)

    bags = [counts(document, matcher.document_title_weight) for document in documents]
    frequency = Counter(code for bag in bags for code in bag)

    def idf(code: int) -> float:
        rarity = math.log((1 + len(bags)) / (1 + frequency[code])) + matcher.idf_floor
        return rarity * strength(code)

    every_total = []
    for bag in bags:
        totals = Counter[int]()
        for code, n in bag.items():
            totals[code >> 48] += n
        every_total.append(totals)
    usual = {
        channel: sum(totals[channel] ** 2 for totals in every_total)
        / (sum(totals[channel] for totals in every_total) or 1)
        for channel in range(4)
    }
    vectors, lengths = [], []
    for bag, totals in zip(bags, every_total, strict=True):
        vector = {}
        for code, n in bag.items():
            length = totals[code >> 48] / usual[code >> 48]
            delay = matcher.k1 * (1 - matcher.b + matcher.b * length)
            vector[code] = n * (matcher.k1 + 1) / (n + delay) * idf(code)
        vectors.append(vector)
        lengths.append(math.hypot(*vector.values()))
    squares = sum(length**2 for length in lengths)
    pivot = sum(length**3 for length in lengths) / squares if squares else 1
    asked = counts(query, matcher.title_weight)
    asked = {c: n**matcher.query_power * idf(c) for c, n in asked.items() if frequency[c]}
    whole = math.hypot(*asked.values()) or 1
    return [
        sum(vector.get(code, 0) * weight for code, weight in asked.items())
        / whole
        / (((length or 1) / pivot) ** matcher.length_norm * pivot)
        for vector, length in zip(vectors, lengths, strict=True)
    ]


TEXTS = st.lists(
    st.sampled_from(
        ["永磁", "电机", "研发", "公司", "橡胶 ", "magnets ", "coating ", "the ", "，"]
    ),
    max_size=12,
).map("".join)
DOCUMENTS = st.builds(Document, TEXTS, TEXTS)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(DOCUMENTS, min_size=1, max_size=6),
    DOCUMENTS,
    st.fixed_dictionaries(
        {
            "k1": st.sampled_from([0.8, 0, 2.0]),
            "b": st.sampled_from([0.7, 0, 1]),
            "length_norm": st.sampled_from([0.3, 0, 1]),
            "title_weight": st.sampled_from([12.0, 1, 0]),
            "document_title_weight": st.sampled_from([1.0, 0, 2.5]),
            "channel_weights": st.sampled_from([None, {"character": 0}, WORDS_ALONE]),
        }
    ),
)
def test_scores_equal_slow_and_obvious_ones(
    documents: list[Document], query: Document, parameters: dict[str, Any]
) -> None:
    fitted = TfidfMatcher(**parameters).fit(documents)
    expected = slow_scores(fitted, documents, query)
    scores = fitted.scores(query, range(len(documents)))
    assert scores.tolist() == pytest.approx(expected, rel=PRECISION, abs=1e-6)
    ranked = {match.index: match.score for match in fitted.rank(query)}
    assert ranked == {at: score for at, score in enumerate(scores.tolist()) if score > 0}


def test_documents_weighed_later_score_as_fitted_ones(matcher: TfidfMatcher) -> None:
    weighed = matcher.transform(PROFILES)
    for name, array in matcher.postings_.arrays().items():
        assert np.array_equal(array, weighed.arrays()[name]), name


def test_words_never_seen_count_in_documents_weighed_later(matcher: TfidfMatcher) -> None:
    weighed = matcher.transform([text("zzyzx")])
    assert matcher.weigh(text("zzyzx")).codes.tolist() == []
    vector = matcher.weigh(text("zzyzx"), also=weighed)
    found, scores = weighed.search(vector.codes, vector.weights, 5)
    assert found.tolist() == [0]
    assert scores[0] > 0


def test_equals_come_in_the_order_they_were_fitted_even_at_the_cut() -> None:
    fitted = TfidfMatcher().fit([text(words) for words in ("glass", *["magnet"] * 2000)])
    matches = fitted.rank(text("magnet"), top=3)
    assert [match.index for match in matches] == [1, 2, 3]
    assert len({match.score for match in matches}) == 1


def test_documents_that_are_not_allowed_are_not_found(matcher: TfidfMatcher) -> None:
    allowed = np.array([False, True, True, True, True])
    assert matcher.rank(PROFILES[0], allowed=allowed) != []
    assert 0 not in [match.index for match in matcher.rank(PROFILES[0], allowed=allowed)]
    assert matcher.rank(PROFILES[0], allowed=np.zeros(5, bool)) == []


def test_batches_of_documents_are_fitted_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    documents = [Document(f"n{n}", f"{PROFILES[n % 4].text} part{n % 7}") for n in range(50)]
    whole = TfidfMatcher().fit(documents)
    monkeypatch.setattr(estimator, "_BATCH_BITS", 3)
    monkeypatch.setattr(estimator, "_BATCH", 1 << 3)
    monkeypatch.setattr(estimator, "_MERGE_FROM", 100)
    parts = TfidfMatcher().fit(documents)
    assert np.array_equal(parts.idf_, whole.idf_)
    for name, array in whole.postings_.arrays().items():
        assert np.array_equal(array, parts.postings_.arrays()[name]), name


def test_threads_share_one_matcher(matcher: TfidfMatcher) -> None:
    queries = [NEED, ENGLISH_NEED, *PROFILES] * 20
    alone = [(matcher.rank(query), matcher.explain(query, [0, 3])) for query in queries]
    with ThreadPoolExecutor(8) as pool:
        together = pool.map(lambda q: (matcher.rank(q), matcher.explain(q, [0, 3])), queries)
    assert list(together) == alone


def test_the_title_counts_for_more_than_the_text(matcher: TfidfMatcher) -> None:
    best = matcher.rank(Document("合成橡胶", "谐波减速器"))[0]
    assert best.index == 1
    assert TfidfMatcher(title_weight=0).fit(PROFILES).rank(Document("橡胶", "减速器"))[0].index == 2


def test_words_that_everybody_uses_count_for_less() -> None:
    documents = [text("研发磁"), text("橡磁"), text("研发")]
    fitted = TfidfMatcher().fit(documents)
    said, meant = fitted.scores(text("研发橡"), [2, 1])
    assert 0 < said < meant
    assert TfidfMatcher(boilerplate_weight=0).fit(documents).rank(text("研发")) == []


def test_only_the_heaviest_features_take_part() -> None:
    documents = [text("magnet rubber"), text("magnet glass"), text("magnet")]
    fitted = TfidfMatcher(max_query_terms=1, channel_weights=WORDS_ALONE).fit(documents)
    assert [match.index for match in fitted.rank(text("magnet glass"))] == [1]
    fitted = TfidfMatcher(max_document_terms=1, channel_weights=WORDS_ALONE).fit(documents)
    assert fitted.scores(text("magnet"), [0, 1, 2]).tolist()[:2] == [0, 0]
    assert [match.index for match in fitted.rank(text("magnet"))] == [2]


@pytest.mark.parametrize("query", [NEED, ENGLISH_NEED, PROFILES[2]])
def test_shares_sum_to_one_and_rebuild_the_score(matcher: TfidfMatcher, query: Document) -> None:
    matches = matcher.rank(query)
    explained = matcher.explain(query, [match.index for match in matches], top=None)
    assert len(explained) == len(matches) > 0
    for match, terms in zip(matches, explained, strict=True):
        assert sum(term.share for term in terms) == pytest.approx(1, abs=1e-5)
        assert all(term.share > 0 for term in terms)
        parts = [term.share * match.score for term in terms]
        assert sum(parts) == pytest.approx(matcher.scores(query, [match.index])[0], rel=1e-5)


def test_the_share_of_a_term_is_what_the_score_loses_without_it() -> None:
    fitted = TfidfMatcher(channel_weights=WORDS_ALONE).fit(
        [text("magnet rubber glass"), text("rubber")]
    )
    (terms,) = fitted.explain(text("magnet rubber steel"), [0])
    magnet, rubber = (math.log(3 / 2) + 0.5) ** 2, 0.5**2
    assert {one.term: one.share for one in terms} == pytest.approx(
        {"magnet": magnet / (magnet + rubber), "rubber": rubber / (magnet + rubber)}, rel=PRECISION
    )


def test_terms_read_well_in_chinese(matcher: TfidfMatcher) -> None:
    (terms,) = matcher.explain(NEED, [0])
    assert [one.term for one in terms] == ["钕铁硼永磁材料", "性能", "晶界扩散"]


def test_terms_read_well_in_english(matcher: TfidfMatcher) -> None:
    (terms,) = matcher.explain(ENGLISH_NEED, [3])
    assert {one.term for one in terms} == {"coating", "wind-turbine blades"}


def test_pieces_of_words_are_named_only_when_there_is_nothing_better() -> None:
    fitted = TfidfMatcher().fit([text("电机轴承"), text("发动机")])
    whole, pieces = fitted.explain(text("电机"), [0, 1])
    assert [one.term for one in whole] == ["电机"]
    assert pieces == [SharedTerm("机", 1.0)]


def test_an_explanation_is_cut_to_the_heaviest(matcher: TfidfMatcher) -> None:
    (whole,) = matcher.explain(PROFILES[1], [1], top=None)
    (cut,) = matcher.explain(PROFILES[1], [1], top=2)
    assert cut == whole[:2]


@pytest.mark.parametrize("query", [text(""), text("，。"), text("zzyzx"), text("2025")])
def test_nothing_known_finds_nothing(matcher: TfidfMatcher, query: Document) -> None:
    assert matcher.rank(query) == []
    assert matcher.explain(query, [0, 1]) == [[], []]
    assert not matcher.scores(query, range(5)).any()


@pytest.mark.parametrize("documents", [[], [text("")]])
def test_an_empty_corpus_is_no_error(documents: list[Document]) -> None:
    fitted = TfidfMatcher().fit(documents)
    assert fitted.rank(NEED) == []
    assert fitted.scores(NEED, range(len(documents))).tolist() == [0] * len(documents)
    assert fitted.explain(NEED, range(len(documents))) == [[] for _ in documents]
    assert fitted.transform(PROFILES).n_documents == len(PROFILES)
    assert fitted.transform([]).n_documents == 0


@pytest.mark.parametrize(
    "long", [Document("磁" * 100_000, ""), text("magnet " * 14_000), text("a" * 100_000)]
)
def test_a_hundred_thousand_characters_are_weighed(long: Document) -> None:
    fitted = TfidfMatcher().fit([long, *PROFILES])
    assert np.isfinite(fitted.idf_).all()
    assert np.isfinite(fitted.postings_.weights).all()
    assert fitted.rank(long)[0].index == 0
    (terms,) = fitted.explain(long, [0], top=None)
    assert sum(one.share for one in terms) == pytest.approx(1, abs=1e-5)


def test_long_documents_are_taken_fewer_at_a_time() -> None:
    """What a batch needs of memory must not grow with the length of its documents."""
    long = (text("x" * 1_000_000) for _ in range(5))
    assert [len(batch) for batch in estimator._batches(long)] == [2, 2, 1]


def test_a_feature_that_every_document_has_may_weigh_nothing() -> None:
    fitted = TfidfMatcher(idf_floor=0, channel_weights=WORDS_ALONE).fit(
        [text("magnet glass"), text("magnet")]
    )
    assert fitted.rank(text("magnet")) == []
    assert [match.index for match in fitted.rank(text("magnet glass"))] == [0]
    assert (fitted.postings_.weights > 0).all()


def test_it_keeps_to_the_conventions_of_scikit_learn() -> None:
    weights = {"word": 0.5}
    matcher = TfidfMatcher(k1=2, channel_weights=weights)
    assert matcher.get_params()["channel_weights"] is weights
    assert not [name for name in vars(matcher) if name.endswith("_")]
    assert clone(matcher).get_params() == matcher.get_params()
    assert matcher.fit(iter(PROFILES)) is matcher
    assert matcher.n_documents_ == len(PROFILES)
    for call in ("rank", "weigh"):
        with pytest.raises(NotFittedError):
            getattr(TfidfMatcher(), call)(NEED)
    with pytest.raises(NotFittedError):
        TfidfMatcher().transform(PROFILES)


def test_fitting_again_forgets_what_was_fitted_before(matcher: TfidfMatcher) -> None:
    again = TfidfMatcher().fit([text("glass")]).fit(PROFILES)
    assert again.rank(NEED) == matcher.rank(NEED)
    assert np.array_equal(again.codes_, matcher.codes_)


@pytest.mark.parametrize("place", [len(PROFILES), -1])
def test_a_document_that_is_not_there_is_named(matcher: TfidfMatcher, place: int) -> None:
    with pytest.raises(IndexError):
        matcher.explain(NEED, [0, place])
    with pytest.raises(IndexError):
        matcher.scores(NEED, [place, 0])


def test_unknown_channels_are_named() -> None:
    with pytest.raises(ValueError, match="unknown channels: x"):
        TfidfMatcher(channel_weights={"x": 1}).fit(PROFILES)

"""Everybody with everybody: what stretches of products give is what pair by pair gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bidding.matching import pairing
from bidding.matching.estimator import Document, TfidfMatcher
from bidding.matching.facts_table import bonus, eligible
from bidding.matching.pairing import (
    LEAST_SCORE,
    PER_CHALLENGE,
    PER_ORGANIZATION,
    Market,
    Need,
    Pairs,
    best_for_challenges,
    join,
    matrix_of,
    pair_all,
)
from bidding.matching.shelves import View
from tests.matching import markets

FITTED = markets.market(markets.fitted(240))
NEEDS = markets.needs(30)


@pytest.fixture(params=["in memory", "on disk, with changes"])
def market(request: pytest.FixtureRequest, tmp_path: Path) -> Market:
    if request.param == "in memory":
        return FITTED
    return markets.market(markets.kept(240, tmp_path))


def every_rank(market: Market, needs: list[Need]) -> tuple[np.ndarray, np.ndarray]:
    """Score and rank of every pair, one by one: an SME a row, a need a column."""
    places = np.arange(len(market.view.every_id))
    behind = len(market.view.ids)
    hidden = market.view.hidden
    is_gone = np.append(
        hidden if hidden is not None else np.zeros(behind, bool),
        np.zeros(len(places) - behind, bool),
    )
    scores, ranks = (np.zeros((len(places), len(needs)), np.float32) for _ in range(2))
    for column, need in enumerate(needs):
        found = market.view.scores(market.view.weigh(need.text), market.view.every_id)
        scores[:, column] = np.where(is_gone, 0, found)
        fits = eligible(need.asked, market.facts) & (scores[:, column] >= LEAST_SCORE)
        points = bonus(need.asked, market.facts, market.policy)
        ranks[:, column] = np.where(fits, scores[:, column] + points, 0)
    return scores, ranks


def brute_force(market: Market, needs: list[Need]) -> set[tuple[int, int]]:
    """Needs and places that a refresh must keep."""
    _, ranks = every_rank(market, needs)
    wanted: set[tuple[int, int]] = set()
    for place, row in enumerate(ranks):
        best = np.lexsort((np.arange(len(row)), -row))[:PER_ORGANIZATION]
        wanted |= {(int(need), place) for need in best if row[need] > 0}
    for need, column in enumerate(ranks.T):
        best = np.lexsort((np.arange(len(column)), -column))[:PER_CHALLENGE]
        wanted |= {(need, int(place)) for place in best if column[place] > 0}
    return wanted


def stretched(market: Market, needs: list[Need], stretch: int) -> Pairs:
    queries = matrix_of(market.view, [market.view.weigh(need.text) for need in needs])
    places = len(market.view.every_id)
    mine, theirs = [], []
    for first in range(0, places, stretch):
        span = first, min(first + stretch, places)
        rows, facts = market.view.rows(*span), market.facts.take(slice(*span))
        found = pair_all(rows, first, needs, queries, facts, market.policy)
        mine.append(found[0])
        theirs.append(found[1])
    return join([*mine, best_for_challenges(theirs)])


@pytest.mark.parametrize("stretch", [3, 64, 1000])
def test_stretches_of_any_size_pair_as_one_by_one(market: Market, stretch: int) -> None:
    pairs = stretched(market, NEEDS, stretch)
    assert set(zip(pairs.needs.tolist(), pairs.places.tolist(), strict=True)) == brute_force(
        market, NEEDS
    )
    scores, ranks = every_rank(market, NEEDS)
    assert pairs.scores == pytest.approx(scores[pairs.places, pairs.needs], rel=1e-5)
    assert pairs.ranks == pytest.approx(ranks[pairs.places, pairs.needs], rel=1e-5)
    order = np.lexsort((pairs.places, pairs.needs))
    assert order.tolist() == list(range(len(order)))


def test_products_with_all_give_the_scores_of_single_pairs(market: Market) -> None:
    """Also for what only changed documents say, such as 量子点 here."""
    need = Need(1, Document("量子点", "量子点电池隔膜"), NEEDS[0].asked)
    vector = market.view.weigh(need.text)
    places = len(market.view.every_id)
    found = (market.view.rows(0, places) @ matrix_of(market.view, [vector])).toarray()[:, 0]
    expected = market.view.scores(vector, market.view.every_id)
    if market.view.hidden is not None:
        expected[: len(market.view.ids)][market.view.hidden] = 0
    assert found == pytest.approx(expected, rel=1e-5)


def test_one_challenge_is_paired_as_among_all(market: Market) -> None:
    _, ranks = every_rank(market, NEEDS)
    for column, need in enumerate(NEEDS):
        found = market.for_challenge(need)
        best = np.lexsort((market.view.every_id, -ranks[:, column]))[:PER_CHALLENGE]
        best = best[ranks[best, column] > 0]
        assert [one.organization_id for one in found] == market.view.every_id[best].tolist()
        assert [one.rank_score for one in found] == pytest.approx(ranks[best, column], abs=1e-4)
        assert all(one.challenge_id == need.challenge_id for one in found)


def test_one_sme_is_paired_as_among_all(market: Market) -> None:
    _, ranks = every_rank(market, NEEDS)
    for place in range(0, len(market.view.every_id), 31):
        ident = int(market.view.every_id[place])
        last = int(np.flatnonzero(market.view.every_id == ident)[-1])
        found = market.for_organization(ident, NEEDS)
        best = np.lexsort((np.arange(len(NEEDS)), -ranks[last]))[:PER_ORGANIZATION]
        best = best[ranks[last, best] > 0]
        assert [one.challenge_id - 100 for one in found] == best.tolist()
        assert all(one.organization_id == ident for one in found)


def test_a_pairing_says_why(market: Market) -> None:
    found = [one for need in NEEDS for one in market.for_challenge(need)]
    assert len(found) > 100
    for one in found:
        assert one.terms
        assert sum(term["share"] for term in one.terms) <= 1.001
        assert one.rank_score == pytest.approx(
            one.score + sum(boost["points"] for boost in one.boosts), abs=1e-4
        )


def test_whom_nobody_knows_is_paired_with_nothing(market: Market) -> None:
    for ident in (0, -5, 10**9):
        assert market.for_organization(ident, NEEDS) == []
    assert market.for_organization(int(market.view.ids[0]), []) == []


def test_an_empty_market_pairs_nothing() -> None:
    nobody = markets.market(View(TfidfMatcher().fit([]), np.empty(0, np.int64)))
    assert nobody.for_challenge(NEEDS[0]) == []
    assert nobody.for_organization(1, NEEDS) == []


def test_no_pairs_join_to_none() -> None:
    assert len(join([]).needs) == 0
    assert len(best_for_challenges([]).needs) == 0


def test_equals_are_cut_in_order_of_their_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairing, "PER_CHALLENGE", 3)
    same = np.full(4, 0.5, np.float32)
    late = Pairs(np.zeros(4, np.int64), np.array([5, 6, 7, 8]), same, same)
    early = Pairs(np.zeros(4, np.int64), np.array([1, 2, 3, 4]), same, same)
    assert best_for_challenges([late, early]).places.tolist() == [1, 2, 3]

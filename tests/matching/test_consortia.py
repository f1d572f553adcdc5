"""SMEs that together cover more: finding candidates, and choosing among them."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from bidding.matching import policy
from bidding.matching.consortia import MOST_MEMBERS, Candidate, Survey, smallest, survey
from bidding.matching.coverage import Extent, Item, Weighed
from bidding.matching.estimator import Document, TfidfMatcher
from bidding.matching.facts_table import Asked, FactsTable
from bidding.matching.pairing import Market, Need
from bidding.matching.shelves import View

# Choosing


@st.composite
def instances(draw):
    shape = draw(st.tuples(st.integers(1, 8), st.integers(1, 7)))
    covers = draw(arrays.arrays(bool, shape))
    weights = np.array(
        draw(st.lists(st.sampled_from([1, 2]), min_size=shape[1], max_size=shape[1]))
    )
    return covers, weights


def worth(covers, weights, members) -> int:
    return int(covers[list(members)].any(axis=0) @ weights)


def best_of(covers, weights, size: int) -> int:
    """The most that `size` members cover, tried one by one."""
    size = min(size, len(covers))
    return max(
        worth(covers, weights, members) for members in combinations(range(len(covers)), size)
    )


@given(instances())
def test_the_greedy_choice_is_never_far_from_the_best(instance) -> None:
    covers, weights = instance

    chosen = smallest(covers, weights)

    assert worth(covers, weights, chosen) >= (1 - 1 / math.e) * best_of(
        covers, weights, MOST_MEMBERS
    )


@given(instances())
def test_no_member_is_needless(instance) -> None:
    covers, weights = instance

    chosen = smallest(covers, weights)

    assert len(chosen) == len(set(chosen)) <= MOST_MEMBERS
    for member in chosen:
        others = [other for other in chosen if other != member]
        assert worth(covers, weights, others) < worth(covers, weights, chosen)


@given(instances())
def test_who_covers_it_all_alone_stays_alone(instance) -> None:
    covers, weights = instance
    chosen = smallest(covers, weights)
    reached = worth(covers, weights, chosen)

    if best_of(covers, weights, 1) == reached and reached:
        assert len(chosen) == 1


@given(instances())
def test_it_stops_early_only_when_nobody_adds_anything(instance) -> None:
    covers, weights = instance

    chosen = smallest(covers, weights, most=len(covers))

    assert worth(covers, weights, chosen) == best_of(covers, weights, len(covers))


@given(instances())
def test_a_fixed_member_stays_and_only_what_it_lacks_is_added(instance) -> None:
    covers, weights = instance

    chosen = smallest(covers, weights, first=1)

    assert chosen[0] == 0
    have = covers[0]
    for member in chosen[1:]:
        assert (covers[member] & ~have).any()


def test_a_later_member_can_make_an_earlier_needless() -> None:
    covers = np.array(
        [
            [True, True, True, True, False, False],
            [True, True, False, False, True, False],
            [False, False, True, True, False, True],
        ]
    )

    assert smallest(covers, np.ones(6, np.int64)) == [1, 2]


def test_nobody_to_choose_from_is_nobody_chosen() -> None:
    assert smallest(np.zeros((0, 3), bool), np.ones(3, np.int64)) == []
    assert smallest(np.zeros((4, 3), bool), np.ones(3, np.int64)) == []


# A survey


def survey_of(rows: dict[int, str], musts: str = "", challenge_id: int = 1) -> Survey:
    """Candidates by id, the best first; "#" is covered, "+" partly, "." not."""
    size = len(next(iter(rows.values())))
    parts = {"#": 0.9, "+": 0.3, ".": 0.0}
    items = tuple(
        Item(f"item {at}", f"item {at}", (musts or "!" * size)[at] == "!") for at in range(size)
    )
    candidates = tuple(
        Candidate(ident, round(0.5 - place / 100, 3), tuple(parts[mark] for mark in row))
        for place, (ident, row) in enumerate(rows.items())
    )
    return Survey(challenge_id, items, Weighed.restored([[] for _ in items]), candidates)


def members(consortia) -> list[list[int]]:
    return [[member.organization_id for member in each.members] for each in consortia]


def test_two_that_complete_each_other_are_proposed_with_who_covers_what() -> None:
    (found,) = survey_of({7: "##..", 4: "+.#.", 9: "...."}).propose()

    assert [member.organization_id for member in found.members] == [7, 4]
    covered, partly, nothing = Extent.COVERED, Extent.PARTLY, Extent.NOT
    assert [(line.together, line.members) for line in found.lines] == [
        (covered, [covered, partly]),
        (covered, [covered, nothing]),
        (covered, [nothing, covered]),
        (nothing, [nothing, nothing]),
    ]
    assert [item.label for item in found.covered] == ["item 0", "item 1", "item 2"]
    assert [item.label for item in found.left_open] == ["item 3"]


def test_nothing_is_proposed_where_one_sme_covers_as_many_musts() -> None:
    assert survey_of({1: "###", 2: "##.", 3: "..#"}).propose() == []
    # Together they add only what is desirable.
    assert survey_of({1: "##.", 2: "..#"}, musts="!!?").propose() == []


def test_where_nothing_must_be_met_everything_counts() -> None:
    assert members(survey_of({1: "##.", 2: "..#"}, musts="???").propose()) == [[1, 2]]


def test_a_must_outweighs_what_is_desirable() -> None:
    found = survey_of({2: ".#.", 1: "#..", 3: ".##"}, musts="!??")

    added = found.additions(Candidate(9, 0, (0, 0, 0)))

    assert [each.candidate.organization_id for each in added] == [1, 3, 2]


def test_the_more_alike_is_chosen_among_those_that_add_as_much() -> None:
    assert members(survey_of({5: "##..", 9: "..#.", 2: "..#."}).propose())[0] == [5, 9]


def test_at_most_four_members() -> None:
    rows = {ident: "".join("#" if at == ident else "." for at in range(6)) for ident in range(6)}

    proposed = survey_of(rows).propose()

    assert members(proposed)[0] == [0, 1, 2, 3]


def test_alternatives_do_without_a_member_and_are_not_the_same_with_less() -> None:
    proposed = survey_of({1: "##..", 2: "..##", 3: "..#.", 4: "#..."}).propose()

    # Without 2 there is 3 in its place; without 1 there is 4.
    assert members(proposed) == [[1, 2], [1, 3], [2, 4]]
    # [1] or [2] alone is nothing new.
    assert members(survey_of({1: "##..", 2: "..##"}).propose()) == [[1, 2]]


def test_partners_complete_what_an_sme_has_itself() -> None:
    found = survey_of({1: "##..", 2: "..#.", 3: "#.##", 4: "#..."})
    own = Candidate(1, 0, (0.9, 0.9, 0, 0))

    assert members([found.complete(own)]) == [[1, 3]]
    assert [
        (each.candidate.organization_id, [item.label for item in each.items])
        for each in found.additions(own)
    ] == [(3, ["item 2", "item 3"]), (2, ["item 2"])]


def test_an_sme_that_nobody_adds_to_has_no_partners() -> None:
    found = survey_of({1: "##.", 2: "#.."})

    assert found.complete(Candidate(1, 0, (0.9, 0.9, 0))) is None
    assert found.additions(Candidate(1, 0, (0.9, 0.9, 0))) == []
    assert survey_of({1: "##."}).complete(Candidate(1, 0, (0.9, 0.9, 0))) is None


def test_an_sme_that_covers_nothing_still_finds_partners() -> None:
    found = survey_of({2: "##.", 3: "..#"}).complete(Candidate(1, 0, (0, 0, 0)))

    assert members([found]) == [[1, 2, 3]]


def test_a_survey_survives_the_database() -> None:
    found = survey_of({7: "##..", 4: "+.#."}, musts="!!!?")

    again = Survey.restored(
        1, *json.loads(json.dumps([found.stored_items, found.stored_candidates]))
    )

    assert (again.items, again.candidates) == (found.items, found.candidates)


# Finding candidates

NEED = Need(
    1,
    Document("Neodymium magnets", "Neodymium magnets for traction motors."),
    Asked(99, None, None),
    (
        Item("Grain boundary diffusion", "Grain boundary diffusion"),
        Item("Salt spray", "Salt spray resistance"),
    ),
)


def market(profiles: dict[int, str]) -> Market:
    documents = [Document(f"Firm {ident}", text) for ident, text in profiles.items()]
    rows = [(ident, "330783", "39", "small", 0, 0) for ident in profiles]
    view = View(TfidfMatcher().fit(documents), np.array(list(profiles)))
    return Market(view, FactsTable.from_rows(rows), policy.read())


def test_candidates_cover_something_and_are_close_to_the_whole() -> None:
    found = survey(
        market(
            {
                1: "Neodymium magnets by grain boundary diffusion",
                2: "Neodymium magnets with salt spray resistance",
                3: "Neodymium magnets",
                4: "Salt spray resistance of garden gates",
                99: "Neodymium magnets, grain boundary diffusion, salt spray resistance",
            }
        ),
        NEED,
    )

    # 3 covers nothing, 4 knows nothing of magnets, 99 posts the challenge.
    assert {each.organization_id for each in found.candidates} == {1, 2}
    assert {each.organization_id: each.extents for each in found.candidates} == {
        1: [Extent.COVERED, Extent.NOT],
        2: [Extent.NOT, Extent.COVERED],
    }
    assert [each.score for each in found.candidates] == sorted(
        (each.score for each in found.candidates), reverse=True
    )
    assert len(found.propose()) == 1


def test_a_few_dozen_candidates_are_enough_however_many_there_are() -> None:
    skills = ("grain boundary diffusion", "salt spray resistance", "both of nothing")
    many = {ident: f"Neodymium magnets, {skills[ident % 3]}" for ident in range(1, 90)}

    found = survey(market(many), NEED)

    assert len(found.candidates) == 24
    assert len(found.propose()) == 3


def test_without_items_there_is_nothing_to_find() -> None:
    someone = market({1: "Neodymium magnets"})

    assert survey(someone, replace(NEED, items=NEED.items[:1])) is None
    assert survey(market({}), NEED).candidates == ()

"""The matcher report: what becomes of suggestions, and whom posters are never shown."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest

from bidding import clock
from bidding.challenges.models import ChallengeInvitation, ChallengeStatus
from bidding.dashboards import report
from bidding.dashboards.report import Period, Share, Step
from bidding.matching import rules
from bidding.matching.models import Side, Suggestion, Verdict
from bidding.organizations.models import OrganizationStatus
from bidding.organizations.size_classes import SizeClass
from bidding.solutions.models import SolutionStatus
from tests import factories as f

POSTER, SOLVER = Side.POSTER, Side.SOLVER


@pytest.fixture
def admin(session, sign_in):
    person = f.UserFactory(administrator=True)
    session.commit()
    return sign_in(person)


def suggest(session, challenge, organization, score: float = 0.4) -> None:
    session.add(Suggestion(challenge=challenge, organization=organization, score=score, terms=[]))
    session.flush()


def show(session, side, *pairs, days_ago: int = 0, opened: bool = False) -> None:
    moment = clock.now() - timedelta(days=days_ago)
    for challenge, organization in pairs:
        pair = (challenge.id, organization.id)
        rules.expose(session, side, [pair], at=moment)
        if opened:
            rules.note_opening(session, side, pair, at=moment)


def smes(number: int, **facts: object) -> list:
    return [f.OrganizationFactory(sme=True, **facts) for _ in range(number)]


def funnel(session, period: Period = Period.ALL) -> dict[Side, dict[Step, Share]]:
    rows = report.read(session, period).rows
    return {side: {step: shares[place] for step, shares in rows} for place, side in enumerate(Side)}


def test_each_side_has_a_funnel_of_its_own(session) -> None:
    challenge, (one, two, three) = f.ChallengeFactory(), smes(3)
    for organization, score in ((one, 0.4), (two, 0.3), (three, 0.09)):
        suggest(session, challenge, organization, score)
    show(session, POSTER, (challenge, one), opened=True)
    show(session, POSTER, (challenge, two))
    show(session, SOLVER, (challenge, one))
    poster, solver = f.member_of(challenge.organization), f.member_of(one)
    rules.give_feedback(session, challenge, one, actor=poster, verdict=Verdict.INTERESTED)
    rules.give_feedback(session, challenge, two, actor=poster, verdict=Verdict.NOT_RELEVANT)
    rules.give_feedback(session, challenge, one, actor=solver, verdict=Verdict.NOT_RELEVANT)
    session.add(ChallengeInvitation(challenge=challenge, organization=one, invited_by_id=poster.id))
    session.flush()

    found = funnel(session)

    assert found[POSTER] == {
        Step.SUGGESTED: Share(3),
        Step.SHOWN: Share(2, 3),
        Step.OPENED: Share(1, 2),
        Step.INTERESTED: Share(1, 2),
        Step.NOT_RELEVANT: Share(1, 2),
        Step.INVITED: Share(1, 2),
        Step.APPLIED: Share(0, 0),
        Step.AWARDED: Share(0, 0),
    }
    # An SME is kept from the third: it is too weak to be recommended.
    assert found[SOLVER] == found[POSTER] | {
        Step.SUGGESTED: Share(2),
        Step.SHOWN: Share(1, 2),
        Step.OPENED: Share(0, 1),
        Step.INTERESTED: Share(0, 1),
        Step.NOT_RELEVANT: Share(1, 1),
        Step.INVITED: Share(1, 1),
    }


def test_what_is_taken_back_does_not_count(session) -> None:
    challenge, (one,) = f.ChallengeFactory(), smes(1)
    poster = f.member_of(challenge.organization)
    show(session, POSTER, (challenge, one))
    rules.give_feedback(session, challenge, one, actor=poster, verdict=Verdict.INTERESTED)
    rules.take_back_feedback(session, challenge, one, actor=poster)

    assert funnel(session)[POSTER][Step.INTERESTED] == Share(0, 1)


def test_a_sealed_solution_is_no_part_of_a_number(session) -> None:
    (one, two, three) = smes(3)
    sealed = f.ChallengeFactory()
    opened = f.ChallengeFactory(status=ChallengeStatus.EVALUATING, closed=True)
    for challenge in (sealed, opened):
        show(session, POSTER, (challenge, one), (challenge, two), (challenge, three))
        f.SolutionFactory(challenge=challenge, organization=one)
        f.SolutionFactory(challenge=challenge, organization=two, status=SolutionStatus.WITHDRAWN)
    session.flush()

    found = funnel(session)[POSTER]

    assert found[Step.APPLIED] == Share(1, 3)
    assert found[Step.AWARDED] == Share(0, 3)


@pytest.mark.parametrize(
    ("status", "awarded"),
    [
        (SolutionStatus.SELECTED, 1),
        (SolutionStatus.CONFIRMED, 1),
        (SolutionStatus.DECLINED, 1),
        (SolutionStatus.NOT_SELECTED, 0),
        (SolutionStatus.INELIGIBLE, 0),
    ],
)
def test_an_award_counts_whatever_the_sme_answers(session, status, awarded) -> None:
    challenge = f.ChallengeFactory(status=ChallengeStatus.AWARDED, closed=True)
    solution = f.SolutionFactory(challenge=challenge, status=status)
    show(session, POSTER, (challenge, solution.organization))

    found = funnel(session)[POSTER]

    assert found[Step.APPLIED] == Share(1, 1)
    assert found[Step.AWARDED] == Share(awarded, 1)


def test_a_pairing_belongs_to_the_period_in_which_it_was_first_shown(session) -> None:
    challenge, others = f.ChallengeFactory(), smes(3)
    for organization, days in zip(others, (10, 40, 100), strict=True):
        show(session, POSTER, (challenge, organization), days_ago=days)

    shown = {period: funnel(session, period)[POSTER][Step.SHOWN].number for period in Period}

    assert shown == {Period.MONTH: 1, Period.QUARTER: 2, Period.ALL: 3}


def test_what_waits_is_of_open_challenges_and_verified_smes(session) -> None:
    (one,), (suspended,) = smes(1), smes(1, status=OrganizationStatus.SUSPENDED)
    for challenge in (f.ChallengeFactory(), f.ChallengeFactory(closed=True)):
        suggest(session, challenge, one)
        suggest(session, challenge, suspended)

    assert funnel(session)[POSTER][Step.SUGGESTED] == Share(1)


def test_fairness_counts_verified_smes_by_size_and_province(session) -> None:
    challenge = f.ChallengeFactory()
    seen = smes(2)
    unseen = smes(1, size_class=SizeClass.MEDIUM, region_code="370211")
    f.OrganizationFactory(sme=True, status=OrganizationStatus.PENDING)
    show(session, POSTER, (challenge, seen[0]), (challenge, seen[1]))
    show(session, POSTER, (f.ChallengeFactory(), seen[0]))
    show(session, SOLVER, (challenge, unseen[0]))

    found = report.read(session, Period.ALL)

    assert [(g.key, g.smes, g.shown, g.showings) for g in found.sizes] == [
        ("small", 2, 2, 3),
        ("medium", 1, 0, 0),
    ]
    assert [(g.key, g.smes, g.shown, g.showings) for g in found.provinces] == [
        ("330000", 2, 2, 3),
        ("370000", 1, 0, 0),
    ]
    assert found.everyone.share == Share(2, 3)
    assert session.scalars(report.not_shown(None)).all() == unseen


def test_the_most_shown_tenth_is_of_all_smes_seen_or_not(session) -> None:
    """Of 11 SMEs a tenth is two; they have 5 of the 6 showings."""
    some = smes(11)
    for times, organization in ((3, some[0]), (2, some[1]), (1, some[2])):
        for _ in range(times):
            show(session, POSTER, (f.ChallengeFactory(), organization))

    assert report.read(session, Period.ALL).most_shown == Share(5, 6)


def test_the_page_names_who_is_never_shown_and_where_to_ask(session, admin) -> None:
    profile = f.ProfileFactory(organization__name="Qingdao Bakery")
    (empty,) = smes(1, name="Wuxi Unknown")
    seen = f.ProfileFactory(organization__name="Dongyang Seen").organization
    challenge = f.ChallengeFactory()
    show(session, POSTER, (challenge, seen))
    suggest(session, challenge, profile.organization)
    session.commit()

    page = admin.get("/reports/matching").text

    assert "Shown to no poster" in page
    assert f'href="/organizations/{profile.organization_id}"' in page
    assert f'href="/organizations/{empty.id}"' in page
    assert "Dongyang Seen" not in page
    assert page.count("Empty") == 1


def test_an_administrator_finds_the_report(session, admin) -> None:
    assert 'href="/reports/matching"' in admin.get("/dashboard").text


def test_a_site_without_smes_says_what_to_do(session, admin) -> None:
    assert "No SME is verified yet" in admin.get("/reports/matching").text


def test_the_period_is_chosen_by_a_link_and_nonsense_is_ignored(session, admin) -> None:
    smes(1)
    session.commit()
    for asked, chosen in (
        ("", "Last 90 days"),
        ("?period=30", "Last 30 days"),
        ("?period=x", "Last 90 days"),
    ):
        page = admin.get(f"/reports/matching{asked}").text
        assert f'aria-current="page">{chosen}</a>' in page


def test_the_table_can_be_taken_along(session, admin) -> None:
    challenge, (one, two) = f.ChallengeFactory(), smes(2)
    show(session, POSTER, (challenge, one), opened=True)
    suggest(session, challenge, two)
    session.commit()

    answer = admin.get("/reports/matching.csv?period=all")

    assert answer.mimetype == "text/csv"
    assert answer.headers["Content-Disposition"] == "attachment; filename=matching-all.csv"
    rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert rows[0] == ["Group", "Figure", "Count", "Of", "Percent"]
    assert rows[1:4] == [
        ["Posters", "Suggested", "2", "", ""],
        ["Posters", "Shown", "1", "2", "50"],
        ["Posters", "Opened", "1", "1", "100"],
    ]
    assert ["Verified SMEs shown to a poster", "Zhejiang", "1", "2", "50"] in rows
    chinese = admin.get("/reports/matching.csv?period=all&lang=zh_Hans_CN").data.decode("utf-8-sig")
    assert chinese.splitlines()[0] == "分组,指标,数量,总数,百分比"


def test_its_words_are_the_same_in_the_table_and_in_what_explains_it(session, admin) -> None:
    challenge, (sme,) = f.ChallengeFactory(), smes(1)
    show(session, POSTER, (challenge, sme))
    session.commit()

    page = admin.get("/reports/matching?period=all&lang=zh_Hans_CN").text

    explained = page.partition('id="funnel"')[2].partition("</p>")[0]
    for word in ("已推荐", "已展示", "已揭榜", "已中榜"):
        assert f"“{word}”" in explained
        assert f'<th scope="row">{word}<small>' in page


def test_the_report_costs_the_same_with_1_sme_and_30(session, admin, count_queries) -> None:
    challenge = f.ChallengeFactory()

    def more(number: int) -> None:
        for place, organization in enumerate(smes(2 * number)):
            suggest(session, challenge, organization)
            if place % 2:
                show(session, POSTER, (challenge, organization), opened=True)
                f.SolutionFactory(challenge=challenge, organization=organization)
        session.commit()

    more(1)
    admin.get("/reports/matching")
    few = [
        count_queries(lambda p=p: admin.get(p))
        for p in ("/reports/matching", "/reports/matching.csv")
    ]
    more(29)

    assert [
        count_queries(lambda p=p: admin.get(p))
        for p in ("/reports/matching", "/reports/matching.csv")
    ] == few

"""Suggestions: stored, told once, shown to both sides, and invitations."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from bidding import clock, deferred
from bidding.challenges import queries as challenge_queries
from bidding.challenges.models import ChallengeStatus
from bidding.challenges.rules import add_addendum
from bidding.matching import jobs, queries, rules
from bidding.matching.models import Strength, Suggestion
from bidding.notifications.models import Notification
from bidding.organizations.models import OrganizationStatus, QualificationKind
from bidding.permissions import AccessDenied
from bidding.violations import InvalidTransition, RuleViolation
from tests import factories as f

NEED = {
    "title": "Low heavy rare earth sintered neodymium magnets",
    "problem": "Coercivity of sintered neodymium magnets by grain boundary diffusion.",
}


@pytest.fixture
def market(session):
    """One open challenge about magnets, an SME that makes them, one that bakes bread."""
    challenge = f.ChallengeFactory(**NEED)
    magnets = f.solver(name="Dongyang Magnets")
    f.ProfileFactory(organization=magnets.organization)
    bakery = f.solver(name="Qingdao Bakery")
    f.ProfileFactory(
        organization=bakery.organization, products="Bread and cakes", technologies="Sourdough"
    )
    session.commit()
    return challenge, magnets, bakery


def stored(session) -> list[Suggestion]:
    session.rollback()  # read what the jobs committed
    return list(session.scalars(sa.select(Suggestion).order_by(Suggestion.score.desc())))


def test_publishing_suggests_the_sme_whose_profile_shares_the_terms(session, market) -> None:
    challenge, magnets, _bakery = market

    jobs.match_challenge(challenge.id)

    (suggestion,) = stored(session)
    assert suggestion.organization_id == magnets.organization_id
    assert "grain boundary diffusion" in {item["term"] for item in suggestion.terms}
    assert suggestion.strength in (Strength.STRONG, Strength.GOOD)


def test_an_sme_is_told_of_a_challenge_once(session, market) -> None:
    challenge, magnets, _bakery = market

    jobs.match_challenge(challenge.id)
    jobs.match_challenge(challenge.id)

    session.rollback()
    told = session.scalars(sa.select(Notification)).all()
    assert [(n.event, n.user_id) for n in told] == [("challenges.suggest", magnets.id)]


def test_a_hidden_poster_is_not_named_to_the_sme(session, market) -> None:
    challenge, *_ = market
    challenge.shows_name = False
    session.commit()

    jobs.match_challenge(challenge.id)

    session.rollback()
    (notice,) = session.scalars(sa.select(Notification))
    assert notice.params["poster_name"] == ""
    assert challenge.organization.name not in str(notice.params)


def test_nothing_is_suggested_for_a_challenge_that_is_not_open(session, market) -> None:
    challenge, *_ = market
    challenge.status = ChallengeStatus.SUSPENDED
    session.commit()

    jobs.match_challenge(challenge.id)

    assert stored(session) == []


def test_a_changed_profile_changes_the_recommendations(session, market) -> None:
    challenge, _magnets, bakery = market
    jobs.match_challenge(challenge.id)
    session.rollback()

    bakery.organization.profile.products = "Sintered neodymium magnets, low heavy rare earth"
    session.commit()
    jobs.match_organization(bakery.organization_id)

    assert {row.organization_id for row in stored(session)} >= {bakery.organization_id}
    assert session.scalar(sa.select(sa.func.count(Notification.id))) == 1  # only the first


def test_refresh_stores_what_the_single_jobs_store(session, market) -> None:
    challenge, *_ = market
    jobs.match_challenge(challenge.id)
    single = [(s.challenge_id, s.organization_id, s.score) for s in stored(session)]

    assert jobs.refresh() == len(single)

    assert [(s.challenge_id, s.organization_id, s.score) for s in stored(session)] == single


def test_refresh_forgets_an_sme_that_was_suspended(session, market) -> None:
    challenge, magnets, _bakery = market
    jobs.refresh()
    session.rollback()
    magnets.organization.status = "suspended"
    session.commit()

    jobs.refresh()

    assert stored(session) == []


def test_what_changes_during_a_refresh_is_not_overwritten_by_it(session, market) -> None:
    challenge, magnets, bakery = market
    jobs.refresh()
    session.rollback()

    def meanwhile(done: int, _everything: int) -> None:
        """The market was read, and nothing is stored yet."""
        if done:
            return
        bakery.organization.profile.products = "Sintered neodymium magnets, low heavy rare earth"
        magnets.organization.profile.products = "Bread and cakes"
        magnets.organization.profile.technologies = "Sourdough"
        session.commit()
        for sme in (bakery, magnets):
            jobs.match_organization(sme.organization_id)

    jobs.refresh(meanwhile)

    assert [row.organization_id for row in stored(session)] == [bakery.organization_id]
    jobs.refresh()
    assert [row.organization_id for row in stored(session)] == [bakery.organization_id]


def test_a_pair_that_another_job_stores_during_a_refresh_is_no_error(session, market) -> None:
    challenge, magnets, _bakery = market

    def meanwhile(done: int, _everything: int) -> None:
        if not done:
            jobs.match_challenge(challenge.id)

    jobs.refresh(meanwhile)

    assert [row.organization_id for row in stored(session)] == [magnets.organization_id]


def test_a_poster_invites_an_sme_in_a_click(session, market, sign_in) -> None:
    challenge, magnets, _bakery = market
    poster = f.member_of(challenge.organization)
    session.commit()
    jobs.match_challenge(challenge.id)
    client = sign_in(poster)

    page = client.get(f"/challenges/{challenge.id}/suggestions").text
    assert "Dongyang Magnets" in page
    assert "grain boundary diffusion" in page

    client.post(
        f"/challenges/{challenge.id}/invitations",
        data={"organization": magnets.organization_id},
    )

    assert list(session.scalars(queries.invited_to(challenge.id))) == [magnets.organization_id]
    events = session.scalars(sa.select(Notification.event).order_by(Notification.id)).all()
    assert events == ["challenges.suggest", "challenges.invite"]


def test_a_card_shows_the_qualifications_that_have_not_expired(session, market, sign_in) -> None:
    challenge, magnets, _bakery = market
    poster = f.member_of(challenge.organization)
    today = clock.now().date()
    for kind, day in (
        (QualificationKind.LITTLE_GIANT, today - timedelta(days=1)),
        (QualificationKind.SRDI_SME, today),
        (QualificationKind.HIGH_TECH, None),
    ):
        f.QualificationFactory(organization=magnets.organization, kind=kind, expires_on=day)
    session.commit()
    jobs.match_challenge(challenge.id)

    page = sign_in(poster).get(f"/challenges/{challenge.id}/suggestions").text

    card = page.partition('<div class="card-top">')[2].partition("</div>")[0]
    assert "“Little giant” SME" not in card
    assert "Specialized and sophisticated SME" in card
    assert "High-tech enterprise" in card


def test_nobody_else_invites(session, market) -> None:
    challenge, magnets, _bakery = market
    stranger = f.poster()

    with pytest.raises(AccessDenied):
        rules.invite(session, challenge, magnets.organization, actor=stranger)


def test_inviting_twice_or_to_a_closed_challenge_is_refused(session, market) -> None:
    challenge, magnets, _bakery = market
    poster = f.member_of(challenge.organization)
    rules.invite(session, challenge, magnets.organization, actor=poster)

    with pytest.raises(RuleViolation, match="invited already"):
        rules.invite(session, challenge, magnets.organization, actor=poster)
    challenge.status = ChallengeStatus.SUSPENDED
    with pytest.raises(InvalidTransition):
        rules.invite(session, challenge, f.solver().organization, actor=poster)
    deferred.take(session)


def test_an_sme_sees_its_recommendations_with_the_reason(session, market, sign_in) -> None:
    challenge, magnets, bakery = market
    jobs.match_challenge(challenge.id)

    page = sign_in(magnets).get("/recommendations").text
    assert challenge.title in page
    assert "grain boundary diffusion" in page
    assert challenge.title not in sign_in(bakery).get("/recommendations").text


def test_suggestions_are_the_posters_and_the_staffs(session, market, sign_in) -> None:
    challenge, magnets, _bakery = market
    reviewer, stranger = f.UserFactory(reviewer=True), f.poster()
    session.commit()
    address = f"/challenges/{challenge.id}/suggestions"

    assert sign_in(reviewer).get(address).status_code == 200
    assert sign_in(stranger).get(address).status_code == 403
    assert sign_in(magnets).get(address).status_code == 403


def test_lists_run_the_same_number_of_queries_with_1_row_and_20(
    session, market, sign_in, count_queries
) -> None:
    challenge, magnets, _bakery = market
    poster = f.member_of(challenge.organization)
    session.commit()
    jobs.refresh()
    seller, buyer = sign_in(magnets), sign_in(poster)
    lists = [
        (seller, "/recommendations"),
        (buyer, f"/challenges/{challenge.id}/suggestions"),
    ]
    few = [count_queries(lambda c=c, u=u: c.get(u)) for c, u in lists]
    for _ in range(20):
        f.ChallengeFactory(**NEED)
        f.ProfileFactory()
    session.commit()
    jobs.refresh()

    assert [count_queries(lambda c=c, u=u: c.get(u)) for c, u in lists] == few


def test_a_suspended_poster_neither_invites_nor_supplements(session, market) -> None:
    challenge, magnets, _bakery = market
    poster = f.member_of(challenge.organization)
    challenge.organization.status = OrganizationStatus.SUSPENDED
    session.commit()

    with pytest.raises(InvalidTransition, match="is suspended"):
        rules.invite(session, challenge, magnets.organization, actor=poster)
    with pytest.raises(InvalidTransition, match="is suspended"):
        add_addendum(session, challenge, actor=poster, text="Samples are at hand.")


@pytest.mark.parametrize("number", ["", "abc", "-1", "0", str(10**30)])
def test_nobody_is_invited_by_a_number_that_nobody_has(session, market, sign_in, number) -> None:
    challenge, *_ = market
    poster = f.member_of(challenge.organization)
    session.commit()

    answer = sign_in(poster).post(
        f"/challenges/{challenge.id}/invitations", data={"organization": number}
    )

    assert answer.status_code == 404


def test_two_colleagues_who_invite_at_once_are_told_and_invite_once(
    session, market, sign_in, monkeypatch
) -> None:
    challenge, magnets, _bakery = market
    browser = sign_in(f.member_of(challenge.organization))
    session.commit()
    # Neither sees the other's invitation, as in two transactions at the same time.
    monkeypatch.setattr(challenge_queries, "invitation", lambda *_: sa.select(sa.null()))
    address = f"/challenges/{challenge.id}/invitations"

    answers = [
        browser.post(address, data={"organization": magnets.organization_id}) for _ in range(2)
    ]

    assert [answer.status_code for answer in answers] == [302, 409]
    told = session.scalars(sa.select(Notification).where(Notification.user_id == magnets.id)).all()
    assert [notice.event for notice in told] == ["challenges.invite"]

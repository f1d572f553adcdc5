"""The page that says why a pair fits, as each side reads it."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa

from bidding.challenges.models import ChallengeStatus
from bidding.extensions import db
from bidding.matching import index, jobs, rules
from bidding.matching.models import Exposure, Side
from bidding.matching.shelves import IndexNotReady
from tests import factories as f

STATED = "Energy product at least 48 MGOe. Grain boundary diffusion of heavy rare earths."


class Pair:
    """An open challenge with a withheld poster, an SME that fits it, and one that fits better."""

    def __init__(self, session) -> None:
        self.challenge = f.ChallengeFactory(
            title="Grain boundary diffusion of sintered magnets",
            problem="Coercivity falls above 150 degrees. **Terbium** must not exceed 0.3 wt%.",
            requirements=[
                f.RequirementFactory.build(name="Energy product", unit="MGOe", position=0),
                f.RequirementFactory.build(name="Terbium content", unit="wt%", position=1),
            ],
            shows_name=False,
            organization__name="Secret Motors",
        )
        self.poster = f.member_of(self.challenge.organization)
        self.solver, self.rival = f.solver(name="Our Magnets"), f.solver(name="Rival Magnets")
        f.ProfileFactory(organization=self.solver.organization, technologies=STATED)
        f.ProfileFactory(
            organization=self.rival.organization,
            products="Terbium for sintered magnets",
            technologies="Grain boundary diffusion of magnets, coercivity and terbium content",
        )
        session.commit()
        jobs.refresh()
        session.rollback()

    @property
    def address(self) -> str:
        return f"/challenges/{self.challenge.id}/pairings/{self.solver.organization_id}"


@pytest.fixture
def pair(session) -> Pair:
    return Pair(session)


def read(browser, address: str) -> str:
    """A page without what differs each time it is read: the tokens of its forms."""
    return re.sub(r'name="csrf_token" value="[^"]*"', "", browser.get(address).text)


def words(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_the_poster_reads_why_this_sme(pair, sign_in) -> None:
    page = sign_in(pair.poster).get(pair.address).text

    assert "<h1>Why this SME</h1>" in page
    assert re.search(r'<mark class="tie tie-\d">Grain boundary diffusion</mark>', page)
    assert "Of 2 requirements 1 are covered" in words(page)
    assert "The profile states a figure that meets it: Energy product at least 48 MGOe" in words(
        page
    )
    assert "What would raise you" not in page
    assert f'action="/challenges/{pair.challenge.id}/invitations"' in page


def test_the_sme_reads_why_this_challenge_and_what_would_raise_it(pair, sign_in) -> None:
    page = sign_in(pair.solver).get(pair.address).text

    assert "<h1>Why this challenge</h1>" in page
    assert "You are number 2 among the SMEs suggested for this challenge." in page
    assert "We reach: Terbium content ≥ 45 wt%" in page
    assert "only if it is true of you" in page
    profile = f"/organizations/{pair.solver.organization_id}/profile#technologies"
    assert f'href="{profile}"' in page


def test_the_sme_learns_neither_of_others_nor_who_posts_nor_what_the_poster_says(
    session, pair, sign_in
) -> None:
    browser = sign_in(pair.solver)
    before = read(browser, pair.address)
    for verdict in ("interested", "not_relevant"):
        sign_in(pair.poster).post(
            f"/challenges/{pair.challenge.id}/feedback",
            data={"organization": pair.solver.organization_id, "verdict": verdict},
        )
        assert read(browser, pair.address) == before

    assert "Rival" not in before
    assert "Secret Motors" not in before


def test_the_poster_learns_of_interest_and_of_nothing_else(session, pair, sign_in) -> None:
    browser = sign_in(pair.poster)
    before = read(browser, pair.address)

    def say(verdict: str) -> str:
        sign_in(pair.solver).post(
            f"/challenges/{pair.challenge.id}/feedback",
            data={"organization": pair.solver.organization_id, "verdict": verdict},
        )
        return read(browser, pair.address)

    assert "This SME is interested" in say("interested")
    assert say("not_relevant") == before


def test_each_side_sees_what_it_said_and_can_take_it_back(pair, sign_in) -> None:
    browser = sign_in(pair.solver)
    said = {"organization": pair.solver.organization_id, "next": pair.address}
    address = f"/challenges/{pair.challenge.id}/feedback"

    page = browser.post(address, data={**said, "verdict": "not_relevant"}, follow_redirects=True)
    assert "Bring back" in page.text
    page = browser.post(address, data={**said, "verdict": ""}, follow_redirects=True)
    assert "Bring back" not in page.text


def test_an_sme_that_fails_a_condition_is_told_and_not_advised(session, pair, sign_in) -> None:
    pair.challenge.taker_region_code = "440000"
    session.commit()

    own, theirs = (sign_in(who).get(pair.address).text for who in (pair.solver, pair.poster))

    assert "your organization is in" in own
    assert "What would raise you" not in own
    assert "this SME is in" in theirs
    assert "your organization" not in theirs
    assert "is not suggested, however alike the texts are" in own


def test_a_closed_challenge_is_still_explained(session, pair, sign_in) -> None:
    pair.challenge.status = ChallengeStatus.CANCELLED
    session.commit()

    page = sign_in(pair.solver).get(pair.address).text

    assert "Solutions are not accepted at present." in page
    assert "What would raise you" not in page


def test_a_challenge_that_lists_no_requirements_is_explained_all_the_same(
    session, pair, sign_in
) -> None:
    pair.challenge.requirements = []
    session.commit()

    for reader in (pair.solver, pair.poster):
        answer = sign_in(reader).get(pair.address)
        assert answer.status_code == 200
        assert "The poster lists no separate requirements." in answer.text


def test_who_may_read_it(session, pair, sign_in, client) -> None:
    reviewer, stranger = f.UserFactory(reviewer=True), f.poster()
    session.commit()

    assert sign_in(reviewer).get(pair.address).status_code == 200
    assert sign_in(stranger).get(pair.address).status_code == 403
    assert sign_in(pair.rival).get(pair.address).status_code == 403
    assert client.get(pair.address).status_code == 302


@pytest.mark.parametrize("number", ["0", "99999", str(10**30)])
def test_there_is_no_pair_with_nobody(pair, sign_in, number) -> None:
    address = f"/challenges/{pair.challenge.id}/pairings/{number}"

    assert sign_in(pair.poster).get(address).status_code == 404


def test_a_large_enterprise_is_no_side_of_a_pair(pair, sign_in) -> None:
    address = f"/challenges/{pair.challenge.id}/pairings/{pair.challenge.organization_id}"

    assert sign_in(pair.poster).get(address).status_code == 404


def test_while_the_index_is_being_rebuilt_the_page_says_so(pair, sign_in, monkeypatch) -> None:
    def missing(_session):
        raise IndexNotReady("offers")

    monkeypatch.setattr(index, "offers", missing)

    answer = sign_in(pair.solver).get(pair.address)

    assert answer.status_code == 200
    assert "The index is being rebuilt" in answer.text


def test_a_job_makes_the_index_that_it_lacks(pair, monkeypatch) -> None:
    market, made = index.market, []

    def once_missing(session):
        if not made:
            raise IndexNotReady("offers")
        return market(session)

    monkeypatch.setattr(index, "market", once_missing)
    monkeypatch.setattr(jobs, "make_snapshots", lambda: made.append(1))

    jobs.match_challenge(pair.challenge.id)

    assert made == [1]


def test_what_people_wrote_is_escaped(session, pair, sign_in) -> None:
    pair.solver.organization.profile.cases = "<script>magnets</script> <b>sintered</b>"
    session.commit()

    page = sign_in(pair.solver).get(pair.address).text

    assert "<script>magnets" not in page
    assert "<b>" not in page


def test_looking_at_a_pair_opens_it(session, pair, sign_in, run_jobs) -> None:
    ids = [(pair.challenge.id, pair.solver.organization_id)]
    reviewer = f.UserFactory(reviewer=True)
    for side in Side:
        rules.expose(session, side, ids)
    session.commit()

    sign_in(reviewer).get(pair.address)
    sign_in(pair.solver).get(pair.address)
    run_jobs()

    session.rollback()
    rows = session.scalars(sa.select(Exposure).order_by(Exposure.id)).all()
    assert {row.side: row.opened_at is not None for row in rows} == {
        Side.POSTER: False,
        Side.SOLVER: True,
    }


def test_the_ways_to_the_page(pair, sign_in) -> None:
    link = f'href="{pair.address}"'

    assert link in sign_in(pair.poster).get(f"/challenges/{pair.challenge.id}/suggestions").text
    assert link in sign_in(pair.solver).get("/recommendations").text
    assert link in sign_in(pair.solver).get(f"/challenges/{pair.challenge.id}").text
    assert link not in sign_in(pair.poster).get(f"/challenges/{pair.challenge.id}").text


def test_the_page_costs_the_same_with_many_smes(session, pair, sign_in, count_queries) -> None:
    browsers = [sign_in(pair.poster), sign_in(pair.solver)]
    for browser in browsers:
        browser.get(pair.address)
    few = [count_queries(lambda b=b: b.get(pair.address)) for b in browsers]
    for number in range(20):
        f.ProfileFactory(technologies=STATED)
        pair.challenge.requirements.append(
            f.RequirementFactory.build(name=f"Loss {number}", position=9)
        )
    session.commit()
    jobs.refresh()
    for browser in browsers:
        browser.get(pair.address)

    assert [count_queries(lambda b=b: b.get(pair.address)) for b in browsers] == few


def test_the_page_takes_one_connection(app, pair, sign_in) -> None:
    browser = sign_in(pair.solver)
    with app.app_context():
        pool = db.engine.pool
    held, most = set(), []

    def taken(connection, *_rest) -> None:
        held.add(connection)
        most.append(len(held))

    def given_back(connection, *_rest) -> None:
        held.discard(connection)

    sa.event.listen(pool, "checkout", taken)
    sa.event.listen(pool, "checkin", given_back)
    try:
        browser.get(pair.address)
    finally:
        sa.event.remove(pool, "checkout", taken)
        sa.event.remove(pool, "checkin", given_back)

    assert max(most) == 1

"""Which pairings people saw: said by pages, kept by jobs, counted once."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from bidding import background, clock, deferred
from bidding.matching import exposure, rules
from bidding.matching.models import Exposure, Side, Suggestion
from bidding.notifications.links import link_to
from bidding.notifications.models import Notification
from tests import factories as f

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def pair(session):
    """An open challenge and an SME that fits it, with a member each."""
    challenge, solver = f.ChallengeFactory(), f.solver()
    poster = f.member_of(challenge.organization)
    terms = [{"term": "magnet", "share": 0.5}]
    session.add(
        Suggestion(challenge=challenge, organization=solver.organization, score=0.4, terms=terms)
    )
    session.commit()
    return challenge, solver, poster


def kept(session) -> list[tuple[Side, bool]]:
    """What is known of exposures: the side, and whether it opened the pairing."""
    session.rollback()
    rows = session.scalars(sa.select(Exposure).order_by(Exposure.id))
    return [(row.side, row.opened_at is not None) for row in rows]


def test_a_suggestion_counts_as_shown_once_its_poster_saw_it(
    session, pair, sign_in, run_jobs
) -> None:
    challenge, solver, poster = pair
    browser = sign_in(poster)
    assert kept(session) == []

    for _ in range(3):
        browser.get(f"/challenges/{challenge.id}/suggestions")
        run_jobs()

    assert kept(session) == [(Side.POSTER, False)]
    (row,) = session.scalars(sa.select(Exposure))
    assert (row.challenge_id, row.organization_id) == (challenge.id, solver.organization_id)


def test_the_page_itself_writes_nothing(session, pair, sign_in, app) -> None:
    challenge, _solver, poster = pair
    sign_in(poster).get(f"/challenges/{challenge.id}/suggestions")

    assert kept(session) == []
    assert len(app.extensions["queue"].pending()) == 1


def test_staff_are_not_the_poster(session, pair, sign_in, run_jobs) -> None:
    challenge, *_ = pair
    reviewer = f.UserFactory(reviewer=True)
    session.commit()

    sign_in(reviewer).get(f"/challenges/{challenge.id}/suggestions")

    assert run_jobs() == 0
    assert kept(session) == []


@pytest.mark.parametrize("page", ["/recommendations", "/dashboard"])
def test_a_recommendation_counts_wherever_the_sme_saw_it(
    session, pair, sign_in, run_jobs, page
) -> None:
    _challenge, solver, _poster = pair

    sign_in(solver).get(page)
    run_jobs()

    assert kept(session) == [(Side.SOLVER, False)]


def test_a_mail_about_a_challenge_shows_it(app, session, pair) -> None:
    challenge, *_ = pair

    rules.tell_solvers(session, challenge)
    session.commit()
    deferred.take(session)

    assert kept(session) == [(Side.SOLVER, False)]
    (notice,) = session.scalars(sa.select(Notification))
    with app.test_request_context():
        assert link_to(notice) == f"/challenges/{challenge.id}?from=notice"


def test_following_the_link_opens_the_pairing(session, pair, sign_in, run_jobs) -> None:
    challenge, solver, poster = pair
    for person, page in (
        (poster, f"/challenges/{challenge.id}/suggestions"),
        (solver, "/recommendations"),
    ):
        sign_in(person).get(page)
    run_jobs()
    profile, needed = f"/organizations/{solver.organization_id}", f"/challenges/{challenge.id}"

    page = sign_in(poster).get(f"/challenges/{challenge.id}/suggestions").text
    link = f"{profile}?challenge={challenge.id}&amp;from=suggestions"
    assert f'href="{link}"' in page
    sign_in(poster).get(link.replace("&amp;", "&"))
    run_jobs()
    assert kept(session) == [(Side.POSTER, True), (Side.SOLVER, False)]

    page = sign_in(solver).get("/recommendations").text
    assert f'href="{needed}?from=recommendations"' in page
    sign_in(solver).get(f"{needed}?from=recommendations")
    run_jobs()
    assert kept(session) == [(Side.POSTER, True), (Side.SOLVER, True)]


def test_other_ways_to_the_same_page_open_nothing(session, pair, sign_in, client, run_jobs) -> None:
    challenge, solver, poster = pair
    rules.expose(session, Side.POSTER, [(challenge.id, solver.organization_id)])
    rules.expose(session, Side.SOLVER, [(challenge.id, solver.organization_id)])
    stranger, newcomer = f.poster(), f.UserFactory()
    session.commit()
    needed, profile = f"/challenges/{challenge.id}", f"/organizations/{solver.organization_id}"

    for browser, address in (
        (sign_in(solver), needed),
        (sign_in(solver), f"{needed}?from=elsewhere"),
        (sign_in(poster), profile),
        (sign_in(poster), f"{profile}?from=suggestions"),
        (sign_in(poster), f"{profile}?from=suggestions&challenge={10**30}"),
        (sign_in(poster), f"{profile}?from=suggestions&challenge=-1"),
        (sign_in(poster), f"{needed}?from=recommendations"),
        (sign_in(stranger), f"{profile}?from=suggestions&challenge={challenge.id}"),
        (sign_in(newcomer), f"{needed}?from=recommendations"),
        (client, f"{needed}?from=recommendations"),
    ):
        assert browser.get(address).status_code == 200
    run_jobs()

    assert kept(session) == [(Side.POSTER, False), (Side.SOLVER, False)]


def test_what_was_never_shown_is_not_opened(session, pair, sign_in, run_jobs) -> None:
    challenge, solver, _poster = pair

    sign_in(solver).get(f"/challenges/{challenge.id}?from=notice")

    assert run_jobs() == 1
    assert kept(session) == []


def test_the_first_time_is_kept_whatever_order_jobs_run_in(session, pair) -> None:
    challenge, solver, _poster = pair
    ids = (challenge.id, solver.organization_id)
    later = datetime(2027, 3, 2, 12, tzinfo=UTC)

    exposure.keep_exposures("poster", [ids], NOON)
    exposure.keep_exposures("poster", [ids], later)
    exposure.keep_opening("poster", ids, NOON)
    exposure.keep_opening("poster", ids, later)

    session.rollback()
    (row,) = session.scalars(sa.select(Exposure))
    assert (row.shown_at, row.opened_at) == (NOON, NOON)


def test_two_jobs_that_keep_the_same_showing_do_not_collide(session, pair) -> None:
    """Neither saw the other's row, as when two workers run at once."""
    challenge, solver, _poster = pair
    ids = (challenge.id, solver.organization_id)

    rules.expose(session, Side.POSTER, [ids, ids])
    rules.expose(session, Side.POSTER, [ids])
    session.commit()

    assert kept(session) == [(Side.POSTER, False)]


def test_a_page_is_shown_although_the_queue_is_down(
    app, session, pair, sign_in, monkeypatch
) -> None:
    challenge, _solver, poster = pair

    def down(*_args: object) -> None:
        raise ConnectionError("no queue today")

    monkeypatch.setitem(app.extensions, "queue.run", down)

    answer = sign_in(poster).get(f"/challenges/{challenge.id}/suggestions")

    assert answer.status_code == 200


def test_an_empty_page_asks_for_no_job(session, sign_in, run_jobs) -> None:
    solver = f.solver()
    session.commit()

    sign_in(solver).get("/recommendations")

    assert run_jobs() == 0


def test_the_moment_is_the_pages_not_the_jobs(app, session, pair) -> None:
    challenge, solver, _poster = pair
    with clock.at(NOON):
        exposure.shown(Side.POSTER, [(challenge.id, solver.organization_id)])
    background.drain(app)

    session.rollback()
    assert session.scalars(sa.select(Exposure.shown_at)).all() == [NOON]

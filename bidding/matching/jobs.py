"""Background work that keeps suggestions fresh. Fitting happens outside any write lock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
import structlog
from flask import current_app
from sqlalchemy.orm import Session

from bidding import clock
from bidding.background import every, job
from bidding.boundary import reading, unit_of_work
from bidding.challenges.models import Challenge
from bidding.matching import consortia, index, queries, refreshing, rules
from bidding.matching.models import Suggestion
from bidding.matching.pairing import Market, Need, Pairing
from bidding.matching.shelves import IndexNotReady, Source

log = structlog.get_logger(__name__)


@job("matching.challenge")
def match_challenge(challenge_id: int) -> None:
    """Suggest SMEs for a challenge that was published, and tell the best of them."""
    with reading() as session:
        needs = index.load_needs(session, queries.open_challenge(challenge_id))
        if not needs:
            return
        market = _market(session)
    pairings = market.for_challenge(needs[0])
    surveys = _surveys(market, needs)
    with unit_of_work() as session:
        rules.store_surveys(session, surveys)
        rules.store(session, pairings, scope=Suggestion.challenge_id == challenge_id)
        challenge = session.get_one(Challenge, challenge_id)
        if not challenge.is_open:  # it may have been withdrawn while the matcher was at work
            return
        told = rules.tell_solvers(session, challenge)
    log.info("challenge_matched", challenge=challenge_id, pairings=len(pairings), told=told)


@job("matching.organization")
def match_organization(organization_id: int) -> None:
    """Recommend open challenges to an SME whose profile changed."""
    with reading() as session:
        needs = index.load_needs(session, queries.open_challenges())
        pairings = _market(session).for_organization(organization_id, needs)
    with unit_of_work() as session:
        rules.store(session, pairings, scope=Suggestion.organization_id == organization_id)
    log.info("organization_matched", organization=organization_id, pairings=len(pairings))


def _market(session: Session) -> Market:
    """What challenges are paired with. A missing index is made first: a job has the time.

    Raises
    ------
    IndexNotReady
        Another process is making it; the queue tries again.
    """
    try:
        return index.market(session)
    except IndexNotReady:
        make_snapshots()
        return index.market(session)


@every("matching.nightly", hour="18", minute="30")
def refresh_nightly() -> None:
    """At 2:30 in Shanghai: find what a lost job left stale."""
    log.info("matching_refreshed", pairings=refresh())


@every("matching.snapshots", minute="*/2")
def make_snapshots() -> None:
    """Make what is missing or damaged, and merge many changes into a new snapshot."""
    for source in index.SOURCES:
        with reading() as session:
            if index.shelf(source).needs_building(session):
                name = index.shelf(source).build(session)
                log.info("snapshot_made", source=source.name, snapshot=name)


def refresh(
    progress: Callable[[int, int], None] = lambda _done, _all: None, *, jobs: int = 1
) -> int:
    """Recompute every suggestion of the open challenges; answers how many there are.

    Nobody is told: this is maintenance, and so is what comes out of it.

    Raises
    ------
    IndexNotReady
        Another process is making the snapshot.
    """
    folder = Path(current_app.config["SETTINGS"].data_dir) / "matching" / "refresh"
    with refreshing.alone(folder):
        make_snapshots()
        started = clock.now()
        with reading() as session:
            market = index.market(session)
            needs = index.load_needs(session, queries.open_challenges())
        count = 0
        for pairings in refreshing.refresh(market, needs, folder, progress=progress, jobs=jobs):
            with unit_of_work("command") as session:
                unchanged = _unchanged(session, pairings, started)
                rules.put(session, unchanged, unless_after=started)
            count += len(pairings)
        surveys = _surveys(market, needs)
        with unit_of_work("command") as session:
            scope = sa.and_(
                Suggestion.challenge_id.in_([need.challenge_id for need in needs]),
                Suggestion.challenge_id.not_in(_changed(index.CHALLENGES, started)),
                Suggestion.organization_id.not_in(_changed(index.OFFERS, started)),
            )
            rules.drop_older(session, started, scope=scope)
            rules.store_surveys(session, surveys)
        refreshing.forget(folder)
    return count


def _unchanged(session: Session, pairings: Iterable[Pairing], since: datetime) -> Iterator[Pairing]:
    """Those of what is as it was; of the rest, the job that a change starts finds out more."""
    challenges, organizations = (
        set(session.scalars(_changed(source, since))) for source in (index.CHALLENGES, index.OFFERS)
    )
    for pairing in pairings:
        if pairing.challenge_id not in challenges and pairing.organization_id not in organizations:
            yield pairing


def _changed(source: Source, since: datetime) -> sa.Select[tuple[int]]:
    """The ids of what changed."""
    return sa.select(source.changed(since).subquery().c[0])


def _surveys(market: Market, needs: Iterable[Need]) -> list[consortia.Survey]:
    return [found for need in needs if (found := consortia.survey(market, need)) is not None]

"""Background work that keeps suggestions fresh. Fitting happens outside any write lock."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from bidding.background import every, job
from bidding.boundary import reading, unit_of_work
from bidding.challenges.models import Challenge
from bidding.matching import queries, rules
from bidding.matching.index import load_index, load_needs
from bidding.matching.models import Suggestion

log = structlog.get_logger(__name__)


@job("matching.challenge")
def match_challenge(challenge_id: int) -> None:
    """Suggest SMEs for a challenge that was published, and tell the best of them."""
    with reading() as session:
        index = load_index(session)
        needs = load_needs(session, queries.open_challenge(challenge_id))
    if not needs:
        return
    pairings = index.for_challenge(*needs[0])
    with unit_of_work() as session:
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
        index = load_index(session)
        needs = load_needs(session, queries.open_challenges())
    pairings = index.for_organization(organization_id, needs)
    with unit_of_work() as session:
        rules.store(session, pairings, scope=Suggestion.organization_id == organization_id)
    log.info("organization_matched", organization=organization_id, pairings=len(pairings))


@every("matching.nightly", hour="18", minute="30")
def refresh_nightly() -> None:
    """At 2:30 in Shanghai: find what a lost job left stale."""
    log.info("matching_refreshed", pairings=refresh())


def refresh(progress: Callable[[int, int], None] = lambda _done, _all: None) -> int:
    """Recompute every suggestion of the open challenges; answers how many there are.

    Nobody is told: this is maintenance, and so is what comes out of it.
    """
    with reading() as session:
        index = load_index(session)
        needs = load_needs(session, queries.open_challenges())
    pairings = index.for_everyone(needs, progress)
    open_ids = [challenge_id for challenge_id, _ in needs]
    with unit_of_work("command") as session:
        rules.store(session, pairings, scope=Suggestion.challenge_id.in_(open_ids))
    return len(pairings)

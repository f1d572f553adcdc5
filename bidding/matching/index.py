"""From the database to the matcher: which texts are matched, and where they are kept."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Flask, current_app
from sqlalchemy.orm import Session

from bidding.challenges.models import Challenge
from bidding.matching import queries
from bidding.matching.coverage import items_of
from bidding.matching.documents import need_of, offer_of
from bidding.matching.facts_table import Asked, load_table
from bidding.matching.pairing import Market, Need
from bidding.matching.policy import in_force
from bidding.matching.shelves import Shelf, Source, View

OFFERS = Source(
    "offers",
    queries.count_organizations,
    queries.changed_organizations,
    queries.organizations,
    offer_of,
)
"""Large enterprises included, few as they are: the directory is searched by it, too."""

CHALLENGES = Source(
    "challenges",
    queries.count_public_challenges,
    queries.changed_challenges,
    queries.public_challenges,
    need_of,
)
SOURCES = (OFFERS, CHALLENGES)


def init_app(app: Flask) -> None:
    """Give the application its shelves; their snapshots are in the data folder."""
    folder = app.config["SETTINGS"].data_dir / "matching"
    app.extensions["shelves"] = {one.name: Shelf(one, folder / one.name) for one in SOURCES}


def shelf(source: Source) -> Shelf:
    """The shelf of a source in this application."""
    found: Shelf = current_app.extensions["shelves"][source.name]
    return found


def offers(session: Session) -> View:
    """What organizations can do, large enterprises included; raises `IndexNotReady`.

    Which of them may take a challenge is for the facts to say; see `market`.
    """
    return shelf(OFFERS).view(session)


def challenges(session: Session) -> View:
    """The challenges that anyone may read; raises `IndexNotReady`."""
    return shelf(CHALLENGES).view(session)


def market(session: Session) -> Market:
    """What challenges are paired with; raises `IndexNotReady`.

    Facts are read each time: a qualification expires without anybody's changing it. Those of large
    enterprises are not among them, so none of these passes the gates.
    """
    view = offers(session)
    return Market(view, load_table(session).aligned(view.every_id), in_force())


def load_needs(session: Session, query: sa.Select[tuple[Challenge]]) -> list[Need]:
    """The challenges that `query` selects, as the matcher asks for them."""
    return [
        Need(challenge.id, need_of(challenge), Asked.of(challenge), items_of(challenge))
        for challenge in session.scalars(query)
    ]

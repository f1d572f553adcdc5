"""What a challenge is much like, as far as somebody may know of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from bidding.challenges.models import Challenge
from bidding.matching import index, queries
from bidding.matching.duplicates import MOST_SIMILAR, Similar, beside, similar_to
from bidding.matching.shelves import IndexNotReady, View
from bidding.permissions import STAFF, Party, Permission, allows, standing


@dataclass(frozen=True)
class Alike:
    """A challenge much like the one that is looked at."""

    challenge: Challenge
    similar: Similar
    is_own: bool
    """Whether it is of the reader's organization."""


def challenges_like(session: Session, challenge: Challenge, *, reader: Any) -> list[Alike]:
    """What `reader` may read that is much like `challenge`, the most alike first.

    Public challenges, and what is on its way: to its author only that of the same organization,
    to staff all of it.
    """
    text = index.need_of(challenge)
    is_poster = Party.POSTER in challenge.parties(reader)
    of_all = bool(standing(reader) & STAFF) and not is_poster
    unpublished = (
        queries.on_their_way() if of_all else queries.own_unpublished(reader.organization_id or 0)
    )
    others = {
        other.id: index.need_of(other)
        for other in session.scalars(unpublished)
        if other.id != challenge.id and allows(reader, Permission.READ_CHALLENGE, other)
    }
    view = _public(session)
    found = similar_to(view, challenge.id, text)
    found += similar_to(beside(view, others), challenge.id, text)
    best = sorted(found, key=lambda one: (-one.likeness, one.challenge_id))[:MOST_SIMILAR]
    query = queries.with_posters([one.challenge_id for one in best])
    rows = {row.id: row for row in session.scalars(query)}
    return [
        Alike(row, one, row.organization_id == reader.organization_id)
        for one in best
        if (row := rows.get(one.challenge_id)) and allows(reader, Permission.READ_CHALLENGE, row)
    ]


def _public(session: Session) -> View:
    """The public challenges; none of them while a worker is making their index."""
    try:
        return index.challenges(session)
    except IndexNotReady:
        return View.of([], [])

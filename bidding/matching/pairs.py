"""What the page of one challenge and one SME shows, and to whom."""

from __future__ import annotations

from typing import Any

from flask_login import current_user

from bidding.challenges import queries as challenge_queries
from bidding.challenges.models import Challenge
from bidding.extensions import db
from bidding.matching import index, policy, queries
from bidding.matching.advice import advise
from bidding.matching.explanations import PairReading, explanation_of
from bidding.matching.facts_table import load_table
from bidding.matching.models import Side, Verdict
from bidding.matching.pairing import PER_CHALLENGE
from bidding.matching.shelves import IndexNotReady
from bidding.organizations.models import Organization
from bidding.permissions import Permission, allows, demand


def looks_from(challenge: Challenge, organization: Organization) -> Side | None:
    """The side of a pair that the reader is on; None for staff."""
    if allows(current_user, Permission.SEE_RECOMMENDATIONS, organization):
        return Side.SOLVER
    demand(current_user, Permission.SEE_PAIR, challenge)
    return Side.POSTER if allows(current_user, Permission.GIVE_FEEDBACK, challenge) else None


def explained(
    challenge: Challenge, organization: Organization, side: Side | None
) -> dict[str, Any]:
    """Why the two fit and, for the SME alone, what would raise it; nothing without an index."""
    try:
        view = index.offers(db.session)
    except IndexNotReady:
        return {"explained": None, "advice": None}
    facts = load_table(db.session, [organization.id])
    pair = PairReading(view, challenge, organization)
    explanation = explanation_of(pair, facts, policy.in_force())
    if side is not Side.SOLVER:
        return {"explained": explanation, "advice": None}
    ranks = queries.ranks_of_others(challenge.id, organization.id, PER_CHALLENGE)
    others = db.session.scalars(ranks).all()
    return {"explained": explanation, "advice": advise(pair, explanation, others)}


def said_of(challenge: Challenge, organization: Organization, side: Side | None) -> dict[str, Any]:
    """What was said of a pair, as far as the reader may know it."""
    own = _verdict(challenge, organization, side) if side else None
    is_keen = (
        side is Side.POSTER and _verdict(challenge, organization, Side.SOLVER) is Verdict.INTERESTED
    )
    invitation = challenge_queries.invitation(challenge.id, organization.id)
    return {
        "is_liked": own is Verdict.INTERESTED,
        "is_set_aside": own is Verdict.NOT_RELEVANT,
        "is_keen": is_keen,
        "is_invited": db.session.scalar(invitation) is not None,
    }


def _verdict(challenge: Challenge, organization: Organization, side: Side) -> Verdict | None:
    said = db.session.scalar(queries.feedback(challenge.id, organization.id, side))
    return said and said.verdict

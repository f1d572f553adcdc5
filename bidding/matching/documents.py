"""The texts that are matched: what a challenge asks for, and what an organization can do."""

from __future__ import annotations

from bidding.challenges.models import Challenge
from bidding.matching.estimator import Document
from bidding.organizations.models import Organization


def need_of(challenge: Challenge) -> Document:
    """What a challenge asks for, as the matcher reads it."""
    indicators = " ".join(f"{item.name} {item.value}{item.unit}" for item in challenge.requirements)
    parts = (challenge.problem, challenge.background, indicators, challenge.expected_result)
    return Document(challenge.title, "\n".join(part for part in parts if part))


def offer_of(organization: Organization) -> Document:
    """What an organization can do, as the matcher reads it."""
    profile = organization.profile
    parts = [organization.brief]
    if profile is not None:
        parts += [
            profile.products,
            profile.technologies,
            profile.equipment,
            profile.cases,
            profile.notes,
        ]
    return Document(organization.name, "\n".join(part for part in parts if part))

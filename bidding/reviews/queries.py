"""The queue of what waits for a reviewer: organizations and challenges in one list."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Bundle

from bidding.challenges.models import Challenge, ChallengeStatus
from bidding.organizations.models import Organization, OrganizationStatus
from bidding.vocabulary import N_, Choice


class Kind(Choice):
    """What waits."""

    ORGANIZATION = "organization", N_("Organization")
    CHALLENGE = "challenge", N_("Challenge")


_organizations = sa.select(
    sa.literal(Kind.ORGANIZATION.value, sa.Text).label("kind"),
    Organization.id.label("id"),
    Organization.name.label("title"),
    sa.func.coalesce(Organization.submitted_at, Organization.status_changed_at).label("since"),
    Organization.region_code.label("region_code"),
    Organization.contact_name.label("who"),
    Organization.id.label("organization_id"),
    sa.cast(Organization.size_class, sa.Text).label("sort"),
).where(Organization.status == OrganizationStatus.PENDING)

_challenges = (
    sa.select(
        sa.literal(Kind.CHALLENGE.value, sa.Text),
        Challenge.id,
        Challenge.title,
        sa.func.coalesce(Challenge.submitted_at, Challenge.status_changed_at),
        Challenge.region_code,
        Organization.name,
        Challenge.organization_id,
        sa.cast(Challenge.kind, sa.Text),
    )
    .join(Challenge.organization)
    .where(Challenge.status == ChallengeStatus.IN_REVIEW)
)

_waiting = sa.union_all(_organizations, _challenges).subquery("waiting")
_OLDEST_FIRST = (_waiting.c.since, _waiting.c.kind.desc(), _waiting.c.id)


def queue(kind: Kind | None = None) -> sa.Select[tuple[Any]]:
    """What waits, oldest first, as rows with the names of the columns.

    ``kind`` is a value of `Kind`, ``who`` the contact person or the posting organization,
    ``sort`` the size class or the kind of challenge.
    """
    query = sa.select(Bundle("item", *_waiting.c)).order_by(*_OLDEST_FIRST)
    return query.where(_waiting.c.kind == kind.value) if kind else query


def waiting_counts() -> sa.Select[tuple[str, int]]:
    """How many wait, by kind."""
    return sa.select(_waiting.c.kind, sa.func.count()).group_by(_waiting.c.kind)


def following(kind: Kind, ident: int, *, organization_id: int | None) -> sa.Select[tuple[Any]]:
    """The oldest item other than this one, not of the reviewer's own organization."""
    query = queue().where(sa.or_(_waiting.c.kind != kind.value, _waiting.c.id != ident)).limit(1)
    if organization_id is not None:
        query = query.where(_waiting.c.organization_id != organization_id)
    return query

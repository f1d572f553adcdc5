"""Reading challenges."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, raiseload, selectinload

from bidding import clock
from bidding.accounts.models import User
from bidding.challenges.models import (
    DECIDED,
    PUBLIC,
    Challenge,
    ChallengeInvitation,
    ChallengeKind,
    ChallengeStatus,
    Requirement,
)
from bidding.finding import MOST_NAMED, phrases, places, words
from bidding.organizations import industries, regions
from bidding.organizations.models import Membership
from bidding.vocabulary import N_, Choice

S = ChallengeStatus

NUMBER = re.compile(r"(?:JB)?\d{4}-0*([1-9]\d{0,8})", re.IGNORECASE)
"""A public number, as `Challenge.number` writes it."""

CARD = (
    joinedload(Challenge.organization).raiseload("*"),
    selectinload(Challenge.requirements).raiseload("*"),
    raiseload("*"),
)
"""Loading of what a card shows."""

ALL = (
    joinedload(Challenge.organization).raiseload("*"),
    selectinload(Challenge.requirements).raiseload("*"),
    selectinload(Challenge.addenda).raiseload("*"),
    raiseload("*"),
)
"""Loading of what the page of one challenge shows."""


class State(Choice):
    """What a visitor can ask for."""

    OPEN = "open", N_("Open")
    EVALUATING = "evaluating", N_("Under evaluation")
    DECIDED = "decided", N_("Decided")


class Sort(Choice):
    """Orders of a list of challenges; open ones come first in all but the first.

    Whoever looks for something is best served by what is most like it, whatever became of it: a
    solved one is an answer, too, and its state is on the card.
    """

    RELEVANCE = "relevance", N_("Most relevant first")
    NEWEST = "newest", N_("Newest first")
    DEADLINE = "deadline", N_("Deadline first")


@dataclass(frozen=True)
class Search:
    """What somebody looks for. Everything may be left out."""

    q: str = ""
    kind: ChallengeKind | None = None
    section: str = ""
    province: str = ""
    state: State | None = None
    sort: Sort | None = None

    @property
    def is_filtering(self) -> bool:
        """Whether anything is left out because of it."""
        return bool(self.q) or self.is_narrowed

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but words is asked for."""
        return bool(self.kind or self.section or self.province or self.state)

    @property
    def usual_sort(self) -> Sort:
        """The order of who asks for none."""
        return Sort.RELEVANCE if self.q else Sort.NEWEST


def public(search: Search = Search(), found: Sequence[int] = ()) -> sa.Select[tuple[Challenge]]:
    """Published challenges that `search` leaves of those `found` by its words, best first.

    Where none was found, its words must occur as they are written. Names of posters are not
    searched: one that is withheld could be guessed by it.
    """
    query = _public(search).options(*CARD)
    if found:
        query = query.where(Challenge.id.in_(found), *map(_contains, phrases(search.q)))
    else:
        query = query.where(*map(_contains, words(search.q)))
    sort = search.sort or search.usual_sort
    if sort is Sort.RELEVANCE and found:
        literally = sa.case((sa.and_(sa.true(), *map(_contains, words(search.q))), 0), else_=1)
        return query.order_by(literally, places(Challenge.id, found))
    open_first = sa.case((Challenge.is_open, 0), else_=1)
    if sort is Sort.DEADLINE:
        soonest = sa.case((Challenge.is_open, Challenge.closes_at))
        return query.order_by(open_first, soonest, Challenge.closes_at.desc(), Challenge.id.desc())
    return query.order_by(open_first, Challenge.published_at.desc(), Challenge.id.desc())


def _public(search: Search) -> sa.Select[tuple[Challenge]]:
    """Published challenges that the filters of `search` leave."""
    query = sa.select(Challenge).where(Challenge.status.in_(PUBLIC))
    if search.kind:
        query = query.where(Challenge.kind == search.kind)
    if section := industries.find(search.section):
        codes = [section.code, *(division.code for division in section.divisions)]
        query = query.where(Challenge.industry_code.in_(codes))
    if province := regions.find(search.province):
        query = query.where(Challenge.region_code.startswith(regions.code_prefix(province.code)))
    if search.state:
        query = query.where(_in_state(search.state))
    return query


def left_by_filters(search: Search) -> sa.Select[tuple[int]] | None:
    """Ids of the published challenges that the filters of `search` leave; None without any."""
    if not search.is_narrowed:
        return None
    return _public(search).with_only_columns(Challenge.id)


def named(q: str) -> sa.Select[tuple[int, bool]]:
    """Ids of published challenges with `q` in the title, and whether it is title or number."""
    title = " ".join(words(q))
    number = NUMBER.fullmatch(title)
    is_numbered = Challenge.id == (int(number[1]) if number else 0)
    is_it = sa.or_(sa.func.lower(Challenge.title) == title.lower(), is_numbered)
    return (
        sa.select(Challenge.id, is_it)
        .where(
            Challenge.status.in_(PUBLIC),
            sa.literal(bool(title)),
            sa.or_(Challenge.title.icontains(title, autoescape=True), is_numbered),
        )
        .order_by(is_it.desc(), sa.func.length(Challenge.title), Challenge.id)
        .limit(MOST_NAMED)
    )


def _contains(word: str) -> sa.ColumnElement[bool]:
    columns = (
        Challenge.title,
        Challenge.problem,
        Challenge.background,
        Challenge.expected_result,
    )
    found = [column.icontains(word, autoescape=True) for column in columns]
    found.append(Challenge.requirements.any(Requirement.name.icontains(word, autoescape=True)))
    if number := NUMBER.fullmatch(word):
        found.append(Challenge.id == int(number[1]))
    return sa.or_(*found)


def _in_state(state: State) -> sa.ColumnElement[bool]:
    if state is State.OPEN:
        return Challenge.is_open
    waiting = sa.and_(Challenge.status == S.PUBLISHED, Challenge.closes_at <= clock.now())
    if state is State.EVALUATING:
        return sa.or_(waiting, Challenge.status == S.EVALUATING)
    return Challenge.status.in_(DECIDED)


_URGENCY = (
    S.CHANGES_REQUESTED,
    S.EVALUATING,
    S.DRAFT,
    S.PUBLISHED,
    S.IN_REVIEW,
    S.SUSPENDED,
    S.AWARDED,
    S.COMPLETED,
    S.UNSUCCESSFUL,
    S.CANCELLED,
    S.TERMINATED,
    S.REJECTED,
)


def urgency() -> sa.Case[int]:
    """How soon a challenge needs its poster: first those that wait for them."""
    waiting = sa.and_(Challenge.status == S.PUBLISHED, Challenge.closes_at <= clock.now())
    return sa.case(
        (waiting, 0),
        *((Challenge.status == status, place) for place, status in enumerate(_URGENCY, 1)),
        else_=len(_URGENCY) + 1,
    )


def own(organization_id: int) -> sa.Select[tuple[Challenge]]:
    """Every challenge of an organization, state by state, the most urgent first."""
    return (
        sa.select(Challenge)
        .where(Challenge.organization_id == organization_id)
        .options(raiseload("*"))
        .order_by(urgency(), Challenge.closes_at, Challenge.id.desc())
    )


def invitation(challenge_id: int, organization_id: int) -> sa.Select[tuple[ChallengeInvitation]]:
    """The invitation of one organization to one challenge."""
    return (
        sa.select(ChallengeInvitation)
        .where(
            ChallengeInvitation.challenge_id == challenge_id,
            ChallengeInvitation.organization_id == organization_id,
        )
        .options(raiseload("*"))
    )


def invited_members(challenge_id: int) -> sa.Select[tuple[User]]:
    """The people of the SMEs invited to a challenge."""
    return (
        sa.select(User)
        .join(Membership, Membership.user_id == User.id)
        .join(
            ChallengeInvitation,
            ChallengeInvitation.organization_id == Membership.organization_id,
        )
        .where(ChallengeInvitation.challenge_id == challenge_id)
        .options(raiseload("*"))
    )

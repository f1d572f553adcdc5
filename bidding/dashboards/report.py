"""The matcher report: what becomes of suggestions, and who is ever shown. For administrators.

A pairing belongs to the period in which it was first shown. Solutions count once the poster has
opened them: before that nobody may know of one, not even as part of a number.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bidding import clock
from bidding.challenges.models import Challenge, ChallengeInvitation
from bidding.matching.models import Exposure, Feedback, Side, Suggestion, Verdict
from bidding.matching.queries import RECOMMENDED_SCORE, offers
from bidding.organizations.models import Organization
from bidding.solutions.models import PRIVATE, Solution, SolutionStatus
from bidding.vocabulary import N_, Choice

AWARDED = (SolutionStatus.SELECTED, SolutionStatus.CONFIRMED, SolutionStatus.DECLINED)
"""Chosen by the poster, whatever the SME answered."""


class Period(Choice):
    """How far back a report looks."""

    MONTH = "30", N_("Last 30 days")
    QUARTER = "90", N_("Last 90 days")
    ALL = "all", N_("All time")

    @property
    def since(self) -> datetime | None:
        """The first moment that counts; None goes back to the beginning."""
        return None if self is Period.ALL else clock.now() - timedelta(days=int(self.value))


class Step(Choice):
    """What can become of a pairing."""

    SUGGESTED = "suggested", N_("Suggested")
    SHOWN = "shown", N_("Shown")
    OPENED = "opened", N_("Opened")
    INTERESTED = "interested", N_("Interested")
    NOT_RELEVANT = "not_relevant", N_("Not relevant")
    INVITED = "invited", N_("Invited")
    APPLIED = "applied", N_("Applied")
    AWARDED = "awarded", N_("Awarded")

    @property
    def meaning(self) -> str:
        """The sentence that says what is counted."""
        return _MEANINGS[self]


_MEANINGS = {
    Step.SUGGESTED: N_("Shown, or found for an open challenge and waiting to be shown."),
    Step.SHOWN: N_("Stood on a page that this side looked at, or in a mail to it."),
    Step.OPENED: N_("Somebody of this side followed the link to the other one."),
    Step.INTERESTED: N_("This side says that it is interested."),
    Step.NOT_RELEVANT: N_("This side has set the other one aside."),
    Step.INVITED: N_("The poster invited the SME."),
    Step.APPLIED: N_("The SME submitted a solution; known once the poster has opened them."),
    Step.AWARDED: N_("The poster chose the solution of the SME."),
}


@dataclass(frozen=True)
class Share:
    """A number, and what it is a part of."""

    number: int
    of: int | None = None

    @property
    def percent(self) -> int | None:
        """None where there is nothing to compare with."""
        return round(100 * self.number / self.of) if self.of else None


@dataclass(frozen=True)
class Group:
    """Verified SMEs that have something in common, and how many of them posters were shown."""

    key: str
    smes: int
    shown: int
    showings: int

    @property
    def share(self) -> Share:
        """Those shown, of all of them."""
        return Share(self.shown, self.smes)


@dataclass(frozen=True)
class Report:
    """The figures of one period."""

    period: Period
    rows: list[tuple[Step, list[Share]]]
    """Step by step, the shares of both sides in the order of `Side`."""
    sizes: list[Group]
    provinces: list[Group]
    everyone: Group
    most_shown: Share
    """Showings of the most-shown tenth of the verified SMEs, of all showings to posters."""

    @property
    def is_empty(self) -> bool:
        """Whether nobody was shown anything."""
        return not any(share.number for step, shares in self.rows for share in shares)


def read(session: Session, period: Period) -> Report:
    """The report, in a fixed number of queries."""
    found = {row.side: row for row in session.execute(outcomes(period.since))}
    still = session.execute(waiting()).one()
    columns = [_column(found.get(side), unseen) for side, unseen in zip(Side, still, strict=True)]
    fates = session.execute(exposed_smes(period.since)).all()
    everyone = _sum("", fates)
    counts = session.scalars(most_shown(period.since, -(-everyone.smes // 10)))
    return Report(
        period=period,
        rows=[(step, [column[step] for column in columns]) for step in Step],
        sizes=_gather(fates, "size_class"),
        provinces=_gather(fates, "province"),
        everyone=everyone,
        most_shown=Share(sum(counts), everyone.showings),
    )


def outcomes(since: datetime | None) -> sa.Select[Any]:
    """For each side what became of the pairings first shown to it since then."""
    same = [
        sa.and_(
            table.challenge_id == Exposure.challenge_id,
            table.organization_id == Exposure.organization_id,
        )
        for table in (Feedback, ChallengeInvitation, Solution)
    ]
    known = Challenge.opened_at.is_not(None)
    return (
        sa.select(
            Exposure.side,
            sa.func.count().label("shown"),
            _count(Exposure.opened_at.is_not(None)).label("opened"),
            _count(Feedback.verdict == Verdict.INTERESTED).label("interested"),
            _count(Feedback.verdict == Verdict.NOT_RELEVANT).label("not_relevant"),
            _count(ChallengeInvitation.id.is_not(None)).label("invited"),
            _count(known).label("known"),
            _count(known, Solution.status.not_in(PRIVATE)).label("applied"),
            _count(known, Solution.status.in_(AWARDED)).label("awarded"),
        )
        .join(Challenge, Challenge.id == Exposure.challenge_id)
        .outerjoin(Feedback, sa.and_(same[0], Feedback.side == Exposure.side))
        .outerjoin(ChallengeInvitation, same[1])
        .outerjoin(Solution, same[2])
        .where(_within(since))
        .group_by(Exposure.side)
    )


def waiting() -> sa.Select[Any]:
    """One row, a number for each side: stored pairings that it could be shown and was not yet."""
    could = {
        Side.POSTER: sa.true(),
        Side.SOLVER: Suggestion.score >= RECOMMENDED_SCORE,
    }
    counts = [
        sa.select(sa.func.count(Suggestion.id))
        .join(Suggestion.challenge)
        .join(Suggestion.organization)
        .where(
            Challenge.is_open,
            _is_sme(),
            could[side],
            ~sa.exists().where(
                Exposure.challenge_id == Suggestion.challenge_id,
                Exposure.organization_id == Suggestion.organization_id,
                Exposure.side == side,
            ),
        )
        .scalar_subquery()
        for side in Side
    ]
    return sa.select(*counts)


def exposed_smes(since: datetime | None) -> sa.Select[Any]:
    """Verified SMEs by size class and province: how many, how many shown, how often."""
    showings = _showings(since).subquery()
    province = sa.func.substr(Organization.region_code, 1, 2, type_=sa.Text())
    return (
        sa.select(
            Organization.size_class,
            province.concat("0000").label("province"),
            sa.func.count(Organization.id).label("smes"),
            sa.func.count(showings.c.number).label("shown"),
            sa.func.coalesce(sa.func.sum(showings.c.number), 0).label("showings"),
        )
        .outerjoin(showings, showings.c.organization_id == Organization.id)
        .where(_is_sme())
        .group_by(Organization.size_class, sa.text("province"))
    )


def most_shown(since: datetime | None, limit: int) -> sa.Select[tuple[int]]:
    """How often each of the `limit` most-shown SMEs was shown to a poster."""
    showings = _showings(since).subquery()
    return (
        sa.select(showings.c.number)
        .join(Organization, Organization.id == showings.c.organization_id)
        .where(_is_sme())
        .order_by(showings.c.number.desc())
        .limit(limit)
    )


def not_shown(since: datetime | None) -> sa.Select[tuple[Organization]]:
    """Verified SMEs that no poster was shown, by region, then by name."""
    seen = _showings(since).with_only_columns(Exposure.organization_id)
    return (
        offers()
        .where(Organization.id.not_in(seen))
        .order_by(None)
        .order_by(Organization.region_code, Organization.name, Organization.id)
    )


def found_for(organization_ids: Sequence[int]) -> sa.Select[tuple[int, int]]:
    """For how many open challenges the matcher holds each of these SMEs."""
    return (
        sa.select(Suggestion.organization_id, sa.func.count())
        .join(Suggestion.challenge)
        .where(Suggestion.organization_id.in_(organization_ids), Challenge.is_open)
        .group_by(Suggestion.organization_id)
    )


def _is_sme() -> sa.ColumnElement[bool]:
    """Whether an organization may take challenges, by the matcher's own account."""
    condition = offers().whereclause
    return sa.true() if condition is None else condition


def _showings(since: datetime | None) -> sa.Select[tuple[int, int]]:
    return (
        sa.select(Exposure.organization_id, sa.func.count().label("number"))
        .where(Exposure.side == Side.POSTER, _within(since))
        .group_by(Exposure.organization_id)
    )


def _within(since: datetime | None) -> sa.ColumnElement[bool]:
    return sa.true() if since is None else Exposure.shown_at >= since


def _count(*conditions: sa.ColumnElement[bool]) -> sa.Function[int]:
    return sa.func.count(sa.case((sa.and_(*conditions), 1)))


def _column(row: Any | None, unseen: int) -> dict[Step, Share]:
    """The figures of one side; `row` is None when it was shown nothing."""
    if row is None:
        return {step: Share(0) for step in Step} | {Step.SUGGESTED: Share(unseen)}
    by_shown = (Step.OPENED, Step.INTERESTED, Step.NOT_RELEVANT, Step.INVITED)
    by_known = (Step.APPLIED, Step.AWARDED)
    suggested = row.shown + unseen
    return {
        Step.SUGGESTED: Share(suggested),
        Step.SHOWN: Share(row.shown, suggested),
        **{step: Share(getattr(row, step.value), row.shown) for step in by_shown},
        **{step: Share(getattr(row, step.value), row.known) for step in by_known},
    }


def _gather(fates: Iterable[Any], key: str) -> list[Group]:
    """One group for each value of `key`, the largest first."""
    groups: dict[str, list[Any]] = {}
    for row in fates:
        groups.setdefault(getattr(row, key), []).append(row)
    sums = [_sum(value, rows) for value, rows in groups.items()]
    return sorted(sums, key=lambda group: (-group.smes, group.key))


def _sum(key: str, rows: Iterable[Any]) -> Group:
    listed = list(rows)
    smes, shown, showings = (
        sum(getattr(row, name) for row in listed) for name in ("smes", "shown", "showings")
    )
    return Group(key, smes, shown, int(showings))

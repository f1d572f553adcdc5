"""Solutions: what an SME offers on one challenge, and the versions it submitted."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bidding import clock
from bidding.challenges.models import ChallengeStatus
from bidding.db import Base, Fen, LongText, PrimaryKey, Timestamps, choice, references
from bidding.lifecycle import HasLifecycle
from bidding.permissions import STAFF, Party, standing
from bidding.vocabulary import N_, Choice, Tone

if TYPE_CHECKING:
    from bidding.accounts.models import User
    from bidding.challenges.models import Challenge, Requirement
    from bidding.organizations.models import Organization


class Response(Choice):
    """An SME's answer to one requirement."""

    EXCEEDS = "exceeds", N_("Exceeds"), Tone.SUCCESS
    MEETS = "meets", N_("Meets"), Tone.SUCCESS
    PARTLY = "partly", N_("Partly"), Tone.WARNING
    NO = "no", N_("Does not meet"), Tone.DANGER


class SolutionStatus(Choice):
    """Where a solution stands."""

    DRAFT = "draft", N_("Draft")
    SUBMITTED = "submitted", N_("Submitted"), Tone.INFO
    WITHDRAWN = "withdrawn", N_("Withdrawn")
    ELIGIBLE = "eligible", N_("Passed screening"), Tone.INFO
    INELIGIBLE = "ineligible", N_("Did not pass screening"), Tone.DANGER
    SHORTLISTED = "shortlisted", N_("Shortlisted"), Tone.SUCCESS
    SELECTED = "selected", N_("Selected"), Tone.SUCCESS
    NOT_SELECTED = "not_selected", N_("Not selected")
    CONFIRMED = "confirmed", N_("Award accepted"), Tone.SUCCESS
    DECLINED = "declined", N_("Award declined"), Tone.WARNING


PRIVATE = frozenset({SolutionStatus.DRAFT, SolutionStatus.WITHDRAWN})
"""States in which a solution is its authors' alone, before and after the seal is broken."""


class Solution(HasLifecycle, Timestamps, Base):
    """One SME's solution to one challenge. Sealed until the poster opens the solutions."""

    __tablename__ = "solutions"
    __table_args__ = (
        sa.UniqueConstraint("challenge_id", "organization_id"),
        sa.CheckConstraint(
            "status = 'draft' OR submitted_at IS NOT NULL", name="submitted_has_time"
        ),
    )

    id: Mapped[PrimaryKey]
    challenge_id: Mapped[int] = references("challenges.id", index=False)
    organization_id: Mapped[int] = references("organizations.id")
    author_id: Mapped[int | None] = references("users.id", index=False)
    summary: Mapped[LongText]
    approach: Mapped[LongText]
    price_fen: Mapped[Fen | None]
    duration_months: Mapped[int | None]
    schedule: Mapped[LongText]
    team: Mapped[LongText]
    status: Mapped[SolutionStatus] = mapped_column(
        choice(SolutionStatus), default=SolutionStatus.DRAFT
    )
    submitted_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]

    challenge: Mapped[Challenge] = relationship()
    organization: Mapped[Organization] = relationship()
    author: Mapped[User | None] = relationship()
    answers: Mapped[list[SolutionAnswer]] = relationship(
        back_populates="solution", cascade="all, delete-orphan"
    )
    versions: Mapped[list[SolutionVersion]] = relationship(
        back_populates="solution", order_by="SolutionVersion.number"
    )

    @property
    def headline(self) -> str:
        return self.challenge.title

    @property
    def is_sealed(self) -> bool:
        """Whether only its authors may read it, or know that it exists."""
        return not self.challenge.is_opened

    @property
    def is_editable(self) -> bool:
        return self.challenge.is_open and self.status in (
            SolutionStatus.DRAFT,
            SolutionStatus.SUBMITTED,
            SolutionStatus.WITHDRAWN,
        )

    @property
    def was_put_forward(self) -> bool:
        """Whether it stood submitted when the seal was broken; the rest stays private."""
        return self.status not in PRIVATE

    @property
    def content(self) -> dict[str, Any]:
        """What a submission would put on record now: the offer, beside what was asked."""
        answers = {answer.requirement_id: answer for answer in self.answers}
        return {
            "challenge": self.challenge.number,
            "organization": self.organization.credit_code,
            "summary": self.summary,
            "approach": self.approach,
            "price_fen": self.price_fen,
            "duration_months": self.duration_months,
            "schedule": self.schedule,
            "team": self.team,
            "answers": [
                _told(requirement, answers.get(requirement.id))
                for requirement in self.challenge.requirements
            ],
        }

    @property
    def last_version(self) -> SolutionVersion | None:
        """The last submission; it alone is evaluated, whatever was typed afterwards."""
        return self.versions[-1] if self.versions else None

    @property
    def has_unsubmitted_changes(self) -> bool:
        """Whether the working copy says something else than the submission that counts."""
        version = self.last_version
        if version is None or self.status is SolutionStatus.WITHDRAWN:
            return False
        return digest_of(self.content) != version.digest

    @property
    def awaits_answer(self) -> bool:
        """Whether it was selected, and its authors have not said whether they accept."""
        return self.status is SolutionStatus.SELECTED

    @property
    def introduces(self) -> bool:
        """Whether poster and SME may see each other's contact, a withheld name included."""
        return self.status in (SolutionStatus.SELECTED, SolutionStatus.CONFIRMED)

    @property
    def is_submitted(self) -> bool:
        return self.status is SolutionStatus.SUBMITTED

    @property
    def challenge_was_cancelled(self) -> bool:
        return self.challenge.status is ChallengeStatus.CANCELLED

    @property
    def has_something_to_submit(self) -> bool:
        """Whether submitting now would put other words on record than are there already."""
        if not self.is_editable:
            return False
        return not self.is_submitted or self.has_unsubmitted_changes

    def parties(self, actor: Any) -> set[Party]:
        held = standing(actor)
        if Party.SIGNED_IN not in held:
            return set()
        if actor.organization_id == self.organization_id:
            return {Party.SOLVER}
        if self.is_sealed or not self.was_put_forward:
            return set()
        if actor.organization_id == self.challenge.organization_id:
            return {Party.POSTER}
        # Staff who belong to an organization might be competing: they are no neutral readers.
        return held & STAFF if actor.organization_id is None else set()


class SolutionAnswer(Base):
    """The answer of a solution to one requirement."""

    __tablename__ = "solution_answers"
    __table_args__ = (sa.UniqueConstraint("solution_id", "requirement_id"),)

    id: Mapped[PrimaryKey]
    solution_id: Mapped[int] = references("solutions.id", index=False)
    requirement_id: Mapped[int] = references("requirements.id")
    response: Mapped[Response | None] = mapped_column(choice(Response))
    statement: Mapped[LongText]

    solution: Mapped[Solution] = relationship(back_populates="answers")
    requirement: Mapped[Requirement] = relationship()


class SolutionVersion(Base):
    """What was submitted, word for word, at one moment. Never changed."""

    __tablename__ = "solution_versions"
    __table_args__ = (sa.UniqueConstraint("solution_id", "number"),)

    id: Mapped[PrimaryKey]
    solution_id: Mapped[int] = references("solutions.id", index=False)
    number: Mapped[int]
    submitted_at: Mapped[datetime] = mapped_column(default=clock.now)
    submitted_by_id: Mapped[int] = references("users.id", index=False)
    content: Mapped[dict[str, Any]]
    digest: Mapped[str]
    """SHA-256 of `content` as canonical JSON, in hexadecimal."""

    solution: Mapped[Solution] = relationship(back_populates="versions")
    submitted_by: Mapped[User] = relationship()


def canonical(content: dict[str, Any]) -> bytes:
    """`content` as the one JSON text that its digest is taken of."""
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode()


def digest_of(content: dict[str, Any]) -> str:
    """The SHA-256 digest of `content`, by which anybody can check that it was not changed."""
    return hashlib.sha256(canonical(content)).hexdigest()


def _told(requirement: Requirement, answer: SolutionAnswer | None) -> dict[str, Any]:
    response = answer.response if answer else None
    return {
        "requirement": requirement.id,
        "name": requirement.name,
        "target": requirement.target,
        "must": requirement.must,
        "response": response.value if response else None,
        "statement": answer.statement if answer else "",
    }

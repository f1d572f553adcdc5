"""Solutions side by side: one column for each, one row for each thing to compare."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy.orm import Session

from bidding.challenges.models import Challenge, ChallengeStatus, Requirement
from bidding.matching.facts import Gate, conditions
from bidding.organizations.models import Organization
from bidding.solutions import queries
from bidding.solutions.lifecycle import LIFECYCLE, SolutionAction
from bidding.solutions.models import Response, Solution, SolutionStatus, SolutionVersion


@dataclass(frozen=True)
class Answer:
    """What one solution says to one requirement."""

    response: Response | None
    statement: str


@dataclass(frozen=True)
class Column:
    """One solution as its last submission states it, whatever was typed afterwards."""

    solution: Solution
    version: SolutionVersion | None

    @property
    def content(self) -> dict[str, Any]:
        return self.version.content if self.version else {}

    @cached_property
    def _told(self) -> dict[int, dict[str, Any]]:
        return {told["requirement"]: told for told in self.content.get("answers", [])}

    def answer(self, requirement: Requirement) -> Answer:
        told = self._told.get(requirement.id, {})
        response = told.get("response")
        return Answer(Response(response) if response else None, told.get("statement", ""))

    @property
    def responses(self) -> list[tuple[Response, int]]:
        """How many requirements are met how, best first, without those that never occur."""
        counts = Counter(told["response"] for told in self._told.values())
        return [(response, counts[response]) for response in Response if counts[response]]

    @property
    def conditions(self) -> list[Gate]:
        """What the poster asks of takers, and whether the SME met it when it submitted."""
        solution = self.solution
        return conditions(solution.challenge, solution.organization, at=solution.submitted_at)

    @property
    def musts_missed(self) -> int:
        """How many requirements that must be met are not, by the SME's own words."""
        return sum(
            told["must"] and told["response"] not in (Response.MEETS, Response.EXCEEDS)
            for told in self._told.values()
        )


@dataclass(frozen=True)
class Comparison:
    """Everything that was put forward on one challenge."""

    challenge: Challenge
    columns: tuple[Column, ...]

    @property
    def introduced(self) -> list[Organization]:
        """The SMEs whose contact the poster may see."""
        return [each.solution.organization for each in self.columns if each.solution.introduces]

    @property
    def is_under_way(self) -> bool:
        return self.challenge.status is ChallengeStatus.EVALUATING

    @property
    def can_be_awarded(self) -> bool:
        return self.is_under_way and bool(self.shortlist)

    @property
    def candidates(self) -> list[Column]:
        """The columns that no decision has been made on yet."""
        out = SolutionAction.PASS_OVER
        return [c for c in self.columns if LIFECYCLE.find(c.solution.status, out)]

    @property
    def shortlist(self) -> list[Column]:
        return [c for c in self.columns if c.solution.status is SolutionStatus.SHORTLISTED]

    @property
    def awaiting_screening(self) -> int:
        return sum(c.solution.status is SolutionStatus.SUBMITTED for c in self.columns)


def compare(session: Session, challenge: Challenge) -> Comparison:
    """The comparison of what was put forward on `challenge`; empty while the seal holds."""
    versions: Iterable[SolutionVersion] = session.scalars(queries.last_versions(challenge.id))
    by_solution = {version.solution_id: version for version in versions}
    solutions = session.scalars(queries.put_forward(challenge.id))
    return Comparison(
        challenge,
        tuple(Column(solution, by_solution.get(solution.id)) for solution in solutions),
    )

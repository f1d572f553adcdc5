"""What is known of both sides beside their texts: gates that must be passed, and boosts.

A gate decides whether an SME may take a challenge; who fails one is not suggested, however alike
the texts. A boost is a few points beside the text score, stored and shown by itself, so that nobody
has to guess what a score is made of. `facts_table` decides the same for many SMEs at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from bidding import clock
from bidding.challenges.models import Challenge, ChallengeStatus
from bidding.organizations import regions
from bidding.organizations.models import Organization
from bidding.vocabulary import N_, Choice

# Gates


class GateName(Choice):
    """What an SME must pass to take a challenge."""

    DEADLINE = "deadline", N_("Deadline")
    SIZE = "size", N_("Size class")
    VERIFIED = "verified", N_("Verification")
    OWN = "own", N_("Own challenge")
    REGION = "region", N_("Region")
    QUALIFICATION = "qualification", N_("Qualification")


@dataclass(frozen=True)
class Gate:
    """One condition and whether it is met.

    `message` is an English catalogue entry; the filter ``sentence`` puts it and the places and
    qualifications among its `params` into the reader's words. `report` says the same to others than
    the SME, where that takes other words.
    """

    name: GateName
    passed: bool
    message: str
    params: dict[str, Any] = field(default_factory=dict)
    report: str = ""

    @property
    def to_others(self) -> Gate:
        """The gate as others than the SME read it."""
        return replace(self, message=self.report or self.message)


def gates(
    challenge: Challenge, organization: Organization, *, at: datetime | None = None
) -> list[Gate]:
    """Everything that `organization` must pass to take `challenge` (now unless `at` is given)."""
    at = at or clock.now()
    is_open = challenge.status is ChallengeStatus.PUBLISHED and challenge.closes_at > at
    is_own = organization.id == challenge.organization_id
    return [
        Gate(
            GateName.DEADLINE,
            is_open,
            N_("Solutions are accepted until %(deadline)s.")
            if is_open
            else N_("Solutions are not accepted at present."),
            {"deadline": challenge.closes_at} if is_open else {},
        ),
        Gate(
            GateName.SIZE,
            organization.is_sme,
            N_("Only small and medium enterprises can take a challenge."),
        ),
        Gate(
            GateName.VERIFIED,
            organization.is_verified,
            N_("Your organization must be verified before it can write a solution."),
        ),
        Gate(GateName.OWN, not is_own, N_("Nobody takes a challenge of their own.")),
        *conditions(challenge, organization, at=at),
    ]


def conditions(
    challenge: Challenge, organization: Organization, *, at: datetime | None = None
) -> list[Gate]:
    """The gates that the poster set; none where every verified SME may take the challenge."""
    found = []
    if challenge.taker_region_code:
        found.append(_region_gate(challenge.taker_region_code, organization.region_code))
    if challenge.required_qualifications:
        found.append(_qualification_gate(challenge, organization, at or clock.now()))
    return found


def passes(challenge: Challenge, organization: Organization, *, at: datetime | None = None) -> bool:
    """Whether `organization` may take `challenge`."""
    return all(gate.passed for gate in gates(challenge, organization, at=at))


def _region_gate(wanted: str, own: str) -> Gate:
    params = {"region": regions.find(wanted), "own": regions.find(own)}
    if regions.is_within(own, wanted):
        return Gate(
            GateName.REGION,
            True,
            N_("Takers must be registered in %(region)s; your organization is."),
            params,
            N_("Takers must be registered in %(region)s; this SME is."),
        )
    return Gate(
        GateName.REGION,
        False,
        N_("Takers must be registered in %(region)s; your organization is in %(own)s."),
        params,
        N_("Takers must be registered in %(region)s; this SME is in %(own)s."),
    )


def _qualification_gate(challenge: Challenge, organization: Organization, at: datetime) -> Gate:
    asked = challenge.qualifications_asked
    held = [item for item in organization.qualifications if item.kind in asked]
    passed = any(item.is_valid_on(at.date()) for item in held)
    if passed:
        message = N_("Takers must hold this qualification: %(kinds)s. You do.")
        report = N_("Takers must hold this qualification: %(kinds)s. This SME does.")
    elif held:
        message = N_("Takers must hold this qualification: %(kinds)s. Yours has expired.")
        report = N_(
            "Takers must hold this qualification: %(kinds)s. Its qualification has expired."
        )
    else:
        message = N_(
            "Takers must hold this qualification: %(kinds)s. Your capability profile names none."
        )
        report = N_("Takers must hold this qualification: %(kinds)s. Its profile names none.")
    return Gate(GateName.QUALIFICATION, passed, message, {"kinds": asked}, report)


# Boosts


class Fact(StrEnum):
    """A fact that speaks for a pair; the label is what a chip says."""

    label: str
    sentence: str

    def __new__(cls, value: str, label: str, sentence: str) -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = label
        member.sentence = sentence
        return member

    SAME_DIVISION = (
        "same_division",
        N_("Same industry"),
        N_("The SME is in the division of industry that the challenge is about."),
    )
    SAME_SECTION = (
        "same_section",
        N_("Same sector"),
        N_("The SME is in the section of industry that the challenge is about."),
    )
    SAME_COUNTY = (
        "same_county",
        N_("Same county"),
        N_("The SME is in the county or district of the challenge."),
    )
    SAME_CITY = "same_city", N_("Same city"), N_("The SME is in the city of the challenge.")
    SAME_PROVINCE = (
        "same_province",
        N_("Same province"),
        N_("The SME is in the province of the challenge."),
    )
    CLUSTER = (
        "cluster",
        N_("Same cluster"),
        N_("City and division of industry are both the same, which counts as one cluster."),
    )
    QUALIFICATION = (
        "qualification",
        N_("Qualification"),
        N_("The SME holds a recognised qualification; the best one counts."),
    )
    SIZE = "size", N_("Small or micro"), N_("The SME is a small or micro enterprise.")
    DELIVERIES = (
        "deliveries",
        N_("Past awards"),
        N_("The SME was awarded challenges before and took them on."),
    )


def in_hundredths(points: float) -> str:
    """Points as pages write them, the text score as 0 to 100."""
    return f"{points * 100:.3g}"


@dataclass(frozen=True)
class Boost:
    """The points that one fact adds, in the unit of the text score."""

    fact: Fact
    points: float

    @property
    def sentence(self) -> str:
        """An English catalogue entry."""
        return self.fact.sentence

    @property
    def hundredths(self) -> str:
        """The points as a chip shows them."""
        return in_hundredths(self.points)

    @property
    def stored(self) -> dict[str, Any]:
        """As a suggestion keeps it."""
        return {"fact": self.fact.value, "points": self.points}

    @classmethod
    def restored(cls, stored: Iterable[dict[str, Any]]) -> list[Self]:
        """What `stored` wrote, but for facts that only another version knows."""
        known = {fact.value for fact in Fact}
        return [cls(Fact(one["fact"]), one["points"]) for one in stored if one["fact"] in known]

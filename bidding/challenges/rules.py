"""What is done to challenges, and when it is refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from bidding import audit, clock
from bidding.challenges.lifecycle import LIFECYCLE, ChallengeAction, poster_is_suspended
from bidding.challenges.models import (
    Addendum,
    Challenge,
    ChallengeKind,
    ChallengeStatus,
    Cooperation,
    Operator,
    Requirement,
)
from bidding.deferred import defer
from bidding.organizations.models import Organization, QualificationKind
from bidding.permissions import Permission, demand
from bidding.violations import InvalidTransition, RuleViolation
from bidding.vocabulary import N_, Choice

SHORTEST_NOTICE = timedelta(days=1)
"""Between submission or publication and the deadline: less, and nobody could answer."""

MATCH = "matching.challenge"
ADDENDUM = "solutions.addendum"
SUSPENSION = "solutions.suspension"

TERMS = (
    "kind",
    "title",
    "background",
    "problem",
    "expected_result",
    "budget_min_fen",
    "budget_max_fen",
    "budget_negotiable",
    "cooperation",
    "ip_terms",
    "ip_notes",
    "duration_months",
    "region_code",
    "industry_code",
    "required_qualifications",
    "taker_region_code",
    "taker_notes",
    "closes_at",
    "awards",
    "shows_name",
)
"""What a poster sets, beside the requirements."""

_TEXTS = ("title", "background", "problem", "expected_result", "ip_notes", "taker_notes")
NAMED = N_("The name of your organization is to be withheld, but this text tells it.")

Gap = tuple[str, str]
Row = Mapping[str, Any]


class Incomplete(RuleViolation):
    """A challenge that was submitted with gaps; `gaps` lists them."""

    def __init__(self, found: Sequence[Gap]) -> None:
        super().__init__(
            N_("The challenge is not complete yet. Its preview lists what is missing.")
        )
        self.gaps = list(found)


class Overtaken(RuleViolation):
    """Somebody else saved the same draft in between."""

    def __init__(self) -> None:
        super().__init__(
            N_(
                "A colleague saved this draft while you were writing. Your text is below and is not"
                " saved yet. Compare it with the saved draft; saving again replaces theirs."
            )
        )


def create(
    session: Session,
    organization: Organization,
    *,
    actor: Any,
    requirements: Iterable[Row] = (),
    **terms: Any,
) -> Challenge:
    """Begin a draft of `organization`.

    Region and industry are those of the organization unless given.
    """
    demand(actor, Permission.CREATE_CHALLENGE, organization)
    challenge = Challenge(organization=organization, author_id=actor.id)
    defaults = {
        "kind": ChallengeKind.TECHNOLOGY,
        "region_code": organization.region_code,
        "industry_code": organization.industry_code,
    }
    _set_terms(challenge, {**defaults, **terms})
    challenge.requirements = _make_requirements(requirements)
    session.add(challenge)
    audit.record(session, "challenges.create", challenge, actor=actor, changes={})
    return challenge


def adopt(
    session: Session, organization: Organization, given: Iterable[Mapping[str, Any]]
) -> list[Challenge]:
    """Take over challenges that were published elsewhere: a command's bulk import.

    They have what the table had, which may be less than a submission here must have.
    """
    adopted = []
    for terms in given:
        challenge = Challenge(
            organization=organization,
            status=ChallengeStatus.PUBLISHED,
            submitted_at=clock.now(),
            published_at=clock.now(),
        )
        _set_terms(challenge, {"shows_name": True, "ip_notes": "", "taker_notes": "", **terms})
        session.add(challenge)
        adopted.append(challenge)
    session.flush()
    for challenge in adopted:
        audit.record(session, "challenges.adopt", challenge, actor=None, changes={})
    return adopted


def update(
    session: Session,
    challenge: Challenge,
    *,
    actor: Any,
    requirements: Iterable[Row],
    version: int | None = None,
    **terms: Any,
) -> Challenge:
    """Save a draft, complete or not.

    `version` is the one the author began from. It also counts a change of the requirements,
    which are rows of their own.

    Raises
    ------
    Overtaken
        The draft has been saved by somebody else since `version`.
    """
    demand(actor, Permission.EDIT_CHALLENGE, challenge)
    session.refresh(challenge, ["status", "version"], with_for_update=True)
    demand_editable(challenge)
    if version is not None and version != challenge.version:
        raise Overtaken()
    _set_terms(challenge, terms)
    changes = audit.pending_changes(challenge)
    rows = _make_requirements(requirements)
    if [_content(row) for row in challenge.requirements] != [_content(row) for row in rows]:
        changes["requirements"] = [_readable(challenge.requirements), _readable(rows)]
        challenge.requirements = rows
    if changes:
        challenge.updated_at = clock.now()  # the version moves with the requirements, too
        audit.record(session, "challenges.update", challenge, actor=actor, changes=changes)
    return challenge


def copy(session: Session, challenge: Challenge, *, actor: Any) -> Challenge:
    """Begin a new draft with the terms of an own challenge, but no deadline."""
    demand(actor, Permission.EDIT_CHALLENGE, challenge)
    terms = {name: getattr(challenge, name) for name in TERMS}
    return create(
        session,
        challenge.organization,
        actor=actor,
        requirements=[_content(row) for row in challenge.requirements],
        **{**terms, "closes_at": None},
    )


def demand_editable(challenge: Challenge) -> None:
    """Raise InvalidTransition unless the terms may be changed as things stand."""
    if not challenge.is_editable:
        raise InvalidTransition(
            N_(
                "“%(record)s” is no longer a draft. Its terms stand; once it is published, they"
                " can be supplemented by an addendum."
            ),
            record=challenge.headline,
        )


def demand_open(challenge: Challenge) -> None:
    """Raise InvalidTransition unless the challenge can be supplemented now."""
    if not challenge.is_open:
        raise InvalidTransition(N_("Only an open challenge can be supplemented."))
    if sentence := poster_is_suspended(challenge):
        raise InvalidTransition(sentence)


def gaps(challenge: Challenge) -> list[Gap]:
    """What keeps `challenge` from being submitted: the field and a sentence for each."""
    has_budget = challenge.budget_min_fen is not None or challenge.budget_max_fen is not None
    is_technology = challenge.kind is ChallengeKind.TECHNOLOGY
    checks = (
        (challenge.title, "title", N_("Give the challenge a title.")),
        (challenge.problem, "problem", N_("Describe the main problem.")),
        (challenge.expected_result, "expected_result", N_("Say what result you expect.")),
        (challenge.requirements, "requirements", N_("State at least one requirement.")),
        (
            has_budget or challenge.budget_negotiable,
            "budget_max_fen",
            N_("Give a budget, or say that it is to be negotiated."),
        ),
        (challenge.cooperation, "cooperation", N_("Choose at least one way of cooperation.")),
        (challenge.ip_terms, "ip_terms", N_("Say who will own the intellectual property.")),
        (
            challenge.duration_months or not is_technology,
            "duration_months",
            N_("Say how many months the work may take."),
        ),
        (challenge.region_code, "region_code", N_("Choose a region.")),
        (challenge.industry_code, "industry_code", N_("Choose an industry.")),
        (challenge.closes_at, "closes_at", N_("Set the deadline for solutions.")),
    )
    found = [(field, sentence) for given, field, sentence in checks if not given]
    if challenge.closes_at and challenge.closes_at < clock.now() + SHORTEST_NOTICE:
        found.append(("closes_at", N_("The deadline must be at least one day after submission.")))
    found += [("requirements", sentence) for sentence in _requirement_gaps(challenge.requirements)]
    found += _told_names(challenge)
    return found


def _requirement_gaps(requirements: Iterable[Requirement]) -> list[str]:
    found = []
    for row in requirements:
        if not row.name:
            found.append(N_("Every requirement needs a name."))
        elif not row.value:
            found.append(N_("Every requirement needs a value."))
        elif row.operator is not Operator.TEXT and not any(map(str.isdigit, row.value)):
            found.append(
                N_("A value to compare with needs a number; otherwise choose “described as”.")
            )
    return list(dict.fromkeys(found))


def _told_names(challenge: Challenge) -> list[Gap]:
    told = challenge.gives_away_poster
    found = [(field, NAMED) for field in _TEXTS if told(getattr(challenge, field))]
    if told(*(f"{row.name} {row.value} {row.unit}" for row in challenge.requirements)):
        found.append(("requirements", NAMED))
    return found


def submit(session: Session, challenge: Challenge, *, actor: Any, reason: str = "") -> None:
    """Send a complete draft to review.

    Raises
    ------
    Incomplete
        There are gaps.
    RuleViolation
        The organization is not a verified large enterprise (any more).
    """
    LIFECYCLE.check(challenge, ChallengeAction.SUBMIT, actor=actor)
    if not challenge.organization.may_post:
        raise RuleViolation(N_("Only verified large enterprises can post challenges."))
    if found := gaps(challenge):
        raise Incomplete(found)
    LIFECYCLE.advance(session, challenge, ChallengeAction.SUBMIT, actor=actor, reason=reason)


def publish(session: Session, challenge: Challenge, *, actor: Any, reason: str = "") -> None:
    """Publish a reviewed challenge and have the matcher look for SMEs."""
    LIFECYCLE.check(challenge, ChallengeAction.PUBLISH, actor=actor)
    if sentence := publication_obstacle(challenge):
        raise InvalidTransition(sentence)
    LIFECYCLE.advance(session, challenge, ChallengeAction.PUBLISH, actor=actor, reason=reason)
    defer(session, MATCH, challenge.id)


def publication_obstacle(challenge: Challenge) -> str | None:
    """Why a challenge in review cannot be published as it is, if so.

    Review takes time, and a reviewer may not change the terms: with a day or less to the
    deadline, SMEs could not answer any more, and only the poster can give a later one.
    """
    if not challenge.organization.may_post:
        return N_("The poster is no longer a verified large enterprise.")
    if challenge.closes_at is None or challenge.closes_at < clock.now() + SHORTEST_NOTICE:
        return N_(
            "Less than one day would be left until the deadline."
            " Request changes, so that the poster can set a later one."
        )
    return None


def request_changes(
    session: Session, challenge: Challenge, *, actor: Any, reason: str = ""
) -> None:
    """Give a challenge back to its poster, who may amend and submit it again."""
    LIFECYCLE.advance(
        session, challenge, ChallengeAction.REQUEST_CHANGES, actor=actor, reason=reason
    )


def reject(session: Session, challenge: Challenge, *, actor: Any, reason: str = "") -> None:
    """Refuse a challenge for good."""
    LIFECYCLE.advance(session, challenge, ChallengeAction.REJECT, actor=actor, reason=reason)


def suspend(session: Session, challenge: Challenge, *, actor: Any, reason: str = "") -> None:
    """Take a published challenge from public view for a while."""
    LIFECYCLE.advance(session, challenge, ChallengeAction.SUSPEND, actor=actor, reason=reason)
    defer(session, SUSPENSION, challenge.id)


def resume(session: Session, challenge: Challenge, *, actor: Any, reason: str = "") -> None:
    """Put a suspended challenge back; a deadline it had not reached moves by as long."""
    LIFECYCLE.check(challenge, ChallengeAction.RESUME, actor=actor)
    if challenge.closes_at > challenge.suspended_at:
        challenge.closes_at += clock.now() - challenge.suspended_at
    challenge.suspended_at = None
    LIFECYCLE.advance(session, challenge, ChallengeAction.RESUME, actor=actor, reason=reason)
    defer(session, MATCH, challenge.id)
    defer(session, SUSPENSION, challenge.id)


def add_addendum(
    session: Session,
    challenge: Challenge,
    *,
    actor: Any,
    text: str,
    closes_at: datetime | None = None,
) -> Addendum:
    """Supplement an open challenge, and extend its deadline where `closes_at` is given.

    The job `ADDENDUM` tells the invited SMEs and those at work on a solution.
    """
    demand(actor, Permission.EDIT_CHALLENGE, challenge)
    session.refresh(challenge, ["status", "closes_at", "version"], with_for_update=True)
    demand_open(challenge)
    if not (text := text.strip()):
        raise RuleViolation(N_("Write what you want to add."), field="text")
    if challenge.gives_away_poster(text):
        raise RuleViolation(NAMED, field="text")
    last = challenge.addenda[-1] if challenge.addenda else None
    if last is not None and (last.text, last.closes_at_after) == (text, closes_at):
        return last  # the button was pressed twice
    if closes_at is not None and closes_at <= challenge.closes_at:
        raise RuleViolation(
            N_("The deadline can be extended, but not brought forward."), field="closes_at"
        )
    addendum = Addendum(author_id=actor.id, text=text)
    if closes_at is not None:
        addendum.closes_at_before, addendum.closes_at_after = challenge.closes_at, closes_at
        challenge.closes_at = closes_at
    changes = {**audit.pending_changes(challenge), "addendum": [None, text]}
    challenge.addenda.append(addendum)
    audit.record(session, "challenges.addendum", challenge, actor=actor, changes=changes)
    defer(session, MATCH, challenge.id)
    defer(session, ADDENDUM, addendum.id)
    return addendum


def _set_terms(challenge: Challenge, terms: Mapping[str, Any]) -> None:
    """Set `terms`, all or none: a refused form is shown again in the same session."""
    if unknown := terms.keys() - set(TERMS):
        raise TypeError(f"not terms of a challenge: {', '.join(sorted(unknown))}")
    result = {name: terms.get(name, getattr(challenge, name)) for name in TERMS}
    low, high = result["budget_min_fen"], result["budget_max_fen"]
    if low is not None and high is not None and low > high:
        raise RuleViolation(
            N_("The upper end of the budget is below its lower end."), field="budget_max_fen"
        )
    if not 1 <= (result["awards"] or 1) <= 3:
        raise RuleViolation(N_("Choose one, two or three awards."), field="awards")
    if not result["title"]:
        raise RuleViolation(N_("Give the challenge a title."), field="title")
    for name, value in terms.items():
        setattr(challenge, name, value)
    challenge.cooperation = _chosen(challenge.cooperation, Cooperation)
    challenge.required_qualifications = _chosen(
        challenge.required_qualifications, QualificationKind
    )


def _chosen(given: Iterable[str] | None, values: type[Choice]) -> list[str]:
    """The values among those `given`, each once and in their own order."""
    chosen = set(given or ())
    return [value.value for value in values if value.value in chosen]


def _make_requirements(rows: Iterable[Row]) -> list[Requirement]:
    """Requirements from rows; rows without a word in them are left out."""
    told = [row for row in rows if row.get("name") or row.get("value") or row.get("unit")]
    return [
        Requirement(
            position=position,
            name=row.get("name") or "",
            operator=Operator(row.get("operator") or Operator.TEXT),
            value=row.get("value") or "",
            unit=row.get("unit") or "",
            must=row.get("must", True),
        )
        for position, row in enumerate(told)
    ]


def _content(row: Requirement) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("name", "operator", "value", "unit", "must")}


def _readable(requirements: Iterable[Requirement]) -> str:
    """Requirements as one text for the trail; a star marks those that must be met."""
    return "; ".join(
        f"{'★ ' if row.must else ''}{row.name} {row.target}".strip() for row in requirements
    )

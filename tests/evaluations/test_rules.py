"""Opening, screening, deciding: all or nothing, and everyone concerned hears."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from bidding import clock
from bidding.accounts.models import User
from bidding.challenges.models import Challenge, ChallengeStatus
from bidding.evaluations import rules
from bidding.evaluations.models import Decision, Outcome
from bidding.notifications.models import Notification
from bidding.organizations.models import OrganizationStatus
from bidding.solutions import rules as solution_rules
from bidding.solutions.models import Solution, SolutionStatus
from bidding.violations import (
    AccessDenied,
    InvalidTransition,
    ReasonRequired,
    RuleViolation,
    Several,
)
from tests import factories
from tests.solutions import make

S = SolutionStatus


def _challenge(**facts: object) -> tuple[Challenge, User]:
    challenge = factories.ChallengeFactory(**facts)
    return challenge, factories.member_of(challenge.organization)


def _heard(session: Session, event: str) -> dict[int | None, str]:
    """Who was told of `event`, and which reason they read."""
    notices = session.scalars(sa.select(Notification).where(Notification.event == event))
    return {notice.user_id: notice.params["reason"] for notice in notices}


def test_the_seal_breaks_at_the_deadline_and_not_before(session: Session) -> None:
    challenge, poster = _challenge()
    sent = make.submitted(session, challenge)
    make.draft(session, challenge, factories.solver())

    with pytest.raises(InvalidTransition, match="sealed until the deadline"):
        rules.open_solutions(session, challenge, actor=poster)
    with clock.at(challenge.closes_at):
        rules.open_solutions(session, challenge, actor=poster)

    assert challenge.status is ChallengeStatus.EVALUATING
    assert set(_heard(session, "challenges.open")) == {make.member(sent.organization).id}


def test_only_the_poster_opens_and_decides(session: Session) -> None:
    challenge, _ = _challenge()
    make.close(challenge)
    for person in (factories.poster(), factories.UserFactory(administrator=True)):
        with pytest.raises(AccessDenied):
            rules.open_solutions(session, challenge, actor=person)


@pytest.fixture
def field(session: Session) -> tuple[Challenge, User, list[Solution]]:
    """Two awards; two on the shortlist, one screened, one not screened, one excluded."""
    challenge, poster = _challenge(awards=2)
    solutions = [make.submitted(session, challenge) for _ in range(5)]
    make.opened(session, challenge)
    make.shortlisted(session, solutions[0])
    make.shortlisted(session, solutions[1])
    rules.pass_screening(session, solutions[2], actor=poster)
    rules.exclude(session, solutions[4], actor=poster, reason="No series production.")
    session.commit()
    return challenge, poster, solutions


def _reasons(solutions: list[Solution]) -> dict[int, str]:
    return {s.id: f"Reason for {s.organization.name}" for s in solutions[:4]}


def test_an_award_decides_on_everyone_at_once(
    session: Session, field: tuple[Challenge, User, list[Solution]]
) -> None:
    challenge, poster, solutions = field
    colleague = factories.member_of(challenge.organization)

    rules.award(
        session,
        challenge,
        actor=poster,
        statement="Two ways, both convincing.",
        reasons=_reasons(solutions),
        selected={solutions[0].id, solutions[1].id},
    )

    assert [s.status for s in solutions] == [
        *(S.SELECTED, S.SELECTED, S.NOT_SELECTED, S.NOT_SELECTED, S.INELIGIBLE)
    ]
    assert challenge.status is ChallengeStatus.AWARDED
    decision = session.scalars(sa.select(Decision)).one()
    assert (decision.outcome, decision.statement) == (
        Outcome.AWARDED,
        "Two ways, both convincing.",
    )
    people = [make.member(s.organization).id for s in solutions]
    reasons = list(_reasons(solutions).values())
    assert _heard(session, "solutions.select") == dict(zip(people[:2], reasons[:2], strict=True))
    assert _heard(session, "solutions.pass_over") == dict(
        zip(people[2:4], reasons[2:], strict=True)
    )
    assert _heard(session, "solutions.exclude") == {people[4]: "No series production."}
    assert set(_heard(session, "challenges.award")) == {colleague.id}


@pytest.mark.parametrize(
    ("picked", "without_reason", "statement", "fields"),
    [
        ([], [], "Said.", {"selected"}),
        ([2], [], "Said.", {"selected"}),
        ([4], [], "Said.", {"selected"}),
        ([0], [1, 3], "Said.", {"reason_1", "reason_3"}),
        ([0], [0], " ", {"reason_0", "statement"}),
    ],
    ids=["none", "not shortlisted", "excluded", "losers without reason", "nothing said"],
)
def test_an_incomplete_award_names_its_fields_and_changes_nothing(
    session: Session,
    field: tuple[Challenge, User, list[Solution]],
    picked: list[int],
    without_reason: list[int],
    statement: str,
    fields: set[str],
) -> None:
    challenge, poster, solutions = field
    reasons = _reasons(solutions)
    for index in without_reason:
        reasons[solutions[index].id] = "  "

    with pytest.raises(Several) as refusal:
        rules.award(
            session,
            challenge,
            actor=poster,
            statement=statement,
            reasons=reasons,
            selected={solutions[i].id for i in picked},
        )

    named = {
        f"reason_{[s.id for s in solutions].index(int(one.field[7:]))}"
        if one.field.startswith("reason_")
        else one.field
        for one in refusal.value.violations
    }
    assert named == fields
    assert not session.dirty
    assert challenge.status is ChallengeStatus.EVALUATING


def test_no_more_are_selected_than_there_are_awards(session: Session) -> None:
    challenge, poster = _challenge(awards=1)
    solutions = [make.submitted(session, challenge) for _ in range(2)]
    make.opened(session, challenge)
    for solution in solutions:
        make.shortlisted(session, solution)
    with pytest.raises(Several, match="At most 1 can be selected; you selected 2"):
        rules.award(
            session,
            challenge,
            actor=poster,
            statement="Said.",
            reasons=_reasons(solutions),
            selected={s.id for s in solutions},
        )


def test_unsuccessful_tells_everyone_still_in_it_why(
    session: Session, field: tuple[Challenge, User, list[Solution]]
) -> None:
    challenge, poster, solutions = field
    with pytest.raises(ReasonRequired):
        rules.declare_unsuccessful(session, challenge, actor=poster, reason=" ")

    rules.declare_unsuccessful(session, challenge, actor=poster, reason="None holds 180 °C.")

    assert {s.status for s in solutions[:4]} == {S.NOT_SELECTED}
    assert solutions[4].status_reason == "No series production."
    assert _heard(session, "solutions.pass_over") == {
        make.member(s.organization).id: "None holds 180 °C." for s in solutions[:4]
    }
    assert session.scalars(sa.select(Decision.outcome)).one() is Outcome.UNSUCCESSFUL


def test_a_challenge_nobody_answered_can_be_declared_unsuccessful(session: Session) -> None:
    challenge, poster = _challenge()
    make.opened(session, challenge)
    rules.declare_unsuccessful(session, challenge, actor=poster, reason="Nobody answered.")
    assert challenge.status is ChallengeStatus.UNSUCCESSFUL


def test_cancelling_tells_whoever_works_on_a_solution(session: Session) -> None:
    challenge, poster = _challenge()
    colleague = factories.member_of(challenge.organization)
    drafting = factories.solver()
    make.draft(session, challenge, drafting)
    sent = make.submitted(session, challenge)

    rules.cancel(session, challenge, actor=poster, reason="The line was sold.")

    assert _heard(session, "challenges.cancel") == dict.fromkeys(
        (drafting.id, make.member(sent.organization).id, colleague.id), "The line was sold."
    )
    assert sent.is_sealed


def test_cancelling_an_evaluation_leaves_what_was_opened_open(session: Session) -> None:
    challenge, poster = _challenge()
    late = factories.solver()
    make.draft(session, challenge, late)
    sent = make.submitted(session, challenge)
    make.opened(session, challenge)

    rules.cancel(session, challenge, actor=poster, reason="Budget withdrawn.")

    assert set(_heard(session, "challenges.cancel")) == {make.member(sent.organization).id}
    assert not sent.is_sealed


def test_nothing_is_decided_twice(
    session: Session, field: tuple[Challenge, User, list[Solution]]
) -> None:
    challenge, poster, solutions = field
    rules.declare_unsuccessful(session, challenge, actor=poster, reason="None fits.")
    with pytest.raises(InvalidTransition):
        rules.award(
            session,
            challenge,
            actor=poster,
            statement="Said.",
            reasons=_reasons(solutions),
            selected={solutions[0].id},
        )
    with pytest.raises(InvalidTransition):
        rules.exclude(session, solutions[0], actor=poster, reason="Late.")
    with pytest.raises(InvalidTransition):
        solution_rules.confirm(session, solutions[0], actor=make.member(solutions[0].organization))


def test_a_suspended_poster_reads_no_solution_and_decides_nothing(session: Session) -> None:
    challenge, poster = _challenge()
    sent = make.submitted(session, challenge)
    make.close(challenge)
    challenge.organization.status = OrganizationStatus.SUSPENDED
    session.commit()

    for verb, words in (
        (rules.open_solutions, {}),
        (rules.cancel, {"reason": "The line was sold."}),
    ):
        with pytest.raises(InvalidTransition, match="is suspended"):
            verb(session, challenge, actor=poster, **words)
    assert sent.is_sealed


def test_a_poster_suspended_during_the_evaluation_decides_nothing(
    session: Session, field: tuple[Challenge, User, list[Solution]]
) -> None:
    challenge, poster, solutions = field
    challenge.organization.status = OrganizationStatus.SUSPENDED
    session.commit()

    with pytest.raises(InvalidTransition, match="is suspended"):
        rules.shortlist(session, solutions[2], actor=poster)
    with pytest.raises(InvalidTransition, match="is suspended"):
        rules.declare_unsuccessful(session, challenge, actor=poster, reason="None fits.")
    with pytest.raises(InvalidTransition, match="is suspended"):
        rules.award(
            session,
            challenge,
            actor=poster,
            statement="Good.",
            reasons={solution.id: "Why." for solution in solutions},
            selected={solutions[0].id},
        )


def test_a_name_that_is_withheld_is_not_published_with_the_outcome(
    session: Session, field: tuple[Challenge, User, list[Solution]]
) -> None:
    challenge, poster, solutions = field
    challenge.shows_name = False
    told = f"{challenge.organization.name.upper()} thanks everybody."
    session.commit()

    with pytest.raises(Several, match="withheld"):
        rules.award(
            session,
            challenge,
            actor=poster,
            statement=told,
            reasons={solution.id: "Why." for solution in solutions},
            selected={solutions[0].id},
        )
    for verb in (rules.declare_unsuccessful, rules.cancel):
        with pytest.raises(RuleViolation, match="withheld"):
            verb(session, challenge, actor=poster, reason=told)
    assert challenge.status is ChallengeStatus.EVALUATING

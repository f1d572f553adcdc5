"""Writing, submitting, withdrawing: what counts and what is kept."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from bidding import audit, clock
from bidding.challenges.models import Addendum, ChallengeInvitation, ChallengeStatus
from bidding.notifications.models import Notification
from bidding.organizations.models import OrganizationStatus
from bidding.organizations.size_classes import SizeClass
from bidding.solutions import rules
from bidding.solutions.jobs import tell_of_addendum, tell_of_suspension
from bidding.solutions.models import Response, Solution, SolutionStatus
from bidding.violations import AccessDenied, InvalidTransition, RuleViolation, Several
from tests import factories
from tests.solutions import make


def _notices(session: Session, event: str) -> list[Notification]:
    return list(session.scalars(sa.select(Notification).where(Notification.event == event)))


def test_colleagues_share_one_solution(session: Session) -> None:
    challenge, actor = factories.ChallengeFactory(), factories.solver()
    colleague = factories.member_of(actor.organization)

    first = rules.start(session, challenge, actor=actor)
    second = rules.start(session, challenge, actor=colleague)

    assert first is second
    assert first.author is actor


@pytest.mark.parametrize(
    "organization",
    [
        {"size_class": SizeClass.LARGE},
        {"size_class": SizeClass.SMALL, "status": OrganizationStatus.PENDING},
        {"size_class": SizeClass.SMALL, "status": OrganizationStatus.SUSPENDED},
    ],
)
def test_only_verified_smes_can_start(session: Session, organization: dict[str, object]) -> None:
    actor = factories.poster(**organization)
    with pytest.raises(AccessDenied):
        rules.start(session, factories.ChallengeFactory(), actor=actor)


def test_nobody_answers_the_challenge_of_the_own_organization(session: Session) -> None:
    actor = factories.solver()
    challenge = factories.ChallengeFactory(organization=actor.organization)
    with pytest.raises(AccessDenied, match="your own organization"):
        rules.start(session, challenge, actor=actor)


def test_the_deadline_is_exact(session: Session) -> None:
    challenge, actor = factories.ChallengeFactory(), factories.solver()
    solution = make.draft(session, challenge, actor)

    with clock.at(challenge.closes_at):
        with pytest.raises(InvalidTransition, match="deadline has passed"):
            rules.update(session, solution, actor=actor, answers={}, summary="Too late")
        with pytest.raises(InvalidTransition, match="deadline has passed"):
            rules.submit(session, solution, actor=actor)
        with pytest.raises(InvalidTransition, match="deadline has passed"):
            rules.start(session, challenge, actor=factories.solver())
    with clock.at(challenge.closes_at - timedelta(microseconds=1)):
        rules.submit(session, solution, actor=actor)
    assert solution.status is SolutionStatus.SUBMITTED


@pytest.mark.parametrize("status", [ChallengeStatus.SUSPENDED, ChallengeStatus.CANCELLED])
def test_the_refusal_names_the_state_of_the_challenge(
    session: Session, status: ChallengeStatus
) -> None:
    challenge, actor = factories.ChallengeFactory(), factories.solver()
    solution = make.draft(session, challenge, actor)
    challenge.status = status
    with pytest.raises(InvalidTransition, match=status.value):
        rules.submit(session, solution, actor=actor)


def test_a_draft_may_have_gaps_and_a_submission_may_not(session: Session) -> None:
    challenge, actor = factories.ChallengeFactory(), factories.solver()
    first, second = challenge.requirements
    solution = rules.start(session, challenge, actor=actor)
    rules.update(
        session, solution, actor=actor, answers={first.id: (Response.PARTLY, "")}, summary="Only"
    )

    with pytest.raises(Several) as refusal:
        rules.submit(session, solution, actor=actor)

    assert {one.field for one in refusal.value.violations} == {
        "approach",
        "price_fen",
        "duration_months",
        f"statement_{first.id}",
        f"response_{second.id}",
    }
    assert solution.status is SolutionStatus.DRAFT
    assert solution.versions == []


def test_a_submission_is_kept_word_for_word_with_its_digest(session: Session) -> None:
    actor = factories.solver()
    solution = make.submitted(session, factories.ChallengeFactory(), actor)
    (version,) = solution.versions

    told = version.content["answers"][0]
    assert (told["name"], told["response"]) == ("Energy product", "meets")
    assert version.content["summary"] == make.TEXTS["summary"]
    canonical = json.dumps(
        version.content, ensure_ascii=False, sort_keys=True, separators=(",", ":")
    )
    assert version.digest == hashlib.sha256(canonical.encode()).hexdigest()


def test_edits_after_a_submission_count_only_when_submitted_again(session: Session) -> None:
    actor = factories.solver()
    solution = make.submitted(session, factories.ChallengeFactory(), actor)
    assert not solution.has_unsubmitted_changes

    rules.update(session, solution, actor=actor, answers={}, summary="Better")
    assert solution.has_unsubmitted_changes
    assert [v.content["summary"] for v in solution.versions] == [make.TEXTS["summary"]]

    rules.submit(session, solution, actor=actor)
    assert not solution.has_unsubmitted_changes
    assert [(v.number, v.content["summary"]) for v in solution.versions] == [
        (1, make.TEXTS["summary"]),
        (2, "Better"),
    ]


def test_the_same_words_are_not_submitted_twice(session: Session) -> None:
    actor = factories.solver()
    solution = make.submitted(session, factories.ChallengeFactory(), actor)
    with pytest.raises(RuleViolation, match="Version 1 says the same"):
        rules.submit(session, solution, actor=actor)


def test_a_withdrawn_solution_can_be_submitted_again(session: Session) -> None:
    actor = factories.solver()
    solution = make.submitted(session, factories.ChallengeFactory(), actor)
    rules.withdraw(session, solution, actor=actor)
    rules.submit(session, solution, actor=actor)
    assert solution.status is SolutionStatus.SUBMITTED
    assert [version.number for version in solution.versions] == [1, 2]


def test_a_suspended_organization_cannot_submit(session: Session) -> None:
    actor = factories.solver()
    solution = make.draft(session, factories.ChallengeFactory(), actor)
    actor.organization.status = OrganizationStatus.SUSPENDED
    with pytest.raises(InvalidTransition, match="Only a verified"):
        rules.submit(session, solution, actor=actor)


def test_a_colleague_who_saved_in_between_is_not_overwritten(session: Session) -> None:
    actor = factories.solver()
    solution = make.draft(session, factories.ChallengeFactory(), actor)
    seen, requirement = solution.version, solution.challenge.requirements[0]
    # A changed answer alone must count as a change of the solution.
    theirs = {requirement.id: (Response.EXCEEDS, "Colleague")}
    rules.update(session, solution, actor=actor, answers=theirs, version=seen)

    with pytest.raises(rules.Stale):
        rules.update(
            session,
            solution,
            actor=actor,
            answers={requirement.id: (Response.NO, "Mine")},
            version=seen,
        )
    assert {a.statement for a in solution.answers if a.requirement_id == requirement.id} == {
        "Colleague"
    }


def test_everyone_in_the_organization_has_a_receipt(session: Session) -> None:
    actor = factories.solver()
    colleague = factories.member_of(actor.organization)
    solution = make.submitted(session, factories.ChallengeFactory(), actor)

    receipts = _notices(session, "solutions.submit")
    assert {receipt.user_id for receipt in receipts} == {actor.id, colleague.id}
    assert receipts[0].params["number"] == 1
    assert receipts[0].params["digest"] == solution.versions[0].digest


def test_the_trail_holds_no_words_that_were_never_submitted(session: Session) -> None:
    actor = factories.solver()
    make.draft(session, factories.ChallengeFactory(), actor, summary="Our secret alloy")
    events = session.scalars(sa.select(audit.AuditEvent)).all()
    assert {event.action for event in events} == {"solutions.start", "solutions.update"}
    assert not [event for event in events if "secret" in json.dumps(event.changes)]


def test_an_addendum_reaches_everyone_who_works_on_a_solution(session: Session) -> None:
    challenge = factories.ChallengeFactory()
    drafting, submitting, outsider = (factories.solver() for _ in range(3))
    make.draft(session, challenge, drafting)
    make.submitted(session, challenge, submitting)
    addendum = Addendum(
        challenge=challenge,
        text="Samples of 20 mm will do.",
        closes_at_before=challenge.closes_at,
        closes_at_after=challenge.closes_at + timedelta(days=7),
    )
    session.add(addendum)
    session.commit()

    tell_of_addendum(addendum.id)
    session.rollback()  # let go of what was read before the job

    notices = _notices(session, "solutions.addendum")
    assert {notice.user_id for notice in notices} == {drafting.id, submitting.id}
    assert outsider.id not in {notice.user_id for notice in notices}
    assert notices[0].params["text"] == "Samples of 20 mm will do."
    assert notices[0].params["closes_at"] == addendum.closes_at_after.isoformat()


def test_an_addendum_tells_the_invited_and_nobody_twice(session: Session) -> None:
    challenge = factories.ChallengeFactory()
    author, invited, outsider = (factories.solver() for _ in range(3))
    for person in (author, invited):
        session.add(
            ChallengeInvitation(
                challenge=challenge,
                organization=person.organization,
                invited_by_id=factories.member_of(challenge.organization).id,
            )
        )
    make.draft(session, challenge, author)
    addendum = Addendum(challenge=challenge, text="Samples of 20 mm will do.")
    session.add(addendum)
    session.commit()

    tell_of_addendum(addendum.id)
    session.rollback()

    notices = session.scalars(sa.select(Notification)).all()
    assert sorted((notice.event, notice.user_id) for notice in notices) == [
        ("challenges.addendum", invited.id),
        ("solutions.addendum", author.id),
    ]
    assert outsider.id not in {notice.user_id for notice in notices}


@pytest.mark.parametrize(
    ("status", "event"),
    [
        (ChallengeStatus.SUSPENDED, "solutions.suspend"),
        (ChallengeStatus.PUBLISHED, "solutions.resume"),
    ],
)
def test_authors_hear_that_their_challenge_is_suspended_or_goes_on(
    session: Session, status: ChallengeStatus, event: str
) -> None:
    challenge, author = factories.ChallengeFactory(), factories.solver()
    factories.solver()
    make.draft(session, challenge, author)
    challenge.status = status
    session.commit()

    tell_of_suspension(challenge.id)
    session.rollback()

    notices = session.scalars(sa.select(Notification)).all()
    assert [(notice.event, notice.user_id) for notice in notices] == [(event, author.id)]


def test_confirming_tells_the_poster(session: Session) -> None:
    actor = factories.solver()
    challenge = factories.ChallengeFactory(status=ChallengeStatus.AWARDED, closed=True)
    poster = factories.member_of(challenge.organization)
    solution: Solution = factories.SolutionFactory(
        challenge=challenge, organization=actor.organization, status=SolutionStatus.SELECTED
    )
    rules.confirm(session, solution, actor=actor)
    (notice,) = _notices(session, "solutions.confirm")
    assert (notice.user_id, notice.params["organization"]) == (poster.id, actor.organization.name)


def test_accepting_an_award_keeps_why_it_was_given(session: Session) -> None:
    actor = factories.solver()
    solution = factories.SolutionFactory(
        organization=actor.organization,
        challenge=factories.ChallengeFactory(status=ChallengeStatus.AWARDED),
        status=SolutionStatus.SELECTED,
        status_reason="The best samples.",
    )

    rules.confirm(session, solution, actor=actor)

    assert (solution.status, solution.status_reason) == (
        SolutionStatus.CONFIRMED,
        "The best samples.",
    )

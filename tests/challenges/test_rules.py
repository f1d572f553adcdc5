"""What posters and reviewers can do to challenges, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from bidding import clock, deferred
from bidding.audit import AuditEvent
from bidding.challenges import rules
from bidding.challenges.models import (
    Challenge,
    ChallengeKind,
    ChallengeStatus,
    Cooperation,
    IpTerms,
    Operator,
)
from bidding.notifications.models import Notification
from bidding.organizations.models import OrganizationStatus, QualificationKind
from bidding.organizations.size_classes import SizeClass
from bidding.violations import AccessDenied, InvalidTransition, ReasonRequired, RuleViolation
from tests import factories

S = ChallengeStatus
DAY = timedelta(days=1)
ROW = {"name": "Coercivity", "operator": Operator.AT_LEAST, "value": "20", "unit": "kOe"}


def terms(**changes: Any) -> dict[str, Any]:
    complete = {
        "kind": ChallengeKind.TECHNOLOGY,
        "title": "Magnets that hold at 200 °C",
        "problem": "Coercivity falls.",
        "expected_result": "A process.",
        "budget_max_fen": 300_000_000,
        "cooperation": ["joint"],
        "ip_terms": IpTerms.JOINT,
        "duration_months": 12,
        "closes_at": clock.now() + 30 * DAY,
        "requirements": [ROW],
    }
    return {**complete, **changes}


def last_event(session: Session) -> AuditEvent:
    return session.scalars(sa.select(AuditEvent).order_by(AuditEvent.id.desc())).first()


def test_a_member_of_a_verified_large_enterprise_begins_a_draft(session: Session) -> None:
    poster = factories.poster(region_code="330783", industry_code="39")

    draft = rules.create(session, poster.organization, actor=poster, title="Magnets")

    assert draft.status is S.DRAFT
    assert (draft.region_code, draft.industry_code) == ("330783", "39")
    assert last_event(session).action == "challenges.create"


@pytest.mark.parametrize(
    "organization",
    [{"status": OrganizationStatus.PENDING}, {"size_class": SizeClass.MEDIUM}],
    ids=["not verified", "not large"],
)
def test_others_cannot_post(session: Session, organization: dict[str, Any]) -> None:
    actor = factories.poster(**organization)

    with pytest.raises(AccessDenied):
        rules.create(session, actor.organization, actor=actor, title="Magnets")


def test_nobody_posts_for_another_organization(session: Session) -> None:
    with pytest.raises(AccessDenied):
        rules.create(
            session, factories.OrganizationFactory(), actor=factories.poster(), title="Magnets"
        )


def test_a_misspelt_term_is_a_fault_and_not_lost_silently(session: Session) -> None:
    poster = factories.poster()
    with pytest.raises(TypeError, match="budget_max"):
        rules.create(session, poster.organization, actor=poster, title="Magnets", budget_max=3)


def test_ways_of_cooperation_are_kept_once_and_in_order(session: Session) -> None:
    poster = factories.poster()

    draft = rules.create(
        session, poster.organization, actor=poster, **terms(cooperation=["equity", "joint"])
    )

    assert draft.ways == [Cooperation.JOINT, Cooperation.EQUITY]


def test_takers_may_be_asked_for_a_qualification_and_a_region(session: Session) -> None:
    poster = factories.poster()
    asked = {
        "required_qualifications": ["high_tech", "srdi_sme", "high_tech"],
        "taker_region_code": "330000",
        "taker_notes": "IATF 16949.",
    }
    plain = rules.create(session, poster.organization, actor=poster, **terms())
    draft = rules.create(session, poster.organization, actor=poster, **terms(**asked))

    kinds = [QualificationKind.SRDI_SME, QualificationKind.HIGH_TECH]
    assert (plain.has_conditions, plain.qualifications_asked) == (False, [])
    assert (draft.has_conditions, draft.qualifications_asked) == (True, kinds)
    assert rules.gaps(plain) == rules.gaps(draft) == []
    assert rules.copy(session, draft, actor=poster).taker_region_code == "330000"


def test_conditions_stand_once_the_challenge_is_submitted(session: Session) -> None:
    poster = factories.poster()
    draft = rules.create(session, poster.organization, actor=poster, **terms())
    rules.submit(session, draft, actor=poster)

    with pytest.raises(InvalidTransition, match="no longer a draft"):
        rules.update(session, draft, actor=poster, **terms(taker_region_code="330000"))


def test_the_other_conditions_do_not_tell_a_name_that_is_withheld(session: Session) -> None:
    poster = factories.poster(name="Hengdian Secret Works")
    draft = rules.create(
        session,
        poster.organization,
        actor=poster,
        **terms(shows_name=False, taker_notes="Suppliers of hengdian secret works only."),
    )

    assert rules.gaps(draft) == [("taker_notes", rules.NAMED)]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"budget_min_fen": 200, "budget_max_fen": 100}, "budget_max_fen"),
        ({"awards": 4}, "awards"),
        ({"title": ""}, "title"),
    ],
)
def test_terms_that_cannot_be_are_refused_and_change_nothing(
    session: Session, changes: dict[str, Any], field: str
) -> None:
    poster = factories.poster()
    draft = rules.create(session, poster.organization, actor=poster, **terms())

    with pytest.raises(RuleViolation) as refusal:
        rules.update(session, draft, actor=poster, **terms(**changes))

    assert refusal.value.field == field
    session.flush()
    assert draft.awards == 1
    assert draft.title == "Magnets that hold at 200 °C"


# Saving


def test_a_change_of_requirements_is_on_record_in_words(session: Session) -> None:
    poster = factories.poster()
    draft = rules.create(session, poster.organization, actor=poster, **terms())

    rules.update(
        session,
        draft,
        actor=poster,
        **terms(
            requirements=[
                {**ROW, "value": "25"},
                {"name": "", "value": ""},
                {"name": "Delivery", "operator": Operator.TEXT, "value": "Series", "must": False},
            ]
        ),
    )

    changes = last_event(session).changes
    assert changes["requirements"] == [
        "★ Coercivity ≥ 20 kOe",
        "★ Coercivity ≥ 25 kOe; Delivery Series",
    ]
    assert [row.position for row in draft.requirements] == [0, 1]


def test_saving_without_a_change_leaves_no_trace(session: Session) -> None:
    poster = factories.poster()
    same = terms()
    draft = rules.create(session, poster.organization, actor=poster, **same)
    session.flush()
    version = draft.version

    rules.update(session, draft, actor=poster, **same)

    session.flush()
    assert last_event(session).action == "challenges.create"
    assert draft.version == version


@pytest.mark.parametrize("change", [{"title": "Other"}, {"requirements": []}])
def test_a_colleague_who_saved_first_is_not_overwritten(
    session: Session, change: dict[str, Any]
) -> None:
    poster = factories.poster()
    draft = rules.create(session, poster.organization, actor=poster, **terms())
    session.flush()
    seen = draft.version
    rules.update(session, draft, actor=poster, version=seen, **terms(**change))

    with pytest.raises(rules.Overtaken):
        rules.update(session, draft, actor=poster, version=seen, **terms(title="Mine"))


@pytest.mark.parametrize("status", [s for s in S if s not in (S.DRAFT, S.CHANGES_REQUESTED)])
def test_terms_stand_once_submitted(session: Session, status: S) -> None:
    poster = factories.poster()
    challenge = factories.ChallengeFactory(organization=poster.organization, status=status)

    with pytest.raises(InvalidTransition):
        rules.update(session, challenge, actor=poster, **terms())


def test_a_copy_has_the_terms_but_no_deadline(session: Session) -> None:
    poster = factories.poster()
    old = factories.ChallengeFactory(
        organization=poster.organization, status=S.UNSUCCESSFUL, opened_at=clock.now()
    )

    draft = rules.copy(session, old, actor=poster)

    assert draft.id != old.id
    assert (draft.status, draft.closes_at) == (S.DRAFT, None)
    assert (draft.title, draft.budget_max_fen) == (old.title, old.budget_max_fen)
    assert [r.summary for r in draft.requirements] == [r.summary for r in old.requirements]


# Gaps and submission


def test_an_empty_draft_lists_everything_that_is_missing(session: Session) -> None:
    poster = factories.poster()
    draft = rules.create(
        session,
        poster.organization,
        actor=poster,
        title="Magnets",
        region_code=None,
        industry_code=None,
    )

    assert {field for field, _ in rules.gaps(draft)} == {
        "problem",
        "expected_result",
        "requirements",
        "budget_max_fen",
        "cooperation",
        "ip_terms",
        "duration_months",
        "region_code",
        "industry_code",
        "closes_at",
    }


def closing_in(**span: int) -> Callable[[], dict[str, Any]]:
    return lambda: {"closes_at": clock.now() + timedelta(**span)}


GAPS: dict[str, tuple[dict[str, Any] | Callable[[], dict[str, Any]], list[str]]] = {
    "complete": ({}, []),
    "negotiable budget": ({"budget_max_fen": None, "budget_negotiable": True}, []),
    "lower end of the budget only": ({"budget_max_fen": None, "budget_min_fen": 100}, []),
    "a product needs no duration": (
        {"kind": ChallengeKind.SUPPORTING_PRODUCT, "duration_months": None},
        [],
    ),
    "a day and a minute": (closing_in(days=1, minutes=1), []),
    "under a day": (closing_in(hours=23), ["closes_at"]),
    "past": (closing_in(days=-1), ["closes_at"]),
    "requirement without a name": ({"requirements": [{**ROW, "name": ""}]}, ["requirements"]),
    "requirement without a value": ({"requirements": [{**ROW, "value": ""}]}, ["requirements"]),
    "comparison without a number": ({"requirements": [{**ROW, "value": "high"}]}, ["requirements"]),
    "description without a number": (
        {"requirements": [{**ROW, "operator": Operator.TEXT, "value": "high"}]},
        [],
    ),
    "hidden name told in the text": (
        {"shows_name": False, "background": "At Hengdian Secret we run hot."},
        ["background"],
    ),
    "hidden name told in a requirement": (
        {"shows_name": False, "requirements": [{**ROW, "name": "Hengdian Secret fit"}]},
        ["requirements"],
    ),
    "shown name told in the text": ({"background": "At Hengdian Secret we run hot."}, []),
}


@pytest.mark.parametrize(("changes", "fields"), GAPS.values(), ids=GAPS)
def test_gaps(session: Session, changes: Any, fields: list[str]) -> None:
    poster = factories.poster(name="Hengdian Secret")
    changes = changes() if callable(changes) else changes
    draft = rules.create(session, poster.organization, actor=poster, **terms(**changes))

    assert [field for field, _ in rules.gaps(draft)] == fields


def test_a_draft_with_gaps_is_not_submitted(session: Session) -> None:
    poster = factories.poster()
    draft = rules.create(session, poster.organization, actor=poster, title="Magnets")

    with pytest.raises(rules.Incomplete) as refusal:
        rules.submit(session, draft, actor=poster)

    assert refusal.value.gaps == rules.gaps(draft)
    assert draft.status is S.DRAFT


def test_an_enterprise_that_was_suspended_meanwhile_cannot_submit(session: Session) -> None:
    poster = factories.poster()
    draft = rules.create(session, poster.organization, actor=poster, **terms())
    poster.organization.status = OrganizationStatus.SUSPENDED

    with pytest.raises(RuleViolation, match="Only verified large enterprises"):
        rules.submit(session, draft, actor=poster)


# Review


def waiting(session: Session, **changes: Any) -> Challenge:
    poster = factories.poster()
    return factories.ChallengeFactory(
        organization=poster.organization, status=S.IN_REVIEW, published_at=None, **changes
    )


def told(session: Session) -> list[tuple[str, str]]:
    session.flush()
    return [(n.event, n.address) for n in session.scalars(sa.select(Notification))]


def test_publishing_tells_the_poster_and_starts_the_matcher(session: Session) -> None:
    challenge = waiting(session)
    poster = challenge.organization.memberships[0].user

    rules.publish(session, challenge, actor=factories.UserFactory(reviewer=True))

    assert challenge.is_open
    assert challenge.published_at is not None
    assert told(session) == [("challenges.publish", poster.email)]
    assert ("matching.challenge", (challenge.id,)) in deferred.take(session)


@pytest.mark.parametrize("hours", [-1, 23])
def test_what_closes_within_a_day_cannot_be_published(session: Session, hours: int) -> None:
    challenge = waiting(session, closes_at=clock.now() + timedelta(hours=hours))

    with pytest.raises(InvalidTransition, match="Less than one day"):
        rules.publish(session, challenge, actor=factories.UserFactory(reviewer=True))


def test_nothing_is_published_for_a_suspended_enterprise(session: Session) -> None:
    challenge = waiting(session)
    challenge.organization.status = OrganizationStatus.SUSPENDED

    with pytest.raises(InvalidTransition, match="no longer"):
        rules.publish(session, challenge, actor=factories.UserFactory(reviewer=True))


@pytest.mark.parametrize(
    ("verb", "status"),
    [(rules.request_changes, S.CHANGES_REQUESTED), (rules.reject, S.REJECTED)],
)
def test_a_refusal_owes_a_reason_that_the_poster_reads(
    session: Session, verb: Callable[..., None], status: S
) -> None:
    challenge = waiting(session)
    reviewer = factories.UserFactory(reviewer=True)
    with pytest.raises(ReasonRequired):
        verb(session, challenge, actor=reviewer, reason="  ")

    verb(session, challenge, actor=reviewer, reason="Say how it is measured.")

    assert challenge.status is status
    assert challenge.status_reason == "Say how it is measured."
    assert session.scalars(sa.select(Notification)).one().params["reason"] == (
        "Say how it is measured."
    )


# Suspension


def test_resuming_moves_the_deadline_by_as_long_as_it_was_suspended(session: Session) -> None:
    administrator = factories.UserFactory(administrator=True)
    challenge = factories.ChallengeFactory()
    closes_at, start = challenge.closes_at, clock.now()
    with clock.at(start):
        rules.suspend(session, challenge, actor=administrator, reason="A complaint.")
    assert not challenge.is_public

    with clock.at(start + 40 * DAY):  # longer than was left
        rules.resume(session, challenge, actor=administrator)

        assert challenge.is_open
        assert challenge.closes_at == closes_at + 40 * DAY
        assert "closes_at" in last_event(session).changes
    assert ("matching.challenge", (challenge.id,)) in deferred.take(session)


def test_a_deadline_that_had_passed_is_not_moved(session: Session) -> None:
    administrator = factories.UserFactory(administrator=True)
    challenge = factories.ChallengeFactory(closed=True)
    closes_at = challenge.closes_at
    rules.suspend(session, challenge, actor=administrator, reason="A complaint.")

    rules.resume(session, challenge, actor=administrator)

    assert challenge.closes_at == closes_at
    assert challenge.awaits_opening


# Addenda


def test_an_addendum_extends_the_deadline(session: Session) -> None:
    poster = factories.poster()
    challenge = factories.ChallengeFactory(organization=poster.organization)
    before = challenge.closes_at

    addendum = rules.add_addendum(
        session, challenge, actor=poster, text=" Samples are ready. ", closes_at=before + DAY
    )

    assert challenge.closes_at == before + DAY
    assert (addendum.closes_at_before, addendum.closes_at_after) == (before, before + DAY)
    event = last_event(session)
    assert event.action == "challenges.addendum"
    assert event.changes["addendum"] == [None, "Samples are ready."]
    assert set(deferred.take(session)) >= {
        ("solutions.addendum", (addendum.id,)),
        ("matching.challenge", (challenge.id,)),
    }


@pytest.mark.parametrize("hours", [0, -1])
def test_a_deadline_is_never_shortened(session: Session, hours: int) -> None:
    poster = factories.poster()
    challenge = factories.ChallengeFactory(organization=poster.organization)
    earlier = challenge.closes_at + timedelta(hours=hours)

    with pytest.raises(RuleViolation) as refusal:
        rules.add_addendum(session, challenge, actor=poster, text="Sooner", closes_at=earlier)

    assert refusal.value.field == "closes_at"


@pytest.mark.parametrize("state", [{"closed": True}, {"status": S.EVALUATING}])
def test_only_an_open_challenge_is_supplemented(session: Session, state: dict[str, Any]) -> None:
    poster = factories.poster()
    challenge = factories.ChallengeFactory(organization=poster.organization, **state)

    with pytest.raises(InvalidTransition):
        rules.add_addendum(session, challenge, actor=poster, text="Late")


def test_an_addendum_does_not_tell_a_hidden_name(session: Session) -> None:
    poster = factories.poster(name="Hengdian Secret")
    challenge = factories.ChallengeFactory(organization=poster.organization, shows_name=False)

    with pytest.raises(RuleViolation) as refusal:
        rules.add_addendum(session, challenge, actor=poster, text="Call Hengdian Secret.")

    assert refusal.value.field == "text"


def test_only_the_poster_supplements(session: Session) -> None:
    challenge = factories.ChallengeFactory()
    with pytest.raises(AccessDenied):
        rules.add_addendum(
            session, challenge, actor=factories.UserFactory(administrator=True), text="Hm"
        )

"""What people can and cannot do with organizations."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from bidding import clock
from bidding.audit import AuditEvent
from bidding.deferred import take
from bidding.notifications.models import Notification
from bidding.organizations import credit_codes, rules
from bidding.organizations.models import (
    MemberRole,
    Organization,
    OrganizationStatus,
    Qualification,
    QualificationKind,
)
from bidding.organizations.size_classes import SizeClass
from bidding.violations import AccessDenied, InvalidTransition, RuleViolation
from tests import factories

FACTS = {
    "name": "Dongyang Sintering",
    "credit_code": credit_codes.make(1, "330783"),
    "region_code": "330783",
    "industry_code": "39",
    "size_class": SizeClass.SMALL,
}
S = OrganizationStatus


def actions(session: Session) -> list[str]:
    return list(session.scalars(sa.select(AuditEvent.action).order_by(AuditEvent.id)))


def matching_jobs(session: Session) -> list[tuple]:
    return [job for job in take(session) if job[0] == "matching.organization"]


# Entering


def test_whoever_enters_an_organization_owns_it(session: Session) -> None:
    user = factories.UserFactory()
    organization = rules.create(session, actor=user, **FACTS)
    assert organization.status is S.DRAFT
    assert user.membership.role is MemberRole.OWNER
    assert user.organization is organization
    assert actions(session) == ["organizations.create"]


def test_nobody_enters_a_second_organization(session: Session) -> None:
    with pytest.raises(RuleViolation, match="one person belongs to one organization"):
        rules.create(session, actor=factories.solver(), **FACTS)


def test_a_code_is_kept_in_its_plain_form(session: Session) -> None:
    typed = " ".join(FACTS["credit_code"].lower())
    facts = {**FACTS, "credit_code": typed}
    organization = rules.create(session, actor=factories.UserFactory(), **facts)
    assert organization.credit_code == FACTS["credit_code"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (FACTS["credit_code"][:-1], "18 characters"),
        (FACTS["credit_code"][:-1] + "I", "never I, O"),
        ("0" + FACTS["credit_code"][1:], "first eight"),
        (FACTS["credit_code"][:-1] + ("0" if FACTS["credit_code"][-1] != "0" else "1"), "mistyped"),
    ],
)
def test_each_problem_of_a_code_has_its_own_sentence(
    session: Session, code: str, words: str
) -> None:
    facts = {**FACTS, "credit_code": code}
    with pytest.raises(RuleViolation, match=words) as refusal:
        rules.create(session, actor=factories.UserFactory(), **facts)
    assert refusal.value.field == "credit_code"


def test_a_code_registered_already_says_how_to_join(session: Session) -> None:
    rules.create(session, actor=factories.UserFactory(), **FACTS)
    late = factories.UserFactory(email="late@example.com")
    with pytest.raises(RuleViolation) as refusal:
        rules.create(session, actor=late, **{**FACTS, "name": "Other"})
    sentence = str(refusal.value)
    assert "“Dongyang Sintering” is registered" in sentence
    assert "Ask one of its owners to invite late@example.com" in sentence


def test_an_imported_organization_is_joined_through_the_office(session: Session) -> None:
    factories.OrganizationFactory(sme=True, credit_code=FACTS["credit_code"])
    with pytest.raises(RuleViolation, match="office of the programme"):
        rules.create(session, actor=factories.UserFactory(), **FACTS)


# Changing


def test_a_change_is_recorded_old_and_new(session: Session) -> None:
    owner = factories.solver(employees=80)
    rules.update(session, owner.organization, actor=owner, employees=120, founded=2008)
    (event,) = session.scalars(sa.select(AuditEvent))
    assert event.changes == {"employees": [80, 120], "founded": [None, 2008]}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "Another"),
        ("credit_code", credit_codes.make(77, "330783")),
        ("region_code", "330781"),
        ("size_class", SizeClass.LARGE),
    ],
)
def test_what_was_verified_stays(session: Session, field: str, value: object) -> None:
    owner = factories.solver()
    with pytest.raises(RuleViolation) as refusal:
        rules.update(session, owner.organization, actor=owner, **{field: value})
    assert refusal.value.field == field


@pytest.mark.parametrize("status", [S.PENDING, S.REJECTED, S.SUSPENDED])
def test_nothing_changes_under_a_reviewers_eyes_or_after_a_refusal(
    session: Session, status: S
) -> None:
    owner = factories.solver(status=status)
    with pytest.raises(InvalidTransition):
        rules.update(session, owner.organization, actor=owner, founded=2008)
    with pytest.raises(InvalidTransition):
        rules.update_profile(session, owner.organization, actor=owner, qualifications=[])


def test_somebody_elses_organization_cannot_be_changed(session: Session) -> None:
    other = factories.OrganizationFactory(sme=True)
    for actor in (factories.solver(), factories.UserFactory(administrator=True)):
        with pytest.raises(AccessDenied):
            rules.update(session, other, actor=actor, founded=2008)


def test_changes_of_a_verified_sme_are_matched_anew_once(session: Session) -> None:
    owner = factories.solver()
    organization = owner.organization
    rules.update(session, organization, actor=owner, founded=2008)
    rules.update_profile(session, organization, actor=owner, qualifications=[], products="Magnets")
    assert matching_jobs(session) == [("matching.organization", (organization.id,))]
    rules.update_profile(session, organization, actor=owner, qualifications=[], products="Magnets")
    assert matching_jobs(session) == []


def test_qualifications_are_replaced_row_by_row(session: Session) -> None:
    owner = factories.solver()
    organization = owner.organization
    giant = {"kind": QualificationKind.LITTLE_GIANT, "number": "1", "issued_on": None}
    tech = {"kind": QualificationKind.HIGH_TECH, "number": "2", "expires_on": date(2027, 1, 1)}
    rules.update_profile(session, organization, actor=owner, qualifications=[giant, tech])
    session.flush()
    kept = {row.kind: row.id for row in organization.qualifications}

    rules.update_profile(
        session, organization, actor=owner, qualifications=[{**tech, "number": "3"}]
    )
    session.flush()

    (row,) = session.scalars(sa.select(Qualification))
    assert (row.id, row.number) == (kept[QualificationKind.HIGH_TECH], "3")
    event = session.scalars(sa.select(AuditEvent).order_by(AuditEvent.id.desc())).first()
    assert event.changes["qualifications"] == [
        ["little_giant 1", "high_tech 2 2027-01-01"],
        ["high_tech 3 2027-01-01"],
    ]


@pytest.mark.parametrize(
    "rows",
    [
        [{"kind": QualificationKind.HIGH_TECH}, {"kind": QualificationKind.HIGH_TECH}],
        [
            {
                "kind": QualificationKind.HIGH_TECH,
                "issued_on": date(2026, 2, 1),
                "expires_on": date(2026, 1, 1),
            }
        ],
    ],
)
def test_contradicting_qualifications_are_refused(session: Session, rows: list[dict]) -> None:
    owner = factories.solver()
    with pytest.raises(RuleViolation):
        rules.update_profile(session, owner.organization, actor=owner, qualifications=rows)


# Submitting


def test_an_incomplete_organization_says_what_is_missing(session: Session) -> None:
    owner = factories.solver(status=S.DRAFT, contact_phone="", brief="")
    with pytest.raises(RuleViolation) as refusal:
        rules.submit(session, owner.organization, actor=owner)
    assert refusal.value.params["missing"] == [
        "brief",
        "employees",
        "revenue_fen",
        "contact_phone",
        "profile",
    ]
    assert owner.organization.status is S.DRAFT


def test_a_large_enterprise_needs_no_profile(session: Session) -> None:
    owner = factories.poster(status=S.DRAFT, brief="Magnets.", employees=2000, revenue_fen=10**12)
    rules.submit(session, owner.organization, actor=owner)
    assert owner.organization.status is S.PENDING


# Members


def invited(session: Session, organization: Organization, actor, email: str):
    return rules.invite(session, organization, actor=actor, email=email)


def test_an_invitation_goes_to_an_address_without_an_account(session: Session) -> None:
    owner = factories.solver()
    invitation = invited(session, owner.organization, owner, " New@Example.com ")
    assert invitation.is_open
    (notice,) = session.scalars(sa.select(Notification))
    assert (notice.address, notice.user_id, notice.in_app) == ("new@example.com", None, False)


def test_an_account_reads_its_invitation_in_the_app_too(session: Session) -> None:
    owner, user = factories.solver(), factories.UserFactory()
    invited(session, owner.organization, owner, user.email)
    (notice,) = session.scalars(sa.select(Notification))
    assert (notice.user_id, notice.in_app) == (user.id, True)


def test_an_invited_person_joins_as_a_member(session: Session) -> None:
    owner, user = factories.solver(), factories.UserFactory()
    invitation = invited(session, owner.organization, owner, user.email)
    membership = rules.accept(session, invitation, actor=user)
    assert membership.role is MemberRole.MEMBER
    assert user.organization is owner.organization
    with pytest.raises(InvalidTransition):
        rules.accept(session, invitation, actor=user)


def test_the_first_member_of_an_imported_organization_owns_it(session: Session) -> None:
    administrator = factories.UserFactory(administrator=True)
    imported, user = factories.OrganizationFactory(sme=True), factories.UserFactory()
    invitation = invited(session, imported, administrator, user.email)
    assert rules.accept(session, invitation, actor=user).role is MemberRole.OWNER


def test_an_invitation_is_no_use_to_anybody_else(session: Session) -> None:
    owner = factories.solver()
    invitation = invited(session, owner.organization, owner, "new@example.com")
    with pytest.raises(AccessDenied, match="new@example.com"):
        rules.accept(session, invitation, actor=factories.UserFactory())


@pytest.mark.parametrize("end", ["revoked", "run out"])
def test_a_closed_invitation_cannot_be_accepted(session: Session, end: str) -> None:
    owner, user = factories.solver(), factories.UserFactory()
    invitation = invited(session, owner.organization, owner, user.email)
    later = clock.now()
    if end == "revoked":
        rules.revoke(session, invitation, actor=owner)
    else:
        later += timedelta(days=15)
    with clock.at(later), pytest.raises(InvalidTransition):
        rules.accept(session, invitation, actor=user)
    assert user.membership is None


def test_a_member_of_another_organization_cannot_join(session: Session) -> None:
    owner, other = factories.solver(), factories.solver()
    invitation = invited(session, owner.organization, owner, other.email)
    with pytest.raises(RuleViolation, match="belong to"):
        rules.accept(session, invitation, actor=other)


def test_nobody_is_invited_twice_or_as_a_member(session: Session) -> None:
    owner = factories.solver()
    invited(session, owner.organization, owner, "new@example.com")
    for email in ("NEW@example.com", owner.email):
        with pytest.raises(RuleViolation) as refusal:
            invited(session, owner.organization, owner, email)
        assert refusal.value.field == "email"


def test_only_an_owner_or_administrator_manages_members(session: Session) -> None:
    owner = factories.solver()
    organization = owner.organization
    mate = factories.member_of(organization, member_role=MemberRole.MEMBER)
    for actor in (mate, factories.solver(), factories.UserFactory(reviewer=True)):
        with pytest.raises(AccessDenied):
            invited(session, organization, actor, "new@example.com")
        with pytest.raises(AccessDenied):
            rules.remove_member(session, organization, mate.membership, actor=actor)


def test_a_removed_member_can_join_another_organization(session: Session) -> None:
    owner, other = factories.solver(), factories.solver()
    mate = factories.member_of(owner.organization, member_role=MemberRole.MEMBER)
    rules.remove_member(session, owner.organization, mate.membership, actor=owner)
    assert mate.membership is None
    invitation = invited(session, other.organization, other, mate.email)
    assert rules.accept(session, invitation, actor=mate).organization is other.organization


def test_the_last_owner_stays(session: Session) -> None:
    owner = factories.solver()
    with pytest.raises(RuleViolation, match="last one"):
        rules.remove_member(session, owner.organization, owner.membership, actor=owner)

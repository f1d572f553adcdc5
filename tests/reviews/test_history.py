"""What a reviewer is told about earlier rounds."""

from __future__ import annotations

from flask import Flask
from sqlalchemy.orm import Session

from bidding import audit
from bidding.challenges import rules as challenges
from bidding.challenges.models import ChallengeStatus
from bidding.organizations import rules as organizations
from bidding.organizations.models import OrganizationStatus, QualificationKind
from bidding.reviews.history import Change, changes_since_refusal, compare
from tests import factories


def changed(app: Flask, session: Session, record) -> list[Change] | None:
    events = session.scalars(audit.trail(record.__tablename__, record.id)).all()
    with app.test_request_context("/?lang=en"):
        return changes_since_refusal(events)


def test_what_an_organization_changed_is_told_in_words(app: Flask, session: Session) -> None:
    reviewer = factories.UserFactory(reviewer=True)
    profile = factories.ProfileFactory(
        organization__status=OrganizationStatus.DRAFT,
        organization__brief="Magnets.",
        organization__employees=80,
        organization__revenue_fen=10**9,
    )
    organization = profile.organization
    owner = factories.member_of(organization)
    organizations.submit(session, organization, actor=owner)
    assert changed(app, session, organization) is None

    organizations.request_changes(session, organization, actor=reviewer, reason="Where is it?")
    for code in ("330781", "370211"):
        organizations.update(session, organization, actor=owner, region_code=code, employees=90)
    organizations.update(session, organization, actor=owner, employees=80)
    organizations.update_profile(
        session,
        organization,
        actor=owner,
        qualifications=[{"kind": QualificationKind.HIGH_TECH, "number": "GR1"}],
    )
    organizations.submit(session, organization, actor=owner)

    assert changed(app, session, organization) == [
        Change("Region", "Dongyang, Jinhua, Zhejiang", "Huangdao, Qingdao, Shandong"),
        Change("Qualifications", "", "High-tech enterprise GR1"),
    ]


def test_what_a_poster_changed_is_told_in_words(app: Flask, session: Session) -> None:
    reviewer = factories.UserFactory(reviewer=True)
    poster = factories.poster()
    challenge = factories.ChallengeFactory(
        organization=poster.organization, status=ChallengeStatus.DRAFT
    )
    challenges.submit(session, challenge, actor=poster)
    challenges.request_changes(session, challenge, actor=reviewer, reason="Too short.")
    challenges.update(
        session,
        challenge,
        actor=poster,
        requirements=[{"name": "Energy product", "operator": ">=", "value": "48"}],
        budget_max_fen=400_000_000,
        cooperation=["joint", "purchase"],
        required_qualifications=["little_giant", "high_tech"],
        taker_region_code="330700",
        taker_notes="IATF 16949.",
        shows_name=False,
    )
    challenges.submit(session, challenge, actor=poster)

    told = {change.label: (change.old, change.new) for change in changed(app, session, challenge)}
    assert told == {
        "Budget to": ("CNY 3,000,000", "CNY 4,000,000"),
        "Ways of cooperation": ("Joint development", "Joint development, Purchase"),
        "Qualifications of takers": ("", "“Little giant” SME, High-tech enterprise"),
        "Region of takers": ("", "Jinhua, Zhejiang"),
        "Other conditions for takers": ("", "IATF 16949."),
        "Name of the poster shown": ("yes", "no"),
        "Requirements": (
            "★ Energy product ≥ 45; Weight loss ≤ 2",
            "★ Energy product ≥ 48",
        ),
    }


def test_long_texts_are_compared_clause_by_clause() -> None:
    old = "We make magnets. They hold 45 MGOe. We ship abroad."
    new = "We make magnets. They hold 48 MGOe. We ship abroad."
    pieces = compare(old, new)
    assert pieces == (
        ("same", "We make magnets. "),
        ("gone", "They hold 45 MGOe. "),
        ("new", "They hold 48 MGOe. "),
        ("same", "We ship abroad."),
    )
    long = "One clause after another, " * 20
    assert [word for word, _ in compare(long + "old", long + "new")] == [
        "same",
        "cut",
        "same",
        "gone",
        "new",
    ]

"""Rows for tests. Built through the models, in believable states; rules are tested elsewhere.

`bind(session)` first (the `session` fixture does). A factory flushes; call
``session.commit()`` before a client reads what was made.
"""

from __future__ import annotations

from datetime import timedelta

import factory
from factory.alchemy import SQLAlchemyModelFactory
from sqlalchemy.orm import Session

from bidding import clock
from bidding.accounts.models import Role, User
from bidding.challenges.models import (
    Challenge,
    ChallengeKind,
    ChallengeStatus,
    Cooperation,
    IpTerms,
    Operator,
    Requirement,
)
from bidding.organizations import credit_codes
from bidding.organizations.models import (
    CapabilityProfile,
    MemberRole,
    Membership,
    Organization,
    OrganizationStatus,
    Qualification,
    QualificationKind,
)
from bidding.organizations.size_classes import SizeClass
from bidding.solutions.models import Solution, SolutionStatus

PASSWORD = "correct horse battery"
# argon2id hash of PASSWORD with the cheapest parameters, so that factories stay fast.
PASSWORD_HASH = (
    "$argon2id$v=19$m=8,t=1,p=1$nfJ3JHQh54cZ9HloxlVZpw$P1x861zcYpqGAjxhphFMGW3f9KLY2sryO+7zvXrCBD0"
)


class _Factory(SQLAlchemyModelFactory):
    class Meta:
        abstract = True
        sqlalchemy_session_persistence = "flush"


class UserFactory(_Factory):
    class Meta:
        model = User

    name = factory.Sequence(lambda n: f"Person {n}")
    email = factory.Sequence(lambda n: f"person{n}@example.com")
    password_hash = PASSWORD_HASH
    locale = "en"
    confirmed_at = factory.LazyFunction(clock.now)

    class Params:
        reviewer = factory.Trait(role=Role.REVIEWER)
        administrator = factory.Trait(role=Role.ADMINISTRATOR)


class OrganizationFactory(_Factory):
    class Meta:
        model = Organization

    name = factory.Sequence(lambda n: f"Hengdian Magnetics {n}")
    credit_code = factory.Sequence(lambda n: credit_codes.make(n, "330783"))
    region_code = "330783"
    industry_code = "39"
    size_class = SizeClass.LARGE
    contact_name = "Zhou Min"
    contact_phone = "0579-5555 0100"
    contact_email = "contact@example.com"
    status = OrganizationStatus.VERIFIED
    submitted_at = factory.LazyFunction(clock.now)
    verified_at = factory.LazyAttribute(
        lambda o: clock.now() if o.status in ("verified", "suspended") else None
    )

    class Params:
        sme = factory.Trait(
            name=factory.Sequence(lambda n: f"Dongyang Sintering {n}"), size_class=SizeClass.SMALL
        )


class ProfileFactory(_Factory):
    class Meta:
        model = CapabilityProfile

    organization = factory.SubFactory(OrganizationFactory, sme=True)
    products = "Sintered neodymium magnets"
    technologies = "Grain boundary diffusion of heavy rare earths"


class QualificationFactory(_Factory):
    class Meta:
        model = Qualification

    organization = factory.SubFactory(OrganizationFactory, sme=True)
    kind = QualificationKind.HIGH_TECH


class MembershipFactory(_Factory):
    class Meta:
        model = Membership

    user = factory.SubFactory(UserFactory)
    organization = factory.SubFactory(OrganizationFactory)
    role = MemberRole.OWNER


class RequirementFactory(_Factory):
    class Meta:
        model = Requirement

    position = factory.Sequence(lambda n: n)
    name = "Maximum energy product"
    operator = Operator.AT_LEAST
    value = "45"
    unit = "MGOe"


class ChallengeFactory(_Factory):
    """Open by default; name another `status` for other states."""

    class Meta:
        model = Challenge

    organization = factory.SubFactory(OrganizationFactory)
    kind = ChallengeKind.TECHNOLOGY
    title = factory.Sequence(lambda n: f"Low heavy rare earth magnets {n}")
    background = "Traction motors run hot."
    problem = "Coercivity falls above 150 °C."
    expected_result = "A process that holds in series production."
    budget_min_fen = 100_000_000
    budget_max_fen = 300_000_000
    cooperation = factory.LazyFunction(lambda: [Cooperation.JOINT.value])
    ip_terms = IpTerms.JOINT
    duration_months = 12
    region_code = "330783"
    industry_code = "39"
    status = ChallengeStatus.PUBLISHED
    closes_at = factory.LazyFunction(lambda: clock.now() + timedelta(days=30))
    submitted_at = factory.LazyFunction(lambda: clock.now() - timedelta(days=3))
    published_at = factory.LazyFunction(lambda: clock.now() - timedelta(days=2))
    opened_at = factory.LazyAttribute(
        lambda o: clock.now() if o.status in ("evaluating", "awarded", "unsuccessful") else None
    )
    requirements = factory.LazyFunction(
        lambda: [
            Requirement(position=0, name="Energy product", operator=Operator.AT_LEAST, value="45"),
            Requirement(
                position=1, name="Weight loss", operator=Operator.AT_MOST, value="2", must=False
            ),
        ]
    )

    class Params:
        closed = factory.Trait(
            closes_at=factory.LazyFunction(lambda: clock.now() - timedelta(hours=1))
        )


class SolutionFactory(_Factory):
    class Meta:
        model = Solution

    challenge = factory.SubFactory(ChallengeFactory)
    organization = factory.SubFactory(OrganizationFactory, sme=True)
    summary = "Diffuse dysprosium only where it matters."
    approach = "Sputter, then age at 500 °C."
    price_fen = 180_000_000
    duration_months = 10
    schedule = "Samples in three months."
    team = "Six engineers."
    status = SolutionStatus.SUBMITTED
    submitted_at = factory.LazyFunction(clock.now)


def bind(session: Session) -> None:
    """Have every factory write to `session`."""
    for one in _all(_Factory):
        one._meta.sqlalchemy_session = session


def _all(base: type[_Factory]) -> list[type[_Factory]]:
    return [f for direct in base.__subclasses__() for f in [direct, *_all(direct)]]


def member_of(organization: Organization, **user: object) -> User:
    """A new user who owns or belongs to `organization`."""
    role = user.pop("member_role", MemberRole.OWNER)
    return MembershipFactory(organization=organization, role=role, user=UserFactory(**user)).user


def poster(**organization: object) -> User:
    """A member of a new verified large enterprise."""
    return member_of(OrganizationFactory(**organization))


def solver(**organization: object) -> User:
    """A member of a new verified SME."""
    return member_of(OrganizationFactory(sme=True, **organization))

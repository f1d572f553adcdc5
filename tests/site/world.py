"""One small world in which every route of the matrix has something to act on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from bidding import clock
from bidding.accounts import links
from bidding.accounts.models import User
from bidding.challenges.models import Addendum, Challenge, ChallengeInvitation, ChallengeStatus
from bidding.matching.models import ItemSurvey, Suggestion
from bidding.notifications.models import Notification
from bidding.organizations import invitations
from bidding.organizations.models import (
    MemberInvitation,
    MemberRole,
    OrganizationStatus,
    Qualification,
    QualificationKind,
)
from bidding.organizations.size_classes import SizeClass
from bidding.solutions.models import Solution, SolutionStatus, SolutionVersion, digest_of
from tests import factories


class World:
    """People by role, and the arguments of a route by the name of a record."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.posting = factories.OrganizationFactory(name="Poster's own")
        self.solving = factories.ProfileFactory(organization__name="Solver's own").organization
        self.people: dict[str, User | None] = {
            "visitor": None,
            "newcomer": factories.UserFactory(),
            "poster": factories.member_of(self.posting),
            "rival poster": factories.poster(),
            "solver": factories.member_of(self.solving),
            "rival solver": factories.solver(),
            "reviewer": factories.UserFactory(reviewer=True),
            "administrator": factories.UserFactory(administrator=True),
        }
        self.colleague = factories.member_of(self.posting, member_role=MemberRole.MEMBER)
        self.records: dict[str, dict[str, Any]] = {"-": {}}
        self._organizations()
        self._challenges()
        self._solutions()
        self._matches()
        self._links()
        session.commit()
        # Its people and their organizations are used long after this session.
        for record in (*filter(None, self.people.values()), self.posting, self.solving):
            session.refresh(record)
        session.expunge_all()

    def _name(self, name: str, record: Any) -> Any:
        self.session.flush()
        self.records[name] = {"ident": record.id}
        return record

    def _organizations(self) -> None:
        """Those the poster and the solver belong to, and others on their way."""
        self._name("posting", self.posting)
        self._name("solving", self.solving)
        for name, status in (
            ("draft organization", OrganizationStatus.DRAFT),
            ("pending organization", OrganizationStatus.PENDING),
            ("suspended organization", OrganizationStatus.SUSPENDED),
        ):
            organization = factories.OrganizationFactory(status=status, size_class=SizeClass.LARGE)
            self._name(name, organization)
        self._name("membership", self.colleague.membership)
        invitation = MemberInvitation(
            organization=self.posting,
            email="guest@example.com",
            invited_by_id=self.people["poster"].id,
            expires_at=clock.now() + timedelta(days=7),
        )
        self.session.add(invitation)
        self._name("invitation", invitation)
        self.records["invitation link"] = {"token": invitations.make_token(invitation.id)}

    def _challenges(self) -> None:
        """The poster's, in every state; to its rivals they are another's."""
        conditions = {"taker_region_code": "440000", "required_qualifications": ["little_giant"]}
        self.challenges = {
            name: self._name(name, self._challenge(status, **facts))
            for name, status, facts in (
                ("draft", ChallengeStatus.DRAFT, {"published_at": None}),
                ("waiting", ChallengeStatus.IN_REVIEW, {"published_at": None}),
                ("open", ChallengeStatus.PUBLISHED, {}),
                ("untouched", ChallengeStatus.PUBLISHED, conditions),
                ("closed", ChallengeStatus.PUBLISHED, {"closed": True}),
                ("evaluating", ChallengeStatus.EVALUATING, {"closed": True}),
                ("awarded", ChallengeStatus.AWARDED, {"closed": True}),
                ("suspended", ChallengeStatus.SUSPENDED, {"suspended_at": clock.now()}),
            )
        }

    def _challenge(self, status: ChallengeStatus, **facts: Any) -> Challenge:
        return factories.ChallengeFactory(
            organization=self.posting, author=self.people["poster"], status=status, **facts
        )

    def _solutions(self) -> None:
        """The solver's own."""
        for name, challenge, status in (
            ("sealed", "open", SolutionStatus.SUBMITTED),
            ("late draft", "closed", SolutionStatus.DRAFT),
            ("submitted", "evaluating", SolutionStatus.SUBMITTED),
            ("selected", "awarded", SolutionStatus.SELECTED),
        ):
            solution = factories.SolutionFactory(
                challenge=self.challenges[challenge], organization=self.solving, status=status
            )
            self._name(name, solution)
            self._submit(solution)
            self.records[f"{name} version"] = {"ident": solution.id, "number": 1}
        eligible = factories.SolutionFactory(
            challenge=self.challenges["evaluating"], status=SolutionStatus.ELIGIBLE
        )
        self._name("eligible", eligible)
        self._submit(eligible)

    def _submit(self, solution: Solution) -> None:
        content = solution.content
        self.session.add(
            SolutionVersion(
                solution=solution,
                number=1,
                submitted_by_id=self.people["solver"].id,
                content=content,
                digest=digest_of(content),
            )
        )

    def _matches(self) -> None:
        """The open challenge is supplemented, and found each other with the solver."""
        challenge = self.challenges["open"]
        challenge.addenda.append(Addendum(text="The samples are **round**."))
        for name in ("open", "draft"):
            ids = {"ident": self.challenges[name].id, "organization_id": self.solving.id}
            self.records[f"{name} pair"] = ids
        terms = [{"term": "rare earth", "share": 0.6}, {"term": "coercivity", "share": 0.2}]
        for name, score in (("solver", 0.34), ("rival solver", 0.15)):
            organization = self.people[name].organization
            self.session.add(
                Suggestion(
                    challenge=challenge,
                    organization=organization,
                    score=score,
                    terms=terms,
                    boosts=[{"fact": "same_county", "points": 0.03}],
                    rank_score=score + 0.03,
                )
            )
        self.partner_id = self.people["rival solver"].organization_id
        parts = {self.solving.id: [0.9, 0.1], self.partner_id: [0.3, 0.7]}
        self.session.add(
            ItemSurvey(
                challenge_id=challenge.id,
                items=[
                    {"label": one.summary, "text": one.name, "must": one.must, "features": []}
                    for one in challenge.requirements
                ],
                candidates=[
                    {"id": ident, "score": 0.3, "coverage": part} for ident, part in parts.items()
                ],
            )
        )
        self.session.add(
            ChallengeInvitation(
                challenge=challenge,
                organization=self.solving,
                invited_by_id=self.people["poster"].id,
            )
        )
        self.solving.qualifications.append(Qualification(kind=QualificationKind.LITTLE_GIANT))

    def _links(self) -> None:
        solver = self.people["solver"]
        notice = Notification(
            user_id=solver.id,
            address=solver.email,
            locale="en",
            event="organizations.verify",
            subject_type="organizations",
            subject_id=self.solving.id,
            params={"headline": self.solving.name, "reason": ""},
        )
        self.session.add(notice)
        self._name("notice", notice)
        unconfirmed = factories.UserFactory(confirmed_at=None)
        self.session.flush()
        confirm, reset = links.Purpose.CONFIRM, links.Purpose.RESET
        self.records["confirmation link"] = {"token": links.make(confirm, unconfirmed)}
        self.records["reset link"] = {"token": links.make(reset, solver)}
        self.records["broken link"] = {"token": "broken"}
        self.records["province"] = {"code": "330000"}

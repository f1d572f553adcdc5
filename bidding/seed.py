"""The demo: organizations, challenges and solutions with a history, from ``seed_data/``.

Everything goes through the rules, at the moment it is said to have happened, so that the
demo's audit trail, notices and versions are those of a site that has been in use.
"""

from __future__ import annotations

import heapq
import tomllib
import zlib
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from argon2 import PasswordHasher
from sqlalchemy.orm import Session

from bidding import clock, deferred
from bidding.accounts import demo
from bidding.accounts.models import Role, User
from bidding.boundary import unit_of_work
from bidding.challenges import rules as challenges
from bidding.challenges.models import (
    Challenge,
    ChallengeKind,
    ChallengeStatus,
    IpTerms,
    Operator,
)
from bidding.db import FEN_PER_WAN
from bidding.evaluations import rules as evaluations
from bidding.matching import jobs as matching_jobs
from bidding.matching import rules as matching
from bidding.matching.models import Side, Verdict
from bidding.notifications.models import Notification
from bidding.organizations import credit_codes
from bidding.organizations import rules as organizations
from bidding.organizations.models import MemberRole, Organization, QualificationKind
from bidding.organizations.size_classes import SizeClass
from bidding.solutions import rules as solutions
from bidding.solutions.models import Response, Solution, SolutionStatus

FOLDER = Path(__file__).parent / "seed_data"
DAY = timedelta(days=1)


def seed_demo() -> None:
    """Fill an empty database with the demo, in one transaction, then match."""
    with unit_of_work("demo") as session:
        Demo(session).build()
        deferred.take(session)  # the refresh below does what the rules asked for, at once
    matching_jobs.refresh()
    with unit_of_work("demo") as session:
        _invite(session)
        deferred.take(session)
        _settle_notices(session)


class Demo:
    """Plans what happened, then lets it happen in order of time."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.start = clock.now()
        self.content = _read()
        self.password_hash = PasswordHasher().hash(demo.PASSWORD)
        self.people: dict[str, User] = {}
        self.organizations: dict[str, Organization] = {}
        self.challenges: dict[str, Challenge] = {}
        self.solutions: dict[tuple[str, str], Solution] = {}
        self._plan: list[tuple[datetime, int, Callable[[], Any]]] = []
        self._order = count()
        self._last: dict[str, datetime] = {}

    def build(self) -> None:
        """Plan everything and carry it out."""
        names = self.content["name"]
        self.reviewer = self._staff(demo.REVIEWER, names["reviewer"], Role.REVIEWER)
        self.administrator = self._staff(demo.ADMINISTRATOR, names["admin"], Role.ADMINISTRATOR)
        for number, item in enumerate(self.content["organization"], start=1):
            self._plan_organization(number, item)
        for item in self.content["challenge"]:
            self._plan_challenge(item)
        while self._plan:
            moment, _, act = heapq.heappop(self._plan)
            with clock.at(moment):
                act()
                self.session.flush()

    # Time

    def _at(self, thread: str, days_ago: float, act: Callable[[], Any]) -> None:
        """Let `act` happen about `days_ago`, after whatever else happened on `thread`."""
        # Some time of a working day, the same one whenever the demo is seeded that day.
        minutes = zlib.crc32(f"{thread}{days_ago}".encode()) % (8 * 60)
        day = (self.start - days_ago * DAY).replace(hour=1, minute=0, second=0, microsecond=0)
        moment = day + timedelta(minutes=minutes)  # 01:00 UTC is 9:00 in Shanghai
        if thread in self._last:
            moment = max(moment, self._last[thread] + timedelta(minutes=20))
        # Near the present there may be no room left; order is kept all the same.
        moment = min(moment, self.start - timedelta(seconds=1))
        self._last[thread] = moment
        heapq.heappush(self._plan, (moment, next(self._order), act))

    def _deadline(self, closes_in_days: int) -> datetime:
        """17:00 in Shanghai (09:00 UTC) on the day."""
        day = self.start + closes_in_days * DAY
        return day.replace(hour=9, minute=0, second=0, microsecond=0)

    # People

    def _staff(self, email: str, name: str, role: Role) -> User:
        with clock.at(self.start - 400 * DAY):
            return self._person(email, name, role)

    def _person(self, email: str, name: str, role: Role = Role.PARTICIPANT) -> User:
        user = User(
            email=email,
            name=name,
            role=role,
            password_hash=self.password_hash,
            confirmed_at=clock.now(),
        )
        self.session.add(user)
        self.session.flush()
        return user

    # Organizations

    def _plan_organization(self, number: int, item: dict[str, Any]) -> None:
        key, ago = item["key"], item["joined_days_ago"]
        self._at(key, ago, lambda: self._join(number, item))
        if item["status"] == "draft":
            return
        self._at(key, ago - 1, lambda: self._organization_act(key, organizations.submit))
        steps: dict[str, tuple[Callable[..., Any], ...]] = {
            "pending": (),
            "verified": (organizations.verify,),
            "suspended": (organizations.verify, organizations.suspend),
            "changes_requested": (organizations.request_changes,),
            "rejected": (organizations.reject,),
        }
        for verb in steps[item["status"]]:
            ago -= 2
            reason = "" if verb is organizations.verify else item["reason"]
            staff = self.administrator if verb is organizations.suspend else self.reviewer
            self._at(
                key,
                max(ago, 0),
                lambda verb=verb, reason=reason, staff=staff: verb(
                    self.session, self.organizations[key], actor=staff, reason=reason
                ),
            )

    def _join(self, number: int, item: dict[str, Any]) -> None:
        members = sorted(item["member"], key=lambda member: not member.get("owner"))
        owner, *others = [self._person(member["email"], member["name"]) for member in members]
        organization = organizations.create(
            self.session,
            actor=owner,
            name=item["name"],
            credit_code=credit_codes.make(number, item["region"]),
            region_code=item["region"],
            industry_code=item["industry"],
            size_class=SizeClass(item["size"]),
            employees=item["employees"],
            revenue_fen=item["revenue_wan"] * FEN_PER_WAN,
            founded=item["founded"],
            website=item.get("website", ""),
            brief=item["brief"],
            contact_name=item["contact_name"],
            contact_phone=item["contact_phone"],
            contact_email=item["contact_email"],
        )
        for user in others:
            organizations.add_member(
                self.session, organization, user, role=MemberRole.MEMBER, actor=owner
            )
        if item["key"] in ("demo-poster", "demo-solver"):
            email = f"{item['key'].removeprefix('demo-')}@jiebang.demo"
            user = self._person(email, self.content["name"][item["key"]])
            organizations.add_member(
                self.session, organization, user, role=MemberRole.OWNER, actor=owner
            )
            owner = user
        if profile := item.get("profile"):
            organizations.update_profile(
                self.session,
                organization,
                actor=owner,
                qualifications=[
                    {**entry, "kind": QualificationKind(entry["kind"])}
                    for entry in profile.pop("qualification", [])
                ],
                **profile,
            )
        self.people[item["key"]] = owner
        self.organizations[item["key"]] = organization

    def _organization_act(self, key: str, verb: Callable[..., Any]) -> None:
        verb(self.session, self.organizations[key], actor=self.people[key])

    # Challenges

    def _plan_challenge(self, item: dict[str, Any]) -> None:
        key, state = item["key"], ChallengeStatus(item["state"])
        submitted = item.get("submitted_days_ago", 2)
        self._at(key, submitted + 1, lambda: self._draft(item))
        if state is ChallengeStatus.DRAFT:
            return
        self._at(key, submitted, lambda: self._poster_act(item, challenges.submit))
        if state is ChallengeStatus.IN_REVIEW:
            return
        if state in (ChallengeStatus.CHANGES_REQUESTED, ChallengeStatus.REJECTED):
            rejected = state is ChallengeStatus.REJECTED
            verb = challenges.reject if rejected else challenges.request_changes
            self._at(key, max(submitted - 2, 0), lambda: self._staff_act(item, verb))
            return
        self._at(
            key,
            item["published_days_ago"],
            lambda: challenges.publish(
                self.session, self.challenges[key], actor=self.reviewer, reason=""
            ),
        )
        self._plan_looks(item)
        for offer in item.get("solution", []):
            self._plan_offer(item, offer)
        if state is ChallengeStatus.SUSPENDED:
            self._at(key, 1, lambda: self._staff_act(item, challenges.suspend))
        elif state is ChallengeStatus.CANCELLED:
            self._at(key, 1, lambda: self._poster_act(item, evaluations.cancel))
        elif "opened_days_ago" in item:
            self._plan_evaluation(item)

    # What poster and SMEs see of each other. Who looks and who likes what is drawn from the names,
    # so that the demo is the same each time.

    def _plan_looks(self, item: dict[str, Any]) -> None:
        """Some hours after publication the poster looks at its suggestions, then the SMEs do."""
        thread, ago = f"{item['key']}/looks", item["published_days_ago"] - 0.5
        if ago > 0:
            self._at(thread, ago, lambda: self._look(item, Side.POSTER))
            self._at(thread, max(ago - 1, 0), lambda: self._look(item, Side.SOLVER))

    def _look(self, item: dict[str, Any], side: Side) -> None:
        challenge = self.challenges[item["key"]]
        if not challenge.is_open:
            return
        for key in self._neighbours(item):
            luck, organization = _luck(item["key"], key, side), self.organizations[key]
            pair = (challenge.id, organization.id)
            if luck >= 70 or (side is Side.POSTER and _luck(key) < 20):  # some are never seen
                continue
            matching.expose(self.session, side, [pair])
            if luck < 45:
                matching.note_opening(self.session, side, pair)
            if luck < 13 or 30 <= luck < 38:
                matching.give_feedback(
                    self.session,
                    challenge,
                    organization,
                    actor=self.people[item["organization"] if side is Side.POSTER else key],
                    verdict=Verdict.INTERESTED if luck < 13 else Verdict.NOT_RELEVANT,
                )
            if luck < 6 and side is Side.POSTER and key != "demo-solver":  # see `_invite`
                matching.invite(
                    self.session, challenge, organization, actor=self.people[item["organization"]]
                )

    def _neighbours(self, item: dict[str, Any]) -> list[str]:
        """The SMEs that a challenge is likely to find: of its city, and those that apply."""
        apply = {offer["organization"] for offer in item.get("solution", [])}
        return [
            key
            for key, organization in self.organizations.items()
            if organization.may_solve
            and (key in apply or organization.region_code[:4] == item.get("region", "")[:4])
        ]

    def _draft(self, item: dict[str, Any]) -> None:
        terms: dict[str, Any] = {
            "kind": ChallengeKind(item["kind"]),
            "title": item["title"],
            "background": item.get("background", ""),
            "problem": item.get("problem", ""),
            "expected_result": item.get("expected_result", ""),
            "budget_min_fen": _fen(item.get("budget_min_wan")),
            "budget_max_fen": _fen(item.get("budget_max_wan")),
            "budget_negotiable": item.get("budget_negotiable", False),
            "cooperation": item.get("cooperation", []),
            "ip_terms": IpTerms(item["ip_terms"]) if "ip_terms" in item else None,
            "ip_notes": item.get("ip_notes", ""),
            "duration_months": item.get("duration_months"),
            "region_code": item.get("region"),
            "industry_code": item.get("industry"),
            "required_qualifications": item.get("required_qualifications", []),
            "taker_region_code": item.get("taker_region"),
            "taker_notes": item.get("taker_notes", ""),
            "awards": item.get("awards", 1),
            "shows_name": item.get("show_name", True),
            "closes_at": self._deadline(item["closes_in_days"])
            if "closes_in_days" in item
            else None,
            "requirements": [
                {**row, "operator": Operator(row["operator"])}
                for row in item.get("requirement", item.get("requirements", []))
            ],
        }
        owner = item["organization"]
        self.challenges[item["key"]] = challenges.create(
            self.session, self.organizations[owner], actor=self.people[owner], **terms
        )

    def _poster_act(self, item: dict[str, Any], verb: Callable[..., Any]) -> None:
        verb(
            self.session,
            self.challenges[item["key"]],
            actor=self.people[item["organization"]],
            reason=item.get("reason", ""),
        )

    def _staff_act(self, item: dict[str, Any], verb: Callable[..., Any]) -> None:
        staff = self.administrator if verb is challenges.suspend else self.reviewer
        verb(self.session, self.challenges[item["key"]], actor=staff, reason=item["reason"])

    # Solutions

    def _plan_offer(self, item: dict[str, Any], offer: dict[str, Any]) -> None:
        thread = f"{item['key']}/{offer['organization']}"
        ago = offer.get("submitted_days_ago", 1)
        self._at(thread, ago + 1, lambda: self._write(item, offer))
        if offer["state"] == "draft":
            return
        self._at(thread, ago, lambda: self._solver_act(item, offer, solutions.submit))
        if offer["state"] == "withdrawn":
            self._at(
                thread, max(ago - 1, 0), lambda: self._solver_act(item, offer, solutions.withdraw)
            )

    def _write(self, item: dict[str, Any], offer: dict[str, Any]) -> None:
        challenge = self.challenges[item["key"]]
        actor = self.people[offer["organization"]]
        solution = solutions.start(self.session, challenge, actor=actor)
        answers = {
            requirement.id: (Response(answer["response"]), answer["statement"])
            for requirement, answer in zip(
                challenge.requirements, offer.get("answer", []), strict=False
            )
        }
        solutions.update(
            self.session,
            solution,
            actor=actor,
            answers=answers,
            summary=offer["summary"],
            approach=offer["approach"],
            price_fen=_fen(offer.get("price_wan")),
            duration_months=offer.get("duration_months"),
            schedule=offer.get("schedule", ""),
            team=offer.get("team", ""),
        )
        self.solutions[item["key"], offer["organization"]] = solution

    def _solver_act(
        self, item: dict[str, Any], offer: dict[str, Any], verb: Callable[..., Any]
    ) -> None:
        solution = self.solutions[item["key"], offer["organization"]]
        verb(self.session, solution, actor=self.people[offer["organization"]])

    # Evaluation

    def _plan_evaluation(self, item: dict[str, Any]) -> None:
        key, opened = item["key"], item["opened_days_ago"]
        decided = item.get("decided_days_ago", 0)
        self._at(
            key,
            opened,
            lambda: self._poster_act({**item, "reason": ""}, evaluations.open_solutions),
        )
        offers = [o for o in item.get("solution", []) if o["state"] not in ("draft", "withdrawn")]
        self._at(key, max(opened - 1, decided), lambda: self._screen(item, offers))
        if item["state"] == "awarded":
            self._at(key, decided, lambda: self._award(item, offers))
            for offer in offers:
                if offer["state"] == "confirmed":
                    self._at(
                        key,
                        max(decided - 2, 0),
                        lambda offer=offer: self._solver_act(item, offer, solutions.confirm),
                    )
        elif item["state"] == "unsuccessful":
            closing = {**item, "reason": item["decision_statement"]}
            self._at(
                key, decided, lambda: self._poster_act(closing, evaluations.declare_unsuccessful)
            )

    def _screen(self, item: dict[str, Any], offers: list[dict[str, Any]]) -> None:
        actor = self.people[item["organization"]]
        for offer in offers:
            solution = self.solutions[item["key"], offer["organization"]]
            state = SolutionStatus(offer["state"])
            if state is SolutionStatus.INELIGIBLE:
                evaluations.exclude(self.session, solution, actor=actor, reason=offer["reason"])
            elif state is not SolutionStatus.SUBMITTED:
                evaluations.pass_screening(self.session, solution, actor=actor)
            if state in ("shortlisted", "selected", "confirmed"):
                evaluations.shortlist(self.session, solution, actor=actor)

    def _award(self, item: dict[str, Any], offers: list[dict[str, Any]]) -> None:
        remaining = [offer for offer in offers if offer["state"] != "ineligible"]
        ident = {
            o["organization"]: self.solutions[item["key"], o["organization"]].id for o in remaining
        }
        evaluations.award(
            self.session,
            self.challenges[item["key"]],
            actor=self.people[item["organization"]],
            statement=item["decision_statement"],
            reasons={ident[o["organization"]]: o["reason"] for o in remaining},
            selected={
                ident[o["organization"]]
                for o in remaining
                if o["state"] in ("selected", "confirmed")
            },
        )


def _read() -> dict[str, Any]:
    """All files of ``seed_data/`` as one."""
    content: dict[str, Any] = {"organization": [], "challenge": []}
    for path in sorted(FOLDER.glob("*.toml")):
        for kind, items in tomllib.loads(path.read_text("utf-8")).items():
            if isinstance(items, list):
                content[kind].extend(items)
            else:
                content[kind] = items
    return content


def _luck(*names: str) -> int:
    """A number from 0 to 99 that looks drawn, and is the same for the same names."""
    return zlib.crc32("/".join(names).encode()) % 100


def _fen(wan: int | None) -> int | None:
    return None if wan is None else wan * FEN_PER_WAN


def _invite(session: Session) -> None:
    """The demo poster invites the demo SME to the best of its open challenges."""
    poster = session.scalars(sa.select(User).where(User.email == demo.POSTER)).one()
    solver = session.scalars(sa.select(User).where(User.email == demo.SOLVER)).one()
    taken = sa.select(Solution.challenge_id).where(
        Solution.organization_id == solver.organization_id
    )
    challenge = session.scalar(
        sa.select(Challenge)
        .where(
            Challenge.is_open,
            Challenge.organization_id == poster.organization_id,
            Challenge.id.not_in(taken),
        )
        .order_by(Challenge.closes_at)
        .limit(1)
    )
    if challenge is not None and solver.organization is not None:
        matching.invite(session, challenge, solver.organization, actor=poster)


def _settle_notices(session: Session) -> None:
    """The demo mails nobody, and its people have read what is older than a week."""
    session.execute(sa.update(Notification).values(mailed_at=Notification.created_at))
    session.execute(
        sa.update(Notification)
        .where(Notification.created_at < clock.now() - 7 * DAY)
        .values(read_at=Notification.created_at)
    )

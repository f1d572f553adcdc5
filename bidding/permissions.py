"""Who may do what: the one place where access is decided.

A *party* is how a person stands to the programme (a reviewer) or to one record (its poster).
Records know the facts, in a `parties(actor)` method; this module holds the policy. A view
names its permission with `@requires`; an undeclared view is refused (see `boundary`).
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from bidding.violations import AccessDenied


class Party(StrEnum):
    """How somebody stands to the programme, or to one record of it."""

    EVERYONE = "everyone"
    SIGNED_IN = "signed_in"
    REVIEWER = "reviewer"
    ADMINISTRATOR = "administrator"
    # Towards one record:
    AUDIENCE = "audience"  # whoever may read it as things stand
    MEMBER = "member"  # of the organization it belongs to
    OWNER = "owner"  # owner of that organization
    POSTER = "poster"  # member of the organization that posts
    SOLVER = "solver"  # member of the organization that takes the challenge


class Permission(StrEnum):
    """Everything that can be allowed."""

    VISIT = "visit"
    USE_ACCOUNT = "use_account"
    # organizations
    CREATE_ORGANIZATION = "create_organization"
    BROWSE_ORGANIZATIONS = "browse_organizations"
    READ_ORGANIZATION = "read_organization"
    READ_ORGANIZATION_CONTACT = "read_organization_contact"
    EDIT_ORGANIZATION = "edit_organization"
    MANAGE_MEMBERS = "manage_members"
    REVIEW_ORGANIZATION = "review_organization"
    SUSPEND_ORGANIZATION = "suspend_organization"
    # challenges
    READ_CHALLENGE = "read_challenge"
    CREATE_CHALLENGE = "create_challenge"
    EDIT_CHALLENGE = "edit_challenge"
    REVIEW_CHALLENGE = "review_challenge"
    SUSPEND_CHALLENGE = "suspend_challenge"
    INVITE_SOLVER = "invite_solver"
    # matching
    SEE_SUGGESTIONS = "see_suggestions"
    SEE_RECOMMENDATIONS = "see_recommendations"
    SEE_PAIR = "see_pair"
    GIVE_FEEDBACK = "give_feedback"
    # solutions
    CREATE_SOLUTION = "create_solution"
    READ_SOLUTION = "read_solution"
    EDIT_SOLUTION = "edit_solution"
    # evaluations
    EVALUATE_CHALLENGE = "evaluate_challenge"
    READ_EVALUATION = "read_evaluation"
    EVALUATE_SOLUTION = "evaluate_solution"
    # staff
    WORK_QUEUE = "work_queue"
    READ_AUDIT = "read_audit"
    READ_REPORTS = "read_reports"


STAFF = frozenset({Party.REVIEWER, Party.ADMINISTRATOR})

HOLDERS: dict[Permission, frozenset[Party]] = {
    Permission.VISIT: frozenset({Party.EVERYONE}),
    Permission.USE_ACCOUNT: frozenset({Party.SIGNED_IN}),
    Permission.CREATE_ORGANIZATION: frozenset({Party.SIGNED_IN}),
    Permission.BROWSE_ORGANIZATIONS: frozenset({Party.SIGNED_IN}),
    Permission.READ_ORGANIZATION: STAFF | {Party.AUDIENCE, Party.MEMBER},
    Permission.READ_ORGANIZATION_CONTACT: STAFF | {Party.MEMBER},
    Permission.EDIT_ORGANIZATION: frozenset({Party.MEMBER}),
    Permission.MANAGE_MEMBERS: frozenset({Party.OWNER, Party.ADMINISTRATOR}),
    Permission.REVIEW_ORGANIZATION: STAFF,
    Permission.SUSPEND_ORGANIZATION: frozenset({Party.ADMINISTRATOR}),
    Permission.READ_CHALLENGE: STAFF | {Party.AUDIENCE, Party.POSTER},
    Permission.CREATE_CHALLENGE: frozenset({Party.POSTER}),
    Permission.EDIT_CHALLENGE: frozenset({Party.POSTER}),
    Permission.REVIEW_CHALLENGE: STAFF,
    Permission.SUSPEND_CHALLENGE: frozenset({Party.ADMINISTRATOR}),
    Permission.INVITE_SOLVER: frozenset({Party.POSTER}),
    Permission.SEE_SUGGESTIONS: STAFF | {Party.POSTER},
    Permission.SEE_RECOMMENDATIONS: frozenset({Party.SOLVER}),
    Permission.SEE_PAIR: STAFF | {Party.POSTER, Party.SOLVER},
    Permission.GIVE_FEEDBACK: frozenset({Party.POSTER, Party.SOLVER}),
    Permission.CREATE_SOLUTION: frozenset({Party.SOLVER}),
    Permission.READ_SOLUTION: STAFF | {Party.SOLVER, Party.POSTER},
    Permission.EDIT_SOLUTION: frozenset({Party.SOLVER}),
    Permission.EVALUATE_CHALLENGE: frozenset({Party.POSTER}),
    Permission.READ_EVALUATION: STAFF | {Party.POSTER},
    Permission.EVALUATE_SOLUTION: frozenset({Party.POSTER}),
    Permission.WORK_QUEUE: STAFF,
    Permission.READ_AUDIT: STAFF,
    Permission.READ_REPORTS: frozenset({Party.ADMINISTRATOR}),
}

# Before a record is loaded only the programme-wide standing is known. A person may enter
# a route when somebody of that standing could turn out to hold the permission.
_NEEDS: dict[Party, Party] = {
    Party.AUDIENCE: Party.EVERYONE,
    Party.MEMBER: Party.SIGNED_IN,
    Party.OWNER: Party.SIGNED_IN,
    Party.POSTER: Party.SIGNED_IN,
    Party.SOLVER: Party.SIGNED_IN,
}


class Person(Protocol):
    """What this module needs to know of a user."""

    is_authenticated: bool
    role: Any


class Governed(Protocol):
    """A record that knows how people stand to it."""

    def parties(self, actor: Any) -> set[Party]: ...


def standing(actor: Person | None) -> set[Party]:
    """How `actor` stands to the programme as a whole. None is a visitor."""
    if actor is None or not actor.is_authenticated:
        return {Party.EVERYONE}
    parties = {Party.EVERYONE, Party.SIGNED_IN}
    if str(actor.role) in STAFF:
        parties.add(Party(str(actor.role)))
    return parties


def may_enter(actor: Person | None, permission: Permission) -> bool:
    """Whether `actor` could hold `permission` on some record."""
    own = standing(actor)
    return any(_NEEDS.get(party, party) in own for party in HOLDERS[permission])


def allows(actor: Person | None, permission: Permission, record: Governed | None = None) -> bool:
    """Whether `actor` holds `permission`, on `record` where there is one."""
    held = standing(actor) if record is None else record.parties(actor)
    return bool(HOLDERS[permission] & held)


def demand(actor: Person | None, permission: Permission, record: Governed | None = None) -> None:
    """Raise AccessDenied unless `actor` holds `permission` on `record`."""
    if not allows(actor, permission, record):
        raise AccessDenied()


View = TypeVar("View", bound=Callable[..., Any])


def requires(permission: Permission) -> Callable[[View], View]:
    """Declare the permission that a view needs. The boundary checks it before the view runs."""

    def declare(view: View) -> View:
        view.permission = permission  # type: ignore[attr-defined]
        return view

    return declare

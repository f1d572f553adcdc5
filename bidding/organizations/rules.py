"""What people do with organizations; the only writer of their tables."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from bidding import audit, clock
from bidding.accounts import queries as accounts
from bidding.accounts.models import User
from bidding.deferred import defer
from bidding.notifications.rules import notify, notify_address
from bidding.organizations import credit_codes, industries, queries, regions
from bidding.organizations.credit_codes import Problem
from bidding.organizations.lifecycle import LIFECYCLE, OrganizationAction
from bidding.organizations.models import (
    CapabilityProfile,
    MemberInvitation,
    MemberRole,
    Membership,
    Organization,
    OrganizationStatus,
    Qualification,
)
from bidding.permissions import Permission, demand
from bidding.violations import AccessDenied, InvalidTransition, RuleViolation
from bidding.vocabulary import N_

IDENTITY = ("name", "credit_code", "region_code", "size_class")
"""What a reviewer verified; frozen from then on."""

TEXTS = ("products", "technologies", "equipment", "cases", "notes")
INVITATION_LIFETIME = timedelta(days=14)
MATCH = "matching.organization"
INVITE = "organizations.invite_member"

CODE_PROBLEMS = {
    Problem.LENGTH: N_("A unified social credit code has 18 characters. Count them again."),
    Problem.ALPHABET: N_(
        "A unified social credit code has digits and capital letters only, never I, O, S, V or Z."
    ),
    Problem.AUTHORITY: N_(
        "The first eight characters do not fit: a registering department, a kind of "
        "organization, and six digits for the region."
    ),
    Problem.CHECK_DIGIT: N_(
        "The last character does not fit the others, so one of them is mistyped. "
        "Compare the code with the business licence."
    ),
}

NEEDED = {
    "brief": N_("Say in a few sentences what the organization does."),
    "employees": N_("Enter the number of employees."),
    "revenue_fen": N_("Enter the revenue of the last year."),
    "contact_name": N_("Name a contact person."),
    "contact_phone": N_("Enter a phone number for the contact person."),
    "contact_email": N_("Enter an e-mail address for the contact person."),
}
"""What verification needs beyond the facts that an organization cannot exist without."""

_CLOSED = {
    OrganizationStatus.PENDING: N_(
        "A reviewer is looking at “%(name)s”. Nothing can be changed until the decision."
    ),
    OrganizationStatus.REJECTED: N_(
        "“%(name)s” was not verified, so nothing can be changed any more."
    ),
    OrganizationStatus.SUSPENDED: N_(
        "“%(name)s” is suspended. Nothing can be changed until it is reinstated."
    ),
}


def code_problem(code: str) -> str | None:
    """The sentence about the first thing wrong with a normalised credit code, or None."""
    problem = credit_codes.problem(code)
    return CODE_PROBLEMS[problem] if problem else None


def gaps(organization: Organization) -> list[tuple[str, str]]:
    """What is missing before it can be submitted: (field, sentence). `profile` is a field here."""
    missing = [
        (field, sentence)
        for field, sentence in NEEDED.items()
        if getattr(organization, field) in (None, "")
    ]
    if organization.is_sme and (organization.profile is None or organization.profile.is_empty):
        missing.append(("profile", N_("Describe in the capability profile what you make.")))
    return missing


def check_editable(organization: Organization) -> None:
    """Raise InvalidTransition, saying why, unless facts and profile may change now."""
    if not organization.is_editable:
        raise InvalidTransition(_CLOSED[organization.status], name=organization.name)


def create(session: Session, *, actor: Any, **facts: Any) -> Organization:
    """Enter a new organization, a draft of which `actor` is the owner."""
    demand(actor, Permission.CREATE_ORGANIZATION)
    if actor.membership is not None:
        raise RuleViolation(
            N_("You belong to “%(name)s” already, and one person belongs to one organization."),
            name=actor.membership.organization.name,
        )
    facts = _checked(session, facts, organization=None, actor=actor)
    organization = Organization(**facts, status=LIFECYCLE.initial)
    session.add(organization)
    audit.record(session, "organizations.create", organization, actor=actor)
    _join(session, organization, actor, MemberRole.OWNER)
    session.flush()
    return organization


def update(session: Session, organization: Organization, *, actor: Any, **facts: Any) -> None:
    """Change facts; those of its identity only until it is verified."""
    demand(actor, Permission.EDIT_ORGANIZATION, organization)
    check_editable(organization)
    if organization.is_verified:
        for name in IDENTITY:
            if name in facts and facts[name] != getattr(organization, name):
                raise RuleViolation(
                    N_("This was verified and can no longer be changed here."), field=name
                )
    facts = _checked(session, facts, organization=organization, actor=actor)
    for name, value in facts.items():
        setattr(organization, name, value)
    if changes := audit.pending_changes(organization):
        audit.record(session, "organizations.update", organization, actor=actor, changes=changes)
        _rematch(session, organization)


def update_profile(
    session: Session,
    organization: Organization,
    *,
    actor: Any,
    qualifications: list[dict[str, Any]],
    **texts: str,
) -> None:
    """Replace what an SME says of itself (`TEXTS`, Markdown) and its qualifications.

    Parameters
    ----------
    qualifications
        Mappings of ``kind``, ``number``, ``issued_on`` and ``expires_on``; one per kind.
    """
    demand(actor, Permission.EDIT_ORGANIZATION, organization)
    check_editable(organization)
    if organization.is_large:
        raise RuleViolation(N_("Only SMEs keep a capability profile."))
    _check_qualifications(qualifications)
    profile = organization.profile
    if profile is None:
        profile = organization.profile = CapabilityProfile(**dict.fromkeys(TEXTS, ""))
    changes = {}
    for name, text in texts.items():
        if (old := getattr(profile, name)) != text:
            changes[name] = [old, text]
            setattr(profile, name, text)
    before = [_described(q) for q in organization.qualifications]
    _replace_qualifications(organization, qualifications)
    after = [_described(q) for q in organization.qualifications]
    if sorted(before) != sorted(after):
        changes["qualifications"] = [before, after]
    if changes:
        profile.updated_at = clock.now()
        audit.record(
            session, "organizations.update_profile", organization, actor=actor, changes=changes
        )
        _rematch(session, organization)


def adopt(session: Session, given: list[dict[str, Any]]) -> list[Organization]:
    """Take over organizations that were verified elsewhere: a command's bulk import.

    Parameters
    ----------
    given
        Checked facts of each, with ``profile`` (texts) and ``qualifications`` beside them.
    """
    adopted = []
    for item in given:
        facts = dict(item)
        texts, qualifications = facts.pop("profile"), facts.pop("qualifications")
        organization = Organization(
            **facts,
            status=OrganizationStatus.VERIFIED,
            submitted_at=clock.now(),
            verified_at=clock.now(),
        )
        if organization.is_sme and any(texts.values()):
            organization.profile = CapabilityProfile(**texts)
        _replace_qualifications(organization, qualifications)
        session.add(organization)
        adopted.append(organization)
    session.flush()
    for organization in adopted:
        audit.record(session, "organizations.adopt", organization, actor=None, changes={})
    return adopted


def submit(session: Session, organization: Organization, *, actor: Any, reason: str = "") -> None:
    """Hand the organization to the reviewers.

    Raises
    ------
    RuleViolation
        Something is missing; ``params["missing"]`` names the fields. See `gaps`.
    """
    LIFECYCLE.check(organization, OrganizationAction.SUBMIT, actor=actor)
    if missing := gaps(organization):
        raise RuleViolation(
            N_("Not everything is filled in yet. The page of the organization lists what is."),
            missing=[field for field, _sentence in missing],
        )
    _advance(session, organization, OrganizationAction.SUBMIT, actor, reason)


def verify(session: Session, organization: Organization, *, actor: Any, reason: str = "") -> None:
    """Admit the organization: it may post or take challenges, and the matcher sees it."""
    _advance(session, organization, OrganizationAction.VERIFY, actor, reason)
    _rematch(session, organization)


def request_changes(
    session: Session, organization: Organization, *, actor: Any, reason: str = ""
) -> None:
    """Send the organization back to its members, with what to correct."""
    _advance(session, organization, OrganizationAction.REQUEST_CHANGES, actor, reason)


def reject(session: Session, organization: Organization, *, actor: Any, reason: str = "") -> None:
    """Refuse the organization for good."""
    _advance(session, organization, OrganizationAction.REJECT, actor, reason)


def suspend(session: Session, organization: Organization, *, actor: Any, reason: str = "") -> None:
    """Stop a verified organization from posting and applying."""
    _advance(session, organization, OrganizationAction.SUSPEND, actor, reason)


def reinstate(
    session: Session, organization: Organization, *, actor: Any, reason: str = ""
) -> None:
    """End a suspension."""
    _advance(session, organization, OrganizationAction.REINSTATE, actor, reason)
    _rematch(session, organization)


def invite(
    session: Session, organization: Organization, *, actor: Any, email: str
) -> MemberInvitation:
    """Mail an invitation to join to `email`, which need not have an account."""
    demand(actor, Permission.MANAGE_MEMBERS, organization)
    _queue_up(session, organization)
    email = email.strip().lower()
    invited = session.scalar(accounts.by_email(email))
    if invited is not None and organization.member(invited):
        raise RuleViolation(N_("%(email)s is a member already."), field="email", email=email)
    if any(i.email == email for i in session.scalars(queries.open_invitations(organization))):
        raise RuleViolation(
            N_("An invitation to %(email)s is open. Revoke it below to send a new one."),
            field="email",
            email=email,
        )
    invitation = MemberInvitation(
        organization=organization,
        email=email,
        invited_by_id=actor.id,
        created_at=clock.now(),
        expires_at=clock.now() + INVITATION_LIFETIME,
    )
    session.add(invitation)
    _note(session, "organizations.invite", organization, actor, email=[None, email])
    session.flush()
    if invited is not None:
        notify(session, INVITE, invitation, [invited], inviter=actor.name)
    else:
        notify_address(session, INVITE, invitation, email, locale=actor.locale, inviter=actor.name)
    return invitation


def revoke(session: Session, invitation: MemberInvitation, *, actor: Any) -> None:
    """Take an open invitation back; its link stops working."""
    demand(actor, Permission.MANAGE_MEMBERS, invitation.organization)
    if not invitation.is_open:
        raise InvalidTransition(N_("This invitation is no longer open."))
    invitation.revoked_at = clock.now()
    _note(
        session,
        "organizations.revoke",
        invitation.organization,
        actor,
        email=[invitation.email, None],
    )


def accept(session: Session, invitation: MemberInvitation, *, actor: Any) -> Membership:
    """Join by an invitation to one's own address.

    The first member of an organization that has none, such as an imported one, owns it.
    """
    if invitation.email != actor.email:
        raise AccessDenied(
            N_("This invitation was sent to %(email)s. Sign in with that address to accept it."),
            email=invitation.email,
        )
    if not invitation.is_open:
        raise InvalidTransition(N_("This invitation is no longer open."))
    if actor.membership is not None:
        raise RuleViolation(
            N_("You belong to “%(name)s” already, and one person belongs to one organization."),
            name=actor.membership.organization.name,
        )
    organization = invitation.organization
    _queue_up(session, organization)
    invitation.accepted_at = clock.now()
    is_first = not session.scalar(queries.member_count(organization))
    role = MemberRole.OWNER if is_first else MemberRole.MEMBER
    membership = _join(session, organization, actor, role)
    _note(session, "organizations.accept", organization, actor, member=[None, actor.name])
    return membership


def add_member(
    session: Session, organization: Organization, user: User, *, role: MemberRole, actor: Any | None
) -> Membership:
    """Make `user` a member without an invitation: for commands, imports and demo data.

    `actor` None is the system itself.
    """
    if actor is not None:
        demand(actor, Permission.MANAGE_MEMBERS, organization)
    if user.membership is not None:
        raise RuleViolation(
            N_("%(email)s belongs to an organization already."), field="email", email=user.email
        )
    membership = _join(session, organization, user, role)
    _note(session, "organizations.add_member", organization, actor, member=[None, user.name])
    return membership


def remove_member(
    session: Session, organization: Organization, membership: Membership, *, actor: Any
) -> None:
    """End a membership, so that the person can join another organization."""
    demand(actor, Permission.MANAGE_MEMBERS, organization)
    _queue_up(session, organization)
    owners = [other for other in session.scalars(queries.members(organization)) if other.is_owner]
    if owners == [membership]:
        raise RuleViolation(N_("An organization needs an owner, and this is the last one."))
    user = membership.user
    session.delete(membership)
    _note(session, "organizations.remove_member", organization, actor, member=[user.name, None])
    session.expire(user, ["membership"])
    session.expire(organization, ["memberships"])


def _advance(
    session: Session,
    organization: Organization,
    action: OrganizationAction,
    actor: Any,
    reason: str,
) -> None:
    LIFECYCLE.advance(session, organization, action, actor=actor, reason=reason)


def _queue_up(session: Session, organization: Organization) -> None:
    """Change its members one request at a time: who counts them must not be overtaken."""
    session.refresh(organization, ["version"], with_for_update=True)


def _rematch(session: Session, organization: Organization) -> None:
    if organization.may_solve:
        defer(session, MATCH, organization.id)


def _join(
    session: Session, organization: Organization, person: Any, role: MemberRole
) -> Membership:
    # A page passes a proxy of the user, which a relationship does not take.
    user = session.get_one(User, person.id)
    membership = Membership(user=user, organization=organization, role=role)
    session.add(membership)
    session.flush()
    return membership


def _note(
    session: Session,
    event: str,
    organization: Organization,
    actor: Any | None,
    **changes: list[Any],
) -> None:
    audit.record(session, event, organization, actor=actor, changes=changes)


def _checked(
    session: Session, facts: dict[str, Any], *, organization: Organization | None, actor: Any
) -> dict[str, Any]:
    """`facts` with codes as the tables have them, or the violation that names the field."""
    facts = dict(facts)
    if "region_code" in facts:
        region = regions.find(facts["region_code"] or "")
        if region is None or region.is_grouping:
            raise RuleViolation(N_("Choose a region from the list."), field="region_code")
    if "industry_code" in facts and industries.find(facts["industry_code"] or "") is None:
        raise RuleViolation(N_("Choose an industry from the list."), field="industry_code")
    if "credit_code" in facts:
        code = facts["credit_code"] = credit_codes.normalise(facts["credit_code"] or "")
        if organization is None or organization.credit_code != code:
            _check_code(session, code, actor)
    return facts


def _check_code(session: Session, code: str, actor: Any) -> None:
    if sentence := code_problem(code):
        raise RuleViolation(sentence, field="credit_code")
    holder = session.scalar(queries.by_credit_code(code))
    if holder is None:
        return
    message = N_(
        "“%(name)s” is registered with this code already. Ask one of its owners to invite "
        "%(email)s from its page of members; the mail has a link to join."
    )
    if not session.scalar(queries.member_count(holder)):
        message = N_(
            "“%(name)s” is registered with this code already, but has no members yet. Ask the "
            "office of the programme to invite %(email)s; the mail has a link to join."
        )
    raise RuleViolation(message, field="credit_code", name=holder.name, email=actor.email)


def _check_qualifications(qualifications: list[dict[str, Any]]) -> None:
    kinds = [qualification["kind"] for qualification in qualifications]
    if len(set(kinds)) < len(kinds):
        raise RuleViolation(N_("Enter each qualification once."), field="qualifications")
    for given in qualifications:
        issued, expires = given.get("issued_on"), given.get("expires_on")
        if issued and expires and expires < issued:
            raise RuleViolation(
                N_("A qualification cannot expire before it was issued."), field="qualifications"
            )


def _replace_qualifications(organization: Organization, given: list[dict[str, Any]]) -> None:
    """Rows of a kind that stays are changed, not replaced: a kind is unique on the table."""
    kept = {qualification.kind: qualification for qualification in organization.qualifications}
    rows = []
    for values in given:
        row = kept.get(values["kind"]) or Qualification(kind=values["kind"])
        row.number = values.get("number") or ""
        row.issued_on = values.get("issued_on")
        row.expires_on = values.get("expires_on")
        rows.append(row)
    organization.qualifications = rows


def _described(qualification: Qualification) -> str:
    """A qualification in the audit trail."""
    dates = (qualification.issued_on, qualification.expires_on)
    parts = (qualification.kind.value, qualification.number, *(d and d.isoformat() for d in dates))
    return " ".join(part for part in parts if part)

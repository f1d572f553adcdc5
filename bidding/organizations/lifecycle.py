"""How an organization is verified: the states, and the ways between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bidding.lifecycle import Lifecycle, Reason, Transition
from bidding.notifications.rules import notify
from bidding.organizations.models import Organization, OrganizationStatus
from bidding.permissions import Permission
from bidding.vocabulary import N_, Action, Tone

if TYPE_CHECKING:
    from bidding.accounts.models import User


class OrganizationAction(Action):
    """What can be done to an organization."""

    SUBMIT = "submit", N_("Submit for verification"), "submission", Tone.SUCCESS
    VERIFY = "verify", N_("Verify"), "verification", Tone.SUCCESS
    REQUEST_CHANGES = "request_changes", N_("Request changes"), "change-request", Tone.WARNING
    REJECT = "reject", N_("Reject"), "rejection", Tone.DANGER
    SUSPEND = "suspend", N_("Suspend"), "suspension", Tone.DANGER
    REINSTATE = "reinstate", N_("Reinstate"), "reinstatement", Tone.SUCCESS


def _members(organization: Organization) -> list[User]:
    return organization.people


_S, _A = OrganizationStatus, OrganizationAction

LIFECYCLE = Lifecycle(
    name="organizations",
    initial=_S.DRAFT,
    announce=notify,
    transitions=(
        Transition(
            (_S.DRAFT, _S.CHANGES_REQUESTED),
            _A.SUBMIT,
            _S.PENDING,
            Permission.EDIT_ORGANIZATION,
            stamp="submitted_at",
        ),
        Transition(
            (_S.PENDING,),
            _A.VERIFY,
            _S.VERIFIED,
            Permission.REVIEW_ORGANIZATION,
            Reason.OPTIONAL,
            stamp="verified_at",
            hears=(_members,),
        ),
        Transition(
            (_S.PENDING,),
            _A.REQUEST_CHANGES,
            _S.CHANGES_REQUESTED,
            Permission.REVIEW_ORGANIZATION,
            Reason.REQUIRED,
            hears=(_members,),
        ),
        Transition(
            (_S.PENDING,),
            _A.REJECT,
            _S.REJECTED,
            Permission.REVIEW_ORGANIZATION,
            Reason.REQUIRED,
            hears=(_members,),
        ),
        Transition(
            (_S.VERIFIED,),
            _A.SUSPEND,
            _S.SUSPENDED,
            Permission.SUSPEND_ORGANIZATION,
            Reason.REQUIRED,
            hears=(_members,),
        ),
        Transition(
            (_S.SUSPENDED,),
            _A.REINSTATE,
            _S.VERIFIED,
            Permission.SUSPEND_ORGANIZATION,
            Reason.REQUIRED,
            hears=(_members,),
        ),
    ),
)

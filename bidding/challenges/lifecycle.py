"""How a challenge goes from draft to decision: the states, and the ways between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bidding import clock
from bidding.challenges.models import Challenge, ChallengeStatus
from bidding.lifecycle import Lifecycle, Reason, Transition
from bidding.notifications.rules import notify
from bidding.permissions import Permission
from bidding.vocabulary import N_, Action, Tone

if TYPE_CHECKING:
    from bidding.accounts.models import User


class ChallengeAction(Action):
    """What can be done to a challenge."""

    SUBMIT = "submit", N_("Submit for review"), "submission", Tone.SUCCESS
    PUBLISH = "publish", N_("Publish"), "publication", Tone.SUCCESS
    REQUEST_CHANGES = "request_changes", N_("Request changes"), "change-request", Tone.WARNING
    REJECT = "reject", N_("Reject"), "rejection", Tone.DANGER
    OPEN = "open", N_("Open the solutions"), "opening", Tone.SUCCESS
    AWARD = "award", N_("Award"), "award", Tone.SUCCESS
    FAIL = "fail", N_("Declare unsuccessful"), "closure", Tone.WARNING
    CANCEL = "cancel", N_("Cancel the challenge"), "cancellation", Tone.DANGER
    SUSPEND = "suspend", N_("Suspend"), "suspension", Tone.DANGER
    RESUME = "resume", N_("Resume"), "resumption", Tone.SUCCESS


def posters(challenge: Challenge) -> list[User]:
    """The people of the posting organization."""
    return challenge.organization.people


def poster_is_suspended(challenge: Challenge) -> str | None:
    """Why its poster may do nothing to a published challenge, if so; the terms still stand."""
    if not challenge.organization.may_post:
        return N_(
            "The organization that posted this is suspended."
            " It can go on once it has been reinstated."
        )
    return None


def _may_not_open(challenge: Challenge) -> str | None:
    if challenge.closes_at > clock.now():
        return N_("Solutions stay sealed until the deadline has passed.")
    return poster_is_suspended(challenge)


_S, _A, _P = ChallengeStatus, ChallengeAction, Permission

LIFECYCLE = Lifecycle(
    name="challenges",
    initial=_S.DRAFT,
    announce=notify,
    transitions=(
        Transition(
            (_S.DRAFT, _S.CHANGES_REQUESTED),
            _A.SUBMIT,
            _S.IN_REVIEW,
            _P.EDIT_CHALLENGE,
            stamp="submitted_at",
        ),
        Transition(
            (_S.IN_REVIEW,),
            _A.PUBLISH,
            _S.PUBLISHED,
            _P.REVIEW_CHALLENGE,
            Reason.OPTIONAL,
            stamp="published_at",
            hears=(posters,),
        ),
        Transition(
            (_S.IN_REVIEW,),
            _A.REQUEST_CHANGES,
            _S.CHANGES_REQUESTED,
            _P.REVIEW_CHALLENGE,
            Reason.REQUIRED,
            hears=(posters,),
        ),
        Transition(
            (_S.IN_REVIEW,),
            _A.REJECT,
            _S.REJECTED,
            _P.REVIEW_CHALLENGE,
            Reason.REQUIRED,
            hears=(posters,),
        ),
        Transition(
            (_S.PUBLISHED,),
            _A.OPEN,
            _S.EVALUATING,
            _P.EVALUATE_CHALLENGE,
            refuse=_may_not_open,
            stamp="opened_at",
        ),
        Transition(
            (_S.EVALUATING,),
            _A.AWARD,
            _S.AWARDED,
            _P.EVALUATE_CHALLENGE,
            Reason.REQUIRED,
            refuse=poster_is_suspended,
            stamp="decided_at",
        ),
        Transition(
            (_S.EVALUATING,),
            _A.FAIL,
            _S.UNSUCCESSFUL,
            _P.EVALUATE_CHALLENGE,
            Reason.REQUIRED,
            refuse=poster_is_suspended,
            stamp="decided_at",
        ),
        Transition(
            (_S.PUBLISHED, _S.EVALUATING),
            _A.CANCEL,
            _S.CANCELLED,
            _P.EVALUATE_CHALLENGE,
            Reason.REQUIRED,
            refuse=poster_is_suspended,
            stamp="decided_at",
        ),
        Transition(
            (_S.PUBLISHED,),
            _A.SUSPEND,
            _S.SUSPENDED,
            _P.SUSPEND_CHALLENGE,
            Reason.REQUIRED,
            stamp="suspended_at",
            hears=(posters,),
        ),
        Transition(
            (_S.SUSPENDED,),
            _A.RESUME,
            _S.PUBLISHED,
            _P.SUSPEND_CHALLENGE,
            Reason.OPTIONAL,
            hears=(posters,),
        ),
    ),
)

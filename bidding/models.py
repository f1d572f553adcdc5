"""Every table, for whoever needs them all: migrations, and mappers that name each other."""

from bidding.accounts.models import User
from bidding.audit import AuditEvent
from bidding.challenges.models import Addendum, Challenge, ChallengeInvitation, Requirement
from bidding.evaluations.models import Decision
from bidding.matching.models import (
    Exposure,
    Feedback,
    ItemSurvey,
    JointInvitation,
    JointInvitee,
    Suggestion,
)
from bidding.notifications.models import Notification
from bidding.organizations.models import (
    CapabilityProfile,
    MemberInvitation,
    Membership,
    Organization,
    Qualification,
)
from bidding.solutions.models import Solution, SolutionAnswer, SolutionVersion

__all__ = [
    "Addendum",
    "AuditEvent",
    "CapabilityProfile",
    "Challenge",
    "ChallengeInvitation",
    "Decision",
    "Exposure",
    "Feedback",
    "ItemSurvey",
    "JointInvitation",
    "JointInvitee",
    "MemberInvitation",
    "Membership",
    "Notification",
    "Organization",
    "Qualification",
    "Requirement",
    "Solution",
    "SolutionAnswer",
    "SolutionVersion",
    "Suggestion",
    "User",
]

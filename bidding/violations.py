"""What a rule raises when it will not do what was asked.

Messages are English catalogue entries with named placeholders; the error pages and the
forms translate them and interpolate `params` afterwards.
"""

from __future__ import annotations

from typing import Any

from bidding.vocabulary import N_


class RuleViolation(Exception):
    """Input that is well-formed but not acceptable as things stand.

    Parameters
    ----------
    message
        English sentence, marked with `N_`.
    field
        The form field to attach the message to, where there is one.
    params
        Values for the named placeholders of `message`.
    """

    def __init__(self, message: str, *, field: str | None = None, **params: Any) -> None:
        super().__init__(message % params if params else message)
        self.message = message
        self.field = field
        self.params = params


class AccessDenied(RuleViolation):
    """The actor does not hold the permission; shown as 403."""

    def __init__(self, message: str = N_("You do not have access to this."), **params: Any) -> None:
        super().__init__(message, **params)


class InvalidTransition(RuleViolation):
    """The record is not in a state that allows the action; shown as 409."""


class ReasonRequired(RuleViolation):
    """The action owes a reason and none was given; shown as 400 beside the field."""

    def __init__(self) -> None:
        super().__init__(N_("Give a reason. The people concerned will read it."), field="reason")


class Several(RuleViolation):
    """More than one thing is wrong; a form shows each beside its field."""

    def __init__(self, violations: list[RuleViolation]) -> None:
        first = violations[0]
        super().__init__(first.message, field=first.field, **first.params)
        self.violations = violations

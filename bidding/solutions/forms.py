"""What an SME types: a solution, and an answer to every requirement."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import wtforms
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms.validators import NumberRange, Optional, ValidationError

from bidding import i18n
from bidding.challenges.models import Requirement
from bidding.forms import ChoiceField, Form, ProseField, WanField
from bidding.solutions.models import Response, Solution
from bidding.solutions.rules import TEXTS, Answers


def at_most(length: int) -> Callable[[Any, wtforms.Field], None]:
    """Validator: a limit on the server only. `maxlength` would silently cut pasted text."""

    def check(_form: Any, field: wtforms.Field) -> None:
        if len(field.data or "") > length:
            raise ValidationError(
                gettext(
                    "This is %(length)s characters long; at most %(limit)s fit.",
                    length=len(field.data),
                    limit=length,
                )
            )

    return check


class SolutionForm(Form):
    """The working copy of a solution. A draft may have gaps. Made by `solution_form`."""

    version = wtforms.IntegerField(widget=wtforms.widgets.HiddenInput(), validators=[Optional()])
    summary = ProseField(
        _l("Summary"),
        description=_l("What you offer and why it will work, in a few sentences."),
        validators=[at_most(2000)],
    )
    approach = ProseField(
        _l("Approach"),
        description=_l(
            "How you will solve the problem: principle, steps, what exists already, risks. "
            "Markdown works."
        ),
        validators=[at_most(30000)],
    )
    price_fen = WanField(_l("Price"))
    duration_months = wtforms.IntegerField(
        _l("Duration"), validators=[Optional(), NumberRange(1, 240)]
    )
    schedule = ProseField(
        _l("Schedule"),
        description=_l("Milestones and when each is reached, counted from the signing."),
        validators=[at_most(10000)],
    )
    team = ProseField(
        _l("Team"),
        description=_l("Who leads, who works on it, and what they have done before."),
        validators=[at_most(10000)],
    )

    requirements: tuple[Requirement, ...] = ()

    def response_to(self, requirement: Requirement) -> wtforms.Field:
        return self[f"response_{requirement.id}"]

    def statement_on(self, requirement: Requirement) -> wtforms.Field:
        return self[f"statement_{requirement.id}"]

    def texts(self) -> dict[str, Any]:
        """Keywords for `rules.update`."""
        return {name: self[name].data for name in TEXTS}

    def answers(self) -> Answers:
        """Answers for `rules.update`."""
        return {
            requirement.id: (
                self.response_to(requirement).data,
                self.statement_on(requirement).data,
            )
            for requirement in self.requirements
        }

    def take_version(self, solution: Solution) -> None:
        """Have the next attempt start from what is saved now: a deliberate overwriting."""
        self.version.raw_data = None
        self.version.data = solution.version

    def differences(self, solution: Solution) -> list[tuple[str, str]]:
        """What a colleague saved and this form would replace: (label, saved words)."""
        saved = {name: getattr(solution, name) for name in TEXTS} | _answered(solution)
        return [
            (str(field.label.text), _in_words(name, saved.get(name)))
            for name, field in self._fields.items()
            if name.startswith(("response_", "statement_", *TEXTS))
            and _in_words(name, field.data) != _in_words(name, saved.get(name))
        ]


def _in_words(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Response):
        return gettext(value.label)
    return i18n.format_money(value) if name == "price_fen" else str(value)


def solution_form(solution: Solution) -> SolutionForm:
    """The form of `solution`, with two fields for each requirement of its challenge."""
    requirements = tuple(solution.challenge.requirements)

    class AnsweringForm(SolutionForm):
        pass

    AnsweringForm.requirements = requirements
    for name, field in _fields_for(requirements):
        setattr(AnsweringForm, name, field)
    return AnsweringForm(obj=solution, **_answered(solution))


def _fields_for(requirements: Iterable[Requirement]) -> Iterable[tuple[str, Any]]:
    for requirement in requirements:
        yield (
            f"response_{requirement.id}",
            ChoiceField(
                _l("Answer to “%(requirement)s”", requirement=requirement.name),
                Response,
                blank=_l("Choose an answer"),
            ),
        )
        yield (
            f"statement_{requirement.id}",
            ProseField(
                _l("Explanation for “%(requirement)s”", requirement=requirement.name),
                validators=[at_most(4000)],
            ),
        )


def _answered(solution: Solution) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for answer in solution.answers:
        values[f"response_{answer.requirement_id}"] = answer.response
        values[f"statement_{answer.requirement_id}"] = answer.statement
    return values

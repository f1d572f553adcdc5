"""Forms of challenges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import wtforms
from flask import request
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length, Optional, StopValidation

from bidding import i18n
from bidding.challenges.models import Challenge, ChallengeKind, Cooperation, IpTerms, Operator
from bidding.challenges.rules import TERMS, Incomplete, Overtaken
from bidding.forms import (
    ChoiceField,
    ChoicesField,
    Form,
    MomentField,
    ProseField,
    TextField,
    WanField,
)
from bidding.organizations.fields import IndustryField, RegionField, StagedForm
from bidding.organizations.models import Organization, QualificationKind
from bidding.violations import InvalidTransition, RuleViolation

MOST_REQUIREMENTS = 40
FIRST_YEAR, LAST_YEAR = 2000, 2200
PROSE = Length(max=20_000, message=_l("Write at most 20,000 characters."))
LINE = Length(max=200, message=_l("Write at most 200 characters."))


class DeadlineField(MomentField):
    """A moment in years that a calendar can hold, whose time zone can be told."""

    @property
    def zone_name(self) -> str:
        return i18n.zone_name()

    def post_validate(self, form: wtforms.Form, validation_stopped: bool) -> None:
        del form, validation_stopped
        if self.data is not None and not FIRST_YEAR <= self.data.year <= LAST_YEAR:
            raise wtforms.ValidationError(
                gettext("Enter a date and time, such as 2027-03-31T17:00.")
            )


class MonthsField(wtforms.IntegerField):
    """A number of months; whatever is wrong with it, there is one thing to say."""

    _told = _l("Enter a number of months from 1 to 120.")

    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata([value for value in valuelist if value.strip()])
        except ValueError:
            raise ValueError(str(self._told)) from None

    def pre_validate(self, form: wtforms.Form) -> None:
        del form
        if self.process_errors:
            raise StopValidation()
        if self.data is not None and not 1 <= self.data <= 120:
            raise StopValidation(str(self._told))


class LastingForm(Form):
    """A form whose words outlive the record's having changed in between."""

    is_conflict = False

    @property
    def http_status(self) -> int:
        """409 where somebody else, or the clock, was faster."""
        return 409 if self.is_conflict else super().http_status

    def attempt(self, verb: Callable[..., Any], *args: Any, **kwargs: Any) -> bool:
        try:
            return super().attempt(verb, *args, **kwargs)
        except InvalidTransition as violation:
            self.add_violation(violation)
            return False

    def add_violation(self, violation: RuleViolation) -> None:
        conflicts = (InvalidTransition, Overtaken)
        self.is_conflict = self.is_conflict or isinstance(violation, conflicts)
        super().add_violation(violation)


# Buttons that move a row of requirements, and by how much.
_MOVES = {"move-row-up": -1, "move-row-down": 1}


class RequirementForm(wtforms.Form):
    """One requirement. Nothing is owed in a draft."""

    name = TextField(_l("Indicator"), validators=[LINE])
    operator = ChoiceField(_l("Comparison"), Operator, default=Operator.AT_LEAST)
    value = TextField(_l("Value"), validators=[LINE])
    unit = TextField(_l("Unit"), validators=[LINE])
    must = wtforms.BooleanField(_l("Must be met"), default=True)


class ChallengeForm(LastingForm, StagedForm):
    """The terms of a challenge, complete or not; submission asks for the rest."""

    kind = ChoiceField(_l("Kind"), ChallengeKind, validators=[InputRequired()])
    title = TextField(
        _l("Title"),
        validators=[
            DataRequired(_l("Give the challenge a title.")),
            Length(max=120, message=_l("Write at most 120 characters.")),
        ],
        description=_l("What is needed, in one line. It is the first thing an SME reads."),
    )
    background = ProseField(
        _l("Background"),
        validators=[PROSE],
        description=_l("Where the need comes from, and what has been tried."),
    )
    problem = ProseField(
        _l("Main problem"),
        validators=[PROSE],
        description=_l("What has to be solved. The matcher finds SMEs by these words."),
    )
    expected_result = ProseField(
        _l("Expected result"),
        validators=[PROSE],
        description=_l("What the solver hands over, and how you will accept it."),
    )
    requirements = wtforms.FieldList(
        wtforms.FormField(RequirementForm),
        label=_l("Indicators and values"),
        max_entries=MOST_REQUIREMENTS,
    )
    budget_min_fen = WanField(_l("Budget from"))
    budget_max_fen = WanField(_l("Budget up to"))
    budget_negotiable = wtforms.BooleanField(_l("The budget is to be negotiated"))
    cooperation = ChoicesField(_l("Ways of cooperation"), Cooperation)
    ip_terms = ChoiceField(
        _l("Intellectual property"), IpTerms, blank=_l("Choose…"), validators=[Optional()]
    )
    ip_notes = ProseField(_l("Notes on intellectual property"), validators=[PROSE])
    duration_months = MonthsField(_l("Time for the work"))
    awards = wtforms.RadioField(
        _l("Number of awards"),
        choices=[
            SelectChoice(1, _l("One SME only")),
            SelectChoice(2, _l("Up to two SMEs")),
            SelectChoice(3, _l("Up to three SMEs")),
        ],
        coerce=int,
        default=1,
    )
    region_code = RegionField(_l("Region"))
    industry_code = IndustryField(_l("Industry"))
    required_qualifications = ChoicesField(
        _l("Qualifications"),
        QualificationKind,
        description=_l("One of those you tick is enough. Tick none to ask for none."),
    )
    taker_region_code = RegionField(
        _l("Registered in"),
        description=_l("A province, a city or a county. Leave it empty for the whole country."),
    )
    taker_notes = ProseField(
        _l("Other conditions"),
        validators=[PROSE],
        description=_l("What else takers must bring, such as a certificate. People read it."),
    )
    closes_at = DeadlineField(_l("Deadline for solutions"))
    shows_name = wtforms.BooleanField(
        _l("Show the name of the organization"),
        default=True,
        description=_l(
            "Without it, only the reviewers and your colleagues know who posts;"
            " those whose solution you select learn it then, with your contact."
        ),
    )
    version = wtforms.HiddenField()

    @property
    def is_interim(self) -> bool:
        return super().is_interim or not _MOVES.keys().isdisjoint(request.form)

    @classmethod
    def blank(cls, organization: Organization) -> ChallengeForm:
        """The form for a new challenge of `organization`, with two rows to begin with."""
        form = cls(
            data={
                "region_code": organization.region_code,
                "industry_code": organization.industry_code,
            }
        )
        if request.method == "GET":
            form.requirements.append_entry()
            form.requirements.append_entry()
        return form

    @classmethod
    def of(cls, challenge: Challenge) -> ChallengeForm:
        """The form for a draft, with a row to begin with where there is none."""
        form = cls(obj=challenge)
        if request.method == "GET" and not form.requirements.entries:
            form.requirements.append_entry()
        return form

    def terms(self) -> dict[str, Any]:
        """What the rules take, by name."""
        terms = {name: self[name].data for name in TERMS}
        return {**terms, "requirements": [row.data for row in self.requirements.entries]}

    @property
    def base_version(self) -> int | None:
        """The version of the draft that the author began from."""
        told = str(self.version.data or "")
        return int(told) if told.isascii() and told.isdecimal() else None

    def rebase(self, version: int) -> None:
        """After a conflict: what is sent next is meant to replace `version`."""
        self.version.data = str(version)

    def _change_rows(self) -> None:
        rows = [(row.name, row.data) for row in self.requirements.entries]
        rows = [row for row in rows if row[0] != request.form.get("remove-row")]
        names = [name for name, _ in rows]
        for button, step in _MOVES.items():
            if (moved := request.form.get(button)) in names:
                place = names.index(moved)
                rows.insert(max(place + step, 0), rows.pop(place))
        self.requirements.entries.clear()
        self.requirements.last_index = -1  # numbered afresh, in the new order
        for _, row in rows:
            self.requirements.append_entry(row)
        if "add-row" in request.form and len(rows) < MOST_REQUIREMENTS:
            self.requirements.append_entry()

    def add_violation(self, violation: RuleViolation) -> None:
        """Show each gap at its own field."""
        if not isinstance(violation, Incomplete):
            super().add_violation(violation)
            return
        for field, sentence in violation.gaps:
            super().add_violation(RuleViolation(sentence, field=field))


class AddendumForm(LastingForm):
    """A public supplement to an open challenge."""

    text = ProseField(
        _l("Addendum"),
        validators=[DataRequired(_l("Write what you want to add.")), PROSE],
        description=_l("Everybody reads it below the challenge, with its date."),
    )
    closes_at = DeadlineField(
        _l("New deadline"),
        description=_l("Leave it empty to keep the deadline. It can only be later."),
    )

"""What people enter about organizations."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import wtforms
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms.validators import URL, DataRequired, Email, InputRequired, Length, Optional

from bidding import clock
from bidding.db import FEN_PER_WAN
from bidding.forms import ChoiceField, Form, ProseField, TextField, WanField, stripped
from bidding.organizations import credit_codes, rules, size_classes
from bidding.organizations.fields import IndustryField, RegionField, StagedForm
from bidding.organizations.models import QualificationKind
from bidding.organizations.size_classes import SizeClass

OLDEST = 1800
MOST_EMPLOYEES = 10_000_000


def with_scheme(address: str | None) -> str:
    """Filter: people write their site's name; a link needs its scheme."""
    address = stripped(address)
    return address if not address or "://" in address else f"https://{address}"


class WholeNumberField(wtforms.IntegerField):
    """A whole number; whatever else is typed, `told` says what belongs there."""

    def __init__(self, *args: Any, told: Any = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.told = told

    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata([value.replace(",", "") for value in valuelist])
        except ValueError:
            raise ValueError(str(self.told)) from None


class FactsForm(StagedForm):
    """The facts that stay open after verification."""

    industry_code = IndustryField(
        _l("Industry"),
        [DataRequired(_l("Choose the industry of the main business."))],
        description=_l("Division of the national classification (GB/T 4754-2017)."),
    )
    employees = WholeNumberField(
        _l("Employees"), [Optional()], told=_l("Enter a number of people, such as 120.")
    )
    revenue_fen = WanField(_l("Revenue of the last year"), [Optional()])
    founded = WholeNumberField(
        _l("Founded in"), [Optional()], told=_l("Enter a year, such as 2008.")
    )
    website = wtforms.StringField(
        _l("Website"),
        [Optional(), URL(message=_l("Enter an address such as www.example.com.")), Length(max=300)],
        filters=[with_scheme],
    )
    brief = ProseField(
        _l("In a few sentences"),
        [Length(max=2000)],
        description=_l("What the organization does and is known for. Shown in the directory."),
    )
    contact_name = TextField(_l("Contact person"), [Length(max=80)])
    contact_phone = TextField(_l("Phone"), [Length(max=40)])
    contact_email = TextField(
        _l("E-mail"),
        [Optional(), Email(_l("Enter an e-mail address such as name@example.com."))],
    )

    def validate_employees(self, field: wtforms.Field) -> None:
        if field.data is not None and not 0 <= field.data <= MOST_EMPLOYEES:
            raise wtforms.ValidationError(gettext("Enter a number of people, such as 120."))

    def validate_founded(self, field: wtforms.Field) -> None:
        if field.data is not None and not OLDEST <= field.data <= clock.now().year:
            raise wtforms.ValidationError(gettext("Enter a year, such as 2008."))

    def validate_contact_phone(self, field: wtforms.Field) -> None:
        if field.data and len(re.findall("[0-9]", field.data)) < 5:
            raise wtforms.ValidationError(
                gettext("Enter a phone number with its area code, such as 0579-5555 0100.")
            )

    def facts(self) -> dict[str, Any]:
        """The clean values, by the names that `rules.create` and `rules.update` take."""
        return {
            name: value
            for name, value in self.data.items()
            if name not in ("csrf_token", "size_confirmed")
        }


class OrganizationForm(FactsForm):
    """All facts, with the identity that a reviewer verifies."""

    name = TextField(
        _l("Full name"),
        [DataRequired(_l("Enter the name.")), Length(max=120)],
        description=_l("As on the business licence."),
    )
    credit_code = wtforms.StringField(
        _l("Unified social credit code"),
        [DataRequired(_l("Enter the code from the business licence."))],
        filters=[lambda code: credit_codes.normalise(code or "")],
        description=_l("18 characters. Spaces and lower case do not matter."),
    )
    region_code = RegionField(
        _l("Region"), [InputRequired(_l("Choose where it is registered."))], require_county=True
    )
    size_class = ChoiceField(
        _l("Size class"),
        SizeClass,
        blank=_l("Choose a size"),
        validators=[DataRequired(_l("Choose the size class."))],
        description=_l(
            "By the national standards for classifying SMEs. Large enterprises post challenges; "
            "medium, small and micro enterprises take them."
        ),
    )
    size_confirmed = wtforms.BooleanField(_l("The size class I chose is right all the same"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("region_code", "credit_code", "name"):  # errors read in the page's order
            self._fields.move_to_end(name, last=False)

    @property
    def suggested_size(self) -> SizeClass | None:
        """The size class that follows from the figures as typed, where that can be told."""
        wan = None
        if self.revenue_fen.data is not None:
            wan = Decimal(self.revenue_fen.data) / FEN_PER_WAN
        return size_classes.suggest(self.industry_code.data or "", self.employees.data, wan)

    @property
    def size_differs(self) -> bool:
        """Whether the figures suggest another size class than the one that was chosen."""
        suggested = self.suggested_size
        return bool(suggested and self.size_class.data and suggested is not self.size_class.data)

    def validate_credit_code(self, field: wtforms.Field) -> None:
        if sentence := rules.code_problem(field.data):
            raise wtforms.ValidationError(gettext(sentence))

    def validate_size_class(self, field: wtforms.Field) -> None:
        if self.size_differs and not self.size_confirmed.data:
            raise wtforms.ValidationError(
                gettext(
                    "By its employees and revenue it would be %(suggested)s, not %(chosen)s. "
                    "Correct the figures or the size class, or confirm your choice."
                )
                % {
                    "suggested": gettext(self.suggested_size.label),
                    "chosen": gettext(field.data.label),
                }
            )


class QualificationForm(wtforms.Form):
    """One row of the qualifications."""

    kind = ChoiceField(
        _l("Qualification"),
        QualificationKind,
        blank=_l("Choose one"),
        validators=[DataRequired(_l("Choose the qualification, or remove the row."))],
    )
    number = TextField(_l("Number"), [Length(max=80)])
    issued_on = wtforms.DateField(_l("Issued on"), [Optional()])
    expires_on = wtforms.DateField(_l("Valid until"), [Optional()])


class ProfileForm(StagedForm):
    """What an SME says of itself."""

    products = ProseField(
        _l("Main products"),
        [Length(max=8000)],
        description=_l("What you make, for whom, and how much of it a year."),
    )
    technologies = ProseField(
        _l("Technologies"),
        [Length(max=8000)],
        description=_l("Processes and methods you master, with figures, patents and standards."),
    )
    equipment = ProseField(
        _l("Equipment and capacity"),
        [Length(max=8000)],
        description=_l("Production lines, laboratories, instruments, and free capacity."),
    )
    cases = ProseField(
        _l("Cases"),
        [Length(max=8000)],
        description=_l("Work you delivered: the problem, your solution, the result."),
    )
    notes = ProseField(
        _l("Anything else"), [Length(max=8000)], description=_l("What a partner should know.")
    )
    qualifications = wtforms.FieldList(
        wtforms.FormField(QualificationForm, label=_l("Qualification")),
        label=_l("Qualifications"),
        max_entries=len(QualificationKind),
    )

    def texts(self) -> dict[str, str]:
        """The texts, by the names that `rules.update_profile` takes."""
        return {name: self[name].data for name in rules.TEXTS}


class InvitationForm(Form):
    """Whom to invite."""

    email = TextField(
        _l("E-mail address"),
        [
            DataRequired(_l("Enter an e-mail address.")),
            Email(_l("Enter an e-mail address such as name@example.com.")),
        ],
    )

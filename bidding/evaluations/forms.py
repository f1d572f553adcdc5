"""What a poster decides."""

from __future__ import annotations

from collections.abc import Iterable

import wtforms
from flask_babel import lazy_gettext as _l

from bidding.evaluations.comparison import Column
from bidding.forms import Form, ProseField
from bidding.solutions.forms import at_most


class AwardForm(Form):
    """Whom to select, a reason for everybody, and a statement. Made by `award_form`."""

    selected = wtforms.SelectMultipleField(
        _l("Selected solutions"),
        coerce=int,
        option_widget=wtforms.widgets.CheckboxInput(),
        validate_choice=False,  # the rule says it better, and knows what colleagues just did
    )
    statement = ProseField(
        _l("Overall statement"),
        description=_l("Why it was decided so. It is published with the names of the SMEs."),
        validators=[at_most(4000)],
    )

    candidates: tuple[Column, ...] = ()

    def option_for(self, column: Column) -> wtforms.Field | None:
        """The checkbox of a column that can be selected."""
        ident = column.solution.id
        return next((option for option in self.selected if option.data == ident), None)

    def reason_for(self, column: Column) -> wtforms.Field:
        return self[f"reason_{column.solution.id}"]

    def reasons(self) -> dict[int, str]:
        """Reasons for `rules.award`."""
        return {column.solution.id: self.reason_for(column).data for column in self.candidates}


def award_form(candidates: Iterable[Column], shortlist: Iterable[Column]) -> AwardForm:
    """The form on which `candidates` get a reason each and the `shortlist` can be selected."""

    class ReasonedForm(AwardForm):
        pass

    ReasonedForm.candidates = tuple(candidates)
    for column in ReasonedForm.candidates:
        label = _l("Reason for %(organization)s", organization=column.solution.organization.name)
        field = ProseField(label, validators=[at_most(4000)])
        setattr(ReasonedForm, f"reason_{column.solution.id}", field)
    form = ReasonedForm()
    form.selected.choices = [(c.solution.id, c.solution.organization.name) for c in shortlist]
    return form

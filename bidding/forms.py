"""Forms' common ground: failing without losing a word, and fields for money and moments."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import flask_babel
import wtforms
from flask import request
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms.fields.choices import SelectChoice

from bidding.db import FEN_PER_WAN
from bidding.violations import AccessDenied, InvalidTransition, RuleViolation, Several
from bidding.vocabulary import N_, Choice

LONGEST_REASON = 4000


class Form(FlaskForm):
    """A form that can run a rule and show its refusal beside the field."""

    result: Any = None

    @property
    def http_status(self) -> int:
        """400 for a form that was sent and is shown again, 200 otherwise."""
        return 400 if request.method == "POST" else 200

    def attempt(self, verb: Callable[..., Any], *args: Any, **kwargs: Any) -> bool:
        """Validate, then call the rule `verb`; its answer is kept in `result`.

        A refusal about the input becomes an error of the field it names, or of the form.
        Refusals about access or state are not the form's to explain and are raised.
        """
        if not self.validate_on_submit():
            return False
        try:
            self.result = verb(*args, **kwargs)
        except (AccessDenied, InvalidTransition):
            raise
        except RuleViolation as violation:
            self.add_violation(violation)
            return False
        return True

    def add_violation(self, violation: RuleViolation) -> None:
        """Show the rule's refusal beside its field, or above the form; of several, each."""
        if isinstance(violation, Several):
            for one in violation.violations:
                self.add_violation(one)
            return
        message = gettext(violation.message) % violation.params
        field = self._fields.get(violation.field or "")
        if field is None:
            self.form_errors.append(message)
        else:
            field.errors = [*field.errors, message]


def stripped(value: str | None) -> str:
    """Filter: no blanks around, never None, one kind of line end, no control characters.

    PostgreSQL takes no NUL; the others have nothing to say in a text.
    """
    text = (value or "").replace("\r\n", "\n").replace("\r", "\n")
    return text.translate(_CONTROLS).strip()


_CONTROLS = {code: None for code in (*range(32), 127) if chr(code) not in "\t\n"}


def one_line(value: str | None) -> str:
    """Filter: `stripped`, on one line. Names and titles go into subjects and headings."""
    return " ".join(stripped(value).split())


class TextField(wtforms.StringField):
    """One line of text, stripped."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, filters=[one_line], **kwargs)


class ProseField(wtforms.TextAreaField):
    """Several lines of Markdown, stripped."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, filters=[stripped], **kwargs)


class ReasonForm(Form):
    """The reason for a decision."""

    reason = ProseField(_l("Reason"))

    def words(self) -> str:
        """The reason as given, possibly blank.

        Raises
        ------
        RuleViolation
            It is too long.
        """
        text = str(self.reason.data)
        if len(text) > LONGEST_REASON:
            raise RuleViolation(
                N_("This is %(length)s characters long; at most %(limit)s fit."),
                field="reason",
                length=len(text),
                limit=LONGEST_REASON,
            )
        return text


def _options(values: type[Choice]) -> list[SelectChoice]:
    return [SelectChoice(v.value, flask_babel.LazyString(gettext, v.label)) for v in values]


class ChoiceField(wtforms.SelectField):
    """A select over a `Choice`; data is the member, or None for the blank line."""

    def __init__(
        self, label: Any, values: type[Choice], *, blank: Any = None, **kwargs: Any
    ) -> None:
        self.values = values
        choices = [SelectChoice("", blank)] if blank is not None else []
        choices += _options(values)

        def coerce(value: Any) -> Any:
            return values(value) if value else None

        super().__init__(label, choices=choices, coerce=coerce, **kwargs)

    def iter_choices(self) -> Any:
        for option in super().iter_choices():
            yield option._replace(selected=option.value == (self.data.value if self.data else ""))


class ChoicesField(wtforms.SelectMultipleField):
    """Checkboxes over a `Choice`; data is a list of values."""

    widget = wtforms.widgets.ListWidget(prefix_label=False)
    option_widget = wtforms.widgets.CheckboxInput()

    def __init__(self, label: Any, values: type[Choice], **kwargs: Any) -> None:
        super().__init__(label, choices=_options(values), **kwargs)


class WanField(wtforms.Field):
    """Money typed in units of ten thousand yuan; data is in fen."""

    widget = wtforms.widgets.TextInput()
    typed: str | None = None

    def _value(self) -> str:
        if self.typed is not None:
            return self.typed
        if self.data is None:
            return ""
        return f"{(Decimal(self.data) / FEN_PER_WAN).normalize():f}"

    def process_formdata(self, valuelist: list[str]) -> None:
        if not valuelist:
            return
        self.typed = valuelist[0].strip()
        self.data = None
        if not self.typed:
            return
        try:
            fen = Decimal(self.typed.replace(",", "").replace("\uff0c", "")) * FEN_PER_WAN
        except ArithmeticError:  # no number, or one that is out of all bounds
            raise ValueError(gettext("Enter an amount as a number, such as 120 or 0.5.")) from None
        if not fen.is_finite() or fen < 0 or fen > 10**15:
            raise ValueError(gettext("Enter an amount between 0 and 1,000,000,000."))
        self.data = int(fen)


class MomentField(wtforms.Field):
    """A date and time in the site's time zone; data is an aware moment."""

    widget = wtforms.widgets.DateTimeLocalInput()
    typed: str | None = None

    def _zone(self) -> ZoneInfo:
        return ZoneInfo(str(flask_babel.get_timezone()))

    def _value(self) -> str:
        if self.typed is not None:
            return self.typed
        return f"{self.data.astimezone(self._zone()):%Y-%m-%dT%H:%M}" if self.data else ""

    def process_formdata(self, valuelist: list[str]) -> None:
        if not valuelist:
            return
        self.typed = valuelist[0].strip()
        self.data = None
        if not self.typed:
            return
        try:
            naive = datetime.fromisoformat(self.typed)
        except ValueError:
            raise ValueError(gettext("Enter a date and time, such as 2027-03-31T17:00.")) from None
        self.data = naive.replace(tzinfo=self._zone())

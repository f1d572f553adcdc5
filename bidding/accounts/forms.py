"""What people type about their account."""

from __future__ import annotations

from typing import Any

import wtforms
from flask_babel import lazy_gettext as _l
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Email, InputRequired, Length

from bidding.accounts.rules import AddressNotConfirmed
from bidding.forms import Form, TextField, stripped
from bidding.violations import RuleViolation

THEMES = ("auto", "light", "dark")

_ADDRESS_NEEDED = _l("Enter your e-mail address.")
_STRENGTH = _l("At least 10 characters. A short sentence is easy to remember and hard to guess.")


def _email_field() -> Any:
    return wtforms.EmailField(
        _l("E-mail address"),
        filters=[stripped],
        validators=[
            InputRequired(_ADDRESS_NEEDED),
            Length(max=254),
            Email(_l("Enter an e-mail address such as name@example.com.")),
        ],
        render_kw={"autocomplete": "email"},
    )


def _name_field() -> Any:
    return TextField(
        _l("Your name"),
        validators=[InputRequired(_l("Enter your name.")), Length(max=60)],
        render_kw={"autocomplete": "name"},
    )


def _new_password_field(label: Any) -> Any:
    return wtforms.PasswordField(
        label,
        description=_STRENGTH,
        validators=[InputRequired(_l("Choose a password."))],
        render_kw={"autocomplete": "new-password"},
    )


class SignInForm(Form):
    """Address and password. The address's shape is not checked: only whether both are right."""

    email = wtforms.EmailField(
        _l("E-mail address"),
        filters=[stripped],
        validators=[InputRequired(_ADDRESS_NEEDED)],
        render_kw={"autocomplete": "username"},
    )
    password = wtforms.PasswordField(
        _l("Password"),
        validators=[InputRequired(_l("Enter your password."))],
        render_kw={"autocomplete": "current-password"},
    )

    is_unconfirmed = False

    def add_violation(self, violation: RuleViolation) -> None:
        self.is_unconfirmed = isinstance(violation, AddressNotConfirmed)
        super().add_violation(violation)


class RegisterForm(Form):
    """A new account."""

    name = _name_field()
    email = _email_field()
    password = _new_password_field(_l("Password"))


class AddressForm(Form):
    """Where to send a link."""

    email = _email_field()


class ConfirmForm(Form):
    """A button. Following a link must not change anything: mail scanners follow links too."""


class ResetForm(Form):
    """A new password, by a mailed link."""

    password = _new_password_field(_l("New password"))


class ChangePasswordForm(Form):
    """A new password, by somebody who is signed in."""

    current = wtforms.PasswordField(
        _l("Current password"),
        validators=[InputRequired(_l("Enter your current password."))],
        render_kw={"autocomplete": "current-password"},
    )
    password = _new_password_field(_l("New password"))


class SettingsForm(Form):
    """What a person can change about themselves."""

    name = _name_field()
    locale = wtforms.SelectField(
        _l("Language"),
        description=_l("Of the pages after you sign in, and of the mail that we send you."),
        choices=[SelectChoice("zh_Hans_CN", _l("Chinese")), SelectChoice("en", _l("English"))],
    )

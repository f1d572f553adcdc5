"""Accounts over HTTP: registering, signing in and out, passwords, language and appearance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import (
    Blueprint,
    abort,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from bidding import i18n
from bidding.accounts import demo, links, queries, rules, sessions
from bidding.accounts.forms import (
    THEMES,
    AddressForm,
    ChangePasswordForm,
    ConfirmForm,
    RegisterForm,
    ResetForm,
    SettingsForm,
    SignInForm,
)
from bidding.boundary import on_loopback
from bidding.extensions import db, limiter
from bidding.permissions import Permission, requires
from bidding.transitions import next_address

bp = Blueprint("accounts", __name__)

_YEAR = 365 * 24 * 3600


def _setting(name: str) -> Callable[[], str]:
    return lambda: getattr(current_app.config["SETTINGS"], name)


limit_sign_in = limiter.shared_limit(_setting("sign_in_limit"), scope="sign-in", methods=["POST"])
limit_mail = limiter.shared_limit(_setting("mail_limit"), scope="mail", methods=["POST"])


def _me() -> Any:
    return current_user._get_current_object()  # noqa: SLF001 - rules need the row itself


@bp.route("/sign-in", methods=["GET", "POST"])
@requires(Permission.VISIT)
@limit_sign_in
def sign_in() -> ResponseReturnValue:
    form = SignInForm()
    if form.attempt(rules.authenticate, db.session, form.email.data, form.password.data):
        sessions.begin(form.result)
        return redirect(next_address(url_for("dashboards.work")))
    if request.method == "GET" and current_user.is_authenticated:
        return redirect(next_address(url_for("dashboards.work")))
    present = set(db.session.scalars(queries.demo_emails()))
    people = [(email, words) for email, words in demo.ACCOUNTS.items() if email in present]
    html = render_template(
        "accounts/sign_in.html",
        form=form,
        resend_to=form.email.data if form.is_unconfirmed else None,
        demo_people=people,
        demo_password=demo.PASSWORD,
        destination=next_address(""),
    )
    return html, form.http_status


@bp.route("/sign-out", methods=["POST"])
@requires(Permission.VISIT)
def sign_out() -> ResponseReturnValue:
    if current_user.is_authenticated:
        rules.sign_out(db.session, _me())
        sessions.end()
        flash(_("You are signed out."), "info")
    return redirect(url_for("dashboards.home"))


@bp.route("/register", methods=["GET", "POST"])
@requires(Permission.VISIT)
@limit_mail
def register() -> ResponseReturnValue:
    if request.method == "GET" and current_user.is_authenticated:
        return redirect(next_address(url_for("dashboards.work")))
    form = RegisterForm()
    if form.attempt(
        rules.register,
        db.session,
        email=form.email.data,
        name=form.name.data,
        password=form.password.data,
        locale=i18n.locale_code(),
    ):
        return _look_into_your_mail(form.email.data)
    html = render_template("accounts/register.html", form=form, destination=next_address(""))
    return html, form.http_status


@bp.route("/confirmations", methods=["GET", "POST"])
@requires(Permission.VISIT)
@limit_mail
def resend() -> ResponseReturnValue:
    form = AddressForm()
    if form.attempt(rules.resend_confirmation, db.session, email=form.email.data):
        return _look_into_your_mail(form.email.data)
    return render_template("accounts/resend.html", form=form), form.http_status


@bp.route("/confirmations/<token>", methods=["GET", "POST"])
@requires(Permission.VISIT)
def confirm(token: str) -> ResponseReturnValue:
    user = links.read(db.session, links.Purpose.CONFIRM, token)
    if user is None:
        return render_template("accounts/dead_link.html", again="accounts.resend"), 410
    if user.confirmed_at is not None:
        flash(_("This address is confirmed already. Sign in."), "info")
        return redirect(url_for("accounts.sign_in"))
    form = ConfirmForm()
    if form.attempt(rules.confirm, db.session, user):
        flash(_("Your address is confirmed. Sign in."), "success")
        return redirect(url_for("accounts.sign_in"))
    return render_template("accounts/confirm.html", form=form, user=user), form.http_status


@bp.route("/password-resets", methods=["GET", "POST"])
@requires(Permission.VISIT)
@limit_mail
def request_reset() -> ResponseReturnValue:
    form = AddressForm()
    if form.attempt(rules.request_reset, db.session, email=form.email.data):
        return _look_into_your_mail(form.email.data)
    return render_template("accounts/request_reset.html", form=form), form.http_status


@bp.route("/password-resets/<token>", methods=["GET", "POST"])
@requires(Permission.VISIT)
def reset(token: str) -> ResponseReturnValue:
    user = links.read(db.session, links.Purpose.RESET, token)
    if user is None:
        return render_template("accounts/dead_link.html", again="accounts.request_reset"), 410
    form = ResetForm()
    if form.attempt(rules.reset_password, db.session, user, password=form.password.data):
        sessions.end()
        flash(_("Your password is changed. Sign in with the new one."), "success")
        return redirect(url_for("accounts.sign_in"))
    return render_template("accounts/reset.html", form=form, user=user), form.http_status


@bp.route("/account", methods=["GET", "POST"])
@requires(Permission.USE_ACCOUNT)
def settings() -> ResponseReturnValue:
    form = SettingsForm(obj=current_user)
    if form.attempt(
        rules.update,
        db.session,
        _me(),
        actor=current_user,
        name=form.name.data,
        locale=form.locale.data,
    ):
        i18n.remember(current_user.locale)
        flash(_("Your settings are saved."), "success")
        return redirect(url_for("accounts.settings"))
    return render_template("accounts/settings.html", form=form), form.http_status


@bp.route("/account/password", methods=["GET", "POST"])
@requires(Permission.USE_ACCOUNT)
@limit_sign_in
def change_password() -> ResponseReturnValue:
    form = ChangePasswordForm()
    if form.attempt(
        rules.change_password,
        db.session,
        _me(),
        actor=current_user,
        current=form.current.data,
        password=form.password.data,
    ):
        sessions.begin(form.result)
        flash(_("Your password is changed. Other devices are signed out."), "success")
        return redirect(url_for("accounts.settings"))
    return render_template("accounts/change_password.html", form=form), form.http_status


@bp.route("/language", methods=["POST"])
@requires(Permission.VISIT)
def language() -> ResponseReturnValue:
    locale = request.form.get("locale", "")
    if locale not in i18n.LOCALES:
        abort(400)
    i18n.remember(locale)
    if current_user.is_authenticated:
        rules.update(db.session, _me(), actor=current_user, locale=locale)
    return redirect(next_address(url_for("dashboards.home")))


@bp.route("/theme", methods=["POST"])
@requires(Permission.VISIT)
def theme() -> ResponseReturnValue:
    chosen = request.form.get("theme", "")
    if chosen not in THEMES:
        abort(400)
    response = redirect(next_address(url_for("dashboards.home")))
    response.set_cookie(
        "theme", chosen, max_age=_YEAR, httponly=True, samesite="Lax", secure=not on_loopback()
    )
    return response


def _look_into_your_mail(email: str) -> ResponseReturnValue:
    """The same answer whether or not the address is known."""
    flash(
        _(
            "One step is left: open the link in the mail that we are sending to %(email)s."
            " Nothing there after a few minutes? Look into the spam folder, or check that"
            " the address is right.",
            email=email,
        ),
        "info",
    )
    return redirect(url_for("accounts.sign_in", next=next_address("") or None))

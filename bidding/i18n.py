"""Two languages: which one a reader gets, and how moments and money are written."""

from __future__ import annotations

import os
from datetime import date, datetime, timedelta
from pathlib import Path

import flask_babel
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Flask, has_request_context, request, session
from flask_babel import Babel, gettext, ngettext
from flask_login import current_user

from bidding import clock
from bidding.db import FEN_PER_WAN

LOCALES = ("zh_Hans_CN", "en")
HTML_LANG = {"zh_Hans_CN": "zh-Hans", "en": "en"}
CATALOGUES = Path(__file__).parent / "translations"
KEY = "locale"
"""Where the session keeps the choice."""

babel = Babel()


def init_app(app: Flask) -> None:
    compile_catalogues()
    babel.init_app(app, locale_selector=choose_locale)
    app.before_request(_remember_choice)


def compile_catalogues() -> None:
    """Compile every ``.po`` that is newer than its ``.mo``. Only the ``.po`` is kept in git."""
    for source in CATALOGUES.glob("*/LC_MESSAGES/*.po"):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
            continue
        with source.open("rb") as stream:
            catalogue = read_po(stream, locale=source.parent.parent.name)
        partial = target.with_suffix(f".{os.getpid()}.tmp")
        with partial.open("wb") as stream:
            write_mo(stream, catalogue)
        partial.replace(target)  # several processes may start at once


def choose_locale() -> str | None:
    """The language asked for in this request, chosen before, or kept with the account."""
    if not has_request_context():
        return None
    asked = request.args.get("lang")
    if asked in LOCALES:
        return asked
    if session.get(KEY) in LOCALES:
        return session[KEY]
    if current_user.is_authenticated and current_user.locale in LOCALES:
        return current_user.locale
    return None


def _remember_choice() -> None:
    if (asked := request.args.get("lang")) in LOCALES:
        remember(asked)


def remember(locale: str) -> None:
    """Keep the choice in the session, signed in or not."""
    session.permanent = True
    session[KEY] = locale
    flask_babel.refresh()


def locale_code() -> str:
    """The language in force, as a key of `LOCALES`."""
    locale = flask_babel.get_locale()
    return "en" if locale is None or locale.language == "en" else "zh_Hans_CN"


def format_moment(moment: datetime | str | None) -> str:
    """A moment in the site's time zone, which is named, since deadlines depend on it.

    Notices keep moments as ISO text, which is understood too.
    """
    if not moment:
        return ""
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    return f"{flask_babel.to_user_timezone(moment):%Y-%m-%d %H:%M} {zone_name()}"


def zone_name() -> str:
    """The site's time zone in words. Not by its abbreviation: CST is Chicago's as well."""
    zone = str(flask_babel.get_timezone())
    return {"Asia/Shanghai": gettext("Beijing time")}.get(zone, zone)


def format_day(value: datetime | date | None) -> str:
    """A date, ISO style, in the site's time zone."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        value = flask_babel.to_user_timezone(value).date()
    return value.isoformat()


def format_span(span: timedelta) -> str:
    """A length of time in its largest fitting unit: “3 days”, “5 hours”, “20 minutes”."""
    minutes = int(abs(span).total_seconds() // 60)
    if minutes >= 48 * 60:
        return ngettext("%(num)d day", "%(num)d days", minutes // (24 * 60))
    if minutes >= 60:
        return ngettext("%(num)d hour", "%(num)d hours", minutes // 60)
    if minutes < 1:
        return gettext("less than a minute")
    return ngettext("%(num)d minute", "%(num)d minutes", minutes)


def format_remaining(moment: datetime | None) -> str:
    """How long is left until `moment`."""
    if moment is None:
        return ""
    span = moment - clock.now()
    if span <= timedelta():
        return gettext("closed")
    return gettext("%(span)s left", span=format_span(span))


def format_ago(moment: datetime | None) -> str:
    """How long ago `moment` was."""
    if moment is None:
        return ""
    span = clock.now() - moment
    if span < timedelta(minutes=1):
        return gettext("just now")
    return gettext("%(span)s ago", span=format_span(span))


def format_money(fen: int | None) -> str:
    """Fen in the unit a reader expects: units of ten thousand yuan in Chinese, yuan in English."""
    if fen is None:
        return ""
    if locale_code() == "en":
        return f"CNY {flask_babel.format_decimal(round(fen / 100))}"
    return gettext(
        "%(amount)s ten thousand yuan",
        amount=flask_babel.format_decimal(round(fen / FEN_PER_WAN, 2)),
    )

"""What templates can use besides Flask's own: filters, tests of access, assets."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from babel.lists import format_list
from flask import Flask, current_app, g, request, url_for
from flask_babel import gettext
from flask_login import current_user

from bidding import clock, i18n, text
from bidding.accounts.forms import THEMES
from bidding.accounts.queries import has_demo
from bidding.config import ROOT
from bidding.extensions import db
from bidding.notifications.models import Notification
from bidding.organizations import industries, regions
from bidding.permissions import Permission, allows, may_enter
from bidding.vocabulary import Choice


def init_app(app: Flask) -> None:
    env = app.jinja_env
    env.add_extension("jinja2.ext.do")
    env.trim_blocks = env.lstrip_blocks = True
    env.filters.update(
        datetime=i18n.format_moment,
        date=i18n.format_day,
        remaining=i18n.format_remaining,
        ago=i18n.format_ago,
        span=i18n.format_span,
        money=i18n.format_money,
        markdown=text.render_markdown,
        plain=text.plain,
        label=lambda value: gettext(value.label) if value is not None else "",
        region=region_name,
        industry=industry_name,
        any_of=any_of,
        sentence=sentence,
    )
    env.globals.update(asset=asset, can=can, now=clock.now)
    app.context_processor(_context)


def _context() -> dict[str, Any]:
    locale = i18n.locale_code()
    settings = current_app.config["SETTINGS"]
    return {
        "locale": locale,
        "html_lang": i18n.HTML_LANG[locale],
        "theme": theme(),
        "request_id": g.get("request_id", ""),
        "programme_name": settings.programme_name or gettext("Jiebang"),
        # A page about a fault must not ask the database, which may be the fault.
        "demo": not g.get("fault") and _is_demo(),
        "unread_notifications": 0 if g.get("fault") else _unread(),
    }


def _is_demo() -> bool:
    """Whether this site shows the seeded demo; asked of the database once per process."""
    if "demo" not in current_app.extensions:
        current_app.extensions["demo"] = has_demo(db.session)
    return bool(current_app.extensions["demo"])


def _unread() -> int:
    if not current_user.is_authenticated:
        return 0
    return db.session.scalar(
        sa.select(sa.func.count())
        .select_from(Notification)
        .where(
            Notification.user_id == current_user.id,
            Notification.read_at.is_(None),
            Notification.in_app,
        )
    )


def theme() -> str:
    """The colour theme the reader chose; `auto` follows the device."""
    chosen = request.cookies.get("theme", "auto") if request else "auto"
    return chosen if chosen in THEMES else "auto"


def can(permission: str, record: Any = None) -> bool:
    """Whether the reader holds a permission on `record`, or could hold it on some record."""
    name = Permission(permission)
    if record is None:
        return may_enter(current_user, name)
    return allows(current_user, name, record)


def region_name(code: str | None, *, full: bool = True) -> str:
    """A GB/T 2260 code in words."""
    region = regions.find(code) if code else None
    if region is None:
        return ""
    return region.full_name(i18n.locale_code()) if full else region.name(i18n.locale_code())


def industry_name(code: str | None) -> str:
    """A GB/T 4754 code in words."""
    industry = industries.find(code) if code else None
    return industry.name(i18n.locale_code()) if industry else ""


def any_of(choices: Iterable[Choice]) -> str:
    """Choices of which one is enough, in words: “A, B, or C”."""
    words = [gettext(choice.label) for choice in choices]
    return format_list(words, style="or", locale=i18n.locale_code())


def sentence(told: Any) -> str:
    """The `message` of what a rule found, with its `params` in the reader's words."""
    return gettext(told.message) % {name: _words(value) for name, value in told.params.items()}


def _words(value: Any) -> Any:
    if isinstance(value, regions.Region):
        return value.full_name(i18n.locale_code())
    if isinstance(value, datetime):
        return i18n.format_moment(value)
    return any_of(value) if isinstance(value, list) else value


def asset(path: str) -> str:
    """The address of a static file, changing with its content so that it can be cached."""
    return url_for("static", filename=path, v=_fingerprint(ROOT / "static" / path))


@cache
def _fingerprint(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:10] if path.is_file() else ""

"""Filters of the audit trail."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import flask_babel
import wtforms
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms.fields.choices import SelectChoice

from bidding.audits.words import ACTIONS, SUBJECTS
from bidding.db import BIGGEST_ID
from bidding.forms import Form, TextField

# Beyond these a moment has no place on every database's calendar.
_FIRST_YEAR, _LAST_YEAR = 1900, 9000


def _choices(words: dict[str, str]) -> list[SelectChoice]:
    return [
        SelectChoice("", _l("All")),
        *(SelectChoice(value, flask_babel.LazyString(gettext, words[value])) for value in words),
    ]


class TrailFilters(Form):
    """Sent with GET, hence without a token. What cannot be read filters nothing."""

    class Meta:
        csrf = False

    subject_type = wtforms.SelectField(_l("Kind of record"), choices=_choices(SUBJECTS), default="")
    subject_id = wtforms.IntegerField(_l("Number of the record"))
    actor = TextField(_l("Person (name, address or number)"))
    action = wtforms.SelectField(_l("Action"), choices=_choices(ACTIONS), default="")
    since = wtforms.DateField(_l("From"))
    until = wtforms.DateField(_l("To"))
    request_id = TextField(_l("Request number"))

    def terms(self) -> dict[str, Any]:
        """The filters as `queries.events` takes them."""
        number = self.subject_id.data
        if number is not None:
            number = min(max(number, 0), BIGGEST_ID)
        return {
            "subject_type": _printable(self.subject_type.data),
            "subject_id": number,
            "actor": _printable(self.actor.data),
            "action": _printable(self.action.data),
            "request_id": _printable(self.request_id.data),
            "since": _start(self.since.data),
            "until": _start(self.until.data, after=1),
        }


def _printable(text: str | None) -> str:
    """`text` without what PostgreSQL would not take."""
    return "".join(c for c in text or "" if c.isprintable())


def _start(day: date | None, after: int = 0) -> datetime | None:
    """The first moment of a day, or of `after` days later, in the site's time zone."""
    if day is None or not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        return None
    zone = ZoneInfo(str(flask_babel.get_timezone()))
    return datetime(day.year, day.month, day.day, tzinfo=zone) + timedelta(days=after)

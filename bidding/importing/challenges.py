"""One row of a table → the terms of a challenge."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from bidding import clock
from bidding.challenges.forms import LAST_YEAR
from bidding.challenges.models import ChallengeKind, IpTerms
from bidding.importing.tables import Row
from bidding.organizations import industries, regions
from bidding.organizations.models import QualificationKind


def parse_challenge(row: Row, zone: ZoneInfo, closes_at: datetime) -> dict[str, Any]:
    """The terms of one challenge; `closes_at` is the deadline where the row has none."""
    low, high = row.fen("budget_min_wan"), row.fen("budget_max_wan")
    if low is not None and high is not None and low > high:
        row.wrong("budget_max_wan", "is less than budget_min_wan")
    region = row.parsed("region", regions.parse)
    taker_region = row.parsed("taker_region", regions.parse)
    industry = row.parsed("industry", industries.parse)
    return {
        "kind": row.choice("kind", ChallengeKind, ChallengeKind.TECHNOLOGY),
        "title": row.heading("title", required=True, longest=200),
        "problem": row.text("description"),
        "background": row.text("background"),
        "expected_result": row.text("expected_result"),
        "budget_min_fen": low,
        "budget_max_fen": high,
        "budget_negotiable": low is None and high is None,
        "ip_terms": IpTerms.NEGOTIABLE,
        "duration_months": row.number("duration_months", 1, 120),
        "region_code": region.code if region else None,
        "industry_code": industry.code if industry else None,
        "required_qualifications": row.choices("required_qualifications", QualificationKind),
        "taker_region_code": taker_region.code if taker_region else None,
        "taker_notes": row.text("taker_notes"),
        "closes_at": _closes_at(row, zone) or closes_at,
        "awards": row.number("awards", 1, 3) or 1,
    }


def _closes_at(row: Row, zone: ZoneInfo) -> datetime | None:
    text = row.text("closes_at")
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text.replace("/", "-"))
    except ValueError:
        row.wrong("closes_at", f"“{text}” is not a date such as 2027-03-31")
        return None
    if moment.time() == time.min:
        moment = datetime.combine(moment.date(), time(23, 59))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    if moment.year > LAST_YEAR:
        row.wrong("closes_at", f"“{text}” is after {LAST_YEAR}")
    elif moment <= clock.now():
        row.wrong("closes_at", f"“{text}” is in the past")
    return moment

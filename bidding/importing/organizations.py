"""One row of a table → the facts of an organization."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from email_validator import EmailNotValidError, validate_email

from bidding import clock
from bidding.db import FEN_PER_WAN
from bidding.importing.tables import Row
from bidding.organizations import credit_codes, industries, regions
from bidding.organizations.credit_codes import Problem
from bidding.organizations.forms import MOST_EMPLOYEES
from bidding.organizations.models import QualificationKind
from bidding.organizations.size_classes import SizeClass, suggest

_PROBLEMS = {
    Problem.LENGTH: "it needs 18 characters",
    Problem.ALPHABET: "only digits and capital letters without I, O, S, V and Z",
    Problem.AUTHORITY: "its first eight characters do not fit",
    Problem.CHECK_DIGIT: "its check digit does not fit, so a character is mistyped",
}


def parse_organization(row: Row, taken: set[str]) -> dict[str, Any]:
    """The facts of one organization; `taken` holds the credit codes seen so far."""
    code = credit_codes.normalise(row.text("credit_code", required=True))
    if code:
        if problem := credit_codes.problem(code):
            row.wrong("credit_code", f"“{code}” is not valid: {problem.value.replace('_', ' ')}")
        elif code in taken:
            row.wrong("credit_code", f"“{code}” is there already")
        taken.add(code)
    region = row.parsed("region", regions.parse, required=True)
    industry = row.parsed("industry", industries.parse, required=True)
    employees, revenue = row.number("employees", 0, MOST_EMPLOYEES), row.fen("revenue_wan")
    size = row.choice("size_class", SizeClass)
    if size is None and not row.text("size_class") and industry:
        wan = None if revenue is None else Decimal(revenue) / FEN_PER_WAN
        size = suggest(industry.code, employees, wan)
        if size is None:
            row.wrong("size_class", "is missing, and employees and revenue do not tell it")
    email = row.text("contact_email")
    if email:
        try:
            email = validate_email(email, check_deliverability=False).normalized
        except EmailNotValidError:
            row.wrong("contact_email", f"“{email}” is not a mail address")
    return {
        "name": row.heading("name", required=True, longest=200),
        "credit_code": code,
        "region_code": region.code if region else "",
        "industry_code": industry.code if industry else "",
        "size_class": size,
        "employees": employees,
        "revenue_fen": revenue,
        "founded": row.number("founded", 1800, clock.now().year),
        "contact_email": email,
        **{field: row.text(field) for field in ("brief", "contact_name", "contact_phone")},
        "website": _website(row),
        "profile": {
            field: row.text(field)
            for field in ("products", "technologies", "equipment", "cases", "notes")
        },
        "qualifications": [
            {"kind": kind} for kind in row.choices("qualifications", QualificationKind)
        ],
    }


def _website(row: Row) -> str:
    website = row.text("website", longest=300)
    if website and not website.startswith(("http://", "https://")):
        website = f"https://{website}"
    return website

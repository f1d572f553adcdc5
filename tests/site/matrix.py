"""Who gets what from every route.

A row is a request on one record of `world.World` and the status that each role is answered:
the poster's and the solver's own records, which are another organization's to their rivals.
200 a page · 302 done, or sent to sign in · 400 allowed, but the empty form is not complete ·
403 not yours to do · 404 not yours to know of · 409 not possible as things stand.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

ROLES = (
    "visitor",
    "newcomer",
    "poster",
    "rival poster",
    "solver",
    "rival solver",
    "reviewer",
    "administrator",
)

PUBLIC = {
    "accounts.confirm",
    "accounts.language",
    "accounts.register",
    "accounts.request_reset",
    "accounts.resend",
    "accounts.reset",
    "accounts.sign_in",
    "accounts.sign_out",
    "accounts.theme",
    "challenges.index",
    "dashboards.home",
    "healthz",
    "organizations.join",
    "organizations.places",
    "readyz",
}

TABLE = """
#    endpoint                        record                  visi newc post riva solv riva revi admi
GET  dashboards.home                 -                        200  200  200  200  200  200  200  200
GET  dashboards.work                 -                        302  200  200  200  200  200  200  200
GET  healthz                         -                        200  200  200  200  200  200  200  200
GET  readyz                          -                        200  200  200  200  200  200  200  200

GET  accounts.sign_in                -                        200  302  302  302  302  302  302  302
POST accounts.sign_in                -                        400  400  400  400  400  400  400  400
POST accounts.sign_out               -                        302  302  302  302  302  302  302  302
GET  accounts.register               -                        200  302  302  302  302  302  302  302
POST accounts.register               -                        400  400  400  400  400  400  400  400
GET  accounts.resend                 -                        200  200  200  200  200  200  200  200
POST accounts.resend                 -                        302  302  302  302  302  302  302  302
GET  accounts.confirm                confirmation link        200  200  200  200  200  200  200  200
GET  accounts.confirm                broken link              410  410  410  410  410  410  410  410
POST accounts.confirm                confirmation link        302  302  302  302  302  302  302  302
GET  accounts.request_reset          -                        200  200  200  200  200  200  200  200
POST accounts.request_reset          -                        302  302  302  302  302  302  302  302
GET  accounts.reset                  reset link               200  200  200  200  200  200  200  200
GET  accounts.reset                  broken link              410  410  410  410  410  410  410  410
POST accounts.reset                  reset link               400  400  400  400  400  400  400  400
GET  accounts.settings               -                        302  200  200  200  200  200  200  200
POST accounts.settings               -                        302  400  400  400  400  400  400  400
GET  accounts.change_password        -                        302  200  200  200  200  200  200  200
POST accounts.change_password        -                        302  400  400  400  400  400  400  400
POST accounts.language               -                        302  302  302  302  302  302  302  302
POST accounts.theme                  -                        302  302  302  302  302  302  302  302

GET  notifications.index             -                        302  200  200  200  200  200  200  200
POST notifications.read              notice                   302  404  404  404  302  404  404  404
POST notifications.read_all          -                        302  302  302  302  302  302  302  302

GET  organizations.index             -                        302  200  200  200  200  200  200  200
GET  organizations.new               -                        302  200  302  302  302  302  200  200
POST organizations.new               -                        302  400  302  302  302  302  400  400
GET  organizations.own               -                        302  302  302  302  302  302  302  302
GET  organizations.places            province                 200  200  200  200  200  200  200  200
GET  organizations.detail            posting                  404  200  200  200  200  200  200  200
GET  organizations.detail            solving                  404  200  200  200  200  200  200  200
GET  organizations.detail            draft organization       404  404  404  404  404  404  404  404
GET  organizations.detail            pending organization     404  404  404  404  404  404  200  200
GET  organizations.detail            suspended organization   404  404  404  404  404  404  200  200
GET  organizations.edit              posting                  302  403  200  403  403  403  403  403
GET  organizations.edit              pending organization     302  404  404  404  404  404  403  403
POST organizations.edit              posting                  302  403  302  403  403  403  403  403
GET  organizations.profile           solving                  302  403  403  403  200  403  403  403
GET  organizations.profile           posting                  302  403  404  403  403  403  403  403
POST organizations.profile           solving                  302  403  403  403  302  403  403  403
GET  organizations.members           posting                  302  403  200  403  403  403  403  200
POST organizations.invite            posting                  302  403  302  403  403  403  403  302
POST organizations.revoke            invitation               302  403  302  403  403  403  403  302
POST organizations.remove            membership               302  403  302  403  403  403  403  302
GET  organizations.join              invitation link          200  200  200  200  200  200  200  200
GET  organizations.join              broken link              404  404  404  404  404  404  404  404
POST organizations.join              invitation link          200  403  403  403  403  403  403  403
POST organizations.submit            posting                  302  403  409  403  403  403  403  403
POST organizations.verify            pending organization     302  403  403  403  403  403  302  302
POST organizations.verify            posting                  302  403  403  403  403  403  409  409
POST organizations.request_changes   pending organization     302  403  403  403  403  403  302  302
POST organizations.reject            pending organization     302  403  403  403  403  403  302  302
POST organizations.suspend           posting                  302  403  403  403  403  403  403  302
POST organizations.reinstate         suspended organization   302  403  403  403  403  403  403  302

GET  challenges.index                -                        200  200  200  200  200  200  200  200
GET  challenges.own                  -                        302  200  200  200  200  200  200  200
GET  challenges.new                  -                        302  403  200  200  403  403  403  403
POST challenges.new                  -                        302  403  400  400  403  403  403  403
GET  challenges.detail               draft                    404  404  200  404  404  404  404  404
GET  challenges.detail               waiting                  404  404  200  404  404  404  200  200
GET  challenges.detail               open                     200  200  200  200  200  200  200  200
GET  challenges.detail               evaluating               200  200  200  200  200  200  200  200
GET  challenges.detail               awarded                  200  200  200  200  200  200  200  200
GET  challenges.detail               suspended                404  404  200  404  404  404  200  200
GET  challenges.edit                 draft                    302  404  200  404  404  404  404  404
GET  challenges.edit                 open                     302  403  409  403  403  403  403  403
POST challenges.edit                 draft                    302  404  400  404  404  404  404  404
GET  challenges.preview              draft                    302  404  200  404  404  404  404  404
GET  challenges.preview              open                     302  403  200  403  403  403  403  403
POST challenges.copy                 open                     302  403  302  403  403  403  403  403
POST challenges.copy                 draft                    302  404  302  404  404  404  404  404
GET  challenges.addendum             open                     302  403  200  403  403  403  403  403
GET  challenges.addendum             closed                   302  403  409  403  403  403  403  403
POST challenges.addendum             open                     302  403  400  403  403  403  403  403
POST challenges.submit               draft                    302  404  302  404  404  404  404  404
POST challenges.publish              waiting                  302  403  403  403  403  403  302  302
POST challenges.publish              open                     302  403  403  403  403  403  409  409
POST challenges.request_changes      waiting                  302  403  403  403  403  403  302  302
POST challenges.reject               waiting                  302  403  403  403  403  403  302  302
POST challenges.suspend              open                     302  403  403  403  403  403  403  302
POST challenges.resume               suspended                302  403  403  403  403  403  403  302

GET  matching.suggestions            open                     302  403  200  403  403  403  200  200
GET  matching.suggestions            draft                    302  404  200  404  404  404  404  404
GET  matching.pair                   open pair                302  403  200  403  200  403  200  200
GET  matching.pair                   draft pair               302  404  200  404  404  404  404  404
POST matching.invite                 open                     302  403  302  403  403  403  403  403
POST matching.invite_together        open                     302  403  302  403  403  403  403  403
POST matching.invite_together        closed                   302  403  409  403  403  403  403  403
GET  matching.partners               open                     302  403  403  403  200  200  403  403
GET  matching.partners               untouched                302  403  403  403  403  403  403  403
GET  matching.partners               closed                   302  403  403  403  403  403  403  403
GET  matching.partners               draft                    302  404  403  404  404  404  404  404
POST matching.feedback               open                     302  403  302  403  302  403  403  403
POST matching.feedback               draft                    302  404  409  404  404  404  404  404
POST matching.feedback               closed                   302  403  409  403  409  403  403  403
GET  matching.recommendations        -                        302  302  403  403  200  200  302  302

POST solutions.create                untouched                302  403  403  403  302  302  403  403
POST solutions.create                closed                   302  403  403  403  302  409  403  403
GET  solutions.own                   -                        302  200  200  200  200  200  200  200
GET  solutions.detail                sealed                   302  404  404  404  200  404  404  404
GET  solutions.detail                submitted                302  404  200  404  200  404  200  200
GET  solutions.detail                late draft               302  404  404  404  200  404  404  404
GET  solutions.edit                  sealed                   302  404  404  404  200  404  404  404
GET  solutions.edit                  submitted                302  404  403  404  302  404  403  403
POST solutions.edit                  sealed                   302  404  404  404  302  404  404  404
GET  solutions.version               sealed version           302  404  404  404  200  404  404  404
GET  solutions.version               submitted version        302  404  200  404  200  404  200  200
GET  solutions.content               sealed version           302  404  404  404  200  404  404  404
GET  solutions.content               submitted version        302  404  200  404  200  404  200  200
POST solutions.submit                sealed                   302  404  404  404  400  404  404  404
POST solutions.submit                late draft               302  404  404  404  409  404  404  404
POST solutions.withdraw              sealed                   302  404  404  404  302  404  404  404
POST solutions.confirm               selected                 302  404  403  404  302  404  403  403
POST solutions.decline               selected                 302  404  403  404  302  404  403  403

POST evaluations.open                open                     302  403  409  403  403  403  403  403
POST evaluations.open                closed                   302  403  302  403  403  403  403  403
GET  evaluations.detail              open                     302  403  200  403  403  403  200  200
GET  evaluations.detail              closed                   302  403  200  403  403  403  200  200
GET  evaluations.detail              evaluating               302  403  200  403  403  403  200  200
GET  evaluations.award               evaluating               302  403  200  403  403  403  403  403
GET  evaluations.award               closed                   302  403  302  403  403  403  403  403
POST evaluations.award               evaluating               302  403  400  403  403  403  403  403
POST evaluations.fail                evaluating               302  403  302  403  403  403  403  403
POST evaluations.cancel              open                     302  403  302  403  403  403  403  403
POST evaluations.pass                submitted                302  404  302  404  403  404  403  403
POST evaluations.exclude             submitted                302  404  302  404  403  404  403  403
POST evaluations.shortlist           eligible                 302  404  302  404  404  404  403  403
POST evaluations.shortlist           submitted                302  404  409  404  403  404  403  403

GET  reviews.index                   -                        302  403  403  403  403  403  200  200
GET  reviews.organization            pending organization     302  403  403  403  403  403  200  200
GET  reviews.organization            posting                  302  403  403  403  403  403  200  200
GET  reviews.organization            draft organization       302  403  403  403  403  403  404  404
GET  reviews.challenge               waiting                  302  403  403  403  403  403  200  200
GET  reviews.challenge               draft                    302  403  403  403  403  403  404  404

GET  audits.index                    -                        302  403  403  403  403  403  200  200

GET  dashboards.matching_report      -                        302  403  403  403  403  403  403  200
GET  dashboards.matching_report_table -                       302  403  403  403  403  403  403  200
"""

# What is sent besides a reason, where a POST needs more to be understood.
FORMS: dict[str, dict[str, str | Callable[[Any], str | list[str]]]] = {
    "accounts.language": {"locale": "en"},
    "accounts.theme": {"theme": "dark"},
    "accounts.resend": {"email": "somebody@example.com"},
    "accounts.request_reset": {"email": "somebody@example.com"},
    "organizations.invite": {"email": "somebody@example.com"},
    "matching.invite": {"organization": lambda world: str(world.solving.id)},
    "matching.invite_together": {
        "organization": lambda world: [str(world.solving.id), str(world.partner_id)],
        "introduces": "yes",
    },
    "matching.feedback": {
        "organization": lambda world: str(world.solving.id),
        "verdict": "interested",
    },
}


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    method: str
    endpoint: str
    record: str
    expected: dict[str, int]

    def __str__(self) -> str:
        return f"{self.method} {self.endpoint} {self.record}".removesuffix(" -")

    @staticmethod
    def line(method: str, endpoint: str, record: str, statuses: dict[str, int]) -> str:
        """A line of the table, as it should be pasted."""
        cells = " ".join(f"{statuses[role]:>4}" for role in ROLES)
        return f"{method:<5}{endpoint:<32}{record:<24}{cells}"

    @classmethod
    def parse(cls, line: str) -> Row:
        method, endpoint, *record, v, n, p, rp, s, rs, r, a = line.split()
        statuses = [int(cell) for cell in (v, n, p, rp, s, rs, r, a)]
        return cls(method, endpoint, " ".join(record), dict(zip(ROLES, statuses, strict=True)))


ROWS = [
    Row.parse(line)
    for line in TABLE.splitlines()
    if line.strip() and not line.lstrip().startswith("#")
]

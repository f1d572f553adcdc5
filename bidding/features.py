"""The rooms of the house, in the order of their imports."""

from __future__ import annotations

from flask import Flask

from bidding.accounts import views as accounts
from bidding.audits import views as audits
from bidding.challenges import views as challenges
from bidding.dashboards import views as dashboards
from bidding.evaluations import views as evaluations
from bidding.matching import exposure as _exposure
from bidding.matching import jobs as _matching_jobs
from bidding.matching import search as _search
from bidding.matching import views as matching
from bidding.notifications import delivery as _delivery
from bidding.notifications import views as notifications
from bidding.organizations import views as organizations
from bidding.reviews import views as reviews
from bidding.solutions import jobs as _solutions_jobs
from bidding.solutions import views as solutions

BLUEPRINTS = (
    accounts.bp,
    notifications.bp,
    organizations.bp,
    challenges.bp,
    matching.bp,
    solutions.bp,
    evaluations.bp,
    reviews.bp,
    audits.bp,
    dashboards.bp,
)

# Imported for what they register: background jobs, and how records are found by words.
REGISTERED = (_matching_jobs, _exposure, _delivery, _solutions_jobs, _search)


def init_app(app: Flask) -> None:
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)

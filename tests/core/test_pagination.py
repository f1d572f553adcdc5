"""Lists by the page."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from bidding.accounts.models import User
from bidding.pagination import Page, paginate
from tests import factories

PEOPLE = sa.select(User).order_by(User.id)


@pytest.mark.parametrize(
    ("asked", "number", "count"),
    [
        ("", 1, 20),
        ("?page=2", 2, 20),
        ("?page=3", 3, 5),
        ("?page=99", 3, 5),
        ("?page=0", 1, 20),
        ("?page=-4", 1, 20),
        ("?page=two", 1, 20),
    ],
)
def test_any_page_number_shows_a_page(app, session, asked, number, count):
    factories.UserFactory.create_batch(45)
    with app.test_request_context(f"/challenges{asked}"):
        page = paginate(session, PEOPLE)
    assert (page.number, len(page.items), page.total, page.pages) == (number, count, 45, 3)


def test_an_empty_list_is_one_empty_page(app, session):
    with app.test_request_context("/challenges?page=3"):
        page = paginate(session, PEOPLE)
    assert (page.items, page.number, page.pages) == ([], 1, 1)
    assert not page.has_prev
    assert not page.has_next


def test_a_page_costs_two_queries_however_long_the_list(app, session, count_queries):
    factories.UserFactory()
    session.flush()
    with app.test_request_context("/challenges"):
        few = count_queries(lambda: paginate(session, PEOPLE))
        factories.UserFactory.create_batch(30)
        many = count_queries(lambda: paginate(session, PEOPLE))
    assert few == many == 2


def test_the_address_of_another_page_keeps_the_filters(app):
    with app.test_request_context("/challenges?q=rare+earth&kind=a&kind=b&page=2"):
        assert Page([], 2, 60).url(3) == "/challenges?q=rare+earth&kind=a&kind=b&page=3"


def test_a_join_that_multiplies_rows_counts_each_record_once(app, session):
    organization = factories.OrganizationFactory()
    for _ in range(3):
        factories.member_of(organization)
    with app.test_request_context("/"):
        page = paginate(
            session, sa.select(User).join(User.membership).order_by(User.id), per_page=2
        )
    assert (page.total, len(page.items), page.pages) == (3, 2, 2)

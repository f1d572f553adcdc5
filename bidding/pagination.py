"""Lists by the page, in a fixed number of queries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

import sqlalchemy as sa
from flask import request, url_for
from sqlalchemy.orm import Session

T = TypeVar("T")
PER_PAGE = 20


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a list.

    Parameters
    ----------
    items
        At most `per_page` of them.
    number
        Counted from 1.
    total
        Items on all pages.
    is_cut
        Whether there are more than these, which no page shows.
    """

    items: list[T]
    number: int
    total: int
    per_page: int = PER_PAGE
    is_cut: bool = False

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // self.per_page))

    @property
    def has_prev(self) -> bool:
        return self.number > 1

    @property
    def has_next(self) -> bool:
        return self.number < self.pages

    def url(self, number: int) -> str:
        """Address of another page of the same list, filters kept."""
        asked = [item for item in request.args.items(multi=True) if item[0] != "page"]
        # Not through url_for, which has a meaning of its own for some names of arguments.
        query = urlencode([*asked, ("page", number)])
        return f"{url_for(str(request.endpoint), **(request.view_args or {}))}?{query}"


def paginate(
    session: Session,
    query: sa.Select[Any],
    *,
    number: int | None = None,
    per_page: int = PER_PAGE,
    is_cut: bool = False,
) -> Page[Any]:
    """The page of `query` that the request asks for with ``?page=``, in two queries.

    A page past the end shows the last one rather than an error.
    """
    if number is None:
        number = request.args.get("page", 1, type=int)
    total = session.scalar(
        sa.select(sa.func.count()).select_from(query.order_by(None).options().subquery())
    )
    last = max(1, -(-(total or 0) // per_page))
    number = min(max(number, 1), last)
    rows = session.scalars(query.limit(per_page).offset((number - 1) * per_page)).unique()
    return Page(list(rows), number, total or 0, per_page, is_cut)

"""The fields that other rooms use, too."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict

from bidding.forms import Form
from bidding.organizations.fields import IndustryField, RegionField


class PlaceForm(Form):
    county = RegionField("Place", require_county=True)
    anywhere = RegionField("Area")
    industry = IndustryField("Industry")


def posted(app: Flask, **values: object) -> PlaceForm:
    with app.test_request_context("/?lang=en", method="POST"):
        form = PlaceForm(formdata=MultiDict(values))
        form.validate()
        form.html = {name: str(form[name]()) for name in ("county", "anywhere", "industry")}
        return form


def chosen(html: str) -> list[str]:
    return re.findall(r'<option selected value="(\d*)"', html)


@pytest.mark.parametrize(
    ("sent", "data"),
    [
        (["330000", "330700", "330783"], "330783"),
        (["330783"], "330783"),
        (["330000", "", ""], "330000"),
        (["110000", "110101", ""], "110101"),  # a municipality has districts for cities
        (["410000", "419001"], "419001"),  # and Jiyuan hangs directly under its province
        (["440000", "330700", "330783"], "440000"),  # another province was chosen: the rest goes
        (["", "330700", "330783"], None),
        ([""], None),
        (["999999"], None),
        (["110100"], None),  # a heading of the standard, no place
    ],
)
def test_the_most_specific_place_counts(app: Flask, sent: list[str], data: str | None) -> None:
    assert posted(app, anywhere=sent).anywhere.data == data


def test_a_code_from_nowhere_is_refused(app: Flask) -> None:
    assert posted(app, anywhere=["999999"]).anywhere.errors == ["Choose a place from the list."]


@pytest.mark.parametrize(
    ("sent", "errors"),
    [
        (["330000"], ["Choose the city or district, too."]),
        (["330000", "330700"], ["Choose the county or district, too."]),
        (["330000", "330700", "330783"], []),
        (["440000", "441900"], []),  # Dongguan has no counties
        (["110000", "110101"], []),
        (["810000"], []),
    ],
)
def test_one_goes_down_as_far_as_there_are_places(
    app: Flask, sent: list[str], errors: list[str]
) -> None:
    assert list(posted(app, county=sent).county.errors) == errors


def test_each_level_offers_what_lies_in_the_one_above(app: Flask) -> None:
    html = posted(app, county=["330000", "330700"]).html["county"]
    assert chosen(html) == ["330000", "330700", ""]
    assert 'value="330783"' in html
    assert 'value="370211"' not in html
    assert "Show the counties" in html


def test_without_scripts_a_place_that_was_chosen_can_still_be_changed(app: Flask) -> None:
    html = posted(app, county=["330783"]).html["county"]
    assert re.search(r'name="refresh"[^>]*data-region-refresh>Show other places', html)
    html = posted(app, county=["440000", "330700", "330783"]).html["county"]
    assert chosen(html) == ["440000", "", ""]


def test_industries_are_grouped_by_section(app: Flask) -> None:
    form = posted(app, industry="39")
    assert form.industry.data == "39"
    assert re.search(
        r'<optgroup label="C Manufacturing">.*<option selected value="39">39 ',
        form.html["industry"],
    )


@pytest.mark.parametrize(("sent", "errors"), [("", 0), ("C", 1), ("99", 1)])
def test_only_a_division_or_nothing_is_an_industry(app: Flask, sent: str, errors: int) -> None:
    field = posted(app, industry=sent).industry
    assert len(field.errors) == errors
    if not errors:
        assert field.data is None

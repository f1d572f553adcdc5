"""Forms fail without losing a word, and read money and moments as people type them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
import wtforms
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from bidding.challenges.models import ChallengeKind, Cooperation
from bidding.forms import (
    ChoiceField,
    ChoicesField,
    Form,
    MomentField,
    ProseField,
    TextField,
    WanField,
)
from bidding.violations import AccessDenied, InvalidTransition, RuleViolation


class Sample(Form):
    title = TextField("Title", validators=[wtforms.validators.DataRequired()])
    text = ProseField("Text")
    kind = ChoiceField("Kind", ChallengeKind, blank="Choose")
    ways = ChoicesField("Ways", Cooperation)
    budget = WanField("Budget")
    closes_at = MomentField("Deadline")


@pytest.fixture
def sent(app):
    """A form as it arrives in a POST with these words."""
    contexts = []

    def send(**words: object) -> Sample:
        context = app.test_request_context("/?lang=en", method="POST", data=MultiDict(words))
        context.push()
        contexts.append(context)
        return Sample()

    yield send
    for context in reversed(contexts):
        context.pop()


def accept(**_terms: object) -> str:
    return "saved"


def test_a_good_form_calls_the_rule_and_keeps_its_answer(sent):
    form = sent(title="  Magnets \r\n")
    assert form.attempt(accept, title=form.title.data)
    assert form.result == "saved"
    assert form.title.data == "Magnets"


def test_a_bad_form_does_not_call_the_rule(sent):
    form = sent(title="   ")
    assert not form.attempt(lambda: pytest.fail("called"))
    assert form.title.errors == ["This field is required."]
    assert form.http_status == 400


def test_a_refusal_lands_beside_the_field_it_names_and_the_words_stay(sent):
    def refuse() -> None:
        raise RuleViolation("“%(title)s” is taken.", field="title", title="Magnets")

    form = sent(title="Magnets", text="A long story.")
    assert not form.attempt(refuse)
    assert form.title.errors == ["“Magnets” is taken."]
    assert 'value="Magnets"' in form.title()
    assert "A long story." in form.text()


@pytest.mark.parametrize("field", [None, "no_such_field"])
def test_a_refusal_of_no_field_in_particular_lands_above_the_form(sent, field):
    def refuse() -> None:
        raise RuleViolation("Not like this.", field=field)

    form = sent(title="Magnets")
    assert not form.attempt(refuse)
    assert form.form_errors == ["Not like this."]


@pytest.mark.parametrize("refusal", [AccessDenied(), InvalidTransition("Too late.")])
def test_refusals_about_access_or_state_are_not_the_forms_to_explain(sent, refusal):
    def refuse() -> None:
        raise refusal

    with pytest.raises(type(refusal)):
        sent(title="Magnets").attempt(refuse)


@pytest.mark.parametrize(
    ("typed", "fen"),
    [
        ("120", 120_000_000),
        ("0.5", 500_000),
        ("1,250.25", 1_250_250_000),
        ("1\uff0c250", 1_250_000_000),
        (" 0 ", 0),
        ("", None),
    ],
)
def test_money_is_typed_in_wan_and_kept_in_fen(sent, typed, fen):
    form = sent(title="x", budget=typed)
    assert form.validate()
    assert form.budget.data == fen
    assert f'value="{typed.strip()}"' in form.budget()


@pytest.mark.parametrize("typed", ["a lot", "1e99", "-1", "NaN", "Infinity", "12..5"])
def test_money_that_is_none_is_refused_and_kept(sent, typed):
    form = sent(title="x", budget=typed)
    assert not form.validate()
    assert len(form.budget.errors) == 1
    assert f'value="{typed}"' in form.budget()


@given(fen=st.integers(0, 10**9).map(lambda yuan: yuan * 100))
def test_money_shown_in_a_form_reads_back_as_the_same_amount(fen):
    field = WanField().bind(wtforms.Form(), "budget")
    field.process(None, data=fen)
    shown = field._value()
    assert Decimal(shown) * 1_000_000 == fen
    field.process(MultiDict({"budget": shown}))
    assert field.data == fen


def test_a_deadline_is_typed_in_the_time_zone_of_the_site(sent):
    form = sent(title="x", closes_at="2027-03-31T17:00")
    assert form.validate()
    assert form.closes_at.data == datetime(2027, 3, 31, 9, tzinfo=UTC)
    assert 'value="2027-03-31T17:00"' in form.closes_at()


def test_a_kept_deadline_is_shown_in_the_time_zone_of_the_site(app):
    with app.test_request_context("/"):
        form = Sample(data={"closes_at": datetime(2027, 3, 31, 9, tzinfo=UTC)})
        assert 'value="2027-03-31T17:00"' in form.closes_at()


@pytest.mark.parametrize("typed", ["soon", "2027-02-30T10:00", "31/03/2027"])
def test_a_deadline_that_is_none_is_refused_and_kept(sent, typed):
    form = sent(title="x", closes_at=typed)
    assert not form.validate()
    assert f'value="{typed}"' in form.closes_at()


def test_choices_come_as_members_and_unknown_ones_are_refused(sent):
    form = sent(title="x", kind="technology", ways=["joint", "purchase"])
    assert form.validate()
    assert form.kind.data is ChallengeKind.TECHNOLOGY
    assert form.ways.data == ["joint", "purchase"]
    assert sent(title="x").kind.data is None
    assert not sent(title="x", ways=["barter"]).validate()


def test_a_choice_that_does_not_exist_is_an_error_of_its_field(sent):
    form = sent(title="x", kind="miracle")
    assert not form.validate()
    assert form.kind.errors

"""Two languages: which one a reader gets, and how numbers and moments are written."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, timedelta

import flask_babel
import polib
import pytest

from bidding import clock, i18n
from tests import factories


def language(client) -> str:
    text = client.get("/no-such-page").text
    return text.partition('<html lang="')[2].partition('"')[0]


def test_a_first_visit_is_in_chinese(app):
    assert language(app.test_client()) == "zh-Hans"


def test_a_language_asked_for_once_is_remembered(app):
    client = app.test_client()
    client.get("/healthz?lang=en")
    assert language(client) == "en"
    client.get("/healthz?lang=zh_Hans_CN")
    assert language(client) == "zh-Hans"


@pytest.mark.parametrize("asked", ["de", "", "../../etc", "zh_CN"])
def test_a_language_that_is_not_spoken_here_changes_nothing(app, asked):
    client = app.test_client()
    client.get(f"/healthz?lang={asked}")
    assert language(client) == "zh-Hans"


def test_the_account_knows_its_language_on_a_new_machine(app, session, sign_in):
    user = factories.UserFactory(locale="en")
    session.commit()
    client = sign_in(user)
    with client.session_transaction() as cookie:
        del cookie["locale"]
    assert language(client) == "en"


def test_a_choice_made_here_wins_over_the_account(app, session, sign_in):
    user = factories.UserFactory(locale="en")
    session.commit()
    client = sign_in(user)
    client.get("/healthz?lang=zh_Hans_CN")
    assert language(client) == "zh-Hans"


@pytest.fixture(params=["en", "zh_Hans_CN"])
def locale(request, app):
    with app.test_request_context("/"), flask_babel.force_locale(request.param):
        yield request.param


def test_a_moment_always_says_its_time_zone(app):
    with app.test_request_context("/?lang=en"):
        moment = datetime(2027, 3, 31, 9, tzinfo=UTC)
        assert i18n.format_moment(moment) == "2027-03-31 17:00 Beijing time"
        assert i18n.format_day(moment) == "2027-03-31"
        assert i18n.format_day(datetime(2027, 3, 31, 17, tzinfo=UTC)) == "2027-04-01"
        assert i18n.format_day(date(2027, 3, 31)) == "2027-03-31"
        assert i18n.format_moment(None) == i18n.format_day(None) == ""


def test_a_zone_that_shares_beijings_abbreviation_is_not_called_beijing(app, monkeypatch):
    with app.test_request_context("/?lang=en"):
        monkeypatch.setattr(app.extensions["babel"], "default_timezone", "America/Chicago")
        moment = datetime(2027, 1, 31, 9, tzinfo=UTC)
        assert i18n.format_moment(moment) == "2027-01-31 03:00 America/Chicago"


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (timedelta(days=30), "30 days left"),
        (timedelta(hours=48), "2 days left"),
        (timedelta(hours=47), "47 hours left"),
        (timedelta(hours=1), "1 hour left"),
        (timedelta(minutes=59, seconds=59), "59 minutes left"),
        (timedelta(minutes=1), "1 minute left"),
        (timedelta(0), "closed"),
        (timedelta(seconds=-1), "closed"),
    ],
)
def test_how_long_is_left(app, left, words):
    now = datetime(2027, 3, 1, tzinfo=UTC)
    with app.test_request_context("/?lang=en"), clock.at(now):
        assert i18n.format_remaining(now + left) == words


def test_money_is_yuan_in_english(app):
    with app.test_request_context("/?lang=en"):
        assert i18n.format_money(180_000_000) == "CNY 1,800,000"
        assert i18n.format_money(0) == "CNY 0"
        assert i18n.format_money(None) == ""


def test_money_is_wan_in_chinese(app):
    with app.test_request_context("/?lang=zh_Hans_CN"):
        amount = i18n.format_money(180_000_000)
    assert amount.startswith("180")
    assert "\u4e07\u5143" in amount


def test_every_format_works_in_both_languages(locale):
    moment = datetime(2027, 3, 31, 9, tzinfo=UTC)
    for words in (
        i18n.format_moment(moment),
        i18n.format_remaining(clock.now() + timedelta(days=3)),
        i18n.format_ago(clock.now() - timedelta(days=3)),
        i18n.format_money(123_450_000),
    ):
        assert words
        assert "%(" not in words


def test_a_catalogue_is_compiled_when_it_is_newer_and_only_then(tmp_path, monkeypatch):
    folder = tmp_path / "zh_Hans_CN" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    catalogue = polib.POFile()
    catalogue.metadata = {"Content-Type": "text/plain; charset=utf-8"}
    catalogue.append(polib.POEntry(msgid="Award", msgstr="one"))
    catalogue.save(folder / "messages.po")
    monkeypatch.setattr(i18n, "CATALOGUES", tmp_path)
    compiled = folder / "messages.mo"

    def translation() -> str:
        i18n.compile_catalogues()
        return polib.mofile(str(compiled)).find("Award").msgstr

    assert translation() == "one"
    made = compiled.stat().st_mtime_ns
    assert translation() == "one"
    assert compiled.stat().st_mtime_ns == made

    catalogue.find("Award").msgstr = "two"
    catalogue.save(folder / "messages.po")
    os.utime(folder / "messages.po", (made / 1e9 + 10, made / 1e9 + 10))
    assert translation() == "two"
    assert [path.suffix for path in sorted(folder.iterdir())] == [".mo", ".po"]

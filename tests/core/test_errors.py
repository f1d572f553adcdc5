"""Error pages: what happened, in the reader's language, with a number to quote."""

from __future__ import annotations

import logging
import re

import pytest

from bidding import errors

CODES = [400, 403, 404, 405, 409, 413, 429, 500]


@pytest.fixture
def log_lines(probe_app):
    """What the application logs, rendered as it would be written."""
    lines: list[str] = []
    formatter = logging.getLogger().handlers[0].formatter
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(formatter.format(record))
    logging.getLogger().addHandler(handler)
    yield lines
    logging.getLogger().removeHandler(handler)


@pytest.mark.parametrize("code", CODES)
def test_every_error_has_a_page_that_says_what_to_do_and_its_number(probing, code):
    response = probing.get(f"/probe/status/{code}")
    assert response.status_code == code
    assert response.mimetype == "text/html"
    assert f"<h1>{errors.PAGES[code].title}</h1>" in response.text
    assert errors.PAGES[code].what_now.replace("'", "&#39;") in response.text
    assert response.headers["X-Request-ID"] in response.text


@pytest.mark.parametrize("code", CODES)
def test_every_error_page_speaks_chinese_too(probing, code):
    text = probing.get(f"/probe/status/{code}?lang=zh_Hans_CN").text
    assert '<html lang="zh-Hans"' in text
    heading = re.search(r"<h1>(.*?)</h1>", text)[1]
    assert heading != errors.PAGES[code].title
    assert re.search("[\u4e00-\u9fff]", heading)


@pytest.mark.parametrize(
    ("name", "code", "sentence"),
    [
        ("access", 403, "You do not have access to this."),
        ("transition", 409, "The challenge is not under evaluation."),
        ("reason", 400, "Give a reason. The people concerned will read it."),
        ("stale", 409, "Somebody else changed this while you were looking at it."),
        ("input", 400, "There is no &lt;b&gt;bold&lt;/b&gt; word."),
    ],
)
def test_a_refusal_says_why(probing, name, code, sentence):
    response = probing.get(f"/probe/refusals/{name}")
    assert response.status_code == code
    assert sentence in response.text


def test_a_fault_shows_no_detail_but_logs_it_under_the_same_number(probing, log_lines):
    response = probing.get("/probe/refusals/fault")
    assert response.status_code == 500
    assert "secret detail" not in response.text
    assert "ZeroDivisionError" not in response.text
    request_id = response.headers["X-Request-ID"]
    assert request_id in response.text
    (fault,) = [line for line in log_lines if "fault" in line and "ZeroDivisionError" in line]
    assert request_id in fault
    assert "secret detail" in fault


def test_a_fault_of_the_error_page_itself_still_answers_with_the_number(probing, monkeypatch):
    def broken(*_args: object, **_kwargs: object) -> str:
        raise RuntimeError("no templates today")

    monkeypatch.setattr(errors, "render_template", broken)
    response = probing.get("/probe/refusals/fault")
    assert response.status_code == 500
    assert response.headers["X-Request-ID"] in response.text


def test_an_unknown_address_is_a_404(probing):
    assert probing.get("/no-such-room").status_code == 404


def test_the_wrong_method_is_a_405_and_names_the_right_ones(probing):
    response = probing.post("/probe/status/404")
    assert response.status_code == 405
    assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


def test_too_large_a_request_is_a_413(probing, probe_app):
    too_much = probe_app.config["MAX_CONTENT_LENGTH"] + 1
    assert probing.post("/probe/length", data={"text": "a" * too_much}).status_code == 413


def test_a_form_without_its_token_is_explained(probing, probe_app, monkeypatch):
    monkeypatch.setitem(probe_app.config, "WTF_CSRF_ENABLED", True)
    response = probing.post("/probe/length", data={"text": "hello"})
    assert response.status_code == 400
    assert "The page was open for too long, or cookies are blocked." in response.text

"""Every sentence a person can read is in the Chinese catalogue."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import polib
import pytest
from babel.messages.frontend import CommandLineInterface

from bidding.config import ROOT
from bidding.i18n import CATALOGUES, LOCALES

CATALOGUE = CATALOGUES / "zh_Hans_CN" / "LC_MESSAGES" / "messages.po"
HAN = re.compile(r"[\u4e00-\u9fff]")
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]")
MARKUP = re.compile(r"</?[a-z]+[^>]*>")

# The same in both languages: names, codes and marks.
UNCHANGED = {"English"}


@pytest.fixture(scope="module")
def extracted(tmp_path_factory) -> polib.POFile:
    """What the code and the templates say, by the command that DEVELOPERS.md gives."""
    target: Path = tmp_path_factory.mktemp("translations") / "messages.pot"
    CommandLineInterface().run(
        ["pybabel", "-q", "extract", "-F", str(ROOT / "pyproject.toml")]
        + ["-k", "N_", "-k", "_l", "-k", "lazy_gettext", "-o", str(target), str(ROOT)]
    )
    return polib.pofile(str(target))


@pytest.fixture(scope="module")
def catalogue() -> polib.POFile:
    assert CATALOGUE.is_file(), "there is no catalogue yet; see DEVELOPERS.md"
    return polib.pofile(str(CATALOGUE))


def strings(entry: polib.POEntry) -> list[str]:
    return list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]


def originals(entry: polib.POEntry) -> list[str]:
    return [entry.msgid, entry.msgid_plural] if entry.msgid_plural else [entry.msgid]


def test_every_sentence_is_translated(extracted, catalogue):
    done = {
        entry.msgid
        for entry in catalogue
        if all(strings(entry)) and not entry.fuzzy and not entry.obsolete
    }
    missing = [entry.msgid for entry in extracted if entry.msgid not in done]
    assert missing == [], f"{len(missing)} sentences are not translated"


def test_nothing_is_left_over(extracted, catalogue):
    wanted = {entry.msgid for entry in extracted}
    assert [e.msgid for e in catalogue.obsolete_entries()] == []
    assert [entry.msgid for entry in catalogue if entry.msgid not in wanted] == []


def test_plural_forms_agree(extracted, catalogue):
    plural = {entry.msgid: entry.msgid_plural for entry in extracted}
    assert [e.msgid for e in catalogue if plural.get(e.msgid, "") != e.msgid_plural] == []


def test_placeholders_survive(catalogue):
    assert list(_unfaithful(catalogue, PLACEHOLDER)) == []


def test_markup_survives(catalogue):
    assert list(_unfaithful(catalogue, MARKUP)) == []


def _unfaithful(catalogue: polib.POFile, pattern: re.Pattern[str]) -> Iterator[str]:
    for entry in catalogue:
        meant = {token for text in originals(entry) for token in pattern.findall(text)}
        for text in strings(entry):
            if text and set(pattern.findall(text)) != meant:
                yield entry.msgid


def test_it_is_chinese(catalogue):
    plain = [
        entry.msgid
        for entry in catalogue
        for text in strings(entry)
        if text
        and not HAN.search(text)
        and entry.msgid not in UNCHANGED
        and re.search(r"[A-Za-z]{3}", PLACEHOLDER.sub("", text))
    ]
    assert plain == []


def test_whole_sentences_are_interpolated_by_name(extracted):
    """`%s` cannot be reordered by a translator, and f-strings cannot be extracted at all."""
    assert [
        entry.msgid
        for entry in extracted
        for text in originals(entry)
        if re.search(r"%[sd]|\{\w*\}", text)
    ] == []


def test_an_f_string_never_goes_through_gettext():
    marker = re.compile(r"""\b(?:_|_l|N_|n?gettext|lazy_gettext)\(\s*f["']""")
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in (ROOT / "bidding").rglob("*.py")
        for match in marker.finditer(path.read_text())
    ]
    assert found == []


def test_each_locale_has_its_folder_and_no_other():
    """`translations/zh_CN` would silently render English."""
    folders = {path.name for path in CATALOGUES.iterdir() if path.is_dir()}
    assert folders == set(LOCALES) - {"en"}

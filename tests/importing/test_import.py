"""Tables that people have: in whole, or not at all with every mistake named."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path

import openpyxl
import pytest
import sqlalchemy as sa
from click.testing import Result

from bidding.audit import AuditEvent
from bidding.challenges.models import Challenge, ChallengeStatus
from bidding.matching import jobs
from bidding.matching.models import Suggestion
from bidding.organizations import credit_codes
from bidding.organizations.models import Organization, OrganizationStatus, QualificationKind
from bidding.organizations.size_classes import SizeClass
from tests import factories as f

CODES = [credit_codes.make(n, "330783") for n in range(900, 930)]
HEADER = ["name", "credit_code", "region", "industry", "size_class", "products"]


def table(path: Path, header: list[str], *rows: list[str], encoding: str = "utf-8-sig") -> Path:
    with path.open("w", encoding=encoding, newline="") as stream:
        csv.writer(stream).writerows([header, *rows])
    return path


@pytest.fixture
def run(app, session):
    def run(*args: object) -> Result:
        result = app.test_cli_runner().invoke(args=["import", *map(str, args)])
        session.rollback()  # read what the command committed
        return result

    return run


def names(session) -> list[str]:
    session.rollback()
    return list(session.scalars(sa.select(Organization.name).order_by(Organization.id)))


def test_organizations_go_in_verified_with_their_profile(session, run, tmp_path) -> None:
    path = table(
        tmp_path / "smes.csv",
        [*HEADER, "qualifications"],
        ["东阳磁材", CODES[0], "浙江省东阳市", "39", "small", "钕铁硼磁体", "little_giant"],
    )

    result = run("organizations", path)

    assert result.exit_code == 0, result.output
    organization = session.scalars(sa.select(Organization)).one()
    assert organization.status is OrganizationStatus.VERIFIED
    assert organization.region_code == "330783"
    assert organization.profile.products == "钕铁硼磁体"
    assert [q.kind for q in organization.qualifications] == [QualificationKind.LITTLE_GIANT]
    event = session.scalars(sa.select(AuditEvent)).one()
    assert (event.action, event.channel) == ("organizations.adopt", "command")


def test_chinese_headers_and_gb18030_are_read(session, run, tmp_path) -> None:
    path = table(
        tmp_path / "excel.csv",
        ["企业名称", "统一社会信用代码", "地区", "行业", "从业人员", "营业收入（万元）"],
        ["东阳磁材", CODES[0], "东阳市", "39", "120", "5,000"],
        encoding="gb18030",
    )

    result = run("organizations", path)

    assert result.exit_code == 0, result.output
    assert session.scalars(sa.select(Organization)).one().size_class is SizeClass.SMALL


def test_every_bad_row_is_named_by_line_and_field_and_nothing_goes_in(
    session, run, tmp_path
) -> None:
    path = table(
        tmp_path / "bad.csv",
        HEADER,
        ["Good", CODES[0], "330783", "39", "small", "magnets"],
        ["", CODES[1], "330783", "39", "small", ""],
        ["Wrong code", CODES[2][:-1] + "?", "330783", "39", "small", ""],
        ["Lost", CODES[3], "Atlantis", "39", "enormous", ""],
        ["Twin", CODES[0], "330783", "39", "small", ""],
    )

    result = run("organizations", path)

    assert result.exit_code == 1
    lines = [line for line in result.output.splitlines() if line.startswith("line ")]
    assert [line.split(":")[0] for line in lines] == [
        "line 3, name",
        "line 4, credit_code",
        "line 5, region",
        "line 5, size_class",
        "line 6, credit_code",
    ]
    assert "4 bad rows; nothing was imported" in result.output
    assert names(session) == []


def test_a_code_that_is_registered_already_is_refused(session, run, tmp_path) -> None:
    f.OrganizationFactory(credit_code=CODES[0])
    session.commit()
    path = table(tmp_path / "t.csv", HEADER, ["Again", CODES[0], "330783", "39", "small", ""])

    result = run("organizations", path)

    assert "line 2, credit_code" in result.output
    assert len(names(session)) == 1


@pytest.mark.parametrize(
    ("header", "complaint"),
    [
        (["name", "shoe size"], "column 2 “shoe size” is unknown"),
        (["name", "企业名称"], "column “企业名称” is there twice"),
    ],
)
def test_a_header_that_is_not_understood_is_refused(run, tmp_path, header, complaint) -> None:
    result = run("organizations", table(tmp_path / "t.csv", header, ["a", "b"]))

    assert result.exit_code == 1
    assert complaint in result.output


@pytest.mark.parametrize("name", ["t.csv", "t.xlsx"])
def test_what_is_no_table_is_refused(run, tmp_path, name) -> None:
    (tmp_path / name).write_bytes(b"\xff\xfe\x00\xff not a table \x80")

    assert run("organizations", tmp_path / name).exit_code == 1
    assert run("organizations", tmp_path / "missing.csv").exit_code == 1


def test_challenges_are_published_for_their_owner_and_matched(session, run, tmp_path) -> None:
    owner = f.OrganizationFactory()
    f.ProfileFactory()
    session.commit()
    book = openpyxl.Workbook()
    book.active.append(["title", "description", "region", "budget_max_wan"])
    book.active.append(["Grain boundary diffusion", "Sintered neodymium magnets", "浙江", 120.5])
    book.save(tmp_path / "needs.xlsx")

    result = run("challenges", tmp_path / "needs.xlsx", "--owner", owner.credit_code)

    assert result.exit_code == 0, result.output
    challenge = session.scalars(sa.select(Challenge)).one()
    assert challenge.status is ChallengeStatus.PUBLISHED
    assert challenge.is_open
    assert (challenge.budget_max_fen, challenge.region_code) == (120_500_000, "330000")
    jobs.refresh()
    session.rollback()
    assert session.scalars(sa.select(Suggestion)).one().challenge_id == challenge.id


def test_conditions_for_takers_are_imported(session, run, tmp_path) -> None:
    owner = f.OrganizationFactory()
    session.commit()
    path = table(
        tmp_path / "needs.csv",
        ["标题", "资质要求", "揭榜方地区", "揭榜条件"],
        ["磁环", "high_tech；专精特新“小巨人”企业", "浙江省金华市", "通过 IATF 16949"],
        ["磁片", "", "", ""],
    )

    result = run("challenges", path, "--owner", owner.credit_code)

    assert result.exit_code == 0, result.output
    asked, plain = session.scalars(sa.select(Challenge).order_by(Challenge.id))
    assert asked.required_qualifications == ["little_giant", "high_tech"]
    assert (asked.taker_region_code, asked.taker_notes) == ("330700", "通过 IATF 16949")
    assert not plain.has_conditions


def test_conditions_that_are_not_understood_are_named(session, run, tmp_path) -> None:
    owner = f.OrganizationFactory()
    session.commit()
    path = table(
        tmp_path / "needs.csv",
        ["title", "required_qualifications", "taker_region"],
        ["Rings", "high_tech; famous", "Atlantis"],
    )

    result = run("challenges", path, "--owner", owner.credit_code)

    assert "line 2, required_qualifications: “famous” is none of" in result.output
    assert "line 2, taker_region: cannot tell which taker_region “Atlantis” is" in result.output
    assert session.scalar(sa.select(sa.func.count(Challenge.id))) == 0


def test_challenges_need_an_owner_that_may_post(session, run, tmp_path) -> None:
    sme = f.OrganizationFactory(sme=True)
    session.commit()
    path = table(tmp_path / "needs.csv", ["title", "description"], ["A", "B"])

    for code in (sme.credit_code, CODES[5]):
        result = run("challenges", path, "--owner", code)
        assert result.exit_code == 1
        assert "--owner" in result.output
    assert session.scalar(sa.select(sa.func.count(Challenge.id))) == 0


def test_a_bad_challenge_names_its_line_though_a_cell_has_several(run, session, tmp_path) -> None:
    owner = f.OrganizationFactory()
    session.commit()
    path = table(
        tmp_path / "needs.csv",
        ["title", "description", "closes_at"],
        ["A", "one\ntwo\nthree", "2999-01-01"],
        ["", "B", "1999-01-01"],
    )

    result = run("challenges", path, "--owner", owner.credit_code)

    assert "line 5, title: is missing" in result.output
    assert "line 5, closes_at" in result.output
    assert session.scalar(sa.select(sa.func.count(Challenge.id))) == 0


def test_a_row_that_no_column_takes_is_named_and_nothing_goes_in(session, run, tmp_path) -> None:
    path = table(
        tmp_path / "smes.csv",
        [*HEADER[:5], "employees", "qualifications"],
        ["Bakery", CODES[20], "330783", "39", "small", "999999999999", "high_tech;high_tech"],
    )

    result = run("organizations", path)

    assert "line 2, employees" in result.output
    assert "line 2, qualifications: “high_tech” is there twice" in result.output
    assert names(session) == []


def test_names_are_one_line_without_control_characters(session, run, tmp_path) -> None:
    row = ["Bakery\0\nBcc: x@example.com", CODES[21], "330783", "39", "small", "Bread\x07"]

    result = run("organizations", table(tmp_path / "smes.csv", HEADER, row))

    assert result.exit_code == 0, result.output
    assert names(session) == ["Bakery Bcc: x@example.com"]


def test_a_formula_nobody_computed_is_not_read_as_an_empty_cell(session, run, tmp_path) -> None:
    book = openpyxl.Workbook()
    book.active.append(HEADER)
    book.active.append(["Bakery", CODES[22], "330783", "39", "small", '="Bread"&" and cakes"'])
    book.save(tmp_path / "smes.xlsx")

    result = run("organizations", tmp_path / "smes.xlsx")

    assert "line 2 has a formula without a result" in result.output
    assert names(session) == []


def test_a_workbook_cut_off_in_the_middle_is_refused_in_a_sentence(run, tmp_path) -> None:
    book = openpyxl.Workbook()
    book.active.append(HEADER)
    book.save(tmp_path / "whole.xlsx")
    with (
        zipfile.ZipFile(tmp_path / "whole.xlsx") as whole,
        zipfile.ZipFile(tmp_path / "cut.xlsx", "w") as cut,
    ):
        for name in whole.namelist():
            data = whole.read(name)
            cut.writestr(name, data[: len(data) // 2] if "sheet1" in name else data)

    result = run("organizations", tmp_path / "cut.xlsx")

    assert "not a readable XLSX workbook" in result.output
    assert isinstance(result.exception, SystemExit)


@pytest.mark.parametrize("days", ["0", "-5", "1000000000"])
def test_challenges_are_not_imported_closed_or_open_for_ever(run, tmp_path, days) -> None:
    path = table(tmp_path / "needs.csv", ["title"], ["A"])

    result = run("challenges", path, "--owner", CODES[0], "--days", days)

    assert "Invalid value for '--days'" in result.output

"""Reading a table cell by cell, and noting what is wrong with it."""

from __future__ import annotations

import csv
import io
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, TypeVar

import openpyxl
from flask_babel import force_locale, gettext

from bidding.db import FEN_PER_WAN
from bidding.forms import one_line, stripped
from bidding.vocabulary import Choice

COLUMNS: Mapping[str, Mapping[str, list[str]]] = tomllib.loads(
    (Path(__file__).parent / "columns.toml").read_text("utf-8")
)
LONGEST = 20_000
BIGGEST = 2**31 - 1  # whole number of a column
C = TypeVar("C", bound=Choice)


class TableError(Exception):
    """The file cannot be read as a table with the columns that are needed."""


@dataclass(frozen=True)
class Mistake:
    """What is wrong with one cell. Lines are counted from 1, the header included."""

    line: int
    field: str
    message: str

    def __str__(self) -> str:
        return f"line {self.line}, {self.field}: {self.message}"


class Row:
    """One line of the table; reading a bad cell notes a mistake and answers the default."""

    def __init__(self, line: int, cells: Mapping[str, str], mistakes: list[Mistake]) -> None:
        self.line = line
        self._cells = cells
        self._mistakes = mistakes

    def text(self, field: str, *, required: bool = False, longest: int = LONGEST) -> str:
        value = self._cells.get(field, "").strip()
        if required and not value:
            self.wrong(field, "is missing")
        if len(value) > longest:
            self.wrong(field, f"is longer than {longest} characters")
        return value

    def heading(self, field: str, *, required: bool = False, longest: int = LONGEST) -> str:
        """The text on one line, for what becomes a heading or the subject of a mail."""
        return one_line(self.text(field, required=required, longest=longest))

    def number(self, field: str, least: int = 0, most: int = BIGGEST) -> int | None:
        value = self.decimal(field, least, most)
        if value is not None and value != int(value):
            self.wrong(field, f"“{value}” is not a whole number")
        return None if value is None else int(value)

    def fen(self, field: str) -> int | None:
        value = self.decimal(field, 0, 10**9)
        return None if value is None else int(value * FEN_PER_WAN)

    def decimal(self, field: str, least: int, most: int) -> Decimal | None:
        text = self.text(field).replace(",", "")
        if not text:
            return None
        try:
            value = Decimal(text)
        except InvalidOperation:
            self.wrong(field, f"“{text}” is not a number")
            return None
        if not value.is_finite() or not least <= value <= most:
            self.wrong(field, f"“{text}” is not between {least} and {most}")
            return None
        return value

    def choice(self, field: str, values: type[C], default: C | None = None) -> C | None:
        text = self.text(field)
        if not text:
            return default
        found = choice_named(text, values)
        if found is None:
            allowed = ", ".join(value.value for value in values)
            self.wrong(field, f"“{text}” is none of {allowed}")
        return found

    def choices(self, field: str, values: type[C]) -> list[C]:
        """The members named in the cell, which a semicolon or an enumeration comma parts."""
        found: list[C] = []
        for part in self.text(field).replace("\uff1b", ";").replace("\u3001", ";").split(";"):
            text = part.strip()
            value = choice_named(text, values) if text else None
            if text and value is None:
                allowed = ", ".join(one.value for one in values)
                self.wrong(field, f"“{text}” is none of {allowed}")
            elif value in found:
                self.wrong(field, f"“{text}” is there twice")
            elif value is not None:
                found.append(value)
        return found

    def parsed(self, field: str, parse: Callable[[str], Any], *, required: bool = False) -> Any:
        """What `parse` makes of the cell; None, and a mistake, where it makes nothing of it."""
        text = self.text(field, required=required)
        value = parse(text) if text else None
        if text and value is None:
            self.wrong(field, f"cannot tell which {field} “{text}” is")
        return value

    def wrong(self, field: str, message: str) -> None:
        self._mistakes.append(Mistake(self.line, field, message))


def choice_named(text: str, values: type[C]) -> C | None:
    """The member that goes by this value, English label or Chinese label."""
    wanted = text.strip().casefold()
    with force_locale("zh_Hans_CN"):
        for value in values:
            if wanted in {value.value, value.label.casefold(), gettext(value.label).casefold()}:
                return value
    return None


def read_table(path: Path, kind: str) -> list[tuple[int, dict[str, str]]]:
    """The rows of a CSV or XLSX file as (line, field → text); blank rows are left out.

    Raises
    ------
    TableError
        Unreadable, no header, or a column that is unknown or there twice.
    """
    rows = _read_xlsx(path) if path.suffix.lower() == ".xlsx" else _read_csv(path)
    header = next(rows, None)
    if header is None:
        raise TableError("the file is empty")
    fields = _fields(header[1], COLUMNS[kind])
    table = []
    for line, cells in rows:
        if len(cells) > len(fields) and any(cells[len(fields) :]):
            raise TableError(f"line {line} has more cells than the header")
        if any(cells):
            table.append((line, dict(zip(fields, cells, strict=False))))
    return table


def _read_csv(path: Path) -> Iterator[tuple[int, list[str]]]:
    data = path.read_bytes()
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise TableError("the file is neither UTF-8 nor GB 18030 text")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        for cells in reader:
            yield line, [stripped(cell) for cell in cells]
            line = reader.line_num + 1
    except csv.Error as error:
        raise TableError(f"line {reader.line_num}: {error}") from error


def _read_xlsx(path: Path) -> Iterator[tuple[int, list[str]]]:
    try:
        yield from _xlsx_rows(path)
    except TableError:
        raise
    except Exception as error:  # whatever a broken archive makes of it, at whichever row
        raise TableError("the file is not a readable XLSX workbook") from error


def _xlsx_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    with _xlsx_cells(path, data_only=True) as results, _xlsx_cells(path) as written:
        for line, (cells, sources) in enumerate(zip(results, written, strict=True), start=1):
            for cell, source in zip(cells, sources, strict=True):
                if cell.value is None and source.data_type == "f":
                    raise TableError(
                        f"line {line} has a formula without a result;"
                        " open the file in a spreadsheet program and save it"
                    )
            yield line, ["" if cell.value is None else stripped(str(cell.value)) for cell in cells]


@contextmanager
def _xlsx_cells(path: Path, **options: bool) -> Iterator[Iterator[tuple[Any, ...]]]:
    """The rows of the first sheet; the file is closed at the end even if not all are read.

    A file of our own: openpyxl leaves one that it opened to the garbage collector then.
    """
    with (
        path.open("rb") as stream,
        closing(openpyxl.load_workbook(stream, read_only=True, **options)) as book,
        closing(book.worksheets[0].iter_rows()) as rows,
    ):
        yield rows


def _fields(header: list[str], columns: Mapping[str, list[str]]) -> list[str]:
    names = {alias: field for field, aliases in columns.items() for alias in [field, *aliases]}
    fields = []
    for number, name in enumerate(header, start=1):
        if name not in names:
            raise TableError(
                f"column {number} “{name}” is unknown; known columns are {', '.join(columns)}"
            )
        if names[name] in fields:
            raise TableError(f"column “{name}” is there twice")
        fields.append(names[name])
    return fields

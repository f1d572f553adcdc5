"""Form fields over the standard tables (regions, industries), and forms shown in stages.

Other rooms use them too. None needs JavaScript: a small button shows the form again with the
next list of places, and nothing that was typed is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import wtforms
from flask import request
from flask_babel import gettext
from markupsafe import Markup, escape
from wtforms.fields.choices import SelectChoice
from wtforms.validators import StopValidation
from wtforms.widgets import html_params

from bidding import i18n
from bidding.forms import Form
from bidding.organizations import industries, regions
from bidding.organizations.regions import Region

Option = tuple[str, str]


class StagedForm(Form):
    """A form whose small buttons show it again with other lists or rows, and save nothing.

    Understands ``refresh`` (`RegionField`) and ``add-row`` and ``remove-row``
    (``components/rows.html``) for any `FieldList` of the form.
    """

    @property
    def is_interim(self) -> bool:
        """Whether a small button was pressed rather than the one that saves."""
        buttons = {"refresh", "add-row", "remove-row"}
        return request.method == "POST" and not buttons.isdisjoint(request.form)

    @property
    def http_status(self) -> int:
        return 200 if self.is_interim else super().http_status

    def attempt(self, verb: Callable[..., Any], *args: Any, **kwargs: Any) -> bool:
        if self.is_interim:
            self._change_rows()
            return False
        return super().attempt(verb, *args, **kwargs)

    def _change_rows(self) -> None:
        added, removed = request.form.get("add-row"), request.form.get("remove-row")
        for field in self:
            if not isinstance(field, wtforms.FieldList):
                continue
            field.entries[:] = [entry for entry in field.entries if entry.name != removed]
            full = field.max_entries and len(field.entries) >= field.max_entries
            if field.name == added and not full:
                field.append_entry()


class RegionSelects:
    """Up to three selects of one name: province, city, county. See ``static/js/regions.js``."""

    def __call__(self, field: RegionField, **attributes: Any) -> Markup:
        attributes["class"] = attributes.get("class", "").replace("form-control", "form-select")
        columns = [
            self._column(field, level, options, chosen, attributes)
            for level, (options, chosen) in enumerate(field.levels)
        ]
        return Markup(
            '<div data-region{complete}><div class="row g-2">{columns}</div>'
            '<button class="btn btn-sm btn-outline-secondary mt-2" name="refresh" value="{name}"'
            ' formnovalidate formaction="#{id}" data-region-refresh>{text}</button></div>'
        ).format(
            complete=Markup(" data-complete") if field.require_county else "",
            columns=Markup().join(columns),
            name=field.name,
            id=field.id,
            text=self._next(field),
        )

    def _next(self, field: RegionField) -> str:
        """What the button does, without which a browser that runs no scripts goes no deeper."""
        if field.is_complete:
            return gettext("Show other places after a change")
        return gettext("Show the counties") if field.chain else gettext("Show cities")

    def _column(
        self,
        field: RegionField,
        level: int,
        options: tuple[Region, ...],
        chosen: str,
        attributes: dict[str, Any],
    ) -> Markup:
        words = (gettext("Province"), gettext("City or district"), gettext("County or district"))
        params = {
            **attributes,
            "id": f"{field.id}-{level}" if level else field.id,
            "name": field.name,
            "aria_label": f"{field.label.text}: {words[level]}",
            "required": field.flags.required and (not level or (field.require_county and options)),
        }
        locale = i18n.locale_code()
        lines = [_option("", words[level], selected=not chosen)]
        lines += [_option(r.code, r.name(locale), selected=r.code == chosen) for r in options]
        return Markup(
            '<div class="col-sm-4"{hidden}><select {params}>{lines}</select></div>'
        ).format(
            hidden="" if options else Markup(" hidden"),
            params=Markup(html_params(**params)),  # noqa: S704 - html_params escapes
            lines=Markup().join(lines),
        )


def _option(value: str, text: str, *, selected: bool) -> Markup:
    params = html_params(value=value, selected=selected)
    return Markup("<option {}>{}</option>").format(
        Markup(params),  # noqa: S704 - html_params escapes
        escape(text),
    )


class RegionField(wtforms.Field):
    """A place by GB/T 2260; data is the most specific code chosen, or None.

    Posted as up to three values of the field's name, from province to county; a single code
    of any level is understood, too. What does not lie in the place above it is dropped, which
    is what happens when somebody chooses another province without JavaScript.

    Parameters
    ----------
    require_county
        Whether one must go down as far as the tables go.
    """

    widget = RegionSelects()

    def __init__(
        self, label: Any = None, validators: Any = None, *, require_county: bool = False, **kw: Any
    ) -> None:
        super().__init__(label, validators, **kw)
        self.require_county = require_county
        self.chain: tuple[Region, ...] = ()

    @property
    def levels(self) -> list[tuple[tuple[Region, ...], str]]:
        """For each of the three selects, the places to choose from and the code chosen."""
        choices = [regions.provinces(), (), ()]
        for level, region in enumerate(self.chain[:2]):
            choices[level + 1] = region.children
        codes = [region.code for region in self.chain] + ["", "", ""]
        return list(zip(choices, codes, strict=False))

    @property
    def is_complete(self) -> bool:
        """Whether there is nothing more specific to choose."""
        return bool(self.chain) and not self.chain[-1].children

    def process_data(self, value: str | None) -> None:
        self._choose([value] if value else [])

    def process_formdata(self, valuelist: list[str]) -> None:
        codes = [code.strip() for code in valuelist]
        if codes and not codes[0]:  # without its province nothing below counts
            codes = []
        if not self._choose([code for code in codes if code]):
            raise ValueError(gettext("Choose a place from the list."))

    def pre_validate(self, form: wtforms.Form) -> None:
        del form
        if self.process_errors:
            raise StopValidation()
        if self.require_county and self.chain and not self.is_complete:
            if len(self.chain) == 1:
                raise StopValidation(gettext("Choose the city or district, too."))
            raise StopValidation(gettext("Choose the county or district, too."))

    def _choose(self, codes: Iterable[str]) -> bool:
        """Walk down as far as `codes` go; False when one of them is no place at all."""
        chain: tuple[Region, ...] = ()
        found = [regions.find(code) for code in codes]
        if any(region is None or region.is_grouping for region in found):
            self.chain, self.data = (), None
            return False
        for region in found:
            if not chain:
                chain = region.path
            elif region in chain[-1].children:
                chain = (*chain, region)
            else:
                break
        self.chain, self.data = chain, chain[-1].code if chain else None
        return True


class IndustryField(wtforms.SelectField):
    """A division of GB/T 4754-2017, grouped by section; data is its code, or None."""

    def __init__(self, label: Any = None, validators: Any = None, **kw: Any) -> None:
        locale = i18n.locale_code()
        choices = [SelectChoice("", gettext("Choose an industry"))]
        choices += [
            SelectChoice(
                division.code,
                f"{division.code} {division.name(locale)}",
                optgroup=f"{section.code} {section.name(locale)}",
            )
            for section in industries.sections()
            for division in section.divisions
        ]
        super().__init__(label, validators, choices=choices, **kw)

    def post_validate(self, form: wtforms.Form, validation_stopped: bool) -> None:
        del form, validation_stopped
        self.data = self.data or None


def province_options() -> list[Option]:
    """For a list's filter (``components/filters.html``): every province after a blank."""
    locale = i18n.locale_code()
    return [("", gettext("All provinces"))] + [
        (r.code, r.name(locale)) for r in regions.provinces()
    ]


def section_options() -> list[Option]:
    """For a list's filter: every section of industries after a blank."""
    locale = i18n.locale_code()
    return [("", gettext("All industries"))] + [
        (section.code, section.name(locale)) for section in industries.sections()
    ]

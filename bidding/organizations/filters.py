"""How the directory is narrowed down: from the address to a query, and back to selects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from bidding import finding
from bidding.forms import one_line
from bidding.organizations import fields, queries
from bidding.organizations.models import Organization, QualificationKind
from bidding.organizations.size_classes import SizeClass

SIZES: dict[str, tuple[SizeClass, ...]] = {
    "sme": tuple(size for size in SizeClass if size.is_sme),
    **{size.value: (size,) for size in SizeClass},
}


class DirectoryFilter:
    """What a reader asks of the directory; what is not on offer counts as not asked for."""

    def __init__(self, args: Mapping[str, str]) -> None:
        self.q = finding.asked(one_line(args.get("q")))
        sizes = [("", _("All sizes")), ("sme", _("All SMEs"))]
        sizes += [(size.value, _(size.label)) for size in SizeClass]
        kinds = [("", _("Any or none"))]
        kinds += [(kind.value, _(kind.label)) for kind in QualificationKind]
        self.selects: list[dict[str, Any]] = [
            {"name": "province", "label": _("Region"), "options": fields.province_options()},
            {"name": "section", "label": _("Industry"), "options": fields.section_options()},
            {"name": "size", "label": _("Size class"), "options": sizes},
            {"name": "qualification", "label": _("Qualification"), "options": kinds},
        ]
        if self.q:
            sorts = [("", _("Most relevant first")), ("name", _("By name"))]
            self.selects.append({"name": "sort", "label": _("Order"), "options": sorts})
        for select in self.selects:
            asked = args.get(select["name"], "")
            select["value"] = asked if asked in dict(select["options"]) else ""

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but words is asked for."""
        return any(select["value"] for select in self.selects if select["name"] != "sort")

    @property
    def is_active(self) -> bool:
        """Whether anything is asked for at all."""
        return bool(self.q) or self.is_narrowed

    def query(self, found: Sequence[int] = ()) -> sa.Select[tuple[Organization]]:
        """The organizations asked for, of those `found` by the words."""
        by_name = any(select["value"] == "name" for select in self.selects)
        return self._directory(q=self.q, found=found, by_name=by_name)

    def left(self) -> sa.Select[tuple[int]] | None:
        """Ids of the organizations that the filters leave; None without any."""
        if not self.is_narrowed:
            return None
        return self._directory().with_only_columns(Organization.id).order_by(None)

    def _directory(self, **words: Any) -> sa.Select[tuple[Organization]]:
        chosen = {select["name"]: select["value"] for select in self.selects}
        kind = chosen["qualification"]
        return queries.directory(
            province=chosen["province"],
            section=chosen["section"],
            sizes=SIZES.get(chosen["size"], ()),
            qualification=QualificationKind(kind) if kind else None,
            **words,
        )

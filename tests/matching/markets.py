"""Markets of invented firms for tests, the same in every process."""

from __future__ import annotations

import os
import random
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from bidding.matching import policy, refreshing, snapshots
from bidding.matching.estimator import Document, TfidfMatcher
from bidding.matching.facts_table import Asked, FactsTable
from bidding.matching.pairing import Market, Need
from bidding.matching.queries import BITS
from bidding.matching.shelves import View
from bidding.organizations.size_classes import SizeClass

LISTED = """
    钕铁硼 永磁材料 晶界扩散 矫顽力 谐波减速器 伺服电机 机器视觉 合成橡胶 硫化工艺 炭黑 轮胎
    轴承 涂层 超疏水 叶片 风电 光伏 逆变器 电池隔膜 电解液 石墨 负极 激光 焊接 铸造 热处理 齿轮
    传感器 芯片 封装 coating magnets wind-turbine bearing sintering robotics
"""
WORDS = LISTED.split()
REGIONS = ["330783", "330782", "330106", "370202", "440112"]
INDUSTRIES = ["39", "38", "29", "C"]


def texts(count: int, seed: int, *, most: int = 14) -> list[Document]:
    """Recombined words; every tenth text is the one before once more, every 25th is empty."""
    chance = random.Random(seed)
    found: list[Document] = []
    for number in range(count):
        if number % 10 == 9:
            found.append(found[-1])
            continue
        words = chance.choices(WORDS, k=chance.randint(3, most) if number % 25 else 0)
        found.append(Document(" ".join(words[:2]), "，".join(words)))
    return found


def facts(ids: np.ndarray, *, gone: set[int] | None = None) -> FactsTable:
    """Facts of firms, that follow from their ids; those `gone` may not take challenges."""
    rows = [
        (
            ident,
            REGIONS[ident % len(REGIONS)],
            INDUSTRIES[ident % len(INDUSTRIES)],
            list(SizeClass)[1 + ident % 3].value,
            next(iter(BITS.values())) if ident % 4 == 0 else 0,
            ident % 3,
        )
        for ident in sorted(set(ids.tolist()) - (gone or set()))
    ]
    return FactsTable.from_rows(rows).aligned(ids.tolist())


def needs(count: int, seed: int = 1) -> list[Need]:
    kind = next(iter(BITS)).value
    return [
        Need(
            100 + number,
            text,
            Asked(
                number + 1,
                REGIONS[number % len(REGIONS)],
                INDUSTRIES[number % len(INDUSTRIES)],
                (kind,) if number % 5 == 4 else (),
                "330000" if number % 5 == 3 else None,
            ),
        )
        for number, text in enumerate(texts(count, seed, most=8))
    ]


def fitted(count: int) -> View:
    """A view on documents in memory."""
    return View(TfidfMatcher().fit(texts(count, 2)), np.arange(count) * 3 + 1)


def kept(count: int, folder: Path) -> View:
    """A view on a snapshot of which some documents have changed, and new ones came."""
    view = fitted(count)
    if snapshots.current(folder) is None:
        snapshots.write(folder, view.matcher, view.ids, datetime(2026, 1, 1, tzinfo=UTC))
    found = snapshots.read(folder)
    delta_ids = np.array([4, 7, 22, 3 * count + 50, 3 * count + 60])
    hidden = np.isin(found.ids, [*delta_ids, 10])
    changed = [Document(one.title, f"{one.text} 量子点") for one in texts(5, 3)]
    delta = found.matcher.transform(changed)
    return View(found.matcher, found.ids, hidden, delta, delta_ids, found.address)


def market(view: View) -> Market:
    return Market(view, facts(view.every_id, gone={10}), policy.read())


def main() -> None:
    """Refresh a market in a process of its own, and say how far it is."""
    kind, count, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    view = fitted(count) if kind == "fitted" else kept(count, folder / "snapshot")

    def progress(done: int, everything: int) -> None:
        print(done, everything, os.getpid(), flush=True)  # noqa: T201 - read by the test

    for _ in refreshing.refresh(
        market(view), needs(20), folder / "run", progress=progress, stretch=20
    ):
        pass


if __name__ == "__main__":
    main()

"""What is matched is what the database says: few documents or many, in every process."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask
from sqlalchemy.orm import Session

from bidding import clock
from bidding.challenges.models import ChallengeStatus
from bidding.extensions import db
from bidding.matching import index, jobs, shelves, snapshots
from bidding.matching.estimator import Document
from bidding.matching.shelves import IndexNotReady, Shelf, View
from bidding.organizations.models import CapabilityProfile, Organization, OrganizationStatus
from tests import factories as f

ROOT = Path(__file__).resolve().parents[2]
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
PRODUCTS = [
    "烧结钕铁硼永磁材料",
    "谐波减速器",
    "合成橡胶与炭黑",
    "风电叶片超疏水涂层",
    "光伏逆变器",
]
MAGNETS = Document("", "永磁材料")
ROBOTS = Document("", "谐波减速器")


@pytest.fixture
def smes(session: Session) -> list[Organization]:
    """Five SMEs that have not changed for long."""
    found = []
    for products in PRODUCTS:
        sme = f.OrganizationFactory(sme=True, updated_at=LONG_AGO)
        f.ProfileFactory(organization=sme, products=products, technologies="", updated_at=LONG_AGO)
        found.append(sme)
    for status in (OrganizationStatus.DRAFT, OrganizationStatus.SUSPENDED):
        f.OrganizationFactory(name=f"永磁材料{status}", status=status, updated_at=LONG_AGO)
    session.commit()
    return found


@pytest.fixture
def few(tmp_path: Path) -> Shelf:
    """A shelf of which a handful of documents are few."""
    return Shelf(index.OFFERS, tmp_path / "few")


@pytest.fixture
def many(tmp_path: Path) -> Shelf:
    """A shelf of which a handful of documents are many."""
    return Shelf(index.OFFERS, tmp_path / "many", few=0)


@pytest.fixture
def built(many: Shelf, smes: list[Organization]) -> Shelf:
    """`many`, with a snapshot of what there is."""
    build(many)
    return many


@pytest.fixture(params=["few", "many"])
def shelf(request: pytest.FixtureRequest, smes: list[Organization]) -> Shelf:
    """Either kind, ready to be looked at."""
    name = "few" if request.param == "few" else "built"
    found: Shelf = request.getfixturevalue(name)
    return found


def look(shelf: Shelf) -> View:
    with db.sessionmaker() as session:
        return shelf.view(session)


def build(shelf: Shelf) -> str | None:
    with db.sessionmaker() as session:
        return shelf.build(session)


def found(view: View, query: Document = MAGNETS) -> list[int]:
    return view.search(view.weigh(query), 10)[0].tolist()


def test_few_documents_are_fitted_in_memory(few: Shelf, smes: list[Organization]) -> None:
    view = look(few)
    assert view.snapshot is None
    assert view.ids.tolist() == [sme.id for sme in smes]
    assert found(view) == [smes[0].id]
    assert look(few) is view
    assert not few.folder.exists()


def test_many_documents_are_mapped_from_a_snapshot(many: Shelf, smes: list[Organization]) -> None:
    with pytest.raises(IndexNotReady, match="offers"):
        look(many)
    name = build(many)
    view = look(many)
    assert view.snapshot == snapshots.Address(many.folder, name)
    assert view.ids.tolist() == [sme.id for sme in smes]
    assert (view.hidden, view.delta, view.n_documents) == (None, None, 5)
    assert found(view) == [smes[0].id]
    assert look(many) is view


def test_a_change_is_seen_at_the_next_look(
    session: Session, shelf: Shelf, smes: list[Organization]
) -> None:
    before = look(shelf)
    smes[1].profile.products = "永磁材料与量子点"
    session.commit()
    after = look(shelf)
    assert set(found(after)) == {smes[0].id, smes[1].id}
    assert found(after, Document("", "量子点")) == [smes[1].id]
    assert smes[1].id not in found(after, ROBOTS)
    assert found(before) == [smes[0].id]  # who holds the old view is not disturbed
    assert after.n_documents == 5
    assert look(shelf) is after


def test_a_new_sme_is_found(session: Session, shelf: Shelf, smes: list[Organization]) -> None:
    look(shelf)
    new = f.ProfileFactory(products="粘结永磁材料", technologies="").organization
    session.commit()
    view = look(shelf)
    assert set(found(view)) == {smes[0].id, new.id}
    assert view.n_documents == 6
    assert view.every_id.tolist() == [*[sme.id for sme in smes], new.id]


@pytest.mark.parametrize(
    "away",
    [{"status": OrganizationStatus.SUSPENDED}, {"status": OrganizationStatus.CHANGES_REQUESTED}],
)
def test_an_sme_that_goes_is_not_found_and_one_that_comes_back_is(
    session: Session, shelf: Shelf, smes: list[Organization], away: dict[str, Any]
) -> None:
    sme = smes[0]
    back = {name: getattr(sme, name) for name in away}
    look(shelf)
    for name, value in away.items():
        setattr(sme, name, value)
    session.commit()
    gone = look(shelf)
    assert found(gone) == []
    assert gone.n_documents == 4
    assert gone.scores(gone.weigh(MAGNETS), [sme.id]).tolist() == [0]
    assert gone.explain(gone.weigh(MAGNETS), [sme.id]) == [[]]
    for name, value in back.items():
        setattr(sme, name, value)
    session.commit()
    assert found(look(shelf)) == [sme.id]


def test_a_profile_that_changes_back_is_found_as_before(
    session: Session, shelf: Shelf, smes: list[Organization]
) -> None:
    before = look(shelf)
    profile = smes[0].profile
    for products in ("面包", PRODUCTS[0]):
        profile.products = products
        session.commit()
        view = look(shelf)
    vector = view.weigh(MAGNETS)
    assert found(view) == [smes[0].id]
    assert view.scores(vector, [smes[0].id]) == pytest.approx(
        before.scores(before.weigh(MAGNETS), [smes[0].id]), rel=1e-3
    )


def test_fitted_and_changed_documents_come_in_one_order(
    session: Session, built: Shelf, smes: list[Organization]
) -> None:
    for sme in (smes[1], smes[3]):
        sme.profile.products = PRODUCTS[0]  # as the fitted first one
    smes[2].name = f"永磁材料{smes[2].name}"
    session.commit()
    view = look(built)
    ids, scores = view.search(view.weigh(MAGNETS), 10)
    assert len(ids) == 4
    order = np.lexsort((ids, -scores))
    assert order.tolist() == [0, 1, 2, 3]
    assert scores == pytest.approx(view.scores(view.weigh(MAGNETS), ids), rel=1e-6)
    assert view.search(view.weigh(MAGNETS), 2)[0].tolist() == ids[:2].tolist()
    allowed = np.isin(view.every_id, [smes[0].id, smes[3].id])
    only = view.search(view.weigh(MAGNETS), 10, allowed)[0].tolist()
    assert only == [ident for ident in ids.tolist() if ident in (smes[0].id, smes[3].id)]
    assert all(view.explain(view.weigh(MAGNETS), ids))


def test_documents_that_were_only_touched_score_as_fitted(
    session: Session, built: Shelf, smes: list[Organization]
) -> None:
    fitted = look(built)
    for sme in smes[:3]:
        sme.updated_at = clock.now()
    session.commit()
    changed = look(built)
    assert changed.delta_ids.tolist() == [sme.id for sme in smes[:3]]
    for text in (*PRODUCTS, "永磁 减速器 橡胶"):
        query = Document("", text)
        ids, scores = fitted.search(fitted.weigh(query), 10)
        others, same = changed.search(changed.weigh(query), 10)
        assert ids.tolist() == others.tolist()
        assert scores == pytest.approx(same, rel=1e-6)


def test_changed_documents_score_about_as_after_a_rebuild(
    session: Session, built: Shelf, smes: list[Organization]
) -> None:
    for _ in range(4):
        for products in PRODUCTS:
            f.ProfileFactory(
                products=products,
                technologies="",
                updated_at=LONG_AGO,
                organization=f.OrganizationFactory(sme=True, updated_at=LONG_AGO),
            )
    session.commit()
    build(built)
    smes[1].profile.products = "烧结永磁材料"
    session.commit()
    before = look(built)
    assert before.delta_ids.tolist() == [smes[1].id]
    build(built)
    after = look(built)
    assert after.snapshot != before.snapshot
    mine = before.scores(before.weigh(MAGNETS), after.ids)
    assert mine == pytest.approx(after.scores(after.weigh(MAGNETS), after.ids), rel=0.1)


def test_an_unreadable_snapshot_of_few_documents_is_done_without(
    few: Shelf, smes: list[Organization]
) -> None:
    name = build(few)
    assert look(few).snapshot is not None
    (few.folder / str(name) / "idf_.npy").write_bytes(b"")
    fresh = Shelf(index.OFFERS, few.folder)
    assert look(fresh).snapshot is None
    assert found(look(fresh)) == [smes[0].id]


def test_a_new_snapshot_is_in_force_at_the_next_look(
    session: Session, built: Shelf, smes: list[Organization]
) -> None:
    first = look(built)
    other = Shelf(index.OFFERS, built.folder, few=0)  # as another process has it
    name = build(other)
    assert look(built).snapshot == snapshots.Address(built.folder, name) != first.snapshot
    assert found(first) == found(look(built)) == [smes[0].id]


def test_only_one_of_two_builds(built: Shelf) -> None:
    with snapshots.building(built.folder):
        assert build(built) is None
    assert build(built) is not None


def test_more_changes_than_can_be_weighed_at_once_wait_for_the_next_snapshot(
    session: Session,
    built: Shelf,
    smes: list[Organization],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As after a bulk import."""
    monkeypatch.setattr(shelves, "MOST_CHANGES", 2)
    for sme in smes[1:3]:
        sme.profile.products = "永磁材料"
    session.commit()
    assert set(found(look(built))) == {sme.id for sme in smes[:3]}
    smes[3].profile.products = "永磁材料"
    session.commit()
    with pytest.raises(IndexNotReady):
        look(built)
    build(built)
    assert set(found(look(built))) == {sme.id for sme in smes[:4]}


def test_a_snapshot_that_has_seen_many_late_changes_is_made_again_once_they_are_old(
    session: Session,
    many: Shelf,
    smes: list[Organization],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every look reads what changed shortly before the snapshot: after an import, a lot."""
    monkeypatch.setattr(shelves, "MANY_CHANGES", 2)
    for sme in smes[:3]:
        sme.profile.products = "永磁材料"
    session.commit()
    build(many)
    assert not many.needs_building(session)
    with time_machine.travel(clock.now() + timedelta(minutes=6)):
        assert many.needs_building(session)
        build(many)
        assert not many.needs_building(session)
    assert found(look(many)) == sorted(sme.id for sme in smes[:3])


def test_many_documents_that_came_unnoticed_are_found_in_the_next_snapshot(
    session: Session,
    built: Shelf,
    smes: list[Organization],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An import that took so long that its stamps are older than a snapshot made meanwhile."""
    monkeypatch.setattr(shelves, "MANY_CHANGES", 2)
    new = []
    for count in range(1, 4):
        new.append(f.OrganizationFactory(sme=True, updated_at=LONG_AGO))
        f.ProfileFactory(organization=new[-1], products="永磁材料", updated_at=LONG_AGO)
        session.commit()
        assert found(look(built)) == [smes[0].id]
        assert built.needs_building(session) == (count == 3)
    build(built)
    assert set(found(look(built))) == {smes[0].id, *(sme.id for sme in new)}
    assert not built.needs_building(session)


def test_what_cannot_be_read_for_the_moment_is_neither_thrown_away_nor_needed(
    session: Session, built: Shelf, smes: list[Organization]
) -> None:
    """As when a process has no file handles left, or a share does not answer."""
    before = look(built)
    name = build(Shelf(index.OFFERS, built.folder, few=0))
    smes[1].profile.products = "永磁材料"
    session.commit()
    fresh = Shelf(index.OFFERS, built.folder, few=0)
    manifest = built.folder / str(name) / "manifest.json"
    whole = manifest.read_bytes()
    manifest.unlink()
    manifest.symlink_to(manifest)  # whoever opens it gets an error
    view = look(built)
    assert view.snapshot == before.snapshot
    assert set(found(view)) == {smes[0].id, smes[1].id}
    with pytest.raises(IndexNotReady):
        look(fresh)
    manifest.unlink()
    manifest.write_bytes(whole)
    assert look(built).snapshot == look(fresh).snapshot == snapshots.Address(built.folder, name)


def test_what_the_caller_has_loaded_stays_in_its_session(
    session: Session, few: Shelf, smes: list[Organization]
) -> None:
    mine = session.get_one(Organization, smes[0].id)
    few.view(session)
    assert mine in session
    assert mine.memberships == []  # may still be loaded
    mine.name = "Renamed"
    session.commit()
    assert session.scalar(sa.select(Organization.name).where(Organization.id == mine.id)) == (
        "Renamed"
    )


def test_fitting_does_not_keep_the_rows(session: Session, few: Shelf, smes: Any) -> None:
    session.commit()
    session.expunge_all()
    few.view(session)
    assert not list(session)


# The worker


@pytest.fixture
def shelved(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Shelf]:
    """Have the application keep few documents on disk; gives a shelf as a new process has it."""

    def fresh() -> Shelf:
        found = {
            one.name: Shelf(one, tmp_path / one.name, few=0)
            for one in (index.OFFERS, index.CHALLENGES)
        }
        monkeypatch.setitem(app.extensions, "shelves", found)
        return found["offers"]

    fresh()
    return fresh


def names(shelf: Shelf) -> set[str]:
    return {path.name for path in shelf.folder.iterdir() if path.is_dir()}


def test_a_worker_makes_a_missing_snapshot(
    smes: list[Organization], shelved: Callable[[], Shelf]
) -> None:
    with db.sessionmaker() as session, pytest.raises(IndexNotReady):
        index.offers(session)
    jobs.make_snapshots()
    with db.sessionmaker() as session:
        assert found(index.offers(session)) == [smes[0].id]
        assert found(index.challenges(session)) == []
    before = names(shelved())
    jobs.make_snapshots()
    assert names(shelved()) == before  # all is well


def test_a_worker_replaces_a_damaged_snapshot(
    smes: list[Organization], shelved: Callable[[], Shelf]
) -> None:
    jobs.make_snapshots()
    shelf = shelved()
    (name,) = names(shelf)
    path = shelf.folder / name / "features.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(IndexNotReady):
        look(shelf)
    jobs.make_snapshots()
    assert found(look(shelf)) == [smes[0].id]
    assert snapshots.current(shelf.folder) != name


def test_a_worker_that_mapped_a_snapshot_while_it_was_whole_replaces_it_too(
    smes: list[Organization], shelved: Callable[[], Shelf]
) -> None:
    jobs.make_snapshots()
    shelf = shelved()
    assert found(look(shelf)) == [smes[0].id]
    (name,) = names(shelf)
    (shelf.folder / name / "features.npy").unlink()
    with pytest.raises(IndexNotReady):
        look(Shelf(index.OFFERS, shelf.folder, few=0))  # of a process that starts now
    jobs.make_snapshots()
    assert found(look(Shelf(index.OFFERS, shelf.folder, few=0))) == [smes[0].id]


def test_what_a_snapshot_has_is_not_weighed_again(
    session: Session, smes: list[Organization], many: Shelf
) -> None:
    smes[1].profile.products = "永磁材料"
    session.commit()  # a moment before, as after an import
    build(many)
    assert look(many).delta is None
    smes[2].profile.products = "永磁材料"
    session.commit()
    view = look(many)
    assert view.delta_ids.tolist() == [smes[2].id]
    assert set(found(view)) == {smes[0].id, smes[1].id, smes[2].id}


def test_a_worker_merges_many_changes(
    session: Session,
    smes: list[Organization],
    shelved: Callable[[], Shelf],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shelves, "MANY_CHANGES", 2)
    jobs.make_snapshots()
    shelf = shelved()
    first = snapshots.current(shelf.folder)
    for count, sme in enumerate(smes[:3], 1):
        sme.profile.products = "永磁材料"
        sme.name = f"Renamed {count}"
        session.commit()
        jobs.make_snapshots()
        assert (snapshots.current(shelf.folder) == first) == (count <= 2)
    assert set(found(look(shelf))) == {sme.id for sme in smes[:3]}


def test_a_challenge_is_found_once_it_is_public(
    session: Session, tmp_path: Path, smes: list[Organization]
) -> None:
    shelf = Shelf(index.CHALLENGES, tmp_path / "challenges", few=0)
    challenge = f.ChallengeFactory(title="永磁材料", updated_at=LONG_AGO)
    hidden = f.ChallengeFactory(
        title="永磁材料", status=ChallengeStatus.IN_REVIEW, updated_at=LONG_AGO
    )
    session.commit()
    build(shelf)
    assert found(look(shelf)) == [challenge.id]
    hidden.status = ChallengeStatus.PUBLISHED
    challenge.status = ChallengeStatus.SUSPENDED
    session.commit()
    assert found(look(shelf)) == [hidden.id]


# Threads and processes


def test_threads_look_while_others_write(
    app: Flask, session: Session, shelf: Shelf, smes: list[Organization]
) -> None:
    stop = threading.Event()

    def watch(_: int) -> int:
        looks = 0
        with app.app_context():
            while not stop.is_set() or not looks:
                view = look(shelf)
                assert len(found(view)) <= view.n_documents == 5
                looks += 1
        return looks

    with ThreadPoolExecutor(6) as pool:
        watching = [pool.submit(watch, n) for n in range(6)]
        try:
            for count in range(10):
                smes[count % 5].profile.products = f"永磁材料 {count}"
                session.commit()
                assert smes[count % 5].id in found(look(shelf))
        finally:
            stop.set()
        assert all(one.result() for one in watching)
    assert set(found(look(shelf))) == {sme.id for sme in smes}


WATCH = """
import sys, time
from pathlib import Path
import sqlalchemy as sa
from sqlalchemy.orm import Session
from bidding.db import prepare_engine
from bidding.matching import index
from bidding.matching.estimator import Document
from bidding.matching.shelves import Shelf
import bidding.models
engine = sa.create_engine(sys.argv[1])
prepare_engine(engine)
shelf = Shelf(index.OFFERS, Path(sys.argv[2]), few=0)
while True:
    with Session(engine) as session:
        view = shelf.view(session)
    print(*view.search(view.weigh(Document("", "永磁材料")), 10)[0], flush=True)
    time.sleep(0.05)
"""


@pytest.fixture
def watched(app: Flask, built: Shelf) -> Iterator[Callable[[set[int]], float]]:
    """Another process that searches on and on; waits until it finds some ids, and says how long."""
    url = db.engine.url.render_as_string(hide_password=False)
    command: Sequence[str] = [sys.executable, "-c", WATCH, url, str(built.folder)]
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own
        assert process.stdout is not None

        def wait(expected: set[int]) -> float:
            began = time.monotonic()
            while set(map(int, process.stdout.readline().split())) != expected:  # type: ignore[union-attr]
                assert process.poll() is None
                assert time.monotonic() - began < 60
            return time.monotonic() - began

        yield wait
        process.kill()


def test_another_process_sees_a_change_within_two_seconds(
    session: Session,
    built: Shelf,
    smes: list[Organization],
    watched: Callable[[set[int]], float],
) -> None:
    watched({smes[0].id})
    before = names(built)
    session.execute(
        sa.update(CapabilityProfile)
        .where(CapabilityProfile.organization_id == smes[1].id)
        .values(products="永磁材料")
    )
    session.commit()
    assert watched({smes[0].id, smes[1].id}) < 2
    smes[0].status = OrganizationStatus.SUSPENDED
    new = f.ProfileFactory(products="永磁材料", technologies="").organization
    session.commit()
    assert watched({smes[1].id, new.id}) < 2
    assert names(built) == before  # without a rebuild


def test_a_slow_writer_is_seen_although_its_stamp_is_older_than_the_snapshot(
    session: Session, built: Shelf, smes: list[Organization]
) -> None:
    """A change is stamped when it is written and seen when it is committed."""
    smes[1].profile.products = "永磁材料"
    smes[1].profile.updated_at = clock.now() - timedelta(minutes=4)
    if db.engine.dialect.name == "postgresql":
        session.flush()
        build(built)  # meanwhile
    else:  # nobody else can read a moment that is not committed, and writers wait
        build(built)
    session.commit()
    assert set(found(look(built))) == {smes[0].id, smes[1].id}

"""The commands that measure the matcher, on a small collection."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from bidding.matching import bench, tuning
from bidding.matching.cli import matching
from bidding.matching.estimator import Document
from bidding.matching.measure import Task, read_collection
from bidding.matching.tuning import Trial

THINGS = ["magnets", "gaskets", "reducers", "turbine blades", "inverters", "bearings"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six makers, and a need for what each makes; the last one is said to be met by another."""
    rows = [
        (f"d{at}", thing, f"We make {thing}. For many years.") for at, thing in enumerate(THINGS)
    ]
    asked = [
        (f"q{at}", f"Who makes {thing}?", f"{thing} wanted") for at, thing in enumerate(THINGS)
    ]
    write(tmp_path / "corpus.jsonl", rows)
    write(tmp_path / "queries.jsonl", asked)
    grades = [f"q{at}\td{at if at < 5 else 0}\t1" for at in range(6)]
    (tmp_path / "qrels.tsv").write_text("\n".join(grades), encoding="utf-8")
    return tmp_path


def write(path: Path, rows: list[tuple[str, str, str]]) -> None:
    lines = [json.dumps({"id": i, "title": title, "text": text}) for i, title, text in rows]
    path.write_text("\n".join(lines), encoding="utf-8")


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(matching, [str(word) for word in words])


def printed(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_the_bench_measures_both_engines(folder: Path) -> None:
    mine, peer = printed(run("bench", "--documents", "60", "--data", folder, "--peers"))
    assert mine["engine"] == "jiebang"
    assert peer["engine"].startswith("bm25s")
    assert mine["documents"] == peer["documents"] == 60
    assert (mine["top20_kept"], mine["top20_score_kept"]) == (1, 1)  # nothing is cut yet
    for figures in (mine, peer):
        assert 0 < figures["query_ms_p50"] <= figures["query_ms_p95"]
        assert figures["features"] > 0
    assert mine["unexplained_query_ms_p50"] > 0
    assert mine["query_process_rss_mb"] > 50
    assert mine["change_visible_ms"] > 0


def test_fewer_documents_than_are_asked_for_lose_nothing(folder: Path) -> None:
    (mine,) = printed(run("bench", "--documents", "3", "--data", folder))
    assert mine["top20_kept"] == 1


@pytest.mark.parametrize("name", ["corpus.jsonl", "queries.jsonl"])
def test_a_bench_of_nothing_says_so(folder: Path, name: str) -> None:
    (folder / name).write_text("", encoding="utf-8")
    (folder / "qrels.tsv").write_text("", encoding="utf-8")
    result = run("bench", "--documents", "5", "--data", folder)
    assert result.exit_code == 1
    assert "nothing to" in result.output


def test_documents_are_recombined_from_real_sentences_and_always_alike() -> None:
    real = [Document("磁", "一种磁材。耐热；"), Document("胶", "两种橡胶。")]
    made = list(bench.recombined(real, 50))
    assert made == list(bench.recombined(real, 50)) != list(bench.recombined(real, 50, seed=1))
    assert {one.title for one in made} == {"磁", "胶"}
    sentences = {"一种磁材。", "耐热；", "两种橡胶。"}
    for one in made:
        assert set(bench._SENTENCE.findall(one.text)) - {""} <= sentences
    assert {one.text.count("。") + one.text.count("；") for one in made} == {1, 2}


def test_tuning_prints_every_trial_and_then_what_was_chosen(folder: Path) -> None:
    *trials, last = printed(
        run("tune", folder, f"{folder}:title-only", "--trials", "3", "--folds", "3")
    )
    assert [trial["settings"] == {} for trial in trials] == [True, False, False, False]
    assert all(len(trial["ndcg@10"]) == 2 for trial in trials)
    assert len(last["chosen"]) == 3
    assert last["default"] == trials[0]["ndcg@10"] == pytest.approx([0.9, 0.9], abs=0.09)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--folds", "1"], "x>=2"),
        (["--folds", "5"], "too few queries"),
        (["--trials", "-1"], "x>=0"),
    ],
)
def test_tuning_refuses_what_cannot_be_divided(
    folder: Path, words: list[str], complaint: str
) -> None:
    result = run("tune", folder, *words)
    assert result.exit_code != 0
    assert complaint in result.output


def test_settings_are_measured_on_queries_that_did_not_choose_them() -> None:
    """Two settings, of which each is good for what the other is bad for."""
    parts = np.random.default_rng(0).permutation(4) % 2
    first = Trial({"b": 0.1}, (np.where(parts == 0, 0.9, 0.2),))
    second = Trial({"b": 0.2}, (np.where(parts == 0, 0.1, 0.8),))
    found = tuning.cross_validate([first, second], 2)
    assert found["chosen"] == [{"b": 0.2}, {"b": 0.1}]
    assert found["held_out"] == pytest.approx([(0.1 + 0.2) / 2])
    assert found["sd"] == pytest.approx([np.std([0.1, 0.2], ddof=1)], abs=1e-4)
    assert found["best"] == {"b": 0.1}
    assert found["default"] == pytest.approx([0.55])


def test_calibration_counts_the_relevant_of_each_band(folder: Path) -> None:
    (found,) = printed(run("calibrate", folder))
    task = Task(read_collection(folder))
    assert found["bands"] == tuning.precision_by_score(task)
    relevant = [band["pairs"] * band["precision"] for band in found["bands"]]
    assert sum(relevant) == pytest.approx(6, abs=0.05)
    # The five that are met by their makers are more alike than the one that is met by another.
    assert relevant[-1] == pytest.approx(5, abs=0.05)


def test_another_value_of_a_parameter_is_measured(folder: Path) -> None:
    settings = ["--set", "channel_weights.word=0", "--set", "channel_weights.word_piece=0"]
    (usual,), (other,) = (
        printed(run("evaluate", folder)),
        printed(run("evaluate", folder, *settings)),
    )
    assert other["ndcg@10"] < usual["ndcg@10"] == pytest.approx(0.9, abs=0.09)


@pytest.mark.parametrize(
    "setting",
    ["b", "b=", "b=x", 'b="x"', "b=null", "c=1", "channel_weights=5", "channel_weights.x=1"],
)
def test_a_setting_that_is_none_is_named(folder: Path, setting: str) -> None:
    result = run("evaluate", folder, "--set", setting)
    assert result.exit_code == 1
    assert f"--set {setting}" in result.output

"""The measures, against values worked out by hand."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from click.testing import CliRunner

from bidding.matching import measure
from bidding.matching.cli import matching

SECOND, THIRD = 1 / math.log2(3), 1 / math.log2(4)
CORPUS = {"magnets": "magnet alloy", "tyres": "rubber tyre", "glue": "rubber glue", "ice": "ice"}
TIMINGS = {"fit_seconds", "query_ms_p50", "query_ms_p95", "peak_rss_mb"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "corpus.jsonl", [(name, "", text) for name, text in CORPUS.items()])
    write(
        tmp_path / "queries.jsonl",
        [("q1", "rubber tyre", "magnet"), ("q2", "", "ice"), ("q3", "ice", "magnet alloy")],
    )
    grades = ["q1\tmagnets\t3", "q1\ttyres\t1", "q1\tice\t0", "q2\tice\t2", "q3\tglue\t0"]
    (tmp_path / "qrels.tsv").write_text("\n".join(grades), encoding="utf-8")
    return tmp_path


def write(path: Path, rows: list[tuple[str, str, str]]) -> None:
    lines = [json.dumps({"id": i, "title": title, "text": text}) for i, title, text in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_ndcg_has_linear_gains_and_an_ideal_over_all_judged() -> None:
    grades = {"a": 3, "b": 2, "c": 1, "d": 0}
    ideal = 3 + 2 * SECOND + 1 * THIRD
    assert measure.ndcg(["b", "x", "a"], grades) == pytest.approx((2 + 3 * THIRD) / ideal)
    assert measure.ndcg(["a", "b", "c"], grades) == pytest.approx(1)
    assert measure.ndcg(["x"] * 10 + ["a"], grades) == 0
    assert measure.ndcg(["a"], {"a": 0}) == 0


def test_recall_counts_relevant_ones_within_twenty() -> None:
    ranked = ["x"] * 19 + ["a", "b"]
    assert measure.recall(ranked, {"a", "b", "c", "d"}) == 0.25


def test_reciprocal_rank_stops_after_ten() -> None:
    assert measure.reciprocal_rank(["x", "x", "a", "b"], {"a", "b"}) == pytest.approx(1 / 3)
    assert measure.reciprocal_rank(["x"] * 9 + ["a"], {"a"}) == pytest.approx(0.1)
    assert measure.reciprocal_rank(["x"] * 10 + ["a"], {"a"}) == 0


def test_whole_corpus(folder: Path) -> None:
    """q1 finds tyres, glue, magnets in this order; q2 finds ice; q3 has nothing relevant."""
    figures = measure.evaluate(measure.Task(measure.read_collection(folder)))
    first = (1 + 3 * THIRD) / (3 + SECOND)
    assert (figures["queries"], figures["documents"]) == (2, 4)
    assert figures["ndcg@10"] == pytest.approx((first + 1) / 2, abs=1e-4)
    assert figures["recall@20"] == 1
    assert figures["mrr@10"] == 1
    assert set(figures) == {"queries", "documents", "ndcg@10", "recall@20", "mrr@10"} | TIMINGS


def test_min_grade_says_what_is_relevant_but_gains_stay(folder: Path) -> None:
    figures = measure.evaluate(measure.Task(measure.read_collection(folder), min_grade=2))
    first = (1 + 3 * THIRD) / (3 + SECOND)
    assert figures["ndcg@10"] == pytest.approx((first + 1) / 2, abs=1e-4)
    assert figures["mrr@10"] == pytest.approx((1 / 3 + 1) / 2, abs=1e-4)
    assert (
        measure.evaluate(measure.Task(measure.read_collection(folder), min_grade=3))["queries"] == 1
    )


def test_judged_ranks_only_judged_documents_and_skips_the_all_relevant(folder: Path) -> None:
    """q1: tyres, magnets, ice without glue between; q2 has nothing irrelevant."""
    figures = measure.evaluate(measure.Task(measure.read_collection(folder), judged=True))
    assert figures["queries"] == 1
    assert figures["ndcg@10"] == pytest.approx((1 + 3 * SECOND) / (3 + SECOND), abs=1e-4)


def test_title_only_asks_with_the_text_where_the_title_is_empty(folder: Path) -> None:
    """q1 no longer finds magnets, so its gain is that of tyres alone; q2 is asked by its text."""
    figures = measure.evaluate(measure.Task(measure.read_collection(folder), title_only=True))
    assert figures["ndcg@10"] == pytest.approx((1 / (3 + SECOND) + 1) / 2, abs=1e-4)
    assert figures["recall@20"] == pytest.approx((0.5 + 1) / 2)


def test_the_command_prints_one_json_object(folder: Path) -> None:
    result = CliRunner().invoke(matching, ["evaluate", str(folder), "--judged", "--min-grade", "2"])
    assert result.exit_code == 0
    assert json.loads(result.output)["queries"] == 1


def test_without_grades_there_are_only_timings(folder: Path) -> None:
    (folder / "qrels.tsv").write_text("", encoding="utf-8")
    figures = json.loads(CliRunner().invoke(matching, ["evaluate", str(folder)]).output)
    assert set(figures) == {"queries", "documents"} | TIMINGS
    assert figures["queries"] == 3


@pytest.mark.parametrize(
    ("name", "line", "complaint"),
    [
        ("corpus.jsonl", "{", "corpus.jsonl, line 5: not JSON"),
        ("corpus.jsonl", '{"title": ""}', "corpus.jsonl, line 5: expected an object with a string"),
        ("queries.jsonl", '{"id": "q1"}', "queries.jsonl, line 4: id 'q1' appears twice"),
        ("queries.jsonl", '{"id": "q9", "text": 3}', 'line 4: "title" and "text" must be strings'),
        ("qrels.tsv", "\nq1 glue 1", "qrels.tsv, line 6: expected query, document and grade"),
        ("qrels.tsv", "\nq1\tglue\tgood", "qrels.tsv, line 6: grade 'good' is not a whole number"),
        ("qrels.tsv", "\nq1\tsoap\t1", "qrels.tsv, line 6: document 'soap' is not in corpus.jsonl"),
        ("qrels.tsv", "\nq8\tglue\t1", "qrels.tsv, line 6: query 'q8' is not in queries.jsonl"),
        ("qrels.tsv", "\nq1\tice\t1", "qrels.tsv, line 6: the pair is judged twice"),
    ],
)
def test_a_bad_line_is_named(folder: Path, name: str, line: str, complaint: str) -> None:
    with (folder / name).open("a", encoding="utf-8") as file:
        file.write(line)
    result = CliRunner().invoke(matching, ["evaluate", str(folder)])
    assert result.exit_code == 1
    assert complaint in result.output


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "queries.jsonl").unlink()
    result = CliRunner().invoke(matching, ["evaluate", str(folder)])
    assert result.exit_code == 1
    assert "queries.jsonl does not exist" in result.output

"""Choosing the matcher's settings by cross-validation, and what its scores are worth."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bidding.matching.estimator import CHANNEL_WEIGHTS, TfidfMatcher
from bidding.matching.measure import TOP, Task, mean, measure

Settings = Mapping[str, Any]

CHOICES: Mapping[str, Sequence[Any]] = {
    "length_norm": (0.2, 0.3, 0.4, 0.5, 0.7),
    "k1": (0.8, 1.2, 1.5),
    "b": (0.5, 0.7, 0.9, 1.0),
    "idf_floor": (0.0, 0.25, 0.5, 1.0),
    # The power takes from the weight of a title what it takes from repetition, hence both at once.
    "query_power,title_weight": ((0.5, 8.0), (0.4, 12.0), (0.33, 20.0), (0.3, 30.0)),
    "max_query_terms": (200, 240, 300, 400),
    "boilerplate_weight": (0.0, 0.3, 0.6, 1.0),
    "channel_weights.character": (0.8, 1.0, 1.1, 1.2, 1.4),
    "channel_weights.word_pair": (0.4, 0.5, 0.6),
    "channel_weights.word_piece": (0.3, 0.45, 0.6),
}
"""What `tune` draws from; every value of each was of use on some data."""

_BANDS = (0.0, 0.05, 0.08, 0.1, 0.12, 0.15, 0.18, 0.21, 0.25, 0.3, 0.35, 0.4, 0.5)


@dataclass(frozen=True)
class Trial:
    """Settings, and nDCG@10 of every query of every task with them."""

    settings: Settings
    gains: tuple[np.ndarray, ...]

    @property
    def means(self) -> list[float]:
        return [mean(gains) for gains in self.gains]


def put(matcher: TfidfMatcher, name: str, value: Any) -> None:
    """Set one parameter; `channel_weights.word` is the weight of the channel `word`.

    Raises
    ------
    ValueError
        There is no such parameter or channel, or its value is no number.
    """
    name, _, channel = name.partition(".")
    if not isinstance(value, int | float) and not (value is None and name.startswith("max_")):
        raise ValueError(f"{value!r} is no number")
    if name == "channel_weights" and not channel:
        raise ValueError("name a channel")
    if channel:
        if channel not in CHANNEL_WEIGHTS:
            raise ValueError(f"unknown channel: {channel}")
        value = {**(matcher.channel_weights or {}), channel: value}
    matcher.set_params(**{name: value})


def trials(tasks: Sequence[Task], count: int, seed: int) -> Iterator[Trial]:
    """Measure the default settings, and then `count` drawn from `CHOICES`."""
    draw = random.Random(seed)  # noqa: S311 - nobody is to be kept from guessing
    yield Trial({}, _gains(tasks, {}))
    for _ in range(count):
        settings: dict[str, Any] = {}
        for names, values in CHOICES.items():
            value = draw.choice(values)
            settings |= zip(names.split(","), value if "," in names else [value], strict=True)
        yield Trial(settings, _gains(tasks, settings))


def _gains(tasks: Sequence[Task], settings: Settings) -> tuple[np.ndarray, ...]:
    fitted: dict[int, TfidfMatcher] = {}
    gains = []
    for task in tasks:
        key = id(task.collection.documents)
        if key not in fitted:
            matcher = TfidfMatcher()
            for name, value in settings.items():
                put(matcher, name, value)
            fitted[key] = matcher.fit(task.collection.documents.values())
        gains.append(measure(fitted[key], task).ndcg)
    return tuple(gains)


def cross_validate(results: Sequence[Trial], folds: int) -> dict[str, Any]:
    """Choose settings on all but one part of the queries and measure them on that part.

    What is chosen is the largest mean over the tasks of nDCG@10 relative to what a trial reaches on
    average there, so that every task counts the same.

    Returns
    -------
    dict
        `held_out` and `default` are nDCG@10 of each task: of the settings chosen without the
        queries that they are measured on, and of the default ones. `sd` is the standard deviation
        of `held_out` over the folds, `chosen` what was chosen for each, `best` what all queries
        choose.
    """
    sizes = [len(gains) for gains in results[0].gains]
    usual = [np.mean([gains.mean() for gains in task]) for task in _by_task(results)]
    part = [np.random.default_rng(0).permutation(size) % folds for size in sizes]

    def best(keep: Sequence[np.ndarray]) -> Trial:
        def merit(trial: Trial) -> float:
            means = [gains[kept].mean() for gains, kept in zip(trial.gains, keep, strict=True)]
            return float(np.mean(np.array(means) / usual))

        return max(results, key=merit)

    chosen = [best([one != fold for one in part]) for fold in range(folds)]
    held_out = np.array(
        [
            [gains[one == fold].mean() for gains, one in zip(trial.gains, part, strict=True)]
            for fold, trial in enumerate(chosen)
        ]
    )
    return {
        "held_out": held_out.mean(axis=0).round(4).tolist(),
        "sd": held_out.std(axis=0, ddof=1).round(4).tolist(),
        "default": results[0].means,
        "chosen": [trial.settings for trial in chosen],
        "best": best([np.ones(size, bool) for size in sizes]).settings,
    }


def _by_task(results: Sequence[Trial]) -> Iterator[list[np.ndarray]]:
    for at in range(len(results[0].gains)):
        yield [trial.gains[at] for trial in results]


def precision_by_score(task: Task) -> list[dict[str, Any]]:
    """Of the best documents of each query that score within a band, the part that is relevant.

    With `judged`, of the judged documents alone.
    """
    matcher = TfidfMatcher().fit(task.collection.documents.values())
    names = list(task.collection.documents)
    scored: list[tuple[float, bool]] = []
    for name in task.asked:
        grades, relevant = task.grades(name), task.relevant(name)
        for match in matcher.rank(task.query(name), TOP):
            if not task.judged or names[match.index] in grades:
                scored.append((match.score, names[match.index] in relevant))
    bands = []
    for low, high in zip(_BANDS, [*_BANDS[1:], np.inf], strict=True):
        hits = [hit for score, hit in scored if low <= score < high]
        if hits:
            bands.append({"from": low, "pairs": len(hits), "precision": round(np.mean(hits), 3)})
    return bands

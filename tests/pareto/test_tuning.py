"""Tuned settings: each point is judged at its own best value, chosen on validation."""

import json

from ttrec_cli.pareto import groups
from ttrec_cli.pareto.tuning import best_tuned


def settings(rate: float, **more) -> str:
    return json.dumps({"train": {"learning_rate": rate, "batch_size": 64}, **more})


def tuned_rows(make_row, losses, **changes):
    """`losses`: for each rate those of seeds 0, 1, …; None is a trial that failed."""
    return [
        make_row(
            key=f"{changes}-{rate}-{seed}",
            seed=seed,
            settings=settings(rate),
            tuned=json.dumps({"train.learning_rate": rate}),
            status="diverged" if loss is None else "ok",
            val_logloss=loss,
            **changes,
        )
        for rate, values in losses.items()
        for seed, loss in enumerate(values)
    ]


def rates(rows) -> set[float]:
    return {json.loads(row["settings"])["train"]["learning_rate"] for row in rows}


def test_the_best_mean_by_validation_wins_for_each_point_apart(make_row, make_frame) -> None:
    small = tuned_rows(make_row, {0.1: [0.45, 0.47], 0.2: [0.44, 0.46]}, rank=8)
    large = tuned_rows(make_row, {0.1: [0.43, 0.43], 0.2: [0.41, 0.46]}, rank=64)
    assert rates(best_tuned(small + large)) == {0.1, 0.2}
    (group,) = groups(make_frame(small + large))
    found = {point.rank: json.loads(point.settings)["train"]["learning_rate"] for point in group.points}
    assert found == {8: 0.2, 64: 0.1}
    assert all(point.seeds == (0, 1) for point in group.points)


def test_test_scores_choose_nothing(make_row) -> None:
    rows = tuned_rows(make_row, {0.1: [0.45], 0.2: [0.44]})
    for row, score in zip(rows, (0.1, 0.9), strict=True):
        row["test_logloss"] = score
    assert rates(best_tuned(rows)) == {0.2}


def test_a_value_that_lost_a_seed_does_not_win(make_row) -> None:
    assert rates(best_tuned(tuned_rows(make_row, {0.1: [0.45, 0.45], 0.2: [0.30, None]}))) == {0.1}
    assert rates(best_tuned(tuned_rows(make_row, {0.1: [0.45, None], 0.2: [0.30, None]}))) == {0.2}
    assert rates(best_tuned(tuned_rows(make_row, {0.1: [None], 0.2: [None]}))) == {0.1, 0.2}


def test_nan_never_wins(make_row) -> None:
    assert rates(best_tuned(tuned_rows(make_row, {0.1: [float("nan")], 0.2: [0.9]}))) == {0.2}


def test_other_settings_are_compared_not_tuned(make_row) -> None:
    rows = tuned_rows(make_row, {0.1: [0.45], 0.2: [0.44]})
    other = [row | {"key": row["key"] + "x", "settings": settings(rate, init={"scale": "paper"})}
             for row, rate in zip(rows, (0.1, 0.2), strict=True)]  # fmt: skip
    assert len(best_tuned(rows + other)) == 2


def test_a_row_from_before_the_tuning_takes_part(make_row) -> None:
    first, second = tuned_rows(make_row, {0.1: [0.44], 0.2: [0.45]})
    assert best_tuned([first | {"tuned": None}, second]) == [first | {"tuned": None}]


def test_without_tuning_nothing_is_left_out(make_row) -> None:
    rows = [make_row(rank=rank, settings="not JSON") for rank in (8, 16)]
    assert best_tuned(rows) == rows

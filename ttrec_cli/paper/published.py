"""What the paper printed: TT-Rec, MLSys 2021. Accuracies are in percent, times in milliseconds."""

from collections.abc import Mapping

TABLE_ONE: Mapping[str, float] = {
    "uniform": 79.263,
    "normal-1": 78.123,
    "normal-1/2": 78.371,
    "normal-1/8": 78.823,
    "normal-1/3n": 79.256,
    "normal-1/9n2": 79.220,
}
"""Accuracy of the uncompressed model on Kaggle by its initial distribution; n are the rows, the second number of a
normal distribution its variance."""

TABLE_TWO: Mapping[int, tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]] = {
    10131227: ((200, 220, 250), (135040, 495360, 1891840), (1200, 327, 86)),
    8351593: ((200, 200, 209), (122176, 449152, 1717504), (1094, 297, 78)),
    7046547: ((200, 200, 200), (121600, 448000, 1715200), (927, 252, 66)),
    5461306: ((166, 175, 188), (106944, 393088, 1502976), (817, 222, 58)),
    2202608: ((125, 130, 136), (79264, 291648, 1115776), (445, 121, 32)),
    286181: ((53, 72, 75), (43360, 160448, 615808), (106, 28, 7)),
    142572: ((50, 52, 55), (31744, 116736, 446464), (72, 19, 5)),
}
"""By rows: row factors, parameters and how many times fewer, at ranks 16, 32 and 64."""

TABLE_TWO_RANKS = (16, 32, 64)
TABLE_TWO_MEAN = 181
"""Of the seven ratios at rank 32."""

MODEL_SIZE: Mapping[str, Mapping[tuple[int, int], tuple[float, float]]] = {
    "kaggle": {(7, 32): (117, 1), (5, 32): (48, 1), (3, 32): (4, 1), (7, 8): (221, 1)},
    "terabyte": {(7, 32): (95.5, 0.1), (5, 32): (21.8, 0.1), (3, 32): (2.6, 0.1), (7, 8): (112, 1)},
}
"""By tables compressed and rank: how many times smaller, and the unit of the last digit printed."""

BEST_RANK = {3: 8, 5: 32, 7: 64}
"""By tables compressed on Kaggle."""

ACCURACY_LOSS = (0.03, 0.3)
"""Points of accuracy that tensor trains lose on Kaggle, least and most."""

TERABYTE_ACCURACY = {0: 80.45, 3: 80.975, 7: 80.682}
STEP_MILLISECONDS = {"kaggle": 12.14, "terabyte": 12.64}
STEP_INCREASE = {"kaggle": 7.4, "terabyte": 13.9}
"""Percent over the uncompressed model, on average over tables and ranks."""

TABLES_INCREASE = {"kaggle": 12.5, "terabyte": 11.8}
"""Percent that a step takes longer with 7 tables than with 3."""

KERNEL_SPEEDUP = (2.4, 3.0)
"""Over T3nsor: the text's and the introduction's."""

KERNEL_MEMORY = 10_000
SETTLED_AT = {"kaggle": 0.5, "terabyte": 0.05}
"""Share of the training after which the set of frequent rows stays much the same."""

CACHE_ACCURACY_GAIN = {"kaggle": 0.09, "terabyte": 0.02}
SUFFICIENT_CACHE = 0.0001
WARMUP_TIME = 33
"""Percent that training takes longer with 30 % of warm-up than with 10 %, on Kaggle."""

BREAK_EVEN_HIT_RATE = 0.9

"""From the saved table of predictions to numbers with intervals: every number that is reported is computed here."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import ModuleType

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from ecg_lightning import anomaly_scores, binary_scores, multiclass_scores, multilabel_scores
from ecg_lightning.calibration import Decisions, decide, fit_calibration, fit_thresholds, probabilities
from ecg_lightning.predictions import SIDES, Predictions
from ecg_lightning.standards import Standard, fit_standards

N_BOOT = 1000
MAX_WEIGHTS = 4_000_000  # drawn at a time: replicates times units, 32 MB
GROUP_NAMES = ("macro_auroc", "macro_average_precision", "auroc", "average_precision", "macro_f1")
SCORES = {
    **{"anomaly": anomaly_scores, "binary": binary_scores},
    **{"multiclass": multiclass_scores, "multilabel": multilabel_scores},
}
MIN_GROUP_ROWS = 10  # fewer say nothing of a group


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What the predictions are worth.

    Args:
        metrics: flat names to numbers; one that is not defined (no such beat) is left out, never 0 or NaN.
        temperatures: per fold, what logits are divided by before softmax or sigmoid.
        thresholds: per fold, one calibrated probability per class from which on it is called, that of the second
            class if binary; empty if multiclass.
        per_patient: one row per patient and side: patient, side, n_windows, two or three scores, and n_<class>. The
            scores are accuracy and macro_f1 over the classes the patient has, and if anomaly or binary auroc, NaN where
            the patient has but one; if multilabel subset_accuracy and hamming_loss, of patients of several windows
            alone.
        offsets: per fold and output, what is added to the logit after the temperature, if binary or multilabel; else
            empty.
        standards: per fold, mean and standard deviation of each part of the score that counts, over normal validation
            rows, if anomaly; else empty.
    """

    metrics: dict[str, float]
    temperatures: dict[int, float]
    thresholds: dict[int, tuple[float, ...]]
    per_patient: pd.DataFrame
    offsets: dict[int, tuple[float, ...]] = field(default_factory=dict)
    standards: dict[int, Standard] = field(default_factory=dict)


def evaluate(predictions: Predictions, n_boot: int = N_BOOT) -> Evaluation:
    """Compute every number, with 95 % intervals from a bootstrap over patients.

    The temperature comes first, with an offset per output that says yes or no, then thresholds on calibrated
    probabilities, all from validation rows alone (`predictions.FITTED_ON`). If multiclass the class with the largest
    logit is called, which the temperature does not change; it changes probabilities, and with them `nll`, `ece` and,
    slightly, the ranking scores. Anomalies have no probability, but a score and its threshold, from normal validation
    rows alone. A bootstrap replicate averages over the classes that it holds, as the number itself does. Fewer than two
    patients, or n_boot=0, give no interval.
    """
    temperatures, offsets, standards, thresholds, rows = _decided(predictions)
    numbers: dict[str, float] = {}
    if len(temperatures) == 1:
        fold = next(iter(temperatures))
        limits, standard = thresholds.get(fold, ()), standards.get(fold, ())
        numbers |= stated_calibration(predictions, temperatures[fold], limits, offsets.get(fold, ()), standard)
    for side in SIDES:
        part = rows.where(rows.column("side") == side)
        if len(part.p):
            numbers |= {f"{side}/{name}": value for name, value in numbers_of(part, n_boot).items()}
    numbers |= _numbers_of_groups(rows, n_boot) | _numbers_without(rows) | _numbers_over_folds(rows)
    patients = _scores_of(predictions).per_patient(rows)
    return Evaluation(_defined(numbers), temperatures, thresholds, patients, offsets, standards)


def decisions(predictions: Predictions) -> Decisions:
    """What is called of every row, as `evaluate` has it: each fold by its own validation rows."""
    return _decided(predictions)[-1]


def headline_names(predictions: Predictions) -> list[str]:
    """Numbers that come first wherever results are shown; some may be undefined in a run."""
    if predictions.problem == "multilabel":
        return list(multilabel_scores.HEADLINE)
    return list(_scores_of(predictions).headline_names(predictions))


def without_names(predictions: Predictions) -> list[str]:
    """Numbers that test/without_<record>/ holds, beside n_classes and f1/<class>."""
    if predictions.problem == "multilabel":
        return list(multilabel_scores.WITHOUT)
    return list(_scores_of(predictions).without_names(predictions))


def stated_calibration(
    predictions: Predictions,
    temperature: float,
    thresholds: tuple[float, ...] = (),
    offsets: tuple[float, ...] = (),
    standard: Standard = (),
) -> dict[str, float]:
    """Name temperature, offsets and thresholds, which come in the order of the logits, as numbers are.

    If anomaly, the threshold of the score and the standard of its parts, and nothing else.
    """
    if predictions.problem == "anomaly":
        parts = dict(zip(predictions.score, standard, strict=False))
        limit = dict(zip(["calibration/threshold"], thresholds, strict=False))
        means = {f"calibration/mean/{part}": mean for part, (mean, _) in parts.items()}
        return limit | means | {f"calibration/sd/{part}": sd for part, (_, sd) in parts.items()}
    named = dict(zip(predictions.outputs, thresholds, strict=False))
    limits = {f"calibration/threshold/{name}": value for name, value in named.items()}
    named = dict(zip(predictions.outputs, offsets, strict=False))
    moved = {f"calibration/offset/{name}": value for name, value in named.items()}
    return {"calibration/temperature": temperature, **moved, **limits}


def _decided(
    predictions: Predictions,
) -> tuple[
    dict[int, float], dict[int, tuple[float, ...]], dict[int, Standard], dict[int, tuple[float, ...]], Decisions
]:
    """Temperatures, offsets, standards and thresholds by fold, and what follows for every row."""
    temperatures, offsets = fit_calibration(predictions)
    standards = fit_standards(predictions)
    p = probabilities(predictions, temperatures, offsets, standards)
    thresholds = fit_thresholds(predictions, p)
    return temperatures, offsets, standards, thresholds, decide(predictions, p, thresholds)


def _scores_of(predictions: Predictions) -> ModuleType:
    return SCORES[predictions.problem]


def numbers_of(rows: Decisions, n_boot: int) -> dict[str, float]:
    """Scores of all of these rows, then their intervals; NaN where one is not defined."""
    everyone, weight = np.zeros(len(rows.p), dtype=np.int64), np.ones((1, 1))
    numbers = {name: float(value[0]) for name, value in replicates(rows, everyone, weight).items()}
    scores = _scores_of(rows.about)
    numbers |= {**scores.other_scores(rows), "n_classes": scores.n_classes(rows)}
    numbers |= {"n_windows": len(rows.p), "n_patients": rows.about.table["patient"].nunique()}
    return numbers | _intervals(rows, numbers, n_boot)


def _intervals(rows: Decisions, numbers: dict[str, float], n_boot: int) -> dict[str, float]:
    """Percentile intervals over replicates that draw whole patients (or records) with replacement, without their bias.

    A replicate that draws a rare class's only rows twice, or not at all, scores higher or lower on average than the
    rows themselves: the replicates are shifted so that their mean is the number.
    """
    unit, names = pd.factorize(rows.column(rows.about.resample))
    if n_boot == 0 or len(names) < 2:
        return {}
    drawn: defaultdict[str, list[Float[np.ndarray, " replicate"]]] = defaultdict(list)
    for weight in weights(len(names), n_boot, rows.about.seed):
        for name, values in replicates(rows, unit, weight).items():
            drawn[name].append(values)
    limits = {}
    for name, parts in drawn.items():
        values = np.concatenate(parts)
        there = values[~np.isnan(values)]
        if len(there) and not np.isnan(numbers[name]):
            shifted = np.quantile(there, [0.025, 0.975]) + (numbers[name] - there.mean())
            least = -1.0 if there.min() < 0 else 0.0  # kappa alone may lie below 0
            limits[f"{name}_low"], limits[f"{name}_high"] = np.clip(shifted, least, 1.0).tolist()
    return limits


def weights(n_units: int, n_boot: int, seed: int) -> Iterator[Float[np.ndarray, "replicate unit"]]:
    """How often each replicate draws each unit; as many replicates at a time as memory may hold."""
    rng, share = np.random.default_rng(seed), np.full(n_units, 1 / n_units)
    size = max(1, MAX_WEIGHTS // n_units)
    for start in range(0, n_boot, size):
        yield rng.multinomial(n_units, share, size=min(size, n_boot - start)).astype(np.float64)


def replicates(
    rows: Decisions, unit: Int[np.ndarray, " row"], weight: Float[np.ndarray, "replicate unit"]
) -> dict[str, Float[np.ndarray, " replicate"]]:
    """Every score that gets an interval, one value per replicate; NaN where it is not defined."""
    scores = _scores_of(rows.about)
    return {**scores.decision_scores(rows, unit, weight), **scores.ranking_scores(rows, unit, weight)}


def _numbers_of_groups(rows: Decisions, n_boot: int) -> dict[str, float]:
    """Test scores of every group that is large enough."""
    numbers: dict[str, float] = {}
    wanted = {f"{name}{end}" for name in GROUP_NAMES for end in ("", "_low", "_high")}
    wanted |= {"n_windows", "n_patients", "n_classes"}
    test = rows.column("side") == "test"
    for group in rows.about.groups:
        value = rows.column(f"group_{group}")
        for word in sorted(set(value[test])):
            part = rows.where(test & (value == word))
            if len(part.p) >= MIN_GROUP_ROWS:
                found = numbers_of(part, n_boot)
                numbers |= {f"test/{group}_{word}/{name}": found[name] for name in found if name in wanted}
    return numbers


def _numbers_over_folds(rows: Decisions) -> dict[str, float]:
    """Mean and standard deviation (n - 1) of headline numbers over the folds that have them, and how many have."""
    numbers: dict[str, float] = {}
    fold, side = rows.column("fold"), rows.column("side")
    if len(np.unique(fold)) < 2:
        return numbers
    for one in SIDES:
        found = defaultdict(list)
        for number in np.unique(fold[side == one]):
            part = rows.where((side == one) & (fold == number))
            everyone = np.zeros(len(part.p), dtype=np.int64)
            own = {name: float(value[0]) for name, value in replicates(part, everyone, np.ones((1, 1))).items()}
            own |= _scores_of(part.about).other_scores(part)
            for name in headline_names(part.about):
                if not np.isnan(own.get(name, np.nan)):
                    found[name].append(own[name])
        for name, values in found.items():
            spread = {"fold_sd": float(np.std(values, ddof=1))} if len(values) > 1 else {}
            over = {"fold_mean": float(np.mean(values)), **spread, "fold_n": len(values)}
            numbers |= {f"{one}/{name}_{word}": value for word, value in over.items()}
    return numbers


def _numbers_without(rows: Decisions) -> dict[str, float]:
    """Test scores once more for each record that is known to carry them."""
    numbers: dict[str, float] = {}
    names = {*without_names(rows.about), *(f"f1/{name}" for name in rows.about.classes)}
    record, test = rows.column("record"), rows.column("side") == "test"
    for left_out in rows.about.without:
        rest = rows.where(test & (record != left_out))
        if (test & (record == left_out)).any() and len(rest.p):
            everyone, scores = np.zeros(len(rest.p), dtype=np.int64), _scores_of(rows.about)
            found = replicates(rest, everyone, np.ones((1, 1)))
            chosen = {name: float(value[0]) for name, value in found.items() if name in names}
            chosen["n_classes"] = scores.n_classes(rest)
            numbers |= {f"test/without_{left_out}/{name}": value for name, value in chosen.items()}
    return numbers


def _defined(numbers: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in numbers.items() if not np.isnan(value)}

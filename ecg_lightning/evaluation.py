"""From the saved table of predictions to numbers with intervals: every number that is reported is computed here."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int, Num, Shaped
from scipy.optimize import minimize_scalar

from ecg_lightning import metrics
from ecg_lightning.predictions import SIDES, Predictions

N_BOOT = 1000
MAX_RANKED_UNITS = 3000  # pairs of units grow with the square: beyond this an AUROC gets no interval
TEMPERATURE_LIMITS = (0.05, 20.0)  # where every row is called right the best temperature would be 0


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What the predictions are worth.

    Args:
        metrics: flat names to numbers; one that is not defined (no such beat) is left out, never 0 or NaN.
        temperatures: per fold, what logits are divided by before softmax.
        per_patient: one row per patient and side: patient, side, n_windows, accuracy, macro_f1 over the classes
            the patient has, and n_<class>.
    """

    metrics: dict[str, float]
    temperatures: dict[int, float]
    per_patient: pd.DataFrame


def evaluate(predictions: Predictions, n_boot: int = N_BOOT) -> Evaluation:
    """Compute every number, with 95 % intervals from a bootstrap over patients.

    The class that is called is the one with the largest logit, which the temperature does not change; it changes
    probabilities, and with them `nll` and, slightly, the ranking scores. A bootstrap replicate averages over the
    classes that it holds, as the number itself does. Fewer than two patients, or n_boot=0, give no interval.
    """
    temperatures = fit_temperatures(predictions)
    rows = _Rows(predictions, probabilities(predictions, temperatures), predictions.logits.argmax(axis=1))
    numbers: dict[str, float] = {}
    if len(temperatures) == 1:
        numbers["calibration/temperature"] = next(iter(temperatures.values()))
    for side in SIDES:
        part = rows.where(rows.column("side") == side)
        if len(part.p):
            found = _numbers(part) | _intervals(part, n_boot)
            numbers |= {f"{side}/{name}": value for name, value in found.items()}
    numbers |= _numbers_without(rows)
    return Evaluation(_defined(numbers), temperatures, _per_patient(rows))


def headline_names(predictions: Predictions) -> list[str]:
    """Numbers that come first wherever results are shown; some may be undefined in a run."""
    own = [predictions.headline_name] if predictions.headline_classes else []
    return ["accuracy", "macro_f1", *own, "kappa", "jk_index", "macro_auroc"]


def with_interval(numbers: dict[str, float], name: str) -> str:
    """Write a number as people read it: "0.944 [0.931, 0.957]"; nothing where it is undefined."""
    if name not in numbers:
        return ""
    limits = f" [{numbers[f'{name}_low']:.3f}, {numbers[f'{name}_high']:.3f}]" if f"{name}_low" in numbers else ""
    return f"{numbers[name]:.3f}{limits}"


def probabilities(predictions: Predictions, temperatures: dict[int, float]) -> Float[np.ndarray, "row class"]:
    """Turn logits into calibrated probabilities, each row by its own fold's temperature."""
    fold = predictions.table["fold"].map(temperatures).to_numpy(dtype=np.float64)
    return np.exp(_log_softmax(predictions.logits / fold[:, None]))


def fit_temperatures(predictions: Predictions) -> dict[int, float]:
    """Fit one temperature per fold, from its validation rows alone; 1 where a fold has none."""
    fold, validates = predictions.table["fold"].to_numpy(), predictions.table["side"].to_numpy() == "val"
    logits, label = predictions.logits, predictions.label
    rows = {int(k): (fold == k) & validates for k in np.unique(fold)}
    return {k: fit_temperature(logits[chosen], label[chosen]) for k, chosen in rows.items()}


def fit_temperature(logits: Float[np.ndarray, "row class"], label: Int[np.ndarray, " row"]) -> float:
    """Find the number to divide logits by that makes the labels likeliest; 1 without rows.

    Source:
        Guo et al., On Calibration of Modern Neural Networks, ICML 2017.
    """
    if not len(label):
        return 1.0
    low, high = np.log(TEMPERATURE_LIMITS)
    best = minimize_scalar(lambda log_t: _nll(logits / np.exp(log_t), label), bounds=(low, high), method="bounded")
    return float(np.exp(best.x))


@dataclass(frozen=True, eq=False)
class _Rows:
    """Rows of the table with what follows from their logits."""

    about: Predictions
    p: Float[np.ndarray, "row class"]
    predicted: Int[np.ndarray, " row"]

    def where(self, chosen: Bool[np.ndarray, " row"]) -> "_Rows":
        part = replace(self.about, table=self.about.table[chosen])
        return _Rows(part, self.p[chosen], self.predicted[chosen])

    def column(self, name: str) -> Shaped[np.ndarray, " row"]:
        return self.about.table[name].to_numpy()

    def counts(self, unit: Int[np.ndarray, " row"], n_units: int) -> Int[np.ndarray, "unit class class"]:
        return metrics.confusion_per_group(self.about.label, self.predicted, len(self.about.classes), unit, n_units)


def _numbers(rows: _Rows) -> dict[str, float]:
    """Scores of all rows, without intervals."""
    label, everyone = rows.about.label, np.zeros(len(rows.p), dtype=np.int64)
    counts, weight = rows.counts(everyone, 1), np.ones((1, 1))
    arrays = _scores(rows.about, counts) | _ranking(rows, everyone, weight)
    numbers = {name: float(value[0]) for name, value in arrays.items()}
    for index, name in enumerate(rows.about.classes):
        numbers[f"average_precision/{name}"] = metrics.average_precision(rows.p[:, index], label == index)
    numbers["nll"] = float(-np.log(np.maximum(rows.p[np.arange(len(label)), label], 1e-300)).mean())
    sizes = {"n_classes": len(np.unique(label)), "n_windows": len(label)}
    return numbers | sizes | {"n_patients": len(np.unique(rows.column("patient")))}


def _intervals(rows: _Rows, n_boot: int) -> dict[str, float]:
    """Percentile intervals over replicates that draw whole patients (or records) with replacement."""
    unit, names = pd.factorize(rows.column(rows.about.resample))
    n_units = len(names)
    if n_boot == 0 or n_units < 2:
        return {}
    rng = np.random.default_rng(rows.about.seed)
    weight = rng.multinomial(n_units, np.full(n_units, 1 / n_units), size=n_boot).astype(np.float64)
    drawn = _scores(rows.about, np.tensordot(weight, rows.counts(unit, n_units), axes=1))
    if n_units <= MAX_RANKED_UNITS:
        drawn |= _ranking(rows, unit, weight)
    limits = {}
    for name, replicates in drawn.items():
        there = replicates[~np.isnan(replicates)]
        if len(there):
            limits[f"{name}_low"], limits[f"{name}_high"] = map(float, np.quantile(there, [0.025, 0.975]))
    return limits


def _scores(about: Predictions, counts: Num[np.ndarray, "replicate class class"]) -> dict[str, np.ndarray]:
    """Everything that follows from confusion matrices, one value per replicate."""
    per_class = {"f1": metrics.f1(counts), "sensitivity": metrics.sensitivity(counts)}
    per_class["precision"] = metrics.precision(counts)
    scores = {"accuracy": metrics.accuracy(counts), "macro_f1": metrics.macro(per_class["f1"])}
    if about.headline_classes:
        chosen = [about.classes.index(name) for name in about.headline_classes]
        scores[about.headline_name] = metrics.macro(per_class["f1"], chosen)
    scores["kappa"] = metrics.kappa(counts)
    if {"S", "V", "F"} <= set(about.classes):
        scores["jk_index"] = metrics.jk_index(counts, *(about.classes.index(name) for name in "SVF"))
    for kind, values in per_class.items():
        scores |= {f"{kind}/{name}": values[:, index] for index, name in enumerate(about.classes)}
    return scores


def _ranking(
    rows: _Rows, unit: Int[np.ndarray, " row"], weight: Float[np.ndarray, "replicate unit"]
) -> dict[str, np.ndarray]:
    """AUROC of each class against the rest, exactly, one value per replicate."""
    n_units, areas = weight.shape[1], {}
    size = weight @ np.bincount(unit, minlength=n_units)
    for index, name in enumerate(rows.about.classes):
        positive = rows.about.label == index
        pairs = metrics.concordance(rows.p[:, index], positive, unit, n_units)
        n_positive = weight @ np.bincount(unit[positive], minlength=n_units)
        n_pairs = n_positive * (size - n_positive)
        outranked = ((weight @ pairs) * weight).sum(axis=1)
        areas[f"auroc/{name}"] = np.where(n_pairs > 0, outranked / np.maximum(n_pairs, 1), np.nan)
    return {"macro_auroc": metrics.macro(np.stack(list(areas.values()), axis=-1))} | areas


def _numbers_without(rows: _Rows) -> dict[str, float]:
    """Test scores once more for each record that is known to carry them."""
    numbers: dict[str, float] = {}
    record, test = rows.column("record"), rows.column("side") == "test"
    for left_out in rows.about.without:
        rest = rows.where(test & (record != left_out))
        if (test & (record == left_out)).any() and len(rest.p):
            scores = _scores(rows.about, rest.counts(np.zeros(len(rest.p), dtype=np.int64), 1))
            chosen = {name: value for name, value in scores.items() if name.startswith(("accuracy", "macro_f1", "f1/"))}
            numbers |= {f"test/without_{left_out}/{name}": float(value[0]) for name, value in chosen.items()}
            numbers[f"test/without_{left_out}/n_classes"] = len(np.unique(rest.about.label))
    return numbers


def _per_patient(rows: _Rows) -> pd.DataFrame:
    owner = rows.about.table[["patient", "side"]]
    unit = owner.groupby(["patient", "side"], sort=True).ngroup().to_numpy()
    table = owner.assign(unit=unit).drop_duplicates().sort_values("unit")[["patient", "side"]].reset_index(drop=True)
    counts = rows.counts(unit, len(table))
    scores = table.assign(
        n_windows=counts.sum((1, 2)), accuracy=metrics.accuracy(counts), macro_f1=metrics.macro(metrics.f1(counts))
    )
    return scores.assign(**{f"n_{name}": counts[:, index].sum(-1) for index, name in enumerate(rows.about.classes)})


def _defined(numbers: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in numbers.items() if not np.isnan(value)}


def _nll(logits: Float[np.ndarray, "row class"], label: Int[np.ndarray, " row"]) -> float:
    return float(-_log_softmax(logits)[np.arange(len(label)), label].mean())


def _log_softmax(logits: Float[np.ndarray, "row class"]) -> Float[np.ndarray, "row class"]:
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))

"""From logits to probabilities that mean what they say, and from these to decisions; by validation rows alone."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit

from ecg_lightning.predictions import Predictions
from ecg_lightning.standards import Standard, fit_limits, fit_standards, scores

TEMPERATURE_LIMITS = (0.05, 20.0)  # where every row is called right the best temperature would be 0
NO_CHOICE = 0.5  # the threshold of a class that validation rows do not hold


@dataclass(frozen=True, eq=False)
class Decisions:
    """Rows of the table with what follows from their logits.

    Args:
        about: the rows.
        p: calibrated probabilities, if binary of both classes; if anomaly the score, in one column.
        called: class index per row; if multilabel yes or no per row and class.
    """

    about: Predictions
    p: Float[np.ndarray, "row class"]
    called: Int[np.ndarray, " row"] | Bool[np.ndarray, "row class"]

    def where(self, chosen: Bool[np.ndarray, " row"]) -> "Decisions":
        part = replace(self.about, table=self.about.table[chosen])
        return Decisions(part, self.p[chosen], self.called[chosen])

    def column(self, name: str) -> Shaped[np.ndarray, " row"]:
        return self.about.table[name].to_numpy()


def decide(
    predictions: Predictions, p: Float[np.ndarray, "row class"], thresholds: dict[int, tuple[float, ...]]
) -> Decisions:
    """Call the class of the largest logit if multiclass, else every class that reaches its threshold.

    If binary the second class is called from its threshold on, and else the first; if anomaly likewise, by the score.
    """
    if predictions.problem == "multiclass":
        return Decisions(predictions, p, predictions.logits.argmax(axis=1))
    asked = p[:, 1:] if predictions.problem == "binary" else p
    limits = np.array([thresholds[int(fold)] for fold in predictions.table["fold"]]).reshape(asked.shape)
    answer = called(asked, limits)
    return Decisions(predictions, p, answer if predictions.problem == "multilabel" else answer[:, 0].astype(np.int64))


def probabilities(
    predictions: Predictions,
    temperatures: Mapping[int, float],
    offsets: Mapping[int, tuple[float, ...]],
    standards: Mapping[int, Standard] | None = None,
) -> Float[np.ndarray, "row class"]:
    """Turn logits into calibrated probabilities, each row by its own fold's temperature, and offsets where it has any.

    If anomaly there are none: it is the score, in one column, by these standards, or by those that the predictions'
    own validation rows give.
    """
    if predictions.problem == "anomaly":
        return scores(predictions, fit_standards(predictions) if standards is None else standards)[:, None]
    fold = predictions.table["fold"]
    scaled = predictions.logits / fold.map(temperatures).to_numpy(dtype=np.float64)[:, None]
    if offsets:
        scaled = scaled + np.array([offsets[int(number)] for number in fold]).reshape(scaled.shape)
    return _probabilities(scaled, predictions.problem)


def uncalibrated(predictions: Predictions) -> Float[np.ndarray, "row class"]:
    """Turn logits into the probabilities that the network itself states."""
    return _probabilities(predictions.logits, predictions.problem)


def called(
    p: Float[np.ndarray, "row class"], thresholds: Float[np.ndarray, "#row class"]
) -> Bool[np.ndarray, "row class"]:
    """Decide which classes each row has: those whose probability reaches the threshold."""
    return p >= thresholds


def fit_calibration(predictions: Predictions) -> tuple[dict[int, float], dict[int, tuple[float, ...]]]:
    """Fit one temperature per fold, and an offset per output that says yes or no, from its validation rows alone.

    If multiclass there is no offset. A score of anomalies is no logit: its temperature is 1, without an offset.
    """
    logits, label, chosen = predictions.logits, predictions.label, predictions.fitted_on()
    if predictions.problem == "anomaly":
        return dict.fromkeys(chosen, 1.0), {}
    if predictions.problem == "multiclass":
        return {fold: fit_temperature(logits[rows], label[rows]) for fold, rows in chosen.items()}, {}
    positive = (label == 1).reshape(logits.shape)
    both = {fold: fit_lines(logits[rows], positive[rows]) for fold, rows in chosen.items()}
    return {fold: pair[0] for fold, pair in both.items()}, {fold: pair[1] for fold, pair in both.items()}


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


def fit_lines(
    logits: Float[np.ndarray, "row out"], positive: Bool[np.ndarray, "row out"]
) -> tuple[float, tuple[float, ...]]:
    """Find one temperature and an offset per output for which sigmoid(logit / temperature + offset) fits best.

    That is where the labels are likeliest, over all pairs of row and output. Weighted losses, samplers that balance
    classes and the largest of several crops move the logits of an output by about a constant, which no temperature can
    take back. An output whose rows are all of one answer has no best offset: it keeps 0 and does not count; where all
    are so, or without rows, the temperature is 1.

    Source:
        Platt, Probabilistic outputs for support vector machines, 1999; King and Zeng, Logistic regression in rare
        events data, Political Analysis 9:137-163 (2001), on the constant. The truth is taken as it is, 0 or 1.
    """
    offsets, both = np.zeros(logits.shape[1]), positive.any(axis=0) & ~positive.all(axis=0)
    if not both.any():
        return 1.0, tuple(offsets.tolist())
    truth, z = positive[:, both], logits[:, both].astype(np.float64)
    centre = z.mean(axis=0)
    spread = float((z - centre).std()) or 1.0
    z = (z - centre) / spread  # else slope and offsets would hang together, and the search stop short

    def nll(line: Float[np.ndarray, " n"]) -> tuple[float, Float[np.ndarray, " n"]]:
        scaled = line[0] * z + line[1:]
        wrong = (expit(scaled) - truth) / z.size
        value = float(np.mean(np.logaddexp(0.0, scaled) - truth * scaled))
        return value, np.array([np.sum(wrong * z), *wrong.sum(axis=0)])

    steepest, flattest = (spread / limit for limit in TEMPERATURE_LIMITS)
    bounds = [(flattest, steepest), *[(None, None)] * len(centre)]
    best = minimize(nll, (spread, *centre), jac=True, method="L-BFGS-B", bounds=bounds, tol=1e-12)
    temperature = spread / float(best.x[0])
    offsets[both] = best.x[1:] - centre / temperature
    return temperature, tuple(offsets.tolist())


def fit_thresholds(predictions: Predictions, p: Float[np.ndarray, "row class"]) -> dict[int, tuple[float, ...]]:
    """Fit one threshold per fold and class on calibrated probabilities of its validation rows.

    None if multiclass, that of the second class if binary; if anomaly that of the score, by its own rule.
    """
    if predictions.problem == "multiclass":
        return {}
    if predictions.problem == "anomaly":
        return fit_limits(predictions, p[:, 0])
    chosen, positive = predictions.fitted_on(), predictions.label == 1
    if predictions.problem == "binary":
        least = predictions.least_specificity
        return {fold: (_of_two(p[rows, 1], positive[rows], least),) for fold, rows in chosen.items()}
    return {
        fold: tuple(best_threshold(p[rows, k], positive[rows, k]) for k in range(p.shape[1]))
        for fold, rows in chosen.items()
    }


def _of_two(p: Float[np.ndarray, " row"], positive: Bool[np.ndarray, " row"], least_specificity: float | None) -> float:
    if least_specificity is None:
        return best_threshold(p, positive)
    return most_sensitive_threshold(p, positive, least_specificity)


def best_threshold(p: Float[np.ndarray, " row"], positive: Bool[np.ndarray, " row"]) -> float:
    """Find the probability from which on calling a class gives the best F1 on these rows.

    It lies midway between two neighbouring probabilities that occur, the lowest midway to 0. Of several with the
    same F1 it is the highest, which calls least. Where the class is absent it is 0.5.
    """
    if not positive.any():
        return NO_CHOICE
    values, place = np.unique(p, return_inverse=True)  # ascending
    found = np.bincount(place, weights=positive)[::-1].cumsum()[::-1]
    n_called = np.bincount(place)[::-1].cumsum()[::-1]
    f1 = 2 * found / (n_called + positive.sum())
    return _from(values, len(values) - 1 - int(np.argmax(f1[::-1])))


def most_sensitive_threshold(
    p: Float[np.ndarray, " row"], positive: Bool[np.ndarray, " row"], least_specificity: float
) -> float:
    """Find the probability from which on calling finds the most positives, and still lets enough negatives be.

    Args:
        p: of the positive class.
        positive: which rows are of it.
        least_specificity: share of the negatives that must not be called.

    Returns:
        Midway between two neighbouring probabilities, as `best_threshold` does, and of several that find as many the
        highest. Above all of them where no positive can be found so; 0.5 where rows are of one class.
    """
    if positive.all() or not positive.any():
        return NO_CHOICE
    values, place = np.unique(p, return_inverse=True)  # ascending
    found = np.bincount(place, weights=positive)[::-1].cumsum()[::-1]
    negatives = np.bincount(place, weights=~positive)
    allowed = (negatives.cumsum() - negatives) / negatives.sum() >= least_specificity
    if not found[allowed].any():
        return float((values[-1] + 1) / 2 if values[-1] < 1 else np.nextafter(1.0, 2.0))
    return _from(values, int(np.flatnonzero(found == found[allowed].max())[-1]))


def _from(values: Float[np.ndarray, " value"], first: int) -> float:
    """Midway between the first of some ascending values that is called and the one below it, or 0."""
    below = values[first - 1] if first else 0.0
    midway = (below + values[first]) / 2
    return float(midway if midway > below else values[first])


def _nll(logits: Float[np.ndarray, "row class"], label: Int[np.ndarray, " row"]) -> float:
    """Mean negative log-likelihood of the labels."""
    return float(-_log_softmax(logits)[np.arange(len(label)), label].mean())


def _probabilities(logits: Float[np.ndarray, "row out"], problem: str) -> Float[np.ndarray, "row class"]:
    if problem == "binary":
        return expit(np.concatenate([-logits, logits], axis=1))
    return expit(logits) if problem == "multilabel" else np.exp(_log_softmax(logits))


def _log_softmax(logits: Float[np.ndarray, "row class"]) -> Float[np.ndarray, "row class"]:
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))

"""What is said of anomalies: what the score is, and from where on it calls one."""

from collections.abc import Mapping

from ecg_lightning.predictions import Predictions
from ecg_lightning.standards import rule

PARTS = {
    "mae": "mean absolute error",
    "weighted": "weighted error",
    "latent": "latent distance",
    "rhythm": "rhythm distance",
}


def called_anomaly(about: Predictions, numbers: Mapping[str, float]) -> str:
    """By which score and from where on a window is an anomaly, and what the other numbers beside mean."""
    limit = numbers.get("calibration/threshold")
    value = "its threshold" if limit is None else f"a score of {limit:.4g}"
    return (
        f"The score is the {score_words(about)}; it is no probability. Of its parts those in bold count. A window is "
        f"called {about.classes[1]} from {value} on: {rule(about)}. 'Always anomaly' is what calling every window so "
        "scores. The oracle takes the threshold of the best F1 on the very rows that it is scored on: nobody could "
        "have had it."
    )


def score_words(about: Predictions) -> str:
    """What tells anomalies."""
    known = [PARTS.get(part, part) for part in about.score]
    return known[0] if len(known) == 1 else f"mean of {' and '.join(known)}, each standardised"

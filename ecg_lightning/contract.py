"""What a trained network needs to be used by someone else, as plain JSON."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from math import inf, isfinite
from typing import Any

from ecg_lightning.features import Features
from ecg_lightning.prepare import Preprocess, latency_ms
from ecg_lightning.windowing import Crops, Segments, Window

VERSION = 5
AGGREGATIONS = {"beat": Window, "crops": Crops, "segments": Segments}  # how answers follow from windows


def _from_1(found: dict[str, Any]) -> dict[str, Any]:
    """Version 1 knew beats in millivolts alone, and their most likely class."""
    return found | {"problem": "multiclass", "preprocess": found["preprocess"] | {"unit": "mV"}}


def _from_2(found: dict[str, Any]) -> dict[str, Any]:
    """Version 2 knew no other beats than those that come with a record, and no offset."""
    return found | {"preprocess": found["preprocess"] | {"beats": "annotated"}, "offset": 0.0}


def _from_3(found: dict[str, Any]) -> dict[str, Any]:
    """Version 3 knew no score: its networks gave logits."""
    return found | {"score": None}


def _from_4(found: dict[str, Any]) -> dict[str, Any]:
    """Version 4 had an offset for two classes alone."""
    return found | {"offsets": [found["offset"]] if found["problem"] == "binary" else []}


Upgrade = Callable[[dict[str, Any]], dict[str, Any]]
UPGRADES: Mapping[int, Upgrade] = {1: _from_1, 2: _from_2, 3: _from_3, 4: _from_4}  # each to the next


class BadBundle(ValueError):
    """A bundle that cannot be used; the message says which and why."""


@dataclass(frozen=True)
class Score:
    """How one number comes from the parts that a network scores: how far a window is from normal ones.

    A single part is the score, in its own unit; of several it is the mean of (part - mean) / sd.

    Args:
        parts: that count, e.g. ("mae",) or ("latent", "rhythm").
        mean: of each part, over normal validation rows.
        sd: likewise, their standard deviation.
        rule: how the threshold was found, in words.

    Raises:
        BadBundle: there is no part, or not one mean and one standard deviation for each.
    """

    parts: tuple[str, ...]
    mean: tuple[float, ...]
    sd: tuple[float, ...]
    rule: str

    def __post_init__(self) -> None:
        if not self.parts or not len(self.parts) == len(self.mean) == len(self.sd):
            raise BadBundle(
                f"the score of parts={list(self.parts)} takes one mean and one sd for each, not mean={self.mean} and "
                f"sd={self.sd}: train again"
            )


@dataclass(frozen=True)
class Contract:
    """Everything about a trained network but its weights.

    Args:
        task: what it was trained for.
        network: its class, e.g. "ecg_lightning.models.hybrid_cnn.HybridCNN".
        arguments: of its constructor; plain values.
        produces: what it gives, e.g. "logits" or "reconstruction".
        problem: "multiclass", where the likeliest class is called, "multilabel", where each has its threshold,
            "binary", where one output tells whether it is the second of two, or "anomaly", where one score does.
        classes: in the order of its outputs; if anomaly or binary the negative one first.
        class_names: long names.
        preprocess: what is done to a record, leads and sampling rate included.
        window: what is cut round each R peak, the crops of a whole recording, or the stretches that follow one another.
        features: numbers beside the ECG that it takes.
        feature_mean: of the training rows; the network standardises.
        feature_std: likewise.
        temperature: logits are divided by it before they become probabilities; from validation rows.
        thresholds: per output, on calibrated probabilities, from validation rows; None where the likeliest is called;
            if anomaly that of the score, from normal validation rows.
        patients: ids on each side, {"train": [...], "val": [...], "test": [...]}.
        data: what it learned from: corpus, fingerprint, synthetic, licence.
        tags: what a reader of the numbers must know.
        test: the numbers of the test rows; empty where they were not scored.
        package_version: that wrote it.
        extra_channels: rows of each of the other signals that it takes, by name.
        offsets: per output, added to the logit after the temperature, if binary or multilabel; from validation rows;
            none where nothing is added.
        score: if anomaly, what the threshold is for; None where there are logits.

    Raises:
        BadBundle: it tells two classes apart, but has another number of classes or of thresholds; or there is not an
            offset for each output; or it has a score and is not about anomalies, or the other way round.
    """

    task: str
    network: str
    arguments: Mapping[str, Any]
    produces: str
    problem: str
    classes: tuple[str, ...]
    class_names: Mapping[str, str]
    preprocess: Preprocess
    window: Window | Crops | Segments
    features: Features
    feature_mean: tuple[float, ...]
    feature_std: tuple[float, ...]
    temperature: float
    thresholds: tuple[float, ...] | None
    patients: Mapping[str, tuple[str, ...]]
    data: Mapping[str, Any]
    tags: Mapping[str, str]
    test: Mapping[str, float]
    package_version: str = version("ecg-lightning")
    extra_channels: Mapping[str, int] = field(default_factory=dict)
    offsets: tuple[float, ...] = ()
    score: Score | None = None

    def __post_init__(self) -> None:
        if not 0 < self.temperature < inf:
            raise BadBundle(f"temperature={self.temperature} must be positive and finite: train again")
        of_two = self.problem in ("anomaly", "binary")
        if of_two and (len(self.classes), len(self.thresholds or ())) != (2, 1):
            raise BadBundle(
                f"problem={self.problem} takes two classes and one threshold, not classes={list(self.classes)} and "
                f"thresholds={self.thresholds}: train again"
            )
        n_offsets = {"binary": 1, "multilabel": len(self.classes)}.get(self.problem, 0)
        if len(self.offsets) not in (0, n_offsets):
            raise BadBundle(
                f"problem={self.problem} of {len(self.classes)} classes takes {n_offsets} offsets or none, not "
                f"offsets={list(self.offsets)}: train again"
            )
        if (self.problem == "anomaly") != (self.score is not None):
            raise BadBundle(f"problem={self.problem} with score={self.score}: anomalies alone have one; train again")

    def to_json(self) -> str:
        """Write the contract, with what follows from it said as well.

        Raises:
            BadBundle: a value is not plain.
        """
        preprocess = asdict(self.preprocess)
        leads, fs_hz, mode = (preprocess.pop(name) for name in ("leads", "fs_hz", "mode"))
        latency, reason = latency_ms(self.preprocess, self.window, self.features)
        content = {
            "contract": VERSION,
            "package_version": self.package_version,
            "task": self.task,
            "network": {"class": self.network, "arguments": dict(self.arguments)},
            "inputs": self._inputs(),
            "produces": self.produces,
            "problem": self.problem,
            "classes": self.classes,
            "class_names": dict(self.class_names),
            "leads": leads,
            "fs_hz": fs_hz,
            "window": asdict(self.window),
            "preprocess": preprocess,
            "features": {"names": self.features.names},
            "mode": mode,
            "latency_ms": latency,
            "latency_reason": reason,
            "aggregation": {kind: word for word, kind in AGGREGATIONS.items()}[type(self.window)],
            "decision": self._decision(),
            "thresholds": self.thresholds,
            "score": None if self.score is None else asdict(self.score),
            "temperature": self.temperature,
            "offsets": self.offsets,
            "patients": {side: list(ids) for side, ids in self.patients.items()},
            "data": dict(self.data),
            "tags": dict(self.tags),
            "test": {name: x for name, x in self.test.items() if isfinite(x)},  # the others are undefined
        }
        try:
            return json.dumps(content, indent=2, allow_nan=False) + "\n"
        except (TypeError, ValueError) as error:
            raise BadBundle(f"the contract holds a value that JSON cannot keep ({error}): plain values only") from None

    def _decision(self) -> str:
        if self.score is not None:
            return "score"
        return "argmax" if self.thresholds is None else "thresholds"

    def _inputs(self) -> list[dict[str, Any]]:
        """Name, order, shape and scaler of what the network takes; other signals only where there are any."""
        leads = self.preprocess.leads
        scale = {"window": "z-score of the window", "none": "none"}.get(
            self.preprocess.scale, f"z-score, {self.preprocess.scale}"
        )
        channels = dict(self.extra_channels)
        extra = [{"name": "extra", "channels": channels, "normalise": "z-score, record"}] if channels else []
        return [
            {
                "name": "ecg",
                "shape": [len(leads), self.window.n_samples],
                "leads": leads,
                "unit": self.preprocess.unit,
                "normalise": scale,
            },
            {
                "name": "features",
                "names": self.features.names,
                "mean": self.feature_mean,
                "std": self.feature_std,
            },
            *extra,
        ]


def from_json(text: str) -> Contract:
    """Read a contract of this version or an older one.

    Raises:
        BadBundle: it is no contract, or one of a newer version.
    """
    try:
        found = json.loads(text)
        return _contract(_upgraded(found))
    except json.JSONDecodeError as error:
        raise BadBundle(f"contract.json is no JSON ({error}): copy the bundle again") from None
    except KeyError as error:
        raise BadBundle(f"contract.json lacks {error}: copy the bundle again") from None
    except (TypeError, AttributeError) as error:
        raise BadBundle(f"contract.json has a value of the wrong kind ({error}): copy the bundle again") from None


def _upgraded(found: dict[str, Any]) -> dict[str, Any]:
    number = found["contract"]
    if number not in (VERSION, *UPGRADES) and not (isinstance(number, int) and number > VERSION):
        raise BadBundle(f"contract={number} is unknown: copy the bundle again")
    if number > VERSION:
        raise BadBundle(
            f"contract={number} is newer than {VERSION}, the newest that this ecg-lightning reads: "
            f"install the package_version={found.get('package_version')} that wrote it"
        )
    for older in range(number, VERSION):
        found = UPGRADES[older](found)
    return found


def _score(found: dict[str, Any] | None) -> Score | None:
    if found is None:
        return None
    values = {name: tuple(found[name]) for name in ("parts", "mean", "sd")}
    return Score(**values, rule=found["rule"])


def _contract(found: dict[str, Any]) -> Contract:
    inputs = {entry["name"]: entry for entry in found["inputs"]}
    features, extra = inputs["features"], inputs.get("extra", {"channels": {}})
    mode, leads = found["mode"], tuple(found["leads"])
    if found["aggregation"] not in AGGREGATIONS:
        raise BadBundle(
            f"aggregation={found['aggregation']} is none of {', '.join(AGGREGATIONS)}: copy the bundle again"
        )
    return Contract(
        task=found["task"],
        network=found["network"]["class"],
        arguments=found["network"]["arguments"],
        produces=found["produces"],
        problem=found["problem"],
        classes=tuple(found["classes"]),
        class_names=found["class_names"],
        preprocess=Preprocess(leads=leads, fs_hz=found["fs_hz"], mode=mode, **found["preprocess"]),
        window=AGGREGATIONS[found["aggregation"]](**found["window"]),
        features=Features(names=tuple(found["features"]["names"]), mode=mode),
        feature_mean=tuple(features["mean"]),
        feature_std=tuple(features["std"]),
        temperature=found["temperature"],
        thresholds=None if found["thresholds"] is None else tuple(found["thresholds"]),
        patients={side: tuple(ids) for side, ids in found["patients"].items()},
        data=found["data"],
        tags=found["tags"],
        test=found["test"],
        package_version=found["package_version"],
        extra_channels=extra["channels"],
        offsets=tuple(found["offsets"]),
        score=_score(found["score"]),
    )

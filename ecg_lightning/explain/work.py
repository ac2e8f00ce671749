"""Explain a run: maps of its rows by every method that the network has, and what they are worth."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ecg_lightning import bundle as bundles
from ecg_lightning import config
from ecg_lightning.bundle import Bundle
from ecg_lightning.corpus import Corpus
from ecg_lightning.explain import maps
from ecg_lightning.explain.asked import Asked, deciding_crops
from ecg_lightning.explain.baselines import N_MEAN, baseline
from ecg_lightning.explain.cases import Cases, gather
from ecg_lightning.explain.chosen import Judged, classes_of, for_averages, judged, to_look_at
from ecg_lightning.explain.faithful import Curves, by_chance, curves, gain
from ecg_lightning.explain.findings import METHODS, Examples, Explained, OfClass, Wanted
from ecg_lightning.explain.gradients import BOUND, Gradients, integrated_gradients
from ecg_lightning.explain.randomised import Stage, stages
from ecg_lightning.explain.shares import shares
from ecg_lightning.predict.place import Place
from ecg_lightning.predict.rows import corpus_of, predictions_of
from ecg_lightning.predictions import Predictions
from ecg_lightning.structures import CorpusNotFound, Refused
from ecg_lightning.windowing import Crops, Window

FEW, MANY = 6, 30  # rows per class by default: of recordings and long windows, and of single beats
LONG_S = 2.0  # a longer window is not a beat alone
LEAST_CONVERGED = 0.5  # of the rows: with fewer, what remains is not the class
N_RANDOMISED, STEPS_RANDOMISED = 3, 16  # rows per class and steps of the maps under random weights


@dataclass(frozen=True, eq=False)
class Prepared:
    """A run that can be explained as it was asked for.

    Args:
        bundle: of the run.
        predictions: of it.
        corpus: with its records.
        judged: what it said of its rows.
        wanted: with the methods that are taken.
        labels: the classes to explain, by number.
    """

    bundle: Bundle
    predictions: Predictions
    corpus: Corpus
    judged: Judged
    wanted: Wanted
    labels: tuple[int, ...]

    def gather(self, chosen: Int[np.ndarray, " some"], target: Int[np.ndarray, " some"]) -> Cases:
        """Rows as they are explained for their classes: of recordings whose largest answer counts, the crop of that."""
        cases, window = gather(self.bundle, self.predictions, self.corpus, chosen), self.bundle.contract.window
        anomaly = self.bundle.contract.problem == "anomaly"
        if cases.starts is None or anomaly or not isinstance(window, Crops) or window.by != "max":
            return cases
        crop, start = deciding_crops(self.bundle, cases.starts, cases.fields, torch.from_numpy(target))
        unit = cases.unit if self.bundle.contract.preprocess.scale == "none" else "SD"
        return cases.of_crops(crop, start.numpy(), unit)

    def asked(self, cases: Cases) -> tuple[Asked, tuple[Tensor, ...]]:
        """The network as a function, and its baseline."""
        asked = Asked(self.bundle, cases.starts)
        normal = self._normal() if self.wanted.baseline == "mean" else None
        return asked, baseline(asked, self.wanted.baseline, cases, normal)

    def _normal(self) -> Cases | None:
        if not (self.predictions.table["side"] == "val").any():
            return None
        rows = for_averages(self.predictions, self.judged, "val", 0, N_MEAN, self.wanted.seed)
        return self.gather(rows, np.zeros(len(rows), np.int64)) if len(rows) else None


def explain(place: Place, wanted: Wanted, tell: Callable[[str, float], None]) -> Explained:
    """Explain a run; as `prepared`, then `found_of`."""
    return found_of(prepared(place, wanted), tell)


def prepared(place: Place, wanted: Wanted) -> Prepared:
    """Read a run, and hold what is wanted to it, before anything takes long.

    Args:
        place: of its bundle.
        wanted: what and how.

    Raises:
        ValueError: the network has no such method or class, or the rows cannot be had; the message says why.
    """
    bundle = bundles.read(place.model)
    wanted = replace(wanted, methods=methods_of(bundle, wanted.methods), n_rows=wanted.n_rows or _n_rows(bundle))
    predictions = predictions_of(place)
    labels = classes_of(predictions, wanted.classes)
    config.register()
    return Prepared(bundle, predictions, _corpus(place, wanted), judged(bundle, predictions), wanted, labels)


def _corpus(place: Place, wanted: Wanted) -> Corpus:
    corpus = corpus_of(place, wanted.data_dir)
    try:
        corpus.records()
    except CorpusNotFound as error:  # the options that it advises are those of train
        said = str(error).partition(", set data_dir")[0]
        raise Refused(f"{said}, or name the folder that holds it with --data-dir") from None
    return corpus


def found_of(ready: Prepared, tell: Callable[[str, float], None]) -> Explained:
    """Explain a run that is ready.

    Args:
        ready: the run, and what is wanted of it.
        tell: hears what is being done, and how much of all is done.

    Raises:
        ValueError: the network cannot be explained so, or the rows cannot be had; the message says why.
    """
    predictions, labels, wanted = ready.predictions, ready.labels, ready.wanted
    found = []
    for number, label in enumerate(labels):
        tell(f"class {predictions.classes[label]}", number / (len(labels) + 1))
        one = _of_class(ready, label)
        found += [] if one is None else [one]
    if not found:
        names = ", ".join(predictions.classes[k] for k in labels)
        raise Refused(f"side={wanted.side} has no row of {names}: ask for other classes")
    tell("random weights", len(labels) / (len(labels) + 1))
    random = _randomised(ready, found) if "ig" in wanted.methods else ()
    tell("pictures", 1.0)
    return Explained(ready.bundle.contract, predictions, wanted, tuple(found), random)


def methods_of(bundle: Bundle, asked: Sequence[str]) -> tuple[str, ...]:
    """The methods that a network has, or those of them that are asked for.

    Raises:
        Refused: a method is unknown, or the network has none of that kind.
    """
    if bundle.contract.problem == "anomaly":
        has = ["reconstruction"]
    else:
        has = ["ig", "occlusion"]
        has += ["gradcam"] * (maps.last_convolution(bundle.network) is not None)
        has += ["attention"] * isinstance(bundle.network, maps.Attends)
    cannot = [name for name in asked if name not in has]
    if cannot:
        raise Refused(f"methods={','.join(cannot)}: network={bundle.contract.network} has {', '.join(has)}; take these")
    return tuple(name for name in METHODS if name in (asked or has))


def _n_rows(bundle: Bundle) -> int:
    """Rows per class that take about a minute on one core."""
    contract = bundle.contract
    beat = isinstance(contract.window, Window) and contract.window.n_samples <= LONG_S * contract.preprocess.fs_hz
    return MANY if beat else FEW


def _of_class(about: Prepared, label: int) -> OfClass | None:
    """Everything of one class; None where it has no rows."""
    wanted = about.wanted
    rows = for_averages(about.predictions, about.judged, wanted.side, label, int(wanted.n_rows or 0), wanted.seed)
    if not len(rows):
        return None
    target = np.full(len(rows), label)
    cases = about.gather(rows, target)
    values, away, gradients = _values(about, cases, target)
    keep = np.flatnonzero(_believed(gradients, len(target)))
    if len(keep) < LEAST_CONVERGED * len(target):
        raise Refused(
            f"Integrated Gradients of {len(target) - len(keep)} of {len(target)} rows of "
            f"{about.predictions.classes[label]} miss their sum by more than {100 * BOUND:.0f} %: take more --steps"
        )
    cases, away = cases.where(keep), away[keep]
    values = {name: value[keep] for name, value in values.items()}
    patients, seed = cases.patients, wanted.seed
    found = {name: shares(value, away, cases.wave, patients, seed) for name, value in values.items()}
    lines = {} if about.bundle.contract.problem == "anomaly" else _curves(about, cases, label, values)
    gains = {name: gain(one, lines["random"], patients, seed) for name, one in lines.items() if name != "random"}
    return OfClass(
        label=label,
        cases=cases,
        values=values,
        away=away,
        n_left_out=len(target) - len(keep),
        worst_error=None if gradients is None else float(gradients.error[keep].max()),
        shares=found,
        curves=lines,
        gains=gains,
        beside={} if gradients is None else _beside(about, gradients, keep),
        examples=_examples(about, label),
    )


def _values(
    about: Prepared, cases: Cases, target: Int[np.ndarray, " row"]
) -> tuple[dict[str, Float[np.ndarray, "row _ time"]], Float[np.ndarray, "row lead time"], Gradients | None]:
    """A map of each row by each method; the ECG minus its baseline; the gradients as they came."""
    bundle, wanted = about.bundle, about.wanted
    if bundle.contract.problem == "anomaly":
        n_samples = bundle.contract.window.n_samples
        index = None if cases.starts is None else cases.starts[:, None] + torch.arange(n_samples)
        _, error = maps.reconstruction_error(bundle, cases.ecg, index)
        return {"reconstruction": error.numpy()}, cases.ecg.numpy(), None
    asked, base = about.asked(cases)
    inputs, classes = asked.inputs(cases.fields), torch.from_numpy(target)
    found: dict[str, Tensor | None] = {}
    gradients = None
    if "ig" in wanted.methods:
        gradients = integrated_gradients(asked, inputs, base, classes, wanted.n_steps)
        found["ig"] = gradients.maps[0]
    if "occlusion" in wanted.methods:
        found["occlusion"] = maps.occlusion(asked, inputs, base[0], classes)
    if "gradcam" in wanted.methods:
        found["gradcam"] = maps.grad_cam(asked, inputs, classes)
    if "attention" in wanted.methods:
        found["attention"] = maps.attention(asked, inputs)
    values = {name: value.numpy() for name, value in found.items() if value is not None}
    return values, (cases.ecg - base[0]).numpy(), gradients


def _curves(
    about: Prepared, cases: Cases, label: int, values: Mapping[str, Float[np.ndarray, "row _ time"]]
) -> dict[str, Curves]:
    asked, base = about.asked(cases)
    inputs, target = asked.inputs(cases.fields), torch.full((len(cases.ecg),), label)
    found = {name: curves(asked, inputs, base[0], target, torch.from_numpy(value)) for name, value in values.items()}
    return found | {"random": by_chance(asked, inputs, base[0], target, about.wanted.seed)}


def _beside(run: Prepared, gradients: Gradients, keep: Int[np.ndarray, " row"]) -> dict[str, Float[np.ndarray, " row"]]:
    """How much of the absolute attribution each input has, and each feature by name."""
    asked = Asked(run.bundle)
    sums = [one[keep].abs().flatten(1).sum(dim=1).numpy() for one in gradients.maps]
    total = np.sum(sums, axis=0)
    total = np.where(total > 0, total, 1.0)
    found = {name: one / total for name, one in zip(asked.names, sums, strict=True)}
    if asked.with_features:
        each = gradients.maps[1][keep].abs().numpy()
        found |= {f"features/{name}": each[:, k] / total for k, name in enumerate(run.bundle.contract.features.names)}
    return found


def _examples(about: Prepared, label: int) -> Examples | None:
    right, wrong = to_look_at(about.predictions, about.judged, about.wanted.side, label, about.wanted.seed)
    rows = np.concatenate([right, wrong])
    if not len(rows):
        return None
    several = about.bundle.contract.problem == "multilabel"
    target = np.full(len(rows), label) if several else about.judged.called[rows].argmax(axis=1)
    cases = about.gather(rows, target)
    values, _, gradients = _values(about, cases, target)
    is_right = np.arange(len(rows)) < len(right)
    return Examples(cases, is_right, target, about.judged.p[rows, target], values, _believed(gradients, len(rows)))


def _believed(gradients: Gradients | None, n_rows: int) -> Bool[np.ndarray, " row"]:
    """Whose maps sum to the change; all where there are no gradients."""
    return np.ones(n_rows, bool) if gradients is None else gradients.converged.numpy()


def _randomised(about: Prepared, found: Sequence[OfClass]) -> tuple[Stage, ...]:
    """Integrated Gradients of a few rows of every class, under weights that are random from the top down."""
    some = [(one.cases.where(np.arange(min(N_RANDOMISED, len(one.cases.ecg)))), one.label) for one in found]

    def drawn(network: torch.nn.Module) -> Float[Tensor, "row lead time"]:
        parts = []
        for cases, label in some:
            asked, base = about.asked(cases)
            asked.network = network
            target = torch.full((len(cases.ecg),), label)
            once = integrated_gradients(asked, asked.inputs(cases.fields), base, target, STEPS_RANDOMISED)
            parts.append(once.maps[0])
        return torch.cat(parts)

    return stages(about.bundle.network, drawn, about.wanted.seed)

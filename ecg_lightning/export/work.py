"""From a bundle to a file that has passed its gate, and what was measured of it."""

import hashlib
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ecg_lightning import bundle as bundles
from ecg_lightning.bundle import WEIGHTS, Bundle
from ecg_lightning.contract import BadBundle
from ecg_lightning.corpus import Corpus
from ecg_lightning.export import gate, int8, measure, onnx_file, portable, pte, session
from ecg_lightning.predict.place import Place
from ecg_lightning.predict.rows import Rows, check_same, corpus_of, cut_again, predictions_of, recorded
from ecg_lightning.predictions import Predictions
from ecg_lightning.whole_files import written_whole
from ecg_lightning.windowing import Crops

FILES = {"onnx": "model.onnx", "onnx_int8": "model.int8.onnx", "executorch": "model.pte"}
N_CHECKED = 512  # rows that a float32 file, and the bundle itself, are held to


@dataclass(frozen=True)
class Asked:
    """What the command was asked for.

    Args:
        kind: of `FILES`.
        data_dir: where databases lie; None where the run found them.
        plugins: packages that the network may come from.
        most: macro-F1 that int8 may lose.
        method: of calibration.
        n_rows: to calibrate by.
    """

    kind: str
    data_dir: Path | None = None
    plugins: tuple[str, ...] = ()
    most: float = 0.005
    method: str = "minmax"
    n_rows: int = 1000


@dataclass(frozen=True, eq=False)
class Source:
    """What files are made of.

    Args:
        model: folder of the bundle.
        bundle: to export.
        predictions: of its run; None where it stands alone.
        corpus: with the records of its run; None likewise.
        probes: windows that a float32 file is held to the network by.
        shapes: of the inputs, by name.
    """

    model: Path
    bundle: Bundle
    predictions: Predictions | None
    corpus: Corpus | None
    probes: dict[str, Any]
    shapes: dict[str, tuple[int, ...]]


def source_of(place: Place, asked: Asked) -> Source:
    """Read a bundle and, if it has a run, some of its rows, and hold the two to one another.

    Raises:
        BadBundle: the bundle cannot be used, is not that of the run, or, alone, is asked for int8.
        CorpusNotFound: the records of its run are not there.
    """
    made = bundles.read(place.model, asked.plugins)
    if place.run is None:
        shapes = portable.shapes(made, None)
        return Source(place.model, made, None, None, portable.probes(made, None), shapes)
    predictions = predictions_of(place)
    corpus = corpus_of(place, asked.data_dir)
    said = predictions.table["side"].isin(("val", "test"))
    some = np.random.default_rng(predictions.seed).permutation(np.flatnonzero(said))[:N_CHECKED]
    check_same(made, cut_again(made, predictions, corpus, some))
    rows = cut_again(portable.unscaled(made), predictions, corpus, some)
    probes, shapes = portable.probes(made, rows), portable.shapes(made, rows)
    return Source(place.model, made, predictions, corpus, probes, shapes)


def onnx(source: Source, path: Path) -> dict[str, Any]:
    """Write the float32 ONNX file.

    Args:
        source: of the file.
        path: of it; it is there afterwards only if its answers are the network's.

    Returns:
        What was measured, for `sheet`.

    Raises:
        gate.Failed: they are not.
        BadBundle: the network cannot be exported.
    """
    model = onnx_file.described(onnx_file.exported(source.bundle, source.shapes), source.bundle.contract)
    with written_whole(path) as part:
        onnx_file.save(model, part)
        asked = session.opened(part)
        apart = gate.parity(source.bundle, lambda fields: session.says(asked, fields), source.probes)
    sizes = {"onnx": measure.parts_of(model)}
    return {**_about(source), "parity": apart, "sizes": sizes, "speed": _speeds(source, {"onnx": asked})}


def executorch(source: Source, path: Path) -> dict[str, Any]:
    """Write the ExecuTorch program; arguments, result and refusals as of `onnx`."""
    content, names = pte.program(source.bundle, source.shapes), tuple(source.shapes)
    with written_whole(path) as part:
        part.write_bytes(content)
        says = pte.runner(part, names)
        apart = gate.parity(source.bundle, says, source.probes)
    few = portable.first(source.probes, 1)
    speed = _speeds(source, {}) | {"executorch": measure.latency(lambda: says(few))}
    return {**_about(source), "parity": apart, "sizes": {"executorch": {"file": len(content)}}, "speed": speed}


def onnx_int8(source: Source, path: Path, asked: Asked) -> dict[str, Any]:
    """Write the ONNX file of int8.

    Args:
        source: of the file, in its run.
        path: of it; it is there afterwards only if it loses no more than `asked.most`.
        asked: how.

    Returns:
        What was measured, of PyTorch and ONNX in float32 as well.

    Raises:
        gate.Failed: it loses more, or ONNX alone changes the answers.
        BadBundle: the network cannot be exported.
    """
    contract = source.bundle.contract
    predictions, _ = _run(source)
    judged = gate.judged_rows(predictions)
    plain = onnx_file.exported(source.bundle, source.shapes)
    whole = session.opened(plain.SerializeToString())
    apart = gate.parity(source.bundle, lambda fields: session.says(whole, fields), source.probes)
    rows = int8.chosen(predictions, asked.n_rows)
    feed = session.feed_of(session.names_of(whole), _windows(source, rows, asked.n_rows))
    made, how = int8.quantised(plain, feed, asked.method)
    made = onnx_file.described(made, contract)
    with written_whole(path) as part:
        onnx_file.save(made, part)
        small = session.opened(part)
        cut = _cut(source, judged)
        said = {
            "pytorch": torch.from_numpy(recorded(source.bundle, cut)),
            "onnx": session.answers(partial(session.says, whole), contract, cut),
            "onnx_int8": session.answers(partial(session.says_one_by_one, small), contract, cut),
        }
        worth = gate.scores(predictions, contract, said, judged)
        gate.check_drop(worth["pytorch"], worth["onnx_int8"], asked.most)
    models = {"onnx": onnx_file.described(plain, contract), "onnx_int8": made}
    n_windows = int8.in_batches(len(next(iter(feed.values()))))
    calibration = {"rows": len(rows), "windows": n_windows, "per_class": _per_class(source, rows)}
    return {
        **_about(source),
        "parity": apart,
        "quantised": how,
        "calibration": calibration,
        "judged_rows": len(judged),
        "scores": worth,
        "sizes": {name: measure.parts_of(model) for name, model in models.items()},
        "speed": _speeds(source, {"onnx": whole, "onnx_int8": small}),
    }


def _run(source: Source) -> tuple[Predictions, Corpus]:
    if source.predictions is None or source.corpus is None:
        raise BadBundle("the bundle stands alone, and int8 is calibrated and judged by rows of its run: name the run")
    return source.predictions, source.corpus


def _cut(source: Source, at: Any) -> Rows:
    return cut_again(portable.unscaled(source.bundle), *_run(source), at)


def _windows(source: Source, at: Any, most: int) -> dict[str, Any]:
    """Windows of some rows; of recordings a crop of each before the second of any, as many as there may be."""
    contract = source.bundle.contract
    fields, n_crops = portable.single(contract, _cut(source, at).batch(slice(None)))
    if not isinstance(contract.window, Crops):
        return fields
    order = np.arange(len(at) * n_crops).reshape(len(at), n_crops).T.ravel()[:most]
    return {"ecg": fields["ecg"][order], "features": fields["features"][order], "extra": {}}


def _per_class(source: Source, at: Any) -> dict[str, int]:
    predictions, _ = _run(source)
    label = predictions.label[at]
    carries = label if label.ndim == 2 else label[:, None] == np.arange(len(predictions.classes))
    return dict(zip(predictions.classes, carries.sum(axis=0).tolist(), strict=True))


def _about(source: Source) -> dict[str, Any]:
    contract, weights = source.bundle.contract, source.model / WEIGHTS
    return {
        "network": contract.network.rpartition(".")[2],
        "task": contract.task,
        "parameters": sum(one.numel() for one in source.bundle.network.parameters()),
        "weights_bytes": weights.stat().st_size,
        "weights_sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
        "machine": _machine(),
        "package_version": contract.package_version,
        "synthetic": bool(contract.data.get("synthetic", False)),
        "probes": "windows of the run" if source.predictions is not None else "noise, as the bundle stands alone",
    }


def _machine() -> str:
    return (
        f"{platform.machine()}, {platform.system()}, PyTorch {version('torch')}, ONNX Runtime {version('onnxruntime')}"
    )


def _speeds(source: Source, sessions: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Latency and throughput of the network itself and of files, by name."""
    names = tuple(source.shapes)
    own = portable.Portable(source.bundle, names).eval()
    given = portable.given(names, source.probes)
    repeats = -(-measure.MANY // len(given[0]))
    many = [torch.cat([one] * repeats)[: measure.MANY] for one in given]
    single = [one[1:2] if len(one) > 1 else one for one in many]

    @torch.inference_mode()
    def torch_says(inputs: list[torch.Tensor]) -> object:
        return own(*inputs)

    found = {"pytorch": measure.speed(lambda: torch_says(single), lambda: torch_says(many))}
    for name, one in sessions.items():
        feeds = [dict(zip(names, [x.numpy() for x in inputs], strict=True)) for inputs in (single, many)]
        found[name] = measure.speed(
            lambda one=one, feeds=feeds: one.run(None, feeds[0]), lambda one=one, feeds=feeds: one.run(None, feeds[1])
        )
    return found


def folder_of(place: Place, output: Path | None) -> Path:
    """Where files go: where it was said, else beside the weights.

    Raises:
        BadBundle: the bundle lies in MLflow, whose store nothing but MLflow writes to.
    """
    if output is None and place.tracked is not None:
        raise BadBundle(f"bundle={place.tracked} lies in MLflow, which is not written to: give --output FOLDER")
    return output or place.model


def made(place: Place, asked: Asked, folder: Path) -> tuple[Path, dict[str, Any]]:
    """Write the file that was asked for.

    Args:
        place: of the bundle.
        asked: what.
        folder: where it goes.

    Returns:
        The file, and what was measured of it.

    Raises:
        gate.Failed: it does not do what the network does.
        BadBundle, CorpusNotFound: as `source_of` says, or the network cannot be exported.
    """
    path, source = folder / FILES[asked.kind], source_of(place, asked)
    if asked.kind == "onnx":
        return path, onnx(source, path)
    if asked.kind == "executorch":
        return path, executorch(source, path)
    return path, onnx_int8(source, path, asked)

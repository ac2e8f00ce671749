"""Pictures of what an autoencoder made of the windows that it found least like normal ones."""

import numpy as np
import torch
from torch import Tensor

from ecg_lightning.bundle import Bundle
from ecg_lightning.contract import Contract
from ecg_lightning.predict.findings import Findings
from ecg_lightning.predict.inputs import Inputs, inputs
from ecg_lightning.predict.long_recordings import part_of
from ecg_lightning.predict.words import clock
from ecg_lightning.report.finding_figures import Remade, remade
from ecg_lightning.report.picture import Picture
from ecg_lightning.report.window_figures import Axis
from ecg_lightning.windowing import Window

N_HIGHEST = 4  # windows of the highest score, beside the one of the middle score
CAPTION = "The higher the score, the less a window is like the normal ones that the network learned from."


@torch.inference_mode()
def of_beats(bundle: Bundle, found: Findings, given: Inputs, stamp: str) -> Picture:
    """The beats with the highest scores, and one in the middle of all scores, each beside its reconstruction."""
    score = found.answers["score"].to_numpy()
    order = np.flatnonzero(found.trusted)[np.argsort(-score[found.trusted], kind="stable")]
    highest, middle = order[:N_HIGHEST], order[len(order) // 2]
    rows = highest if middle in highest else np.append(highest, middle)
    ecg = given.fields(rows)["ecg"]
    made = bundle.network(ecg)
    windows = []
    for place, row in enumerate(rows):
        one = found.answers.iloc[row]
        caption = f"{one['class']}, {clock(one['time_s'])}\nscore {one['score']:.2f} (from {one['threshold']:.2f})"
        windows.append(Remade(ecg[place].numpy(), made[place].numpy(), caption))
    title = f"recording {found.record.name}: highest scores, and one in the middle"
    figure = remade(windows, _axis(bundle.contract), found.record.leads, title, stamp)
    return Picture("reconstructions", "What the network makes of beats", CAPTION, figure)


@torch.inference_mode()
def of_stretch(bundle: Bundle, found: Findings, at_s: float, stamp: str) -> Picture:
    """The part of a stretch that is made again worst, beside its reconstruction."""
    contract = bundle.contract
    ecg = inputs(contract, part_of(contract, found.record, at_s)).fields(slice(None))["ecg"]
    made = bundle.network(ecg)
    worst = int((ecg - made).abs().mean(dim=(1, 2)).argmax())
    caption = f"part {worst + 1} of {len(ecg)} from {clock(at_s)} on, the worst made"
    windows = [Remade(_plain(ecg[worst]), _plain(made[worst]), caption)]
    title = f"recording {found.record.name}: where the score is highest"
    figure = remade(windows, _axis(contract), found.record.leads, title, stamp)
    return Picture("reconstructions", "What the network makes of the recording", CAPTION, figure)


def _plain(ecg: Tensor) -> np.ndarray:
    return ecg.float().numpy()


def _axis(contract: Contract) -> Axis:
    window, fs_hz = contract.window, contract.preprocess.fs_hz
    n_before = window.n_before if isinstance(window, Window) else 0
    words = "seconds around the R peak" if isinstance(window, Window) else "seconds"
    unit = contract.preprocess.unit if contract.preprocess.scale == "none" else "SD"
    return Axis(-n_before / fs_hz, (window.n_samples - n_before) / fs_hz, words, unit)

"""Other maps than gradients along a path: what hiding costs, where convolutions and attention look, what was missed."""

from typing import Any, Protocol, runtime_checkable

import torch
from captum.attr import LayerGradCam
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from ecg_lightning.bundle import Bundle
from ecg_lightning.explain.asked import Asked
from ecg_lightning.explain.gradients import rows_at_a_time
from ecg_lightning.layers.conv import ConvNorm, WaveConv
from ecg_lightning.layers.residual import Residual
from ecg_lightning.layers.spectrogram import Spectrogram
from ecg_lightning.windowing import scale_windows

HIDDEN_S = 0.05  # of the ECG at a time: half a QRS; more hides what lies beside it
PER_HIDDEN = 2  # times that each sample is hidden, each time with others beside it
MOST_LEADS = 2  # of more leads all are hidden at once: one by one they would take minutes a row
MOST_PLACES = 100  # in time: of long windows longer stretches are hidden
WHOLE = (Residual, WaveConv, ConvNorm, nn.Conv1d, nn.Conv2d)  # what Grad-CAM looks at the end of


@runtime_checkable
class Attends(Protocol):
    """A network that can say where in time it looked."""

    def attention(self, *inputs: Any) -> Tensor: ...


@torch.inference_mode()
def occlusion(
    asked: Asked, inputs: tuple[Tensor, ...], baseline: Float[Tensor, "1 lead time"], target: Int[Tensor, " row"]
) -> Float[Tensor, "row _ time"]:
    """Hide one stretch after another, of one lead or of all where there are many; spread what the class loses over it.

    Args:
        asked: the classifier.
        inputs: its tensors.
        baseline: what a hidden stretch becomes.
        target: class of each row.

    Returns:
        Log-odds per sample, averaged over the stretches that a sample lies in; one row for all leads where there are
        many.

    Source:
        Zeiler and Fergus, ECCV 2014, arXiv:1311.2901, in time.
    """
    ecg, others = inputs[0], inputs[1:]
    starts, n = _hidden(ecg.shape[-1], asked.contract.preprocess.fs_hz)
    n_leads = ecg.shape[1]
    leads = [slice(k, k + 1) for k in range(n_leads)] if n_leads <= MOST_LEADS else [slice(None)]
    found, times = torch.zeros(len(ecg), len(leads), ecg.shape[-1]), torch.zeros(ecg.shape[-1])
    for first in starts:
        times[first : first + n] += 1
    for rows in torch.arange(len(ecg)).split(rows_at_a_time(ecg)):
        rest = tuple(one[rows] for one in others)
        before = _class(asked(ecg[rows], *rest), target[rows])
        for number, lead in enumerate(leads):
            for first in starts:
                hidden = ecg[rows].clone()
                hidden[:, lead, first : first + n] = baseline[:, lead, first : first + n]
                lost = before - _class(asked(hidden, *rest), target[rows])
                found[rows, number, first : first + n] += (lost / n)[:, None]
    return found / times


def _hidden(n_samples: int, fs_hz: float) -> tuple[list[int], int]:
    """Where hidden stretches begin, and how many samples they have."""
    n = max(PER_HIDDEN, round(HIDDEN_S * fs_hz), PER_HIDDEN * n_samples // MOST_PLACES)
    n = min(n, n_samples)
    return sorted({*range(0, n_samples - n, max(1, n // PER_HIDDEN)), n_samples - n}), n


def last_convolution(network: nn.Module) -> nn.Module | None:
    """The last part of a network that convolves the ECG along time, a residual block as a whole; None without one."""
    found, above = None, ""
    for name, module in network.named_modules():
        if name.startswith("extra") or (above and name.startswith(f"{above}.")):  # other signals; inside the last one
            continue
        if isinstance(module, WHOLE):
            found, above = module, name
    return found


def grad_cam(
    asked: Asked, inputs: tuple[Tensor, ...], target: Int[Tensor, " row"]
) -> Float[Tensor, "row lead time"] | None:
    """Weigh the channels of the last convolution by what they do for the class; one row for all leads.

    Args:
        asked: the classifier.
        inputs: its tensors.
        target: class of each row.

    Returns:
        Not negative, without unit, largest value 1 in each row; None without a convolution.

    Source:
        Selvaraju et al., ICCV 2017, arXiv:1610.02391.
    """
    layer = last_convolution(asked.network)
    if layer is None:
        return None
    parts, size = [], rows_at_a_time(inputs[0])
    for rows in torch.arange(len(target)).split(size):
        some = tuple(one[rows] for one in inputs)
        seen = LayerGradCam(asked, layer).attribute(some, target=target[rows], relu_attributions=True)
        steps = seen.detach().flatten(1)  # row or row*crop, step
        parts.append(_where_they_lie(asked, layer, steps, inputs[0].shape[-1]))
    found = torch.cat(parts)
    largest = found.amax(dim=-1, keepdim=True)
    return torch.where(largest > 0, found / largest.clamp(min=torch.finfo(found.dtype).tiny), 0.0)


@torch.inference_mode()
def attention(asked: Asked, inputs: tuple[Tensor, ...]) -> Float[Tensor, "row lead time"] | None:
    """The weight of each moment, one row for all leads, in parts of an even share; None where a network has none."""
    network = asked.network
    if not isinstance(network, Attends):
        return None
    parts, size = [], rows_at_a_time(inputs[0])
    for rows in torch.arange(len(inputs[0])).split(size):
        ecg, *others = (one[rows] for one in inputs)
        features = others[0] if asked.with_features else ecg.new_zeros(len(ecg), len(asked.contract.features.names))
        given: dict[str, Any] = {"ecg": ecg, "features": features}
        given["extra"] = dict(zip(asked.extra_names, others[asked.with_features :], strict=True))
        if asked.index is not None:
            crops = asked.crops(ecg)
            given |= {"ecg": crops.flatten(0, 1), "features": features.repeat_interleave(crops.shape[1], dim=0)}
        steps = network.attention(*(given[name] for name in asked.takes))
        parts.append(_over_time(asked, steps * steps.shape[-1], ecg.shape[-1], mode="nearest"))
    return torch.cat(parts)


def _over_time(
    asked: Asked, steps: Float[Tensor, "row_or_crop step"], n_samples: int, mode: str = "linear"
) -> Float[Tensor, "row 1 time"]:
    """Steps of a network as samples of the window, or averaged over the crops that a sample lies in."""
    own = n_samples if asked.index is None else asked.index.shape[1]
    smooth = {"align_corners": False} if mode == "linear" else {}
    samples = F.interpolate(steps.unsqueeze(1), size=own, mode=mode, **smooth)
    return samples if asked.index is None else laid_out(samples, asked.index, n_samples)


def _where_they_lie(
    asked: Asked, layer: nn.Module, steps: Float[Tensor, "row_or_crop step"], n_samples: int
) -> Float[Tensor, "row 1 time"]:
    """Steps of a convolution as samples, a line from each to the next; in crops as `_over_time`."""
    own = n_samples if asked.index is None else asked.index.shape[1]
    first, apart = places_of(asked.network, layer, own, steps.shape[1])
    at = ((torch.arange(own) - first) / apart).clamp(0, steps.shape[1] - 1)
    before = at.floor().long()
    samples = torch.lerp(steps[:, before], steps[:, at.ceil().long()], at - before)[:, None]
    return samples if asked.index is None else laid_out(samples, asked.index, n_samples)


def places_of(network: nn.Module, layer: nn.Module, n_samples: int, n_steps: int) -> tuple[float, float]:
    """Where the steps of a convolution lie: the sample in the middle of what the first sees, and samples between two.

    A stride that keeps the first sample, as of a padded convolution, looks earlier than a maximum over pairs does: by
    half a step, which behind many strides is more than a QRS.

    Args:
        network: whose layers follow one another in the order in which they are made; shortcuts do not count.
        layer: of it, the last of them.
        n_samples: of the window.
        n_steps: of the layer's output. Where its places do not fit the window, the steps share it evenly.
    """
    first, apart, end = 0.0, 1.0, list(layer.modules())[-1]
    for name, module in network.named_modules():
        if not name.startswith("extra") and "shortcut" not in name:
            kernel, stride, padding = _along_time(module)
            first, apart = first + ((kernel - 1) / 2 - padding) * apart, apart * stride
        if module is end:
            break
    last = first + (n_steps - 1) * apart
    if last < n_samples <= last + first + 2 * apart + 1:
        return first, apart
    return (n_samples / n_steps - 1) / 2, n_samples / n_steps


def _along_time(module: nn.Module) -> tuple[int, int, int]:
    """What one output sees, samples from one to the next, and what is added in front."""
    if isinstance(module, Spectrogram):
        return module.n_window, module.hop, 0
    if not isinstance(module, nn.Conv1d | nn.Conv2d | nn.MaxPool1d | nn.MaxPool2d):
        return 1, 1, 0
    kernel, stride, padding = (
        one[-1] if isinstance(one, tuple) else one for one in (module.kernel_size, module.stride, module.padding)
    )
    return int(kernel), int(stride), int(padding)


def laid_out(
    crops: Float[Tensor, "row_crop lead crop_time"], index: Int[Tensor, "crop crop_time"], n_samples: int
) -> Float[Tensor, "row lead time"]:
    """Maps of crops on the time of their recording, averaged where crops overlap."""
    n_crops = len(index)
    each = crops.unflatten(0, (-1, n_crops)).permute(0, 2, 1, 3).flatten(2)  # row, lead, crop*crop_time
    where = index.flatten()
    total = each.new_zeros(*each.shape[:2], n_samples).index_add_(2, where, each)
    return total / torch.bincount(where, minlength=n_samples).clamp(min=1)


@torch.inference_mode()
def reconstruction_error(
    bundle: Bundle, ecg: Float[Tensor, "row lead time"], index: Int[Tensor, "crop crop_time"] | None
) -> tuple[Float[Tensor, "row lead time"], Float[Tensor, "row lead time"]]:
    """What an autoencoder makes of each row, and how far each sample is from it, in the unit that the network sees.

    Args:
        bundle: whose network reconstructs.
        ecg: windows, or whole recordings.
        index: samples of the crops of a recording; None for windows.
    """
    made, missed = [], []
    for rows in ecg.split(rows_at_a_time(ecg)):
        seen = rows
        if index is not None:
            crops = rows[..., index].transpose(1, 2).flatten(0, 1)
            seen = scale_windows(crops, bundle.contract.preprocess.scale)
        again = bundle.network(seen)
        made.append(again)
        missed.append((seen - again).abs())
    found = torch.cat(made), torch.cat(missed)
    if index is None:
        return found
    return laid_out(found[0], index, ecg.shape[-1]), laid_out(found[1], index, ecg.shape[-1])


def _class(value: Float[Tensor, "row class"], target: Int[Tensor, " row"]) -> Float[Tensor, " row"]:
    return value.gather(1, target[:, None]).squeeze(1)

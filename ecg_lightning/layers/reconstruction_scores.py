"""How unlike normal windows a window is: one function for the run and for whoever uses a bundle."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

PARTS = ("mae", "weighted", "latent")  # of every window, in this order
RHYTHM = "rhythm"  # the fourth, where there are features


def part_names(n_features: int) -> tuple[str, ...]:
    """What the columns of `parts` are called."""
    return (*PARTS, RHYTHM) if n_features else PARTS


def parts(
    network: nn.Module,
    ecg: Float[Tensor, "row lead time"],
    features: Float[Tensor, "row feature"],
    mean: Float[Tensor, " feature"],
    std: Float[Tensor, " feature"],
) -> Float[Tensor, "row part"]:
    """Every measure of how unlike normal windows a window is, larger for anomalies.

    Args:
        network: from a window to a window, with `encode`, and with `normal` as `layers.normality` has it.
        ecg: as the network sees it.
        features: raw, in their own units; NaN, what is not known, counts as the mean.
        mean: of the features, over normal training rows.
        std: likewise.

    Returns:
        mae: mean absolute error over leads and samples, in the unit of ecg; weighted: the same, with errors weighed by
        how little normals vary there; latent: distance from normals in latent space, about 1 for them; rhythm: root
        mean square of the standardised features, left out where there are none.
    """
    with torch.autocast(ecg.device.type, enabled=False):  # in the precision in which normal windows were learned
        return _parts(network, ecg.float(), features, mean, std)


def _parts(
    network: nn.Module,
    ecg: Float[Tensor, "row lead time"],
    features: Float[Tensor, "row feature"],
    mean: Float[Tensor, " feature"],
    std: Float[Tensor, " feature"],
) -> Float[Tensor, "row part"]:
    error = network(ecg) - ecg
    found = [
        error.abs().mean(dim=(1, 2)),
        network.normal.weighted(error),  # type: ignore[operator, union-attr]
        network.normal.distance(network.encode(ecg)),  # type: ignore[operator, union-attr]
    ]
    if features.shape[1]:
        found.append(((features - mean) / std).nan_to_num(nan=0.0).square().mean(dim=1).sqrt())
    return torch.stack(found, dim=1)


def over_crops(value: Float[Tensor, "row crop part"], by: str) -> Float[Tensor, "row part"]:
    """One value of a recording, from those of its crops.

    Args:
        value: of every crop.
        by: "mean" or "max".
    """
    return value.mean(dim=1) if by == "mean" else value.amax(dim=1)

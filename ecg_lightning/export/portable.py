"""The one module that every format is made of: from a filtered window to logits, or to the parts of a score."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ecg_lightning.bundle import Bundle
from ecg_lightning.contract import BadBundle, Contract
from ecg_lightning.predict.answers import ask
from ecg_lightning.predict.rows import Rows
from ecg_lightning.windowing import Crops, scale_windows

EXTRA = "extra_"
N_PROBES = 512


class Portable(nn.Module):
    """A bundle's network behind what is done to a single window.

    Its inputs are positional, so that no exporter meets a dict: see `shapes`.

    Args:
        bundle: of a network of single windows.
        names: of the inputs, in the order in which they are given.
    """

    def __init__(self, bundle: Bundle, names: tuple[str, ...]) -> None:
        super().__init__()
        self.network, self.names = bundle.network, names
        self.bundle = bundle

    def forward(self, *given: Tensor) -> Tensor:
        fields = dict(zip(self.names, given, strict=True))
        n_rows, contract = given[0].shape[0], self.bundle.contract  # len() would fix it
        found: dict[str, Any] = {
            "features": fields.get("features", given[0].new_zeros(n_rows, 0)),
            "extra": {name.removeprefix(EXTRA): one for name, one in fields.items() if name.startswith(EXTRA)},
        }
        if "ecg" in fields:
            found["ecg"] = scale_windows(fields["ecg"], contract.preprocess.scale)
        return ask(self.bundle, found)


def shapes(bundle: Bundle, rows: Rows | None) -> dict[str, tuple[int, ...]]:
    """What one row of every input is: `ecg`, `features` and `extra_<name>`, those that the network looks at.

    Args:
        bundle: of any network.
        rows: of its run; None where it stands alone.

    Raises:
        BadBundle: the network takes beats in a row, or nothing says how long the other signals are.
    """
    contract, network = bundle.contract, bundle.network
    if getattr(network, "scope", "window") != "window":
        raise BadBundle(
            f"network={contract.network} takes beats in a row, whose number no file fixes: export a network of "
            f"single windows"
        )
    taken = ("ecg", "features") if contract.problem == "anomaly" else tuple(network.takes)  # type: ignore[arg-type]
    found: dict[str, tuple[int, ...]] = {}
    if "ecg" in taken:
        found["ecg"] = (len(contract.preprocess.leads), contract.window.n_samples)
    if "features" in taken and contract.features.names:
        found["features"] = (len(contract.features.names),)
    for name, n_channels in contract.extra_channels.items() if "extra" in taken else ():
        if rows is None:
            raise BadBundle(
                f"the network takes the signal {name}, and the bundle alone does not say how long it is: name its run"
            )
        found[f"{EXTRA}{name}"] = (n_channels, rows.extra[name].shape[-1])
    return found


def unscaled(bundle: Bundle) -> Bundle:
    """The same bundle, whose windows are cut but not yet z-scored: that is done in the exported file.

    Where amplitude is lost (unit NU) they stay z-scored; to do it again changes nothing.
    """
    preprocess = bundle.contract.preprocess
    if preprocess.scale != "window" or preprocess.unit == "NU":
        return bundle
    return Bundle(bundle.network, replace(bundle.contract, preprocess=replace(preprocess, scale="none")))


def scaled(contract: Contract, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields as the network sees them, of fields as a file takes them."""
    ecg = fields["ecg"]
    whole = scale_windows(ecg.flatten(0, -3), contract.preprocess.scale).reshape(ecg.shape)
    return {**fields, "ecg": whole}


def single(contract: Contract, fields: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
    """Fields of rows as fields of windows, and how many windows a row has: its crops, else one."""
    if not isinstance(contract.window, Crops):
        return dict(fields), 1
    ecg = fields["ecg"] if fields["ecg"].dim() == 4 else fields["ecg"][:, None]
    n_crops = ecg.shape[1]
    features = fields["features"].repeat_interleave(n_crops, dim=0)
    return {"ecg": ecg.flatten(0, 1), "features": features, "extra": {}}, n_crops


def given(names: tuple[str, ...], fields: Mapping[str, Any]) -> list[Tensor]:
    """Fields as the inputs of a file, in their order."""
    return [fields["extra"][name.removeprefix(EXTRA)] if name.startswith(EXTRA) else fields[name] for name in names]


def probes(bundle: Bundle, rows: Rows | None, seed: int = 0) -> dict[str, Any]:
    """Windows that a file is held to its network by: of the run, or noise where there is none.

    The first is flat, and of the second no feature is known: rules for both are in the file too.

    Args:
        bundle: of the network.
        rows: with windows as the file takes them; None draws noise.
        seed: of the noise.
    """
    contract = bundle.contract
    if rows is None:
        drawn = torch.Generator().manual_seed(seed)
        leads, n_samples = len(contract.preprocess.leads), contract.window.n_samples
        mean, std = torch.tensor(contract.feature_mean), torch.tensor(contract.feature_std)
        features = mean + std * torch.randn(N_PROBES, len(mean), generator=drawn)
        ecg = torch.randn(N_PROBES, leads, n_samples, generator=drawn)
        fields: dict[str, Any] = {"ecg": ecg, "features": features, "extra": {}}
    else:
        fields, _ = single(contract, rows.batch(slice(0, N_PROBES)))
    fields = first(fields, N_PROBES)
    fields["ecg"], fields["features"] = fields["ecg"].clone(), fields["features"].clone()
    fields["ecg"][0] = 0.5
    fields["features"][1:2] = torch.nan
    return fields


def first(fields: Mapping[str, Any], n_rows: int) -> dict[str, Any]:
    """The first windows."""
    extra = {name: signal[:n_rows] for name, signal in fields["extra"].items()}
    return {"ecg": fields["ecg"][:n_rows], "features": fields["features"][:n_rows], "extra": extra}


@torch.inference_mode()
def asked(bundle: Bundle, fields: Mapping[str, Any]) -> Float[Tensor, "row out"]:
    """What the network says of windows as a file takes them: the reference of every export."""
    return ask(bundle, scaled(bundle.contract, fields))

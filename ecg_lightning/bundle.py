"""A trained network as a folder that somebody else can use: weights, contract, model card, a note for MLflow.

Nothing is ever unpickled.
"""

import importlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from platform import python_version
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_model
from torch import nn

from ecg_lightning import contract as contracts
from ecg_lightning.contract import BadBundle, Contract
from ecg_lightning.model_card import model_card

WEIGHTS, CONTRACT, CARD, MLMODEL = "model.safetensors", "contract.json", "README.md", "MLmodel"
MODELS = "ecg_lightning.models"
LOADER = "ecg_lightning.serve.loaded"  # by which MLflow serves the folder as it is; `read` does not look at it
SAMPLES = {"type": "array", "items": {"type": "double"}}
COLUMNS: Mapping[str, Mapping[str, Any]] = {  # of what MLflow's server takes; a row without fs_hz is one window
    "ecg_mv": {"type": "array", "items": SAMPLES},
    "leads": {"type": "array", "items": {"type": "string"}},
    "fs_hz": {"type": "double", "required": False},
    "peak_sample": {"type": "array", "items": {"type": "long"}, "required": False},
    "age_years": {"type": "double", "required": False},
    "sex_female": {"type": "double", "required": False},
    "begin_s": {"type": "double", "required": False},
    "features": SAMPLES | {"required": False},
}


@dataclass(frozen=True, eq=False)
class Bundle:
    """A network ready to use, in evaluation mode, and how to use it."""

    network: nn.Module
    contract: Contract


def write(folder: Path, network: nn.Module, contract: Contract) -> None:
    """Write a bundle; the contract comes last, so that a folder with one is whole.

    Args:
        folder: made where it is missing; a bundle in it is replaced.
        network: with its final weights; stays as it is.
        contract: of this network.

    Raises:
        BadBundle: the contract does not fit the network, or holds a value that is not plain.
        OSError: the disk does not take the weights.
    """
    if contract.network != (name := f"{type(network).__module__}.{type(network).__qualname__}"):
        raise BadBundle(f"network={contract.network} in the contract, but the weights are of {name}: give its contract")
    text = contract.to_json()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CONTRACT).unlink(missing_ok=True)
    try:
        save_model(network, str(folder / WEIGHTS))
    except SafetensorError as error:  # of a full disk, for one
        raise OSError(f"{folder / WEIGHTS} cannot be written ({error}): free some room, and do it again") from error
    (folder / CARD).write_text(model_card(contract), encoding="utf-8")
    (folder / MLMODEL).write_text(_mlmodel(), encoding="utf-8")
    (folder / CONTRACT).write_text(text, encoding="utf-8")


def read(folder: Path, plugins: Sequence[str] = ()) -> Bundle:
    """Rebuild a network from its bundle.

    Args:
        folder: that `write` made.
        plugins: packages beyond `ecg_lightning.models` that its class may come from, and that are trusted to run.

    Raises:
        FileNotFoundError: there is no bundle, or a part of it is missing.
        BadBundle: a part is damaged, newer than this package, or from a package that is not trusted.
    """
    for name in (CONTRACT, WEIGHTS):
        if not (folder / name).is_file():
            raise FileNotFoundError(f"{name} is missing in bundle={folder}: name the folder `model` of a finished run")
    try:
        contract = contracts.from_json((folder / CONTRACT).read_text(encoding="utf-8"))
        network = build(contract, plugins)
        _load(network, folder / WEIGHTS)
    except UnicodeDecodeError:
        raise BadBundle(f"bundle={folder}: {CONTRACT} is no text: copy the bundle again") from None
    except ValueError as error:
        raise BadBundle(f"bundle={folder}: {error}") from None
    return Bundle(network.eval(), contract)


def _mlmodel() -> str:
    """What MLflow must know of the folder, in its own words; JSON is YAML."""
    columns = [{"name": name, "required": True, **kind} for name, kind in COLUMNS.items()]
    flavor = {"loader_module": LOADER, "data": ".", "python_version": python_version(), "config": {"plugins": []}}
    about = {
        "flavors": {"python_function": flavor},
        "signature": {"inputs": json.dumps(columns), "outputs": None, "params": None},
    }
    return json.dumps(about, indent=2) + "\n"


def build(contract: Contract, plugins: Sequence[str] = ()) -> nn.Module:
    """Construct the network that a contract names, with weights yet to come.

    Args:
        contract: that names it.
        plugins: as for `read`.

    Raises:
        BadBundle: the class is not trusted, is no network, or takes other arguments.
    """
    module, _, name = contract.network.rpartition(".")
    if not any(f"{module}.".startswith(f"{trusted}.") for trusted in (MODELS, *plugins)):
        raise BadBundle(
            f"network={contract.network} is not below {', '.join((MODELS, *plugins))}: "
            f"if you trust it, add plugins=[{module.partition('.')[0]}]"
        )
    try:
        kind = getattr(importlib.import_module(module), name, None)
    except ModuleNotFoundError as error:
        raise BadBundle(f"network={contract.network} cannot be imported ({error}): install what has it") from None
    if not (isinstance(kind, type) and issubclass(kind, nn.Module) and kind.__module__ == module):
        raise BadBundle(f"network={contract.network} is no network: its module defines no nn.Module of that name")
    try:
        return kind(**contract.arguments)
    except (TypeError, ArithmeticError, RuntimeError) as error:  # the last two of sizes that nothing can have
        reason = " ".join(str(error).split())[:200]
        raise BadBundle(
            f"network={contract.network} takes other arguments ({reason}): read it with the version that wrote it"
        ) from None


def _load(network: nn.Module, file: Path) -> None:
    try:
        network.load_state_dict(load_file(file))
    except SafetensorError as error:
        raise BadBundle(f"{file.name} is damaged ({error}): copy the bundle again") from None
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise BadBundle(f"{file.name} is of another network ({reason}): copy the bundle again") from None

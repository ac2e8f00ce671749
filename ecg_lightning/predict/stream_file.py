"""The state of a stream as a file of plain arrays: nothing is ever unpickled."""

import hashlib
import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ecg_lightning.bundle import Bundle
from ecg_lightning.whole_files import written_whole

VERSION = 1
About = tuple[tuple[str, ...], float, bool]  # leads, fs_hz, detect
Parts = Mapping[str, Mapping[str, np.ndarray]]


class BadState(ValueError):
    """A saved stream that cannot go on; the message says why."""


def write(file: Path, bundle: Bundle, about: About, parts: Parts) -> None:
    """Write the state of a stream; a file of this name is replaced, and nobody reads half of one.

    Args:
        file: usually ending in .npz.
        bundle: whose answers it goes on with.
        about: how the stream was begun.
        parts: arrays by part and name.
    """
    leads, fs_hz, detect = about
    arrays = {f"{part}.{name}": array for part, some in parts.items() for name, array in some.items()}
    head = {"version": VERSION, "leads": leads, "fs_hz": fs_hz, "detect": detect, "bundle": fingerprint(bundle)}
    text = json.dumps(head | {"digest": _digest(arrays)})
    with written_whole(file) as part, part.open("wb") as out:
        np.savez(out, head=np.frombuffer(text.encode(), np.uint8), **arrays)  # type: ignore[arg-type]


def read(file: Path, bundle: Bundle) -> tuple[About, dict[str, dict[str, np.ndarray]]]:
    """Read what `write` wrote.

    Raises:
        FileNotFoundError: there is no such file.
        BadState: it is damaged, no state of a stream, of another version, or of another bundle.
    """
    if not file.is_file():
        raise FileNotFoundError(f"state={file}: there is no such file; name one that Stream.save wrote")
    try:
        with file.open("rb") as content, np.load(content, allow_pickle=False) as found:
            arrays = {name: found[name] for name in found.files}
        head = json.loads(arrays.pop("head").tobytes())
        known = (head["version"], head["digest"], head["bundle"])
        about = (tuple(map(str, head["leads"])), float(head["fs_hz"]), bool(head["detect"]))
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        OSError,
        EOFError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise BadState(f"state={file} is damaged or no state of a stream ({error}): save it again") from None
    if known[0] != VERSION:
        raise BadState(f"state={file} is of version {known[0]}, this package reads {VERSION}: begin the stream again")
    if known[1] != _digest(arrays):
        raise BadState(f"state={file} is damaged: its arrays are not those that were written; save it again")
    if known[2] != fingerprint(bundle):
        raise BadState(f"state={file} is of another bundle: go on with the one that the stream was begun with")
    parts: dict[str, dict[str, np.ndarray]] = {"signal": {}, "peaks": {}, "past": {}, "waiting": {}}
    for name, array in arrays.items():
        part, _, inner = name.partition(".")
        if part not in parts:
            raise BadState(f"state={file} holds {name}, which no stream has: save it again")
        parts[part][inner] = array
    return about, parts


def fingerprint(bundle: Bundle) -> str:
    """Changes with the contract and the weights of a bundle."""
    digest = hashlib.sha256(bundle.contract.to_json().encode())
    for name, weight in sorted(bundle.network.state_dict().items()):
        digest.update(name.encode())
        digest.update(weight.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _digest(arrays: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()

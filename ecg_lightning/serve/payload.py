"""What somebody sends, as JSON or as a row of a data frame, becomes a recording or a window, or is refused in words."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int

from ecg_lightning.contract import Contract
from ecg_lightning.datasets.wfdb_files import choose_leads
from ecg_lightning.dsp.peaks import find_r_peaks
from ecg_lightning.reading.said import Raw
from ecg_lightning.reading.samples import implausible, usual_range
from ecg_lightning.structures import PERSON, BadRecord, Record
from ecg_lightning.windowing import Crops, scale_windows

RECORDING = ("ecg_mv", "leads", "fs_hz", "peak_sample", *PERSON, "begin_s")
WINDOW = ("ecg_mv", "leads", "features")
FS_HZ = (20.0, 20_000.0)  # below lies no QRS, above no recorder
BEGIN_S = (0.0, 4.2e9)  # 1970 to 2103
LARGEST = 1e9  # of a sample; squares of larger ones leave float32
N_LEADS, N_CHARACTERS = 64, 32
N_SAMPLES = 2**25  # of all leads, after resampling: 26 hours of one lead at 360 Hz, 130 MB


class BadPayload(ValueError):
    """What was sent is no recording and no window; the message says why."""


def is_recording(sent: Mapping[str, Any]) -> bool:
    """Whether a whole recording was sent, which has a sampling rate; else it is a window."""
    return "fs_hz" in sent


def recording(name: str, sent: Mapping[str, Any], contract: Contract) -> Record:
    """Read a whole recording.

    Args:
        name: what it is called in answers and refusals, e.g. "0".
        sent: `ecg_mv` (a list per lead), `leads` (their names), `fs_hz`, and where known `peak_sample` (R peaks,
            counted at fs_hz; without it they are detected in the first lead that the network takes), `age_years`,
            `sex_female` (1 or 0) and `begin_s` (in seconds since 1970, by the recorder's clock).
        contract: of the network that it is for; samples are in its unit.

    Raises:
        BadPayload: a key is unknown, a value is of the wrong kind or shape or out of its limits, or a lead is missing.
        BadRecord: no ECG in millivolts has such an amplitude.
    """
    _check_keys(name, sent, RECORDING)
    fs_hz = _number(name, "fs_hz", sent["fs_hz"], FS_HZ)
    ecg_mv, leads = _signals(name, sent)
    _check_rate(name, ecg_mv, fs_hz, contract)
    places = _places(name, leads, contract)
    _check_amplitude(name, ecg_mv[places], fs_hz, contract)
    first = places[0]
    if "peak_sample" in sent:
        peak_sample = _peaks(name, sent["peak_sample"], ecg_mv.shape[1])
    elif isinstance(contract.window, Crops):
        peak_sample = np.zeros(0, np.int64)
    else:
        peak_sample = find_r_peaks(ecg_mv[first : first + 1], fs_hz)
    person = {key: _number(name, key, sent[key], limits) for key, limits in PERSON.items() if key in sent}
    begin_s = _number(name, "begin_s", sent["begin_s"], BEGIN_S) if "begin_s" in sent else float("nan")
    return Record(name, "", ecg_mv, leads, fs_hz, peak_sample, (), False, contract.preprocess.unit, person, begin_s)


def window(name: str, sent: Mapping[str, Any], contract: Contract) -> dict[str, Any]:
    """Read one window: what the network is given, but for a scale that is taken window by window.

    Args:
        name: as for `recording`.
        sent: `ecg_mv` (a list of exactly the window's samples per lead, at the network's rate, filtered by the caller
            as the contract says: a window alone cannot be filtered as the record round it), `leads`, and where the
            network takes features `features`: a list in its order, or by name; None or NaN is not known.
        contract: of the network that it is for.

    Returns:
        The fields `ecg`, `features` and `extra` of one row, as `batch.Batch` has them; other signals as if they had
        not been recorded.

    Raises:
        BadPayload: as for `recording`, or the window has another length, or features are missing.
    """
    _check_keys(name, sent, WINDOW)
    ecg_mv, leads = _signals(name, sent)
    todo, n_samples = contract.preprocess, contract.window.n_samples
    if ecg_mv.shape[1] != n_samples:
        raise BadPayload(
            f"recording {name}: a window has {n_samples} samples at {todo.fs_hz:g} Hz, not {ecg_mv.shape[1]}: "
            f"send that many, or add fs_hz for a whole recording"
        )
    ecg = torch.from_numpy(ecg_mv[_places(name, leads, contract)])[None]
    n_seconds = max(1, round(n_samples / todo.fs_hz))  # at 1 Hz
    return {
        "ecg": scale_windows(ecg, todo.scale),
        "features": torch.from_numpy(_features(name, sent.get("features", ()), contract.features.names))[None],
        "extra": {channel: torch.zeros(1, n, n_seconds) for channel, n in contract.extra_channels.items()},
    }


def _check_keys(name: str, sent: Mapping[str, Any], known: Sequence[str]) -> None:
    missing = [key for key in ("ecg_mv", "leads") if key not in sent]
    unknown = [f"{key!s:.{N_CHARACTERS}}" for key in sent if key not in known]
    if missing or unknown:
        said = [f"{', '.join(missing)} missing"] * bool(missing) + [f"{', '.join(unknown[:8])} unknown"] * bool(unknown)
        kind = "a whole recording" if is_recording(sent) else "a window (it has no fs_hz)"
        raise BadPayload(f"recording {name}: {' and '.join(said)}: {kind} takes {', '.join(known)}")


def _signals(name: str, sent: Mapping[str, Any]) -> tuple[Float[np.ndarray, "lead time"], tuple[str, ...]]:
    leads = tuple(_listed(name, "leads", sent["leads"], "names"))
    if not all(isinstance(lead, str) and 0 < len(lead) <= N_CHARACTERS for lead in leads) or len(leads) > N_LEADS:
        raise BadPayload(f"recording {name}: leads takes up to {N_LEADS} names of up to {N_CHARACTERS} characters")
    if len(set(leads)) < len(leads):
        raise BadPayload(f"recording {name}: leads={', '.join(leads)} names a lead twice: give each its own name")
    rows = _listed(name, "ecg_mv", sent["ecg_mv"], "lists, one per lead")
    ecg = [_numbers(name, f"ecg_mv[{k}]", row) for k, row in enumerate(rows)]
    lengths = sorted({len(lead) for lead in ecg})
    if len(lengths) != 1 or len(leads) != len(ecg):
        raise BadPayload(
            f"recording {name}: ecg_mv has {len(ecg)} leads of {lengths} samples for {len(leads)} names: "
            f"give one list per name, all of one length"
        )
    if lengths == [0]:
        raise BadPayload(f"recording {name}: ecg_mv has no samples: give some")
    together = np.stack(ecg)
    if n_bad := int((~np.isfinite(together)).sum()):
        raise BadPayload(f"recording {name}: ecg_mv has {n_bad} samples that are no numbers: cut them out first")
    if (largest := float(np.abs(together).max())) > LARGEST:
        raise BadPayload(f"recording {name}: ecg_mv reaches {largest:g}, beyond {LARGEST:g}: look at its unit")
    return together.astype(np.float32), leads


def _places(name: str, leads: tuple[str, ...], contract: Contract) -> list[int]:
    wanted = contract.preprocess.leads
    try:
        return list(choose_leads(name, leads, wanted))
    except BadRecord:
        raise BadPayload(
            f"recording {name}: leads={', '.join(leads)}, but this network takes {', '.join(wanted)}: send these"
        ) from None


def _check_rate(name: str, ecg_mv: Float[np.ndarray, "lead time"], fs_hz: float, contract: Contract) -> None:
    todo = contract.preprocess
    if todo.mode == "real_time" and fs_hz != todo.fs_hz:
        raise BadPayload(
            f"recording {name}: fs_hz={fs_hz:g}, but this network works in real time and takes {todo.fs_hz:g} Hz as it "
            f"is, as resampling looks ahead: record at that rate"
        )
    n_samples = round(ecg_mv.size * max(1.0, todo.fs_hz / fs_hz))
    if n_samples > N_SAMPLES:
        raise BadPayload(
            f"recording {name} has {n_samples:,} samples at {todo.fs_hz:g} Hz, above {N_SAMPLES:,}: send it in parts"
        )


def _check_amplitude(name: str, ecg_mv: Float[np.ndarray, "lead time"], fs_hz: float, contract: Contract) -> None:
    """Refuse microvolts that are sent as millivolts, as files are refused; a line that is flat has no amplitude."""
    range_mv = [usual_range(lead, fs_hz) for lead in ecg_mv]
    if contract.preprocess.unit == "mV" and any(range_mv):
        leads = tuple(contract.preprocess.leads)
        implausible(Raw(name, ecg_mv, leads, ("mV",) * len(leads), fs_hz, ()), range_mv)


def _peaks(name: str, value: Any, n_samples: int) -> Int[np.ndarray, " beat"]:
    found = _numbers(name, "peak_sample", value)
    if not np.isfinite(found).all() or (found % 1).any():
        raise BadPayload(f"recording {name}: peak_sample takes whole numbers: count samples from 0")
    if len(found) and not 0 <= found.min() <= found.max() < n_samples:
        raise BadPayload(
            f"recording {name}: peak_sample runs from {found.min():g} to {found.max():g} and must lie between 0 and "
            f"{n_samples - 1}: count at fs_hz, from the first sample"
        )
    if (np.diff(found) <= 0).any():
        raise BadPayload(f"recording {name}: peak_sample does not ascend: sort it, and name every beat once")
    return found.astype(np.int64)


def _features(name: str, value: Any, names: Sequence[str]) -> Float[np.ndarray, " feature"]:
    if isinstance(value, Mapping):
        unknown = [f"{key!s:.{N_CHARACTERS}}" for key in value if key not in names]
        if unknown or (missing := [key for key in names if key not in value]):
            wrong = f"{unknown[0]} unknown" if unknown else f"{', '.join(missing)} missing"
            raise BadPayload(f"recording {name}: features has {wrong}: this network takes {', '.join(names) or 'none'}")
        value = [value[key] for key in names]
    rest = [float("nan") if one is None else one for one in _listed(name, "features", value, "numbers")]
    found = _numbers(name, "features", rest)
    if len(found) != len(names):
        raise BadPayload(
            f"recording {name}: features has {len(found)} numbers, but this network takes {len(names)}: "
            f"{', '.join(names) or 'none'}"
        )
    if (np.abs(found) > LARGEST).any():
        raise BadPayload(f"recording {name}: features reach beyond {LARGEST:g}: look at their units")
    return found.astype(np.float32)


def _number(name: str, what: str, value: Any, limits: tuple[float, float]) -> float:
    (found,) = _numbers(name, what, [value])
    low, high = limits
    if not low <= found <= high:
        raise BadPayload(f"recording {name}: {what}={found:g} must lie between {low:g} and {high:g}")
    return float(found)


def _numbers(name: str, what: str, value: Any) -> Float[np.ndarray, " number"]:
    """A flat list of numbers; truth values and text are none, whatever numpy makes of them."""
    listed = _listed(name, what, value, "numbers")
    kinds = {type(one) for one in listed}
    odd = sorted(k.__name__ for k in kinds if k is bool or not issubclass(k, (int, float, np.integer, np.floating)))
    if odd:
        raise BadPayload(f"recording {name}: {what} holds {', '.join(odd)} and takes numbers alone")
    try:
        return np.array(listed, np.float64)
    except OverflowError:
        raise BadPayload(f"recording {name}: {what} holds a whole number that is too large") from None


def _listed(name: str, what: str, value: Any, of: str) -> Sequence[Any]:
    if isinstance(value, np.ndarray) and value.ndim:
        return value.tolist() if value.ndim == 1 else list(value)
    if not isinstance(value, (list, tuple)):
        raise BadPayload(f"recording {name}: {what} is of kind {type(value).__name__} and must be a list of {of}")
    return value

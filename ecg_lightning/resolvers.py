"""The words with which `conf/` computes one value from others."""

import os
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from omegaconf import DictConfig, ListConfig

from ecg_lightning import scp
from ecg_lightning.refusals import ConfigError

MODES = ("diagnostic", "real_time")


def seconds(value: float | str) -> float:
    """A duration in seconds, given as a number or as a fraction such as "280/360"."""
    try:
        out = float(Fraction(str(value)))
    except (ValueError, ZeroDivisionError):
        raise ConfigError(f"window_s={value} is no duration: give seconds, or a fraction such as 280/360") from None
    if out <= 0:
        raise ConfigError(f"window_s={value} must be above 0 seconds")
    return out


def samples(window_s: float | str, fs_hz: float) -> int:
    """How many samples a window has.

    Raises:
        ConfigError: not a whole number.
    """
    n = seconds(window_s) * fs_hz
    if abs(n - round(n)) > 1e-6:
        raise ConfigError(
            f"window_s={window_s} at fs_hz={fs_hz:g} is {n:.3f} samples, not a whole number: "
            f"take {int(n)}/{fs_hz:g} or {int(n) + 1}/{fs_hz:g} (task.signal.window_s)"
        )
    return round(n)


def by_mode(mode: str, diagnostic: Any, real_time: Any) -> Any:
    """One of two values, by task.mode."""
    if mode not in MODES:
        raise ConfigError(f"task.mode={mode} is unknown: choose from {', '.join(MODES)}")
    chosen = diagnostic if mode == "diagnostic" else real_time
    return ListConfig(chosen) if isinstance(chosen, list) else chosen


def positions(names: Sequence[str], among: Sequence[str]) -> ListConfig:
    """Where each name stands in a list."""
    if unknown := [name for name in names if name not in among]:
        raise ConfigError(f"task.headline_classes holds {unknown}, not among task.classes={list(among)}")
    return ListConfig([list(among).index(name) for name in names])


def n_outputs(problem: str, classes: Sequence[str]) -> int:
    """How many numbers a network gives: one per class, but a single one to tell two apart."""
    if problem == "binary" and len(classes) != 2:
        raise ConfigError(f"task.problem=binary takes two classes, the negative one first: not {list(classes)}")
    return 1 if problem == "binary" else len(classes)


def scp_kind(kind: str) -> dict[str, str]:
    """Classes of one kind of SCP-ECG statements, and what they mean."""
    if kind not in scp.KINDS:
        raise ConfigError(f"task.labels={kind} is unknown: choose from {', '.join(scp.KINDS)}")
    return scp.long_names(kind)


def default_cache() -> str:
    """The user's cache folder."""
    from platformdirs import user_cache_dir

    return user_cache_dir("ecg_lightning", appauthor=False)


WORDS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "len": len,
        "n_outputs": n_outputs,
        "samples": samples,
        "by_mode": by_mode,
        "positions": positions,
        "first_value": lambda named: next(iter(named.values()), ""),
        "first": lambda *values: next((v for v in values if v is not None), None),
        "round_share": lambda share, n: round(share * n),
        "scp_classes": lambda kind: ListConfig(list(scp_kind(kind))),
        "scp_names": lambda kind: DictConfig(scp_kind(kind)),
        "default_cache": default_cache,
        "pid": os.getpid,
    }
)
"""By the name that `conf/` calls them."""

SAID_ONCE = ("pid",)
"""What every process of a sweep must find as the first one said it."""

"""What a study may vary: the space of `conf/search`, read against the config that it varies, or refused in words."""

import difflib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf

from ecg_lightning.refusals import ConfigError

Value = None | bool | int | float | str
NOT_SEARCHED = {  # by the first word of a key, or the first two
    "seed": "a lucky seed must not be chosen",
    **dict.fromkeys(
        (
            "task",
            "dataset",
            "split",
            "adapt",
            "data_dir",
            "task.monitor",
            "task.metrics",
            "task.labels",
            "task.classes",
        ),
        "trials must be judged on the same validation rows, by the same number",
    ),
    **dict.fromkeys(
        ("trainer", "tracking", "callbacks", "test", "resume", "search", "sweep", "hydra", "plugins", "cache_dir"),
        "it says how a trial is run, not what is learned",
    ),
}
CHANGES_LOSS = ("loss", "imbalance", "preprocess", "experiment")


@dataclass(frozen=True)
class Setting:
    """One setting of a space.

    Args:
        key: of the config, or the name of one of its groups.
        choices: values, or options of the group; empty where a range is searched.
        low: the least value.
        high: the greatest value.
        step: between values; None for none.
        log: as many small values as large ones are tried, by their logarithm.
        whole: the values are whole numbers.
    """

    key: str
    choices: tuple[Value, ...] = ()
    low: float = 0
    high: float = 0
    step: float | None = None
    log: bool = False
    whole: bool = False

    @property
    def corners(self) -> tuple[Value, ...]:
        """Its choices, or its least and its greatest value."""
        return self.choices or (self.low, self.high)

    def word(self, value: Value) -> str:
        """The override that gives a trial this value."""
        if value is None or isinstance(value, bool):
            return f"{self.key}={json.dumps(value)}"
        return f"{self.key}={value if isinstance(value, str) else repr(value)}"


def read(space: Mapping[str, Any], cfg: DictConfig, groups: Collection[str]) -> tuple[Setting, ...]:
    """Read a space.

    Args:
        space: {key: {choices:} or {low:, high:, log:, step:}}; what is null is left out.
        cfg: that it varies; tells kinds of values.
        groups: of the config.

    Raises:
        ConfigError: it cannot be searched; every reason, one a line.
    """
    wanted = {key: _given(spec) for key, spec in space.items() if spec is not None}
    if not wanted:
        raise ConfigError("search.space is empty: name a setting, e.g. 'search.space={optim.lr:{low:1e-4,high:1e-2}}'")
    if wrong := [line for key, spec in wanted.items() for line in _wrong(key, spec, cfg, groups)]:
        raise ConfigError("\n".join(f"search.space: {line}" for line in wrong))
    return tuple(_setting(key, spec, _now(cfg, key)) for key, spec in wanted.items())


def corners(settings: tuple[Setting, ...]) -> Iterator[list[str]]:
    """Overrides of a first trial, and of one for each other corner of each setting."""
    first = [setting.word(setting.corners[0]) for setting in settings]
    yield first
    for at, setting in enumerate(settings):
        for value in setting.corners[1:]:
            yield [*first[:at], setting.word(value), *first[at + 1 :]]


def told(settings: tuple[Setting, ...]) -> str:
    """A space in a line, by which two can be compared."""
    return json.dumps([[s.key, list(s.choices) or [s.low, s.high, s.step, s.log, s.whole]] for s in settings])


def _wrong(key: str, spec: Any, cfg: DictConfig, groups: Collection[str]) -> Iterator[str]:
    yield from _wrong_key(key, cfg, groups)
    if not isinstance(spec, Mapping):
        yield f"{key}={spec} must be {{choices: [...]}} or {{low: ..., high: ...}}"
        return
    if unknown := sorted(set(spec) - {"choices", "low", "high", "log", "step"}):
        yield f"{key} has {', '.join(map(str, unknown))}, but takes choices, or low, high, log and step"
    elif "choices" in spec:
        if len(spec) > 1:
            yield f"{key} has choices and a range: give one of them"
        yield from _wrong_choices(key, spec["choices"])
    elif key in groups:
        yield f"{key} is a group of the config: give choices of its options"
    else:
        yield from _wrong_range(key, spec, _now(cfg, key))


def _wrong_key(key: str, cfg: DictConfig, groups: Collection[str]) -> Iterator[str]:
    """Keys that are not there, or that must not be chosen by a score."""
    parts = key.split(".")
    for name in (parts[0], ".".join(parts[:2])):
        if name in NOT_SEARCHED and (name != "task" or len(parts) == 1):
            yield f"{key} cannot be searched: {NOT_SEARCHED[name]}"
            return
    monitor = cfg.task.monitor.metric
    if parts[0] in CHANGES_LOSS and monitor.endswith("/loss"):
        yield f"{key} cannot be searched by task.monitor.metric={monitor}, which means another thing with another {key}"
    if key in groups:
        return
    above = OmegaConf.select(cfg, ".".join(parts[:-1])) if len(parts) > 1 else cfg
    if not isinstance(above, DictConfig):
        yield f"{key}: there is no {'.'.join(parts[:-1])} in this config"
    elif parts[-1] not in above:
        known = [str(name) for name in above if not str(name).startswith("_")]
        near = difflib.get_close_matches(parts[-1], known, n=1, cutoff=0.6)
        what = f"{'.'.join(parts[:-1])} of this config" if len(parts) > 1 else "this config"
        yield f"{key}: {what} has no {parts[-1]}; " + (f"did you mean '{near[0]}'?" if near else ", ".join(known))


def _wrong_choices(key: str, choices: Any) -> Iterator[str]:
    if not isinstance(choices, list | tuple | ListConfig):
        yield f"{key}.choices={choices} must be a list"
    elif len(set(map(_plain, choices))) < max(2, len(choices)):
        yield f"{key}.choices={list(choices)} must be two or more that differ"


def _wrong_range(key: str, spec: Mapping[str, Any], now: Value) -> Iterator[str]:
    if lacking := [name for name in ("low", "high") if name not in spec]:
        yield f"{key} has no {' and no '.join(lacking)}: give low and high, or choices"
        return
    if isinstance(now, bool | str):
        yield f"{key} is {now}, no number: give choices"
        return
    numbers = {name: spec[name] for name in ("low", "high", "step") if spec.get(name) is not None}
    if wrong := [name for name, x in numbers.items() if isinstance(x, bool) or not isinstance(x, int | float)]:
        yield from (f"{key}.{name}={numbers[name]} must be a number" for name in wrong)
        return
    low, high, step = numbers["low"], numbers["high"], numbers.get("step")
    if low >= high:
        yield f"{key} has low={low} and high={high}: low must be less than high"
    if spec.get("log") and low <= 0:
        yield f"{key} has low={low} and log=true: a logarithm takes numbers above 0"
    if step is not None and spec.get("log"):
        yield f"{key} has log=true and step={step}: give one of them"
    elif step is not None and not 0 < step <= high - low:
        yield f"{key} has step={step}, which must lie above 0 and fit between low={low} and high={high}"


def _setting(key: str, spec: Mapping[str, Any], now: Value) -> Setting:
    if "choices" in spec:
        return Setting(key, tuple(map(_plain, spec["choices"])))
    low, high, step = spec["low"], spec["high"], spec.get("step")
    whole = not isinstance(now, float) and all(isinstance(x, int) for x in (low, high, step or 1))
    if step is not None:
        high = low + int((high - low) / step + 1e-9) * step  # the last value that steps reach
    low, high = (low, high) if whole else (float(low), float(high))
    return Setting(key, (), low, high, step, bool(spec.get("log")), whole)


def _plain(choice: Any) -> Value:
    """A choice as a study keeps it: what is not one value is kept as it is typed."""
    if isinstance(choice, DictConfig | ListConfig):
        choice = OmegaConf.to_container(choice, resolve=True)
    return json.dumps(choice) if isinstance(choice, list | dict) else choice


def _given(spec: Any) -> Any:
    """A spec without what is null, by which a preset's range makes room for choices that are typed."""
    return {name: value for name, value in spec.items() if value is not None} if isinstance(spec, Mapping) else spec


def _now(cfg: DictConfig, key: str) -> Any:
    """The value that the config has without a search; None where it has none."""
    found = OmegaConf.select(cfg, key)
    return found if isinstance(found, bool | int | float | str) else None

"""The groups of `conf/` and their types; values that several groups read are typed here."""

from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING


@dataclass
class Signal:
    """What a window is made of."""

    leads: list[str] = MISSING
    fs_hz: float = MISSING
    window_s: Any = MISSING  # seconds, or a fraction such as 280/360
    r_position: float = 0.5  # share of the window before the R peak, where there is one


@dataclass
class Monitor:
    """What is best, said once."""

    metric: str = MISSING
    mode: str = MISSING


@dataclass
class Threshold:
    """Where anomalies begin, by the scores of validation normals; one of the two is null."""

    n_sd: float | None = None  # standard deviations above their mean
    percentile: float | None = None  # of them


@dataclass
class Task:
    """A clinical question: its classes, its windows and its data module."""

    name: str = MISSING
    problem: str = MISSING
    classes: list[str] = MISSING
    class_names: dict[str, str] = MISSING
    headline_classes: list[str] = field(default_factory=list)
    labels: str | None = None  # kind of labels, where the corpus has several
    aggregate: str = "mean"  # of the crops of a recording
    extra: list[str] = field(default_factory=list)  # other signals of the corpus, by name
    least_specificity: float | None = None  # of the threshold where two classes are told apart; None: best F1
    kinds: dict[str, str] = field(default_factory=dict)  # of rows, where anomalies are looked for; the normal one first
    score: str | None = None  # by which anomalies are told
    threshold: Threshold = field(default_factory=Threshold)
    score_train: bool = False  # also the training rows, once more, when the network has learned
    monitor: Monitor = field(default_factory=Monitor)
    metrics: Any = MISSING
    mode: str = MISSING
    max_epochs: int = 30  # a preset's number; trainer=smoke and trainer.max_epochs have the last word
    signal: Signal = field(default_factory=Signal)
    without: list[str] = field(default_factory=list)
    module: Any = None
    data: Any = MISSING


@dataclass
class Search:
    """What `tune` varies, and for how long."""

    space: dict[str, Any] = field(default_factory=dict)  # key or group: {choices: [...]} or {low:, high:, log:, step:}
    n_trials: int = 30  # in all, over all processes; those that fail count
    max_hours: float | None = None  # no trial begins after so long
    storage: str | None = None  # address of a database that several machines share; null: study.db in the folder
    study: str | None = None  # its name in there
    prune: bool = True  # stop trials that do worse than the median of the others at the same epoch
    seed: int = 0  # of the points that are tried


@dataclass
class Config:
    """The groups of `conf/`."""

    task: Task = field(default_factory=Task)
    dataset: Any = MISSING
    preprocess: Any = MISSING
    features: Any = MISSING
    split: Any = MISSING
    sampler: Any = MISSING
    augment: Any = MISSING
    pretrain: Any = MISSING
    adapt: Any = None
    model: Any = MISSING
    loss: Any = MISSING
    modules: Any = MISSING
    optim: Any = MISSING
    schedule: Any = MISSING
    callbacks: Any = MISSING
    trainer: Any = MISSING
    tracking: Any = MISSING
    seed: int = 0
    test: bool | None = None
    resume: str | None = None
    data_dir: str = MISSING
    cache_dir: str = MISSING
    plugins: list[str] = field(default_factory=list)
    search: Search | None = None

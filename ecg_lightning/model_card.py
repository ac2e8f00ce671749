"""The README.md of a bundle: what the model is, how to use it, and how far to trust it."""

from collections.abc import Iterator

from ecg_lightning.contract import Contract
from ecg_lightning.model_limits import limits
from ecg_lightning.model_numbers import tables
from ecg_lightning.prepare import latency_ms
from ecg_lightning.windowing import Crops, Segments, Window

WARNINGS = {  # also shown above what the model finds in a recording: true in both places
    "leaky_split": "Windows of one patient stand on both sides of the split: **the model's test numbers are leaky** "
    "and say nothing about new patients.",
    "same_patients": "The test patients were seen in training, at other times: the model's test numbers say nothing "
    "about new patients.",
    "missing_records": "Some records of the database were not at hand in training: the model's test numbers do not "
    "compare with those of the whole database.",
    "skipped_records": "Records of the database that could not be trusted were left out of training and test.",
    "unknown_patients": "For some records of the training data it is not known who the patient is. Each such record of "
    "PTB-XL counts as a person of its own, and all rows of csv files as one person.",
    "unit": "The model learned from records whose amplitude was lost: it knows the shape of waves, not their height.",
    "shared_patient": "One person stands on both sides of the model's split into training and test.",
    "beside_published": "The model's split holds records that the published split leaves out: its test numbers do not "
    "compare with published ones.",
}
SAID = "synthetic"  # by the data
PARTS = {  # of the score of an anomaly
    "mae": "mean absolute error of the reconstruction",
    "weighted": "mean absolute error of the reconstruction, weighed by how little normal windows vary at each sample",
    "latent": "distance from normal windows in latent space",
    "rhythm": "root mean square of the standardised features",
}

USAGE = """In a terminal, for recordings of your own (WFDB, EDF, csv, npy); `model` is this folder, `100.hea` your file:

    python -m ecg_lightning.predict model 100.hea --output answer

In Python:

```python
from pathlib import Path
from ecg_lightning import bundle
from ecg_lightning.predict import {module}
from ecg_lightning.reading.recordings import Said, read_recording

model = bundle.read(Path("model"))  # the path of this folder
record = read_recording(Path("100.hea"), model.contract.preprocess.leads, Said()).record  # your file
answers = {module}.{function}(model, record)
```

`record` (`ecg_lightning.structures.Record`) is {taken}. Its leads are chosen by name; it is resampled, filtered and cut
as written above, and there is one row per {row}. What a file does not say of itself, you say:
`Said(fs_hz=250.0, units="mV", leads=("II",))`. Over HTTP: `python -m ecg_lightning.serve model`, or by MLflow
`mlflow models serve -m model --env-manager local`."""
ROWS_USAGE = """```python
from pathlib import Path
import numpy as np
from ecg_lightning import bundle
from ecg_lightning.predict import beats
from ecg_lightning.structures import Record

model = bundle.read(Path("model"))  # the path of this folder
rows = np.loadtxt("rows.csv", delimiter=",", dtype=np.float32, ndmin=2)[:, :{n_samples}]  # without their class
record = Record(
    name="rows",
    patient="",
    ecg_mv=rows.reshape(1, -1),
    leads=("ECG",),
    fs_hz={fs_hz},
    peak_sample={n_samples} * np.arange(len(rows)),
    symbol=(),
    synthetic=False,
    unit="{unit}",
)
answers = beats.classify(model, record)
```

It answers for single beats that were cut and scaled as the rows of the csv files that it learned from: {n_samples}
samples each, scaled to 0..1 by themselves. They are laid one after another; `peak_sample` says where each begins. There
is one row per beat. A whole recording, in millivolts, is refused."""
ROWS = "min-max"  # unit of beats that came one by one
CALLS = {  # module, function, what it takes, one row per
    Window: (
        "beats",
        "classify",
        "a whole recording with its R peaks, here those of `100.atr` beside it (the command "
        "line finds them where there are none)",
        "beat",
    ),
    Crops: ("recordings", "diagnose", "a recording and what is known of the person", "class"),
    Segments: ("segments", "watch", "a recording of any length", "window"),
}
PURPOSES = {
    Window: "It says of every beat of a recording which of its classes it is",
    Crops: "It says of a whole recording which of its labels it carries",
    Segments: "It says of stretches of a recording, one by one, which of its classes they are",
}
UNITS = {Window: "beat", Crops: "recording", Segments: "window"}


def model_card(contract: Contract) -> str:
    """Write the card in Markdown."""
    parts = (
        f"# {contract.network.rpartition('.')[2]} for {contract.task}",
        *_warnings(contract),
        f"## What it is for\n\n{_purpose(contract)}",
        "## What it tells apart\n\n"
        + "\n".join(f"- **{c}** {contract.class_names.get(c, '')}" for c in contract.classes),
        f"## What it takes\n\n{_input(contract)}",
        f"## How to use it\n\n{_usage(contract)}",
        f"## How good it is\n\n{tables(contract)}",
        "## What it cannot do\n\n" + "\n".join(f"- {limit}" for limit in limits(contract)),
        f"## What it learned from\n\n{_data(contract)}",
        f"Written by ecg-lightning {contract.package_version}; `contract.json` has every value.",
    )
    return "\n\n".join(parts) + "\n"


def _purpose(contract: Contract) -> str:
    does = PURPOSES[type(contract.window)]
    if contract.score is not None:
        does = f"It says how unlike {contract.classes[0]} ones a {UNITS[type(contract.window)]} is"
    return (
        f"{does}, to compare methods, or to sort recordings for somebody who looks at them. For research. Not a "
        f"medical device; nothing here has been validated for care, and no decision about a person may rest on it."
    )


def _usage(contract: Contract) -> str:
    todo, window = contract.preprocess, contract.window
    if todo.unit == ROWS:
        return ROWS_USAGE.format(n_samples=window.n_samples, fs_hz=todo.fs_hz, unit=todo.unit)
    module, function, taken, row = CALLS[type(window)]
    if isinstance(window, Crops) and contract.score is not None:
        row = "recording"
    return USAGE.format(module=module, function=function, taken=taken, row=row)


def _warnings(contract: Contract) -> Iterator[str]:
    return (f"> {words}" for words in warnings(contract))


def warnings(contract: Contract) -> Iterator[str]:
    """What a reader must know first, in Markdown."""
    if contract.data.get("synthetic"):
        yield "**Synthetic data.** It has never seen a real ECG: for trying out the tools, not for anything else."
    for tag, words in WARNINGS.items():
        if tag in contract.tags:
            yield f"{words} (`{tag}={contract.tags[tag]}`)"
    others = ", ".join(f"`{tag}={value}`" for tag, value in contract.tags.items() if tag not in (*WARNINGS, SAID))
    if others:
        yield f"Tagged {others}."


def _input(contract: Contract) -> str:
    todo, window = contract.preprocess, contract.window
    latency, reason = latency_ms(todo, window, contract.features)
    after_r = f"{latency:.0f} ms" if latency is not None else "not defined"
    unit = "in millivolts" if todo.unit == "mV" else f"without a unit ({todo.unit}: amplitude is lost)"
    filtering = {
        "butterworth": f"Butterworth {todo.low_hz:g}-{todo.high_hz:g} Hz, order {todo.order}, {todo.phase} phase",
        "median": "baseline by two running medians",
    }.get(todo.filter, "none")
    others, detected = ", ".join(contract.extra_channels), todo.beats == "detected"
    lines = (
        f"Leads: {', '.join(todo.leads)}, {unit}, at {todo.fs_hz:g} Hz",
        f"Window: {_window(contract)}",
        f"Filter: {filtering}{', over the whole record before windows are cut' if filtering != 'none' else ''}",
        f"Scale: z-score of each lead by {todo.scale}" if todo.scale != "none" else "Scale: none",
        f"Features: {', '.join(f'`{name}`' for name in contract.features.names) or 'none'}",
        *([f"Other signals, as far as they are there: {others}"] if others else []),
        *(["R peaks: found in the first lead; marked ones are not looked at"] if detected else []),
        f"Mode: {todo.mode}; latency after R: {after_r} ({reason})",
        f"Probabilities: {_decision(contract)}" if contract.score is None else f"Score: {_score(contract)}",
    )
    return "\n".join(f"- {line}" for line in lines)


def _window(contract: Contract) -> str:
    window = contract.window
    if contract.preprocess.unit == ROWS:
        return f"{window.n_samples} samples, a whole row of a csv file"
    if isinstance(window, Window):
        after = window.n_samples - window.n_before
        return f"{window.n_samples} samples, {window.n_before} before the R peak and {after} from it on"
    if isinstance(window, Segments):
        return f"{window.n_samples} samples, one window every {window.hop}, each answered by itself"
    answers = "probabilities" if contract.score is None else "scores"
    several = f"of a longer recording one every {window.hop}, of whose {answers} the {window.by} counts"
    return f"{window.n_samples} samples; {several}"


def _decision(contract: Contract) -> str:
    if contract.problem == "multiclass":
        return f"softmax of the logits divided by {contract.temperature:g}; the largest decides"
    if contract.problem == "binary":
        called = " and ".join(f"called from {threshold:.3f}" for threshold in contract.thresholds or ())
        line = f"divided by {contract.temperature:g}, plus {(contract.offsets or (0.0,))[0]:g}"
        return f"sigmoid of the logit {line}, for {contract.classes[1]}, {called}"
    each = zip(contract.classes, contract.thresholds or (), strict=False)
    called = ", ".join(f"{name} {threshold:.3f}" for name, threshold in each) or "0.500 for every class"
    moved = ", plus an offset of each class (`offsets` of the contract)" if contract.offsets else ""
    return f"sigmoid of the logits divided by {contract.temperature:g}{moved}; a class is called from: {called}"


def _score(contract: Contract) -> str:
    """What counts, and from where on a window is an anomaly."""
    if contract.score is None:
        return ""
    parts = [PARTS.get(part, part) for part in contract.score.parts]
    each = zip(parts, contract.score.mean, contract.score.sd, strict=True)
    weighed = ", ".join(f"{part} ({mean:.3f} ± {sd:.3f})" for part, mean, sd in each)
    made = parts[0] if len(parts) == 1 else f"mean of (part - mean) / SD over {weighed}"
    called = " and ".join(f"{contract.classes[1]} from {threshold:.3f} on" for threshold in contract.thresholds or ())
    return f"{made}; {called} ({contract.score.rule})"


def _data(contract: Contract) -> str:
    counts = ", ".join(f"{len(ids)} for {side}" for side, ids in contract.patients.items())
    known = {
        name: contract.data[name] for name in ("corpus", "licence", "citation", "fingerprint") if name in contract.data
    }
    lines = [*(f"{name.capitalize()}: {value}" for name, value in known.items()), f"Patients: {counts}"]
    lines += contract.data.get("remarks", [])
    return "\n".join(f"- {line}" for line in lines)

"""What a trained network cannot do, as far as it follows from its contract."""

from collections.abc import Iterator

from ecg_lightning.contract import Contract
from ecg_lightning.windowing import Segments, Window

WEAK = 0.5  # F1 on test rows below which a class counts as hardly found
FEW_ROWS = 100  # of a class in training
FEW_PATIENTS = 10  # that thresholds and calibration come from
POPULATIONS = {  # as their papers say
    "mitdb": "Holter recordings of one laboratory in Boston, 1975-1979, 25 of 48 chosen because they are out of the "
    "ordinary",
    "ptbxl": "12-lead ECGs of 10 s that one maker's devices recorded, 1989-1996",
    "d1namo": "nine people with type 1 diabetes, a few days each, with one kind of chest belt",
    "heartbeat_csv": "beats of MIT-BIH that others have cut and scaled",
}
PACED = ("102", "104", "107", "217")  # of MIT-BIH


def limits(contract: Contract) -> list[str]:
    """One sentence or two per limit, those of every network of its kind first."""
    return [*_of_its_kind(contract), *_of_its_input(contract), *_of_its_data(contract)]


def _of_its_kind(contract: Contract) -> Iterator[str]:
    window = contract.window
    if isinstance(window, Window):
        yield (
            "It judges single beats, no rhythm: atrial fibrillation, flutter, a block or a pause is not told. Whatever "
            "is none of its classes is called one of them all the same, and so is noise."
        )
    elif isinstance(window, Segments):
        window_s = window.n_samples / contract.preprocess.fs_hz
        yield f"It judges stretches of {window_s:g} s one by one: not their cause, and not when in them something is."
    else:
        yield "It judges a recording as a whole: not where in it something is, and nothing but its classes."


def _of_its_input(contract: Contract) -> Iterator[str]:
    todo, window = contract.preprocess, contract.window
    leads = "lead" if len(todo.leads) == 1 else "leads"
    yield f"It knows {leads} {', '.join(todo.leads)} alone: another one by that name gets an answer that means nothing."
    if isinstance(window, Window) and todo.beats == "annotated" and todo.unit != "min-max":
        moved = ", and moves the rhythm features of its neighbours" if contract.features.names else ""
        yield f"It takes R peaks as they come: one that is missed or wrong is a missed or a wrong beat{moved}."
    if todo.mode == "real_time":
        yield f"It takes {todo.fs_hz:g} Hz alone: in real time nothing may be resampled."
    elif todo.looks_ahead:
        yield f"It is not for live use: {todo.looks_ahead}."


def _of_its_data(contract: Contract) -> Iterator[str]:
    corpus, data = contract.data.get("corpus"), contract.data
    if data.get("synthetic"):
        yield "Nobody stands behind its data: its numbers say nothing about people."
    elif corpus in POPULATIONS:
        yield f"It learned from {POPULATIONS[str(corpus)]}: people, devices and hospitals beyond were not seen."
    known = {patient for ids in contract.patients.values() for patient in ids}
    if corpus == "mitdb" and known and not known & set(PACED) and not data.get("synthetic"):
        yield "Patients with a pacemaker were left out."
    few = [f"{name} ({n:,})" for name, n in data.get("training_rows", {}).items() if n < FEW_ROWS]
    if contract.score is not None:
        yield f"It learned what {contract.classes[0]} rows look like, and calls what is unlike them: not what it is."
    elif few:
        yield f"It learned from fewer than {FEW_ROWS} rows of {', '.join(few)}."
    yield from _of_its_numbers(contract)
    n_val = len(contract.patients.get("val", ()))
    fitted = "threshold" if contract.score else "calibration"
    both = f"{fitted} and thresholds" if contract.thresholds and not contract.score else fitted
    if 0 < n_val < FEW_PATIENTS:
        yield f"It has its {both} from {n_val} validation patients: others may want other ones."


def _of_its_numbers(contract: Contract) -> Iterator[str]:
    if not contract.test or contract.score is not None:
        return
    f1 = {name: contract.test.get(f"test/f1/{name}") for name in contract.classes}
    weak = [f"{name} ({value:.2f})" for name, value in f1.items() if value is not None and value < WEAK]
    if weak:
        yield f"F1 of {', '.join(weak)} is below {WEAK:g} on test rows: do not rely on these."
    if any(value is not None for value in f1.values()) and (absent := [c for c, value in f1.items() if value is None]):
        yield f"Test rows hold no {', '.join(absent)}: nothing is known about how these are told."

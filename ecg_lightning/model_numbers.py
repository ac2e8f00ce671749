"""How good a trained network is, as the tables of its model card."""

import re

from ecg_lightning.contract import Contract

HEADLINES = (
    *("test/accuracy", "test/majority/accuracy", "test/always_anomaly/accuracy"),
    *("test/macro_auroc", "test/macro_average_precision"),
    *("test/auroc", "test/average_precision", "test/always_anomaly/average_precision"),
    *("test/sensitivity_at_specificity_90", "test/patient_auroc_mean", "test/always_anomaly/f1"),
    *("test/macro_f1_nsvf", "test/macro_f1", "test/majority/macro_f1", "test/kappa", "test/jk_index"),
)
CLASS_SCORES = ("f1", "sensitivity", "precision", "auroc")
GROUP_SCORES = ("macro_f1", "macro_auroc", "auroc", "average_precision")
GROUP = re.compile(r"test/((?!without_)[a-z]+)_([^/]+)/n_windows")


def tables(contract: Contract) -> str:
    """Headline numbers with their intervals, every class, and every group of people whose age or sex is known."""
    if not contract.test:
        return "The test rows were not scored."
    n_patients = len(contract.patients.get("test", ()))
    parts = [_headline(contract), _classes(contract), _groups(contract)]
    about = f"Of {n_patients} test patients, with 95 % intervals over patients; what is empty is not defined."
    return "\n\n".join([about] * bool(n_patients) + [part for part in parts if part])


def _headline(contract: Contract) -> str:
    rows = ["| test rows | value | 95 % interval |", "|---|---|---|"]
    for name, value, limits in headline_numbers(contract):
        interval = f"{limits[0]:.3f} to {limits[1]:.3f}" if limits else ""
        rows.append(f"| {name} | {value:.3f} | {interval} |")
    return "\n".join(rows) if len(rows) > 2 else ""


def headline_numbers(contract: Contract) -> list[tuple[str, float, tuple[float, float] | None]]:
    """Numbers of all test rows with their intervals, AUROC of every kind of anomaly included."""
    kinds = [name for name in contract.test if contract.score and re.fullmatch("test/auroc/[^/]+", name)]
    kinds = [name for name in kinds if not name.endswith(("_low", "_high"))]
    anomaly = ("specificity", *(f"{name}/{contract.classes[1]}" for name in ("sensitivity", "precision")))
    called = [f"test/{name}" for name in anomaly if contract.score]
    found = []
    for name in (*HEADLINES, *called, *kinds):
        if name in contract.test:
            low, high = contract.test.get(f"{name}_low"), contract.test.get(f"{name}_high")
            limits = (low, high) if low is not None and high is not None else None
            found.append((name.removeprefix("test/"), contract.test[name], limits))
    return found


def _classes(contract: Contract) -> str:
    """What is known of each class, where any has an F1 score."""
    known, n_training = contract.test, contract.data.get("training_rows", {})
    if not any(f"test/f1/{c}" in known for c in contract.classes):
        return ""
    scores = [s for s in CLASS_SCORES if any(f"test/{s}/{c}" in known for c in contract.classes)]
    counted = ["training rows"] * bool(n_training)
    rows = [" | ".join(["| class", *counted, *scores]) + " |", "|---" * (1 + len(counted) + len(scores)) + "|"]
    for c in contract.classes:
        counts = [f"{n_training[c]:,}"] if c in n_training else [""] * len(counted)
        rows.append(" | ".join([f"| {c}", *counts, *(_cell(contract, f"test/{s}/{c}") for s in scores)]) + " |")
    return "\n".join(rows)


def _groups(contract: Contract) -> str:
    """Test scores by sex and age, or that they are not known."""
    found = [match for name in contract.test if (match := GROUP.fullmatch(name))]
    found.sort(key=lambda match: (match[1], match[2] == "unknown", not match[2].startswith("under"), match[2]))
    places = {f"{match[1]}: {match[2]}": match[0].rpartition("/")[0] for match in found}
    if not places:
        return "How good it is for women and men, for young and old is not known: these were not told apart."
    scores = [s for s in GROUP_SCORES if any(f"{place}/{s}" in contract.test for place in places.values())]
    rows = [
        " | ".join(["| group", "test rows", "patients", "classes", *scores]) + " |",
        "|---" * (4 + len(scores)) + "|",
    ]
    for group, place in places.items():
        sizes = [contract.test.get(f"{place}/{size}") for size in ("n_windows", "n_patients", "n_classes")]
        counts = ["" if size is None else f"{size:,.0f}" for size in sizes]
        cells = [_cell(contract, f"{place}/{score}") for score in scores]
        rows.append(" | ".join([f"| {group}", *counts, *cells]) + " |")
    return "\n".join(rows)


def _cell(contract: Contract, name: str) -> str:
    """A number with its interval; nothing where it is not defined."""
    value, low, high = (contract.test.get(f"{name}{end}") for end in ("", "_low", "_high"))
    if value is None:
        return ""
    return f"{value:.3f}" if low is None or high is None else f"{value:.3f} ({low:.3f} to {high:.3f})"

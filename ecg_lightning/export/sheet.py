"""What was measured of a file, as `export.json` for machines and `export.md` for readers."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ecg_lightning.whole_files import written_whole

SHEET, NUMBERS = "export.md", "export.json"
TITLES = {
    "pytorch": "PyTorch",
    "onnx": "ONNX float32",
    "onnx_int8": "ONNX int8",
    "executorch": "ExecuTorch float32",
}
LARGE = 150_000  # parameters above which the graph no longer counts
LEAST_RATIO, LEAST_RATIO_LARGE, MOST_LOST = 3.3, 3.6, 0.001


def written(folder: Path, kind: str, path: Path, numbers: dict[str, Any]) -> tuple[Path, dict[str, Any]]:
    """Write both files; what they say of other formats of the same weights stays.

    Returns:
        The exported file, and its numbers.
    """
    known = _known(folder / NUMBERS)
    same = {other: found for other, found in known.items() if found["weights_sha256"] == numbers["weights_sha256"]}
    whole = same | {kind: numbers}
    for name, text in {NUMBERS: json.dumps(whole, indent=2) + "\n", SHEET: _page(whole)}.items():
        with written_whole(folder / name) as part:
            part.write_text(text, encoding="utf-8")
    return path, numbers


def _known(file: Path) -> dict[str, Any]:
    """What an earlier export wrote; nothing where that cannot be read."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        return {kind: dict(one) for kind, one in found.items() if kind in TITLES and "weights_sha256" in one}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _page(whole: dict[str, Any]) -> str:
    return "\n".join(line for kind, numbers in whole.items() for line in _section(kind, numbers))


def _section(kind: str, numbers: dict[str, Any]) -> Iterator[str]:
    yield f"# {numbers['network']} ({numbers['task']}) as {TITLES[kind]}\n"
    if numbers["synthetic"]:
        yield "SYNTHETIC data: scores say nothing about patients.\n"
    yield from _facts(numbers)
    yield from _table("bytes", numbers["sizes"], "{:,.0f}")
    yield from _table("one thread", numbers["speed"], "{:,.3f}")
    if "scores" in numbers:
        yield f"Test rows: {numbers['judged_rows']:,}. Agreement is with what the run called.\n"
        yield from _table("test rows", numbers["scores"], "{:.4f}")
        yield from _targets(numbers)


def _facts(numbers: dict[str, Any]) -> Iterator[str]:
    by_size = ", ".join(f"{apart:.1e} at {size}" for size, apart in numbers["parity"].items())
    yield f"- {numbers['parameters']:,} parameters, {numbers['weights_bytes']:,} bytes of model.safetensors"
    yield f"- largest difference from the network, by batch size ({numbers['probes']}): {by_size}"
    if "quantised" in numbers:
        yield f"- {numbers['quantised']}"
    if "static" in numbers.get("quantised", ""):  # dynamic ranges are found anew in every call
        found = numbers["calibration"]
        each = ", ".join(f"{n} {name}" for name, n in found["per_class"].items())
        yield f"- calibrated by {found['windows']:,} windows of {found['rows']:,} validation rows ({each})"
    yield f"- measured on {numbers['machine']}\n"


def _table(title: str, columns: dict[str, dict[str, float]], form: str) -> Iterator[str]:
    """One column per file."""
    yield f"| {title} | " + " | ".join(TITLES[name] for name in columns) + " |"
    yield "|---" * (len(columns) + 1) + "|"
    for name in dict.fromkeys(name for column in columns.values() for name in column):
        cells = [form.format(column[name]) if name in column else "-" for column in columns.values()]
        yield f"| {name} | " + " | ".join(cells) + " |"
    yield ""


def targets(numbers: dict[str, Any]) -> dict[str, tuple[str, bool]]:
    """What int8 was meant to reach, what it reached, and whether that is enough."""
    sizes, speed, scores = (numbers[name] for name in ("sizes", "speed", "scores"))
    ratio = sizes["onnx"]["file"] / sizes["onnx_int8"]["file"]
    least = LEAST_RATIO_LARGE if numbers["parameters"] > LARGE else LEAST_RATIO
    accuracy = "accuracy" if "accuracy" in scores["onnx"] else "subset_accuracy"
    lost = scores["pytorch"][accuracy] - scores["onnx_int8"][accuracy]
    faster = speed["onnx"]["median_ms"] / speed["onnx_int8"]["median_ms"]
    return {
        f"at least {least} times smaller": (f"{ratio:.2f} times", ratio >= least),
        f"no more than {100 * MOST_LOST:g} point of {accuracy} lost": (f"{100 * lost:.2f} points", lost <= MOST_LOST),
        "one window faster than in float32": (f"{faster:.2f} times", faster > 1),
    }


def _targets(numbers: dict[str, Any]) -> Iterator[str]:
    yield "| target | reached | |"
    yield "|---|---|---|"
    for name, (reached, enough) in targets(numbers).items():
        yield f"| {name} | {reached} | {'met' if enough else 'missed'} |"
    yield ""


def summary(numbers: dict[str, Any]) -> str:
    """A few lines for the terminal."""
    lines = [
        f"{TITLES[name]}: {size['file']:,} bytes, {numbers['speed'][name]['median_ms']:.3f} ms a window on one thread"
        for name, size in numbers["sizes"].items()
    ]
    lines.append(f"largest difference in float32: {max(numbers['parity'].values()):.1e}")
    if "scores" in numbers:
        before, after = numbers["scores"]["pytorch"], numbers["scores"]["onnx_int8"]
        told = [f"{name} {before[name]:.4f} -> {after[name]:.4f}" for name in before if name != "agreement"][:8]
        lines.append(
            f"int8 on {numbers['judged_rows']:,} test rows: agreement {after['agreement']:.4f}, {', '.join(told)}"
        )
        lines += [f"{name}: {said}, {'met' if ok else 'MISSED'}" for name, (said, ok) in targets(numbers).items()]
    return "\n".join(lines)

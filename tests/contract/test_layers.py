"""Who may import whom, as docs/architecture.md says it; and importing has no effects."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import ecg_lightning

ROOT = Path(ecg_lightning.__path__[0])

MAY_IMPORT = {
    "structures": "",
    "batch": "",
    "layers": "",
    "losses": "",
    "metrics": "",
    "constructors": "",
    "history": "whole_files",
    "checkpoints": "whole_files",
    "whole_files": "",
    "memory": "",
    "mlflow_run": "",
    "schedules": "",
    "schema": "",
    "scp": "",
    "refusals": "",
    "search_space": "refusals",
    "experiment_file": "",
    "pruning": "",
    "resolvers": "scp refusals",
    "clashes": "constructors structures",
    "config": "constructors structures schema refusals resolvers clashes sweep_plan",
    "tracking": "mlflow_run",
    "monitors": "metrics",
    "dsp": "structures",
    "split_checks": "structures",
    "splits": "structures split_checks",
    "fold_splits": "structures splits split_checks",
    "sweep_plan": "whole_files",
    "time_splits": "structures splits split_checks",
    "reconstruction_losses": "",
    "pretraining": "sampling",
    "sampling": "structures",
    "predictions": "structures whole_files",
    "augment": "batch",
    "modules": "batch layers",
    "callbacks": "batch",
    "datasets": "structures dsp scp",
    "windowing": "",
    "features": "structures dsp",
    "prepare": "structures dsp windowing features",
    "corpus": "structures",
    "store_writer": "structures corpus features prepare",
    "store": "dsp corpus prepare store_writer",
    "datamodules": "structures batch dsp windowing features prepare corpus store splits sampling augment",
    "models": "layers batch",
    "ranking": "metrics",
    "standards": "structures predictions",
    "calibration": "structures metrics predictions standards",
    "multiclass_scores": "metrics ranking predictions calibration",
    "multilabel_scores": "metrics ranking predictions calibration",
    "binary_scores": "metrics ranking predictions calibration multiclass_scores",
    "anomaly_scores": "metrics ranking predictions standards calibration multiclass_scores binary_scores",
    "evaluation": (
        "structures metrics predictions calibration standards "
        "anomaly_scores binary_scores multiclass_scores multilabel_scores"
    ),
    "comparison": "predictions evaluation",
    "paired": "structures predictions calibration evaluation comparison",
    "contract": "structures windowing features prepare",
    "reading": "structures dsp datasets",
    "model_limits": "windowing contract",
    "model_numbers": "contract",
    "model_card": "windowing prepare contract model_limits model_numbers",
    "bundle": "structures windowing prepare models layers contract model_card",
}
COMPOSE = (
    *("adapting", "anomaly_examples", "assembly", "cache", "compare", "data_card", "download", "encoders", "evaluate"),
    *("examples", "fold_run", "naming", "plot", "pooling", "run", "run_folder", "scoring", "summary"),
    *("study", "study_end", "study_table", "trials"),
    *("sweep", "sweep_folds", "sweep_run", "train", "tune"),
)
USE = ("report", "explain", "export", "predict", "serve")  # everything below them


def modules() -> Iterator[tuple[str, Path]]:
    """(top-level part, file) of the whole package."""
    for path in sorted(ROOT.rglob("*.py")):
        relative = path.relative_to(ROOT)
        if relative.parts[0] not in ("__init__.py", "conf"):
            yield relative.parts[0].removesuffix(".py"), path


def imported(path: Path) -> set[str]:
    """Top-level parts of the package that a file names in an import, wherever it stands."""
    parts = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "ecg_lightning":
            parts |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ecg_lightning."):
            parts.add(str(node.module).split(".")[1])
        elif isinstance(node, ast.Import):
            parts |= {name.name.split(".")[1] for name in node.names if name.name.startswith("ecg_lightning.")}
    return parts


def test_every_part_has_a_place_in_the_table() -> None:
    unknown = {part for part, _ in modules()} - {*MAY_IMPORT, *COMPOSE, *USE}
    assert not unknown, f"say in MAY_IMPORT (and docs/architecture.md) what {sorted(unknown)} may import"


def test_parts_import_what_lies_below_them_alone() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {', '.join(sorted(beyond))}"
        for part, path in modules()
        if part in MAY_IMPORT and (beyond := imported(path) - {part, *MAY_IMPORT[part].split()})
    ]
    assert not wrong


def test_what_uses_a_run_never_composes_one() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {', '.join(sorted(beyond))}"
        for part, path in modules()
        if part in USE and (beyond := imported(path) & {*COMPOSE, "datamodules", "modules"})
    ]
    assert not wrong


def test_networks_know_nothing_of_lightning_and_dsp_nothing_of_torch() -> None:
    def names(path: Path) -> set[str]:
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        plain = {alias.name.split(".")[0] for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        return plain | {str(node.module).split(".")[0] for node in nodes if isinstance(node, ast.ImportFrom)}

    forbidden = {"models": {"pytorch_lightning", "hydra", "mlflow"}, "layers": {"pytorch_lightning", "hydra"}}
    forbidden |= {"dsp": {"torch", "wfdb", "pathlib"}, "structures": {"torch"}, "datasets": {"torch", "hydra"}}
    wrong = [str(path.relative_to(ROOT)) for part, path in modules() if names(path) & forbidden.get(part, set())]
    assert not wrong


def test_packages_export_nothing_of_their_modules() -> None:
    for path in ROOT.rglob("__init__.py"):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        assert not any(isinstance(node, ast.Import | ast.ImportFrom) for node in body), path


def run(code: str, folder: Path) -> str:
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=folder)
    assert said.returncode == 0, said.stderr
    return said.stdout.strip()


def test_importing_every_module_leaves_the_disk_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECG_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("ECG_DATA_DIR", str(tmp_path / "data"))
    inside = [path.relative_to(ROOT.parent).with_suffix("").parts for _, path in modules() if path.stem != "__main__"]
    names = [".".join(parts).removesuffix(".__init__") for parts in inside]
    run(f"import importlib\nfor name in {names}: importlib.import_module(name)", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["train", "tune", "config", "download", "plot", "compare"])
def test_commands_import_the_heavy_libraries_later(command: str, tmp_path: Path) -> None:
    heavy = {"torch", "pytorch_lightning", "torchmetrics", "mlflow", "wfdb", "matplotlib", "pandas", "scipy", "optuna"}
    said = run(f"import sys, ecg_lightning.{command}; print(sorted({heavy} & sys.modules.keys()))", tmp_path)
    assert said == "[]"

"""What the terminal shows when a run ends: the numbers, where everything lies, and what to type next."""

import json
from pathlib import Path

from omegaconf import OmegaConf
from rich.console import Console
from rich.table import Table

from ecg_lightning.run_folder import Status

HEADLINE = ("accuracy", "macro_f1", "macro_f1_nsvf", "kappa", "jk_index")


def say_finished(folder: Path) -> None:
    """A short table of results, the run folder and the next commands."""
    console = Console()
    numbers = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    cfg = OmegaConf.load(folder / "config.yaml")
    sides = [side for side in ("val", "test") if f"{side}/accuracy" in numbers]
    table = Table("", *({"val": "validation", "test": "test"}[side] for side in sides))
    names = [*HEADLINE, *(f"f1/{c}" for c in cfg.task.classes)]
    for name in names:
        cells = [_cell(numbers, f"{side}/{name}") for side in sides]
        if any(cells):
            table.add_row(name, *cells)
    console.print(table)
    card = json.loads((folder / "data.json").read_text(encoding="utf-8"))
    for name, value in card["tags"].items():
        console.print(f"note: {name}={value}", style="yellow", highlight=False)
    speed = f"{numbers['fit/windows_per_second']:,.0f} windows/s"
    console.print(f"{numbers['fit/epochs']} epochs, {speed}, {numbers['fit/seconds']:.0f} s in all", highlight=False)
    console.print(f"report:     {folder / 'report.html'}", soft_wrap=True, highlight=False)
    console.print(f"run folder: {folder}", soft_wrap=True, highlight=False)
    uri = Status.read(folder).tracking_uri
    if uri:
        line = f"mlflow ui --backend-store-uri {uri}" if uri.startswith("sqlite") else uri
        console.print(f"compare:    {line}", soft_wrap=True, highlight=False)


def say_interrupted(folder: Path) -> None:
    """Where it stopped and how it goes on."""
    Console().print(
        f"\nstopped; what was learned is kept. Go on with: python -m ecg_lightning.train resume={folder}",
        soft_wrap=True,
        highlight=False,
    )


def _cell(numbers: dict[str, float], name: str) -> str:
    if name not in numbers:
        return ""
    interval = f" [{numbers[f'{name}_low']:.3f}, {numbers[f'{name}_high']:.3f}]" if f"{name}_low" in numbers else ""
    return f"{numbers[name]:.3f}{interval}"

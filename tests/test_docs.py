"""What README and docs tell a reader to type, to open and to look for is there."""

import ast
import re
import shlex
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from torch import nn

import ecg_lightning
from ecg_lightning import config
from tests.conftest import FinishedRun, RecordRun
from tests.contract.test_layers import COMPOSE, MAY_IMPORT, USE, modules
from tests.corpora.compose import composed

PACKAGE = Path(ecg_lightning.__path__[0])
ROOT = PACKAGE.parent
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
MODULE = re.compile(r"python -m (ecg_lightning\.[a-z_.]+)(.*)")
FILES = {"json", "parquet", "csv", "yaml", "log", "html", "npz", "png", "py", "db"}  # endings, not names of functions
SAID = [(page, page.read_text(encoding="utf-8")) for page in PAGES]


def commands() -> list[str]:
    """Every line that a reader may type, without what follows a #."""
    indented = [line[4:] for _, text in SAID for line in text.splitlines() if line.startswith("    ")]
    inline = [code for _, text in SAID for code in re.findall(r"`([^`\n]+)`", text)]
    lines = [line.partition("  #")[0].strip() for line in [*indented, *inline]]
    return sorted({line for line in lines if MODULE.search(line) or re.match(r"make [a-z]", line)})


def words_of_train() -> list[tuple[str, ...]]:
    """The overrides of every train command and of every new study; of a sweep those of every job."""
    matches = [match for line in commands() if (match := MODULE.search(line))]
    found = [match for match in matches if match[1] == "ecg_lightning.train"]
    found += [match for match in matches if match[1] == "ecg_lightning.tune" and "resume=" not in match[2]]
    typed = [[word for word in shlex.split(match[2]) if not word.startswith(("-", "resume="))] for match in found]
    jobs = (product(*(values(word) for word in words)) for words in typed)
    return sorted({tuple(job) for of_one in jobs for job in of_one})


def values(word: str) -> list[str]:
    """One override for each value that a sweep gives it."""
    name, _, value = word.partition("=")
    return [word] if value.startswith("[") else [f"{name}={one}" for one in value.split(",")]


def named_in_backticks() -> Iterator[tuple[str, Path, list[str]]]:
    """(as written, file, names in it) of every `module.name` that a page mentions."""
    for _, text in SAID:
        for dotted in set(re.findall(r"`((?:[a-z_]+\.)+(?:[A-Z]\w*\.)?[A-Za-z_]+)`", text)):
            parts = dotted.removeprefix("ecg_lightning.").split(".")
            for n in range(len(parts) - 1, 0, -1):
                file = PACKAGE.joinpath(*parts[:n]).with_suffix(".py")
                if file.is_file() and parts[-1] not in FILES:
                    yield dotted, file, parts[n:]
                    break


def block(language: str, holding: str) -> str:
    """The code block of README or another page that holds these words."""
    blocks = [code for _, text in SAID for code in re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)]
    return next(code for code in blocks if holding in code)


@pytest.mark.parametrize("line", commands())
def test_commands_that_are_told_exist(line: str) -> None:
    match = MODULE.search(line)
    if match is None:
        targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
        assert line.split()[1] in targets
        return
    place = PACKAGE.joinpath(*match[1].split(".")[1:])
    file = place / "__main__.py" if place.is_dir() else place.with_suffix(".py")
    assert file.is_file(), line
    if file.stem not in ("train", "tune"):
        texts = [one.read_text(encoding="utf-8") for one in file.parent.glob(f"{file.stem}*.py")]  # with its recipe
        assert all(f'"{flag}"' in "".join(texts) for flag in re.findall(r"--[a-z-]+", match[2])), line


@pytest.mark.parametrize("words", words_of_train(), ids=" ".join)
def test_train_takes_the_words_that_are_told(words: tuple[str, ...]) -> None:
    config.check(composed(*words))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]
    broken = [link for link in links if not (page.parent / link).exists()]
    assert not broken


def test_every_file_of_the_package_has_a_line_in_the_architecture() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    files = {file.relative_to(PACKAGE).as_posix() for file in PACKAGE.rglob("*.py") if file.name != "__init__.py"}
    named = {name for name in re.findall(r"`([a-z_/0-9]+\.py)`", text) if not name.startswith("tests/")}
    assert not sorted(files - named), "say in docs/architecture.md what these do"
    assert not sorted(named - files - {"datasets/x.py", "models/x.py", "datamodules/x.py"}), "these are no more"


def test_the_architecture_says_of_every_part_what_it_may_import() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    _, _, after = text.partition("| part | own parts it may import |\n|---|---|\n")
    rows = [row.strip("| ").split(" | ") for row in after.partition("\n\n")[0].splitlines()]
    said = {part: parts for names, parts in rows for part in names.replace(" and the commands", "").split(", ")}
    said = {part: parts for names, parts in said.items() for part in names.split(" and ")}
    wrong = {
        part: parts
        for part, parts in MAY_IMPORT.items()
        if set(re.findall(r"\w+", said.get(part, "").partition(";")[0])) != set(parts.split() or ["none"])
    }
    assert not wrong
    composing = {part for part, _ in modules() if part in COMPOSE} - {"cache", "download", "evaluate", "train", "tune"}
    assert said.keys() == MAY_IMPORT.keys() | composing | {part for part, _ in modules() if part in USE}


def test_functions_that_are_named_are_there() -> None:
    missing = []
    for dotted, file, names in named_in_backticks():
        tree = ast.parse(file.read_text(encoding="utf-8"))
        known = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        missing += [dotted for name in names if name not in known]
    assert not missing


def test_every_make_target_says_what_it_does() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    wanted = re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    assert wanted is not None
    assert [name for name in wanted[1].split() if not re.search(rf"^{name}:.*## \w", text, re.MULTILINE)] == []


def test_the_network_of_the_readme_trains() -> None:
    scope: dict[str, Any] = {"__name__": "readme"}
    exec(block("python", "class GRU"), scope)
    node = yaml.safe_load(block("yaml", "gru.GRU"))
    network: nn.Module = scope[node["_target_"].rpartition(".")[2]](n_leads=2, n_outputs=5, width=node["width"])
    assert {"n_leads", "n_outputs", "width"} == set(node) - {"_target_"}
    network(torch.randn(3, 2, 280)).sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_a_model_labels_the_beats_of_a_recording_as_it_is_told(
    finished_run: FinishedRun, capsys: pytest.CaptureFixture[str]
) -> None:
    code = block("python", "classify(model, record)").replace("outputs/arrhythmia/TIME", str(finished_run.folder))
    ecg_mv = np.random.default_rng(0).standard_normal((1, 3600)).astype(np.float32)
    exec(code, {"ecg_mv": ecg_mv, "fs_hz": 360.0, "peak_sample": np.arange(200, 3600, 300)})
    assert "[12 rows x 8 columns]" in capsys.readouterr().out


def test_a_model_labels_a_recording_as_it_is_told(
    finished_record_run: RecordRun, capsys: pytest.CaptureFixture[str]
) -> None:
    code = block("python", "diagnose(model, record)").replace("outputs/ptbxl/TIME", str(finished_record_run.folder))
    ecg_mv = np.random.default_rng(0).standard_normal((12, 5000)).astype(np.float32)
    exec(code, {"ecg_mv": ecg_mv, "fs_hz": 500.0})
    printed = capsys.readouterr().out
    assert "threshold" in printed
    assert all(name in printed for name in ("NORM", "MI", "STTC", "CD", "HYP"))


def test_a_model_watches_a_belt_as_it_is_told(finished_belt_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = block("python", "watch(model, record)").replace("outputs/hypoglycemia/TIME", str(finished_belt_run))
    ecg_nu = np.random.default_rng(0).standard_normal((1, 15000)).astype(np.float32)
    exec(code, {"ecg_nu": ecg_nu, "fs_hz": 250.0})
    assert capsys.readouterr().out.count("mine") == 6

"""What a `_target_` takes is read from source, and agrees with what Python says once it is imported."""

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from ecg_lightning.constructors import UnknownTarget, constructor

PARTS = (
    "ecg_lightning.models.hybrid_cnn.HybridCNN",
    "ecg_lightning.losses.FocalLoss",
    "ecg_lightning.splits.InterPatient",
    "ecg_lightning.sampling.Shuffle",
    "ecg_lightning.datasets.mitdb.MITDB",
    "ecg_lightning.datamodules.beats.BeatData",
    "ecg_lightning.modules.classification.Classification",
    "ecg_lightning.prepare.Preprocess",
    "torch.optim.AdamW",
    "torch.optim.lr_scheduler.ReduceLROnPlateau",
    "torch.nn.functional.relu",
)


@pytest.mark.parametrize("path", PARTS)
def test_arguments_read_from_source_are_those_of_the_class(path: str) -> None:
    module, _, name = path.rpartition(".")
    target = getattr(sys.modules.get(module) or __import__(module, fromlist=[name]), name)
    parameters = [p for p in inspect.signature(target).parameters.values() if p.name not in ("args", "kwargs")]
    read = constructor(path)
    assert read.arguments == tuple(p.name for p in parameters)
    assert set(read.required) == {p.name for p in parameters if p.default is inspect.Parameter.empty}


def test_re_exports_are_followed_to_the_definition() -> None:
    assert "precision" in constructor("pytorch_lightning.Trainer").arguments
    assert "save_last" in constructor("pytorch_lightning.callbacks.ModelCheckpoint").arguments


def test_declarations_are_read() -> None:
    declares = constructor("ecg_lightning.models.hybrid_cnn.HybridCNN").declares
    assert declares["takes"] == ("ecg", "features")
    assert declares["produces"] == "logits"


def test_what_a_base_class_takes_and_declares_is_inherited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "outside_part.py").write_text(
        "from ecg_lightning.models.cnn import CNN\n\nclass Mine(CNN):\n    scope: str = 'sequence'\n    size = 2 * 3\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    read = constructor("outside_part.Mine")
    assert read.declares["scope"] == "sequence"
    assert read.declares["produces"] == "logits"
    assert "size" not in read.declares  # no literal
    assert read.required == ("n_leads", "n_samples", "n_outputs")
    assert read.name == "Mine"


def test_a_constructor_that_takes_anything_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "outside_open.py").write_text("def build(a, *, b, c=1, **more):\n    return a\n")
    monkeypatch.syspath_prepend(tmp_path)
    read = constructor("outside_open.build")
    assert read.open_ended
    assert (read.arguments, read.required) == (("a", "b", "c"), ("a", "b"))


def test_reading_a_signature_imports_neither_torch_nor_lightning() -> None:
    code = (
        "import sys; from ecg_lightning.constructors import constructor;"
        "constructor('pytorch_lightning.Trainer'); constructor('torch.optim.AdamW');"
        "print(sorted({'torch', 'pytorch_lightning', 'numpy'} & sys.modules.keys()))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("ecg_lightning.models.nothing.CNN", "there is no module 'ecg_lightning.models.nothing'"),
        ("no_such_package_at_all.CNN", "there is no module 'no_such_package_at_all'"),
        ("CNN", "there is no module ''"),
        ("sys.exit", "there is no module 'sys'"),
        ("ecg_lightning.models.cnn.Missing", "ecg_lightning.models.cnn has no class or function 'Missing'"),
        ("ecg_lightning.datasets.mitdb.PACED", "is neither a class nor a function"),
    ],
)
def test_a_target_that_is_not_there_is_refused_in_words(path: str, said: str) -> None:
    with pytest.raises(UnknownTarget, match=said):
        constructor(path)

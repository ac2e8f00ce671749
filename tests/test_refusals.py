"""A command says no in a line, with what to do, and with 2 for an exit code."""

import errno
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from hydra.errors import MissingConfigException

from ecg_lightning.refusals import ConfigError, in_short, refusals


def test_what_is_refused_is_said_in_a_line_and_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended, refusals():
        raise ConfigError("seed=x is no number: give one")
    assert ended.value.code == 2
    assert capsys.readouterr().err == "error: seed=x is no number: give one\n"


def test_a_folder_that_the_disk_does_not_take_is_named_without_a_trace(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended, refusals():
        raise OSError(errno.ENOSPC, "No space left on device", "outputs/a")
    assert ended.value.code == 2
    assert capsys.readouterr().err == "error: [Errno 28] No space left on device: 'outputs/a'\n"


def test_faults_of_ours_keep_their_trace() -> None:
    with pytest.raises(KeyError), refusals():
        raise KeyError("a fault")


def test_an_error_without_words_is_called_by_its_name() -> None:
    assert in_short(ValueError()) == "ValueError"


@pytest.mark.parametrize(("launcher", "extra"), [("submitit_slurm", "slurm"), ("ray", "ray")])
def test_a_launcher_that_is_not_installed_says_what_to_type(launcher: str, extra: str) -> None:
    said = f"In 'hydra/launcher/mine': Could not load 'hydra/launcher/{launcher}'.\n"
    wanted = f"hydra/launcher needs a package that is not installed: pip install 'ecg-lightning[{extra}]'"
    assert in_short(MissingConfigException(said)) == wanted


@pytest.mark.skipif(importlib.util.find_spec("hydra_plugins.hydra_ray_launcher") is not None, reason="Ray is installed")
def test_a_sweep_by_a_launcher_that_is_not_installed_is_refused_in_a_line(tmp_path: Path) -> None:
    answer = command(tmp_path, "-m", "hydra/launcher=ray_local", "seed=0,1")
    assert answer.returncode == 2
    assert answer.stderr == (
        "error: hydra/launcher needs a package that is not installed: pip install 'ecg-lightning[ray]'\n"
    )


def command(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A command line like train's, whose job says no to whatever passes the check."""
    code = (
        "import sys\n"
        "from ecg_lightning import config, refusals\n"
        "def job(cfg):\n"
        "    config.check(cfg)\n"
        "    raise refusals.ConfigError('the job itself says no')\n"
        "config.app(job, print)\n"
    )
    return subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, cwd=folder)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        (
            "model=hybrid",
            "Could not find 'model/hybrid' Available options in 'model': alexnet, bilstm, cnn, cnn1d",
        ),
        ("modle=cnn", "Could not override 'modle'"),
        ("experiment=ptbxl_s4", "real_time, reference/anomaly_conv_autoencoder, "),
        ("lr=0.1", "There is no key 'lr'; did you mean 'optim.lr'?"),
        ("epochs=3", "did you mean 'task.max_epochs' or 'trainer.max_epochs'?"),
        ("seeds=3", "There is no key 'seeds'; did you mean 'seed'?"),
        ("zzz=3", "There is no key 'zzz'; there are: hydra, task, dataset"),
        ("model.droput=0.1", "There is no key 'droput'; did you mean 'dropout'?"),
        ("+model.droput=0.1", "model.droput: HybridCNN has no such argument; did you mean 'dropout'?"),
        ("seed=1", "the job itself says no"),
        ("seed=many", "Value 'many' of type 'str' could not be converted to Integer"),
        ("a=b=[", "mismatched input|no viable alternative|extraneous input"),
    ],
)
def test_a_command_refuses_in_words_and_exits_with_2(tmp_path: Path, word: str, said: str) -> None:
    answer = command(tmp_path, word)
    assert answer.returncode == 2
    assert answer.stderr.startswith("error: ")
    assert any(part in answer.stderr for part in said.split("|"))
    assert "Traceback" not in answer.stderr
    assert len(answer.stderr.splitlines()) < 20

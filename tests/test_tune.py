"""The command searches by validation rows alone, goes on where it stopped, and says no in words."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import yaml
from omegaconf import OmegaConf

from ecg_lightning import config, train
from ecg_lightning.predictions import Predictions
from ecg_lightning.refusals import ConfigError
from tests.corpora import command, mlflow_server, tiny_study
from tests.corpora.compose import composed
from tests.corpora.tiny_study import SPACE, WORDS, Tune

pytestmark = pytest.mark.filterwarnings("ignore:.*:UserWarning:pytorch_lightning")


@pytest.fixture
def tune(
    tmp_path: Path, twin_cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Tune]:
    yield from tiny_study.command(tmp_path, twin_cache, monkeypatch, capsys)


def trials(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "trials.csv", keep_default_na=False)


BEATS = ("dataset.source=synthetic", "model=logistic")
REFUSALS = {
    "search is not given: say what to search, e.g. search=learning": BEATS,
    "Could not find 'search/nonsense' Available options in 'search': hybrid_cnn, imbalance, latent": (
        "search=nonsense",
    ),
    "There is no key 'n_trails'; did you mean 'n_trials'?": ("search=learning", "search.n_trails=3"),
    "search.n_trials": ("search=learning", "search.n_trials=many"),
    "optim.lr=0.1 is typed, but search.space varies it: leave one out": ("search=learning", "optim.lr=0.1"),
    "search.space: model.latent_size: model of this config has no latent_size": ("search=latent",),
    "search.space: optim.lr has low=0.0001 and high=0: low must be": (
        "search=learning",
        "++search.space={optim.lr:{high:0}}",
    ),
    "with loss=focall optim.lr=0.0001: In 'config': Could not find 'loss/focall'": (
        "search=loss",
        "++search.space={loss:{choices:[focall,focal]}}",
    ),
    "with loss=bce optim.lr=0.0001: loss BinaryCrossEntropy is for multilabel": (
        "search=loss",
        "++search.space={loss:{choices:[bce,focal]}}",
    ),
    "search.storage=a.db is no address: give sqlite:///FILE": ("search=learning", "search.storage=a.db"),
    "search.storage may hold several studies: give search.study=NAME": (
        "search=learning",
        "search.storage=sqlite:///a.db",
    ),
    "search.storage=sqlite:////nowhere/at/all.db: /nowhere/at is not a folder: make it": (
        "search=learning",
        "search.storage=sqlite:////nowhere/at/all.db",
        "search.study=a",
    ),
    "search.storage=nodb://server/a cannot be used": (
        "search=learning",
        "search.storage=nodb://me:secret@server/a",
        "search.study=a",
    ),
    "test=true would choose by test rows: leave it out": ("search=learning", "test=true"),
    "a trial is trained by one process: leave trainer=ddp and trainer.devices out": ("search=learning", "trainer=ddp"),
    "-m is for python -m ecg_lightning.train: tune varies": ("search=learning", "-m"),
    "sweep=seeds is for python -m ecg_lightning.train": ("search=learning", "sweep=seeds"),
    "resume=no/such has no study.yaml and no status.json: give the folder of a study": ("resume=no/such",),
}


@pytest.mark.parametrize("line", REFUSALS)
def test_what_cannot_be_searched_is_refused_in_a_line_and_leaves_nothing(line: str, tune: Tune, tmp_path: Path) -> None:
    words = REFUSALS[line]
    code, _, err = tune(*(words if words == BEATS else (*BEATS, *words)))
    assert code == 2
    errors = [said for said in err.splitlines() if "SYNTHETIC" not in said]
    assert errors[0].startswith("error: "), err
    assert line in " ".join(errors)
    assert "secret" not in err
    assert "Traceback" not in err
    assert {path.name for path in tmp_path.iterdir()} <= {"data", "mine", "outputs"}
    assert not [path for path in (tmp_path / "outputs").rglob("*") if path.is_file()]


def test_train_refuses_a_search() -> None:
    with pytest.raises(ConfigError, match=r"search=\.\.\. is for python -m ecg_lightning\.tune"):
        train._start(composed("search=learning"), Path("nowhere"), train.Status())


def test_a_study_ends_with_its_best_settings_and_goes_on(tune: Tune, tmp_path: Path) -> None:
    code, out, err = tune(*SPACE, *WORDS, "search.n_trials=2", "hydra.run.dir=study")
    assert (code, "Traceback" in err) == (0, False), err
    study = tmp_path / "study"
    check_study(study, out)
    refused = tune("resume=study", "optim=adamw", "search.seed=3")
    assert refused[0] == 2
    assert "resume=study goes on with a study without optim=adamw: leave it out" in refused[2]
    assert "resume=study goes on with a study without search.seed=3" in refused[2]
    code, out, err = tune("resume=study", "search.n_trials=3", *WORDS)
    assert code == 0, err
    assert trials(study)["trial"].tolist() == [0, 1, 2]
    assert (study / "trials" / "2" / "model").is_dir()
    assert [line for line in err.splitlines() if "trial 0" in line] == [], "nothing is done again"
    code, _, err = tune(*SPACE, *WORDS, "hydra.run.dir=study")
    assert f"error: {study} holds a study or a run: go on with resume={study}" in err


def check_study(study: Path, out: str) -> None:
    """What every study leaves and says."""
    found = trials(study)
    assert found["state"].tolist() == ["finished", "finished"]
    best = found[found["best"] == True]["trial"].item()  # noqa: E712, a column
    assert set(Predictions.read(study / "trials" / "0" / "predictions.parquet").table["side"]) == {"val"}
    assert all((study / "figures" / f"{name}.png").is_file() for name in ("history", "settings"))
    assert (study / "trials" / str(best) / "report.html").is_file()
    assert not (study / "trials" / str(1 - best) / "report.html").exists()
    command_line = "python -m ecg_lightning.train --config-dir=study --config-name=experiment"
    for words in (
        "best of 2 finished trials by val/error_auroc",
        "is too good",
        "No row was scored as a test row",
        command_line,
    ):
        assert words in out
    assert json.loads((study / "status.json").read_text())["state"] == "finished"
    assert trained(study) == OmegaConf.load(study / "trials" / str(best) / "config.yaml")
    assert yaml.safe_load((study / "experiment.yaml").read_text())["model"]["latent_size"] == 2


def trained(study: Path) -> object:
    """The config of the command that trains the best settings."""
    from hydra import compose, initialize_config_dir

    config.register()
    with initialize_config_dir(str(study), version_base="1.3"):
        cfg = compose("experiment", [f"hydra.searchpath=[file://{config.folder()}]"])
    OmegaConf.resolve(cfg)
    return OmegaConf.create(OmegaConf.to_yaml(cfg))


def test_a_trial_that_fails_is_said_and_the_others_go_on(tune: Tune, tmp_path: Path) -> None:
    words = ("--config-dir", "mine", "search=good_and_bad", "search.n_trials=4", "search.seed=1")
    code, out, _ = tune(*words, *WORDS, "hydra.run.dir=study")
    found = trials(tmp_path / "study")
    assert code == 0
    assert dict(found.groupby("state")["optim.lr"].unique().map(list)) == {"failed": [1e30], "finished": [1e-3]}
    assert found[found["state"] == "failed"]["reason"].str.len().min() > 20
    assert " failed: " in out


def test_a_study_of_which_no_trial_finishes_exits_with_1(tune: Tune, tmp_path: Path) -> None:
    code, _, err = tune("--config-dir=mine", "search=bad", *WORDS, "search.n_trials=1", "hydra.run.dir=study")
    assert code == 1
    assert err.splitlines()[-1] == "error: no trial finished; trials.csv says why"
    assert json.loads((tmp_path / "study" / "status.json").read_text())["state"] == "failed"
    assert not (tmp_path / "study" / "experiment.yaml").exists()


STOPPER = """
from pathlib import Path
from pytorch_lightning import Callback


class Stop(Callback):
    def on_train_epoch_end(self, *_):
        if Path("stop").exists():
            Path("stop").unlink()
            raise KeyboardInterrupt
"""


def test_a_study_that_is_stopped_says_how_it_goes_on_and_tries_the_same_point_again(
    tune: Tune, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "stopper.py").write_text(STOPPER)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "stop").touch()
    stop = ("plugins=[stopper]", "+callbacks.stop={_target_:stopper.Stop}")
    code, out, _ = tune(*SPACE, *WORDS, *stop, "search.n_trials=1", "hydra.run.dir=study")
    assert code == 130
    assert "what is missing: python -m ecg_lightning.tune resume=study" in out
    assert trials(tmp_path / "study")["state"].tolist() == ["interrupted"]
    assert json.loads((tmp_path / "study" / "status.json").read_text())["state"] == "interrupted"
    code, out, _ = tune("resume=study")
    found = trials(tmp_path / "study")
    assert code == 0
    assert found["state"].tolist() == ["interrupted", "finished"], "the one that was stopped is not counted"
    assert found["optim.lr"].nunique() == 1
    assert found["again_of"].tolist() == ["", "0.0"]


def test_a_study_joins_only_its_own_kind(tune: Tune, tmp_path: Path) -> None:
    shared = ("search.storage=sqlite:///shared.db", "search.study=ours", "search.n_trials=0")
    assert tune(*SPACE, *WORDS, *shared)[0] == 1, "nothing was tried"
    code, _, err = tune("--config-dir=mine", "search=other", *WORDS, *shared)
    assert code == 2
    assert "the study ours has space=" in err
    assert "give another search.study" in err
    code, _, err = tune(*SPACE, *WORDS, *shared, "task.score=latent")
    assert "the study ours has words=" in err
    assert len(list(tmp_path.glob("outputs/tune/anomaly/*"))) == 1


@pytest.fixture(params=["sqlite", "postgresql"])
def storage(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of an empty store for a study."""
    if request.param == "sqlite":
        yield "sqlite:///shared.db"
        return
    if why := mlflow_server.lacks():
        pytest.skip(why)
    with mlflow_server.postgres() as address:
        yield address


@pytest.mark.slow
def test_two_processes_share_a_study(storage: str, tmp_path: Path, twin_cache: Path) -> None:
    words = (*command.SHORT, "model=logistic", "search=learning", "++search.space={task.data.batch_size:null}")
    words += (f"search.storage={storage}", "search.study=ours", "search.n_trials=6", "trainer.max_epochs=2")
    line = [sys.executable, "-m", "ecg_lightning.tune", *words]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    environment = command.environment(twin_cache)
    both = [subprocess.Popen([*line, f"hydra.run.dir={name}"], cwd=tmp_path, env=environment, **pipes) for name in "ab"]
    said = [process.communicate(timeout=300) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    whole = [pd.read_csv(tmp_path / name / "trials.csv") for name in "ab"]
    last = max(whole, key=lambda found: (found["state"] == "finished").sum())
    assert last["trial"].tolist() == list(range(6)), "each number once, six in all"
    assert last["optim.lr"].nunique() == 6, "no point is drawn twice"
    assert {Path(folder).parents[1].name for folder in last["folder"]} == {"a", "b"}


@pytest.mark.slow
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda stop: stop.name)
def test_a_signal_stops_a_study_that_then_goes_on(stop: signal.Signals, tmp_path: Path, twin_cache: Path) -> None:
    words = (*command.SHORT, "model=logistic", "search=learning", "search.n_trials=4", "hydra.run.dir=study")
    words = (*(word for word in words if "batch_size" not in word), "trainer.max_epochs=30")
    line = [sys.executable, "-m", "ecg_lightning.tune", *words]
    environment = command.environment(twin_cache)
    with subprocess.Popen(line, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 120
        history = tmp_path / "study" / "trials" / "1" / "history.csv"
        while command.epochs_in(history) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(stop)
        out = process.communicate(timeout=120)[0]
    assert process.returncode == (-9 if stop == signal.SIGKILL else 130)
    assert ("resume=study" in out) == (stop != signal.SIGKILL)
    done = command.python(tmp_path, twin_cache, "-m", "ecg_lightning.tune", "resume=study")
    assert done.returncode == 0, done.stderr
    found = pd.read_csv(tmp_path / "study" / "trials.csv")
    assert found["state"].tolist().count("interrupted") == 1
    assert len(found) == 5
    assert found["again_of"].dropna().tolist() == [1]
    store = tmp_path / "mlflow.db"
    assert store.is_file()

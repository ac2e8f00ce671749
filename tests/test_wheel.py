"""The wheel carries its config and works from any folder."""

import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from ecg_lightning import config
from tests.corpora import command

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from what git tracks and would track, without network."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=command.ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        if (command.ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((command.ROOT / name).read_bytes())
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(out)]
    subprocess.run([*build, str(source)], check=True, capture_output=True)
    return next(out.glob("*.whl"))


def test_every_module_template_and_yaml_is_in_it(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    package = command.ROOT / "ecg_lightning"
    wanted = {
        f"ecg_lightning/{p.relative_to(package).as_posix()}" for p in package.rglob("*") if p.suffix in (".py", ".j2")
    }
    folder = config.folder()
    wanted |= {f"ecg_lightning/conf/{p.relative_to(folder).as_posix()}" for p in folder.rglob("*.yaml")}
    assert sorted(wanted - held) == []
    assert not [name for name in held if name.startswith(("tests", "conf/", "benchmarks"))]


def test_installed_wheel_trains_from_any_folder(wheel: Path, tmp_path: Path, twin_cache: Path) -> None:
    """In a new environment that borrows the libraries of this one, and nothing of this folder."""
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    site = next(venv.glob("lib/python*/site-packages"))
    zipfile.ZipFile(wheel).extractall(site)
    environment = command.environment(twin_cache) | {"PYTHONPATH": f"{site}:{sysconfig.get_path('purelib')}"}

    def run(*words: str) -> str:
        python = [str(venv / "bin" / "python"), "-m"]
        done = subprocess.run(
            [*python, *words], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert f"{site}/ecg_lightning/train.py" in run("inspect", "-d", "ecg_lightning.train")
    assert "HybridCNN" in run("ecg_lightning.train", "--cfg", "job")
    short = ("dataset.source=synthetic", "trainer=smoke", "trainer.accelerator=cpu", "tracking=none")
    run("ecg_lightning.train", *short, "hydra.run.dir=run")
    assert "agree:" in run("ecg_lightning.evaluate", "run")

"""The image cannot be built in tests; what its file names is there, and a service in it is nobody's root."""

import importlib.util
import json
import re

import pytest

from ecg_lightning.serve import __main__ as serve
from tests.corpora.command import ROOT

TEXT = (ROOT / "Dockerfile").read_text(encoding="utf-8")
STAGES = {match[1]: match[2] for match in re.finditer(r"^FROM \S+ AS (\w+)\n(.*?)(?=^FROM|\Z)", TEXT, re.M | re.S)}


def test_without_a_target_it_is_the_demo() -> None:
    assert list(STAGES) == ["installed", "serve", "demo"]
    (command,) = re.findall(r"^CMD (.*)", STAGES["demo"], re.MULTILINE)
    assert json.loads(command) == ["make", "demo"]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in ("demo", "setup"))


def test_what_it_copies_is_there() -> None:
    copied = re.findall(r"^COPY (\S+) \S+$", TEXT, re.MULTILINE)
    assert copied == ["."]
    assert all((ROOT / source).exists() for source in copied)


def test_the_service_runs_as_somebody_without_rights() -> None:
    stage = STAGES["serve"]
    (user,) = re.findall(r"^USER (\S+)", stage, re.MULTILINE)
    assert user != "root"
    assert re.search(rf"^RUN useradd .*\b{user}$", stage, re.MULTILINE)
    assert stage.index("USER") < stage.index("ENTRYPOINT")


def test_the_service_is_started_by_a_command_that_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    (words,) = re.findall(r"^ENTRYPOINT (.*)", STAGES["serve"], re.MULTILINE)
    python, dash_m, module, *arguments = json.loads(words)
    assert (python, dash_m) == (".venv/bin/python", "-m")
    assert importlib.util.find_spec(module)
    assert serve.main([*arguments, "--port=0"]) == 2, "no bundle here"
    assert capsys.readouterr().err.startswith(f"error: bundle={arguments[0]}: there is no such folder")

"""A file is held to its network before it gets its name."""

import json
import runpy
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnxruntime.quantization import quantize_dynamic

from ecg_lightning import bundle as bundles
from ecg_lightning import contract as contracts
from ecg_lightning.contract import BadBundle
from ecg_lightning.export import gate, int8, onnx_file, portable, session, work
from ecg_lightning.export.__main__ import main
from ecg_lightning.predict.place import Place
from ecg_lightning.windowing import scale_windows
from tests.corpora.exported import a_bundle, a_source

EXAMPLE = Path(__file__).parents[2] / "examples" / "edge" / "run_window.py"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> work.Source:
    folder = tmp_path_factory.mktemp("model")
    made = a_source(folder)
    bundles.write(folder, made.bundle.network, made.bundle.contract)
    return made


@pytest.fixture(scope="module")
def plain(source: work.Source) -> onnx.ModelProto:
    return onnx_file.exported(source.bundle, source.shapes)


@pytest.fixture(scope="module")
def file(plain: onnx.ModelProto, source: work.Source, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("file") / "model.onnx"
    copy = onnx.ModelProto()
    copy.CopyFrom(plain)
    onnx_file.save(onnx_file.described(copy, source.bundle.contract), path)
    return path


def test_a_file_answers_as_its_network_in_batches_of_any_size(source: work.Source, file: Path) -> None:
    asked = session.opened(file)
    apart = gate.parity(source.bundle, lambda fields: session.says(asked, fields), source.probes)
    assert list(apart) == [1, 2, 7, 64, 512]
    assert max(apart.values()) < 1e-5


def test_other_weights_do_not_pass(source: work.Source, file: Path) -> None:
    asked, other = session.opened(file), a_bundle()
    other.network.load_state_dict(source.bundle.network.state_dict())
    with torch.no_grad():
        other.network.head[-1].bias[0] += 0.001  # type: ignore[index, union-attr]
    with pytest.raises(gate.Failed, match=r"the file's answers differ from the network's by more than 0\.0001"):
        gate.parity(other, lambda fields: session.says(asked, fields), source.probes)


def test_a_file_may_be_as_far_as_the_network_rounds(source: work.Source, monkeypatch: pytest.MonkeyPatch) -> None:
    def says(fields: dict[str, torch.Tensor]) -> torch.Tensor:
        return portable.asked(source.bundle, fields) + 0.001

    with pytest.raises(gate.Failed, match=r"by more than 0\.0001"):
        gate.parity(source.bundle, says, source.probes)
    monkeypatch.setattr(gate, "_rounding", lambda *_: 0.0006)
    assert max(gate.parity(source.bundle, says, source.probes).values()) < 0.0012


def test_answers_that_are_no_numbers_do_not_pass_wherever_they_stand(source: work.Source) -> None:
    for row in (0, 1, 63):

        def says(fields: dict[str, torch.Tensor], row: int = row) -> torch.Tensor:
            said = portable.asked(source.bundle, fields)
            return torch.where(torch.arange(len(said))[:, None] >= row, torch.nan, said)

        with pytest.raises(gate.Failed, match="nan at 64"):
            gate.parity(source.bundle, says, source.probes)


def test_answers_of_another_shape_do_not_pass(source: work.Source) -> None:
    with pytest.raises(gate.Failed, match=r"batch of 1: the file gives shape \(1, 3\), not \(1, 2\)"):
        gate.parity(source.bundle, lambda fields: torch.zeros(len(fields["ecg"]), 3), source.probes)


def test_the_z_score_is_in_the_file_and_a_flat_window_is_zero(source: work.Source, file: Path) -> None:
    asked, ecg = session.opened(file), 3 + 0.1 * torch.randn(5, 1, 64)
    ecg[0] = 2.0
    features = torch.tensor([[0.8], [0.5], [torch.nan], [1.0], [0.8]])
    said = session.says(asked, {"ecg": ecg, "features": features, "extra": {}})
    with torch.no_grad():
        torch.testing.assert_close(said, source.bundle.network(scale_windows(ecg, "window"), features))


def test_a_file_says_how_it_is_used_but_not_whose_data_it_learned(source: work.Source, file: Path) -> None:
    said = session.opened(file).get_modelmeta().custom_metadata_map
    found, own = contracts.from_json(said["contract"]), source.bundle.contract
    assert replace(found, patients={}, test={}) == found
    assert replace(found, arguments={}) == replace(own, arguments={}, patients={}, test={})
    assert json.loads(said["classes"]) == ["N", "V"]
    assert "in mV; z-score of the window is in the file" in said["usage"]
    assert b"Jane" not in file.read_bytes()


def test_a_machine_without_torch_classifies_by_the_file_alone(source: work.Source, file: Path, tmp_path: Path) -> None:
    for name in ("ecg", "features"):
        np.save(tmp_path / f"{name}.npy", source.probes[name][:4].numpy())
    run = f"runpy.run_path({str(EXAMPLE)!r}, run_name='__main__')"
    block = f"import sys, runpy; sys.modules['torch'] = None; {run}"
    arguments = [str(file), str(tmp_path / "ecg.npy"), str(tmp_path / "features.npy")]
    said = subprocess.run([sys.executable, "-c", block, *arguments], capture_output=True, text=True, check=True)
    p = (portable.asked(source.bundle, portable.first(source.probes, 4)).double() / 2).softmax(dim=1)
    expected = [f"{'NV'[int(row.argmax())]}  p(N)={row[0]:.4f}  p(V)={row[1]:.4f}" for row in p]
    assert said.stdout.splitlines() == expected
    refused = subprocess.run(
        [sys.executable, str(EXAMPLE), *arguments[:2]], capture_output=True, text=True, check=False
    )
    assert "takes 2 arrays, in this order: ecg, features" in refused.stderr


def test_an_array_that_is_none_is_refused_in_a_sentence(tmp_path: Path) -> None:
    array_of = runpy.run_path(str(EXAMPLE))["array_of"]
    np.save(tmp_path / "flat.npy", np.zeros(8))
    np.save(tmp_path / "words.npy", np.array(["a", "b"]))
    (tmp_path / "text.npy").write_text("0.1,0.2\n", encoding="utf-8")
    (tmp_path / "empty.npy").write_bytes(b"")
    np.savez(tmp_path / "several.npz", a=np.zeros(8))
    for name, said in (
        ("flat.npy", r"has shape \(8,\), but the network takes \(rows, 8\): give it so"),
        ("words.npy", r"cannot be read \(no .npy file of numbers\): save an array of shape \(rows, 8\)"),
        ("text.npy", r"cannot be read \(no .npy file of numbers\)"),
        ("empty.npy", r"cannot be read \(no .npy file of numbers\)"),
        ("several.npz", r"cannot be read \(no .npy file of numbers\)"),
        ("nowhere.npy", r"cannot be read \(.*No such file"),
    ):
        with pytest.raises(SystemExit, match=rf"error: features=.*{name} {said}"):
            array_of(str(tmp_path / name), "features", [8])


def test_only_validation_rows_calibrate_and_no_test_row_moves_them(source: work.Source) -> None:
    predictions = source.predictions
    assert predictions is not None
    rows = int8.chosen(predictions, 20)
    assert len(rows) == len(set(rows.tolist())) == 20
    assert set(predictions.table["side"].iloc[rows]) == {"val"}
    label = predictions.label[rows]
    assert {(label == k).sum() for k in (0, 1)} == {10}
    other = predictions.table.copy()
    test = (other["side"] == "test").to_numpy()
    other.loc[test, "label"], other.loc[test, "logit_N"] = 1 - other.loc[test, "label"], -5.0
    np.testing.assert_array_equal(int8.chosen(replace(predictions, table=other), 20), rows)


def test_int8_is_judged_by_windows_that_know_nothing_of_one_another(
    source: work.Source, plain: onnx.ModelProto, tmp_path: Path
) -> None:
    onnx.save(plain, tmp_path / "plain.onnx")
    quantize_dynamic(tmp_path / "plain.onnx", tmp_path / "dynamic.onnx", op_types_to_quantize=["Gemm", "MatMul"])
    asked, fields = session.opened(tmp_path / "dynamic.onnx"), portable.first(source.probes, 8)
    fields["features"] = fields["features"] * torch.tensor([[1.0]] * 7 + [[50.0]])
    alone = session.says_one_by_one(asked, fields)
    assert torch.equal(alone[:3], session.says_one_by_one(asked, portable.first(fields, 3)))
    assert (session.says(asked, fields) - alone).abs().max() > 1e-4


def test_windows_that_fill_no_batch_are_not_counted_as_calibration() -> None:
    for n_windows, expected in ((1, 1), (49, 49), (70, 50), (1000, 1000), (1043, 1000)):
        assert int8.in_batches(n_windows) == expected
        read = int8._Reader({"ecg": np.zeros((n_windows, 1))})
        assert sum(len(feed["ecg"]) for feed in iter(read.get_next, None)) == expected


def test_int8_is_smaller_and_destroyed_ranges_do_not_pass(
    source: work.Source, plain: onnx.ModelProto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_file, "exported", lambda *_: onnx.ModelProto.FromString(plain.SerializeToString()))
    monkeypatch.setattr(work, "_speeds", lambda *_: {})
    path = tmp_path / "model.int8.onnx"
    found = work.onnx_int8(source, path, work.Asked("onnx_int8", n_rows=40, most=0.05))
    assert found["scores"]["onnx_int8"]["agreement"] > 0.9
    assert found["sizes"]["onnx_int8"]["weights"] * 3.9 < found["sizes"]["onnx"]["weights"]
    assert found["sizes"]["onnx_int8"]["file"] == path.stat().st_size
    assert found["quantised"] == "static QDQ per channel, minmax"
    before = path.read_bytes()
    monkeypatch.setattr(session, "feed_of", _flattened(session.feed_of))
    with pytest.raises(gate.Failed, match=r"int8 loses .* of macro-F1 .*more than --max-drop=0.05: calibrate by more"):
        work.onnx_int8(source, path, work.Asked("onnx_int8", n_rows=40, most=0.05))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def _flattened(feed_of):  # noqa: ANN202
    """Calibration rows without any wave: whatever the network sees later lies outside their range."""

    def feed(names, fields):  # noqa: ANN202
        found = feed_of(names, fields)
        return found if len(found["ecg"]) != 40 else {name: 0 * one for name, one in found.items()}

    return feed


def test_a_bundle_alone_becomes_float32_but_not_int8(source: work.Source, tmp_path: Path, capsys) -> None:
    bundles.write(tmp_path / "b", source.bundle.network, source.bundle.contract)
    assert main([str(tmp_path / "b"), "--format", "onnx_int8"]) == 2
    assert "the bundle stands alone, and int8 is calibrated and judged by rows of its run" in capsys.readouterr().err
    assert main([str(tmp_path / "b"), "--format", "onnx", "--calibration-rows", "0"]) == 2
    assert "--calibration-rows=0 must be at least 1" in capsys.readouterr().err
    for most in ("-3", "1.5", "nan"):
        assert main([str(tmp_path / "b"), "--format", "onnx_int8", f"--max-drop={most}"]) == 2
        assert f"--max-drop={most} must lie between 0 and 1" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main([str(tmp_path / "b"), "--format", "tflite"])


def test_nothing_is_written_into_mlflow(tmp_path: Path) -> None:
    place = Place(tmp_path, None, "runs:/123/model")
    assert place.run_id == "123"
    assert work.folder_of(place, tmp_path / "out") == tmp_path / "out"
    with pytest.raises(BadBundle, match=r"bundle=runs:/123/model lies in MLflow, .*: give --output FOLDER"):
        work.folder_of(place, None)


@pytest.mark.slow
def test_the_command_writes_file_and_sheet_of_a_bundle_alone(source: work.Source, tmp_path: Path, capsys) -> None:
    bundles.write(tmp_path / "b", source.bundle.network, source.bundle.contract)
    assert main([str(tmp_path / "b"), "--format", "onnx", "--output", str(tmp_path / "out")]) == 0
    assert "ONNX float32:" in capsys.readouterr().out
    assert sorted(one.name for one in (tmp_path / "out").iterdir()) == ["export.json", "export.md", "model.onnx"]
    assert "noise, as the bundle stands alone" in (tmp_path / "out" / "export.md").read_text()


def test_a_run_without_test_rows_is_refused_in_words(source: work.Source) -> None:
    predictions = source.predictions
    assert predictions is not None
    table = predictions.table[predictions.table["side"] == "val"]
    with pytest.raises(BadBundle, match="the run scored no test rows, and int8 is judged by them"):
        gate.judged_rows(replace(predictions, table=table))


def test_without_executorch_a_sentence_says_what_to_install(
    source: work.Source, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "executorch", None)
    with pytest.raises(BadBundle, match=r"pip install 'ecg-lightning\[executorch\]'"):
        work.made(Place(source.model, None), work.Asked("executorch"), tmp_path)


class Sequence(torch.nn.Linear):
    """A network that takes beats in a row."""

    takes, scope = ("ecg",), "sequence"


def test_a_network_of_sequences_is_refused_in_words() -> None:
    with pytest.raises(BadBundle, match="takes beats in a row, whose number no file fixes"):
        portable.shapes(bundles.Bundle(Sequence(1, 1), a_bundle().contract), None)


def test_other_signals_need_the_run() -> None:
    made = a_bundle()
    made.network.takes = ("ecg", "features", "extra")
    contract = replace(made.contract, extra_channels={"breathing": 1})
    with pytest.raises(BadBundle, match="takes the signal breathing, and the bundle alone does not say how long it is"):
        portable.shapes(bundles.Bundle(made.network, contract), None)

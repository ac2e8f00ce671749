"""The table of `make bench` compares like with like."""

import json
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.__main__ import described, show
from benchmarks.measure import Row, fastest, machine
from benchmarks.plain import LABEL, Conv1dHybrid, Samples, SampleTransformer, load, read, steps
from ecg_lightning.datasets.mitdb import MITDB
from ecg_lightning.datasets.ptbxl import PTBXL
from ecg_lightning.models.hybrid_cnn import HybridCNN
from tests.corpora.mitdb import write_mitdb
from tests.corpora.ptbxl import LEADS, write_ptbxl

FEATURES = {"feature_mean": [0.0] * 8, "feature_std": [1.0] * 8}


def test_a_limit_is_met_from_its_own_side() -> None:
    assert Row("speed", 3.1, "at least", 3, "x").met
    assert not Row("time", 3.1, "at most", 3, "s").met
    assert Row("bf16", None, "at least", 2, "x", {"reason": "no bf16"}).met is None


def test_the_fastest_turn_counts_and_turns_alternate() -> None:
    order, waits_s = [], iter([0.02, 0.0])

    def slow_at_first() -> None:
        order.append("ours")
        time.sleep(next(waits_s))

    found = fastest({"plain": lambda: order.append("plain"), "ours": slow_at_first}, n_rounds=2)
    assert order == ["plain", "ours", "plain", "ours"]
    assert found["ours"] < 0.02


def test_the_table_is_shown_and_is_plain_json(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [Row("speed", 3.1, "at least", 3, "x", {"ours_s": 1.0}), Row("bf16", None, "at least", 2, "x")]
    show(rows, machine())
    assert "speed" in capsys.readouterr().out
    assert [row["met"] for row in json.loads(json.dumps(described(rows, machine())))["rows"]] == [True, None]


def test_the_plain_network_is_ours_in_other_layers() -> None:
    torch.manual_seed(0)
    ours, other = HybridCNN(1, 280, 5, **FEATURES).eval(), Conv1dHybrid(1, 280, 8, 5).eval()
    weights = [value for name, value in ours.state_dict().items() if not name.startswith("standardise")]
    names = list(other.state_dict())
    assert len(names) == len(weights)
    other.load_state_dict({k: v.reshape(other.state_dict()[k].shape) for k, v in zip(names, weights, strict=True)})
    ecg, features = torch.randn(4, 1, 280), torch.randn(4, 8)
    torch.testing.assert_close(other(ecg, features), ours(ecg, features), rtol=1e-4, atol=1e-5)


def test_the_plain_loader_finds_our_beats(tmp_path: Path) -> None:
    write_mitdb(tmp_path / "mitdb", ["100", "114"])
    ecg, features, label = load(tmp_path / "mitdb", ("100", "114"))
    corpus = MITDB(tmp_path, tmp_path, source="local", allow_missing=True)
    ours = [LABEL[symbol] for name in ("100", "114") for symbol in corpus.read(name, ("MLII",)).symbol[1:-1]]
    assert len(ecg) == len(features) == len(label)
    assert 0.9 * len(ours) <= len(label) <= len(ours)


def test_plain_networks_are_trained_by_the_bare_loop_a_step_at_a_time() -> None:
    samples = Samples(torch.randn(8, 1, 280), torch.randn(8, 8), torch.arange(8) % 5)
    batch = tuple(torch.stack(part) for part in zip(*(samples[i] for i in range(len(samples))), strict=True))
    network = SampleTransformer(1, 280, 8, 5)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-2)
    before = network.head.weight.detach().clone()
    side = steps(network, torch.nn.CrossEntropyLoss(), [batch], optimizer)
    assert torch.equal(before, network.head.weight)
    next(side)
    assert not torch.equal(before, network.head.weight)


def test_the_plain_loop_reads_what_our_reader_reads(tmp_path: Path) -> None:
    write_ptbxl(tmp_path / "ptbxl")
    corpus = PTBXL(tmp_path, tmp_path, source="local", allow_missing=True)
    ours = corpus.read(corpus.records()[0], LEADS)
    theirs = read(corpus.sources(ours.name)[0].with_suffix(""))
    np.testing.assert_allclose(theirs, ours.ecg_mv, atol=1e-6)

"""CNNLSTMAttention: its contract with every stream, its size, where it looks, and what it refuses."""

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ecg_lightning.models.cnn_lstm_attention import CNNLSTMAttention, ExtraStream

NONE: Mapping[str, int] = {}
BESIDE = {"breathing": 1, "activity": 3}
LENGTHS = {"breathing": 250, "activity": 10}
SMALL: dict[str, Any] = {"filters": (8, 16), "kernels": (5, 3), "lstm_units": 16, "dense_units": 16, "dropout": 0.0}


def network(
    n_leads: int = 1, n_samples: int = 2500, n_features: int = 0, extra: Mapping[str, int] = NONE, **settings: Any
) -> CNNLSTMAttention:
    torch.manual_seed(0)
    mean, std = [0.5] * n_features, [2.0] * n_features
    return CNNLSTMAttention(n_leads, n_samples, settings.pop("n_outputs", 1), mean, std, extra, **settings)


def inputs(
    n: int, n_leads: int = 1, n_samples: int = 2500, n_features: int = 0, extra: Mapping[str, int] = NONE
) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    others = {name: torch.randn(n, n_channels, LENGTHS[name]) for name, n_channels in extra.items()}
    return torch.randn(n, n_leads, n_samples), torch.randn(n, n_features), others


def one_row(row: int, ecg: Tensor, features: Tensor, extra: dict[str, Tensor]) -> tuple[Any, ...]:
    return ecg[row : row + 1], features[row : row + 1], {name: one[row : row + 1] for name, one in extra.items()}


@pytest.mark.parametrize(("n_leads", "n_samples", "n_outputs"), [(1, 2500, 1), (1, 280, 5), (12, 1000, 5), (2, 16, 3)])
@pytest.mark.parametrize(("n_features", "latent_size", "extra"), [(0, 0, NONE), (8, 0, NONE), (1, 8, BESIDE)])
def test_every_parameter_learns_and_rows_do_not_leak(
    n_leads: int, n_samples: int, n_outputs: int, n_features: int, latent_size: int, extra: Mapping[str, int]
) -> None:
    net = network(n_leads, n_samples, n_features, extra, n_outputs=n_outputs, latent_size=latent_size)
    given = inputs(6, n_leads, n_samples, n_features, extra)
    net(*given).square().sum().backward()
    assert all(p.grad is not None for p in net.parameters()), "a parameter gets no gradient"
    net.eval()
    assert net(*given).shape == (6, n_outputs)
    torch.testing.assert_close(net(*given)[2:3], net(*one_row(2, *given)), atol=1e-5, rtol=1e-5)


def test_it_declares_what_it_takes_and_what_may_be_absent() -> None:
    net = CNNLSTMAttention
    assert (net.takes, net.optional) == (("ecg", "features", "extra"), ("features", "extra"))
    assert (net.produces, net.scope) == ("logits", "window")


@pytest.mark.parametrize(
    ("n_features", "latent_size", "extra", "n_parameters"),
    [(0, 0, NONE, 67_281), (15, 0, NONE, 68_561), (15, 32, NONE, 1_617_896), (15, 32, BESIDE, 1_630_216)],
)
def test_the_default_network_has_as_many_parameters_as_ever(
    n_features: int, latent_size: int, extra: Mapping[str, int], n_parameters: int
) -> None:
    net = network(1, 2500, n_features, extra, latent_size=latent_size)
    assert sum(p.numel() for p in net.parameters()) == n_parameters


def test_the_same_seed_gives_the_same_weights() -> None:
    first, second = network(latent_size=8).state_dict(), network(latent_size=8).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize(("n_leads", "n_samples", "n_steps"), [(1, 2500, 156), (1, 280, 17), (12, 1000, 62)])
def test_attention_gives_every_step_a_weight_and_all_of_them_1(n_leads: int, n_samples: int, n_steps: int) -> None:
    net = network(n_leads, n_samples).eval()
    weights = net.attention(*inputs(3, n_leads, n_samples))
    assert weights.shape == (3, n_steps)
    assert (weights >= 0).all()
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(3))


def test_attention_is_what_forward_reads_by() -> None:
    net, given = network(1, 80, **SMALL).eval(), inputs(4, 1, 80)
    steps, _ = net.order(net.waves(given[0].unsqueeze(2)).squeeze(2).mT)
    torch.testing.assert_close(net(*given), net.head(torch.einsum("bs,bsn->bn", net.attention(*given), steps)))


def test_every_stream_reaches_the_logits_but_not_the_attention() -> None:
    net = network(1, 280, 2, BESIDE, latent_size=8).eval()
    ecg, features, extra = inputs(3, 1, 280, 2, BESIDE)
    said, looked = net(ecg, features, extra), net.attention(ecg, features, extra)
    for name in BESIDE:
        other = extra | {name: torch.randn_like(extra[name])}
        assert not torch.allclose(net(ecg, features, other), said)
        assert torch.equal(net.attention(ecg, features, other), looked)
    assert not torch.allclose(net(ecg, features + 1, extra), said)
    with torch.no_grad():
        net.encoder.layers[-1].bias.add_(1)  # type: ignore[union-attr]
    assert not torch.allclose(net(ecg, features, extra), said)


def test_other_signals_are_told_apart_by_name_and_not_by_place() -> None:
    net, (ecg, features, extra) = network(1, 280, 0, BESIDE).eval(), inputs(3, 1, 280, 0, BESIDE)
    assert torch.equal(net(ecg, features, dict(reversed(extra.items()))), net(ecg, features, extra))


@pytest.mark.parametrize("n_samples", [1, 10, 250, 640])
def test_another_signal_may_have_any_rate(n_samples: int) -> None:
    stream = ExtraStream(2)
    stream(torch.randn(4, 2, n_samples)).square().sum().backward()
    assert all(p.grad is not None for p in stream.parameters())
    assert stream(torch.randn(4, 2, n_samples)).shape == (4, 16)


def test_dropout_acts_in_training_alone() -> None:
    net, given = network(1, 80, **(SMALL | {"dropout": 0.3})), inputs(4, 1, 80)
    assert not torch.equal(net(*given), net(*given))
    net.eval()
    assert torch.equal(net(*given), net(*given))


def test_bf16_stays_close() -> None:
    net, given = network(1, 280, 2, BESIDE, latent_size=8).eval(), inputs(8, 1, 280, 2, BESIDE)
    with torch.autocast("cpu", torch.bfloat16):
        rough = net(*given).float()
    torch.testing.assert_close(rough, net(*given), atol=0.03, rtol=0.05)


def f1(net: nn.Module, given: tuple[Any, ...], label: Tensor) -> float:
    called = net.eval()(*given)[:, 0] > 0
    hits = (called & label.bool()).sum()
    return float(2 * hits / (called.sum() + label.sum()))


def test_training_fits_a_toy_and_looks_no_earlier_than_at_the_pulse_that_says_the_class() -> None:
    net = network(1, 160, **SMALL)
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
    place, label = torch.randint(40, (128,)), torch.arange(128) % 2
    ecg, features, extra = inputs(128, 1, 160)
    ecg = 0.1 * ecg
    ecg[:, 0] += label[:, None] * (torch.arange(160) // 4 == place[:, None])  # one step long, at a random one
    for _ in range(100):
        optimizer.zero_grad()
        logits = net(ecg, features, extra)
        nn.functional.binary_cross_entropy_with_logits(logits[:, 0], label.float()).backward()
        optimizer.step()
    assert f1(net, (ecg, features, extra), label) > 0.95
    seen = torch.arange(40) >= place[:, None] - 1  # an LSTM remembers: where it looks the pulse has passed
    assert (net.attention(ecg, features, extra) * seen).sum(dim=1)[label == 1].min() > 0.9


@pytest.mark.parametrize("n_samples", [3, 15])
def test_windows_that_are_too_short_are_refused_in_words(n_samples: int) -> None:
    with pytest.raises(ValueError, match=f"n_samples={n_samples} must be at least 16: choose a longer window"):
        network(n_samples=n_samples)


def test_convolutions_told_unequally_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match=r"filters=\[16, 32\] and kernels=\[7, 5, 5, 3\] must be of one length"):
        network(filters=(16, 32))


def test_even_kernels_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match="kernel=4 must be odd, or waves move by half a sample: use 5"):
        network(filters=(16, 32), kernels=(3, 4))


def test_a_latent_vector_as_long_as_the_window_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="latent_size=280 must be at least 1 and smaller than the window of 280"):
        network(1, 280, latent_size=280)

"""What the four networks that hear samples or a spectrogram have in common: contract, order in time, learning."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from ecg_lightning.models.alexnet import AlexNet
from ecg_lightning.models.bilstm import BiLSTM
from ecg_lightning.models.cnn1d import Cnn1d
from ecg_lightning.models.gru import GRU

KINDS = (BiLSTM, GRU, Cnn1d, AlexNet)
each = pytest.mark.parametrize("kind", KINDS)
STFT, FINE = {"n_window": 64, "hop": 32}, {"n_window": 32, "hop": 8}


def network(
    kind: type[nn.Module], n_leads: int = 1, n_samples: int = 1440, n_outputs: int = 1, **heard: int
) -> nn.Module:
    torch.manual_seed(0)
    return kind(n_leads, n_samples, n_outputs, **heard)


@each
@pytest.mark.parametrize(
    ("n_leads", "n_samples", "n_outputs", "heard"),
    [
        (1, 1440, 1, STFT),
        (12, 1000, 5, STFT),
        (1, 280, 5, {}),
        (2, 250, 1, {}),
        (1, 280, 1, {"n_window": 32, "hop": 8}),
    ],
)
def test_every_parameter_learns_and_rows_do_not_leak(
    kind: type[nn.Module], n_leads: int, n_samples: int, n_outputs: int, heard: dict[str, int]
) -> None:
    net = network(kind, n_leads, n_samples, n_outputs, **heard)
    ecg = torch.randn(4, n_leads, n_samples)
    F.binary_cross_entropy_with_logits(net(ecg), torch.rand(4, n_outputs)).backward()
    still = [name for name, p in net.named_parameters() if p.grad is None or not p.grad.any()]
    assert not still, "these parameters get no gradient"
    net.eval()
    with torch.no_grad():
        assert net(ecg).shape == (4, n_outputs)
        torch.testing.assert_close(net(ecg)[2:3], net(ecg[2:3]), atol=1e-4, rtol=1e-4)


@each
def test_it_declares_that_it_takes_the_ecg_alone(kind: type[nn.Module]) -> None:
    assert (kind.takes, kind.produces, kind.scope) == (("ecg",), "logits", "window")


@pytest.mark.parametrize(
    ("kind", "n_parameters"), [(BiLSTM, 56_321), (GRU, 21_825), (Cnn1d, 329_505), (AlexNet, 2_898_753)]
)
def test_over_the_spectrogram_it_has_as_many_parameters_as_ever(kind: type[nn.Module], n_parameters: int) -> None:
    assert sum(p.numel() for p in network(kind, **STFT).parameters()) == n_parameters


@each
def test_it_knows_when_something_happens(kind: type[nn.Module]) -> None:
    net = network(kind, **STFT).eval()
    wave = torch.randn(1, 1, 96)
    early, late = F.pad(wave, (320, 1024)), F.pad(wave, (1024, 320))
    with torch.no_grad():
        assert (net(early) - net(late)).abs() > 1e-5


@pytest.mark.parametrize("kind", [Cnn1d, AlexNet])
def test_dropout_acts_in_training_alone(kind: type[nn.Module]) -> None:
    net, ecg = network(kind, **STFT), torch.randn(4, 1, 1440)
    assert not torch.equal(net(ecg), net(ecg))
    net.eval()
    assert torch.equal(net(ecg), net(ecg))


@pytest.mark.parametrize(
    ("kind", "heard", "shortest", "n_steps"),
    [(Cnn1d, {}, 16, 16), (Cnn1d, STFT, 544, 16), (AlexNet, {}, 57, 57), (AlexNet, STFT, 512, 15)],
)
def test_windows_of_which_nothing_would_be_left_are_refused_in_words(
    kind: type[nn.Module], heard: dict[str, int], shortest: int, n_steps: int
) -> None:
    assert network(kind, n_samples=shortest, **heard).eval()(torch.randn(2, 1, shortest)).shape == (2, 1)
    words = (
        f"n_samples={shortest - 1} leaves {kind.__name__} {n_steps - 1} steps of at least {n_steps}: choose a longer"
    )
    with pytest.raises(ValueError, match=words):
        network(kind, n_samples=shortest - 1, **heard)


@each
def test_a_window_shorter_than_a_frame_is_refused_in_words(kind: type[nn.Module]) -> None:
    with pytest.raises(ValueError, match="n_window=64 must lie between 2 and the 60 samples of a window"):
        network(kind, n_samples=60, **STFT)


@each
def test_training_fits_a_separable_toy(kind: type[nn.Module]) -> None:
    net = network(kind, n_samples=600, n_window=64, hop=32)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    label = (torch.arange(48) % 2).float().unsqueeze(1)
    ecg = 0.1 * torch.randn(48, 1, 600)
    ecg[label[:, 0] == 1, 0, 280:310] += 1
    for _ in range(40):
        optimizer.zero_grad()
        F.binary_cross_entropy_with_logits(net(ecg), label).backward()
        optimizer.step()
    with torch.no_grad():
        assert ((net.eval()(ecg) > 0) == label.bool()).float().mean() > 0.95

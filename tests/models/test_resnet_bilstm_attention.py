"""ResNetBiLSTMAttention: its contract, its size, where it looks, and what it refuses."""

import pytest
import torch
from torch import nn

from ecg_lightning.models.resnet_bilstm_attention import ResidualBlock, ResNetBiLSTMAttention

SMALL = {"filters": (16, 16), "lstm_units": 16, "dense_units": 16, "metadata_units": 4, "combined_units": 16}


def network(n_leads: int = 12, n_samples: int = 1000, n_features: int = 2) -> ResNetBiLSTMAttention:
    torch.manual_seed(0)
    return ResNetBiLSTMAttention(n_leads, n_samples, 5, [0.5] * n_features, [2.0] * n_features)


def small(n_leads: int = 1, n_samples: int = 80, n_features: int = 2, dropout: float = 0.0) -> ResNetBiLSTMAttention:
    torch.manual_seed(0)
    mean, std = [0.5] * n_features, [2.0] * n_features
    return ResNetBiLSTMAttention(n_leads, n_samples, 5, mean, std, dropout=dropout, **SMALL)


@pytest.mark.parametrize("n_leads", [1, 2, 12])
@pytest.mark.parametrize("n_samples", [8, 250, 280, 333])
@pytest.mark.parametrize("n_features", [1, 8])
def test_every_parameter_learns_and_rows_do_not_leak(n_leads: int, n_samples: int, n_features: int) -> None:
    net = small(n_leads, n_samples, n_features)
    ecg, features = torch.randn(6, n_leads, n_samples), torch.randn(6, n_features)
    net(ecg, features).square().sum().backward()
    assert all(p.grad is not None for p in net.parameters()), "a parameter gets no gradient"
    net.eval()
    assert net(ecg, features).shape == (6, 5)
    torch.testing.assert_close(net(ecg, features)[2:3], net(ecg[2:3], features[2:3]), atol=1e-5, rtol=1e-5)


def test_it_declares_that_it_takes_ecg_and_features() -> None:
    net = ResNetBiLSTMAttention
    assert (net.takes, net.produces, net.scope) == (("ecg", "features"), "logits", "window")


@pytest.mark.parametrize(("n_leads", "n_parameters"), [(12, 1_018_933), (1, 1_007_669)])
def test_the_default_network_has_as_many_parameters_as_ever(n_leads: int, n_parameters: int) -> None:
    assert sum(p.numel() for p in network(n_leads).parameters()) == n_parameters


def test_the_same_seed_gives_the_same_weights() -> None:
    first, second = network().state_dict(), network().state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize(("n_samples", "n_steps"), [(1000, 125), (250, 31), (280, 35)])
def test_attention_gives_every_step_a_weight_and_all_of_them_1(n_samples: int, n_steps: int) -> None:
    net = small(12, n_samples).eval()
    weights = net.attention(torch.randn(3, 12, n_samples), torch.zeros(3, 2))
    assert weights.shape == (3, n_steps)
    assert (weights >= 0).all()
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(3))


def test_attention_is_what_forward_reads_by() -> None:
    net, ecg, features = small().eval(), torch.randn(4, 1, 80), torch.randn(4, 2)
    steps, _ = net.order(net.waves(ecg.unsqueeze(2)).squeeze(2).mT)
    attended = torch.einsum("bs,bsn->bn", net.attention(ecg, features), steps)
    metadata = net.metadata((features - 0.5) / 2)
    torch.testing.assert_close(net(ecg, features), net.head(torch.cat([net.dense(attended), metadata], dim=1)))


def test_a_block_equals_the_plain_layers() -> None:
    torch.manual_seed(0)
    block, ecg = ResidualBlock(3, 6, kernel=5, pool=4).eval(), torch.randn(2, 3, 50)
    first, _, second = block.waves
    nn.init.uniform_(second.norm.running_mean, -1, 1)
    rows = torch.conv1d(ecg, first.conv.weight.squeeze(2), padding=2)
    rows = torch.conv1d(first.norm(rows.unsqueeze(2)).squeeze(2).relu(), second.conv.weight.squeeze(2), padding=2)
    rows = second.norm(rows.unsqueeze(2)).squeeze(2) + torch.conv1d(ecg, block.shortcut.weight.squeeze(2))
    torch.testing.assert_close(block(ecg.unsqueeze(2)).squeeze(2), torch.max_pool1d(rows.relu(), 4))


def test_features_reach_the_logits_but_not_the_attention() -> None:
    net, ecg = small().eval(), torch.randn(2, 1, 80)
    young, old = torch.zeros(2, 2), torch.ones(2, 2)
    assert not torch.allclose(net(ecg, young), net(ecg, old))
    assert torch.equal(net.attention(ecg, young), net.attention(ecg, old))


def test_dropout_acts_in_training_alone() -> None:
    net, ecg, features = small(dropout=0.25), torch.randn(4, 1, 80), torch.zeros(4, 2)
    assert not torch.equal(net(ecg, features), net(ecg, features))
    net.eval()
    assert torch.equal(net(ecg, features), net(ecg, features))


def test_bf16_stays_close() -> None:
    net = network(1, 280).eval()
    ecg, features = torch.randn(8, 1, 280), torch.randn(8, 2)
    with torch.autocast("cpu", torch.bfloat16):
        rough = net(ecg, features).float()
    torch.testing.assert_close(rough, net(ecg, features), atol=0.03, rtol=0.05)


def test_training_fits_a_toy_and_looks_at_the_pulse_that_says_the_class() -> None:
    net = small(n_samples=160)
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
    place, label = torch.randint(20, (128,)), torch.arange(128) % 2
    ecg, features = 0.1 * torch.randn(128, 1, 160), torch.zeros(128, 2)
    ecg[:, 0] += label[:, None] * (torch.arange(160) // 8 == place[:, None])  # one step long, at a random one
    for _ in range(120):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(ecg, features), label).backward()
        optimizer.step()
    net.eval()
    assert (net(ecg, features).argmax(dim=1) == label).float().mean() > 0.95
    n_steps_away = (net.attention(ecg, features).argmax(dim=1) - place).abs()  # the LSTM may tell a neighbour
    assert (n_steps_away[label == 1] <= 1).float().mean() > 0.95


def test_windows_that_are_too_short_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match="n_samples=7 must be at least 8: choose a longer window"):
        small(n_samples=7)


def test_even_kernels_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match="kernel=4 must be odd, or waves move by half a sample: use 5"):
        ResNetBiLSTMAttention(1, 280, 5, [0.0], [1.0], kernels=(3, 4))


def test_blocks_told_unequally_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match=r"filters=\[256, 128\], kernels=\[3\], pools=\[2, 4\] must be of one length"):
        ResNetBiLSTMAttention(1, 280, 5, [0.0], [1.0], kernels=(3,))


def test_no_features_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match=r"feature_mean=\[\] leaves the metadata layer without input"):
        small(n_features=0)

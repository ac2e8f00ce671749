"""Transformer: its contract, its size, and what it refuses."""

import pytest
import torch

from ecg_lightning.models.transformer import AttentionBlock, Transformer


def network(n_leads: int = 1, n_samples: int = 280, n_features: int = 8) -> Transformer:
    torch.manual_seed(0)
    return Transformer(n_leads, n_samples, 5, [0.5] * n_features, [2.0] * n_features)


@pytest.mark.parametrize("n_leads", [1, 2, 12])
@pytest.mark.parametrize("n_samples", [20, 280, 333])
@pytest.mark.parametrize("n_features", [0, 8])
def test_every_parameter_learns_and_rows_do_not_leak(n_leads: int, n_samples: int, n_features: int) -> None:
    net = network(n_leads, n_samples, n_features)
    ecg, features = torch.randn(6, n_leads, n_samples), torch.randn(6, n_features)
    net(ecg, features).square().sum().backward()
    assert all(p.grad is not None for p in net.parameters()), "a parameter gets no gradient"
    net.eval()
    assert net(ecg, features).shape == (6, 5)
    torch.testing.assert_close(net(ecg, features)[2:3], net(ecg[2:3], features[2:3]), atol=1e-5, rtol=1e-5)


def test_the_default_network_has_as_many_parameters_as_ever() -> None:
    assert sum(p.numel() for p in network().parameters()) == 103_749


def test_the_last_samples_of_an_uneven_window_are_seen() -> None:
    net = network(n_samples=281).eval()
    ecg, features = torch.randn(1, 1, 281), torch.zeros(1, 8)
    other = ecg.clone()
    other[..., -1] += 5
    assert not torch.allclose(net(ecg, features), net(other, features))


def test_attention_equals_that_of_torch() -> None:
    block = AttentionBlock(width=64, n_heads=4, dropout=0.1).eval()
    tokens = torch.randn(4, 15, 64)
    reference = torch.nn.MultiheadAttention(64, 4, batch_first=True)
    reference.in_proj_weight.data, reference.in_proj_bias.data = block.ask.weight.data, block.ask.bias.data
    reference.out_proj.load_state_dict(block.gather.state_dict())
    normed = block.look_norm(tokens)
    looked = tokens + reference(normed, normed, normed, need_weights=False)[0]
    torch.testing.assert_close(block(tokens), looked + block.change(looked), atol=1e-5, rtol=1e-5)


def test_bf16_stays_close() -> None:
    net = network().eval()
    ecg, features = torch.randn(16, 1, 280), torch.randn(16, 8)
    with torch.autocast("cpu", torch.bfloat16):
        rough = net(ecg, features).float()
    torch.testing.assert_close(rough, net(ecg, features), atol=0.05, rtol=0.05)


def test_windows_shorter_than_a_patch_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match="n_patch=20 must lie between 1 and n_samples=19: choose a shorter patch"):
        network(n_samples=19)


def test_a_width_that_does_not_divide_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="width=30 must be a multiple of n_heads=4"):
        Transformer(1, 280, 5, [], [], width=30)

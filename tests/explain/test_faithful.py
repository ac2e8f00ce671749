"""Deletion, insertion and random weights, where the best and the worst are known."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ecg_lightning.explain.asked import Asked
from ecg_lightning.explain.faithful import Gain, by_chance, curves, gain
from ecg_lightning.explain.intervals import Mean, mean_over
from ecg_lightning.explain.randomised import make_random, rank_correlation, stages
from ecg_lightning.models.logistic import Logistic
from ecg_lightning.models.transformer import Transformer
from tests.explain.bundles import a_bundle


class Sum(nn.Module):
    """One learned number times the sum of what it sees."""

    takes, scope = ("ecg",), "window"

    def __init__(self) -> None:
        super().__init__()
        self.size = nn.Parameter(torch.tensor(0.1))

    def forward(self, ecg: Tensor) -> Tensor:
        return self.size * ecg.sum(dim=(1, 2))[:, None]


def linear() -> tuple[Asked, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    network = Logistic(1, 60, 1, (), ()).eval()
    ecg = torch.randn(8, 1, 60)
    return Asked(a_bundle(network, "binary")), ecg, network.head.weight.detach()[:, None] * ecg


def test_no_order_deletes_a_linear_network_faster_than_its_attributions() -> None:
    asked, ecg, value = linear()
    target, flat = torch.ones(8).long(), torch.zeros(1, 1, 60)
    best = curves(asked, (ecg,), flat, target, value)
    for seed in range(5):
        other = torch.randn(8, 1, 60, generator=torch.Generator().manual_seed(seed))
        rival = curves(asked, (ecg,), flat, target, other)
        assert (best.deletion <= rival.deletion + 1e-6).all()
        assert (best.insertion >= rival.insertion - 1e-6).all()
    found = gain(best, by_chance(asked, (ecg,), flat, target, 0), np.arange(8).astype(str), 0)
    assert found.deletion.low is not None
    assert found.deletion.low > 0
    assert found.insertion.value > found.insertion.low > 0  # type: ignore[operator]


def test_curves_begin_and_end_where_they_must() -> None:
    asked, ecg, value = linear()
    target, flat = torch.zeros(8).long(), torch.full((1, 1, 60), 0.3)
    found = curves(asked, (ecg,), flat, target, value)
    with torch.no_grad():
        whole, nothing = (asked.p(one)[:, 0].numpy() for one in (ecg, flat.expand(8, 1, 60)))
    for line, (first, last) in ((found.deletion, (whole, nothing)), (found.insertion, (nothing, whole))):
        np.testing.assert_allclose(line[:, 0], first, rtol=1e-5)
        np.testing.assert_allclose(line[:, -1], last, rtol=1e-5)


def test_chance_is_no_better_than_chance() -> None:
    asked, ecg, _ = linear()
    given = (asked, (ecg,), torch.zeros(1, 1, 60), torch.ones(8).long())
    found = gain(by_chance(*given, 1), by_chance(*given, 1), np.arange(8).astype(str), 0)
    assert found.deletion.value == found.insertion.value == 0


def test_maps_that_do_not_need_what_was_learned_stay_alike() -> None:
    ecg = torch.randn(4, 1, 60)
    found = stages(Sum(), lambda network: (network.size * ecg).detach(), seed=0)  # type: ignore[operator]
    assert [one.layer for one in found] == ["none", ""]
    assert found[1].absolute > 0.999


def test_maps_of_random_weights_are_others_and_the_network_stays() -> None:
    torch.manual_seed(0)
    network = Logistic(1, 60, 1, (), ()).eval()
    ecg, before = torch.randn(4, 1, 60), network.head.weight.clone()
    found = stages(network, lambda one: (one.head.weight[:, None] * ecg).detach(), seed=1)  # type: ignore[operator,union-attr,index]
    assert torch.equal(network.head.weight, before)
    assert found[0].signed == 1
    assert abs(found[-1].signed) < 0.5
    again = stages(network, lambda one: (one.head.weight[:, None] * ecg).detach(), seed=1)  # type: ignore[operator,union-attr,index]
    assert again == found


def test_deep_networks_lose_layers_in_groups_and_all_of_them() -> None:
    network = Transformer(1, 60, 2, (), (), n_patch=10, width=8, n_heads=2).eval()
    kept = [one.clone() for one in network.parameters()]
    seen = []
    found = stages(network, lambda one: seen.append(one) or torch.ones(2, 1, 4), seed=0)  # type: ignore[func-returns-value]
    assert len(found) == 9
    changed = [not torch.equal(one, other) for one, other in zip(kept, seen[-1].parameters(), strict=True)]
    norms = [name for name, _ in network.named_parameters() if "norm" in name or ".0." in name or "bias" in name]
    assert sum(changed) >= len(kept) - len(norms) - 1
    assert all(one.signed == 0 for one in found[1:]), "a map that does not vary has no rank"


def test_weights_without_a_rule_keep_their_spread() -> None:
    layer = nn.Module()
    layer.place = nn.Parameter(3 + 0.5 * torch.randn(4000))
    before = layer.place.clone()
    make_random(layer)
    assert not torch.equal(layer.place, before)
    torch.testing.assert_close(layer.place.std(), before.std(), rtol=0.1, atol=0)


def test_rank_correlation_is_that_of_scipy() -> None:
    from scipy.stats import spearmanr

    a, b = np.random.default_rng(0).normal(size=(2, 3, 40))
    expected = [spearmanr(x, y).statistic for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(rank_correlation(a, b), expected)
    assert (rank_correlation(a, np.zeros_like(b)) == 0).all()


def test_intervals_hold_the_mean_and_stay_between_their_limits() -> None:
    value = np.array([0.0, 0.0, 1.0, 1.0, 1.0, 0.9])
    found = mean_over(value, np.array(list("aabbcc")), 0, (0, 1))
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low < found.value < found.high <= 1
    assert str(mean_over(value, np.array(["a"] * 6), 0, (0, 1))) == "0.65"
    of_two = mean_over(value, np.array(list("aaabbb")), 0, (0, 1))
    assert (of_two.low, of_two.high, of_two.too_few) == (None, None, "2 patients, too few for an interval")


@pytest.mark.parametrize(
    ("deletion", "insertion", "words"),
    [
        ((0.1, 0.2), (0.1, 0.3), "better than chance in both"),
        ((0.1, 0.2), (-0.1, 0.3), "better than chance in deletion alone"),
        ((-0.1, 0.2), (0.1, 0.3), "better than chance in insertion alone"),
        ((-0.1, 0.2), (-0.2, -0.1), "worse than chance in insertion alone"),
        ((0.1, 0.2), (-0.2, -0.1), "better than chance in deletion, worse than chance in insertion"),
        ((-0.1, 0.2), (0.0, 0.3), "not told apart from chance in both"),
        ((None, None), (None, None), "not judged: 2 patients, too few for an interval"),
    ],
)
def test_faithfulness_is_said_in_words(deletion: tuple, insertion: tuple, words: str) -> None:
    n_patients = 2 if deletion[0] is None else 5
    assert Gain(Mean(0.1, *deletion, n_patients), Mean(0.1, *insertion, n_patients)).verdict == words

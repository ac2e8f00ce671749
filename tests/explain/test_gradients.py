"""Integrated Gradients against what is known in closed form."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from ecg_lightning.bundle import Bundle
from ecg_lightning.explain import gradients
from ecg_lightning.explain.asked import Asked, deciding_crops, log_odds
from ecg_lightning.explain.gradients import integrated_gradients
from ecg_lightning.layers.crops import aggregate
from ecg_lightning.models.gru import GRU
from ecg_lightning.models.logistic import Logistic
from ecg_lightning.windowing import Crops
from tests.corpora.anomaly_bundle import anomaly_bundle
from tests.explain.bundles import MeanLead, a_bundle


def test_a_linear_network_is_explained_by_its_weights() -> None:
    network = Logistic(2, 30, 1, (0.8,), (0.2,)).eval()
    asked = Asked(a_bundle(network, "binary", n_features=1))
    ecg, features = torch.randn(5, 2, 30), torch.tensor([[0.7], [0.9], [1.0], [0.5], [float("nan")]])
    inputs = asked.inputs({"ecg": ecg, "features": features, "extra": {}})
    base = (torch.randn(1, 2, 30), torch.tensor([[0.8]]))
    target = torch.tensor([1, 1, 0, 1, 1])
    found = integrated_gradients(asked, inputs, base, target, 4)
    sign = torch.where(target == 1, 1.0, -1.0)[:, None]
    weight = network.head.weight[0].detach()
    torch.testing.assert_close(found.maps[0].flatten(1), sign * weight[:60] * (ecg - base[0]).flatten(1))
    away = torch.nan_to_num((features - 0.8) / 0.2)
    torch.testing.assert_close(found.maps[1], sign * weight[60] * away)
    assert found.converged.all()


@pytest.mark.parametrize("problem", ["binary", "multiclass", "multilabel"])
def test_maps_sum_to_the_change_of_the_log_odds(problem: str) -> None:
    torch.manual_seed(0)
    asked = Asked(a_bundle(GRU(1, 200, 1 if problem == "binary" else 2, 8, 32, 16).eval(), problem))
    ecg, base = torch.randn(6, 1, 200), torch.zeros(1, 1, 200)
    target = torch.tensor([0, 1, 0, 1, 0, 1])
    found = integrated_gradients(asked, (ecg,), (base,), target, 64)
    with torch.no_grad():
        change = (asked(ecg) - asked(base)).gather(1, target[:, None])[:, 0]
    torch.testing.assert_close(found.change, change)
    torch.testing.assert_close(found.maps[0].sum(dim=(1, 2)), change, atol=0.02, rtol=0.05)


class Step(nn.Module):
    """Jumps: no rule of a few points adds that up."""

    takes, scope = ("ecg",), "window"

    def forward(self, ecg: Tensor) -> Tensor:
        return torch.sigmoid(400 * (ecg.mean(dim=(1, 2)) - 0.05))[:, None] * 9


def test_rows_that_miss_their_sum_get_more_steps() -> None:
    asked = Asked(a_bundle(Step(), "binary"))
    found = integrated_gradients(asked, (torch.ones(2, 1, 9),), (torch.zeros(1, 1, 9),), torch.tensor([1, 1]), 4)
    assert (found.n_steps == 64).all()
    smooth = integrated_gradients(asked, (torch.zeros(1, 1, 9),), (torch.zeros(1, 1, 9),), torch.tensor([1]), 4)
    assert (smooth.n_steps == 4).all()


def test_pieces_of_memory_do_not_change_the_maps(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(a_bundle(GRU(1, 200, 1, 8, 32, 16).eval(), "binary"))
    given = ((torch.randn(5, 1, 200),), (torch.zeros(1, 1, 200),), torch.ones(5, dtype=torch.int64), 8)
    whole = integrated_gradients(asked, *given)
    monkeypatch.setattr(gradients, "MAX_NUMBERS", 400)
    torch.testing.assert_close(integrated_gradients(asked, *given).maps[0], whole.maps[0])


def test_log_odds_are_those_of_the_softmax() -> None:
    logits = torch.randn(7, 4)
    torch.testing.assert_close(log_odds(logits, "multiclass"), logits.softmax(dim=1).logit(), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(log_odds(logits + 3, "multiclass"), log_odds(logits, "multiclass"))
    torch.testing.assert_close(log_odds(logits, "multilabel"), logits)


def test_recordings_are_asked_crop_by_crop() -> None:
    made = a_bundle(MeanLead(), "multilabel", window=Crops(4, 2, "mean"))
    ecg = torch.randn(3, 1, 9)
    starts = torch.tensor([0, 2, 4, 5])
    crops = torch.stack([ecg[..., k : k + 4] for k in starts], dim=1)
    said = made.network(crops.flatten(0, 1)).unflatten(0, (3, 4))
    torch.testing.assert_close(Asked(made, starts)(ecg), aggregate(said, "multilabel", "mean"))


def test_the_deciding_crop_gives_the_answer_of_the_recording() -> None:
    made = a_bundle(MeanLead(), "multilabel", window=Crops(4, 2, "max"))
    ecg, starts = torch.randn(6, 1, 9), torch.tensor([0, 2, 4, 5])
    target = torch.tensor([0, 1, 0, 1, 0, 1])
    crop, begin = deciding_crops(made, starts, {"ecg": ecg, "features": torch.zeros(6, 0), "extra": {}}, target)
    for k in range(6):
        assert torch.equal(crop[k], ecg[k, :, int(begin[k]) : int(begin[k]) + 4])
    whole, alone = Asked(made, starts)(ecg), Asked(made)(crop)
    torch.testing.assert_close(alone.gather(1, target[:, None]), whole.gather(1, target[:, None]))


def test_what_cannot_be_explained_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="makes windows again and has no class to explain: take its reconstruction"):
        Asked(anomaly_bundle())
    network = MeanLead()
    network.scope = "sequence"
    with pytest.raises(ValueError, match="takes beats in a row: choose a bundle of a network of single windows"):
        Asked(a_bundle(network, "multilabel"))
    network = MeanLead()
    network.takes = ("features",)
    made = a_bundle(network, "multilabel")
    with pytest.raises(ValueError, match="looks at features alone: there is no sample of an ECG to explain"):
        Asked(Bundle(network, replace(made.contract)))

"""AdditiveAttention: against its formula."""

import torch

from ecg_lightning.layers.attention import AdditiveAttention


def test_attention_is_the_published_formula() -> None:
    layer, steps = AdditiveAttention(6), torch.randn(2, 9, 6)
    energy = torch.stack([layer.judge.weight[0] @ torch.tanh(layer.look(step)) for step in steps.flatten(0, 1)])
    exp = energy.reshape(2, 9).exp()
    torch.testing.assert_close(layer(steps), exp / exp.sum(dim=1, keepdim=True))


def test_weights_are_not_negative_and_sum_to_1_for_any_number_of_steps() -> None:
    layer = AdditiveAttention(4)
    for n_steps in (1, 2, 156):
        weights = layer(10 * torch.randn(3, n_steps, 4))
        assert weights.shape == (3, n_steps)
        assert (weights >= 0).all()
        torch.testing.assert_close(weights.sum(dim=1), torch.ones(3))


def test_weights_follow_what_a_step_holds_and_not_where_it_stands() -> None:
    layer, steps = AdditiveAttention(4), torch.randn(3, 7, 4)
    order = torch.randperm(7)
    torch.testing.assert_close(layer(steps[:, order]), layer(steps)[:, order])

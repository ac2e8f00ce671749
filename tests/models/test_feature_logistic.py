"""FeatureLogistic: against scikit-learn, and its contract."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from ecg_lightning.models.feature_logistic import FeatureLogistic


def test_every_parameter_learns_and_rows_do_not_leak() -> None:
    net, features = FeatureLogistic(5, [0.5] * 3, [2.0] * 3), torch.randn(6, 3)
    net(features).square().sum().backward()
    assert all(p.grad is not None for p in net.parameters())
    assert net(features).shape == (6, 5)
    torch.testing.assert_close(net(features)[2:3], net(features[2:3]))


def test_it_declares_that_it_takes_features_alone() -> None:
    net = FeatureLogistic
    assert (net.takes, net.produces, net.scope) == (("features",), "logits", "window")


def test_it_is_the_logistic_regression_of_scikit_learn() -> None:
    random = np.random.default_rng(0)
    features = random.normal(3, 2, size=(300, 2))
    label = (features[:, 0] - features[:, 1] + random.normal(0, 1, 300) > 0).astype(int)
    scaler = StandardScaler().fit(features)
    reference = LogisticRegression().fit(scaler.transform(features), label)
    net = FeatureLogistic(1, scaler.mean_.tolist(), scaler.scale_.tolist())
    net.head.weight.data = torch.from_numpy(reference.coef_).float()
    net.head.bias.data = torch.from_numpy(reference.intercept_).float()
    p = net(torch.from_numpy(features).float()).sigmoid()[:, 0]
    np.testing.assert_allclose(p.detach().numpy(), reference.predict_proba(scaler.transform(features))[:, 1], atol=1e-5)


def test_a_feature_that_is_not_known_counts_as_the_mean() -> None:
    net = FeatureLogistic(1, [60.0, 0.4], [10.0, 0.1])
    torch.testing.assert_close(net(torch.tensor([[75.0, torch.nan]])), net(torch.tensor([[75.0, 0.4]])))


def test_no_features_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match=r"feature_mean=\[\] leaves nothing to learn from: choose features other"):
        FeatureLogistic(1, [], [])

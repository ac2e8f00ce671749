"""Logistic: against scikit-learn, and its contract."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from ecg_lightning.models.logistic import Logistic


@pytest.mark.parametrize("n_leads", [1, 2, 12])
@pytest.mark.parametrize("n_features", [0, 3])
def test_every_parameter_learns_and_rows_do_not_leak(n_leads: int, n_features: int) -> None:
    net = Logistic(n_leads, 50, 5, [0.0] * n_features, [1.0] * n_features)
    ecg, features = torch.randn(6, n_leads, 50), torch.randn(6, n_features)
    net(ecg, features).square().sum().backward()
    assert all(p.grad is not None for p in net.parameters())
    assert net(ecg, features).shape == (6, 5)
    torch.testing.assert_close(net(ecg, features)[2:3], net(ecg[2:3], features[2:3]))
    assert sum(p.numel() for p in net.parameters()) == 5 * (50 * n_leads + n_features + 1)


def test_it_is_the_logistic_regression_of_scikit_learn() -> None:
    random = np.random.default_rng(0)
    ecg, features = random.normal(size=(300, 2, 10)), random.normal(3, 2, size=(300, 2))
    label = (ecg[:, 0, 3] + features[:, 1] > 3).astype(int) + (ecg[:, 1, 5] > 0)
    scaler = StandardScaler().fit(features)
    columns = np.concatenate([ecg.reshape(300, 20), scaler.transform(features)], axis=1)
    reference = LogisticRegression().fit(columns, label)
    net = Logistic(2, 10, 3, scaler.mean_.tolist(), scaler.scale_.tolist())
    net.head.weight.data = torch.from_numpy(reference.coef_).float()
    net.head.bias.data = torch.from_numpy(reference.intercept_).float()
    p = net(torch.from_numpy(ecg).float(), torch.from_numpy(features).float()).softmax(dim=1)
    np.testing.assert_allclose(p.detach().numpy(), reference.predict_proba(columns), atol=1e-4)

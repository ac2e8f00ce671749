"""Anomalies by what is made again badly: trained on normal windows, scored on all."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.optim import Optimizer
from torchmetrics import Metric, MetricCollection

from ecg_lightning.batch import Batch
from ecg_lightning.layers.reconstruction_scores import over_crops, parts
from ecg_lightning.modules.scheduled import Scheduled


class AnomalyDetection(Scheduled):
    """Fits an autoencoder to the windows that it is given, and says of others how unlike these they are.

    Args:
        network: from a window to a window, with `encode` and `normal` as `layers.normality` has it.
        loss: (reconstruction, ecg) to a scalar.
        metrics: by name, of (mean absolute error, anomaly or not) on the validation rows.
        optimizer: takes the parameters.
        schedule: takes the optimizer and n_steps, the steps of the whole run.
        monitor: name of the metric that says what is best.
        aggregate: how one score is made of those of a recording's crops, "mean" or "max".
        feature_mean: of the training rows.
        feature_std: likewise.
        seed: of dropout and hidden stretches, together with epoch and rank.
    """

    def __init__(
        self,
        network: nn.Module,
        loss: nn.Module,
        metrics: dict[str, Metric | MetricCollection],
        optimizer: Callable[[Iterable[nn.Parameter]], Optimizer],
        schedule: Callable[..., Any],
        monitor: str,
        aggregate: str,
        feature_mean: Sequence[float],
        feature_std: Sequence[float],
        seed: int,
    ) -> None:
        super().__init__(network, loss, metrics, optimizer, schedule, monitor, seed)
        self.aggregate = aggregate
        self.feature_mean, self.feature_std = torch.tensor(feature_mean), torch.tensor(feature_std)

    def training_step(self, batch: Batch) -> Tensor:
        ecg = batch.ecg.flatten(0, -3)  # crops of a recording are windows like others
        return self._logged("train/loss", self.loss(self.network(ecg), ecg), len(batch.label))

    def validation_step(self, batch: Batch) -> None:
        ecg = batch.ecg.flatten(0, -3)
        made = self.network(ecg).float()
        error = self._of_rows((ecg - made).abs().mean(dim=(1, 2))[:, None], batch)
        normal = batch.label == 0
        of_normals = normal.repeat_interleave(len(ecg) // len(normal))
        # anomalies are not what the network is to make again; a batch of them alone counts 0 times
        loss = self.loss(made[of_normals], ecg[of_normals]) if normal.any() else error.new_zeros(())
        self._logged("val/loss", loss, int(normal.sum()))
        self.metrics.update(error, batch.label[:, None].float())
        self.log_dict(self.metrics, on_step=False, on_epoch=True, batch_size=len(batch.label))

    def predict_step(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Row numbers and every part of their scores; every reported number is computed from these."""
        ecg = batch.ecg.flatten(0, -3)
        features = batch.features.repeat_interleave(len(ecg) // len(batch.row), dim=0)
        found = parts(self.network, ecg, features, self.feature_mean.to(ecg), self.feature_std.to(ecg))
        return batch.row, self._of_rows(found, batch)

    @torch.no_grad()
    def learn_normals(self, batches: Iterable[Batch]) -> None:
        """Keep beside the weights how normal windows vary, and where they lie in latent space.

        Args:
            batches: of training windows as they are, without augmentation.
        """
        self.network.eval()

        def windows() -> Iterator[tuple[Tensor, Tensor]]:
            for batch in batches:
                ecg = batch.ecg.flatten(0, -3).to(self.device)
                yield ecg, self.network.encode(ecg).float()  # type: ignore[operator]

        self.network.normal.learn(windows())  # type: ignore[union-attr, operator]

    def _of_rows(self, value: Float[Tensor, "window part"], batch: Batch) -> Float[Tensor, "row part"]:
        """One value a row, of those of its windows."""
        return over_crops(value.unflatten(0, (len(batch.row), -1)), self.aggregate)

    def _logged(self, name: str, loss: Tensor, n_rows: int) -> Tensor:
        self.log(name, loss, on_step=False, on_epoch=True, prog_bar=True, batch_size=n_rows, sync_dist=True)
        return loss

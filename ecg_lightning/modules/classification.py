"""One class per window or beat, one of two, or several per recording."""

from collections.abc import Callable, Iterable
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer
from torchmetrics import Metric, MetricCollection

from ecg_lightning.batch import Batch
from ecg_lightning.layers.crops import aggregate
from ecg_lightning.modules.scheduled import Scheduled


class Classification(Scheduled):
    """Fits any network that gives logits; windows, sequences and crops of recordings are treated alike.

    Args:
        network: its `takes` says which fields of a batch it is given, in that order.
        loss: (logits, labels) to a scalar.
        metrics: by name, of (probabilities, labels) on the validation rows.
        optimizer: takes the parameters.
        schedule: takes the optimizer and n_steps, the steps of the whole run; one that watches the monitor is asked
            once an epoch, every other one after each step.
        monitor: name of the metric that says what is best.
        problem: "multiclass" for one class a row, "binary" for one of two by one logit, "multilabel" for any number.
        aggregate: how one answer is made of those to a recording's crops, "mean" or "max".
        seed: of dropout, together with epoch and rank.
    """

    def __init__(
        self,
        network: nn.Module,
        loss: nn.Module,
        metrics: dict[str, Metric | MetricCollection],
        optimizer: Callable[[Iterable[nn.Parameter]], Optimizer],
        schedule: Callable[..., Any],
        monitor: str,
        problem: str,
        aggregate: str,
        seed: int,
    ) -> None:
        super().__init__(network, loss, metrics, optimizer, schedule, monitor, seed)
        self.problem, self.aggregate = problem, aggregate

    def forward(self, batch: Batch) -> Tensor:
        """Logits of the beats or recordings that count, one row each."""
        if self.network.scope == "sequence" or batch.ecg.dim() == 3:
            return self._asked(batch)[batch.scored]
        n_crops = batch.ecg.shape[1]
        crops = batch._replace(ecg=batch.ecg.flatten(0, 1), features=batch.features.repeat_interleave(n_crops, dim=0))
        return aggregate(self._asked(crops).unflatten(0, (-1, n_crops)), self.problem, self.aggregate)[batch.scored]

    def _asked(self, batch: Batch) -> Tensor:
        """What the network says to the fields that it takes."""
        inputs = [getattr(batch, name) for name in self.network.takes]  # type: ignore[union-attr]
        return self.network(*inputs).float()

    def training_step(self, batch: Batch) -> Tensor:
        return self._step(batch, "train")[0]

    def validation_step(self, batch: Batch) -> None:
        _, logits, label = self._step(batch, "val")
        self.metrics.update(logits.softmax(1) if self.problem == "multiclass" else logits.sigmoid(), label)
        self.log_dict(self.metrics, on_step=False, on_epoch=True, batch_size=len(label))

    def predict_step(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Row numbers and logits; every reported number is computed from these."""
        return batch.row[batch.scored], self(batch)

    def _step(self, batch: Batch, stage: str) -> tuple[Tensor, Tensor, Tensor]:
        logits, label = self(batch), batch.label[batch.scored]
        if self.problem != "multiclass":
            label = label.float().view_as(logits)  # of two classes a column by itself
        loss, n_rows = self.loss(logits, label), len(label)
        self.log(f"{stage}/loss", loss, on_step=False, on_epoch=True, prog_bar=True, batch_size=n_rows, sync_dist=True)
        if self.problem == "binary":
            right = ((logits > 0) == (label > 0.5)).float().mean()
            self.log(
                f"{stage}/accuracy",
                right,
                on_step=False,
                on_epoch=True,
                prog_bar=True,
                batch_size=n_rows,
                sync_dist=True,
            )
        return loss, logits, label

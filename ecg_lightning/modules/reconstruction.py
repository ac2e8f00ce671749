"""The ECG made again: what autoencoders are trained by."""

from collections.abc import Callable, Iterable

from pytorch_lightning import LightningModule
from torch import Tensor, nn
from torch.optim import Optimizer

from ecg_lightning.batch import Batch
from ecg_lightning.modules.seeding import seed_epoch


class Reconstruction(LightningModule):
    """Fits any network of the ECG alone that makes a window again; labels are not looked at.

    Args:
        network: from a window to a window.
        loss: (reconstruction, ecg) to a scalar.
        optimizer: takes the parameters.
        seed: of dropout, together with epoch and rank.
    """

    def __init__(
        self,
        network: nn.Module,
        loss: nn.Module,
        optimizer: Callable[[Iterable[nn.Parameter]], Optimizer],
        seed: int,
    ) -> None:
        super().__init__()
        self.network, self.loss, self.optimizer, self.seed = network, loss, optimizer, seed

    def on_train_epoch_start(self) -> None:
        """Tie dropout to the epoch, so that another start repeats it."""
        seed_epoch(self.seed, self.current_epoch, self.global_rank)

    def training_step(self, batch: Batch) -> Tensor:
        return self._step(batch, "train")

    def validation_step(self, batch: Batch) -> None:
        self._step(batch, "val")

    def configure_optimizers(self) -> Optimizer:
        return self.optimizer(self.parameters())

    def _step(self, batch: Batch, stage: str) -> Tensor:
        ecg = batch.ecg.flatten(0, -3)  # crops of a recording are windows like others
        loss = self.loss(self.network(ecg), ecg)
        self.log(f"{stage}/loss", loss, on_step=False, on_epoch=True, batch_size=len(ecg), sync_dist=True)
        return loss

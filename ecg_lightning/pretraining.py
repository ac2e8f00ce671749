"""What is asked of an autoencoder that is trained before the network; light, so that a config is checked at once."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from ecg_lightning.sampling import PositiveShare, Sampler, Shuffle


@dataclass(frozen=True, eq=False)
class Pretraining:
    """A stage of its own inside each fold; `encoders.pretrain` runs it.

    Args:
        latent_size: of the encoder, for the network that makes room for it.
        network: makes a window again, and has the part `encoder` that is kept.
        loss: (reconstruction, ecg) to a scalar.
        optimizer: takes the parameters.
        positive_share: of the rows of each epoch that are of the second of two classes; None takes all rows.
        frozen: the encoder stays as it is while the network learns.
        max_epochs: at most.
        patience: epochs without a better reconstruction of the validation rows, after which it ends.

    Raises:
        ValueError: network or loss is not for reconstructions, or a number makes no sense.
    """

    latent_size: int
    network: nn.Module
    loss: nn.Module
    optimizer: Callable
    positive_share: float | None
    frozen: bool
    max_epochs: int
    patience: int

    def __post_init__(self) -> None:
        for name, word in (("network", self.network.produces), ("loss", self.loss.consumes)):
            if word != "reconstruction":
                part = type(getattr(self, name)).__name__
                raise ValueError(f"pretrain.{name}={part} is for {word}: choose one that is for reconstruction")
        for name in ("max_epochs", "patience"):
            if getattr(self, name) < 1:
                raise ValueError(f"pretrain.{name}={getattr(self, name)} must be at least 1")
        _ = self.sampler  # says at once which share is impossible

    @property
    def sampler(self) -> Sampler:
        """Which rows an epoch sees."""
        return Shuffle() if self.positive_share is None else PositiveShare(self.positive_share)

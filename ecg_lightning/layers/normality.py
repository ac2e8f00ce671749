"""What normal windows look like, as numbers that travel with the weights of an autoencoder."""

from collections.abc import Iterable

import torch
from jaxtyping import Float
from torch import Tensor, nn

LEAST_SPREAD = 0.1  # of the mean spread; below it samples that hardly vary, such as padding, would decide alone
LEAST_SHRINKAGE = 0.01  # below it a latent number that normals do not use would decide alone


class Normality(nn.Module):
    """How much normal windows vary at each sample, and where their latent vectors lie.

    Until it has learned, every sample varies alike and the latent vectors lie round 0.

    Args:
        n_leads: rows of a window.
        n_samples: length of a window.
        latent_size: numbers of a latent vector.
    """

    spread: Tensor
    centre: Tensor
    whitener: Tensor

    def __init__(self, n_leads: int, n_samples: int, latent_size: int) -> None:
        super().__init__()
        self.register_buffer("spread", torch.ones(n_leads, n_samples))
        self.register_buffer("centre", torch.zeros(latent_size))
        self.register_buffer("whitener", torch.eye(latent_size))

    def learn(self, batches: Iterable[tuple[Float[Tensor, "row lead time"], Float[Tensor, "row latent"]]]) -> None:
        """Take spread and latent vectors from normal training windows; windows are not kept.

        Args:
            batches: windows with their latent vectors.

        Raises:
            ValueError: fewer than two windows, or latent vectors that are not finite.
        """
        total, squares = torch.zeros(2, *self.spread.shape, dtype=torch.float64)
        latents = []
        for ecg, latent in batches:
            ecg = ecg.cpu().double()  # there are accelerators without float64
            total += ecg.sum(dim=0)
            squares += ecg.square().sum(dim=0)
            latents.append(latent.detach().cpu().double())
        n_rows = sum(len(latent) for latent in latents)
        if n_rows < 2:
            raise ValueError(f"n_rows={n_rows} of normal windows do not say how much they vary: give at least 2")
        latent = torch.cat(latents)
        if not latent.isfinite().all():
            raise ValueError("latent vectors of normal windows are not finite: training has diverged, lower optim.lr")
        deviation = (squares / n_rows - (total / n_rows).square()).clamp(min=0).sqrt()
        floored = deviation.clamp(min=LEAST_SPREAD * deviation.mean())
        self.spread.copy_(floored if floored.all() else torch.ones_like(floored))
        self.centre.copy_(latent.mean(dim=0))
        self.whitener.copy_(_whitener(latent - latent.mean(dim=0)))

    def weighted(self, error: Float[Tensor, "row lead time"]) -> Float[Tensor, " row"]:
        """Mean absolute error in which samples count less the more normal windows vary there; in the error's unit."""
        return (error.abs() * (self.spread.mean() / self.spread)).mean(dim=(1, 2))

    def distance(self, latent: Float[Tensor, "row latent"]) -> Float[Tensor, " row"]:
        """Root mean square of the whitened latent vector: Mahalanobis distance to the centre, about 1 for normals."""
        return ((latent - self.centre) @ self.whitener).square().mean(dim=1).sqrt()


def _whitener(latent: Float[Tensor, "row latent"]) -> Float[Tensor, "latent latent"]:
    """The matrix behind which centred latent vectors have a covariance of 1.

    The covariance is drawn towards a sphere, as far as so few rows leave it uncertain.

    Source:
        Ledoit and Wolf, J Multivar Anal 88:365-411 (2004).
    """
    n_rows, size = latent.shape
    covariance = latent.T @ latent / n_rows
    sphere = covariance.trace() / size * torch.eye(size, dtype=latent.dtype)
    if not sphere.any():
        return torch.eye(size, dtype=latent.dtype)  # all vectors are the same
    apart = (covariance - sphere).square().sum()
    uncertain = (latent.square().sum(dim=1).square().mean() - covariance.square().sum()) / n_rows
    share = (uncertain / apart).clamp(LEAST_SHRINKAGE, 1.0) if apart > 0 else torch.tensor(1.0)
    shrunk = (1 - share) * covariance + share * sphere
    return torch.linalg.inv(torch.linalg.cholesky(shrunk)).T

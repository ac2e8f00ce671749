"""A classifier as one differentiable function of whole recordings or windows."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from ecg_lightning.bundle import Bundle
from ecg_lightning.layers.crops import aggregate
from ecg_lightning.predict.answers import probabilities
from ecg_lightning.windowing import Crops, scale_windows


def log_odds(logits: Float[Tensor, "row out"], problem: str) -> Float[Tensor, "row class"]:
    """Log-odds of every class against all that it stands against.

    A logit of a softmax means nothing alone, as all of them may rise together; its log-odds do.

    Args:
        logits: of the network; of two classes that of the second.
        problem: "binary", "multiclass" or "multilabel".
    """
    if problem == "binary":
        return torch.cat([-logits, logits], dim=1)
    if problem == "multilabel":
        return logits
    n_classes = logits.shape[1]
    itself = torch.eye(n_classes, dtype=torch.bool, device=logits.device)
    others = logits.unsqueeze(1).expand(-1, n_classes, -1).masked_fill(itself, -torch.inf)
    return logits - others.logsumexp(dim=2)


class Asked(nn.Module):
    """Ask a bundle's network, crop by crop where it takes crops, for the log-odds of every class.

    Crops are cut in here, so that one sample of a recording stays one number to be explained, in how many crops it
    may lie.

    Args:
        bundle: of a classifier of single windows or of recordings.
        starts: first samples of the crops of a recording; None where a window is asked as it is.

    Raises:
        ValueError: the network reconstructs, takes beats in a row, or does not look at the ECG.
    """

    index: Tensor | None

    def __init__(self, bundle: Bundle, starts: Int[Tensor, " crop"] | None = None) -> None:
        super().__init__()
        _check(bundle)
        contract = bundle.contract
        self.network, self.contract = bundle.network, contract
        self.takes = cast(Sequence[str], bundle.network.takes)
        self.with_features = "features" in self.takes and bool(contract.features.names)
        self.extra_names = tuple(contract.extra_channels) if "extra" in self.takes else ()
        index = None if starts is None else starts[:, None] + torch.arange(contract.window.n_samples)
        self.register_buffer("index", index, persistent=False)  # crop, time

    @property
    def names(self) -> tuple[str, ...]:
        """The tensors of `forward`, in order."""
        return ("ecg", *(["features"] * self.with_features), *self.extra_names)

    def inputs(self, fields: Mapping[str, Any]) -> tuple[Tensor, ...]:
        """The tensors of `forward`; what is not known of features is the mean of the training rows.

        Args:
            fields: ecg, features and extra, as `batch.Batch` has them.
        """
        found = [fields["ecg"]]
        if self.with_features:
            mean = torch.tensor(self.contract.feature_mean, dtype=torch.float32)
            found.append(torch.where(fields["features"].isnan(), mean, fields["features"]))
        return (*found, *(fields["extra"][name] for name in self.extra_names))

    def logits(self, ecg: Float[Tensor, "row lead time"], *others: Tensor) -> Float[Tensor, "row out"]:
        """The network's own answer, of a recording that of all its crops."""
        features = others[0] if self.with_features else ecg.new_zeros(len(ecg), len(self.contract.features.names))
        extra = dict(zip(self.extra_names, others[self.with_features :], strict=True))
        if self.index is None:
            return self._network(ecg, features, extra)
        crops = self.crops(ecg)
        n_rows, n_crops = crops.shape[:2]
        said = self._network(crops.flatten(0, 1), features.repeat_interleave(n_crops, dim=0), extra)
        window = cast(Crops, self.contract.window)
        return aggregate(said.unflatten(0, (n_rows, n_crops)), self.contract.problem, window.by)

    def crops(self, ecg: Float[Tensor, "row lead time"]) -> Float[Tensor, "row crop lead crop_time"]:
        """Of each recording, as the network sees them."""
        cut = ecg[..., self.index].transpose(1, 2)
        return scale_windows(cut.flatten(0, 1), self.contract.preprocess.scale).unflatten(0, cut.shape[:2])

    def forward(self, ecg: Float[Tensor, "row lead time"], *others: Tensor) -> Float[Tensor, "row class"]:
        return log_odds(self.logits(ecg, *others), self.contract.problem)

    def p(self, ecg: Float[Tensor, "row lead time"], *others: Tensor) -> Float[Tensor, "row class"]:
        """Calibrated probabilities, as `predict` gives them."""
        return probabilities(self.contract, self.logits(ecg, *others))

    def _network(self, ecg: Tensor, features: Tensor, extra: dict[str, Tensor]) -> Tensor:
        given: dict[str, Any] = {"ecg": ecg, "features": features, "extra": extra}
        return self.network(*(given[name] for name in self.takes))


@torch.inference_mode()
def deciding_crops(
    bundle: Bundle, starts: Int[Tensor, " crop"], fields: Mapping[str, Any], target: Int[Tensor, " row"]
) -> tuple[Float[Tensor, "row lead crop_time"], Int[Tensor, " row"]]:
    """The crop of each recording that says most for a class, and its first sample.

    Where a bundle takes the largest answer of its crops, that is the whole answer.

    Args:
        bundle: of a classifier of recordings.
        starts: first samples of the crops.
        fields: of whole recordings.
        target: class of each.
    """
    whole, alone = Asked(bundle, starts), Asked(bundle)
    chosen, begin = [], []
    for row in range(len(target)):
        crops = whole.crops(fields["ecg"][row : row + 1])[0]
        others = [one[row : row + 1].expand(len(crops), *one.shape[1:]) for one in whole.inputs(fields)[1:]]
        best = int(alone(crops, *others)[:, target[row]].argmax())
        chosen.append(crops[best])
        begin.append(starts[best])
    return torch.stack(chosen).clone(), torch.stack(begin)


def _check(bundle: Bundle) -> None:
    name = bundle.contract.network
    if bundle.contract.problem == "anomaly":
        raise ValueError(f"network={name} makes windows again and has no class to explain: take its reconstruction map")
    if bundle.network.scope != "window":
        raise ValueError(f"network={name} takes beats in a row: choose a bundle of a network of single windows")
    if "ecg" not in cast(Sequence[str], bundle.network.takes):
        raise ValueError(f"network={name} looks at features alone: there is no sample of an ECG to explain")

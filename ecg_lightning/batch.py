"""The one contract between data and networks."""

from typing import NamedTuple

from jaxtyping import Bool, Float, Int
from torch import Tensor


class Batch(NamedTuple):
    """Windows, ready for a network.

    Networks with scope "window" see the shapes below. For scope "sequence" every field but `extra`
    has one more axis, beats in a row of one record, after batch: ecg (batch, beat, lead, time), and so on.
    Records that are scored by overlapping crops have that axis in ecg alone, (batch, crop, lead, time): the
    LightningModule asks the network for every crop and makes one answer of them.
    """

    ecg: Float[Tensor, "batch *beat_or_crop lead time"]
    features: Float[Tensor, "batch *beat feature"]
    label: Int[Tensor, "batch *rest"] | Float[Tensor, "batch *rest"]  # class index, or one column per class, 0 to 1
    row: Int[Tensor, "batch *beat"]  # into the window table; -1 is padding
    scored: Bool[Tensor, "batch *beat"]  # False for context and padding: neither loss nor prediction
    extra: dict[str, Tensor]  # other signals by name, each at its own rate

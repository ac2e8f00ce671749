"""The one contract between data and networks."""

from typing import NamedTuple

from jaxtyping import Bool, Float, Int
from torch import Tensor


class Batch(NamedTuple):
    """Windows, ready for a network.

    Networks with scope "window" see the shapes below. For scope "sequence" every field but `extra`
    has one more axis, beats in a row of one record, after batch: ecg (batch, beat, lead, time), and so on.
    """

    ecg: Float[Tensor, "batch *beat lead time"]
    features: Float[Tensor, "batch *beat feature"]
    label: Int[Tensor, "batch *rest"]  # class index, or one 0/1 column per class
    row: Int[Tensor, "batch *beat"]  # into the window table; -1 is padding
    scored: Bool[Tensor, "batch *beat"]  # False for context and padding: neither loss nor prediction
    extra: dict[str, Tensor]  # other signals by name, each at its own rate

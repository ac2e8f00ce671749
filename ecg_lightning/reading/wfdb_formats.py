"""The storage formats of WFDB signal files: bytes -> digital values.

Source:
    https://physionet.org/physiotools/wag/signal-5.htm
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from jaxtyping import Int, UInt8

Bytes = UInt8[np.ndarray, " byte"]
Values = Int[np.ndarray, " value"]


class Format(NamedTuple):
    """How values are packed: so many in so many bytes; which value marks a lost sample, if any does."""

    n_values: int
    n_bytes: int
    lost: int | None
    values: Callable[[Bytes], Values]


def _words(kind: str, zero: int = 0) -> Callable[[Bytes], Values]:
    return lambda content: content.view(kind).astype(np.int32) - np.int32(zero)


def _signed(value: Int[np.ndarray, "..."], n_bits: int) -> Int[np.ndarray, "..."]:
    return value - ((value >> (n_bits - 1)) << n_bits)


def _212(content: Bytes) -> Values:
    low, both, high = content.reshape(-1, 3).astype(np.int32).T
    pairs = np.stack([low | (both & 15) << 8, high | (both >> 4) << 8], axis=1)
    return _signed(pairs, 12).ravel()


def _310(content: Bytes) -> Values:
    first, second = content.view("<u2").reshape(-1, 2).astype(np.int32).T
    three = [first >> 1 & 1023, second >> 1 & 1023, first >> 11 | (second >> 11) << 5]
    return _signed(np.stack(three, axis=1), 10).ravel()


def _311(content: Bytes) -> Values:
    words = content.view("<u4").astype(np.int64)
    return _signed(np.stack([words & 1023, words >> 10 & 1023, words >> 20 & 1023], axis=1), 10).ravel()


def _24(content: Bytes) -> Values:
    low, middle, high = content.reshape(-1, 3).astype(np.int32).T
    return _signed(low | middle << 8 | high << 16, 24)


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "8": Format(1, 1, None, _words("i1")),  # differences from the value before
        "16": Format(1, 2, -(1 << 15), _words("<i2")),
        "24": Format(1, 3, -(1 << 23), _24),
        "32": Format(1, 4, -(1 << 31), _words("<i4")),
        "61": Format(1, 2, -(1 << 15), _words(">i2")),
        "80": Format(1, 1, -(1 << 7), _words("u1", 1 << 7)),
        "160": Format(1, 2, -(1 << 15), _words("<u2", 1 << 15)),
        "212": Format(2, 3, -(1 << 11), _212),
        "310": Format(3, 4, -(1 << 9), _310),
        "311": Format(3, 4, -(1 << 9), _311),
    }
)


def n_bytes_of(form: Format, n_values: int) -> int:
    """Bytes that hold so many values; the last pack may be cut short after its last value."""
    whole, rest = divmod(n_values, form.n_values)
    return whole * form.n_bytes + -(-rest * form.n_bytes // form.n_values)


def values(content: Bytes, form: Format, first: int, last: int) -> Values:
    """The values from `first` to before `last` of a signal file.

    Args:
        content: of the file, from its first value on; not read where it is not asked for.
        form: how it is packed.
        first: number of a value.
        last: after the last.
    """
    begin, end = first // form.n_values, -(-last // form.n_values)
    packs = np.array(content[begin * form.n_bytes : end * form.n_bytes])
    packs = np.pad(packs, (0, (end - begin) * form.n_bytes - len(packs)))  # the last one may be cut short
    return form.values(packs)[first - begin * form.n_values : last - begin * form.n_values]

"""A signal that is still arriving: prepared, and as much of it kept as a window may need."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Bool, Float

from ecg_lightning.dsp.normalise import RunningState
from ecg_lightning.prepare import Arrived, Preprocess

NEVER = -(1 << 60)  # before any sample


class Arriving:
    """The newest seconds of a signal, prepared as training did, with what is needed to go on.

    Samples that are no numbers, as of an electrode that has come off, are held at the last one that was; until the
    filter has forgotten them, nothing is trusted.

    Args:
        preprocess: of a network; it must not look ahead.
        n_kept: samples that stay.
    """

    def __init__(self, preprocess: Preprocess, n_kept: int) -> None:
        n_leads = len(preprocess.leads)
        self.preprocess, self.n_kept = preprocess, n_kept
        self.n_samples = 0
        self.ecg = np.zeros((n_leads, 0), np.float32)
        self.doubtful = np.zeros(0, bool)
        self._last_mv = np.zeros((n_leads, 1), np.float32)
        self._last_lost = NEVER
        self._n_settling = round(preprocess.memory_s() * preprocess.fs_hz)
        self._arrived = Arrived()

    @property
    def first(self) -> int:
        """The oldest sample that is kept."""
        return self.n_samples - self.ecg.shape[1]

    def push(self, ecg_mv: Float[np.ndarray, "lead time"]) -> Float[np.ndarray, "lead time"]:
        """Take the next samples; `forget` makes room again.

        Returns:
            The samples as they came, without those that are no numbers.
        """
        held, lost = self._held(ecg_mv.astype(np.float32))
        prepared, self._arrived = self.preprocess.step(held, self._arrived)
        self.ecg = np.concatenate([self.ecg, prepared], axis=1)
        self.doubtful = np.concatenate([self.doubtful, self._settling(lost)])
        self.n_samples += held.shape[1]
        return held

    def forget(self) -> None:
        """Keep the newest samples alone."""
        if self.ecg.shape[1] > self.n_kept:
            self.ecg, self.doubtful = self.ecg[:, -self.n_kept :].copy(), self.doubtful[-self.n_kept :].copy()

    def trusted(self, start: int, stop: int) -> bool:
        """Whether samples from start to before stop, as far as they are there, are free of lost ones."""
        return not self.doubtful[max(start - self.first, 0) : stop - self.first].any()

    def _held(
        self, ecg_mv: Float[np.ndarray, "lead time"]
    ) -> tuple[Float[np.ndarray, "lead time"], Bool[np.ndarray, " time"]]:
        known = np.isfinite(ecg_mv)
        if known.all():
            held = ecg_mv
        else:
            with_last = np.concatenate([self._last_mv, ecg_mv], axis=1)
            place = np.where(known, np.arange(1, with_last.shape[1]), 0)
            held = np.take_along_axis(with_last, np.maximum.accumulate(place, axis=1), axis=1)
        if held.shape[1]:
            self._last_mv = held[:, -1:].copy()
        return held, ~known.all(axis=0)

    def _settling(self, lost: Bool[np.ndarray, " time"]) -> Bool[np.ndarray, " time"]:
        at = self.n_samples + np.arange(len(lost))
        last = np.maximum.accumulate(np.concatenate([[self._last_lost], np.where(lost, at, NEVER)]))
        self._last_lost = int(last[-1])
        return at - last[1:] <= self._n_settling if self._last_lost > NEVER else np.zeros(len(lost), bool)

    def packed(self) -> dict[str, np.ndarray]:
        """Everything that is remembered, as plain arrays."""
        filtered, running = self._arrived
        arrays: dict[str, np.ndarray] = {
            "counts": np.array([self.n_samples, self._last_lost], np.int64),
            "ecg": self.ecg,
            "doubtful": self.doubtful,
            "last_mv": self._last_mv,
        }
        arrays |= {} if filtered is None else {"filtered": filtered}
        return arrays | ({} if running is None else {"origin_mv": running.origin_mv, "sums": running.sums})

    def unpack(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Go on where `packed` was called.

        Raises:
            KeyError: an array is missing.
        """
        self.n_samples, self._last_lost = arrays["counts"].tolist()
        self.ecg, self.doubtful, self._last_mv = (arrays[name] for name in ("ecg", "doubtful", "last_mv"))
        running = RunningState(arrays["origin_mv"], arrays["sums"]) if "sums" in arrays else None
        self._arrived = Arrived(arrays.get("filtered"), running)

"""Classify the beats of a recording while it is still being made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int

from ecg_lightning.bundle import Bundle
from ecg_lightning.contract import Contract
from ecg_lightning.datasets.wfdb_files import choose_leads
from ecg_lightning.dsp import live_peaks, rhythm
from ecg_lightning.dsp.live_envelope import LATEST_S
from ecg_lightning.predict import stream_file
from ecg_lightning.predict.answers import anomalies, ask, called, probabilities
from ecg_lightning.predict.arriving import Arriving
from ecg_lightning.prepare import Prepared, latency_ms, windows
from ecg_lightning.structures import Refused
from ecg_lightning.windowing import Crops, Segments, Window

WHOLE: Mapping[type, str] = {Crops: "whole recordings", Segments: "stretches of recordings"}


@dataclass(frozen=True)
class Decision:
    """What is said of one beat.

    Args:
        peak_sample: its R peak, counted from the first sample that was pushed.
        time_s: the same, in seconds.
        ready_sample: how many samples had to arrive for it, however they were cut into chunks.
        called: its class.
        p: calibrated probability of every class; of anomalies none.
        score: of anomalies, how far from normal; else None.
        threshold: from which the second of two classes is called; None where the likeliest is.
        outputs: what the network said: logits, or of anomalies every part of the score.
        trusted: False where samples of its window were lost, or lost so shortly before that the filter still rings.
        latency_ms: from the R peak to the sample that completed it, without the computing.
    """

    peak_sample: int
    time_s: float
    ready_sample: int
    called: str
    p: Mapping[str, float]
    score: float | None
    threshold: float | None
    outputs: tuple[float, ...]
    trusted: bool
    latency_ms: float


class _Beat(NamedTuple):
    """A beat whose window is not complete yet."""

    peak_sample: int
    known_sample: int
    features: Float[np.ndarray, " feature"]


class Stream:
    """Samples go in as they come, the classes of beats come out: the same for every way to cut the samples.

    What it remembers does not grow. It is for one thread.

    Args:
        bundle: of a network of single beats, trained with task.mode=real_time.
        leads: names of the rows of every chunk, in any order; further ones are not looked at.
        fs_hz: sampling rate of the chunks: that of the network.
        detect: whether R peaks are searched for, in the network's first lead; else `push` is given them.

    Raises:
        BadRecord: a lead is missing.
        Refused: the network cannot answer while a signal arrives, or the rate is another; the message says why.
    """

    def __init__(self, bundle: Bundle, leads: Sequence[str], fs_hz: float, detect: bool = True) -> None:
        contract = bundle.contract
        self._window = _window(bundle, fs_hz)
        self._places = list(choose_leads("of the stream", leads, contract.preprocess.leads))
        self.bundle, self.leads, self.fs_hz, self.detect = bundle, tuple(leads), fs_hz, detect
        self._n_latest = round(LATEST_S * fs_hz)
        self._signal = Arriving(
            contract.preprocess, max(self._n_latest + self._window.n_before, self._window.n_samples)
        )
        self._peaks: live_peaks.State | None = None
        self._past: rhythm.Past | None = None
        self._waiting: list[_Beat] = []
        self._finished = False

    @property
    def n_samples(self) -> int:
        """How many have arrived."""
        return self._signal.n_samples

    def push(
        self, ecg_mv: Float[np.ndarray, "lead time"], peaks: Int[np.ndarray, " peak"] | None = None
    ) -> list[Decision]:
        """Take the next samples, as many as there are.

        Args:
            ecg_mv: one row per lead; NaN where a sample was lost.
            peaks: of a stream that does not search for them, R peaks that have become known, ascending, counted from
                the first sample that was pushed; at most five seconds older than the chunk.

        Returns:
            A decision for every beat that is complete by now, in the order of the beats.

        Raises:
            Refused: the chunk has other leads, the stream has finished, or peaks are given to one that searches for
                them, do not rise, are too old or have not arrived. Nothing was taken then.
        """
        chunk, given = np.asarray(ecg_mv), np.asarray([] if peaks is None else peaks, np.int64)
        self._check(chunk, given, peaks is not None)
        held = self._signal.push(chunk[self._places])
        if self.detect:
            found, self._peaks = live_peaks.step(held[0], self._peaks, self.fs_hz)
            self._await(found.peak_sample, found.known_sample)
        else:
            self._await(given, given)
        done = self._decide(self.n_samples)
        self._signal.forget()
        return done

    def finish(self) -> list[Decision]:
        """End the recording, and decide the beats whose window it cuts short: its last sample is repeated there.

        Raises:
            Refused: it was ended before.
        """
        if self._finished:
            raise Refused("the stream has finished: begin another one")
        self._finished = True
        if self.detect and self._peaks is not None:
            rest = np.full(self._n_latest, self._peaks.wave.ecg[-1], np.float32)
            found, _ = live_peaks.step(rest, self._peaks, self.fs_hz)
            inside = found.peak_sample < self.n_samples
            self._await(found.peak_sample[inside], found.known_sample[inside])
        return self._decide(self.n_samples + self._window.n_samples)

    def save(self, file: Path) -> None:
        """Write down everything that is remembered, so that `load` goes on with the same answers.

        Raises:
            Refused: the stream has finished.
            OSError: the disk does not take it.
        """
        if self._finished:
            raise Refused("the stream has finished: there is nothing to go on with")
        beats = self._waiting
        past = self._past
        parts: dict[str, dict[str, np.ndarray]] = {
            "signal": self._signal.packed(),
            "peaks": live_peaks.packed(self._peaks),
            "past": {} if past is None else {"counts": np.array(past[:2], np.int64), "total_s": past.total_s},
            "waiting": {
                "at": np.array([beat[:2] for beat in beats], np.int64).reshape(-1, 2),
                "features": np.array([beat.features for beat in beats], np.float32),
            },
        }
        stream_file.write(file, self.bundle, (self.leads, self.fs_hz, self.detect), parts)

    @classmethod
    def load(cls, bundle: Bundle, file: Path) -> "Stream":
        """Go on with a stream that was saved, in this process or another.

        Args:
            bundle: the one that it was begun with.
            file: that `save` wrote.

        Raises:
            FileNotFoundError: there is no such file.
            BadState: it is damaged, no state of a stream, or of another bundle.
        """
        (leads, fs_hz, detect), parts = stream_file.read(file, bundle)
        stream = cls(bundle, leads, fs_hz, detect)
        stream._signal.unpack(parts["signal"])
        stream._peaks = live_peaks.unpacked(parts["peaks"])
        if past := parts["past"]:
            peak_sample, n_intervals = past["counts"].tolist()
            stream._past = rhythm.Past(peak_sample, n_intervals, past["total_s"])
        at, features = parts["waiting"]["at"], parts["waiting"]["features"]
        stream._waiting = [_Beat(int(peak), int(known), row) for (peak, known), row in zip(at, features, strict=True)]
        return stream

    def _check(self, chunk: np.ndarray, given: Int[np.ndarray, " peak"], are_given: bool) -> None:
        if self._finished:
            raise Refused("the stream has finished: begin another one")
        if chunk.ndim != 2 or len(chunk) != len(self.leads):
            raise Refused(
                f"a chunk of shape {chunk.shape} must be (lead, time) with the {len(self.leads)} leads "
                f"{', '.join(self.leads)}"
            )
        if are_given and self.detect:
            raise Refused("peaks are given to a stream that searches for them: begin it with detect=False")
        n_samples = self.n_samples + chunk.shape[1]
        last = -1 if self._past is None else self._past.peak_sample
        if (wrong := np.flatnonzero(np.diff(given, prepend=last) <= 0)).size:
            raise Refused(f"peaks hold {given[wrong[0]]}, which must lie after {([last, *given])[wrong[0]]}: sort them")
        if len(given) and not self.n_samples - self._n_latest <= given[0] <= given[-1] < n_samples:
            raise Refused(
                f"peaks run from {given[0]} to {given[-1]}, but samples {max(self.n_samples - self._n_latest, 0)} to "
                f"{n_samples - 1} are there: count from the first sample of the stream, and give peaks in time"
            )

    def _await(self, peak_sample: Int[np.ndarray, " peak"], known_sample: Int[np.ndarray, " peak"]) -> None:
        if not len(peak_sample):
            return
        names = self.bundle.contract.features.names
        features, self._past = rhythm.rhythm_step(peak_sample, self._past, self.fs_hz, names)
        self._waiting += [
            _Beat(int(p), int(k), row) for p, k, row in zip(peak_sample, known_sample, features, strict=True)
        ]

    def _decide(self, n_samples: int) -> list[Decision]:
        """Decide the beats whose window ends before the sample of this number."""
        after = self._window.n_samples - self._window.n_before
        n_complete = sum(beat.peak_sample + after <= n_samples for beat in self._waiting)
        complete, self._waiting = self._waiting[:n_complete], self._waiting[n_complete:]
        return [self._decision(beat, after) for beat in complete]

    @torch.inference_mode()
    def _decision(self, beat: _Beat, after: int) -> Decision:
        """One beat at a time: a network's last bits depend on how many rows it is given."""
        signal, contract = self._signal, self.bundle.contract
        at = np.array([beat.peak_sample - signal.first])
        prepared = Prepared(signal.ecg, at, beat.features[None], np.zeros(0, np.uint8))
        ecg = windows(prepared, contract.preprocess, self._window)
        answer = ask(self.bundle, {"ecg": ecg, "features": torch.from_numpy(prepared.features), "extra": {}})
        ready = min(max(beat.known_sample, beat.peak_sample + after), signal.n_samples)
        start = beat.peak_sample - self._window.n_before
        return Decision(
            peak_sample=beat.peak_sample,
            time_s=beat.peak_sample / self.fs_hz,
            ready_sample=ready,
            outputs=tuple(answer[0].tolist()),
            trusted=signal.trusted(start, start + self._window.n_samples),
            latency_ms=1000 * (ready - beat.peak_sample) / self.fs_hz,
            **_said(contract, answer),
        )


def _said(contract: Contract, answer: Float[torch.Tensor, "1 out"]) -> dict[str, Any]:
    """The class of one row, and why."""
    threshold = None if contract.thresholds is None else contract.thresholds[0]
    if contract.problem == "anomaly":
        found = anomalies(contract, answer)
        return {"called": found["class"][0], "p": {}, "score": float(found["score"][0]), "threshold": threshold}
    p = probabilities(contract, answer)
    by_class = dict(zip(contract.classes, p[0].tolist(), strict=True))
    return {"called": called(contract, p)[0], "p": by_class, "score": None, "threshold": threshold}


def check_streams(bundle: Bundle) -> Window:
    """Make sure that a bundle can answer while a signal is arriving, whatever its leads and rate; how it cuts beats.

    Raises:
        Refused: it cannot; the message says why.
    """
    contract = bundle.contract
    window, preprocess = contract.window, contract.preprocess
    if not isinstance(window, Window):
        raise Refused(
            f"network={contract.network} answers for {WHOLE[type(window)]}, and not for single beats while a signal is "
            f"arriving: ask it by predict, or choose a bundle of task.mode=real_time"
        )
    if bundle.network.scope != "window":
        raise Refused(f"network={contract.network} takes beats in a row: choose a bundle of a network of single beats")
    latency, reason = latency_ms(preprocess, window, contract.features)
    if latency is None:
        raise Refused(
            f"network={contract.network} cannot answer while a signal is arriving: {reason}; "
            f"train one with task.mode=real_time"
        )
    if preprocess.unit != "mV":
        raise Refused(f"the network knows samples in {preprocess.unit}, but a stream is in mV: choose another bundle")
    return window


def _window(bundle: Bundle, fs_hz: float) -> Window:
    """How a bundle cuts beats out of a signal of this rate.

    Raises:
        Refused: as `Stream`.
    """
    window, preprocess = check_streams(bundle), bundle.contract.preprocess
    if fs_hz != preprocess.fs_hz:
        raise Refused(
            f"the stream has fs_hz={fs_hz:g}, but the network knows {preprocess.fs_hz:g} Hz, and resampling looks "
            f"ahead: train one with task.signal.fs_hz={fs_hz:g}"
        )
    return window

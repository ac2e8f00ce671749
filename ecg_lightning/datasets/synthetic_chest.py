"""Chests that never breathed: what a belt with two electrodes picks up beside the heart, hour after hour."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy.random import Generator
from scipy.signal import lfilter

FS_HZ, BREATHING_HZ = 250, 25
ZERO, HIGHEST = 1950, 4095  # of 12 bits


@dataclass(frozen=True, eq=False)
class Body:
    """What the chest does in every second.

    Args:
        posture_deg: 0 is upright, 90 lying.
        activity_g: acceleration.
        breaths_per_minute: as it says.
        place: counts the changes of posture.
    """

    posture_deg: Int[np.ndarray, " second"]
    activity_g: Float[np.ndarray, " second"]
    breaths_per_minute: Float[np.ndarray, " second"]
    place: Int[np.ndarray, " second"]


def wander(rng: Generator, n_steps: int, memory_steps: float) -> Float[np.ndarray, " step"]:
    """Noise of one standard deviation that forgets slowly."""
    keep = np.exp(-1 / memory_steps)
    steps = rng.standard_normal(n_steps) * np.sqrt(1 - keep**2)
    steps[0] /= np.sqrt(1 - keep**2)
    return lfilter([1.0], [1.0, -keep], steps)


def new_body(rng: Generator, n_seconds: int, asleep: bool) -> Body:
    """Draw what the chest does: postures of some minutes, bouts of activity, breathing."""
    stays_s = rng.exponential(480 if asleep else 300, n_seconds // 60 + 2) + 60
    place = np.searchsorted(np.cumsum(stays_s), np.arange(n_seconds), side="right")
    choice = np.array([85, 90, 95] if asleep else [0, 8, 25, 80])
    posture_deg = choice[rng.integers(len(choice), size=place[-1] + 1)][place]
    activity_g = 0.02 + 0.005 * np.abs(wander(rng, n_seconds, 20))
    for _ in range(rng.poisson(n_seconds / (3600 if asleep else 720))):
        begin, length = rng.integers(n_seconds), rng.integers(40, 180)
        activity_g[begin : begin + length] += rng.uniform(0.05, 0.35)
    breaths = (13 if asleep else 15) * np.exp(0.1 * wander(rng, n_seconds, 60)) + 8 * lagging(activity_g, 40)
    return Body(posture_deg, activity_g, breaths, place)


def lagging(cause: Float[np.ndarray, " second"], memory_s: float) -> Float[np.ndarray, " second"]:
    """Let an effect come and go slowly."""
    keep = float(np.exp(-1 / memory_s))
    return lfilter([1 - keep], [1.0, -keep], cause, zi=[keep * cause[0]])[0]


def draw_beats(
    peak_s: Float[np.ndarray, " beat"],
    centre_s: Float[np.ndarray, "beat wave"],
    width_s: Float[np.ndarray, " wave"],
    height_mv: Float[np.ndarray, "beat wave"],
    n_samples: int,
) -> Float[np.ndarray, " sample"]:
    """Add the bumps of all beats to a flat line at once; a beat reaches from 0.3 s before its R peak to 0.6 s after."""
    first = np.floor((peak_s - 0.3) * FS_HZ).astype(int)
    sample = first[:, None] + np.arange(round(0.9 * FS_HZ))
    since_s = (sample / FS_HZ - peak_s[:, None]).astype(np.float32)
    beats_mv = np.zeros(since_s.shape, np.float32)
    for wave, width in enumerate(width_s.astype(np.float32)):
        off = (since_s - centre_s[:, wave, None].astype(np.float32)) / width
        beats_mv += height_mv[:, wave, None].astype(np.float32) * np.exp(-0.5 * off * off)
    inside = (sample >= 0) & (sample < n_samples)
    return np.bincount(sample[inside], weights=beats_mv[inside], minlength=n_samples)


def disturbance_mv(
    noise_mv: float, body: Body, breath: Float[np.ndarray, " breathing_sample"], rng: Generator
) -> Float[np.ndarray, " sample"]:
    """Muscle, mains, breathing, drift of the baseline, and electrodes that move as the chest does."""
    n_seconds, n_slow = len(body.place), len(breath)
    restless = 12 * (body.activity_g - 0.02) + 10 * lagging(np.diff(body.place, prepend=0).astype(float), 4)
    slow_s, at_s = np.arange(n_slow) / BREATHING_HZ, np.arange(n_seconds * FS_HZ) / FS_HZ
    moving = np.interp(slow_s, np.arange(n_seconds), restless.clip(0, 4))
    baseline = 0.05 * breath + 0.08 * wander(rng, n_slow, 8.0 * BREATHING_HZ)
    baseline += moving * (0.10 * wander(rng, n_slow, 1.0 * BREATHING_HZ) + 0.03 * rng.standard_normal(n_slow))
    muscle = noise_mv * (1 + np.interp(at_s, slow_s, moving)) * rng.standard_normal(len(at_s))
    return muscle + 0.3 * noise_mv * np.sin(2 * np.pi * 50 * at_s) + np.interp(at_s, slow_s, baseline)


def spoil(ecg: Float[np.ndarray, " sample"], rng: Generator) -> Float[np.ndarray, " sample"]:
    """Let a few stretches of seconds go flat (electrode off) or far beyond the range (electrode loose)."""
    for _ in range(rng.poisson(len(ecg) / FS_HZ / 400)):
        begin = int(rng.integers(len(ecg)))
        stretch = slice(begin, begin + int(rng.integers(3, 14)) * FS_HZ)
        flat = rng.random() < 0.5
        ecg[stretch] = ecg[begin] if flat else ZERO + 12 * (ecg[stretch] - ZERO) + rng.choice([-3000, 3000])
    return ecg

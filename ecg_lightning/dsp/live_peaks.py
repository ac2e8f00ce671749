"""R peaks of an ECG that is still arriving: each is told once, as soon as it is known, and never taken back."""

from collections.abc import Mapping
from math import ceil, exp, log
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from ecg_lightning.dsp import live_envelope
from ecg_lightning.dsp.live_envelope import STILL_MV, Bump, Sizes, Wave, sizes
from ecg_lightning.dsp.peaks import N_POLARITY, N_RUNNING, SHADOW

N_BLOCKS = 9  # the level is that of 13 s
LEVEL_PLACE = 0.3  # in the row of their highest envelopes: below the middle, as ectopic beats are taller
N_LEARNED = 2  # blocks of the first level: peaks of the first three seconds are told when these are over
N_USUAL = 40  # blocks, a minute, in which the usual level is forgotten
LEAST_LEVEL = 0.1  # of the usual level: with less, the hum of a lead that is off becomes beats
SURE = 0.7  # of the level is a beat
STRONG = 0.4  # of the level is a beat unless a higher one follows it closely: it may be a P wave
WEAK = 0.25  # of the level is a beat where one is overdue
OVERDUE = 1.4  # of the middle one of the last intervals: after it what was weak is looked at again
NEVER = -(1 << 60)


class State(NamedTuple):
    """What the detector remembers; its size does not grow."""

    wave: Wave
    now: int  # how many samples had arrived when it last changed its mind
    blocks: tuple[float, ...]  # highest envelopes of the last ones; that under way is the last
    usual: float  # log of the level of the last minute
    n_usual: int
    pending: tuple[Bump, ...]  # too low to be beats, or met before there was a level
    last_at: int  # of the last beat, by the envelope's clock
    last_height: float
    rr: tuple[int, ...]  # the last intervals, in samples
    lean: tuple[float, ...]  # of the last beats


class Found(NamedTuple):
    """R peaks, ascending, and how many samples had to arrive until each was known."""

    peak_sample: Int[np.ndarray, " peak"]
    known_sample: Int[np.ndarray, " peak"]


def step(ecg_mv: Float[np.ndarray, " time"], state: State | None, fs_hz: float) -> tuple[Found, State | None]:
    """Find the R peaks that have become known with the next piece of one lead.

    The envelope of the band-passed signal is compared with its own level in the 13 s before. A top that is high enough
    is a beat, unless it is the T wave in the shadow of a higher one; where a beat is overdue, the highest of what was
    too low becomes one, late. Each is placed where the signal points furthest, up or down as most beats before it.
    A whole record is one piece with state None; cut anywhere, the pieces give the same peaks.

    Args:
        ecg_mv: the next samples, raw, all numbers.
        state: what the step before returned; None at the beginning.
        fs_hz: sampling rate.

    Raises:
        ValueError: the rate is too low for a QRS.
    """
    size = sizes(fs_hz)
    found: list[tuple[int, int]] = []
    if state is None and len(ecg_mv):
        state = _begin(float(ecg_mv[0]), size)
    while len(ecg_mv) and state is not None:
        n_left = size.block - state.wave.n_samples % size.block
        state = _piece(ecg_mv[:n_left].astype(np.float64), state, size, found)
        ecg_mv = ecg_mv[n_left:]
    peak_sample, known_sample = np.array(found, np.int64).reshape(-1, 2).T
    return Found(peak_sample, known_sample), state


def _begin(first_mv: float, size: Sizes) -> State:
    return State(live_envelope.begin(first_mv, size), 0, (0.0,), 0.0, 0, (), NEVER, 0.0, (), ())


def _piece(ecg_mv: Float[np.ndarray, " time"], state: State, size: Sizes, found: list[tuple[int, int]]) -> State:
    """Take samples of one block."""
    bumps, highest, wave = live_envelope.advance(ecg_mv, state.wave, size)
    *before, under_way = state.blocks
    state = state._replace(wave=wave, blocks=(*before, max(under_way, highest)))
    for bump in bumps:
        known = bump.at + size.ahead + 1
        state = _meet(bump, known, _search(state, known, size, found), size, found)._replace(now=known)
    state = _search(state, wave.n_samples, size, found)
    return state if wave.n_samples % size.block else _next_block(state, size, found)


def _level(state: State) -> float:
    """What a beat reaches, by the blocks that are over."""
    done = sorted(state.blocks[:-1])
    return max(done[int(LEVEL_PLACE * len(done))], _least(state))


def _least(state: State) -> float:
    return LEAST_LEVEL * exp(state.usual) if state.n_usual else STILL_MV


def _meet(bump: Bump, known: int, state: State, size: Sizes, found: list[tuple[int, int]]) -> State:
    """Make a beat of a bump, keep it, or drop it."""
    if len(state.blocks) <= N_LEARNED:
        return state._replace(pending=(*state.pending, bump))
    bump = bump._replace(height=bump.envelope / _level(state))
    if bump.height >= SURE:
        for one in state.pending:
            apart = one.at - state.last_at >= size.apart  # of the one before it, which may just have become a beat
            if apart and one.height > STRONG and not _lower(one.height, bump.height):
                state = _beat(one, known, state, size, found)
    since = bump.at - state.last_at
    shadowed = since < size.shadow and _lower(bump.height, state.last_height)
    if since < size.apart or shadowed or bump.height <= WEAK:
        return state
    if bump.height >= SURE:
        return _beat(bump, known, state, size, found)
    return state._replace(pending=(*state.pending, bump)) if bump.height > STRONG or since > size.shadow else state


def _lower(height: float, other: float) -> bool:
    """Whether this is a P or T wave, if the other is a QRS that is close; of one huge spike: no more."""
    return min(height, 1 / SHADOW) < SHADOW * min(other, 1 / SHADOW)


def _beat(bump: Bump, known: int, state: State, size: Sizes, found: list[tuple[int, int]]) -> State:
    lean = (*state.lean, bump.lean)[-N_POLARITY:]
    found.append((bump.up if sorted(lean)[len(lean) // 2] >= 0 else bump.down, known))
    rr = state.rr if state.last_at == NEVER else (*state.rr, min(bump.at - state.last_at, size.longest))[-N_RUNNING:]
    strong = (one for one in state.pending if one.at >= bump.at + size.apart)
    later = tuple(one for one in strong if one.at > bump.at + size.shadow or not _lower(one.height, bump.height))
    return state._replace(pending=later, last_at=bump.at, last_height=bump.height, rr=rr, lean=lean)


def _search(state: State, now: int, size: Sizes, found: list[tuple[int, int]]) -> State:
    """Make beats of what was in doubt and stayed alone, and of the highest of what was too low once one is overdue."""
    while state.pending and len(state.blocks) > N_LEARNED:
        overdue = state.last_at + ceil(OVERDUE * sorted(state.rr)[len(state.rr) // 2]) if state.rr else now
        when, _, bump = min(
            (max(_alone(one, size), 0 if one.height > STRONG else overdue), -one.height, one) for one in state.pending
        )
        if when >= now:
            break
        close = (one for one in state.pending if abs(one.at - bump.at) < size.shadow)
        if any(_lower(bump.height, one.height) for one in close):
            state = state._replace(pending=tuple(one for one in state.pending if one is not bump))
        else:
            state = _beat(bump, max(when + 1, state.now), state, size, found)
    return state


def _alone(bump: Bump, size: Sizes) -> int:
    return bump.at + size.shadow


def _next_block(state: State, size: Sizes, found: list[tuple[int, int]]) -> State:
    """Learn from the block that is over; with the first level, meet again what came before.

    A lead that is off says nothing of beats; yet what is usual follows it slowly, should it be a small lead now.
    """
    *before, newest = state.blocks
    moves = newest > _least(state)
    kept = (*before, newest)[-N_BLOCKS:] if moves else tuple(before)
    state = state._replace(blocks=(*kept, 0.0), now=state.wave.n_samples)
    if newest > STILL_MV:
        value, n_usual = _level(state) if moves else newest, min(state.n_usual + 1, N_USUAL)
        state = state._replace(usual=state.usual + (log(value) - state.usual) / n_usual, n_usual=n_usual)
    oldest = state.wave.n_samples - size.latest + size.delay + size.around
    state = state._replace(pending=tuple(one for one in state.pending if one.at >= oldest))
    if len(before) < N_LEARNED == len(kept):
        early, state = state.pending, state._replace(pending=())
        for bump in early:
            state = _meet(bump, state.wave.n_samples, state, size, found)
    return state


def packed(state: State | None) -> dict[str, np.ndarray]:
    """Write a state as plain arrays; none where there is no state yet."""
    if state is None:
        return {}
    return {
        "counts": np.array([state.wave.n_samples, state.now, state.n_usual, state.last_at], np.int64),
        "values": np.array([state.usual, state.last_height]),
        **{name: getattr(state.wave, name) for name in Wave._fields[1:]},
        "blocks": np.array(state.blocks),
        "pending": np.array(state.pending, np.float64).reshape(-1, len(Bump._fields)),
        "rr": np.array(state.rr, np.int64),
        "lean": np.array(state.lean, np.float64),
    }


def unpacked(arrays: Mapping[str, np.ndarray]) -> State | None:
    """Read what `packed` wrote.

    Raises:
        KeyError: an array is missing.
    """
    if not arrays:
        return None
    n_samples, now, n_usual, last_at = arrays["counts"].tolist()
    usual, last_height = arrays["values"].tolist()
    pending = tuple(
        Bump(int(at), envelope, int(up), int(down), lean, height)
        for at, envelope, up, down, lean, height in arrays["pending"].tolist()
    )
    return State(
        now=now,
        wave=Wave(n_samples, *(arrays[name] for name in Wave._fields[1:])),
        blocks=tuple(arrays["blocks"].tolist()),
        usual=usual,
        n_usual=n_usual,
        pending=pending,
        last_at=last_at,
        last_height=last_height,
        rr=tuple(arrays["rr"].tolist()),
        lean=tuple(arrays["lean"].tolist()),
    )

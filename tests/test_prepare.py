"""The one path from a record to windows: what it equals, what it never looks at, and what it refuses."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from ecg_lightning import prepare, windowing
from ecg_lightning.dsp import filters, normalise, rhythm
from ecg_lightning.features import Features
from ecg_lightning.prepare import Arrived, Preprocess
from ecg_lightning.structures import Record, Refused
from ecg_lightning.windowing import Crops, Window

FS_HZ = 360.0
REAL_TIME_FEATURES = tuple(name for name, feature in rhythm.NAMES.items() if not feature.looks_ahead)


def record_of(n_samples: int = 7200, n_leads: int = 1, seed: int = 0) -> Record:
    random = np.random.default_rng(seed)
    peak_sample = np.arange(100, n_samples - 50, 290) + random.integers(-40, 40, len(range(100, n_samples - 50, 290)))
    ecg_mv = np.cumsum(random.normal(0, 0.05, (n_leads, n_samples)), axis=1).astype(np.float32)
    ecg_mv[:, peak_sample] += 1
    leads = ("MLII", "V1")[:n_leads]
    return Record("100", "100", ecg_mv, leads, FS_HZ, peak_sample, ("N",) * len(peak_sample), synthetic=True)


def preprocess_of(**settings: Any) -> Preprocess:
    given: dict[str, Any] = {
        "leads": ("MLII",),
        "fs_hz": FS_HZ,
        "mode": "diagnostic",
        "filter": "butterworth",
    } | settings
    return Preprocess(**given)


NO_FEATURES = Features((), "diagnostic")


def test_the_default_is_the_zero_phase_band_pass_in_float32() -> None:
    record = record_of()
    ecg = prepare.prepare(record, preprocess_of(), NO_FEATURES).ecg
    np.testing.assert_array_equal(
        ecg, filters.zero_phase(record.ecg_mv, filters.butterworth(FS_HZ, low_hz=0.5, high_hz=50.0, order=2))
    )
    assert ecg.dtype == np.float32


def test_no_filter_and_no_scale_leave_the_record_as_it_is() -> None:
    record = record_of()
    np.testing.assert_array_equal(preprocess_of(filter="none", scale="none").apply(record.ecg_mv, FS_HZ), record.ecg_mv)


def test_the_median_baseline_is_that_of_de_chazal() -> None:
    record = record_of(n_samples=2000)
    expected = filters.remove_baseline(record.ecg_mv, FS_HZ, beat_s=0.2, wave_s=0.6)
    np.testing.assert_array_equal(preprocess_of(filter="median").apply(record.ecg_mv, FS_HZ), expected)


def test_the_record_scale_is_the_z_score_of_the_whole_record() -> None:
    ecg = preprocess_of(scale="record").apply(record_of().ecg_mv, FS_HZ)
    assert abs(ecg.mean()) < 1e-4
    assert abs(ecg.std() - 1) < 1e-4


def test_the_running_scale_follows_the_past() -> None:
    record = record_of()
    ecg = preprocess_of(filter="none", scale="running").apply(record.ecg_mv, FS_HZ)
    np.testing.assert_array_equal(ecg, normalise.running_zscore_step(record.ecg_mv, None, FS_HZ, prepare.MEMORY_S)[0])


def test_resampling_moves_signal_and_peaks_together() -> None:
    record = record_of()
    record.ecg_mv[:] = 0
    record.ecg_mv[:, record.peak_sample] = 1
    prepared = prepare.prepare(record, preprocess_of(fs_hz=180.0, filter="none"), NO_FEATURES)
    assert prepared.ecg.shape == (1, 3600)
    assert np.abs(prepared.peak_sample - record.peak_sample / 2).max() <= 0.5
    for peak in prepared.peak_sample[1:-1]:
        assert abs(int(prepared.ecg[0, peak - 20 : peak + 20].argmax()) - 20) <= 1


def test_windows_equal_slices_by_hand_and_repeat_the_edge() -> None:
    record = record_of(n_leads=2)
    preprocess = preprocess_of(leads=("MLII", "V1"), filter="none", scale="none")
    windows = prepare.windows(prepare.prepare(record, preprocess, NO_FEATURES), preprocess, Window(1440, 700))
    padded = np.pad(record.ecg_mv, ((0, 0), (2000, 2000)), mode="edge")
    for window, peak in zip(windows, record.peak_sample, strict=True):
        np.testing.assert_array_equal(window, padded[:, peak - 700 + 2000 : peak - 700 + 1440 + 2000])


def test_window_scale_gives_every_lead_of_every_window_mean_0_and_spread_1() -> None:
    scaled = windowing.scale_windows(5 + 3 * torch.randn(7, 2, 280), "window")
    torch.testing.assert_close(scaled.mean(dim=-1), torch.zeros(7, 2), atol=1e-5, rtol=0)
    torch.testing.assert_close(scaled.std(dim=-1, correction=0), torch.ones(7, 2))


@pytest.mark.parametrize("scale", ["record", "running", "none"])
def test_other_scales_leave_windows_alone(scale: str) -> None:
    ecg = torch.randn(3, 1, 80)
    assert windowing.scale_windows(ecg, scale) is ecg


def test_a_flat_window_becomes_zero_not_noise() -> None:
    assert (windowing.scale_windows(torch.full((1, 1, 280), 0.3), "window") == 0).all()


@pytest.mark.parametrize(
    "settings",
    [{"filter": "butterworth", "phase": "causal"}, {"filter": "none"}],
    ids=["causal", "raw"],
)
@pytest.mark.parametrize("scale", ["window", "running", "none"])
def test_in_real_time_nothing_after_a_windows_end_changes_it(settings: dict[str, str], scale: str) -> None:
    preprocess, window = preprocess_of(mode="real_time", scale=scale, **settings), Window(280, 140)
    features, record = Features(REAL_TIME_FEATURES, "real_time"), record_of(n_leads=1)
    whole = prepare.prepare(record, preprocess, features)
    beat = 12
    end = int(record.peak_sample[beat]) - window.n_before + window.n_samples
    changed_ecg = record.ecg_mv.copy()
    changed_ecg[:, end:] = 7.0
    known = record.peak_sample[record.peak_sample < end]
    later = np.array([end + 3, end + 90, end + 800])
    changed = Record(
        "100", "100", changed_ecg, ("MLII",), FS_HZ, np.concatenate([known, later]), ("N",) * (len(known) + 3), True
    )
    other = prepare.prepare(changed, preprocess, features)
    torch.testing.assert_close(
        prepare.windows(other, preprocess, window)[: beat + 1],
        prepare.windows(whole, preprocess, window)[: beat + 1],
        atol=0,
        rtol=0,
    )
    np.testing.assert_array_equal(other.features[: beat + 1], whole.features[: beat + 1])


def test_in_diagnosis_later_samples_do_change_it() -> None:
    record = record_of()
    changed = record.ecg_mv.copy()
    changed[:, 4000:] = 7.0
    first, second = (preprocess_of().apply(ecg, FS_HZ)[:, 3900:4000] for ecg in (record.ecg_mv, changed))
    assert np.abs(first - second).max() > 0.1


def test_real_time_latency_is_window_end_plus_filter_delay() -> None:
    causal = preprocess_of(mode="real_time", phase="causal")
    features = Features(("pre_rr_s",), "real_time")
    late_ms, reason = prepare.latency_ms(causal, Window(280, 140), features)
    delay_ms = filters.group_delay_ms(filters.butterworth(FS_HZ, 0.5, 50.0, 2), FS_HZ)
    assert late_ms == pytest.approx(140 / 360 * 1000 + delay_ms)
    assert reason == f"389 ms of window after R, {delay_ms:.0f} ms of filter at 10 Hz"
    raw_ms, _ = prepare.latency_ms(preprocess_of(mode="real_time", filter="none"), Window(280, 280), features)
    assert raw_ms == 0.0


@pytest.mark.parametrize(
    ("settings", "names", "reason"),
    [
        ({}, (), "a zero-phase filter runs backwards over the whole record"),
        ({"filter": "median"}, (), "the median baseline looks 0.4 s ahead"),
        ({"filter": "none", "scale": "record"}, (), "the z-score is taken over the whole record"),
        ({"filter": "none"}, ("pre_rr_s", "post_rr_s"), "post_rr_s needs later beats"),
        ({"filter": "none"}, ("pre_rr_s",), "task.mode=diagnostic may resample, which looks ahead"),
        ({"phase": "causal"}, (), "task.mode=diagnostic may resample, which looks ahead"),
    ],
)
def test_what_looks_ahead_has_no_latency_but_a_reason(
    settings: dict[str, str], names: tuple[str, ...], reason: str
) -> None:
    latency = prepare.latency_ms(preprocess_of(**settings), Window(280, 140), Features(names, "diagnostic"))
    assert latency == (None, reason)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"filter": "wavelet"}, "filter=wavelet is unknown: choose from butterworth, median, none"),
        ({"scale": "minmax"}, "scale=minmax is unknown: choose from window, record, running, none"),
        ({"mode": "live"}, "mode=live is unknown: choose from diagnostic, real_time"),
        ({"phase": "linear"}, "phase=linear is unknown: choose from zero, causal"),
        ({"leads": ()}, r"leads=\[\] names no lead: give at least one"),
        ({"high_hz": 200.0}, "high_hz=200.0 must rise between 0 and 180.0"),
        ({"mode": "real_time"}, "task.mode=real_time, but a zero-phase filter runs backwards over the whole record"),
        ({"mode": "real_time", "filter": "median"}, "task.mode=real_time, but the median baseline looks 0.4 s ahead"),
        (
            {"mode": "real_time", "phase": "causal", "scale": "record"},
            "task.mode=real_time, but the z-score is taken over the whole record: choose preprocess=causal",
        ),
    ],
)
def test_impossible_preprocessing_is_refused_in_words(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        preprocess_of(**settings)


def test_resampling_in_real_time_is_refused_in_words() -> None:
    preprocess = preprocess_of(mode="real_time", phase="causal", fs_hz=250.0)
    with pytest.raises(ValueError, match=r"task.mode=real_time cannot resample 360 Hz to 250 Hz, which looks ahead"):
        preprocess.apply(record_of().ecg_mv, FS_HZ)


@pytest.mark.parametrize("n_before", [-1, 281])
def test_an_r_peak_outside_its_window_is_refused_in_words(n_before: int) -> None:
    with pytest.raises(ValueError, match=f"r_position puts the R peak at sample {n_before} of 280: take 0 to 1"):
        Window(280, n_before)


def test_unknown_features_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match=r"features.names holds \['rr'\]: choose from pre_rr_s"):
        Features(("rr",), "diagnostic")


def test_features_that_look_ahead_are_refused_in_real_time() -> None:
    with pytest.raises(ValueError, match=r"task.mode=real_time, but post_rr_s, post_over_pre look ahead: leave them"):
        Features(("post_rr_s", "pre_rr_s", "post_over_pre"), "real_time")


def test_two_windows_never_see_each_other() -> None:
    signal = torch.arange(40.0)
    place = torch.tensor([[0, 20], [10, 10], [-2, 7]])  # two records of two leads, ten samples each
    windows = windowing.cut(signal, place, 2, 6)
    expected = [[[0, 0, 0, 1, 2, 3], [10, 10, 10, 11, 12, 13]], [[27, 28, 29, 29, 29, 29], [37, 38, 39, 39, 39, 39]]]
    torch.testing.assert_close(windows, torch.tensor(expected, dtype=torch.float32))


def recording_of(n_samples: int = 1000, **person: float) -> Record:
    ecg_mv = np.random.default_rng(0).normal(size=(2, n_samples)).astype(np.float32)
    nothing = np.empty(0, np.int64)
    return Record("7", "p", ecg_mv, ("II", "V1"), 100.0, nothing, (), synthetic=True, person=person)


OF_RECORDING = preprocess_of(leads=("II", "V1"), fs_hz=100.0, filter="none", scale="none")
PERSONAL = Features(("sex_female", "age_years"), "diagnostic")


@pytest.mark.parametrize("length", [250, 251, 400, 999, 1000])
@pytest.mark.parametrize("hop", [1, 100, 125, 250])
def test_crops_cover_a_recording_and_the_last_one_ends_with_it(length: int, hop: int) -> None:
    begins = Crops(250, hop, "mean").starts(length)
    assert (begins[0], begins[-1]) == (0, length - 250)
    assert (np.diff(begins) <= hop).all()
    assert len(set(begins.tolist())) == len(begins)


def test_crops_are_slices_of_the_recording() -> None:
    made = prepare.prepare(recording_of(), OF_RECORDING, NO_FEATURES)
    found = prepare.crops(made, OF_RECORDING, Crops(250, 125, "mean"))
    expected = [made.ecg[:, begin : begin + 250] for begin in range(0, 751, 125)]
    np.testing.assert_array_equal(found, np.stack(expected))
    scaled = prepare.crops(made, preprocess_of(leads=("II", "V1"), scale="window"), Crops(250, 125, "mean"))
    np.testing.assert_allclose(scaled, normalise.zscore(np.stack(expected)), atol=1e-5)


@pytest.mark.parametrize(("n_samples", "hop"), [(250, 0), (250, 251), (0, 0)])
def test_crops_that_leave_samples_out_are_refused_in_words(n_samples: int, hop: int) -> None:
    with pytest.raises(ValueError, match=f"crops of {n_samples} samples every {hop} would leave samples out: hop must"):
        Crops(n_samples, hop, "mean")


def test_an_unknown_way_to_make_one_answer_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match=r"task.aggregate=median is unknown: choose from mean, max"):
        Crops(250, 125, "median")


def test_a_recording_has_no_latency_but_a_reason() -> None:
    assert prepare.latency_ms(OF_RECORDING, Crops(250, 125, "mean"), NO_FEATURES) == (
        None,
        "the answer is about a whole recording, not about a beat",
    )


def test_features_of_persons_come_in_the_order_of_their_names() -> None:
    person = {"age_years": np.array([63.0, np.nan]), "sex_female": np.array([1.0, 0.0])}
    np.testing.assert_array_equal(PERSONAL.of_persons(person), np.float32([[1, 63], [0, np.nan]]))
    assert NO_FEATURES.of_persons(person).shape == (2, 0)
    assert (PERSONAL.describes, NO_FEATURES.describes) == ("person", None)
    assert Features(("pre_rr_s",), "diagnostic").describes == "beat"


@pytest.mark.parametrize(
    ("person", "expected"),
    [({"age_years": 63, "sex_female": 1.0}, [1, 63]), ({"age_years": 63.0}, [np.nan, 63]), ({}, [np.nan, np.nan])],
)
def test_a_recording_has_one_row_of_features_whatever_is_known(person: dict[str, float], expected: list[float]) -> None:
    found = prepare.prepare(recording_of(**person), OF_RECORDING, PERSONAL).features
    np.testing.assert_array_equal(found, np.float32([expected]))


def test_features_of_beats_and_persons_do_not_mix() -> None:
    with pytest.raises(ValueError, match=r"'age_years'\] mixes what is about a beat and a person: take"):
        Features(("pre_rr_s", "age_years"), "diagnostic")


def test_features_of_persons_do_not_look_ahead() -> None:
    assert Features(("age_years", "sex_female"), "real_time").looking_ahead == []


def test_a_record_in_another_unit_is_refused_in_words() -> None:
    with pytest.raises(Refused, match="record 7 is in NU, but mV is asked for: convert it first"):
        prepare.prepare(replace(recording_of(), unit="NU"), OF_RECORDING, NO_FEATURES)
    with pytest.raises(
        Refused, match="record 7 is in mV, but NU is asked for: this network knows records of one source without a unit"
    ):
        prepare.prepare(recording_of(), replace(OF_RECORDING, unit="NU", scale="record"), NO_FEATURES)


def test_records_without_amplitude_must_be_z_scored() -> None:
    with pytest.raises(ValueError, match="unit=NU says that amplitude is lost: take scale=record instead of none"):
        replace(OF_RECORDING, unit="NU")


@pytest.mark.parametrize("scale", ["window", "running", "none"])
def test_a_signal_that_is_still_arriving_is_prepared_to_the_same_bits(scale: str) -> None:
    preprocess = Preprocess(("II",), 100.0, "real_time", "butterworth", phase="causal", high_hz=40.0, scale=scale)
    ecg_mv = np.random.default_rng(0).standard_normal((1, 1000)).astype(np.float32)
    parts, before = [], Arrived()
    for piece in np.split(ecg_mv, [0, 1, 8, 500], axis=1):
        some, before = preprocess.step(piece, before)
        parts.append(some)
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), preprocess.apply(ecg_mv, 100.0))


def test_what_looks_ahead_cannot_be_prepared_while_it_arrives() -> None:
    preprocess = Preprocess(("II",), 100.0, "diagnostic", "butterworth", high_hz=40.0)
    with pytest.raises(Refused, match="still arriving cannot be prepared so: a zero-phase filter runs backwards over"):
        preprocess.step(np.zeros((1, 10), np.float32), Arrived())


def test_only_a_causal_filter_remembers() -> None:
    causal = Preprocess(("II",), 100.0, "real_time", "butterworth", phase="causal", high_hz=40.0)
    assert 2 < causal.memory_s() < 5
    assert Preprocess(("II",), 100.0, "diagnostic", "butterworth", high_hz=40.0).memory_s() == 0
    assert Preprocess(("II",), 100.0, "real_time", "none").memory_s() == 0

"""A space is read against the config that it varies; what cannot be searched is refused in words, all at once."""

from typing import Any

import pytest
from omegaconf import DictConfig, OmegaConf

from ecg_lightning.refusals import ConfigError
from ecg_lightning.search_space import Setting, corners, read, told

GROUPS = {"task", "dataset", "split", "model", "loss", "optim"}


def config(monitor: str = "val/auroc") -> DictConfig:
    return OmegaConf.create(
        {
            "task": {"name": "a", "monitor": {"metric": monitor, "mode": "max"}, "data": {"batch_size": 64}},
            "model": {"width": 8, "dropout": 0.5, "causal": False, "filters": [8, 16], "kind": "gru", "least": None},
            "optim": {"lr": 1e-3},
            "loss": {"power": 1},
            "seed": 0,
            "split": {"fold": None},
        }
    )


def setting(key: str, spec: Any) -> Setting:
    (one,) = read({key: spec}, config(), GROUPS)
    return one


def refused(space: dict[str, Any], monitor: str = "val/auroc") -> list[str]:
    with pytest.raises(ConfigError) as error:
        read(space, config(monitor), GROUPS)
    return str(error.value).splitlines()


def test_ranges_have_the_kind_of_the_value_that_they_replace() -> None:
    assert setting("optim.lr", {"low": 1e-4, "high": 1, "log": True}) == Setting(
        "optim.lr", (), 1e-4, 1.0, log=True, whole=False
    )
    assert setting("model.dropout", {"low": 0, "high": 1}).whole is False, "0 and 1 are meant as 0.0 to 1.0"
    assert setting("model.width", {"low": 8, "high": 64}).whole
    assert setting("loss.power", {"low": 0.5, "high": 2}).whole is False, "1 in a yaml may stand for 1.0"
    assert setting("model.least", {"low": 1, "high": 3}).whole


def test_the_last_step_is_the_highest_value() -> None:
    found = setting("model.dropout", {"low": 0.0, "high": 0.65, "step": 0.1})
    assert found.high == pytest.approx(0.6)
    assert setting("model.width", {"low": 8, "high": 31, "step": 8}).high == 24


def test_a_setting_that_is_null_is_left_out() -> None:
    found = read({"optim.lr": None, "model": {"choices": ["cnn", "gru"]}}, config(), GROUPS)
    assert [one.key for one in found] == ["model"]


def test_values_are_written_as_overrides() -> None:
    assert setting("optim.lr", {"low": 0.1, "high": 1}).word(0.25) == "optim.lr=0.25"
    assert setting("model.causal", {"choices": [True, False]}).word(True) == "model.causal=true"
    assert setting("model.least", {"choices": [None, 3]}).word(None) == "model.least=null"
    lists = setting("model.filters", {"choices": [[8, 16], [16, 32]]})
    assert [lists.word(choice) for choice in lists.choices] == ["model.filters=[8, 16]", "model.filters=[16, 32]"]


def test_corners_are_a_first_point_and_one_for_each_other_end() -> None:
    settings = (Setting("a", ("x", "y", "z")), Setting("b.c", (), 1, 3))
    assert list(corners(settings)) == [["a=x", "b.c=1"], ["a=y", "b.c=1"], ["a=z", "b.c=1"], ["a=x", "b.c=3"]]
    assert told(settings) != told(settings[:1])


REFUSED = {
    "seed cannot be searched: a lucky seed must not be chosen": ("seed", {"choices": [0, 1]}),
    "split.fold cannot be searched: trials must be judged on the same": ("split.fold", {"choices": [0, 1]}),
    "task cannot be searched: trials must be judged": ("task", {"choices": ["a", "b"]}),
    "task.monitor.metric cannot be searched: trials must": ("task.monitor.metric", {"choices": ["a", "b"]}),
    "trainer.max_epochs cannot be searched: it says how a trial is run": ("trainer.max_epochs", {"low": 1, "high": 3}),
    "optim.lrr: optim of this config has no lrr; did you mean 'lr'?": ("optim.lrr", {"low": 1, "high": 3}),
    "loss.gamma: loss of this config has no gamma; power": ("loss.gamma", {"low": 1, "high": 3}),
    "nothing.at.all: there is no nothing.at in this config": ("nothing.at.all", {"low": 1, "high": 3}),
    "modell: this config has no modell; did you mean 'model'?": ("modell", {"choices": ["a", "b"]}),
    "optim.lr=3 must be {choices: [...]} or {low: ..., high: ...}": ("optim.lr", 3),
    "optim.lr has max, min, but takes choices, or low, high, log": ("optim.lr", {"min": 1, "max": 2}),
    "optim.lr has choices and a range: give one": ("optim.lr", {"choices": [1, 2], "log": True}),
    "optim.lr.choices=3 must be a list": ("optim.lr", {"choices": 3}),
    "optim.lr.choices=[3] must be two or more that differ": ("optim.lr", {"choices": [3]}),
    "optim.lr.choices=[3, 3, 4] must be two or more that differ": ("optim.lr", {"choices": [3, 3, 4]}),
    "model is a group of the config: give choices of its options": ("model", {"low": 1, "high": 2}),
    "optim.lr has no low and no high: give low and high, or": ("optim.lr", {"log": True}),
    "model.causal is False, no number: give choices": ("model.causal", {"low": 0, "high": 1}),
    "model.kind is gru, no number: give choices": ("model.kind", {"low": 0, "high": 1}),
    "optim.lr.low=a must be a number": ("optim.lr", {"low": "a", "high": 1}),
    "optim.lr has low=2 and high=2: low must be less than high": ("optim.lr", {"low": 2, "high": 2}),
    "optim.lr has low=0 and log=true: a logarithm takes numbers above 0": ("optim.lr", {"low": 0, "high": 1, "log": 1}),
    "has log=true and step=1: give one": ("optim.lr", {"low": 1, "high": 9, "log": True, "step": 1}),
    "has step=9, which must lie above 0 and fit between low=1 and high=3": (
        "model.width",
        {"low": 1, "high": 3, "step": 9},
    ),
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_cannot_be_searched_is_refused_in_a_line(words: str) -> None:
    key, spec = REFUSED[words]
    (line,) = refused({key: spec})
    assert line.startswith("search.space: ")
    assert words in line


def test_all_that_is_wrong_is_said_at_once() -> None:
    assert len(refused({"seed": {"choices": [0, 1]}, "optim.lr": {"low": 2, "high": 1}, "modell": {"choices": 3}})) == 4


def test_an_empty_space_is_refused() -> None:
    assert refused({})[0].startswith("search.space is empty: name a setting")
    assert refused({"optim.lr": None})[0].startswith("search.space is empty")


def test_a_loss_that_is_searched_is_not_what_is_best_by() -> None:
    (line,) = refused({"loss": {"choices": ["a", "b"]}}, "val/loss")
    assert "loss cannot be searched by task.monitor.metric=val/loss, which means another thing with another" in line

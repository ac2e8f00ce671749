"""Parts of a config that are fine alone and wrong together, read from what their classes declare."""

from collections.abc import Iterator

from omegaconf import DictConfig

from ecg_lightning.constructors import Constructor, constructor
from ecg_lightning.structures import PERSON, SEGMENT

MODEL_SAYS, LOSS_SAYS = ("takes", "produces", "scope"), ("consumes", "problems", "weighted")
DATA_SAYS = ("problem", "needs", "describes", "scopes", "modes")
FITTING = {"beat": "rhythm", "person": "demographics", "segment": "hrv"}  # features by what a row of a task is about

LOSSES = {  # what is typed instead, by problem
    "multiclass": ": loss=cross_entropy, weighted_cross_entropy or focal",
    **dict.fromkeys(("binary", "multilabel"), ": loss=bce, weighted_bce, class_balanced, binary_focal or asymmetric"),
    "anomaly": ": loss=mae, mse or huber",
}
AUTOENCODERS = ": model=conv_autoencoder, dense_autoencoder or masked_autoencoder"  # where anomalies are looked for
ROWS = {"beat": "a beat by itself", "person": "a whole recording", "segment": "a segment by itself"}


def clashes(cfg: DictConfig) -> Iterator[str]:
    """Parts that are fine alone and wrong together."""
    corpus, model, loss, split, sampler = (
        constructor(cfg[part]._target_) for part in ("dataset", "model", "loss", "split", "sampler")
    )
    data = constructor(cfg.task.data._target_)
    silent = [
        f"{part.name} does not say `{word}`: give the class that attribute, as a literal"
        for part, words in (
            *((model, MODEL_SAYS), (loss, LOSS_SAYS), (data, DATA_SAYS)),
            *((split, ("needs",)), (sampler, ("rebalances",)), (corpus, ("provides",))),
        )
        for word in words
        if word not in part.declares
    ]
    if silent:
        yield from silent
        return
    if cfg.task.problem != data.declares["problem"]:
        yield f"task.problem={cfg.task.problem}, but rows of {data.name} are {data.declares['problem']}: leave it so"
    yield from _row_clashes(cfg, model, data)
    yield from _extra_clashes(cfg, model, corpus)
    yield from _learning_clashes(cfg, model, loss, sampler)
    for who, part in (("split", split), ("task", data)):
        if lacking := [need for need in part.declares["needs"] if need not in corpus.declares["provides"]]:
            name = cfg.task.name if who == "task" else part.name
            yield f"{who} {name} needs {', '.join(lacking)}, which dataset {corpus.name} does not give"
    if model.declares["scope"] == "sequence":
        yield from _sequence_clashes(cfg, model, sampler)


def _learning_clashes(cfg: DictConfig, model: Constructor, loss: Constructor, sampler: Constructor) -> Iterator[str]:
    produces = model.declares["produces"]
    if loss.declares["consumes"] != produces:
        consumes, hint = loss.declares["consumes"], ""
        if produces == "reconstruction":
            hint = ": autoencoders are for task=anomaly, its losses, and pretrain=autoencoder"
        elif cfg.task.problem == "anomaly":
            hint = AUTOENCODERS
        yield f"model {model.name} gives {produces}, but loss {loss.name} takes {consumes}{hint}"
    if cfg.task.problem not in loss.declares["problems"]:
        yield (
            f"loss {loss.name} is for {_words(loss, 'problems')}, but task {cfg.task.name} is {cfg.task.problem}"
            f"{LOSSES.get(cfg.task.problem, '')}"
        )
    if sampler.declares["rebalances"] and cfg.task.problem == "anomaly":
        yield f"sampler {sampler.name} draws by class, but task {cfg.task.name} learns normal rows alone: sampler=none"
    if sampler.declares["rebalances"] and loss.declares["weighted"] and not cfg.sampler.with_weighted_loss:
        yield (
            f"sampler {sampler.name} and loss {loss.name} both re-weight classes: choose one, "
            "or say sampler.with_weighted_loss=true"
        )


def _row_clashes(cfg: DictConfig, model: Constructor, data: Constructor) -> Iterator[str]:
    """What the network takes, against what a row of the task is about."""
    describes, names = data.declares["describes"], cfg.features.names
    if "features" in model.declares["takes"] and "features" not in model.declares.get("optional", ()) and not names:
        yield (
            f"model {model.name} needs features, but none are chosen: "
            f"features={FITTING[describes]}, or a model of the ECG alone"
        )
    elif cfg.features.get("n_window") is not None and "n_window" not in model.arguments:
        yield f"model {model.name} hears samples, not the spectrogram that features=stft asks for: features=raw"
    if strange := [name for name in names if _about(name) != describes]:
        yield (
            f"features {', '.join(strange)} describe a {_about(strange[0])}, but a row of task {cfg.task.name} is "
            f"about a {describes}: features={FITTING[describes]}, or features=none"
        )
    if cfg.task.mode not in data.declares["modes"]:
        yield f"task.mode={cfg.task.mode} is not for task {cfg.task.name}: {' or '.join(data.declares['modes'])}"
    if model.declares["scope"] not in data.declares["scopes"]:
        yield f"model {model.name} takes beats in a row, but a row of task {cfg.task.name} is {ROWS[describes]}"


def _about(name: str) -> str:
    return "person" if name in PERSON else "segment" if name in SEGMENT else "beat"


def _extra_clashes(cfg: DictConfig, model: Constructor, corpus: Constructor) -> Iterator[str]:
    """Other signals, against what the corpus has and the network takes; a pretrained encoder, against its place."""
    there = corpus.declares.get("extra_signals", ())
    if lacking := [name for name in cfg.task.extra if name not in there]:
        yield f"task.extra={lacking} is not in dataset {corpus.name}, which has {', '.join(there) or 'the ECG alone'}"
    if cfg.task.extra and "extra" not in model.declares["takes"]:
        yield f"model {model.name} takes no other signals, but task.extra={list(cfg.task.extra)} asks for some: give []"
    if cfg.pretrain.latent_size and model.declares["produces"] == "reconstruction":
        yield f"model {model.name} is an autoencoder itself, which nothing teaches before: pretrain=none"
    elif cfg.pretrain.latent_size and "latent_size" not in model.arguments:
        yield f"model {model.name} has no place for a pretrained encoder: pretrain=none, or model=cnn_lstm_attention"


def _sequence_clashes(cfg: DictConfig, model: Constructor, sampler: Constructor) -> Iterator[str]:
    if sampler.declares["rebalances"]:
        yield f"sampler {sampler.name} draws single beats, but model {model.name} takes beats in a row: sampler=none"
    if cfg.task.mode == "real_time" and not model.declares.get("causal", False):
        yield f"model {model.name} looks at later beats, but task.mode=real_time may not"


def _words(part: Constructor, key: str) -> str:
    return " or ".join(part.declares[key])

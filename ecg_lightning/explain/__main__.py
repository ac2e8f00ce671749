"""Say where in an ECG a network looks, and whether that can be believed: `python -m ecg_lightning.explain BUNDLE`."""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ecg_lightning.explain.findings import Explained, Wanted
    from ecg_lightning.explain.work import Prepared


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        0 where everything was written, 2 where the bundle or its rows cannot be explained.
    """
    asked = _parser().parse_args(arguments)
    if asked.rows is not None and asked.rows < 1:
        return _refused(f"rows={asked.rows} must be at least 1: 30 is usual for beats")
    if not 2 <= asked.steps <= 4096:
        return _refused(f"steps={asked.steps} must lie between 2 and 4096: 64 is usual")
    if asked.seed < 0:
        return _refused(f"seed={asked.seed} must not be negative")

    from ecg_lightning.contract import BadBundle
    from ecg_lightning.explain import page, table, tracked, work  # torch takes seconds to import: only after --help
    from ecg_lightning.predict.place import find

    try:
        place = find(asked.bundle)
        if asked.output is None and place.tracked is not None:
            raise BadBundle(f"bundle={place.tracked} lies in MLflow: say with --output FOLDER where the page goes")
        if asked.data_dir is not None and not asked.data_dir.is_dir():
            raise BadBundle(f"--data-dir={asked.data_dir} is no folder: name the one that holds the databases")
        ready = work.prepared(place, _wanted(asked))
        found = _with_progress(ready)
        run = place.run or place.model
        typed = "python -m ecg_lightning.explain " + shlex.join(sys.argv[1:] if arguments is None else arguments)
        files = page.write(found, run, asked.output or run, typed)
    except (OSError, ValueError) as error:
        return _refused(str(error))
    print(*table.sentences(found), *table.doubts(found), files[0], sep="\n")
    missed = tracked.log(place, files) if asked.track else None
    if missed is not None:
        print(f"warning: {missed}", file=sys.stderr)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ecg_lightning.explain", description=__doc__)
    parser.add_argument("bundle", help="run folder, its model, or runs:/<id> of MLflow")
    parser.add_argument("--side", choices=("test", "val"), default="test", help="whose rows are explained")
    parser.add_argument("--classes", type=_names, default=(), help="e.g. N,V; all by default")
    parser.add_argument("--methods", type=_names, default=(), help="e.g. ig,occlusion; all that the network has")
    parser.add_argument("--rows", type=int, help="per class, for averages; 30 single beats, 6 longer windows")
    parser.add_argument("--baseline", choices=("zero", "mean"), default="zero", help="flat line, or mean normal row")
    parser.add_argument("--steps", type=int, default=64, help="of Integrated Gradients; more where they miss their sum")
    parser.add_argument("--seed", type=int, default=0, help="of every draw")
    parser.add_argument("--data-dir", type=Path, help="where databases lie; where the run found them by default")
    parser.add_argument("--output", type=Path, help="folder of the page; the run folder by default; needed for runs:/")
    track = argparse.BooleanOptionalAction
    parser.add_argument("--track", action=track, default=True, help="keep it with the run in MLflow")
    return parser


def _wanted(asked: argparse.Namespace) -> "Wanted":
    from ecg_lightning.explain.findings import Wanted

    return Wanted(
        side=asked.side,
        classes=asked.classes,
        methods=asked.methods,
        n_rows=asked.rows,
        baseline=asked.baseline,
        n_steps=asked.steps,
        seed=asked.seed,
        data_dir=asked.data_dir,
    )


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _with_progress(ready: "Prepared") -> "Explained":
    from ecg_lightning.datasets.fetch import progress_bar
    from ecg_lightning.explain import work

    with progress_bar() as progress:
        task = progress.add_task("explain", total=1.0)

        def tell(words: str, share: float) -> None:
            progress.update(task, description=words, completed=share)

        return work.found_of(ready, tell)


def _refused(words: str) -> int:
    print(f"error: {words}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())

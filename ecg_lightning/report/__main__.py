"""Draw the figures of a run and write its page again: `python -m ecg_lightning.report RUN`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 2 where there is nothing to report on."""
    parser = argparse.ArgumentParser(prog="python -m ecg_lightning.report", description=__doc__)
    parser.add_argument("run", type=Path, help="run folder, e.g. outputs/arrhythmia/<time>")
    asked = parser.parse_args(arguments)

    from ecg_lightning.report import page  # matplotlib takes a second to import: only after --help

    try:
        print(page.write(asked.run))
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""A cluster of one node that is none: `sbatch`, `srun` and `sacct` as submitit calls them, jobs run one by one here."""

import os
from pathlib import Path

SBATCH = r"""#!/bin/bash
here=$(dirname "$0")
cp "$1" "$here/submitted.sh"
last=$(sed -n 's/^#SBATCH --array=0-\([0-9]*\)%.*/\1/p' "$1")
export SLURM_JOB_ID=7 SLURM_JOB_NAME=train SLURM_JOB_NODELIST=node1
[[ -n $last ]] && export SLURM_ARRAY_JOB_ID=7  # a single job is no array
export SLURM_NTASKS=1 SLURM_JOB_NUM_NODES=1 SLURM_NODEID=0 SLURM_PROCID=0 SLURM_LOCALID=0
jobs() {
    [[ -z $last ]] && bash "$here/submitted.sh"
    for task in $(seq 0 "${last:--1}"); do SLURM_ARRAY_TASK_ID=$task bash "$here/submitted.sh"; done
}
jobs > "$here/log" 2>&1 &
echo "Submitted batch job 7"
"""
SRUN = """#!/bin/bash
while [[ $1 == --* ]]; do case $1 in --output | --error) shift 2 ;; *) shift ;; esac; done
exec "$@"
"""
SACCT = """#!/bin/bash
echo "JobID|State|NodeList"
"""


def write_slurm(folder: Path) -> dict[str, str]:
    """Write the commands, and say which environment finds them; `submitted.sh` beside them is what was submitted."""
    folder.mkdir()
    for name, text in (("sbatch", SBATCH), ("srun", SRUN), ("sacct", SACCT)):
        (folder / name).write_text(text, encoding="utf-8")
        (folder / name).chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}

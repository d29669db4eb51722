#!/usr/bin/env bash
# Train under Slurm, one task a device.
#
#   bash tools/slurm_train.sh PARTITION JOB_NAME CONFIG [arguments of tools/train.py]
#
# In a batch job, a run that Slurm asks to end saves what it has, leaves with code 143, is queued
# again and goes on:
#
#   sbatch --requeue --signal=USR1@120 --wrap "bash tools/slurm_train.sh gpu mimo config.py"
#
# Environment: GPUS (8), GPUS_PER_NODE (8), CPUS_PER_TASK (5), SRUN_ARGS, PYTHON, MASTER_PORT.
set -euo pipefail
HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
if [ $# -lt 3 ]; then
    sed -n '2,11s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
fi
PARTITION=$1
JOB_NAME=$2
CONFIG=$3
source "$HERE/srun.sh"
RESUME=()
if [ "${SLURM_RESTART_COUNT:-0}" -gt 0 ]; then
    RESUME=(--resume)
fi
trap : TERM USR1 # the processes save; this shell waits for them
code=0
"${SRUN[@]}" "$HERE/train.py" "$CONFIG" --launcher slurm "${@:4}" "${RESUME[@]}" || code=$?
if [ "$code" -eq 143 ] && [ -n "${SLURM_JOB_ID:-}" ]; then
    echo "The run is saved; job $SLURM_JOB_ID is queued again." >&2
    scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"

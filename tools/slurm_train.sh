#!/usr/bin/env bash
# Train under Slurm, one task a device.
#
#   bash tools/slurm_train.sh PARTITION JOB_NAME CONFIG [arguments of tools/train.py]
#
# Environment: GPUS (8), GPUS_PER_NODE (8), CPUS_PER_TASK (5), SRUN_ARGS, PYTHON, MASTER_PORT.
set -euo pipefail
HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
if [ $# -lt 3 ]; then
    sed -n '2,6s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
fi
PARTITION=$1
JOB_NAME=$2
CONFIG=$3
source "$HERE/srun.sh"
exec "${SRUN[@]}" "$HERE/train.py" "$CONFIG" --launcher slurm "${@:4}"

#!/usr/bin/env bash
# Train with several processes, on CUDA devices or, where there are none, on the CPU.
#
#   bash tools/dist_train.sh CONFIG PROCESSES [arguments of tools/train.py]
#
# PROCESSES is the number on this node, one a device; 0 is one process on the CPU.
# More nodes: run it on each with NNODES, NODE_RANK and MASTER_ADDR (and PORT) set.
# MAX_RESTARTS=3: when a process dies, all are started again, at most so often, and go on from
# the run's newest checkpoint; how much that costs is the interval of default_hooks.checkpoint.
# A mistake in the config fails in every attempt: try it with tools/train.py CONFIG --dry-run first.
set -euo pipefail
HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
if [ $# -lt 2 ]; then
    sed -n '2,10s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
fi
CONFIG=$1
PROCESSES=$2
source "$HERE/torchrun.sh" "$PROCESSES"
exec "${TORCHRUN[@]}" "$HERE/train.py" "$CONFIG" --launcher pytorch "${@:3}"

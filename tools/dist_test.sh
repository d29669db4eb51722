#!/usr/bin/env bash
# Evaluate with several processes, on CUDA devices or, where there are none, on the CPU.
#
#   bash tools/dist_test.sh CONFIG CHECKPOINT PROCESSES [arguments of tools/test.py]
#
# PROCESSES is the number on this node, one a device; 0 is one process on the CPU.
# More nodes: run it on each with NNODES, NODE_RANK and MASTER_ADDR (and PORT) set.
set -euo pipefail
HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
if [ $# -lt 3 ]; then
    sed -n '2,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
fi
CONFIG=$1
CHECKPOINT=$2
PROCESSES=$3
source "$HERE/torchrun.sh" "$PROCESSES"
exec "${TORCHRUN[@]}" "$HERE/test.py" "$CONFIG" "$CHECKPOINT" --launcher pytorch "${@:4}"

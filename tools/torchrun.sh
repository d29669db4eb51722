# Sourced by dist_train.sh and dist_test.sh: sets the array TORCHRUN for $1 processes.
#
# PYTHON: the interpreter; else that of an active environment, of the checkout's .venv, or python.
# PORT: of the first node; a free one where there is one node only, 29500 over several nodes.
# MAX_RESTARTS: how often all processes are started again when one dies; 0 unless given. Over several
# nodes without Slurm, runs in the same folder want a PORT each.
PROCESSES=$1
CHECKOUT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
if [ -z "${PYTHON:-}" ]; then
    PYTHON=python
    if [ -z "${VIRTUAL_ENV:-}${CONDA_PREFIX:-}" ] && [ -x "$CHECKOUT/.venv/bin/python" ]; then
        PYTHON="$CHECKOUT/.venv/bin/python"
    fi
fi
if ! [[ "$PROCESSES" =~ ^[0-9]+$ ]]; then
    echo "error: the number of processes is a whole number; got '$PROCESSES'" >&2
    exit 2
fi
if [ "$PROCESSES" = 0 ]; then
    export CUDA_VISIBLE_DEVICES=-1
    PROCESSES=1
fi
NNODES=${NNODES:-1}
NODE_RANK=${NODE_RANK:-0}
MASTER_ADDR=${MASTER_ADDR:-127.0.0.1}
if [ -z "${PORT:-}" ]; then
    PORT=29500
    if [ "$NNODES" = 1 ]; then
        PORT=$("$PYTHON" -c "import socket
with socket.socket() as s:
    s.bind(('127.0.0.1', 0))
    print(s.getsockname()[1])")
    fi
fi
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1} MKL_NUM_THREADS=${MKL_NUM_THREADS:-1}
export TORCH_CPP_LOG_LEVEL=${TORCH_CPP_LOG_LEVEL:-ERROR}
TORCHRUN=("$PYTHON" -m torch.distributed.run --nnodes="$NNODES" --nproc_per_node="$PROCESSES")
MAX_RESTARTS=${MAX_RESTARTS:-0}
if ! [[ "$MAX_RESTARTS" =~ ^[0-9]+$ ]]; then
    echo "error: MAX_RESTARTS is a whole number; got '$MAX_RESTARTS'" >&2
    exit 2
fi
if [ "$MAX_RESTARTS" -eq 0 ]; then
    TORCHRUN+=(--node_rank="$NODE_RANK" --master_addr="$MASTER_ADDR" --master_port="$PORT")
else
    # Else a process that is started again finds the addresses of dead ones in the store, which
    # torchrun of PyTorch 2.13 keeps over all attempts.
    export TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1
    # By its name a process that is started again knows its run from an earlier one in the folder:
    # on all nodes the same, and another one in the next run.
    RUN="$MASTER_ADDR:$PORT:${SLURM_JOB_ID:-}"
    if [ "$NNODES" = 1 ]; then
        RUN+=":$$"
    fi
    TORCHRUN+=(--max-restarts="$MAX_RESTARTS" --rdzv-backend=c10d --rdzv-id="$RUN"
               --rdzv-endpoint="$MASTER_ADDR:$PORT"
               --rdzv-conf="is_host=$([ "$NODE_RANK" = 0 ] && echo true || echo false)")
    if [ "$NNODES" = 1 ]; then
        TORCHRUN+=(--local-addr=127.0.0.1)
    fi
fi

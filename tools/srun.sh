# Sourced by slurm_train.sh and slurm_test.sh: sets the array SRUN from PARTITION and JOB_NAME.
GPUS=${GPUS:-8}
GPUS_PER_NODE=${GPUS_PER_NODE:-8}
if [ "$GPUS" -lt "$GPUS_PER_NODE" ]; then
    GPUS_PER_NODE=$GPUS
fi
export MASTER_PORT=${MASTER_PORT:-$((12000 + RANDOM % 20000))}
EXTRA=()
if [ -n "${SRUN_ARGS:-}" ]; then
    read -ra EXTRA <<< "$SRUN_ARGS"
fi
SRUN=(srun -p "$PARTITION" --job-name="$JOB_NAME" --gres="gpu:$GPUS_PER_NODE" --ntasks="$GPUS"
      --ntasks-per-node="$GPUS_PER_NODE" --cpus-per-task="${CPUS_PER_TASK:-5}"
      --kill-on-bad-exit=1 "${EXTRA[@]}" "${PYTHON:-python}" -u)

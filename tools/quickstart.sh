#!/usr/bin/env bash
# From a fresh clone to a trained, evaluated and drawn model: generates the toy kitchen,
# trains the toy MIMO recognizer on it and leaves everything under work_dirs/quickstart/.
#
#   bash tools/quickstart.sh
#
# A second run reuses the generated data and the finished training; an interrupted training
# goes on where it stopped. To start over: rm -r work_dirs/quickstart data/toy_kitchen
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

CONFIG=configs/toy/mimo_query.py
DATA=data/toy_kitchen
OUT=work_dirs/quickstart
PY=.venv/bin/python
# Small tensors: more threads an operation would only take cores from the loading processes.
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"

SECONDS=0
say() { printf '\n[quickstart %3d s] %s\n' "$SECONDS" "$*"; }

# A saved model belongs to the configs and the world it was trained with.
fingerprint() {
    {
        find configs/toy configs/_base_ -name '*.py' -print0 | LC_ALL=C sort -z | xargs -0 cat
        grep '"digest"' "$DATA/toy_kitchen.json"
    } | cksum
}

say '1/5 environment'
bash tools/setup_env.sh

say "2/5 toy kitchen in $DATA"
"$PY" tools/make_toy_kitchen.py "$DATA"

say "3/5 training $CONFIG"
mkdir -p "$OUT"
if [[ "$(cat "$OUT/origin.cksum" 2>/dev/null)" != "$(fingerprint)" ]]; then
    # Nothing of an older config or world can be used; other runs are not touched.
    rm -rf "$OUT" && mkdir -p "$OUT"
    fingerprint >"$OUT/origin.cksum"
fi
if [[ -f "$OUT/finished" ]]; then
    echo "finished before: $(cat "$OUT/last_checkpoint")"
elif [[ -f "$OUT/last_checkpoint" ]]; then
    "$PY" tools/train.py "$CONFIG" --work-dir "$OUT" --resume
else
    "$PY" tools/train.py "$CONFIG" --work-dir "$OUT"
fi
touch "$OUT/finished"

say '4/5 evaluation on participants that training never saw'
checkpoint="$OUT/$(basename "$(cat "$OUT/last_checkpoint")")"
"$PY" tools/test.py "$CONFIG" "$checkpoint" --work-dir "$OUT/test" --dump "$OUT/predictions.pkl"

say '5/5 numbers and pictures'
"$PY" tools/summarise_run.py "$CONFIG" "$checkpoint" "$OUT/predictions.pkl"

say "done. In $OUT:"
printf '  %-28s %s\n' metrics.json 'all numbers above' "${checkpoint##*/}" 'the trained model'
cat <<END
  predictions.pkl              scores of every validation clip
  curves.png                   loss and accuracy while training
  confusion_{verb,noun}.png    which classes are taken for which
  modalities.png               what the model owes to each modality
  attention_by_class.png       which modality each task looks at, by class
  clips.png                    clips with answers and attention

What to try next:
  the paper's baseline         $PY tools/train.py configs/toy/mimo_concat.py
  another setting              $PY tools/train.py $CONFIG --work-dir work_dirs/slower --cfg-options optim_wrapper.optimizer.lr=1e-3
  a harder world               $PY tools/make_toy_kitchen.py data/harder --conflict 1 --seed 1
  two processes                bash tools/dist_train.sh $CONFIG 2
  real data                    docs/epic100.md
  your own part                docs/own_component.md
END

#!/usr/bin/env bash
# From a fresh clone to a page with answers: generates the toy kitchen, trains the toy MIMO
# recognizer on it, lets it look at long videos of other people, trains models of moments and of
# questions on what it saw, and leaves everything under work_dirs/quickstart/.
#
#   bash tools/quickstart.sh
#
# A second run reuses the generated data and the finished training; an interrupted training
# goes on where it stopped. To start over: rm -r work_dirs/quickstart data/toy_kitchen data/toy_moments
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

CONFIG=configs/toy/mimo_query.py
DATA=data/toy_kitchen
LONG=data/toy_moments
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

# train CONFIG DIR: until it is finished, from where it stopped.
train() {
    if [[ -f "$2/finished" ]]; then
        echo "finished before: $(cat "$2/last_checkpoint")"
    elif [[ -f "$2/last_checkpoint" ]]; then
        "$PY" tools/train.py "$1" --work-dir "$2" --resume
    else
        "$PY" tools/train.py "$1" --work-dir "$2"
    fi
    touch "$2/finished"
}
last() { echo "$1/$(basename "$(cat "$1/last_checkpoint")")"; }

say '1/8 environment'
bash tools/setup_env.sh

say "2/8 toy kitchen in $DATA"
"$PY" tools/make_toy_kitchen.py "$DATA"

say "3/8 training $CONFIG"
mkdir -p "$OUT"
if [[ "$(cat "$OUT/origin.cksum" 2>/dev/null)" != "$(fingerprint)" ]]; then
    # Nothing of an older config or world can be used; other runs are not touched.
    rm -rf "$OUT" "$LONG/features" && mkdir -p "$OUT"
    fingerprint >"$OUT/origin.cksum"
fi
train "$CONFIG" "$OUT"

say '4/8 evaluation on participants that training never saw'
checkpoint="$(last "$OUT")"
"$PY" tools/test.py "$CONFIG" "$checkpoint" --work-dir "$OUT/test" --dump "$OUT/predictions.pkl"

say '5/8 numbers and pictures'
"$PY" tools/summarise_run.py "$CONFIG" "$checkpoint" "$OUT/predictions.pkl"

say "6/8 long videos of other people in $LONG, and what the recognizer sees in them"
"$PY" tools/make_toy_moments.py "$LONG"
# 0.8 s a window, as long as the clips that it was trained on; two processes share the videos.
pids=()
for rank in 0 1; do
    RANK=$rank WORLD_SIZE=2 "$PY" tools/extract_features.py "$CONFIG" "$checkpoint" \
        "$LONG"/videos/P*.mp4 --out "$LONG/features" --window 8 --stride 8 --fps 10 &
    pids+=($!)
done
for pid in "${pids[@]}"; do wait "$pid"; done

say '7/8 models of moments and of questions'
found=()
for task in mq nlq; do
    config="configs/toy/moments_$task.py"
    train "$config" "$OUT/$task"
    "$PY" tools/test.py "$config" "$(last "$OUT/$task")" --work-dir "$OUT/test" \
        --results "$OUT/$task/found.json"
    found+=("$config" "$(last "$OUT/$task")" "$OUT/$task/found.json")
done

say '8/8 report of a video that no training saw'
"$PY" tools/report.py "$LONG/videos" --out "$OUT/report.html" --metrics "$OUT/metrics.json" \
    --recognizer "$CONFIG" "$checkpoint" --window 8 --stride 8 --fps 10 \
    --clips "$OUT/predictions.pkl" --moments "${found[@]:0:3}" --queries "${found[@]:3:3}"

say "done. In $OUT:"
printf '  %-28s %s\n' report.html 'open it in a browser: a video, its moments, questions, scores' \
    metrics.json 'all numbers above' "${checkpoint##*/}" 'the trained recognizer'
cat <<END
  {mq,nlq}/                    models of moments and of questions, and what they found
  predictions.pkl              scores of every validation clip
  curves.png                   loss and accuracy while training
  confusion_{verb,noun}.png    which classes are taken for which
  modalities.png               what the model owes to each modality
  attention_by_class.png       which modality each task looks at, by class
  clips.png                    clips with answers and attention

What to try next:
  your own video               $PY tools/infer.py $CONFIG $checkpoint VIDEO --window 32 --out out --format html
  your own question            $PY tools/infer.py configs/toy/moments_nlq.py $(last "$OUT/nlq") VIDEO --encoder toy=$CONFIG,$checkpoint --ask 'When did I wash the cup?'
  the paper's baseline         $PY tools/train.py configs/toy/mimo_concat.py
  another setting              $PY tools/train.py $CONFIG --work-dir work_dirs/slower --cfg-options optim_wrapper.optimizer.lr=1e-3
  a harder world               $PY tools/make_toy_kitchen.py data/harder --conflict 1 --seed 1
  two processes                bash tools/dist_train.sh $CONFIG 2
  real data                    docs/epic100.md
  your own part                docs/own_component.md
END

#!/bin/sh
# Train the models of the zoo on, within a time, and pack what they became:
#
#   packaging/train_zoo.sh MINUTES OUT [OPTIONS OF deepz-zoo train]
#
# It trains the published size for leica20x_0.8/TxRd and the zoo's own sizes of all models, each from
# the best weights at hand. The minutes are shared out among the runs; the stacks of the next model
# are simulated meanwhile, those of the first one before. OUT gets a folder for each run; the same
# command resumes what was interrupted. After each run OUT/zoo.tar.00, .01 … hold all weights so far in
# half precision with their records and metrics, in files of at most 15 MB:
#
#   cat OUT/zoo.tar.* | tar -x
#
# RUNS names some of the runs, as MODEL:PRESET:PARTS of the time; PAPER_WEIGHTS the weights that those
# of the published size start from. To try it on any machine:
#
#   packaging/train_zoo.sh 1 OUT --stacks 12 --stack-px 64 --patch 64 --small-patch 32
set -eu

if [ $# -lt 2 ]; then
  echo "usage: $0 MINUTES OUT [OPTIONS OF deepz-zoo train]" >&2
  exit 2
fi
minutes=$1 out=$2
shift 2

here=$(cd "$(dirname "$0")/.." && pwd)
python=${PYTHON:-$here/.venv/bin/python}
# The published size takes most of the time, and gains most from it.
runs=${RUNS:-leica20x_0.8/TxRd:full:40 leica20x_0.8/TxRd:lite:15 olympus20x_0.75/TxRd-beads:half:15 \
  olympus20x_0.75/TxRd:lite:10 leica20x_0.8/FITC:lite:10 leica63x_1.4/FITC:lite:10 \
  leica40x_1.3/TxRd:lite:10}

field() { echo "$1" | cut -d: -f"$2"; }
file_name() { field "$1" 1 | tr / _; }
now() { date +%s; }

start() {
  paper=${PAPER_WEIGHTS:-$here/packaging/weights/$(file_name "$1").safetensors}
  if [ "$(field "$1" 2)" != full ]; then
    field "$1" 1
  elif [ -f "$paper" ]; then
    echo "$paper"
  fi
}

deepz_train() {
  run=$1
  shift
  (cd "$here" && "$python" -m deepz_zoo train "$(field "$run" 1)" --preset "$(field "$run" 2)" \
    -o "$out/$(file_name "$run")_$(field "$run" 2)" --stacks-folder "$out/stacks/$(file_name "$run")" "$@")
}

train() {
  run=$1 share=$2
  shift 2
  if [ -e "$out/$(file_name "$run")_$(field "$run" 2)/last.ckpt" ]; then
    set -- --resume "$@"
  elif [ -n "$(start "$run")" ]; then
    set -- --from "$(start "$run")" "$@"
  fi
  deepz_train "$run" --max-minutes "$share" "$@"
}

# After every run: whatever ends this program, what is trained is there.
pack() {
  rm -f "$out"/zoo.tar.*
  "$python" "$here/packaging/pack_runs.py" "$out" | split -b 15000000 -d - "$out/zoo.tar."
}

mkdir -p "$out"
out=$(cd "$out" && pwd)
left=0
for run in $runs; do
  left=$((left + $(field "$run" 3)))
done
simulation=
for run in $runs; do
  if [ -z "$simulation" ]; then
    deepz_train "$run" --stacks-only "$@"
    end=$(awk "BEGIN { print $(now) + 60 * $minutes }")
  else
    wait "$simulation"
  fi
  # shellcheck disable=SC2086
  next=$(printf '%s\n' $runs | sed -n "\\#^$run\$#{n;p;}")
  deepz_train "${next:-$run}" --stacks-only "$@" &
  simulation=$!
  train "$run" "$(awk "BEGIN { s = ($end - $(now)) * $(field "$run" 3) / $left; print (s > 1 ? s : 1) / 60 }")" "$@"
  left=$((left - $(field "$run" 3)))
  pack
done
wait "$simulation"
ls -l "$out"/zoo.tar.*

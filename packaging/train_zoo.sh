#!/bin/sh
# Train the models of the zoo on, within a time, and pack what they became:
#
#   packaging/train_zoo.sh MINUTES OUT [OPTIONS OF deepz-zoo train]
#
# It trains the published size for leica20x_0.8/TxRd and the zoo's own size for the others, each from
# the best weights at hand. The minutes of training are shared out among the models; the stacks of
# the next model are simulated meanwhile, those of the first one before. OUT gets a folder for each
# run; the same command resumes what was interrupted. OUT/zoo.tar.00, .01 … hold the weights in half
# precision with their records and metrics, in files of at most 15 MB:
#
#   cat OUT/zoo.tar.* | tar -x
#
# MODELS names some of the models, as in MODELS=leica20x_0.8/FITC. To try it on any machine:
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
bin=${BIN:-$here/.venv/bin}
models=${MODELS:-leica20x_0.8/TxRd olympus20x_0.75/TxRd-beads olympus20x_0.75/TxRd \
  leica20x_0.8/FITC leica63x_1.4/FITC leica40x_1.3/TxRd}

folder() { echo "$out/$(echo "$1" | tr / _)"; }

# The published size takes most of the time, and gains most from it.
preset() {
  case $1 in
    leica20x_0.8/TxRd) echo full ;;
    olympus20x_0.75/TxRd-beads) echo half ;;
    *) echo lite ;;
  esac
}

parts() {
  case $(preset "$1") in
    full) echo 40 ;;
    half) echo 20 ;;
    *) echo 10 ;;
  esac
}

start() {
  paper=$here/packaging/weights/$(basename "$(folder "$1")").safetensors
  if [ "$(preset "$1")" != full ]; then
    echo "$1"
  elif [ -f "$paper" ]; then
    echo "$paper"
  fi
}

simulate() {
  model=$1
  shift
  "$bin/deepz-zoo" train "$model" -o "$(folder "$model")" --preset "$(preset "$model")" \
    --stacks-only "$@"
}

train() {
  model=$1 share=$2 run=$(folder "$1")
  shift 2
  if [ -e "$run/last.ckpt" ]; then
    set -- --resume "$@"
  elif [ -n "$(start "$model")" ]; then
    set -- --from "$(start "$model")" "$@"
  fi
  "$bin/deepz-zoo" train "$model" -o "$run" --preset "$(preset "$model")" --max-minutes "$share" "$@"
}

total=0
for model in $models; do
  total=$((total + $(parts "$model")))
done
mkdir -p "$out"
# shellcheck disable=SC2086
set_of_models() { echo $models; }
first=$(set_of_models | cut -d' ' -f1)
simulate "$first" "$@"
for model in $models; do
  next=$(set_of_models | tr ' ' '\n' | sed -n "\\#^$model\$#{n;p;}")
  simulation=
  if [ -n "$next" ]; then
    simulate "$next" "$@" &
    simulation=$!
  fi
  train "$model" "$(awk "BEGIN { print $minutes * $(parts "$model") / $total }")" "$@"
  [ -z "$simulation" ] || wait "$simulation"
done
"$bin/python" "$here/packaging/pack_runs.py" "$out" | split -b 15000000 -d - "$out/zoo.tar."
ls -l "$out"/zoo.tar.*

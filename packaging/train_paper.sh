#!/bin/sh
# Train the published network (17.4 M parameters, LS-GAN) on simulated stacks, then measure it and
# store its weights as float16 with their manifest in packaging/weights:
#
#   packaging/train_paper.sh leica20x_0.8/TxRd runs/paper [OPTIONS OF deepz-zoo train]
#
# The run directory holds weights, record, metrics and the last checkpoint; the same command resumes
# an interrupted run. EMBED passes options to embed_model.py, as in EMBED="--stacks 1 --limit-stacks
# 0". Use the result with --size paper, and compare it with the smaller network by
# deepz-zoo evaluate leica20x_0.8/TxRd --size paper --against leica20x_0.8/TxRd.
set -eu

if [ $# -lt 2 ]; then
  echo "usage: $0 OBJECTIVE/CHANNEL RUN_DIRECTORY [OPTIONS OF deepz-zoo train]" >&2
  exit 2
fi
model=$1 run=$2
shift 2

here=$(cd "$(dirname "$0")/.." && pwd)
bin=${BIN:-$here/.venv/bin}
if [ -e "$run/last.ckpt" ]; then
  set -- --resume "$@"
fi
"$bin/deepz-zoo" train "$model" -o "$run" --preset paper "$@"
# Each word of EMBED is an option.
# shellcheck disable=SC2086
"$bin/python" "$here/packaging/embed_model.py" "$run" --folder "$here/packaging/weights" ${EMBED:-}

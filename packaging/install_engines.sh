#!/usr/bin/env bash
# Install engines as old as those of deepImageJ into the folder .engines, for the tests that run
# packages with them: ONNX Runtime 1.12.1 and 1.13.1 from npm (190 MB on the disk), and the torch of
# the system (650 MB) where apt-get offers 1.x or 2.0 and root needs no password. What cannot be
# installed is skipped.
set -u

engines="$(cd "$(dirname "$0")/.." && pwd)/.engines"
mkdir -p "$engines"

skip() { echo "Tests that need $1 will be skipped: $2."; }

install_onnxruntime() {
  local home="$engines/onnxruntime-node-$1"
  [ -d "$home/node_modules/onnxruntime-node" ] && return
  command -v node >/dev/null && command -v npm >/dev/null ||
    { skip "ONNX Runtime $1" "there is no node or no npm"; return; }
  echo "Installing onnxruntime-node $1 ..."
  mkdir -p "$home.new" && echo '{"private": true}' >"$home.new/package.json" &&
    (cd "$home.new" && npm install --silent --no-audit --no-fund --no-package-lock \
      "onnxruntime-node@$1" </dev/null >/dev/null 2>&1) &&
    rm -rf "$home" && mv "$home.new" "$home" ||
    { rm -rf "$home.new"; skip "ONNX Runtime $1" "npm could not install onnxruntime-node@$1"; }
}

old_torch() { /usr/bin/python3 -c 'import torch; print(torch.__version__)' 2>/dev/null | grep -E '^(1\.|2\.0)'; }

apt() { ${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive apt-get -qq "$@" >/dev/null 2>&1; }

apt_install_torch() {
  local wanted='^ *Candidate: (1\.|2\.0)'
  as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo -n)
  command -v apt-get >/dev/null ||
    { skip "an old torch" "there is no apt-get"; return 1; }
  [ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null ||
    { skip "an old torch" "installing it needs root (apt-get install python3-torch)"; return 1; }
  apt-cache policy python3-torch | grep -qE "$wanted" || apt update
  apt-cache policy python3-torch | grep -qE "$wanted" ||
    { skip "an old torch" "the python3-torch of this system is not of 1.x or 2.0"; return 1; }
  echo "Installing python3-torch ..."
  apt install -y --no-install-recommends -o Dpkg::Options::=--force-unsafe-io python3-torch ||
    { skip "an old torch" "apt-get could not install python3-torch"; return 1; }
}

install_torch() {
  compgen -G "$engines/torch-*/bin/python" >/dev/null && return
  local version home
  [ -n "$(old_torch)" ] || apt_install_torch || return
  version="$(old_torch)"
  [ -n "$version" ] || { skip "an old torch" "/usr/bin/python3 does not import it"; return; }
  home="$engines/torch-$version"
  /usr/bin/python3 -m venv --without-pip --system-site-packages "$home" 2>/dev/null ||
    { rm -rf "$home"; skip "an old torch" "/usr/bin/python3 makes no environment"; }
}

install_onnxruntime 1.12.1
install_onnxruntime 1.13.1
install_torch
exit 0

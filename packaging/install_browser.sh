#!/usr/bin/env bash
# Install Chromium for the tests of the web page, where that needs no question: as root, or with a
# sudo that asks for no password. Otherwise those tests are skipped.
set -u

skip() {
  echo "Tests that need Chromium will be skipped: $1."
  exit 0
}

command -v chromium >/dev/null || command -v google-chrome >/dev/null && exit 0
command -v apt-get >/dev/null || skip "it is not installed and there is no apt-get"

if [ "$(id -u)" -eq 0 ]; then
  as_root=()
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
  as_root=(sudo -n)
else
  skip "it is not installed and installing it needs root (apt-get install chromium)"
fi

apt() { ${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive apt-get -qq "$@" >/dev/null 2>&1; }

echo "Installing chromium ..."
apt install -y --no-install-recommends chromium ||
  { apt update && apt install -y --no-install-recommends chromium; } ||
  skip "apt-get could not install chromium"

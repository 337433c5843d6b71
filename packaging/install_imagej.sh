#!/usr/bin/env bash
# Install Java and Debian's ImageJ for the tests that use them, where that needs no question:
# as root, or with a sudo that asks for no password. Otherwise those tests are skipped.
set -u

skip() {
  echo "Tests that need Java and ImageJ will be skipped: $1."
  exit 0
}

has_ij_jar() { [ -f /usr/share/java/ij.jar ]; }

command -v java >/dev/null && has_ij_jar && exit 0
command -v apt-get >/dev/null || skip "they are not installed and there is no apt-get"

if [ "$(id -u)" -eq 0 ]; then
  as_root=()
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
  as_root=(sudo -n)
else
  skip "they are not installed and installing them needs root (apt-get install default-jre-headless imagej)"
fi

apt() { ${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive apt-get -qq "$@" >/dev/null 2>&1; }
packages=(default-jre-headless imagej)

echo "Installing ${packages[*]} ..."
apt install -y --no-install-recommends "${packages[@]}" ||
  { apt update && apt install -y --no-install-recommends "${packages[@]}"; } ||
  skip "apt-get could not install ${packages[*]}"
has_ij_jar || skip "the package imagej brought no ij.jar"

#!/usr/bin/env bash
# Install Chromium for the tests of the web page, and a virtual display with what Qt needs on it for
# those of the napari plugin, where that needs no question: as root, or with a sudo that asks for no
# password. Otherwise those tests are skipped.
set -u

packages=(chromium xauth xvfb libegl1 libgl1 libgl1-mesa-dri libxcb-cursor0 libxcb-icccm4
  libxcb-image0 libxcb-keysyms1 libxcb-render-util0 libxcb-shape0 libxcb-xinerama0
  libxkbcommon-x11-0)

skip() {
  echo "Tests that need Chromium or a virtual display will be skipped: $1."
  exit 0
}

has_browser() { command -v chromium >/dev/null || command -v google-chrome >/dev/null; }
has_display() {
  command -v Xvfb >/dev/null && command -v xauth >/dev/null &&
    ldconfig -p | grep -q 'libxcb-cursor\.so' && ldconfig -p | grep -q 'libEGL\.so'
}

has_browser && has_display && exit 0
command -v apt-get >/dev/null || skip "they are not installed and there is no apt-get"

if [ "$(id -u)" -eq 0 ]; then
  as_root=()
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
  as_root=(sudo -n)
else
  skip "they are not installed and installing them needs root (apt-get install ${packages[*]})"
fi

apt() { ${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive apt-get -qq "$@" >/dev/null 2>&1; }

echo "Installing ${packages[*]} ..."
apt install -y --no-install-recommends "${packages[@]}" ||
  { apt update && apt install -y --no-install-recommends "${packages[@]}"; } ||
  skip "apt-get could not install ${packages[*]}"

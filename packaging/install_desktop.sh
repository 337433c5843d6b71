#!/usr/bin/env bash
# Install Chromium for the tests of the web page, and a virtual display with what Qt needs on it for
# those of the napari plugin, where that needs no question: as root, or with a sudo that asks for no
# password. Otherwise those tests are skipped.
set -u
# shellcheck source=packaging/apt_install.sh
. "$(dirname "$0")/apt_install.sh"

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
apt_install "${packages[@]}"

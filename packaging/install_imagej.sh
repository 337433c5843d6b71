#!/usr/bin/env bash
# Install Java with its compiler, Debian's ImageJ with a plugin, and a virtual display for the tests
# that use them, where that needs no question: as root, or with a sudo that asks for no password.
# Otherwise those tests are skipped.
set -u
# shellcheck source=packaging/apt_install.sh
. "$(dirname "$0")/apt_install.sh"

packages=(default-jdk imagej orthanc-imagej xauth xvfb)

skip() {
  echo "Tests that need Java and ImageJ will be skipped: $1."
  exit 0
}

has_ij_jar() { [ -f /usr/share/java/ij.jar ]; }
has_plugin() { [ -f /usr/share/imagej/plugins/Orthanc_Import.jar ]; }
java_home() { dirname "$(dirname "$(readlink -f "$(command -v javac)")")"; }
has_display() { # a headless Java has no libawt_xawt
  command -v Xvfb >/dev/null && command -v xauth >/dev/null &&
    find "$(java_home)" -name libawt_xawt.so | grep -q .
}

command -v javac >/dev/null && has_ij_jar && has_plugin && has_display && exit 0
apt_install "${packages[@]}"
has_ij_jar || skip "the package imagej brought no ij.jar"

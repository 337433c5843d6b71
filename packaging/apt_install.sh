# To be sourced: apt_install installs Debian packages where that needs no question, as root or with a
# sudo that asks for no password. Otherwise it calls `skip` with the reason; the caller defines that.

apt_install() {
  local as_root=()
  command -v apt-get >/dev/null || skip "they are not installed and there is no apt-get"
  if [ "$(id -u)" -ne 0 ]; then
    if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
      as_root=(sudo -n)
    else
      skip "they are not installed and installing them needs root (apt-get install $*)"
    fi
  fi
  apt() { ${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive apt-get -qq "$@" >/dev/null 2>&1; }
  echo "Installing $* ..."
  apt install -y --no-install-recommends "$@" ||
    { apt update && apt install -y --no-install-recommends "$@"; } ||
    skip "apt-get could not install $*"
}

# Sourced by what installs packages. `find_root MEND` puts into the array as_root what a command is run by to be root: nothing, or
# sudo. Where there is neither, MEND is printed, which says what to do by hand, and the script ends.
as_root=()
find_root() {
  [ "$(id -u)" -eq 0 ] && return
  if ! command -v sudo >/dev/null; then
    echo "Neither root nor sudo. $1" >&2
    exit 1
  fi
  as_root=(sudo)
}

# Functions that the scripts share; to be sourced.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() {
    printf '\n== %s\n' "$*" >&2
}

# absolute PATH: the path as seen from anywhere; it need not exist.
absolute() {
    case $1 in
        /*) printf '%s\n' "$1" ;;
        *) printf '%s/%s\n' "$PWD" "$1" ;;
    esac
}

# find_python: the interpreter named by $PYTHON, else the first of the usual names that is 3.11 or later.
find_python() {
    local candidate
    for candidate in ${PYTHON:+"$PYTHON"} python3 python python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    echo "Python 3.11 or later is needed; install it, or name it: PYTHON=/path/to/python $0" >&2
    return 1
}

# make_environment DIR: a virtual environment; one that works already is kept.
make_environment() {
    local python
    if [ -x "$1/bin/python" ] && "$1/bin/python" -c 'import pip' >/dev/null 2>&1; then
        return
    fi
    python=$(find_python)
    say "making an environment in $1 with $("$python" --version)"
    "$python" -m venv --clear "$1"
}

# install_into DIR ARGUMENT...: pip install in that environment.
install_into() {
    local environment=$1
    shift
    "$environment/bin/python" -m pip install --quiet "$@"
}

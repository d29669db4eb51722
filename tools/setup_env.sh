#!/usr/bin/env bash
# Make .venv in the checkout and install egomm with what it runs and is tested on.
#
#   bash tools/setup_env.sh              # quickstart.sh and run_tests.sh call this first
#   PYTHON=/path/to/python bash tools/setup_env.sh
#
# A second run does nothing until setup.py, requirements/, the interpreter or the place of
# the checkout change.  A full mmcv that is already in .venv is left alone.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

VENV=.venv
STAMP="$VENV/egomm-setup.sha256"

say() { printf '[setup] %s\n' "$*"; }
fail() {
    printf '[setup] ERROR: %s\n' "$1" >&2
    shift
    if (($#)); then printf '[setup]        %s\n' "$@" >&2; fi
    exit 1
}

# The pins of requirements/constraints.txt have wheels for these versions.
supported() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; }

find_python() {
    local candidate
    if [[ -n "${PYTHON:-}" ]]; then
        supported "$PYTHON" || fail "PYTHON=$PYTHON does not run or is not Python 3.11, 3.12 or 3.13." \
            'Point it at another interpreter or unset it.'
        printf '%s\n' "$PYTHON"
        return
    fi
    for candidate in python3.11 python3.12 python3.13 python3 python; do
        if supported "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    fail 'found no Python 3.11, 3.12 or 3.13 on PATH.' \
        'Install one, or name it: PYTHON=/path/to/python3.11 bash tools/setup_env.sh'
}

fingerprint() {
    "$VENV/bin/python" - "$PWD" setup.py requirements/*.txt tools/setup_env.sh <<'PY'
import hashlib, pathlib, sys
digest = hashlib.sha256(f'{sys.version} {sys.argv[1]}'.encode())
for name in sys.argv[2:]:
    digest.update(name.encode() + pathlib.Path(name).read_bytes())
print(digest.hexdigest())
PY
}

has_module() { "$VENV/bin/python" -c "import importlib.util as u, sys; sys.exit(u.find_spec('$1') is None)"; }

pip_install() {
    "$VENV/bin/python" -m pip install --disable-pip-version-check -c requirements/constraints.txt "$@" \
        || fail "pip could not install: $*" \
            'Its own words are above. Most often the package index is out of reach (network, proxy,' \
            'index-url) or the disk is full. Run the same command again to go on.'
}

if ! "$VENV/bin/python" -m pip --version >/dev/null 2>&1; then
    python="$(find_python)"
    say "making $VENV with $("$python" --version 2>&1) ($python)"
    "$python" -c 'import ensurepip, venv' 2>/dev/null \
        || fail "$python cannot make virtual environments: its venv or ensurepip is missing." \
            'On Debian and Ubuntu install the package python3-venv (as root), then run this again.'
    "$python" -m venv --clear "$VENV" || fail "could not make $VENV with $python."
fi

if [[ -f "$STAMP" && "$(<"$STAMP")" == "$(fingerprint)" ]]; then
    exit 0
fi

SECONDS=0
say 'installing egomm and what it needs into .venv (about a minute and a half the first time)'
# setuptools is what builds egomm itself; with it here, no second copy is fetched for the build.
pip_install setuptools wheel
choice=()
if has_module mmcv; then
    say 'mmcv is already there: kept as it is'
else
    choice=(mmcv-lite)
fi
pip_install -r requirements/runtime.txt -r requirements/dev.txt "${choice[@]}"
pip_install --no-deps --no-build-isolation -e .

# The usual OpenCV wheels link against libGL, which servers and slim containers lack.
if ! "$VENV/bin/python" -c 'import cv2' 2>/dev/null; then
    say 'this machine lacks the display libraries of OpenCV: putting the headless build over it'
    pip_install --no-deps --force-reinstall opencv-contrib-python-headless
fi

say 'checking the imports'
"$VENV/bin/python" -c 'import av, cv2, mmcv, mmengine, torch; print(
    f"[setup] torch {torch.__version__}, mmengine {mmengine.__version__}, mmcv {mmcv.__version__}, "
    f"opencv {cv2.__version__}, av {av.__version__}, CUDA {torch.cuda.is_available()}")' \
    || fail 'a package was installed but does not import; its own words are above.'
fingerprint >"$STAMP"
say "done in $SECONDS s"

#!/usr/bin/env bash
# Set up .venv if needed and run the tests; warnings are errors.
#
#   bash tools/run_tests.sh                      # the quick suite
#   bash tools/run_tests.sh --long               # with the tests marked `long`
#   bash tools/run_tests.sh tests/functional -k attention
#
# EGOMM_REALDATA and EGOMM_GOLDEN name folders with real and with reference data; once one
# of them is set, a test skipped for want of that data fails (tests/conftest.py).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

markers=(-m 'not long')
arguments=()
for argument in "$@"; do
    if [[ "$argument" == --long ]]; then markers=(); else arguments+=("$argument"); fi
done

bash tools/setup_env.sh
# Tests of the report want a browser; without one they are skipped and say so.
if ! command -v chromium >/dev/null && command -v apt-get >/dev/null && [[ $EUID == 0 ]]; then
    { apt-get install -y --no-install-recommends chromium ||
        { apt-get update && apt-get install -y --no-install-recommends chromium; }; } \
        >/dev/null 2>&1 || echo '[tests] chromium cannot be installed: browser tests are skipped'
fi
exec .venv/bin/python -m pytest "${markers[@]}" "${arguments[@]}"

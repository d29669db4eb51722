#!/usr/bin/env bash
# Run the long tests of reliability and print what they measured, a line each.
#
#   bash tools/run_reliability.sh [arguments of pytest, such as -k kills]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
PYTHON=${PYTHON:-.venv/bin/python}
report=$(mktemp)
trap 'rm -f "$report"' EXIT
code=0
OMP_NUM_THREADS=1 "$PYTHON" -m pytest -q -m long tests/reliability \
    --junitxml="$report" -o junit_family=xunit1 "$@" || code=$?
"$PYTHON" - "$report" << 'PYTHON_CODE'
import sys
import xml.etree.ElementTree as tree

for case in tree.parse(sys.argv[1]).iter('testcase'):
    failed = any(case.find(kind) is not None for kind in ('failure', 'error'))
    measured = [p.get('value') for p in case.iter('property') if p.get('name') == 'measured']
    print(
        f'{"FAILED" if failed else "passed":7s} {float(case.get("time")):7.1f} s  '
        f'{measured[0] if measured else case.get("name")}'
    )
PYTHON_CODE
exit "$code"

"""egomm beside what a user would otherwise run; `tools/benchmark.py` runs and prints it.

`contest` says how two or more ways to do one work are measured, `runs` measures them, and every
other module holds cases: functions that take `Settings` and give a `Contest`. The other side is a
part of mmaction2 as installed, or a small naive reference beside the case.
"""

#!/usr/bin/python3
"""usage: exports.py NM MODULE...

A module is hidden from the others but for its descriptor. Templates of Boost and of the standard library that must be
one throughout the process are weak or unique; a name of Sipward's among them would be shared by accident.
"""
import subprocess
import sys

nm, *modules = sys.argv[1:]
problems = [] if modules else ["no module was given"]
for module in modules:
    run = subprocess.run([nm, "-DC", "--defined-only", module], check=True, capture_output=True, text=True)
    symbols = [line.split(" ", 2)[1:] for line in run.stdout.splitlines()]
    # AddressSanitizer adds a mark of its own to each exported object.
    strong = [name for kind, name in symbols if kind not in "VWu" and not name.startswith("__odr_asan.")]
    if strong != ["sipward_module"]:
        problems.append(f"{module} exports {strong}, not sipward_module alone")
    problems += [f"{module} exports {name}" for kind, name in symbols if kind in "VWu" and "sipward::" in name]
print("\n".join(problems) or f"{len(modules)} modules export their descriptors only")
sys.exit(1 if problems else 0)

#!/usr/bin/python3
"""The alerts that are shipped: about metrics and label values that the sources know, and each fires when it should.

usage: alerts.py FOLDER SOURCES…
"""
import pathlib
import re
import subprocess
import sys

OTHERS = {"up", "process_start_time_seconds"}   # of Prometheus itself, and of every process
LITERAL = re.compile(r'"((?:[^"\\\n]|\\.)*)"')


def literals(folders):
    found = set()
    for folder in folders:
        for path in sorted(pathlib.Path(folder).rglob("*.?pp")):
            found.update(LITERAL.findall(path.read_text(encoding="utf-8")))
    return found


def main():
    folder, sources = pathlib.Path(sys.argv[1]), literals(sys.argv[2:])
    problems = []
    expressions = re.findall(r"^ *expr: (.*)$", (folder / "alerts.yml").read_text(encoding="utf-8"), re.M)
    for expression in expressions:
        for name in re.findall(r"\b(?:up|process_\w+|sip_\w+|sipward_\w+)\b", re.sub(r'"[^"]*"', '""', expression)):
            if name not in OTHERS | sources:
                problems.append(f"nothing counts {name}")
        for values in re.findall(r'(?:result|reason|action|where)[=!~]+"([^"]*)"', expression):
            problems += [f"no label has the value {value}" for value in values.split("|") if value not in sources]
    for problem in problems:
        print(f"alerts.yml: {problem}")
    for command in (["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]):
        ran = subprocess.run(["promtool", *command], cwd=folder, capture_output=True, text=True)
        if ran.returncode != 0:
            problems.append(" ".join(command))
            print(ran.stdout + ran.stderr)
    return 1 if problems or not expressions else 0


if __name__ == "__main__":
    sys.exit(main())

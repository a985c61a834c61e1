#!/usr/bin/python3
"""Checks docs/coverage.md: every line of promises.txt has a row, and the test that a row names is there and holds the
word that the row says it holds.

usage: coverage.py PAGE PROMISES
"""
import pathlib
import re
import sys

ROW = re.compile(r"^\| `(?P<what>[^`]+)` \| \[[^]]*\]\((?P<test>[^)]+)\) \| `(?P<word>[^`]+)` \| (?P<state>[^|]+) \|$")
STATES = ("works", "not active yet")


def files(path):
    return [path] if path.is_file() else [file for file in sorted(path.rglob("*")) if file.is_file()]


def check(page, promises, folder):
    """What is wrong, a line each. `folder` is what the page's links start from."""
    wrong, seen = [], set()
    for number, line in enumerate(page.splitlines(), 1):
        if not line.startswith("| `"):
            continue
        row = ROW.match(line)
        if not row:
            wrong.append(f"line {number}: no row that can be read")
            continue
        seen.add(row["what"])
        test = folder / row["test"]
        if row["state"] not in STATES:
            wrong.append(f"line {number}: '{row['state']}' is no state")
        if not test.exists():
            wrong.append(f"line {number}: {row['test']} does not exist")
        elif not any(row["word"] in file.read_text(errors="replace") for file in files(test)):
            wrong.append(f"line {number}: {row['test']} does not hold '{row['word']}'")
    wanted = [line for line in promises.splitlines() if line and not line.startswith("#")]
    wrong += [f"no row for '{promise}'" for promise in wanted if promise not in seen]
    return wrong


def main():
    page, promises = map(pathlib.Path, sys.argv[1:])
    wrong = check(page.read_text(), promises.read_text(), page.parent)
    for line in wrong:
        print(f"{page.name}: {line}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

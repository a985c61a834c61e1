#!/usr/bin/python3
"""Compares docs/directives/*.md with what the modules themselves say of their options.

usage: directives.py SIPWARD FOLDER

A page has, for each directive that it is about, one of these lines:
    Options of handler `proxy`:                     (or matcher, HTTP handler; several: `a` and `b`)
    HTTP handler `allow_unauthenticated` has no options.
and after the first a table, or several tables each with its line, whose columns are option, type, default and meaning. The option of a block is written
behind the block's name: `rate_limit any`. The type is what `sipward list-modules --options` prints for it; what it
says behind the comma may be left out for texts and words. The default is a dash, or stands in backticks. The meaning
of what is not active yet begins with these words; what stands in its block need not repeat them.
"""
import json
import pathlib
import re
import subprocess
import sys

ANNOUNCED = re.compile(r"(?:Options of )?(handler|matcher|HTTP handler)s? (`\w+`(?:(?:, | and )`\w+`)*)"
                       r"(?: have| has)?( no options\.|:)", re.IGNORECASE)
COLUMNS = ["option", "type", "default", "meaning"]
FREE = ("text", "texts", "words")  # types whose detail a page may leave to the meaning
KINDS = {"handler": "handler", "matcher": "matcher", "http handler": "http"}


def shown(value):
    """A default as pages and list-modules show it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list):
        return " ".join(shown(one) for one in value)
    return str(value)


def flat(options, prefix="", active=True):
    """{name: (types that a page may give, default cell, active, whether its block is)}."""
    rows = {}
    for option in options:
        name = prefix + option["name"]
        end = ", repeatable" if option.get("repeatable") else ""
        types = [option["type"] + (", " + option["detail"] if "detail" in option else "") + end]
        if option["type"] in FREE:
            types.append(option["type"] + end)
        default = "`%s`" % shown(option["default"]) if "default" in option else "–"
        lives = active and option.get("active", True)
        rows[name] = (types, default, lives, active)
        rows.update(flat(option.get("options", []), name + " ", lives))
    return rows


def cells(line):
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]


def read_page(text):
    """{(kind, name): (line, {option: (type, default, meaning, line)})} and problems [(line, message)]."""
    found, problems = {}, []
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        match = ANNOUNCED.fullmatch(line)
        if not match:
            continue
        rows = {}
        if match[3] == ":":
            at = number
            while at < len(lines) and not lines[at].strip():
                at += 1
            if at >= len(lines) or cells(lines[at]) != COLUMNS:
                problems.append((number, "behind this there must be a table of " + ", ".join(COLUMNS)))
                continue
            at += 2
            while at < len(lines) and lines[at].startswith("|"):
                row = cells(lines[at])
                at += 1
                if len(row) != len(COLUMNS) or not re.fullmatch(r"`[^`]+`", row[0]):
                    problems.append((at, "not a row of `option`, type, default and meaning"))
                elif row[0].strip("`") in rows:
                    problems.append((at, row[0] + " stands here twice"))
                else:
                    rows[row[0].strip("`")] = (*row[1:], at)
        for name in re.findall(r"`(\w+)`", match[2]):
            _, known = found.setdefault((KINDS[match[1].lower()], name), (number, {}))
            problems += [(rows[both][3], f"`{both}` stands here twice") for both in rows if both in known]
            known.update(rows)
    return found, problems


def compare(kind, name, line, rows, options):
    """Problems [(line, message)] of one directive's rows against its options."""
    problems = []
    known = flat(options)
    for option in known:
        if option not in rows:
            problems.append((line, f"{kind} {name}: option '{option}' is not in the table"))
    for option, (kind_cell, default, meaning, at) in rows.items():
        if option not in known:
            problems.append((at, f"{kind} {name} has no option '{option}'"))
            continue
        types, wanted, active, block_active = known[option]
        if kind_cell not in types:
            problems.append((at, f"'{option}': the type is '{types[0]}', not '{kind_cell}'"))
        if default != wanted:
            problems.append((at, f"'{option}': the default is {wanted}, not {default}"))
        if not meaning:
            problems.append((at, f"'{option}': its meaning is not told"))
        if block_active and active == meaning.lower().lstrip("*").startswith("not active yet"):
            problems.append((at, f"'{option}' is {'' if active else 'not '}active; its meaning says otherwise"))
    return problems


def check(directives, pages):
    """Problems as lines; pages is {file name: text}."""
    problems, told = [], {}
    options = {(d["kind"], d["name"]): d["options"] for d in directives}
    for page, text in sorted(pages.items()):
        found, wrong = read_page(text)
        for (kind, name), (line, rows) in found.items():
            if (kind, name) not in options:
                wrong.append((line, f"there is no {kind} {name}"))
            elif (kind, name) in told:
                wrong.append((line, f"{kind} {name} is told in {told[kind, name]} already"))
            else:
                told[kind, name] = page
                wrong += compare(kind, name, line, rows, options[kind, name])
        problems += [f"{page}:{line}: {message}" for line, message in sorted(wrong)]
    problems += [f"no page tells the options of {kind} {name}" for kind, name in options if (kind, name) not in told]
    return problems


def main():
    sipward, folder = sys.argv[1:]
    run = subprocess.run([sipward, "list-modules", "--options", "--json"], check=True, capture_output=True)
    pages = {str(page): page.read_text() for page in pathlib.Path(folder).glob("*.md")}
    problems = check(json.loads(run.stdout), pages)
    print("\n".join(problems) or f"{len(pages)} pages agree with the modules")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

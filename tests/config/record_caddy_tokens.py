#!/usr/bin/env python3
"""Writes caddy_tokens.json: lines of arguments, and the tokens that `caddy adapt` makes of them.

Usage: record_caddy_tokens.py CADDY    (recorded with 2.6.2, Debian's)

Each line stands behind the name of a matcher that takes any arguments, so that what Caddy prints is what its
lexer saw. Left out, because Sipfiles differ on purpose: {$NAME} and placeholders, braces (quoted ones are blocks
to that version), text behind a closing quote, a backslash before white space that is no line end, and heredocs,
which that version lacks. Lines that Caddy refuses are left out too.
"""
import json
import pathlib
import random
import subprocess
import sys
import tempfile

FIXED = [
    "a", "a b", "a\tb", "a  b ", "\"a b\"", "\"\" b", "`a b`", "`a \" b` \"a ` b\"", "\"a \\\" b\"", "\"a \\n b\"",
    "\"a \\\\ b\"", "`a \\` b", "a#b", "a #b", "a # b \" c", "a \"# b\" c", "a\\b", "\\a", "a\\\\b", "a\"b", "a`b c`d",
    "a \\\n b", "a \\\n\t\\\n b", "\"a\n b\"", "`a\n\n b`", "a \\\r\n b", "\"a\\\n b\"", "ü \"ö ä\" 漢字", "a=b \"c=d\"",
    "a;b , c", "'a b'", "\"'\" '\"'x", "10/s 64KiB [::1]:5060 udp/:5060", "a,b c,", "--x -y", "*.example.com",
    "\"\t\" `\t`", "a\vb\fc", "<a <b> a<<b", "\"\\\"\" \"\\\"\\\"\"",
]
PIECES = ["a", "b1", "ü", "#", "'", "=", "/", "\\x", "\\\\y", "<", ">", "|", "&", ";", ",", "-", "*", "%", "[", "]"]


def word(rng):
    kind = rng.randrange(4)
    inside = [rng.choice(PIECES + [" ", "\t", "  ", "\n"]) for _ in range(rng.randrange(5))]
    if kind == 0:
        return '"' + "".join(rng.choice([p, p, '\\"', "`"]) for p in inside) + '"'
    if kind == 1:
        return "`" + "".join(rng.choice([p, p, '"', "\\"]) for p in inside) + "`"
    text = "".join(rng.choice(PIECES) for _ in range(1 + rng.randrange(4)))
    return "a" + text if text[0] in "#\\<" else text


def line(rng):
    words = [word(rng) for _ in range(1 + rng.randrange(4))]
    text = "".join(w + rng.choice([" ", " ", "\t", "  ", " \\\n  ", " \\\r\n"]) for w in words[:-1]) + words[-1]
    return text + rng.choice(["", "", " ", "\t", " # c \" `", " #"])


def tokens(caddy, line_of_words):
    text = f":80 {{\n\t@m method {line_of_words}\n\trespond @m \"0\"\n}}\n"
    with tempfile.NamedTemporaryFile("w", newline="", suffix=".caddyfile") as file:
        file.write(text)
        file.flush()
        done = subprocess.run([caddy, "adapt", "--adapter", "caddyfile", "--config", file.name], check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    if done.returncode != 0:
        return None
    result = {}

    def walk(value):
        if isinstance(value, dict):
            if "match" in value and "handle" in value:
                for handler in value["handle"]:
                    if handler.get("handler") == "static_response":
                        result[int(handler["body"])] = value["match"][0]["method"]
            for each in value.values():
                walk(each)
        elif isinstance(value, list):
            for each in value:
                walk(each)

    walk(json.loads(done.stdout))
    return result.get(0)


def main():
    rng = random.Random(5060)
    lines = FIXED + [line(rng) for _ in range(160)]
    # One by one: that version carries the state of a backslash over into the next line.
    cases = [{"text": text, "tokens": found} for text in lines if (found := tokens(sys.argv[1], text)) is not None]
    body = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
    pathlib.Path(__file__).with_name("caddy_tokens.json").write_text("[\n" + body + "\n]\n", encoding="utf-8")


main()

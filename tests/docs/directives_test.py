#!/usr/bin/python3
"""What directives.py must notice."""
import unittest

import directives

OPTIONS = [
    {"name": "size", "type": "number", "detail": "1 to 9", "default": 3},
    {"name": "names", "type": "texts", "detail": "names such as a", "repeatable": True},
    {"name": "box", "type": "block", "active": False,
     "options": [{"name": "on", "type": "flag", "default": False}]},
]
DIRECTIVES = [{"kind": "handler", "name": "x", "options": OPTIONS}, {"kind": "http", "name": "y", "options": []}]
PAGE = """# x

Options of handler `x`:

| option | type | default | meaning |
| --- | --- | --- | --- |
| `size` | number, 1 to 9 | `3` | how large |
| `names` | texts, repeatable | – | whose |
| `box` | block | – | *not active yet* |
| `box on` | flag | `off` | what is in it |

HTTP handler `y` has no options.
"""


def problems(page):
    return directives.check(DIRECTIVES, {"x.md": page})


class Directives(unittest.TestCase):
    def test_a_page_that_tells_the_truth_is_fine(self):
        self.assertEqual(problems(PAGE), [])

    def test_every_untruth_is_found_with_its_line(self):
        for old, new, expected in [
            ("1 to 9", "1 to 8", "x.md:7: 'size': the type is 'number, 1 to 9', not 'number, 1 to 8'"),
            (", 1 to 9", "", "x.md:7: 'size': the type is 'number, 1 to 9', not 'number'"),
            ("`3`", "`4`", "x.md:7: 'size': the default is `3`, not `4`"),
            ("how large", "", "x.md:7: 'size': its meaning is not told"),
            ("how large", "not active yet", "x.md:7: 'size' is active; its meaning says otherwise"),
            ("block | – | *not active yet*", "block | – | many", "x.md:9: 'box' is not active; its meaning says otherwise"),
            ("`size`", "`sizes`", "x.md:3: handler x: option 'size' is not in the table"),
            ("`size`", "`sizes`", "x.md:7: handler x has no option 'sizes'"),
            ("`names`", "`size`", "x.md:8: `size` stands here twice"),
            ("`box on`", "box on", "x.md:10: not a row of `option`, type, default and meaning"),
            ("option | type", "option | kind", "x.md:3: behind this there must be a table of option, type, default, meaning"),
            ("handler `x`", "matcher `x`", "x.md:3: there is no matcher x"),
            ("HTTP handler `y`", "Also HTTP handler `y`", "no page tells the options of http y"),
            ("HTTP handler `y` has", "HTTP handlers `y` and `z` have", "x.md:12: there is no http z"),
        ]:
            with self.subTest(expected):
                self.assertIn(old, PAGE)
                self.assertIn(expected, problems(PAGE.replace(old, new)))


    def test_a_directive_has_one_page(self):
        found = directives.check(DIRECTIVES, {"x.md": PAGE, "y.md": "HTTP handler `y` has no options."})
        self.assertEqual(found, ["y.md:1: http y is told in x.md already"])

    def test_a_long_table_may_be_cut_in_two(self):
        head = PAGE[PAGE.index("Options of"):PAGE.index("| `size`")]
        self.assertEqual(problems(PAGE.replace("| `names`", "\n" + head + "| `names`")), [])


if __name__ == "__main__":
    unittest.main()

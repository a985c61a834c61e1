#!/usr/bin/python3
"""What coverage.py must notice."""
import pathlib
import tempfile
import unittest

import coverage

ROW = "| `max_failures` | [a](tests/a.cpp) | `max_failures` | works |"


class Coverage(unittest.TestCase):
    def problems(self, page, promises="max_failures\n"):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "tests").mkdir()
            (root / "tests/a.cpp").write_text("max_failures 5")
            return coverage.check(page, promises, root)

    def test_a_page_that_tells_the_truth_is_fine(self):
        self.assertEqual(self.problems(f"# Coverage\n\n{ROW}\n", "# a comment\nmax_failures\n"), [])

    def test_what_is_missing_or_untrue_is_found(self):
        for page, found in ((ROW.replace("a.cpp", "b.cpp"), "does not exist"),
                            (ROW.replace("| `max_failures` | w", "| `find_time` | w"), "does not hold 'find_time'"),
                            (ROW.replace("works", "perhaps"), "is no state"),
                            ("| `max_failures` | works |", "no row that can be read"),
                            ("", "no row for 'max_failures'")):
            with self.subTest(page):
                self.assertIn(found, "\n".join(self.problems(page)))


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/python3
"""Somebody with the installed package and nothing else: writes a module, tests it, and runs it.

From the environment: PREFIX, BINDIR, LIBDIR (what was installed), TREE (to compare with), VERSION, CXX and CXXFLAGS
(what it was built with; a module must be built alike).
"""
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import textwrap
import unittest

PREFIX = pathlib.Path(os.environ["PREFIX"])
TREE = pathlib.Path(os.environ["TREE"])
BIN = PREFIX / os.environ["BINDIR"]
MODULES = PREFIX / os.environ["LIBDIR"] / "sipward" / "modules"
EXAMPLE = TREE / "tools" / "example_module"
PAGE = TREE / "docs" / "writing-a-module.md"
PATIENCE = 30
OPTIONS = "\r\n".join(["OPTIONS sip:100@127.0.0.1 SIP/2.0", "Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1;rport",
                       "Max-Forwards: 70", "From: <sip:a@127.0.0.1>;tag=1", "To: <sip:100@127.0.0.1>", "Call-ID: 1",
                       "CSeq: 1 OPTIONS", "Content-Length: 0", "", ""]).encode()


def run(*command, cwd=None, fails=False, **environment):
    """The output; raises when the status is not the one that is expected."""
    done = subprocess.run([str(word) for word in command], cwd=cwd, capture_output=True, text=True,
                          env={**os.environ, **environment})
    if (done.returncode != 0) != fails:
        raise AssertionError(f"{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def blocks(language):
    """The fenced blocks of the guide in that language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)


class Stranger(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        os.umask(0o002)  # many people's; a module that a group may write to is refused
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="sipward-stranger-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)

    def new_module(self, name, **more):
        return run(BIN / "sipward-new-module", name, cwd=self.folder, **more)

    def test_the_installed_program_lists_the_installed_modules(self):
        modules = json.loads(run(BIN / "sipward", "list-modules", "--json"))
        self.assertIn("guardian", [module["name"] for module in modules])
        for module in modules:
            self.assertNotIn("refused", module)
            self.assertEqual(pathlib.Path(module["path"]).parent, MODULES.resolve())

    def test_every_header_is_installed(self):
        def headers(root):
            return sorted(str(path.relative_to(root)) for path in root.rglob("*.hpp"))
        self.assertEqual(headers(PREFIX / "include"),
                         sorted(headers(TREE / "core" / "include") + ["sipward/build_id.hpp"]))

    def test_the_example_is_what_new_module_writes(self):
        self.new_module("hello")
        run(TREE / "tools" / "new_module", "hello", cwd=tempfile.mkdtemp(dir=self.folder))
        written = sorted(path.name for path in (self.folder / "hello").iterdir())
        self.assertEqual(written, sorted(path.name for path in EXAMPLE.iterdir()))
        for name in written:
            self.assertEqual((self.folder / "hello" / name).read_text(), (EXAMPLE / name).read_text())

    def test_a_new_module_builds_passes_its_test_and_serves(self):
        self.new_module("my_greeter")
        here = self.folder / "my_greeter"
        run("cmake", "-S", here, "-B", here / "build", f"-DCMAKE_PREFIX_PATH={PREFIX}")
        run("cmake", "--build", here / "build")
        self.assertIn("100% tests passed", run("ctest", "--test-dir", here / "build"))

        built = here / "build" / os.environ["LIBDIR"] / "sipward" / "modules"
        modules = json.loads(run(BIN / "sipward", "list-modules", "--json", "--modules-path", built))
        found = {module["name"]: module for module in modules}
        self.assertEqual(found["my_greeter"]["handlers"], ["my_greeter"])
        self.assertEqual(found["my_greeter"]["path"], str((built / "my_greeter.so").resolve()))
        self.assertNotIn("refused", found["my_greeter"])
        self.assertIn("is valid", run(BIN / "sipward", "validate", cwd=here))
        self.assertIn("status wants a number from 200 to 699", self.validate_with(here, "status 100"))
        self.serve(here)
        run("cmake", "--install", here / "build", "--prefix", self.folder / "elsewhere")
        self.assertTrue((self.folder / "elsewhere" / MODULES.relative_to(PREFIX) / "my_greeter.so").is_file())

    def validate_with(self, here, line):
        text = (here / "Sipfile").read_text().replace("my_greeter {", "my_greeter {\n" + line, 1)
        (here / "Wrong").write_text(text)
        return run(BIN / "sipward", "validate", "Wrong", cwd=here, fails=True)

    def serve(self, here):
        """The installed program runs the Sipfile, and the module answers."""
        port = free_port()
        server = subprocess.Popen([str(BIN / "sipward"), "run"], cwd=here, stderr=subprocess.PIPE, text=True,
                                  env={**os.environ, "PORT": port})
        try:
            said = ""
            for line in server.stderr:
                said += line
                if "serving" in line:
                    break
            self.assertIn("serving", said)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
                phone.settimeout(PATIENCE)
                phone.sendto(OPTIONS, ("127.0.0.1", int(port)))
                answer = phone.recv(65536).decode()
            self.assertTrue(answer.startswith("SIP/2.0 200 OK\r\n"), answer)
            self.assertIn("Allow: INVITE, ACK, BYE, CANCEL, OPTIONS\r\n", answer)
            server.terminate()
            self.assertEqual(server.wait(PATIENCE), 0)
        finally:
            server.kill()
            server.wait()
            server.stderr.close()

    def test_names_that_would_not_work_are_refused_and_leave_nothing(self):
        (self.folder / "taken").mkdir()
        for name, says in [("a b", "small letters"), ("", "small letters"), ("Name", "small letters"),
                           ("1st", "small letters"), ("a-b", "small letters"), ("../a", "small letters"),
                           ("a\nb", "small letters"), ("x" * 41, "40 letters"), ("proxy", "Sipward's or CMake's own"),
                           ("test", "Sipward's or CMake's own"), ("my_objs", "target of module 'my'"),
                           ("taken", "there is a 'taken' here already")]:
            with self.subTest(name):
                before = set(self.folder.iterdir())
                self.assertIn(says, self.new_module(name, fails=True))
                self.assertEqual(set(self.folder.iterdir()), before)

    def test_the_package_is_found_by_its_version_only_and_by_its_compiler_only(self):
        major, minor, _ = os.environ["VERSION"].split(".")
        for version, fails in [(f"{major}.{minor}", False), (f"{major}.{int(minor) + 1}", True),
                               (f"{int(major) + 1}.0", True)]:
            with self.subTest(version):
                self.find_package(version, fails, "")
        text = self.find_package(f"{major}.{minor}", True, 'set(CMAKE_CXX_COMPILER_VERSION 1.2.3)')
        self.assertRegex(text, r"built by \S+ \d.*, and this is \S+ 1\.2\.3 with Boost")

    def find_package(self, version, fails, before):
        here = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        (here / "CMakeLists.txt").write_text(textwrap.dedent(f"""\
            cmake_minimum_required(VERSION 3.25)
            project(seeker LANGUAGES CXX)
            {before}
            find_package(Sipward {version} CONFIG REQUIRED)
            """))
        said = run("cmake", "-S", here, "-B", here / "build", f"-DCMAKE_PREFIX_PATH={PREFIX}", fails=fails)
        return " ".join(said.split())  # CMake breaks lines where it likes

    def test_the_guide_quotes_the_example(self):
        files = [(path.name, path.read_text()) for path in EXAMPLE.iterdir()]
        quotes = [quote for language in ("cpp", "cmake", "sipfile") for quote in blocks(language)]
        self.assertGreater(len(quotes), 4)
        for quote in quotes:
            with self.subTest(quote):
                self.assertTrue(any(quote in text or textwrap.indent(quote, "  ") in text for _, text in files))

    def test_the_commands_of_the_guide_work_in_their_order(self):
        commands = "".join(blocks("sh"))
        self.assertIn("sipward-new-module", commands)
        here = self.folder / "reader"
        here.mkdir()
        run("sh", "-eu", "-c", commands, cwd=here, P=str(PREFIX), PORT=free_port())


if __name__ == "__main__":
    unittest.main(verbosity=2)

"""The base of every end-to-end test: a folder for its logs, a bound on its time, a lab for its class."""

import contextlib
import os
import pathlib
import shutil
import signal
import unittest

from . import netns
from .guard import ROOT

LOGS = pathlib.Path(os.environ.get("SIPWARD_E2E_LOGS", ROOT / "build/e2e/logs"))


class LabCase(unittest.TestCase):
    """Each class gets one lab. `limit` bounds a test, in seconds; past it the test fails and cleans up."""

    limit = 120

    @classmethod
    def setUpClass(cls):
        reason = netns.why_not()
        if reason:
            raise unittest.SkipTest(reason)
        cls.lab = cls.enterClassContext(netns.Lab())

    def setUp(self):
        self.directory = LOGS / self.id().split(".", 1)[-1]
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True)
        self._stack = self.enterContext(contextlib.ExitStack())
        self._out_of_time = None
        signal.signal(signal.SIGALRM, self._too_long)
        signal.alarm(self.limit)
        self.addCleanup(signal.alarm, 0)

    def _too_long(self, *_):
        self._out_of_time = f"the test took longer than its bound of {self.limit} s; logs are in {self.directory}"
        raise AssertionError(self._out_of_time)

    def subTest(self, *arguments, **words):
        # A sub-test swallows what is raised in it, the bound's error too: the next one must not begin.
        if self._out_of_time:
            raise AssertionError(self._out_of_time)
        return super().subTest(*arguments, **words)

    def started(self, peer):
        """Ties a peer's life to the test's: it is stopped before the test ends, last started first."""
        self._stack.callback(peer.stop)
        return peer

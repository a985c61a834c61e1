"""How much of the machine others used during a measurement: their work changes what a request costs, by
the caches they empty and the batches that queues grow into, so such rounds are told apart and repeated."""

import os
import resource
import time

TICKS = os.sysconf("SC_CLK_TCK")
CORES = len(os.sched_getaffinity(0))


def busy_seconds():
    """What all cores have spent on anything but idling; time stolen by the host of a virtual machine too."""
    with open("/proc/stat", encoding="ascii") as file:
        user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, file.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / TICKS


def children_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Watch:
    """From its making to share(); the load has been waited for by then."""

    def __init__(self):
        self.start, self.busy, self.load = time.monotonic(), busy_seconds(), children_seconds()

    def share(self, server_seconds):
        """The others' share of the machine: what neither the server nor the load generator used; 0 to 1."""
        others = busy_seconds() - self.busy - (children_seconds() - self.load) - server_seconds
        return max(0.0, others / (time.monotonic() - self.start) / CORES)

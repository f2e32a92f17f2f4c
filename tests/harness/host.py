# SPDX-License-Identifier: Apache-2.0
"""Hosts made of namespaces. A host is a process id, mount, host name and (mostly) network namespace of its own, held
by one process: when that ends, even by kill -9 of the test, the kernel ends everything inside. Its /run and /var/lib
are private, so that two hosts can use the same default paths."""
import contextlib
import ctypes
import os
import re
import signal
import subprocess
import threading
import time
from pathlib import Path

from .run import ROOT, wait_for

libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET, CLONE_NEWPID = 0x40000000, 0x20000000
PR_SET_PDEATHSIG = 1
REPORT = re.compile(r"(ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|runtime error:)")

# Private /run and /var/lib, but the checkout stays visible should it lie below one of them.
INIT = """
exec 3<"$2"
mount -t tmpfs -o mode=755,size=64m tmpfs /run && mkdir -p /run/netns /run/lock /run/wireguard
mount -t tmpfs -o mode=755,size=64m tmpfs /var/lib
case $2 in /run/* | /var/lib/*) mkdir -p "$2"; mount --bind /proc/self/fd/3 "$2" ;; esac
exec 3<&-
hostname "$1"
trap '' CHLD
echo ready
exec sleep infinity
"""


def setns(fd, kind):
    if libc.setns(fd, kind):
        e = ctypes.get_errno()
        raise OSError(e, "setns: " + os.strerror(e))


class Process:
    """One process on a host; its output goes to a log file of the run."""

    def __init__(self, host, name, popen, log):
        self.host, self.name, self.popen, self.log = host, name, popen, Path(log)
        self.pid = popen.pid

    def text(self):
        return self.log.read_text(errors="replace")

    def alive(self):
        return self.popen.poll() is None

    def wait_line(self, pattern, timeout=30):
        """Waits until the log has a line that matches; returns the match."""
        def seen():
            m = re.search(pattern, self.text(), re.M)
            if not m and not self.alive():
                m = re.search(pattern, self.text(), re.M)
                if not m:
                    raise RuntimeError(f"{self.name} ended ({self.popen.returncode}):\n{self.text()[-4000:]}")
            return m
        return wait_for(lambda: f"{self.name} says {pattern!r}:\n{self.text()[-4000:]}", seen, timeout)

    def kill(self, signo=signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signo)

    def stop(self, timeout=20):
        """SIGTERM, then SIGKILL for whatever is left of its process group. Returns the exit status."""
        if self.alive():
            self.kill(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.popen.wait(timeout)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        return self.popen.wait()


class Host:
    """name: shown as host name. net=False shares the machine's network (programs on loopback)."""

    def __init__(self, run, name, net=True):
        self.run, self.name, self.net = run, name, net
        self.processes = []
        self._start()

    def _start(self):
        kinds = ["--mount", "--uts", "--ipc", "--pid"] + (["--net"] if self.net else [])
        errors = open(self.run.dir / "log" / f"{self.name}-namespaces.log", "ab")
        self._unshare = subprocess.Popen(
            ["unshare", *kinds, "--fork", "--kill-child=SIGKILL", "--mount-proc", "/bin/sh", "-c", INIT, "init", self.name,
             str(ROOT)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, text=True, cwd="/", start_new_session=True,
            preexec_fn=lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL))
        errors.close()
        self.run.undo(self.close)
        self.run.holder(self._unshare.pid)
        if self._unshare.stdout.readline().strip() != "ready":
            raise RuntimeError(f"host {self.name}: no namespaces (is this root?)")
        pid = self._unshare.pid
        self.init = int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])
        if self.net:
            self.sh("ip link set lo up")

    def close(self):
        """Ends everything on the host, gently first: what was started last ends first."""
        for p in reversed(self.processes):
            p.stop(timeout=5)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.init, signal.SIGKILL)
        self._unshare.kill()
        self._unshare.wait()

    def enter(self):
        """Command line that opens a shell on this host."""
        kinds = "--mount --uts --ipc --pid" + (" --net" if self.net else "")
        return f"nsenter --target {self.init} {kinds} -- bash"

    def _argv(self, args, user):
        kinds = ["--mount", "--uts", "--ipc"] + (["--net"] if self.net else [])
        argv = ["nsenter", "--target", str(self.init), *kinds, "--wd=/", "--"]
        if user:
            argv += ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--"]
        return argv + [str(a) for a in args]

    @contextlib.contextmanager
    def _pids(self):
        """Children that this thread makes meanwhile are born into the host's process id namespace."""
        own = os.open("/proc/self/ns/pid", os.O_RDONLY)
        there = os.open(f"/proc/{self.init}/ns/pid", os.O_RDONLY)
        try:
            setns(there, CLONE_NEWPID)
            yield
        finally:
            setns(own, CLONE_NEWPID)
            os.close(own)
            os.close(there)

    def start(self, name, args, env=None, user=None, pass_fds=()):
        """Starts a process that runs until it is stopped."""
        log = self.run.dir / "log" / f"{self.name}-{name}.log"
        with open(log, "ab") as out, self._pids():
            popen = subprocess.Popen(self._argv(args, user), stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                     env={**os.environ, **(env or {})}, start_new_session=True, pass_fds=pass_fds)
        process = Process(self, name, popen, log)
        self.processes.append(process)
        return process

    def call(self, *args, check=True, input=None, env=None, user=None, timeout=60):
        """Runs a command to its end; the result has stdout, stderr, returncode."""
        with self._pids():
            popen = subprocess.Popen(self._argv(args, user), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE, text=True, env={**os.environ, **(env or {})})
        try:
            out, err = popen.communicate(input, timeout)
        except subprocess.TimeoutExpired:
            popen.kill()
            out, err = popen.communicate()
            raise RuntimeError(f"{self.name}: {args} took more than {timeout} s\n{out}{err}") from None
        result = subprocess.CompletedProcess(args, popen.returncode, out, err)
        if check and popen.returncode:
            raise RuntimeError(f"{self.name}: {' '.join(map(str, args))}: exit {popen.returncode}\n{out}{err}")
        return result

    def sh(self, script, **kw):
        return self.call("/bin/sh", "-ec", script, **kw)

    @contextlib.contextmanager
    def network(self):
        """Sockets that this thread makes meanwhile belong to the host's network, and stay there."""
        if not self.net:
            yield
            return
        own = os.open(f"/proc/self/task/{threading.get_native_id()}/ns/net", os.O_RDONLY)
        there = os.open(f"/proc/{self.init}/ns/net", os.O_RDONLY)
        try:
            setns(there, CLONE_NEWNET)
            yield
        finally:
            setns(own, CLONE_NEWNET)
            os.close(own)
            os.close(there)

    def pids(self):
        """Every process of the host but its init, as the machine numbers them."""
        want, found = os.readlink(f"/proc/{self.init}/ns/pid"), []
        for p in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if os.readlink(p / "ns/pid") == want and int(p.name) != self.init:
                    found.append(int(p.name))
        return found


def sanitizer_reports(run):
    """What sanitizers complain about in the run's logs: the file and the first lines of each report."""
    found = []
    for log in sorted((run.dir / "log").iterdir()):
        lines = log.read_text(errors="replace").splitlines()
        for n, line in enumerate(lines):
            if REPORT.search(line):
                found.append("\n".join([f"{log.name}: {line.strip()}", *lines[n + 1:n + 25]]))
    return found


def free_port(host=None, kind="tcp"):
    """A port that the kernel says is free now."""
    import socket
    with (host.network() if host else contextlib.nullcontext()):
        s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
        s.bind(("::", 0))
        with s:
            return s.getsockname()[1]


def monotonic_ms():
    return time.monotonic() * 1000

# SPDX-License-Identifier: Apache-2.0
"""A machine with bookworm's default kernel, for seconds: QEMU without KVM, the kernel from Debian's package, an initramfs
of this machine's own programs."""
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

from harness.run import ROOT, binary

META = "linux-image-cloud-amd64"
CACHE = ROOT / "build" / "microvm"
MODULES = ["veth", "nf_tables", "nft_ct", "nft_nat", "nft_masq", "nft_chain_nat", "nft_reject_inet", "nft_objref",
           "nf_conntrack_netlink", "ipv6"]
APPLETS = ["sh", "mount", "mkdir", "echo", "sleep"]


def run(*argv, **kw):
    result = subprocess.run(argv, capture_output=True, text=True, **kw)
    if result.returncode:
        raise RuntimeError(f"{' '.join(map(str, argv))}: exit {result.returncode}\n{result.stdout}{result.stderr}")
    return result.stdout


def kernel_package():
    """What the meta-package stands for today, e.g. linux-image-6.1.0-56-cloud-amd64."""
    found = re.search(r"Depends: (linux-image-6\.1\.\S+)", run("apt-cache", "depends", META))
    if not found:
        raise RuntimeError(f"{META} names no 6.1 kernel: is this bookworm, and was apt-get update run?")
    return found[1]


def unpacked_kernel():
    """Directory of the unpacked package; downloaded once."""
    try:
        there = CACHE / kernel_package()
    except RuntimeError:
        cached = sorted(CACHE.glob("linux-image-6.1.*/boot"))
        if not cached:
            raise
        return cached[-1].parent
    if not (there / "boot").exists():
        work = CACHE / f"download-{os.getpid()}"
        shutil.rmtree(work, ignore_errors=True)
        (work / "x").mkdir(parents=True)
        run("apt-get", "-o", "APT::Sandbox::User=root", "download", there.name, cwd=work)
        run("dpkg-deb", "-x", next(work.glob("*.deb")), work / "x")
        run("depmod", "-b", work / "x", next((work / "x/lib/modules").iterdir()).name)
        shutil.rmtree(there, ignore_errors=True)
        (work / "x").rename(there)
        shutil.rmtree(work)
    return there


class Tree:
    """Files of an initramfs."""

    def __init__(self, path):
        self.path = path
        for d in ("bin", "proc", "sys", "dev", "run"):
            (path / d).mkdir(parents=True)

    def put(self, source, target):
        to = self.path / str(target).lstrip("/")
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, to)

    def program(self, source, name=None):
        """With the libraries that it is linked with."""
        self.put(source, Path("bin") / (name or Path(source).name))
        libraries = subprocess.run(["ldd", source], capture_output=True, text=True).stdout
        for library in re.findall(r"(/\S+)", libraries):
            if library != str(source) and not (self.path / library.lstrip("/")).exists():
                self.put(library, library)

    def modules(self, kernel, version):
        for name in MODULES:
            # Some are part of the kernel itself: nothing to load.
            lines = subprocess.run(["modprobe", "-d", kernel, "-S", version, "--show-depends", name], capture_output=True,
                                   text=True).stdout
            for path in re.findall(r"^insmod (\S+)", lines, re.M):
                inside = Path("lib/modules") / path.split("/lib/modules/", 1)[1]
                if not (self.path / inside).exists():
                    self.put(path, inside)
        for name in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
            self.put(kernel / "lib/modules" / version / name, f"lib/modules/{version}/{name}")
        run("depmod", "-b", self.path, version)


def initramfs(kernel, work):
    version = next((kernel / "lib/modules").iterdir()).name
    tree = Tree(work / "tree")
    tree.program("/bin/busybox")
    for applet in APPLETS:
        (tree.path / "bin" / applet).symlink_to("busybox")
    tree.program(shutil.which("ip"))
    tree.program(shutil.which("kmod") or "/bin/kmod", "modprobe")
    tree.program(binary("nft_guest"))
    tree.modules(kernel, version)
    tree.put(Path(__file__).with_name("init"), "init")
    out = work / "initrd"
    with open(out, "wb") as f:
        names = subprocess.run(["find", "."], cwd=tree.path, capture_output=True, check=True).stdout
        subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], cwd=tree.path, input=names, stdout=f, check=True)
    return out


def boot(work, timeout=120):
    """Runs the guest to its end; what it said and how long it took in seconds."""
    kernel = unpacked_kernel()
    image = next((kernel / "boot").glob("vmlinuz-*"))
    argv = ["qemu-system-x86_64", "-M", "microvm,acpi=off,rtc=on", "-accel", "tcg,thread=multi", "-cpu", "qemu64", "-smp", "2",
            "-m", "1024", "-kernel", image, "-initrd", initramfs(kernel, work), "-append",
            "console=ttyS0 quiet panic=-1 reboot=t", "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
            "-serial", "stdio"]
    began = time.monotonic()
    try:
        out = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             timeout=timeout).stdout
    except subprocess.TimeoutExpired as e:
        out = (e.stdout or b"") + b"\n(the guest did not end)"
    return out.decode(errors="replace"), time.monotonic() - began

"""`--qemu 11.1`: a QEMU version from the distribution's own archives, run from a cache folder.

Nothing is installed and nothing needs root: apt works with a private configuration (own lists, an empty package
status, the machine's own mirror and keys), the packages and all that they depend on are unpacked beside each other,
and QEMU is started through the C library that came with it.
"""

import fcntl
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from . import qemu
from .status import Stop

VERSION = re.compile(r"\d+\.\d+(\.\d+)?$")
PACKAGE = "qemu-system-x86"

# Suites to look in, per distribution, in the order in which they are asked. "+" stands for a suite that only adds to
# the one before it, so that both are needed.
SUITES = {
    "debian": ["bookworm", "+bookworm-backports", "trixie", "+trixie-backports", "forky", "sid"],
    "ubuntu": ["jammy", "noble", "questing", "resolute"],
}
COMPONENTS = {"debian": "main", "ubuntu": "main universe"}
KEYRING = "/usr/share/keyrings/{}-archive-keyring.gpg"


def is_version(text):
    """A version rather than a path: digits and dots, and no file of that name."""
    return VERSION.match(text) is not None and not os.path.exists(text)


def find(version):
    """The emulator of that version; fetches it first where it is not in the cache."""
    folder = cache() / f"qemu-{version}"
    if not folder.is_dir():
        _fetch(version, folder)
    return qemu.start(_argv(folder), f"QEMU {version} in {folder}")


def cache():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return pathlib.Path(base) / "portcullis"


def _argv(folder):
    """How an unpacked QEMU is started: its own loader, its own libraries, its own firmware."""
    loader = next((p for p in (folder / "lib64/ld-linux-x86-64.so.2", folder / "usr/lib64/ld-linux-x86-64.so.2")
                   if p.exists()), None)
    program = folder / "usr/bin" / qemu.NAME
    if loader is None or not program.exists():
        raise Stop(f"{folder} is not complete; remove it, and it is fetched again.")
    libraries = [folder / p for p in ("usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu", "usr/lib")]
    # Without this variable it would load the modules of the system's QEMU.
    argv = ["/usr/bin/env", f"QEMU_MODULE_DIR={folder}/usr/lib/x86_64-linux-gnu/qemu",
            str(loader), "--library-path", ":".join(str(p) for p in libraries if p.is_dir()),
            str(program)]
    for data in ("usr/share/qemu", "usr/share/seabios", "usr/lib/ipxe/qemu"):
        if (folder / data).is_dir():
            argv += ["-L", str(folder / data)]
    return argv


def _fetch(version, folder):
    """Fills the folder, complete or not at all; two runs at once do the work once."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.parent / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.is_dir():
            return
        print(f"Fetching QEMU {version} from the distribution's archives into {folder} ...", flush=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix="fetch-") as work:
            unpacked = pathlib.Path(work) / "root"
            unpacked.mkdir()
            for package in _download(version, pathlib.Path(work)):
                _run(["dpkg-deb", "-x", str(package), str(unpacked)], "A package could not be unpacked")
                package.unlink()
            unpacked.rename(folder)


def _download(version, work):
    """The package files of that version and of everything that it needs."""
    offers = {}
    mirror, distribution, codename = _home()
    for suites in _places(distribution, codename):
        apt = _Apt(work / suites[-1], mirror, distribution, suites)
        if not apt.update():
            continue
        for full in apt.versions():
            offers.setdefault(_upstream(full), suites[-1])
            if _matches(_upstream(full), version):
                return apt.download(full)
    there = ", ".join(f"{v} ({suite})" for v, suite in offers.items()) or "none that could be reached"
    raise Stop(f"--qemu {version}: the archives do not have it; there is: {there}.")


def _home():
    """(mirror, distribution, codename) of this machine; the mirror is the one that its apt uses."""
    release = {}
    try:
        with open("/etc/os-release", encoding="utf-8") as file:
            release = dict(line.rstrip().split("=", 1) for line in file if "=" in line)
    except OSError:
        pass
    codename = release.get("VERSION_CODENAME", "").strip('"')
    distribution = release.get("ID", "").strip('"')
    if distribution not in SUITES or not shutil.which("apt-get"):
        raise Stop("--qemu with a version needs Debian or Ubuntu; name the path of a QEMU instead.")
    targets = _run(["apt-get", "indextargets", "--format", "$(REPO_URI)|$(RELEASE)|$(COMPONENT)"],
                   "apt does not tell its mirrors")
    for line in targets.splitlines():
        uri, suite, component = line.split("|")
        if (suite, component) == (codename, "main"):
            return uri, distribution, codename
    raise Stop(f"This machine's apt configuration has no mirror for {codename}.")


def _places(distribution, codename):
    """Lists of suites that belong together, from this machine's release on: [[a], [a, a-backports], [b], ...]."""
    order = SUITES[distribution]
    places, base = [], None
    for suite in order[order.index(codename) if codename in order else 0:]:
        if suite.startswith("+"):
            places.append([base, suite[1:]])
        else:
            base = suite
            places.append([suite])
    return places


def _upstream(full):
    """1:10.0.13+ds-0+deb13u1 is 10.0.13."""
    return re.sub(r"^\d+:", "", full).partition("+")[0].partition("-")[0]


def _matches(upstream, version):
    return upstream == version or upstream.startswith(version + ".")


class _Apt:
    """apt on a state of its own, in which nothing is installed."""

    def __init__(self, folder, mirror, distribution, suites):
        self.folder, self.suites = folder, suites
        for part in ("state/lists/partial", "cache/archives/partial", "etc/parts"):
            (folder / part).mkdir(parents=True)
        (folder / "status").touch()
        keyring = KEYRING.format(distribution)
        signed = f"[signed-by={keyring}] " if os.path.exists(keyring) else ""
        lines = [f"deb {signed}{mirror} {suite} {COMPONENTS[distribution]}\n" for suite in suites]
        (folder / "etc/sources.list").write_text("".join(lines), encoding="utf-8")
        settings = {"Dir::State": "state", "Dir::State::status": "status", "Dir::Cache": "cache",
                    "Dir::Etc::sourcelist": "etc/sources.list", "Dir::Etc::sourceparts": "etc/parts",
                    "Dir::Etc::preferencesparts": "etc/parts", "Dir::Etc::preferences": "etc/none"}
        self.options = [f"-o{key}={folder / value}" for key, value in settings.items()]
        self.options += ["-oAPT::Sandbox::User=", "-oAPT::Architecture=amd64", "-oAPT::Architectures::=amd64",
                         "-oAPT::Install-Recommends=false", "-oDebug::NoLocking=true"]

    def update(self):
        """Reads the lists; False where the mirror does not have these suites."""
        done = subprocess.run(["apt-get", *self.options, "-oAPT::Update::Error-Mode=any", "update"], check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return done.returncode == 0

    def versions(self):
        """Full versions of QEMU in the last of the suites, newest first."""
        table = _run(["apt-cache", *self.options, "madison", PACKAGE], "apt does not list versions")
        rows = [[part.strip() for part in line.split("|")] for line in table.splitlines()]
        return [row[1] for row in rows if len(row) == 3 and f" {self.suites[-1]}/" in " " + row[2]]

    def download(self, full):
        _run(["apt-get", *self.options, "-y", "-t", self.suites[-1], "--download-only", "install", f"{PACKAGE}={full}"],
             f"{PACKAGE} {full} could not be fetched")
        return sorted((self.folder / "cache/archives").glob("*.deb"))


def _run(argv, trouble):
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode:
        last = (done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no reason given"])[-1]
        raise Stop(f"{trouble}: {last}")
    return done.stdout.decode("utf-8", "replace")

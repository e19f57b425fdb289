"""Packages of the distribution's own archives, unpacked into a cache folder.

Nothing is installed and nothing needs root: apt works with a private configuration (own lists, an empty package
status, the machine's own mirror and keys), and the packages and all that they depend on are unpacked beside each other.
What could change the machine (other QEMUs, Xen, kernels) comes here and nowhere else.
"""

import fcntl
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from .status import Stop

# Suites to look in, per distribution, in the order in which they are asked. "+" stands for a suite that only adds to
# the one before it, so that both are needed.
SUITES = {
    "debian": ["bookworm", "+bookworm-backports", "trixie", "+trixie-backports", "forky", "sid"],
    "ubuntu": ["jammy", "noble", "questing", "resolute"],
}
COMPONENTS = {"debian": "main", "ubuntu": "main universe"}
KEYRING = "/usr/share/keyrings/{}-archive-keyring.gpg"


def cache():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return pathlib.Path(base) / "portcullis"


def fill(folder, what, download):
    """Fills a folder of the cache, completely or not at all; two runs at once do the work once.

    download(work) fetches packages below that folder and returns their files.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.parent / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.is_dir():
            return
        print(f"Fetching {what} from the distribution's archives into {folder} ...", flush=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix="fetch-") as work:
            unpacked = pathlib.Path(work) / "root"
            unpacked.mkdir()
            for package in download(pathlib.Path(work)):
                run(["dpkg-deb", "-x", str(package), str(unpacked)], "A package could not be unpacked")
                package.unlink()
            unpacked.rename(folder)


def program(folder, path):
    """How an unpacked program is started: by its own loader, with its own libraries."""
    loader = next((p for p in (folder / "lib64/ld-linux-x86-64.so.2", folder / "usr/lib64/ld-linux-x86-64.so.2")
                   if p.exists()), None)
    if loader is None or not (folder / path).exists():
        raise Stop(f"{folder} is not complete; remove it, and it is fetched again.")
    libraries = [folder / p for p in ("usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu", "usr/lib")]
    return [str(loader), "--library-path", ":".join(str(p) for p in libraries if p.is_dir()), str(folder / path)]


def own(work, option):
    """apt for the suite of this machine's own release; option is what the user asked for, in sentences."""
    mirror, distribution, codename = home(*option)
    apt = Apt(work / codename, mirror, distribution, [codename])
    if not apt.update():
        raise Stop(f"apt cannot read the lists of {codename}.")
    return apt


def home(option="--qemu with a version", instead="name the path of a QEMU instead"):
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
        raise Stop(f"{option} needs Debian or Ubuntu; {instead}.")
    targets = run(["apt-get", "indextargets", "--format", "$(REPO_URI)|$(RELEASE)|$(COMPONENT)"],
                   "apt does not tell its mirrors")
    for line in targets.splitlines():
        uri, suite, component = line.split("|")
        if (suite, component) == (codename, "main"):
            return uri, distribution, codename
    raise Stop(f"This machine's apt configuration has no mirror for {codename}.")


def upstream(full):
    """1:10.0.13+ds-0+deb13u1 is 10.0.13."""
    return re.sub(r"^\d+:", "", full).partition("+")[0].partition("-")[0]


class Apt:
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

    def names(self, prefix):
        """Names of the packages that begin so."""
        return run(["apt-cache", *self.options, "pkgnames", prefix], "apt does not list names").split()

    def versions(self, package):
        """Full versions of a package in the last of the suites, newest first."""
        table = run(["apt-cache", *self.options, "madison", package], "apt does not list versions")
        rows = [[part.strip() for part in line.split("|")] for line in table.splitlines()]
        return [row[1] for row in rows if len(row) == 3 and f" {self.suites[-1]}/" in " " + row[2]]

    def download(self, *packages):
        """Files of these packages (NAME or NAME=VERSION) and of all that they depend on."""
        run(["apt-get", *self.options, "-y", "-t", self.suites[-1], "--download-only", "install", *packages],
            f"{' and '.join(packages)} could not be fetched")
        return sorted((self.folder / "cache/archives").glob("*.deb"))


def run(argv, trouble):
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode:
        last = (done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no reason given"])[-1]
        raise Stop(f"{trouble}: {last}")
    return done.stdout.decode("utf-8", "replace")

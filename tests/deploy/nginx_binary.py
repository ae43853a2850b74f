"""The nginx that the tests run: one that is installed, or Debian's, unpacked into the virtual environment.

As a program, which ``make test`` runs first, it sees to it that there is one.  It installs nothing: Debian's
package, once installed, would start to serve on port 80.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

OLDEST = (1, 22)
"""Older ones let a request pass that has both a Content-Length and a Transfer-Encoding."""

_FOLDER = Path(sys.prefix) / "nginx"


class NoNginx(Exception):
    """There is none that could be used; the text is one line that says what to do."""


def nginx_binary() -> Path:
    """Return the path of an nginx that is not too old. Raises NoNginx."""
    path = os.pathsep.join(
        [os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", f"{_FOLDER}/usr/sbin"]
    )
    for folder in path.split(os.pathsep):
        found = shutil.which("nginx", path=folder)
        if found and _version(found) >= OLDEST:
            return Path(found)
    oldest = ".".join(map(str, OLDEST))
    raise NoNginx(f"the tests need nginx {oldest} or newer, and neither found nor got one: please install it")


def bring() -> None:
    """Unpack Debian's package, if there is no nginx yet and there is an apt-get."""
    try:
        nginx_binary()
    except NoNginx:
        if shutil.which("apt-get"):
            _unpack_debians()


def _version(binary: str) -> tuple[int, ...]:
    try:
        said = subprocess.run([binary, "-v"], capture_output=True, text=True, check=True).stderr
    except (OSError, subprocess.CalledProcessError):  # a library that it needs is missing
        return ()
    found = re.search(r"nginx/(\d+)\.(\d+)", said)
    return tuple(map(int, found.groups())) if found else ()


def _unpack_debians() -> None:
    with TemporaryDirectory(dir=sys.prefix) as folder:
        lists = Path(folder, "lists")
        (lists / "partial").mkdir(parents=True)
        # Used if the machine's own lists are missing or too old: only root may renew those.
        own_lists = ("-o", f"Dir::State::Lists={lists}", "-o", f"Dir::Cache={folder}/cache")
        if _apt_get(folder, "download", "nginx") or (
            _apt_get(folder, *own_lists, "update") and _apt_get(folder, *own_lists, "download", "nginx")
        ):
            (package,) = Path(folder).glob("nginx_*.deb")
            subprocess.run(["dpkg-deb", "--extract", package, _FOLDER], check=True)


def _apt_get(folder: str, *words: str) -> bool:
    # As root, apt-get would download as a user of its own, who can't write here.
    command = ["apt-get", "--quiet", "--quiet", "-o", "APT::Sandbox::User=root", *words]
    return subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=False).returncode == 0


if __name__ == "__main__":
    bring()
    try:
        nginx_binary()
    except NoNginx as missing:
        sys.exit(f"vibekeys: {missing}")

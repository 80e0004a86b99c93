"""Runs what a unit starts the way systemd would, as far as that can be done without systemd: as the unit's user, with its
rights, its limits and its view of the files, made out of mounts in a name space of its own. What a unit forbids of the
system calls is not forbidden here; strace notes every call that the program makes, and `offences` holds them against the
unit afterwards."""

import ctypes
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

PATIENCE_S = 60


def read_unit(path):
    """The settings of a unit in their order: the sum of what is said, unless an empty value begins anew."""
    settings = {}
    for line in Path(path).read_text().splitlines():
        if line and not line.startswith(("#", "[")):
            key, _, value = line.partition("=")
            before = settings.get(key, []) if value else []
            settings[key] = [*before, value] if value else []
    return settings


def words(settings, key):
    return [word for value in settings.get(key, []) for word in value.split()]


# What systemd does to the files, before the program is started in the root that is named first. Each line is a setting.
VIEW = """
set -e
root=$1 state=$2
mount --bind "$root" "$root"
mount -o remount,bind,ro,noexec "$root"                                         # ProtectSystem=strict, NoExecPaths=/
for path in $EXECUTABLE; do
    [ -e "$root$path" ] && [ ! -L "$root$path" ] || continue
    mount --bind "$root$path" "$root$path" && mount -o remount,bind,ro,exec "$root$path"
done
mount --bind "$root$state" "$root$state" && mount -o remount,bind,rw,noexec "$root$state"
mount -t tmpfs -o mode=1777 tmp "$root/tmp"                                     # PrivateTmp=yes
mount -t proc -o "ro,hidepid=invisible$PROC" proc "$root/proc"                  # ProtectProc=invisible, ProcSubset
if [ "$HOMES" = yes ]; then                                                     # ProtectHome=yes
    for home in /home /root; do mount -t tmpfs -o mode=000 none "$root$home"; done
fi
ulimit -n "$FILES" 2>/dev/null || ulimit -n "$(ulimit -Hn)"                      # LimitNOFILE, as far as it goes here
umask "$MASK"
shift 2
exec strace --follow-forks --quiet=all --output="$TRACE" -- "$@"
"""
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 24, 38


def become(root, number, group, *program):
    """Gives up everything that the unit does not leave, and becomes the program."""
    os.chroot(root)
    os.chdir("/")
    libc = ctypes.CDLL(None, use_errno=True)
    capability = 0
    while libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0:                # CapabilityBoundingSet=
        capability += 1
    os.setgroups([])
    os.setresgid(int(group), int(group), int(group))
    os.setresuid(int(number), int(number), int(number))
    if capability == 0 or libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:     # NoNewPrivileges=yes
        sys.exit("the rights could not be given up")
    os.execve(program[0], program, {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})


class Service:
    """A unit's program that runs."""

    def __init__(self, root, unit, log_folder):
        self.name, self.settings = Path(unit).stem, read_unit(f"{root}{unit}")
        self.noted = 0
        self.log, self.trace = Path(log_folder) / f"{self.name}.log", Path(log_folder) / f"{self.name}.trace"
        self.user = self.settings["User"][0]
        state = f"/var/lib/{self.settings['StateDirectory'][0]}"
        paths = [path.lstrip("-") for path in words(self.settings, "ExecPaths")]
        environment = {
            "PATH": os.environ["PATH"],
            "EXECUTABLE": " ".join(paths),
            "PROC": ",subset=pid" if self.settings.get("ProcSubset") == ["pid"] else "",
            "HOMES": self.settings["ProtectHome"][0],
            "FILES": self.settings["LimitNOFILE"][0],
            "MASK": self.settings["UMask"][0],
            "TRACE": str(self.trace),
        }
        entry = next(line for line in (Path(root) / "etc/passwd").read_text().splitlines() if line.startswith(f"{self.user}:"))
        number, group = entry.split(":")[2:4]
        become_it = [sys.executable, __file__, str(root), number, group, *self.settings["ExecStart"][0].split()]
        started = ["unshare", "--mount", "sh", "-c", VIEW, "sh", str(root), state, *become_it]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                started, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def runs(self):
        return self.process.poll() is None

    def said(self):
        return self.log.read_text(errors="replace")

    def program_id(self):
        """The process that strace watches: the program itself, once it is that."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return int(children[0]) if children else None

    def rights(self):
        """What the kernel says of whom it runs as, and of its rights."""
        told = dict(line.split(":", 1) for line in Path(f"/proc/{self.program_id()}/status").read_text().splitlines())
        numbers = {name: int(told[name], 16) for name in ("CapPrm", "CapEff", "CapBnd", "NoNewPrivs")}
        return {"Uid": told["Uid"], **numbers}

    def stop(self):
        """Asks it to end as systemd does, and gives its exit code."""
        if self.runs():
            os.kill(self.program_id(), signal.SIGTERM)
        try:
            return self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return None

    def offences(self):
        """What the program asked of the kernel that its unit forbids, each once."""
        calls = list(self.calls())
        allowed = allowed_calls(self.settings)
        families = set(words(self.settings, "RestrictAddressFamilies"))
        found = set()
        for name, arguments in calls:
            if name not in allowed:
                found.add(f"the system call {name}")
            family = re.match(r"AF_\w+", arguments)
            if name == "socket" and family and family.group() not in families:
                found.add(f"a socket of {family.group()}")
            made = re.search(r"PROT_\w+(\|PROT_\w+)*", arguments) if name in ("mmap", "mprotect") else None
            both = made and "PROT_EXEC" in made.group() and (name == "mprotect" or "PROT_WRITE" in made.group())
            if both and self.settings.get("MemoryDenyWriteExecute") == ["yes"]:
                found.add(f"{name} of memory that is written and executed")
            if name == "execve" and arguments.split(",")[0].strip('"') not in words(self.settings, "ExecPaths"):
                found.add(f"another program: {arguments}")
        self.noted = len(calls)
        if self.noted < 100:
            found.add(f"only {self.noted} system calls were noted")
        return sorted(found)

    def calls(self):
        """Each call with its arguments, from when the program itself was started on."""
        program, begun = self.settings["ExecStart"][0].split()[0], False
        for line in self.trace.read_text(errors="replace").splitlines():
            call = re.match(r"\d+\s+(\w+)\((.*)", line)
            if call:
                begun = begun or (call[1] == "execve" and call[2].startswith(f'"{program}"'))
                if begun:
                    yield call[1], call[2]


def allowed_calls(settings):
    """The system calls that a unit allows, of systemd's own lists."""
    told = subprocess.run(["systemd-analyze", "syscall-filter"], capture_output=True, text=True, check=True, timeout=PATIENCE_S)
    groups, group = {}, None
    for line in re.sub(r"\x1b\[[0-9;]*m", "", told.stdout).splitlines():
        if line.startswith("@"):
            group = groups.setdefault(line.strip(), [])
        elif group is not None and line.strip() and not line.strip().startswith("#"):
            group.append(line.strip())

    def members(name):
        return {call for member in groups[name] for call in members(member)} if name.startswith("@") else {name}

    # What every service needs to be started at all is allowed unless it is named.
    allowed = members("@default")
    for value in settings["SystemCallFilter"]:
        named = set().union(*(members(word) for word in value.lstrip("~").split()))
        allowed = allowed - named if value.startswith("~") else allowed | named
    return allowed


def until(what, condition, service=None):
    """Waits for something; what is not there yet may say so by an error of the connection."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            found = condition()
        except OSError:
            found = None
        if found:
            return found
        if service is not None and not service.runs():
            raise AssertionError(f"{service.name} ended before {what}; it said:\n{service.said()}")
        time.sleep(0.1)
    raise AssertionError(f"waited in vain for {what}" + (f"; {service.name} said:\n{service.said()}" if service else ""))


def owner_and_mode(path):
    """Who a file of another root belongs to is a number there; its mode is told with it."""
    status = os.stat(path)
    return status.st_uid, status.st_gid, status.st_mode & 0o7777


if __name__ == "__main__":
    become(*sys.argv[1:])

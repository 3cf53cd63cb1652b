"""Section C: out of the box, into the next job, to what is secret. Jobs print a line HOLE for what they got."""

# ruff: noqa: E501 (a line of an attack stays a line)

from abuse_cases import EXITED, FAILED, OUT_OF_TIME, REJECTED, SIGNALLED, BoxCase, VerdictCase
from abuse_projects import RIGHT
from cases_forging import small

SECRET_NAME, SECRET = "MOA_ABUSE_API_KEY", "sk-abuse-5e1b7c"
"""In the environment of the verifier while cases run: no job may find it."""

NONE = "0" * 16

# A system call by number, and how it must be refused.
CALLS = """
import ctypes, errno, os, platform
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
X86 = platform.machine() == "x86_64"

def refused(name, x86, arm, *args, by=(errno.EPERM, errno.ENOSYS)):
    number = x86 if X86 else arm
    if number is None: return
    ctypes.set_errno(0)
    answer = libc.syscall(number, *args)
    if answer != -1 or ctypes.get_errno() not in by:
        print("HOLE", name, answer, errno.errorcode.get(ctypes.get_errno()))
"""


def job(row, name, code, expected=EXITED, **rest):
    return BoxCase(row=row, name=name, code=code, expected=expected, **rest)


NETWORK = (
    job(
        44,
        "sockets",
        """
        import socket
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW):
            for family in (socket.AF_INET, socket.AF_INET6):
                try: socket.socket(family, kind); print("HOLE", family, kind)
                except OSError: pass
    """,
    ),
    job(
        44,
        "addresses",
        """
        import socket
        for host, port in (("1.1.1.1", 80), ("169.254.169.254", 80), ("172.17.0.1", 22), ("127.0.0.1", 2375), ("::1", 22), ("localhost", 80)):
            try: socket.create_connection((host, port), timeout=0.2); print("HOLE", host)
            except OSError: pass
        for name in ("example.com", "metadata.google.internal", "host.docker.internal"):
            try: print("HOLE", socket.getaddrinfo(name, 80))
            except OSError: pass
    """,
    ),
    job(
        44,
        "other-programs",
        """
        import subprocess
        for argv in (["sh", "-c", "exec 3<>/dev/tcp/1.1.1.1/80"], ["bash", "-c", "exec 3<>/dev/tcp/1.1.1.1/80"], ["ping", "-c1", "-W1", "1.1.1.1"],
                     ["getent", "hosts", "example.com"], ["curl", "-m1", "1.1.1.1"], ["wget", "-T1", "-q", "1.1.1.1"], ["ip", "link"]):
            try:
                done = subprocess.run(argv, capture_output=True, timeout=0.7)
                if done.returncode == 0: print("HOLE", argv)
            except (OSError, subprocess.TimeoutExpired): pass
    """,
    ),
    job(
        44,
        "interfaces",
        """
        try:
            rows = open("/proc/net/dev").read().splitlines()[2:]
            up = [r.split(":")[0].strip() for r in rows if r.split()[1] != "0"]
            if up: print("HOLE", up)
            if len(open("/proc/net/route").read().splitlines()) > 1: print("HOLE routes")
        except OSError: pass
    """,
    ),
    job(
        44,
        "the-other-abi",
        """
        import ctypes, mmap, os, platform
        if platform.machine() == "x86_64":
            libc = ctypes.CDLL(None, use_errno=True)
            if libc.syscall(0x40000000 + 41, 2, 1, 0) >= 0: print("HOLE x32")
            page = mmap.mmap(-1, 4096, prot=7)  # socket(AF_INET, SOCK_STREAM, 0) as i386 asks for it
            page.write(bytes.fromhex("53 b8 67 01 00 00 bb 02 00 00 00 b9 01 00 00 00 31 d2 cd 80 5b c3"))
            call = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
            if call() >= 0: print("HOLE i386")
    """,
        EXITED | SIGNALLED,
    ),
    small(
        44,
        "a-check-that-asks-the-network",
        "import socket\ntry:\n    socket.create_connection(('1.1.1.1', 53), timeout=1)\n"
        "    return x + 1\nexcept OSError:\n    return x - 1",
        expected=FAILED,
    ),
    job(
        45,
        "every-family",
        """
        import ctypes
        libc = ctypes.CDLL(None)
        for family in (0, *range(2, 64)):
            for kind in (1, 2, 3, 4, 5, 10):
                if libc.socket(family, kind, 0) >= 0: print("HOLE family", family, kind)
                pair = (ctypes.c_int * 2)()
                if libc.socketpair(family, kind, 0, pair) >= 0: print("HOLE pair", family, kind)
    """,
    ),
    job(
        45,
        "a-family-with-high-bits",
        """
        import ctypes, platform
        libc = ctypes.CDLL(None)
        number = 41 if platform.machine() == "x86_64" else 198
        for family in (2, 10, 16, 17, 38, 40):  # the kernel looks at the low half alone
            for high in (1 << 32, 0xffffffff << 32):
                if libc.syscall(number, ctypes.c_ulong(high | family), ctypes.c_ulong(1), 0) >= 0: print("HOLE", family)
                if libc.syscall(number, ctypes.c_ulong(high | family), ctypes.c_ulong(3), 0) >= 0: print("HOLE", family)
    """,
    ),
    job(
        45,
        "io-uring",
        CALLS.replace("\n", "\n        ")
        + """
        params = (ctypes.c_char * 256)()
        refused("io_uring_setup", 425, 425, 8, params)
        refused("io_uring_enter", 426, 426, 0, 0, 0, 0, 0, 0)
        refused("io_uring_register", 427, 427, 0, 0, 0, 0)
        refused("io_setup", 206, 0, 8, params)
    """,
    ),
    job(
        46,
        "sockets-in-folders",
        """
        import os, socket, stat, sys
        for root, folders, names in os.walk("/"):
            folders[:] = [f for f in folders if os.path.join(root, f) not in ("/proc", "/sys", "/usr", "/lib", "/opt/moa/lib", sys.base_prefix)]
            for name in names:
                path = os.path.join(root, name)
                try:
                    if stat.S_ISSOCK(os.lstat(path).st_mode): print("HOLE", path)
                except OSError: pass
        for path in ("/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock", "/run/dbus/system_bus_socket", "/run/user/0/bus"):
            try: socket.socket(socket.AF_UNIX).connect(path); print("HOLE", path)
            except OSError: pass
    """,
    ),
    job(
        46,
        "abstract-sockets",
        """
        import socket
        try: rows = open("/proc/net/unix").read().splitlines()[1:]
        except OSError: rows = []
        for row in rows:
            if "@" in row: print("HOLE", row)
        for name in ("/tmp/dbus-x", "/tmp/.X11-unix/X0", "docker", "/containerd-shim/x.sock"):
            try: socket.socket(socket.AF_UNIX).connect("\\0" + name); print("HOLE", name)
            except OSError: pass
    """,
    ),
    job(
        46,
        "agents-in-the-environment",
        """
        import os
        for name in ("SSH_AUTH_SOCK", "DBUS_SESSION_BUS_ADDRESS", "DOCKER_HOST", "XDG_RUNTIME_DIR", "GPG_AGENT_INFO", "WAYLAND_DISPLAY", "DISPLAY"):
            if name in os.environ: print("HOLE", name)
        for fd in os.listdir("/proc/self/fd"):
            try: to = os.readlink("/proc/self/fd/" + fd)
            except OSError: continue
            if to.startswith("socket:"): print("HOLE", fd, to)
    """,
    ),
)
KERNEL = (
    job(
        47,
        "namespaces",
        CALLS.replace("\n", "\n        ")
        + """
        refused("unshare time", 272, 97, 0x80)
        for flag in (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000):
            refused(f"unshare {flag:x}", 272, 97, flag)
            refused(f"clone {flag:x}", 56, 220, flag | 17, 0, 0, 0, 0)
        for kind in ("mnt", "net", "user", "pid", "ipc", "uts"):
            try: fd = os.open(f"/proc/1/ns/{kind}", os.O_RDONLY); print("HOLE ns", kind)
            except OSError: fd = os.open(f"/proc/self/ns/{kind}", os.O_RDONLY)
            refused("setns", 308, 268, fd, 0)
        refused("clone3", 435, 435, (ctypes.c_ulong * 11)(0x10000000), 88)
    """,
    ),
    job(
        47,
        "mounts",
        CALLS.replace("\n", "\n        ")
        + """
        refused("mount", 165, 40, b"none", b"/tmp", b"tmpfs", 0, 0)
        refused("mount bind", 165, 40, b"/box", b"/tmp", 0, 4096, 0)
        refused("mount remount", 165, 40, 0, b"/", 0, 32, 0)
        refused("umount2", 166, 39, b"/proc", 2)
        refused("pivot_root", 155, 41, b"/tmp", b"/tmp")
        refused("chroot", 161, 51, b"/tmp")
        for name, number in (("open_tree", 428), ("move_mount", 429), ("fsopen", 430), ("fsconfig", 431), ("fsmount", 432), ("fspick", 433), ("mount_setattr", 442)):
            refused(name, number, number, 0, 0, 0, 0, 0)
        refused("swapon", 167, 224, b"/tmp/x", 0)
        refused("quotactl", 179, 60, 0, 0, 0, 0)
    """,
    ),
    job(
        47,
        "other-processes",
        CALLS.replace("\n", "\n        ")
        + """
        vector = (ctypes.c_size_t * 2)(0, 0)
        for pid in (1, os.getppid()):
            refused("ptrace attach", 101, 117, 16, pid, 0, 0)
            refused("ptrace seize", 101, 117, 0x4206, pid, 0, 0)
            refused("process_vm_readv", 310, 270, pid, vector, 1, vector, 1, 0)
            refused("process_vm_writev", 311, 271, pid, vector, 1, vector, 1, 0)
            refused("kcmp", 312, 272, pid, pid, 0, 0, 0)
            try: fd = os.pidfd_open(pid)
            except OSError: fd = -1
            refused("pidfd_getfd", 438, 438, fd, 0, 0)
            refused("process_madvise", 440, 440, fd, 0, 0, 0, 0)
            refused("move_pages", 279, 239, pid, 0, 0, 0, 0, 0)
        refused("ptrace traceme", 101, 117, 0, 0, 0, 0)
        refused("perf_event_open", 298, 241, (ctypes.c_char * 128)(), 0, -1, -1, 0)
        refused("bpf", 321, 280, 0, (ctypes.c_char * 128)(), 128)
        refused("userfaultfd", 323, 282, 0)
        refused("userfaultfd user mode", 323, 282, 1)
    """,
    ),
    job(
        47,
        "keys-and-queues",
        CALLS.replace("\n", "\n        ")
        + """
        refused("add_key", 248, 217, b"user", b"x", b"y", 1, -4)
        refused("request_key", 249, 218, b"user", b"x", 0, -4)
        refused("keyctl", 250, 219, 0, -4, 1)
        refused("mq_open", 240, 180, b"x", 0o102, 0o600, 0)
        refused("shmget", 29, 194, 0, 4096, 0o1600)
        refused("semget", 64, 190, 0, 1, 0o1600)
        refused("msgget", 68, 186, 0, 0o1600)
        refused("vmsplice", 278, 75, 1, 0, 0, 0)
        refused("memfd_secret", 447, 447, 0)
    """,
    ),
    job(
        47,
        "the-machine",
        CALLS.replace("\n", "\n        ")
        + """
        refused("reboot", 169, 142, 0, 0, 0, 0)
        refused("kexec_load", 246, 104, 0, 0, 0, 0)
        refused("init_module", 175, 105, 0, 0, b"")
        refused("finit_module", 313, 273, -1, b"", 0)
        refused("delete_module", 176, 106, b"x", 0)
        refused("settimeofday", 164, 170, (ctypes.c_long * 2)(0, 0), 0)
        refused("clock_settime", 227, 112, 0, (ctypes.c_long * 2)(0, 0))
        refused("adjtimex", 159, 171, (ctypes.c_char * 512)())
        refused("sethostname", 170, 161, b"x", 1)
        refused("setdomainname", 171, 162, b"x", 1)
        refused("iopl", 172, None, 3)
        refused("ioperm", 173, None, 0, 1, 1)
        refused("modify_ldt", 154, None, 0, 0, 0)
        refused("acct", 163, 89, b"/tmp/x")
        refused("syslog", 103, 116, 3, (ctypes.c_char * 64)(), 64)
        refused("fanotify_init", 300, 262, 0, 0)
        refused("open_by_handle_at", 304, 265, 0, 0, 0)
        refused("name_to_handle_at", 303, 264, -100, b"/", 0, 0, 0)
        refused("lookup_dcookie", 212, 18, 0, 0, 0)
        refused("personality", 135, 92, 0x0040000)
        refused("personality read implies exec", 135, 92, 0x0400000)
        refused("vhangup", 153, 58)
        refused("nfsservctl", 180, 42, 0, 0, 0)
    """,
    ),
    job(
        47,
        "a-filter-of-its-own",
        """
        import ctypes, os, struct
        libc = ctypes.CDLL(None, use_errno=True)
        code = b"".join(struct.pack("HBBI", *row) for row in ((0x20, 0, 0, 0), (0x15, 0, 1, 231), (0x06, 0, 0, 0x50000), (0x06, 0, 0, 0x7fff0000)))
        text = ctypes.create_string_buffer(code)
        program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", 4, ctypes.addressof(text)))
        libc.prctl(22, 2, program, 0, 0)
        os._exit(0)  # refused by its own filter, where it took: the library then tries for ever
    """,
        EXITED | SIGNALLED | OUT_OF_TIME,
        limits={"cpu_s": 0.5, "wall_s": 1.0},
    ),
    job(
        47,
        "undoing-the-walls",
        """
        import ctypes, resource
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(38, 0, 0, 0, 0) == 0: print("HOLE no_new_privs")
        if libc.prctl(39, 0, 0, 0, 0) != 1: print("HOLE no_new_privs is off")
        for option in (23, 24):
            for capability in range(41):
                if option == 23 and libc.prctl(23, capability, 0, 0, 0) == 1 and libc.prctl(47, 2, capability, 0, 0) == 0: print("HOLE ambient", capability)
        for kind in ("CPU", "FSIZE", "NPROC", "NOFILE", "CORE", "MEMLOCK", "MSGQUEUE"):
            number = getattr(resource, "RLIMIT_" + kind)
            soft, hard = resource.getrlimit(number)
            try: resource.setrlimit(number, (hard + 1, hard + 1)); print("HOLE raised", kind)
            except (OSError, ValueError): pass
    """,
    ),
    job(
        48,
        "setuid-files",
        """
        import os, stat, subprocess
        for folder in ("/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/libexec", "/usr/lib/openssh"):
            for name in os.listdir(folder) if os.path.isdir(folder) else ():
                try:
                    info = os.lstat(os.path.join(folder, name))
                    if stat.S_ISREG(info.st_mode) and info.st_mode & 0o6000 and not os.statvfs(folder).f_flag & os.ST_NOSUID: print("HOLE set-id", folder, name)
                except OSError: pass
        for argv in (["su", "-c", "id -u"], ["mount", "-t", "tmpfs", "none", "/tmp"], ["newuidmap", str(os.getpid()), "0", "0", "1"],
                     ["sudo", "-n", "id"], ["pkexec", "id"], ["unshare", "-Ur", "id"], ["bwrap", "--ro-bind", "/", "/", "id"], ["chsh", "-s", "/bin/sh"]):
            try:
                done = subprocess.run(argv, capture_output=True, timeout=2, stdin=subprocess.DEVNULL)
                if done.returncode == 0: print("HOLE", argv, done.stdout)
            except (OSError, subprocess.TimeoutExpired): pass
    """,
    ),
    job(
        48,
        "becoming-another",
        """
        import os
        me = os.getresuid()
        for other in (0, 1, me[0] - 1, me[0] + 1, 1000):
            for act in (lambda: os.setuid(other), lambda: os.setresuid(other, other, other), lambda: os.setgid(other), lambda: os.setgroups([other]),
                        lambda: os.chown("pack/code.py", other, other), lambda: os.seteuid(other)):
                try: act(); print("HOLE", other, os.getresuid())
                except OSError: pass
        import ctypes
        libc = ctypes.CDLL(None)
        libc.setfsuid(0)
        if libc.setfsuid(-1) != me[0]: print("HOLE fsuid")
        text = open("/proc/self/status").read()
        for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            if int(text.split(name + ":")[1].split()[0], 16): print("HOLE", name)
    """,
    ),
    job(
        48,
        "what-it-is-left-with",
        """
        for line in open("/proc/self/status"):
            if line.startswith(("CapPrm", "CapEff", "CapAmb", "NoNewPrivs", "Seccomp:", "Groups")): print(*line.split())
    """,
        says=f"Groups:\nCapPrm: {NONE}\nCapEff: {NONE}\nCapAmb: {NONE}\nNoNewPrivs: 1\nSeccomp: 2\n",
    ),
    job(
        48,
        "a-setuid-file-of-its-own",
        """
        import os, shutil, subprocess
        for folder in (".", "/tmp", "/dev/shm", os.environ["HOME"]):
            path = os.path.join(folder, "moa-left-sh")
            try:
                shutil.copy("/bin/sh", path); os.chmod(path, 0o6755)
                done = subprocess.run([path, "-c", "id -u"], capture_output=True, text=True)
                if done.stdout.strip() == "0": print("HOLE root through", path)
            except OSError: pass
    """,
    ),
    job(
        49,
        "kernel-files",
        """
        import os
        for path in ("/proc/kcore", "/dev/kmsg", "/dev/mem", "/dev/kmem", "/dev/port", "/proc/kpagemap", "/proc/kmsg", "/proc/sched_debug",
                     "/sys/kernel/debug", "/sys/kernel/security", "/proc/1/environ", "/proc/1/maps", "/proc/1/mem", "/proc/1/stack", "/proc/acpi"):
            try:
                got = os.listdir(path) if os.path.isdir(path) else open(path, "rb").read(1)
                if got: print("HOLE read", path)
            except OSError: pass
        try:
            if any(int(line.split()[0], 16) for line in open("/proc/kallsyms").read(4096).splitlines()[:20]): print("HOLE kallsyms")
        except (OSError, IndexError): pass
    """,
    ),
    job(
        49,
        "kernel-settings",
        """
        import os
        for path in ("/proc/sysrq-trigger", "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sys/vm/drop_caches", "/proc/self/oom_adj",
                     "/sys/kernel/uevent_helper", "/proc/sys/kernel/hostname", "/proc/1/oom_score_adj", "/proc/irq/0/smp_affinity", "/sys/power/state"):
            if path.endswith("oom_adj"): continue
            try: os.close(os.open(path, os.O_WRONLY)); print("HOLE write", path)
            except OSError: pass
        for root in ("/sys", "/proc/sys", "/proc/irq", "/proc/bus", "/proc/fs"):
            for folder, _, names in os.walk(root):
                for name in names:
                    path = os.path.join(folder, name)
                    if os.access(path, os.W_OK):
                        try:
                            with open(path) as file: there = file.read()
                            with open(path, "w") as file: file.write(there)  # opening alone gains nothing
                            print("HOLE write", path)
                        except (OSError, ValueError): pass
    """,
    ),
    job(
        49,
        "cgroups",
        """
        import os
        for root, folders, names in os.walk("/sys/fs/cgroup"):
            for name in ("release_agent", "cgroup.procs", "tasks", "notify_on_release", "memory.max", "pids.max", "cgroup.kill", "memory.limit_in_bytes", "devices.allow"):
                try: os.close(os.open(os.path.join(root, name), os.O_WRONLY)); print("HOLE", root, name)
                except OSError: pass
            try: os.mkdir(os.path.join(root, "moa-left")); print("HOLE made a group in", root)
            except OSError: pass
    """,
    ),
    job(
        49,
        "devices",
        """
        import os, stat
        known = {"null", "zero", "full", "random", "urandom", "tty", "ptmx", "console"}
        for folder, folders, names in os.walk("/dev"):
            for name in names:
                path = os.path.join(folder, name)
                try: mode = os.lstat(path).st_mode
                except OSError: continue
                if (stat.S_ISBLK(mode) or stat.S_ISCHR(mode)) and name not in known and not folder.startswith("/dev/pts"): print("HOLE", path)
        for major, minor in ((1, 1), (1, 11), (8, 0), (10, 200), (10, 229), (253, 0)):
            try: os.mknod(f"d{major}-{minor}", 0o20600, os.makedev(major, minor)); print("HOLE made", major, minor)
            except OSError: pass
            try: os.mknod(f"b{major}-{minor}", 0o60600, os.makedev(major, minor)); print("HOLE made block", major, minor)
            except OSError: pass
    """,
    ),
    job(
        49,
        "the-box-itself",
        """
        import os
        for path in ("/", "/box", "/box/trees", "/box/job", "/opt/moa", "/opt/moa/box/server.py", "/etc/passwd", "/etc/ld.so.preload", "/usr/bin", "/usr/lib", "/bin/sh",
                     "/opt/moa/bin/ruff", "/opt/moa/lib", "/opt/moa/box"):
            for act in (lambda: os.rename(path, path + "x"), lambda: os.chmod(path, 0o777), lambda: os.rmdir(path), lambda: os.unlink(path),
                        lambda: os.close(os.open(path, os.O_WRONLY)), lambda: os.close(os.open(path + "/moa-left", os.O_WRONLY | os.O_CREAT)), lambda: os.chown(path, os.getuid(), -1)):
                try: act(); print("HOLE did", path)
                except OSError: pass
        try: print("HOLE", os.listdir("/box/trees"))
        except PermissionError: pass
    """,
    ),
)
SECRETS = (
    job(
        50,
        "environment",
        f"""
        import os
        allowed = {{"PATH", "HOME", "TMPDIR", "LANG", "LC_CTYPE", "TZ", "PYTHONDONTWRITEBYTECODE", "PYTHONHASHSEED", "PYTEST_DISABLE_PLUGIN_AUTOLOAD", "PWD", "PYTHONNOUSERSITE"}}
        for name, value in os.environ.items():
            if name not in allowed or {SECRET!r} in value: print("HOLE", name, value)
        for pid in [p for p in os.listdir("/proc") if p.isdigit() and int(p) != os.getpid()]:
            try:
                if {SECRET!r}.encode() in open(f"/proc/{{pid}}/environ", "rb").read() + open(f"/proc/{{pid}}/cmdline", "rb").read(): print("HOLE", pid)
            except OSError: pass
    """,
    ),
    job(
        50,
        "files",
        """
        import os
        names = {".netrc", ".git-credentials", ".gitconfig", ".bash_history", ".zsh_history", ".python_history", ".aws", ".ssh", ".docker", ".config", ".npmrc", ".pypirc",
                 ".kube", ".gnupg", "credentials", "id_rsa", "id_ed25519", "token", "moa-code.toml", "journal.sqlite"}
        for root, folders, files in os.walk("/"):
            folders[:] = [f for f in folders if os.path.join(root, f) not in ("/proc", "/sys", "/usr", "/lib", "/opt/moa/lib") and f != "site-packages" and "/lib/python3" not in root]
            for name in names & {*files, *folders}:
                path = os.path.join(root, name)
                if os.access(path, os.R_OK) and not path.startswith("/opt"): print("HOLE", path)
        if os.listdir(os.environ["HOME"]): print("HOLE home", os.listdir(os.environ["HOME"]))
    """,
    ),
    job(
        50,
        "git-and-other-tools",
        """
        import subprocess
        for argv in (["git", "config", "--list"], ["git", "log"], ["pip", "config", "list"], ["env"]):
            try:
                done = subprocess.run(argv, capture_output=True, text=True, timeout=2)
                if any(word in done.stdout.lower() for word in ("token", "password", "secret", "user.email", "sk-")): print("HOLE", argv, done.stdout)
            except (OSError, subprocess.TimeoutExpired): pass
    """,
    ),
    small(
        50,
        "a-check-that-looks",
        f"import os\nfor n, v in os.environ.items():\n    if 'KEY' in n or 'TOKEN' in n or {SECRET!r} in v:\n"
        "        return 'HOLE ' + n\nreturn x - 1",
        expected=FAILED,
    ),
)
LOOK = """
import fcntl, os, socket, sys
for folder in ("/tmp", "/dev/shm", "/var/tmp", "/run", os.environ["HOME"], os.environ["TMPDIR"], "/box/job", "/dev/mqueue"):
    try: found = os.listdir(folder)
    except OSError: continue
    if set(found) - {"tree", "home", "tmp"} and folder not in ("/run",): print("HOLE", folder, found)
if sorted(os.listdir(".")) != ["pack", "run.sh", "tests"]: print("HOLE", os.listdir("."))
for kind in ("shm", "sem", "msg"):
    try:
        if open(f"/proc/sysvipc/{kind}").read().count(chr(10)) > 1: print("HOLE", kind)
    except OSError: pass
for pid in [p for p in os.listdir("/proc") if p.isdigit() and int(p) != os.getpid()]:
    try:
        if os.stat("/proc/" + pid).st_uid: print("HOLE a process", open(f"/proc/{pid}/cmdline").read())
    except OSError: pass
try: socket.socket(socket.AF_UNIX).bind("\\0moa-left")
except OSError: print("HOLE the abstract name is taken")
fd = os.open("tests/test_code.py", os.O_RDONLY)
try: fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
except OSError: print("HOLE the lock is held")
for root, folders, files in os.walk("/"):
    folders[:] = [f for f in folders if os.path.join(root, f) not in ("/proc", "/sys", "/usr", "/lib", "/opt/moa/lib", sys.base_prefix, sys.prefix)]
    for name in files:
        if "moa-left" in name: print("HOLE", os.path.join(root, name))
    if "__pycache__" in folders and root.startswith(("/box", "/tmp")): print("HOLE pyc", root)
if open("pack/code.py").read() != "VALUE = 1" + chr(10): print("HOLE code.py")
"""


def left(name, code, **rest):
    return job(51, name, code, then=(LOOK,), sealed=("tests/",), **rest)


NEXT = (
    left(
        "folders",
        """
        import os
        for folder in ("/tmp", "/dev/shm", "/var/tmp", "/run", "/dev/mqueue", ".", os.environ["HOME"], os.environ["TMPDIR"], "tests", "pack", "/box", "/box/job", "/dev", "/proc/self", "/opt/moa", "/"):
            for name in ("moa-left", ".moa-left", "moa-left" + "\\u202e" * 20, "moa-left\\n"):
                try:
                    os.makedirs(f"{folder}/{name}/deep"); open(f"{folder}/{name}/deep/moa-left", "w").write("secret"); os.chmod(f"{folder}/{name}", 0)
                except OSError: pass
    """,
    ),
    left(
        "shared-memory-and-queues",
        """
        import ctypes, os
        libc = ctypes.CDLL(None, use_errno=True)
        libc.shmget(0x51, 4096, 0o1666); libc.semget(0x51, 1, 0o1666); libc.msgget(0x51, 0o1666)
        try: ctypes.CDLL("librt.so.1").mq_open(b"/moa-left", os.O_CREAT | os.O_RDWR, 0o666, None)
        except (OSError, AttributeError): pass
        fd = os.open("/dev/shm/moa-left", os.O_CREAT | os.O_RDWR); os.ftruncate(fd, 4096)
    """,
    ),
    left(
        "locks",
        """
        import fcntl, os, time
        for path in ("tests/test_code.py", "/opt/moa/box/server.py", "/tmp", "/dev/shm", "."):
            try: fd = os.open(path, os.O_RDONLY)
            except OSError: continue
            if os.fork() == 0:
                os.setsid()
                try: fcntl.flock(fd, fcntl.LOCK_EX)
                except OSError: pass
                time.sleep(1e6)
    """,
    ),
    left(
        "an-abstract-socket",
        """
        import os, socket
        server = socket.socket(socket.AF_UNIX); server.bind("\\0moa-left"); server.listen()
        if os.fork() == 0:
            os.setsid(); server.accept()
    """,
    ),
    left(
        "descriptors-in-flight",
        """
        import array, os, socket
        server = socket.socket(socket.AF_UNIX); server.bind("\\0moa-left"); server.listen()
        for _ in range(20):
            a, b = socket.socketpair()
            a.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [1, 2, a.fileno(), server.fileno()]))])
            del a, b
    """,
    ),
    left(
        "bytecode-and-user-site",
        """
        import compileall, os, site, sys
        sys.dont_write_bytecode = False
        compileall.compile_dir(".", quiet=2)
        home = os.environ["HOME"] + "/.local/lib/python3.%d/site-packages" % sys.version_info[1]
        os.makedirs(home); open(home + "/x.pth", "w").write("import os; os._exit(0)")
        for folder in ("/opt/moa/lib", *sys.path):
            try: open(folder + "/moa-left.pth", "w").write("import os; os._exit(0)")
            except OSError: pass
    """,
    ),
    left(
        "sealed-and-shared-files",
        """
        import os
        for path in ("tests/test_code.py", "tests", "pack/code.py", "run.sh", "pack"):
            for act in (lambda: os.utime(path, (1, 1)), lambda: os.setxattr(path, "user.x", b"y"), lambda: os.chmod(path, 0o777), lambda: os.truncate(path, 0),
                        lambda: os.link(path, "/tmp/moa-left"), lambda: os.unlink(path)):
                try: act()
                except OSError: pass
    """,
    ),
    left(
        "processes-of-every-kind",
        """
        import ctypes, os, signal, time
        for n in range(4):
            if os.fork() == 0:
                if n % 2: os.setsid()
                if n == 3: os.kill(os.getpid(), signal.SIGSTOP)
                signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65)); time.sleep(1e6)
    """,
    ),
    left(
        "a-clock-for-later",
        """
        import ctypes, os, signal
        libc = ctypes.CDLL(None)
        timer = ctypes.c_void_p(); libc.timer_create(1, None, ctypes.byref(timer))
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        signal.signal(signal.SIGALRM, signal.SIG_IGN); os.nice(19)
        try: os.sched_setaffinity(0, {0})
        except OSError: pass
    """,
    ),
)
TOOLS = (
    job(
        52,
        "tools-in-every-folder",
        """
        import os
        for folder in (".", "/tmp", os.environ["HOME"], "/usr/local/bin", "/usr/bin", "/opt/moa/bin", "tests", os.environ["HOME"] + "/bin", os.environ["HOME"] + "/.local/bin"):
            for name in ("ruff", "python", "python3", "sh", "pytest", "git", "env"):
                try:
                    os.makedirs(folder, exist_ok=True)
                    path = os.path.join(folder, name)
                    open(path, "w").write("#!/bin/sh\\nexit 0\\n"); os.chmod(path, 0o755)
                    if folder.startswith(("/usr", "/opt")): print("HOLE", path)
                except OSError: pass
        os.environ.update(LD_PRELOAD="/tmp/x.so", LD_LIBRARY_PATH="/tmp", LD_AUDIT="/tmp/x.so", PATH="/tmp", BASH_ENV="/tmp/x", ENV="/tmp/x", PYTHONPATH="/tmp")
        for path in ("/etc/ld.so.preload", "/etc/ld.so.conf", "/etc/profile", "/etc/environment"):
            try: open(path, "a").write("x"); print("HOLE", path)
            except OSError: pass
    """,
        then=(
            """
        import os, shutil
        for name in ("ruff", "python3", "sh"):
            if (shutil.which(name) or "").startswith(("/tmp", "/box", "/dev/shm", ".", os.environ["HOME"])): print("HOLE", name)
        if [n for n in os.environ if n.startswith(("LD_", "PYTHONPATH", "BASH_ENV"))]: print("HOLE environment")
    """,
        ),
    ),
    VerdictCase(
        row=52,
        name="tools-in-the-tree",
        expected=FAILED | REJECTED,
        files={
            "m.py": "def f(x):\n    return undefined_name\n",
            "ruff": "#!/bin/sh\nexit 0\n",
            "python3": "#!/bin/sh\nexit 0\n",
            "bin/ruff": "#!/bin/sh\nexit 0\n",
        },
        stops_at="lint",
    ),
    VerdictCase(
        row=52,
        name="a-library-in-the-tree",
        expected=REJECTED,
        stops_at="policy",
        files={"m.py": RIGHT, "evil.so": "x"},
    ),
    small(
        52,
        "a-check-that-changes-the-environment",
        before="import os\n\nos.environ.update(LD_PRELOAD='/tmp/x.so', PATH='.', PYTHONPATH='.', "
        "PYTHONHOME='/tmp')\nfor name in ('ruff', 'python', 'sh'):\n    with open('/tmp/' + name, 'w') as file:\n        file.write('#!/bin/sh\\nexit 0\\n')\n"
        "    os.chmod('/tmp/' + name, 0o755)",
        expected=FAILED,
    ),
    VerdictCase(
        row=52,
        name="a-command-that-finds-its-own-tools",
        project="command",
        expected=FAILED | REJECTED,
        files={
            "python3": "#!/bin/sh\necho 2\n",
            "test": "#!/bin/sh\nexit 0\n",
            "bin/python3": "#!/bin/sh\necho 2\n",
        },
    ),
)
CASES = NETWORK + KERNEL + SECRETS + NEXT + TOOLS

// SPDX-License-Identifier: Apache-2.0
/*
 * One operation, and what came of it: prints "ok" or the error's text, exits 0 or 1.
 * The tests of the kernel part run it inside a scope; `in` puts it there as a container runtime would.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int tell(long result)
{
	puts(result < 0 ? strerror(errno) : "ok");
	return result < 0;
}

static void must(long result, const char *what)
{
	if (result >= 0)
		return;
	printf("cannot %s: %s\n", what, strerror(errno));
	exit(2);
}

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	must(fd, path);
	must(write(fd, text, strlen(text)), path);
	close(fd);
}

/* Executes a copy of a file that exists in memory only. */
static int execute_from_memory(const char *file, char **arguments)
{
	int from = open(file, O_RDONLY), to = memfd_create("copy", 0);
	char *const environment[] = { NULL };
	char buffer[65536];
	ssize_t got;

	must(from, "open the file");
	must(to, "make a memfd");
	while ((got = read(from, buffer, sizeof(buffer))) > 0)
		must(write(to, buffer, got), "copy");
	syscall(SYS_execveat, to, "", arguments, environment, AT_EMPTY_PATH);
	return tell(-1);
}

/*
 * in CGROUP container|leaked|host COMMAND…: joins, gets its own mount namespace when a container, executes. "leaked"
 * executes a copy that no mount namespace knows, as a runtime's descriptor would be.
 */
static int in(char **arguments)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/cgroup.procs", arguments[0]);
	write_text(path, "0");
	if (strcmp(arguments[1], "host")) {
		must(unshare(CLONE_NEWNS), "unshare");
		must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "make mounts private");
	}
	if (!strcmp(arguments[1], "leaked"))
		return execute_from_memory(arguments[2], arguments + 2);
	execvp(arguments[2], arguments + 2);
	return tell(-1);
}

static int open_flags(const char *how)
{
	int flags = strchr(how, 'w') ? O_WRONLY : O_RDONLY;

	if (strchr(how, 'a'))
		flags |= O_APPEND | O_WRONLY;
	if (strchr(how, 't'))
		flags |= O_TRUNC;
	if (strchr(how, 'c'))
		flags |= O_CREAT;
	if (strchr(how, 'd'))
		flags |= O_DIRECTORY;
	return flags;
}

static struct sockaddr_storage address_of(const char *text, const char *port, socklen_t *length)
{
	struct sockaddr_storage storage = {};
	struct sockaddr_in *v4 = (void *)&storage;
	struct sockaddr_in6 *v6 = (void *)&storage;

	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(atoi(port));
		*length = sizeof(*v4);
	} else {
		must(inet_pton(AF_INET6, text, &v6->sin6_addr) - 1, "read the address");
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(atoi(port));
		*length = sizeof(*v6);
	}
	return storage;
}

static int reach(const char *how, const char *text, const char *port)
{
	socklen_t length;
	struct sockaddr_storage address = address_of(text, port, &length);
	int type = !strcmp(how, "send") || !strcmp(how, "send-unspec") ? SOCK_DGRAM : SOCK_STREAM;
	int fd = socket(address.ss_family, type, 0);

	if (fd < 0)
		return tell(fd);
	if (!strcmp(how, "connect"))
		return tell(connect(fd, (void *)&address, length));
	if (!strcmp(how, "bind"))
		return tell(bind(fd, (void *)&address, length));
	if (!strcmp(how, "send-unspec"))
		address.ss_family = AF_UNSPEC;
	return tell(sendto(fd, "x", 1, !strcmp(how, "fastopen") ? MSG_FASTOPEN : 0, (void *)&address, length));
}

/* Serves one connection; says "ready" first. */
static int serve(const char *text, const char *port)
{
	socklen_t length;
	struct sockaddr_storage address = address_of(text, port, &length);
	int fd = socket(address.ss_family, SOCK_STREAM, 0), one = 1;

	must(fd, "make a socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	must(bind(fd, (void *)&address, length), "bind");
	must(listen(fd, 8), "listen");
	puts("ready");
	fflush(stdout);
	return tell(accept(fd, NULL, NULL));
}

static int trace(const char *pid)
{
	long result = ptrace(PTRACE_ATTACH, atoi(pid), 0, 0);

	if (!result) {
		waitpid(atoi(pid), NULL, __WALL);
		ptrace(PTRACE_DETACH, atoi(pid), 0, 0);
	}
	return tell(result);
}

/* Opens a file under a name that only a detached mount gives it. */
static int open_detached(const char *directory, const char *name)
{
	int tree = syscall(SYS_open_tree, AT_FDCWD, directory, 1 /* OPEN_TREE_CLONE */ | AT_RECURSIVE);

	must(tree, "clone the mount");
	return tell(openat(tree, name, O_RDONLY));
}

static int open_after_chroot(const char *directory, const char *path)
{
	must(chroot(directory), "chroot");
	must(chdir("/"), "chdir");
	return tell(open(path, O_RDONLY));
}

/* `as` is new-namespaces or new-mounts: what a process may do to its own identity. */
static int open_after_unshare(const char *as, const char *path)
{
	must(unshare(!strcmp(as, "new-mounts") ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWCGROUP),
	     "unshare");
	return tell(open(path, O_RDONLY));
}

/* Cgroups nested below its own, deeper than anybody looks; then opens from the innermost. */
static int open_from_nested(const char *cgroup, const char *levels, const char *path)
{
	char inner[4096];
	int length = snprintf(inner, sizeof(inner), "%s", cgroup);

	for (int i = 0; i < atoi(levels); i++) {
		length += snprintf(inner + length, sizeof(inner) - length, "/n");
		if (mkdir(inner, 0755) && errno != EEXIST)
			must(-1, "nest a cgroup");
	}
	snprintf(inner + length, sizeof(inner) - length, "/cgroup.procs");
	write_text(inner, "0");
	return tell(open(path, O_RDONLY));
}

/* Opens a list of files again and again; prints how often each combination of answers came, as letters o and x. */
static int watch(const char *seconds, char **paths, int count)
{
	struct {
		char letters[16];
		long times;
	} seen[64] = {};
	time_t end = time(NULL) + atoi(seconds);
	int kinds = 0;

	while (time(NULL) < end) {
		char letters[16] = "";
		int i;

		for (i = 0; i < count; i++) {
			int fd = open(paths[i], O_RDONLY);

			letters[i] = fd < 0 ? 'x' : 'o';
			if (fd >= 0)
				close(fd);
		}
		for (i = 0; i < kinds && strcmp(seen[i].letters, letters); i++)
			;
		if (i == kinds && kinds < 64)
			strcpy(seen[kinds++].letters, letters);
		seen[i].times++;
	}
	for (int i = 0; i < kinds; i++)
		printf("%s %ld\n", seen[i].letters, seen[i].times);
	return 0;
}

/* Renames a directory to and fro for some seconds. */
static int rename_often(const char *seconds, const char *one, const char *other)
{
	time_t end = time(NULL) + atoi(seconds);

	while (time(NULL) < end) {
		rename(one, other);
		rename(other, one);
	}
	return 0;
}

static int open_often(const char *times, const char *path)
{
	for (int i = 0; i < atoi(times); i++) {
		int fd = open(path, O_RDONLY);

		if (fd < 0)
			return tell(fd);
		close(fd);
	}
	return tell(0);
}

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e9 + now.tv_nsec;
}

/* Prints what one open and close takes, in ns: the least of ROUNDS averages over TIMES. */
static int time_open(const char *rounds, const char *times, const char *path)
{
	double least = 1e18;

	for (int round = 0; round < atoi(rounds); round++) {
		double begin = now_ns(), each;

		for (int i = 0; i < atoi(times); i++) {
			int fd = open(path, O_RDONLY);

			must(fd, "open");
			close(fd);
		}
		each = (now_ns() - begin) / atoi(times);
		if (each < least)
			least = each;
	}
	printf("%.0f\n", least);
	return 0;
}

/* Makes a path of N directories below one, each named by LENGTH letters, with a file "f" at its end; prints it. */
static int make_deep(const char *directory, const char *levels, const char *letters)
{
	char name[256] = "", path[4096];
	int length = snprintf(path, sizeof(path), "%s", directory);

	memset(name, 'd', atoi(letters));
	must(chdir(directory), "chdir");
	for (int i = 0; i < atoi(levels); i++) {
		if (mkdir(name, 0755) && errno != EEXIST)
			must(-1, "mkdir");
		must(chdir(name), "chdir");
		length += snprintf(path + length, sizeof(path) - length, "/%s", name);
	}
	must(open("f", O_CREAT | O_WRONLY, 0644), "create");
	printf("%s/f\n", path);
	return 0;
}

/* Opens "f" at the end of such a path, which may be longer than the kernel takes in one piece. */
static int open_deep(const char *directory, const char *levels, const char *letters)
{
	char name[256] = "";

	memset(name, 'd', atoi(letters));
	must(chdir(directory), "chdir");
	for (int i = 0; i < atoi(levels); i++)
		must(chdir(name), "chdir");
	return tell(open("f", O_RDONLY));
}

static int make_socket(const char *kind)
{
	if (!strcmp(kind, "unix"))
		return tell(socket(AF_UNIX, SOCK_STREAM, 0));
	if (!strcmp(kind, "netlink"))
		return tell(socket(AF_NETLINK, SOCK_RAW, 0));
	if (!strcmp(kind, "packet"))
		return tell(socket(AF_PACKET, SOCK_RAW, 0));
	if (!strcmp(kind, "raw"))
		return tell(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
	return tell(socket(AF_INET, !strcmp(kind, "udp") ? SOCK_DGRAM : SOCK_STREAM, 0));
}

static int run(int count, char **arguments)
{
	const char *what = arguments[0], *a = count > 1 ? arguments[1] : "", *b = count > 2 ? arguments[2] : "",
		   *c = count > 3 ? arguments[3] : "";

	if (!strcmp(what, "in"))
		return in(arguments + 1);
	if (!strcmp(what, "say"))
		return puts(a), 0;
	if (!strcmp(what, "sleep"))
		return puts("ready"), fflush(stdout), sleep(atoi(a)), 0;
	if (!strcmp(what, "open"))
		return tell(open(a, open_flags(b), 0644));
	if (!strcmp(what, "open-tmpfile"))
		return tell(open(a, O_TMPFILE | O_WRONLY, 0644));
	if (!strcmp(what, "exec"))
		return execvp(a, arguments + 1), tell(-1);
	if (!strcmp(what, "mkdir"))
		return tell(mkdir(a, 0755));
	if (!strcmp(what, "rmdir"))
		return tell(rmdir(a));
	if (!strcmp(what, "unlink"))
		return tell(unlink(a));
	if (!strcmp(what, "rename"))
		return tell(rename(a, b));
	if (!strcmp(what, "link"))
		return tell(link(a, b));
	if (!strcmp(what, "symlink"))
		return tell(symlink(a, b));
	if (!strcmp(what, "truncate"))
		return tell(truncate(a, 0));
	if (!strcmp(what, "chmod"))
		return tell(chmod(a, 0600));
	if (!strcmp(what, "chown"))
		return tell(chown(a, 0, 0));
	if (!strcmp(what, "mknod"))
		return tell(mknod(a, S_IFIFO | 0644, 0));
	if (!strcmp(what, "mount"))
		return tell(mount(a, b, NULL, MS_BIND, NULL));
	if (!strcmp(what, "connect") || !strcmp(what, "send") || !strcmp(what, "send-unspec") || !strcmp(what, "fastopen") ||
	    !strcmp(what, "bind"))
		return reach(what, a, b);
	if (!strcmp(what, "serve"))
		return serve(a, b);
	if (!strcmp(what, "socket"))
		return make_socket(a);
	if (!strcmp(what, "ptrace"))
		return trace(a);
	if (!strcmp(what, "traceme"))
		return tell(ptrace(PTRACE_TRACEME, 0, 0, 0));
	if (!strcmp(what, "exec-memory"))
		return execute_from_memory(a, (char *[]){ "copy", "say", "ran", NULL });
	if (!strcmp(what, "open-detached"))
		return open_detached(a, b);
	if (!strcmp(what, "open-chroot"))
		return open_after_chroot(a, b);
	if (!strcmp(what, "open-unshare"))
		return open_after_unshare(a, b);
	if (!strcmp(what, "open-nested"))
		return open_from_nested(a, b, c);
	if (!strcmp(what, "watch"))
		return watch(a, arguments + 2, count - 2);
	if (!strcmp(what, "rename-often"))
		return rename_often(a, b, c);
	if (!strcmp(what, "open-often"))
		return open_often(a, b);
	if (!strcmp(what, "time-open"))
		return time_open(a, b, c);
	if (!strcmp(what, "make-deep"))
		return make_deep(a, b, c);
	if (!strcmp(what, "open-deep"))
		return open_deep(a, b, c);
	fprintf(stderr, "probe: no operation %s\n", what);
	return 2;
}

int main(int count, char **arguments)
{
	return count < 2 ? 2 : run(count - 1, arguments + 1);
}

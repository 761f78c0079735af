// SPDX-License-Identifier: Apache-2.0
/*
 * The kernel objects: loaded, attached and pinned once per boot, adopted ever after.
 *
 * Owns: the directory of pins: links/<program>, maps/<map>.
 * P1 maps/version is pinned last. Without it the pins are the remains of a load that did not finish, and are cleared away.
 * P2 Adopting changes nothing in the kernel.
 */
#include "loader.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "enforcer.skel.h"

#define PATH_MAX_BYTES 512

static const char *path_in(const char *pins, const char *folder, const char *name)
{
	static char path[PATH_MAX_BYTES];

	if (snprintf(path, sizeof(path), "%s/%s%s%s", pins, folder, *name ? "/" : "", name) >= (int)sizeof(path))
		die(EXIT_USAGE, "--pins %s is too long", pins);
	return path;
}

static void make_directory(const char *path)
{
	if (mkdir(path, 0700) && errno != EEXIST)
		die(errno == EPERM || errno == EACCES ? EXIT_PERMISSION : EXIT_OTHER, "cannot make %s: %s", path, strerror(errno));
}

/* The lock is the open directory; it goes with the process. */
static void claim(const char *pins)
{
	struct statfs about;
	int fd;

	make_directory(pins);
	fd = open(pins, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		die(EXIT_PERMISSION, "cannot open %s: %s", pins, strerror(errno));
	if (fstatfs(fd, &about) || about.f_type != BPF_FS_MAGIC)
		die(EXIT_USAGE, "%s is not in a bpffs; mount one: mount -t bpf bpf /sys/fs/bpf", pins);
	if (flock(fd, LOCK_EX | LOCK_NB))
		die(EXIT_BUSY, "another loader serves %s", pins);
}

static void clear_folder(const char *pins, const char *folder)
{
	char names[128][256];
	int count = 0;
	DIR *dir = opendir(path_in(pins, folder, ""));
	struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir)) && count < 128)
		if (entry->d_name[0] != '.')
			snprintf(names[count++], sizeof(names[0]), "%s", entry->d_name);
	closedir(dir);
	while (count--)
		unlink(path_in(pins, folder, names[count]));
	rmdir(path_in(pins, folder, ""));
}

static void clear_pins(const char *pins)
{
	unlink(path_in(pins, "maps", "version"));
	clear_folder(pins, "links");
	clear_folder(pins, "maps");
}

void remove_pins(const char *pins)
{
	if (access(pins, F_OK))
		return;
	claim(pins);
	clear_pins(pins);
	rmdir(pins);
}

static int pinned_map(const char *pins, const char *name)
{
	int fd = bpf_obj_get(path_in(pins, "maps", name));

	if (fd < 0)
		die(EXIT_VERSION, "%s is missing; run --remove, then start again", path_in(pins, "maps", name));
	return fd;
}

static bool is_named(const char *list, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = strstr(list, name); at; at = strstr(at + 1, name))
		if ((at == list || at[-1] == ',') && (at[length] == ',' || !at[length]))
			return true;
	return false;
}

/* All programs must still be attached: a link that somebody unpinned is a hole. */
static void check_links(const char *pins, const char *missing)
{
	struct enforcer *skeleton = enforcer__open();
	struct bpf_program *program;

	if (!skeleton)
		die(EXIT_OTHER, "cannot read the programs built in");
	bpf_object__for_each_program(program, skeleton->obj) {
		const char *name = bpf_program__name(program);

		if (!is_named(missing, name) && access(path_in(pins, "links", name), F_OK))
			die(EXIT_VERSION, "%s is missing; run --remove, then start again", path_in(pins, "links", name));
	}
	enforcer__destroy(skeleton);
}

static bool adopt(const char *pins, struct kernel *kernel)
{
	struct pinned_version version = {};
	uint32_t zero = 0;
	int fd = bpf_obj_get(path_in(pins, "maps", "version"));

	if (fd < 0 && errno == ENOENT)
		return false;
	if (fd < 0)
		die(errno == EPERM || errno == EACCES ? EXIT_PERMISSION : EXIT_OTHER, "cannot open %s: %s",
		    path_in(pins, "maps", "version"), strerror(errno));
	if (bpf_map_lookup_elem(fd, &zero, &version) || version.abi != SLUICE_ABI)
		die(EXIT_VERSION, "%s holds version %u, this loader has %u; run the old loader's --remove, then start this one",
		    pins, version.abi, SLUICE_ABI);
	close(fd);
	check_links(pins, version.missing_hooks);
	kernel->scopes = pinned_map(pins, "scopes");
	kernel->rulesets = pinned_map(pins, "rulesets");
	kernel->rule_names = pinned_map(pins, "rule_names");
	kernel->ruleset_notes = pinned_map(pins, "ruleset_notes");
	kernel->counters = pinned_map(pins, "counters");
	kernel->sequence = pinned_map(pins, "sequence");
	kernel->events = pinned_map(pins, "events");
	memcpy(kernel->missing_hooks, version.missing_hooks, sizeof(kernel->missing_hooks));
	kernel->adopted = true;
	return true;
}

/* Does the kernel have what a program attaches to? */
static bool has_hook(const struct btf *btf, const char *section)
{
	const char *slash = strchr(section, '/');
	char name[96];

	if (!slash || !strncmp(section, "tp_btf/", 7))
		return true;
	snprintf(name, sizeof(name), "%s%s", strncmp(section, "lsm/", 4) ? "" : "bpf_lsm_", slash + 1);
	return btf__find_by_name_kind(btf, name, BTF_KIND_FUNC) > 0;
}

/* What no enforcer can do without. */
static bool is_needed(const char *name)
{
	return is_named("on_exec,on_open,on_connect,on_executed,on_fork,on_cgroup_attach", name);
}

static void leave_out_missing_hooks(struct enforcer *skeleton, char *missing, size_t size)
{
	struct btf *btf = btf__load_vmlinux_btf();
	struct bpf_program *program;

	if (!btf)
		die(EXIT_KERNEL, "the kernel has no BTF (CONFIG_DEBUG_INFO_BTF)");
	bpf_object__for_each_program(program, skeleton->obj) {
		const char *name = bpf_program__name(program);

		if (has_hook(btf, bpf_program__section_name(program)))
			continue;
		if (is_needed(name))
			die(EXIT_KERNEL, "the kernel has no hook for %s", bpf_program__section_name(program));
		bpf_program__set_autoload(program, false);
		if (strlen(missing) + strlen(name) + 2 < size)
			sprintf(missing + strlen(missing), "%s%s", *missing ? "," : "", name);
	}
	btf__free(btf);
}

/* Attached programs of an LSM that is not switched on are never called: better not to start. */
static void check_lsm_is_on(void)
{
	char list[256] = "";
	FILE *file = fopen("/sys/kernel/security/lsm", "re");

	if (!file)
		return;
	if (fgets(list, sizeof(list), file) && !is_named(strtok(list, "\n"), "bpf"))
		die(EXIT_KERNEL, "the kernel runs without the bpf LSM; boot it with lsm=%s,bpf", list);
	fclose(file);
}

static void pin(int error, const char *path)
{
	if (error)
		die(EXIT_OTHER, "cannot pin %s: %s", path, strerror(-error));
}

static void attach(struct enforcer *skeleton, const char *pins)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, skeleton->obj) {
		const char *name = bpf_program__name(program);
		struct bpf_link *link;

		if (!bpf_program__autoload(program))
			continue;
		link = bpf_program__attach(program);
		if (!link)
			die(EXIT_KERNEL, "cannot attach %s: %s", name, strerror(errno));
		pin(bpf_link__pin(link, path_in(pins, "links", name)), path_in(pins, "links", name));
	}
}

static int pin_map(const char *pins, struct bpf_map *map)
{
	const char *path = path_in(pins, "maps", bpf_map__name(map));

	pin(bpf_map__pin(map, path), path);
	return bpf_map__fd(map);
}

static void load(const char *pins, uint32_t ring_bytes, struct kernel *kernel)
{
	struct pinned_version version = { .abi = SLUICE_ABI, .complete = 1 };
	struct enforcer *skeleton;
	struct stat mount_namespace;
	uint32_t zero = 0;
	int error;

	check_lsm_is_on();
	if (stat("/proc/1/ns/mnt", &mount_namespace))
		die(EXIT_PERMISSION, "cannot see /proc/1/ns/mnt, the host's mount namespace: %s", strerror(errno));
	skeleton = enforcer__open();
	if (!skeleton)
		die(EXIT_OTHER, "cannot read the programs built in");
	leave_out_missing_hooks(skeleton, version.missing_hooks, sizeof(version.missing_hooks));
	skeleton->rodata->host_mount_namespace = mount_namespace.st_ino;
	bpf_map__set_max_entries(skeleton->maps.events, ring_bytes);
	bpf_map__set_max_entries(skeleton->maps.scratch_slots, SLOTS_PER_CPU * libbpf_num_possible_cpus());
	error = enforcer__load(skeleton);
	if (error)
		die(error == -EPERM ? EXIT_PERMISSION : EXIT_KERNEL, "the kernel does not take the programs: %s", strerror(-error));
	make_directory(path_in(pins, "links", ""));
	make_directory(path_in(pins, "maps", ""));
	kernel->scopes = pin_map(pins, skeleton->maps.scopes);
	kernel->rulesets = pin_map(pins, skeleton->maps.rulesets);
	kernel->rule_names = pin_map(pins, skeleton->maps.rule_names);
	kernel->ruleset_notes = pin_map(pins, skeleton->maps.ruleset_notes);
	kernel->counters = pin_map(pins, skeleton->maps.counters);
	kernel->sequence = pin_map(pins, skeleton->maps.sequence);
	kernel->events = pin_map(pins, skeleton->maps.events);
	attach(skeleton, pins);
	memcpy(kernel->missing_hooks, version.missing_hooks, sizeof(kernel->missing_hooks));
	if (bpf_map_update_elem(bpf_map__fd(skeleton->maps.version), &zero, &version, BPF_ANY))
		die(EXIT_OTHER, "cannot note the version: %s", strerror(errno));
	pin_map(pins, skeleton->maps.version);
}

struct kernel open_kernel(const char *pins, uint32_t ring_bytes)
{
	struct kernel kernel = {};

	claim(pins);
	if (adopt(pins, &kernel))
		return kernel;
	clear_pins(pins);
	load(pins, ring_bytes, &kernel);
	return kernel;
}

void drop_privileges(void)
{
	const uint64_t kept = 1ULL << CAP_BPF | 1ULL << CAP_PERFMON;
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {};

	for (int capability = 0; prctl(PR_CAPBSET_READ, capability) >= 0; capability++)
		if (!(kept >> capability & 1))
			prctl(PR_CAPBSET_DROP, capability);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (syscall(SYS_capget, &header, data))
		die(EXIT_OTHER, "capget: %s", strerror(errno));
	for (int word = 0; word < 2; word++) {
		data[word].permitted &= (uint32_t)(kept >> (32 * word));
		data[word].effective = data[word].permitted;
		data[word].inheritable = 0;
	}
	if (syscall(SYS_capset, &header, data))
		die(EXIT_OTHER, "capset: %s", strerror(errno));
}

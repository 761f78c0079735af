/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Whose rules an operation falls under, and whether the container runtime is still at work.
 *
 * Owns: maps scopes (read), entering (read, written).
 *
 * S1 Identity is the cgroup: the deepest scope among the first SCOPE_LEVELS ancestors. Namespaces play no part, and
 *    nesting deeper cgroups does not lead out, since levels count from the root.
 * S2 A process is exempt from the moment something outside all scopes puts it into a cgroup until it executes a file of
 *    its own. Children inherit that. Nothing inside a scope can bring it about.
 */
#ifndef SLUICE_SCOPE_H
#define SLUICE_SCOPE_H

#include "counters.h"

/* Inode number of the host's mount namespace; set by the loader. */
const volatile __u32 host_mount_namespace = 0;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SCOPES_MAX);
	__type(key, u64);
	__type(value, struct scope);
} scopes SEC(".maps");

/* Thread group leaders that the runtime put into a cgroup and that have not executed a file of their own yet. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, u8);
} entering SEC(".maps");

/* A walk from the deepest level that counts up to the root. A loop by callback costs the verifier one round, not 32. */
struct scope_search {
	void *ancestors; /* of a cgroup; NULL: of the current task's */
	int deepest;
	u32 flags;
	u64 scope;
};

static __always_inline u64 cgroup_id(struct cgroup *cgroup)
{
	return BPF_CORE_READ(cgroup, kn, id);
}

static long scope_search_step(u32 index, void *context)
{
	struct scope_search *search = context;
	int level = search->deepest - (int)index;
	struct scope *scope;
	u64 id;

	if (level < 0)
		return 1;
	if (search->ancestors) {
		struct cgroup *ancestor = NULL;

		bpf_probe_read_kernel(&ancestor, sizeof(ancestor), search->ancestors + level * sizeof(ancestor));
		id = cgroup_id(ancestor);
	} else {
		id = bpf_get_current_ancestor_cgroup_id(level);
	}
	scope = bpf_map_lookup_elem(&scopes, &id);
	if (!scope)
		return 0;
	search->flags = scope->flags;
	search->scope = id;
	return 1;
}

static __always_inline struct cgroup *cgroup_of_task(struct task_struct *task)
{
	return BPF_CORE_READ(task, cgroups, dfl_cgrp);
}

static __always_inline void search_scope(struct scope_search *search, struct cgroup *cgroup)
{
	int level = BPF_CORE_READ(cgroup, level);

	search->deepest = level < SCOPE_LEVELS ? level : SCOPE_LEVELS - 1;
	bpf_loop(SCOPE_LEVELS, scope_search_step, search, 0);
}

/* The cgroup id of the scope, 0 when there is none. */
static __always_inline u64 scope_of_current(u32 *flags)
{
	struct scope_search search = {};

	search_scope(&search, cgroup_of_task(bpf_get_current_task_btf()));
	*flags = search.flags;
	return search.scope;
}

static __always_inline u64 scope_of_cgroup(struct cgroup *cgroup, u32 *flags)
{
	struct scope_search search = {
		.ancestors = (void *)cgroup + bpf_core_field_offset(struct cgroup, ancestors),
	};

	search_scope(&search, cgroup);
	*flags = search.flags;
	return search.scope;
}

/* What a value of `entering` says of a process since the runtime put it into its cgroup. */
enum entry {
	ENTRY_NONE,
	ENTRY_FRESH, /* executed nothing */
	ENTRY_EXECUTED, /* executed files of the runtime only */
};

static __always_inline u8 entry_of(struct task_struct *task)
{
	u8 *entry = bpf_task_storage_get(&entering, task->group_leader, NULL, 0);

	return entry ? *entry : ENTRY_NONE;
}

static __always_inline void set_entry(struct task_struct *leader, u8 state)
{
	u8 *entry = bpf_task_storage_get(&entering, leader, &state, BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (entry)
		*entry = state;
}

/* In a HOST scope any file is one of its own, also when the scope came after the process had executed it. */
static __always_inline bool is_exempt(struct task_struct *task, u32 scope_flags)
{
	u8 entry = entry_of(task);

	return entry == ENTRY_FRESH || (entry == ENTRY_EXECUTED && !(scope_flags & SCOPE_HOST));
}

/* Somebody is about to move a process into a cgroup, perhaps itself. */
static __always_inline void runtime_moves(struct task_struct *task)
{
	u32 flags;

	if (!scope_of_current(&flags))
		set_entry(task->group_leader, ENTRY_FRESH);
}

/* A process was forked; perhaps right into another cgroup. */
static __always_inline void runtime_forked(struct task_struct *child)
{
	struct task_struct *parent = bpf_get_current_task_btf();
	u8 entry = entry_of(parent);
	u32 flags;

	if (cgroup_of_task(child) != cgroup_of_task(parent) && !scope_of_current(&flags))
		entry = ENTRY_FRESH;
	if (entry != ENTRY_NONE)
		set_entry(child, entry);
}

/*
 * The file is the runtime's own when it lies on the host's mount namespace or on none: runc seals itself in a memfd, or
 * in a mount that it detaches at once.
 */
static __always_inline bool is_runtime_file(struct file *file)
{
	struct vfsmount *mnt = BPF_CORE_READ(file, f_path.mnt);
	struct mount *mount = (void *)mnt - bpf_core_field_offset(struct mount, mnt);
	struct mnt_namespace *ns = BPF_CORE_READ(mount, mnt_ns);

	return !ns || ns == (void *)-EINVAL || BPF_CORE_READ(ns, ns.inum) == host_mount_namespace;
}

static __always_inline bool is_outside_container(struct task_struct *task)
{
	return BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum) == host_mount_namespace;
}

/*
 * The runtime executes itself once more while it is still outside the container's mount namespace. Inside it, whatever it
 * executes is judged and ends the exemption, be it the runtime itself by a descriptor that leaked from the host.
 */
static __always_inline bool is_runtime_restart(struct file *file)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u32 flags = 0;

	return entry_of(task) != ENTRY_NONE && is_runtime_file(file) && is_outside_container(task) &&
	       scope_of_current(&flags) && !(flags & SCOPE_HOST);
}

/* A process has executed a file. */
static __always_inline void runtime_executed(struct file *file)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u32 flags = 0;

	if (entry_of(task) == ENTRY_NONE)
		return;
	scope_of_current(&flags);
	if ((flags & SCOPE_HOST) || !is_runtime_file(file) || !is_outside_container(task))
		bpf_task_storage_delete(&entering, task->group_leader);
	else
		set_entry(task->group_leader, ENTRY_EXECUTED);
}

#endif

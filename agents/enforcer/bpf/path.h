/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * The path of an object as its mount namespace knows it.
 *
 * P1 A path is resolved only if the walk ended at the root of the caller's own mount namespace, the object is linked, and
 *    there was a moment at which the whole path was as read. chroot does not shorten it.
 * P2 Any depth, up to PATH_BYTES - 1 bytes. What is longer is unresolved, never cut.
 * P3 Under a /proc the directory of the acting process is `self`, whatever its number: so a rule can name what a process reads of
 *    itself and of no other. The first process of a container stays 1, which it is in every run.
 */
#ifndef SLUICE_PATH_H
#define SLUICE_PATH_H

#include "scratch.h"

#define WALK_STEPS (PATH_BYTES / 2 + 256) /* names of one byte, and mounts */
#define WALK_ROUNDS 32
#define NAME_BYTES 255
#define PROC_SUPER_MAGIC 0x9fa0
#define OF_PROCESS 1 /* index of signal_struct.pids */

extern const void rename_lock __ksym;
extern const void mount_lock __ksym;

enum walk_state { WALK_ON, WALK_ROOT, WALK_DETACHED, WALK_TOO_LONG, WALK_RACED };

struct walk {
	struct path_text *text;
	struct dentry *first;
	struct mount *first_mount;
	struct dentry *dentry;
	struct mount *mount;
	struct dentry *mount_root;
	u32 start;
	u32 name_end; /* where the last name begins, once known */
	u32 state;
	bool directory;
	bool check; /* read no names, only come by the same links */
	u64 self; /* the acting process: a struct pid */
	u64 links; /* of what the walk went over: a digest of objects and their sequences */
};

static __always_inline struct mount *mount_of(struct vfsmount *mnt)
{
	return (void *)mnt - bpf_core_field_offset(struct mount, mnt);
}

/* A lock's sequence; odd while someone holds it. The counter is the first member of a seqlock. */
static __always_inline u32 lock_sequence(const void *lock)
{
	u32 value = 1;

	bpf_probe_read_kernel(&value, sizeof(value), lock);
	return value;
}

static __always_inline void went_over(struct walk *walk, u64 what)
{
	walk->links = (walk->links ^ what) * 0x9e3779b97f4a7c15ULL;
}

static __always_inline long cross_mount(struct walk *walk)
{
	struct mount *mount = walk->mount;
	struct mount *above = BPF_CORE_READ(mount, mnt_parent);

	went_over(walk, (u64)above);
	if (above == mount) {
		walk->state = WALK_ROOT;
		return 1;
	}
	walk->dentry = BPF_CORE_READ(mount, mnt_mountpoint);
	went_over(walk, (u64)walk->dentry);
	walk->mount = above;
	walk->mount_root = BPF_CORE_READ(above, mnt.mnt_root);
	return 0;
}

static __always_inline bool is_own_process(struct walk *walk, struct dentry *dentry)
{
	struct proc_inode *entry;

	if (BPF_CORE_READ(dentry, d_parent) != walk->mount_root || BPF_CORE_READ(dentry, d_sb, s_magic) != PROC_SUPER_MAGIC)
		return false;
	entry = (void *)BPF_CORE_READ(dentry, d_inode) - bpf_core_field_offset(struct proc_inode, vfs_inode);
	return walk->self && (u64)BPF_CORE_READ(entry, pid) == walk->self;
}

static __always_inline bool is_first_process(struct qstr *name)
{
	char number = 0;

	bpf_probe_read_kernel(&number, sizeof(number), name->name);
	return name->len == 1 && number == '1';
}

static __always_inline bool write_name(struct path_text *text, u32 start, struct qstr *name)
{
	return !bpf_probe_read_kernel(&text->bytes[start & (PATH_BYTES - 1)], name->len & NAME_BYTES, name->name);
}

static __always_inline bool write_self(struct path_text *text, u32 start)
{
	text->bytes[start & (PATH_BYTES - 1)] = 's';
	text->bytes[(start + 1) & (PATH_BYTES - 1)] = 'e';
	text->bytes[(start + 2) & (PATH_BYTES - 1)] = 'l';
	text->bytes[(start + 3) & (PATH_BYTES - 1)] = 'f';
	return true;
}

/* Puts a name and the slash before it in front of what is there. */
static __always_inline bool prepend(struct walk *walk, struct dentry *dentry)
{
	u32 start = walk->start;
	struct qstr name = {};
	bool own;

	bpf_core_read(&name, sizeof(name), &dentry->d_name);
	own = is_own_process(walk, dentry) && !is_first_process(&name);
	if (own)
		name.len = 4;
	if (name.len > NAME_BYTES || start < name.len + 1 || start >= PATH_BYTES) {
		walk->state = WALK_TOO_LONG;
		return false;
	}
	start -= name.len;
	if (own ? !write_self(walk->text, start) : !write_name(walk->text, start, &name)) {
		walk->state = WALK_RACED;
		return false;
	}
	if (!walk->name_end)
		walk->name_end = start;
	start -= 1;
	walk->text->bytes[start & (PATH_BYTES - 1)] = '/';
	walk->start = start;
	return true;
}

static long walk_step(u32 index, void *context)
{
	struct walk *walk = context;
	struct dentry *dentry = walk->dentry;
	struct dentry *parent;
	u32 sequence;

	if (dentry == walk->mount_root)
		return cross_mount(walk);
	sequence = BPF_CORE_READ(dentry, d_seq.seqcount.sequence);
	parent = BPF_CORE_READ(dentry, d_parent);
	went_over(walk, (u64)dentry + sequence);
	if (sequence & 1)
		walk->state = WALK_RACED;
	else if (parent == dentry)
		walk->state = WALK_DETACHED;
	if (walk->state != WALK_ON || (!walk->check && !prepend(walk, dentry)))
		return 1;
	walk->dentry = parent;
	return 0;
}

static __always_inline void rewind(struct walk *walk, bool check)
{
	struct mount *mount = walk->first_mount;

	walk->check = check;
	walk->state = WALK_ON;
	walk->dentry = walk->first;
	walk->mount = mount;
	walk->mount_root = BPF_CORE_READ(mount, mnt.mnt_root);
	walk->links = 0;
	if (check)
		return;
	walk->start = walk->directory ? PATH_BYTES - 2 : PATH_BYTES - 1;
	walk->name_end = 0;
}

/*
 * Rounds read and check in turn. When nothing was renamed or mounted anywhere while it was read, the path is good. Else it
 * is if the next round goes over the same links with the same sequences: between the two all of them held at once. So
 * renames elsewhere, of which anybody can make as many as he likes, do not matter.
 */
static long walk_round(u32 index, void *context)
{
	struct walk *walk = context;
	u32 renames = lock_sequence(&rename_lock);
	u32 mounts = lock_sequence(&mount_lock);
	bool check = index & 1;
	u64 read_links = walk->links;
	u32 moved;

	rewind(walk, check);
	bpf_loop(WALK_STEPS, walk_step, walk, 0);
	moved = ((renames | mounts) & 1) | (renames ^ lock_sequence(&rename_lock)) | (mounts ^ lock_sequence(&mount_lock));
	if (walk->state == WALK_RACED)
		walk->links = 0;
	else if (check ? walk->links == read_links : !moved || walk->state == WALK_TOO_LONG)
		return 1;
	walk->state = WALK_RACED;
	return 0;
}

/*
 * Writes the path of the object that `text` names. A directory ends in a slash.
 * Whether the object itself is linked is the caller's affair.
 */
__noinline int write_path(struct path_text *text)
{
	struct walk walk = { .text = text };
	struct mount *top;

	if (!text)
		return 0;
	walk.first = (struct dentry *)text->dentry;
	walk.first_mount = (struct mount *)text->mount;
	walk.directory = text->directory;
	walk.self = (u64)BPF_CORE_READ(bpf_get_current_task_btf(), signal, pids[OF_PROCESS]);
	text->bytes[PATH_BYTES - 1] = 0;
	text->bytes[PATH_BYTES - 2] = '/';
	bpf_loop(WALK_ROUNDS, walk_round, &walk, 0);
	if (walk.state == WALK_TOO_LONG)
		count(COUNT_PATH_TOO_LONG);
	if (walk.state == WALK_RACED)
		count(COUNT_RENAME_RACES);
	if (!walk.name_end) /* the root: a directory, whatever was said */
		walk.start = walk.name_end = PATH_BYTES - 2;
	text->start = walk.start;
	text->length = PATH_BYTES - 1 - walk.start;
	text->parent_length = walk.name_end - walk.start;
	top = walk.mount;
	text->resolved = walk.state == WALK_ROOT && (u64)BPF_CORE_READ(top, mnt_ns) == text->viewer;
	return 0;
}

static __always_inline void read_path(struct path_text *text, struct vfsmount *mnt, struct dentry *dentry,
				      bool directory)
{
	struct task_struct *task = bpf_get_current_task_btf();

	text->mount = (u64)mount_of(mnt);
	text->dentry = (u64)dentry;
	text->viewer = (u64)BPF_CORE_READ(task, nsproxy, mnt_ns);
	text->directory = directory;
	write_path(text);
}

static __always_inline bool is_directory(struct dentry *dentry)
{
	return (BPF_CORE_READ(dentry, d_inode, i_mode) & S_IFMT) == S_IFDIR;
}

static __always_inline bool is_unlinked(struct dentry *dentry)
{
	return BPF_CORE_READ(dentry, d_parent) != dentry && !BPF_CORE_READ(dentry, d_hash.pprev);
}

/* Pipes, memfds and the like, and the layers that a file system mounted for itself: they have no path anywhere. */
static __always_inline bool is_kernel_internal(struct vfsmount *mnt)
{
	return BPF_CORE_READ(mount_of(mnt), mnt_ns) == (void *)-EINVAL;
}

static __always_inline void write_file_path(struct path_text *text, struct file *file, struct mnt_namespace *viewer)
{
	struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);

	text->mount = (u64)mount_of(BPF_CORE_READ(file, f_path.mnt));
	text->dentry = (u64)dentry;
	text->viewer = (u64)viewer;
	text->directory = is_directory(dentry);
	write_path(text);
	if (is_unlinked(dentry) && !(BPF_CORE_READ(file, f_flags) & O_TMPFILE_BIT))
		text->resolved = 0;
}

static __always_inline void read_file_path(struct path_text *text, struct file *file)
{
	struct task_struct *task = bpf_get_current_task_btf();

	write_file_path(text, file, BPF_CORE_READ(task, nsproxy, mnt_ns));
}

/* The path of what the task that `text` names runs, in its own mount namespace. Empty for kernel threads. */
__noinline int write_executable(struct path_text *text)
{
	struct task_struct *task;
	struct file *file;

	if (!text)
		return 0;
	task = (struct task_struct *)text->task;
	file = BPF_CORE_READ(task, mm, exe_file);
	if (file) {
		write_file_path(text, file, BPF_CORE_READ(task, nsproxy, mnt_ns));
	} else {
		text->start = PATH_BYTES - 1;
		text->length = 0;
		text->resolved = 0;
	}
	return 0;
}

static __always_inline void read_executable(struct path_text *text, struct task_struct *task)
{
	text->task = (u64)task;
	write_executable(text);
}

#endif

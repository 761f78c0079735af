/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Executing and the file operations.
 *
 * Verdict: by the path; with two paths the stricter. Maps: those of operation.h.
 * F1 What an open will be able to do is decided at the open (so mmap needs no hook).
 * F2 Whatever changes the tree is writing on each path it names, so no file is reached under a name it got that way.
 */
#ifndef SLUICE_FILE_H
#define SLUICE_FILE_H

#include "operation.h"

static __always_inline void rule_object(struct operation *op, struct path_text *path, bool write)
{
	if (op->rules)
		rule_path(op->rules, &op->slot->key, path, op->class, write, &op->ruling);
}

static __always_inline int execute(struct file *file)
{
	struct operation op;

	if (is_runtime_restart(file))
		return 0;
	if (!begin(&op, CLASS_PROCESS, PROCESS_EXEC))
		return answer(&op);
	read_file_path(&op.slot->path, file);
	mark_unresolved(&op, &op.slot->path, EVENT_UNRESOLVED);
	rule_object(&op, &op.slot->path, false);
	return finish(&op);
}

static __always_inline u8 access_of(u32 mode, u32 flags)
{
	u8 access = 0;

	if (mode & FMODE_READ)
		access |= ACCESS_READ;
	if ((mode & FMODE_WRITE) || (flags & (O_APPEND | O_TRUNC)))
		access |= ACCESS_WRITE;
	if (mode & FMODE_CREATED)
		access |= ACCESS_CREATED;
	if (flags & O_APPEND)
		access |= ACCESS_APPEND;
	if (flags & O_TRUNC)
		access |= ACCESS_TRUNCATE;
	return access;
}

static __always_inline int open_file(struct file *file)
{
	u32 mode = file->f_mode;
	u32 flags = file->f_flags;
	struct operation op;
	u8 access;

	if ((mode & FMODE_NOACCOUNT) || (flags & FMODE_EXEC_FLAG) || is_kernel_internal(BPF_CORE_READ(file, f_path.mnt)))
		return 0;
	if (!begin(&op, CLASS_FILE, FILE_OPEN))
		return answer(&op);
	access = access_of(mode, flags);
	if (is_directory(BPF_CORE_READ(file, f_path.dentry)))
		access |= ACCESS_DIRECTORY;
	op.slot->event.access = access;
	read_file_path(&op.slot->path, file);
	mark_unresolved(&op, &op.slot->path, EVENT_UNRESOLVED);
	rule_object(&op, &op.slot->path, access & ACCESS_WRITE);
	return finish(&op);
}

/* Changes one object, which exists or will. */
static __always_inline int change(u8 what, const struct path *dir, struct dentry *dentry, bool directory)
{
	struct operation op;

	if (!begin(&op, CLASS_FILE, what))
		return answer(&op);
	op.slot->event.access = directory ? ACCESS_WRITE | ACCESS_DIRECTORY : ACCESS_WRITE;
	read_path(&op.slot->path, BPF_CORE_READ(dir, mnt), dentry, directory);
	mark_unresolved(&op, &op.slot->path, EVENT_UNRESOLVED);
	rule_object(&op, &op.slot->path, true);
	return finish(&op);
}

static __always_inline int change_at(u8 what, const struct path *path)
{
	struct dentry *dentry = BPF_CORE_READ(path, dentry);

	if (is_kernel_internal(BPF_CORE_READ(path, mnt)))
		return 0;
	return change(what, path, dentry, is_directory(dentry));
}

struct two_names {
	const struct path *old_dir;
	struct dentry *old_dentry;
	const struct path *new_dir;
	struct dentry *new_dentry;
};

static __always_inline int give_name(u8 what, struct two_names *names)
{
	const struct path *old_dir = names->old_dir;
	const struct path *new_dir = names->new_dir;
	bool directory = is_directory(names->old_dentry);
	struct ruling first;
	struct operation op;

	if (!begin(&op, CLASS_FILE, what))
		return answer(&op);
	op.slot->event.access = directory ? ACCESS_WRITE | ACCESS_DIRECTORY : ACCESS_WRITE;
	read_path(&op.slot->path, BPF_CORE_READ(old_dir, mnt), names->old_dentry, directory);
	read_path(&op.slot->target, BPF_CORE_READ(new_dir, mnt), names->new_dentry, directory);
	mark_unresolved(&op, &op.slot->path, EVENT_UNRESOLVED);
	mark_unresolved(&op, &op.slot->target, EVENT_TARGET_UNRESOLVED);
	rule_object(&op, &op.slot->path, true);
	first = op.ruling;
	__builtin_memset(&op.ruling, 0, sizeof(op.ruling));
	rule_object(&op, &op.slot->target, true);
	also(&op, &first);
	return finish(&op);
}

/* A text the caller gave, as it stands. */
static __always_inline void read_text(struct path_text *text, const char *from)
{
	long length = from ? bpf_probe_read_kernel_str(text->bytes, PATH_BYTES, from) : 0;

	text->start = 0;
	text->length = length > 0 ? length - 1 : 0;
	text->resolved = 1;
}

static __always_inline int link_text(const struct path *dir, struct dentry *dentry, const char *old_name)
{
	struct operation op;

	if (!begin(&op, CLASS_FILE, FILE_SYMLINK))
		return answer(&op);
	op.slot->event.access = ACCESS_WRITE;
	read_path(&op.slot->path, BPF_CORE_READ(dir, mnt), dentry, false);
	read_text(&op.slot->target, old_name);
	mark_unresolved(&op, &op.slot->path, EVENT_UNRESOLVED);
	rule_object(&op, &op.slot->path, true);
	return finish(&op);
}

#endif

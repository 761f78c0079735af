/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Operations that policies name by system call: ptrace, mount and the like. Verdict: by the operation's code.
 *
 * Y1 Mounting changes what paths mean. Where no rule names it, the posture of FILE decides, else that of PROCESS: an
 *    allow-list of paths is not led astray by a bind mount.
 */
#ifndef SLUICE_SYSCALL_H
#define SLUICE_SYSCALL_H

#include "file.h"

static __always_inline bool changes_mounts(u8 what)
{
	return what == OP_MOUNT || what == OP_UMOUNT || what == OP_PIVOT_ROOT;
}

static __always_inline int finish_syscall(struct operation *op, u8 what)
{
	struct rule_key *key = &op->slot->key;

	if (op->rules) {
		rule_code(op->rules, key, CLASS_SYSCALL, what, &op->ruling);
		if (changes_mounts(what) && op->ruling.verdict == VERDICT_NONE)
			rule_by_posture(op->rules, key, CLASS_FILE, true, &op->ruling);
		if (changes_mounts(what) && op->ruling.verdict == VERDICT_NONE)
			rule_by_posture(op->rules, key, CLASS_PROCESS, true, &op->ruling);
	}
	return finish(op);
}

static __always_inline int trace(struct task_struct *tracee)
{
	struct operation op;

	if (!begin(&op, CLASS_SYSCALL, OP_PTRACE))
		return answer(&op);
	op.slot->event.target_pid = BPF_CORE_READ(tracee, tgid);
	read_executable(&op.slot->path, tracee);
	if (!op.slot->path.resolved)
		op.slot->event.flags |= EVENT_UNRESOLVED;
	return finish_syscall(&op, OP_PTRACE);
}

/* `path` and `source` may be NULL. */
static __always_inline int privileged(u8 what, const struct path *path, const char *source)
{
	struct operation op;

	if (!begin(&op, CLASS_SYSCALL, what))
		return answer(&op);
	if (path) {
		struct dentry *dentry = BPF_CORE_READ(path, dentry);

		read_path(&op.slot->path, BPF_CORE_READ(path, mnt), dentry, is_directory(dentry));
		if (!op.slot->path.resolved)
			op.slot->event.flags |= EVENT_UNRESOLVED;
	}
	read_text(&op.slot->target, source);
	return finish_syscall(&op, what);
}

#endif

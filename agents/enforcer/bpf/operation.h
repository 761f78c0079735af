/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * The course of every hook: whose operation is it, what do the rules say, tell it, answer.
 *
 *     if (!begin(&op, class, what)) return answer(&op);   // not guarded, exempt, or decided without scratch
 *     … fill op.slot, set op.ruling …
 *     return finish(&op);
 *
 * O1 Between begin and finish nothing returns. O2 No way out of a failure is "allow" for a class with a posture.
 */
#ifndef SLUICE_OPERATION_H
#define SLUICE_OPERATION_H

#include "event.h"

struct operation {
	struct scratch *slot;
	void *rules;
	u64 scope;
	u32 scope_flags;
	struct ruling ruling;
	u8 class;
	bool denied;
	bool exempt;
};

#define POSTURE_KEY(of) [of] = { .prefix_bits = RULE_HEAD_BYTES * 8, .class = of }

static const struct rule_key posture_keys[CLASS_COUNT] = {
	POSTURE_KEY(CLASS_PROCESS), POSTURE_KEY(CLASS_FILE),	POSTURE_KEY(CLASS_EGRESS), POSTURE_KEY(CLASS_INGRESS),
	POSTURE_KEY(CLASS_SOCKET),  POSTURE_KEY(CLASS_SYSCALL), POSTURE_KEY(CLASS_BIND),
};

/* Branches, so that the verifier sees two constants. */
static __always_inline int answer(struct operation *op)
{
	u32 denied = op->denied;

	asm volatile("" : "+r"(denied));
	if (denied)
		return -EACCES;
	return 0;
}

static __always_inline void settle(struct operation *op, struct event *event)
{
	take_verdict(event, &op->ruling);
	op->denied = event->verdict == VERDICT_DENY;
	if (op->denied)
		count(COUNT_DENIED + event->class);
	else if (event->verdict == VERDICT_AUDIT)
		count(COUNT_AUDITED + event->class);
}

static __noinline void decide_without_scratch(struct operation *op, u8 what, const struct rule_key *key)
{
	struct event event = {
		.scope = op->scope,
		.class = op->class,
		.op = what,
		.access = ACCESS_READ | ACCESS_WRITE,
		.flags = EVENT_NO_SCRATCH | EVENT_UNRESOLVED,
	};
	struct rule_value *value = op->rules ? bpf_map_lookup_elem(op->rules, key) : NULL;

	if (value)
		take_ruling(&op->ruling, value, false, true);
	settle(op, &event);
	describe_task(&event);
	send_bare_event(&event);
}

/* `scope` was found. False: answer at once. */
static __always_inline bool begin_in(struct operation *op, u8 class, u8 what)
{
	op->class = class;
	op->rules = bpf_map_lookup_elem(&rulesets, &op->scope);
	if (!op->rules && !(op->scope_flags & SCOPE_REPORT))
		return false;
	op->slot = scratch_claim();
	if (!op->slot) {
		decide_without_scratch(op, what, &posture_keys[class]);
		return false;
	}
	__builtin_memset(&op->slot->event, 0, sizeof(op->slot->event));
	op->slot->event.scope = op->scope;
	op->slot->event.class = class;
	op->slot->event.op = what;
	op->slot->event.access = ACCESS_READ;
	op->slot->path.length = op->slot->target.length = 0;
	op->slot->executable.length = op->slot->parent.length = 0;
	return true;
}

/* For an operation of the current task. */
static __always_inline bool begin(struct operation *op, u8 class, u8 what)
{
	__builtin_memset(op, 0, sizeof(*op));
	op->scope = scope_of_current(&op->scope_flags);
	if (!op->scope)
		return false;
	op->exempt = is_exempt(bpf_get_current_task_btf(), op->scope_flags);
	if (op->exempt && class != CLASS_PROCESS)
		return false;
	return begin_in(op, class, what);
}

/* Keeps the stricter of two rulings: an operation with two objects needs both. */
static __always_inline void also(struct operation *op, struct ruling *other)
{
	if (other->verdict > op->ruling.verdict)
		op->ruling = *other;
}

__noinline int describe_actor(struct scratch *slot, bool with_parent)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct task_struct *parent = BPF_CORE_READ(task, real_parent);

	if (!slot)
		return 0;
	describe_task(&slot->event);
	read_executable(&slot->executable, task);
	if (!slot->executable.resolved)
		slot->event.flags |= EVENT_EXECUTABLE_UNRESOLVED;
	if (!with_parent)
		return 0;
	read_executable(&slot->parent, parent);
	if (!slot->parent.resolved)
		slot->event.flags |= EVENT_PARENT_UNRESOLVED;
	return 0;
}

/* Tells what is to be told. Returns the hook's answer. */
static __always_inline int finish_as(struct operation *op, bool by_current)
{
	struct scratch *slot = op->slot;
	struct event *event = &slot->event;

	settle(op, event);
	if (event->verdict > VERDICT_ALLOW || (op->scope_flags & SCOPE_REPORT)) {
		if (op->exempt)
			event->flags |= EVENT_EXEMPT;
		if (by_current)
			describe_actor(slot, event->class == CLASS_PROCESS || event->verdict > VERDICT_ALLOW);
		send_event(slot);
	}
	scratch_release(slot);
	return answer(op);
}

static __always_inline int finish(struct operation *op)
{
	return finish_as(op, true);
}

static __always_inline void mark_unresolved(struct operation *op, struct path_text *path, u16 flag)
{
	if (path->resolved)
		return;
	op->slot->event.flags |= flag;
	count(COUNT_UNRESOLVED);
}

#endif

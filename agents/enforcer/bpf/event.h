/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * One event: header, then the texts, written into the ring as one record.
 *
 * Owns: the map events (written). A number is taken for each event, also when the ring is full: the gap shows.
 */
#ifndef SLUICE_EVENT_H
#define SLUICE_EVENT_H

#include "path.h"
#include "rules.h"
#include "scope.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 16 << 20); /* set by the loader */
} events SEC(".maps");

static __always_inline void describe_task(struct event *event)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u64 ids = bpf_get_current_pid_tgid();
	u64 user = bpf_get_current_uid_gid();

	event->pid = ids >> 32;
	event->tid = ids;
	event->uid = user;
	event->gid = user >> 32;
	event->ppid = BPF_CORE_READ(task, real_parent, tgid);
	event->cgroup = bpf_get_current_cgroup_id();
	bpf_get_current_comm(event->comm, sizeof(event->comm));
}

/* The generation of the rule, by its name. */
static __always_inline u64 generation_of(u32 ruleset, u32 rule)
{
	struct name_key key = { .ruleset = ruleset, .rule = rule };
	struct rule_name *name = bpf_map_lookup_elem(&rule_names, &key);

	if (name)
		return name->generation;
	count(COUNT_NAME_MISSING);
	return 0;
}

static __always_inline void take_verdict(struct event *event, struct ruling *ruling)
{
	event->ruleset = ruling->ruleset;
	event->rule = ruling->rule;
	event->verdict = ruling->verdict == VERDICT_NONE ? VERDICT_ALLOW : ruling->verdict;
	if (event->verdict > VERDICT_ALLOW)
		event->generation = generation_of(ruling->ruleset, ruling->rule);
}

static __always_inline u32 bounded(u32 value)
{
	asm volatile("" : "+r"(value));
	return value & (PATH_BYTES - 1);
}

static __always_inline u32 put_text(struct bpf_dynptr *record, u32 at, struct path_text *text)
{
	u32 length = bounded(text->length);

	bpf_dynptr_write(record, at, &text->bytes[bounded(text->start)], length, 0);
	return at + length;
}

/* Sends the slot's event with those of its texts that have a length. */
__noinline int send_event(struct scratch *slot)
{
	struct bpf_dynptr record;
	struct event *event;
	u32 at = sizeof(*event);

	if (!slot)
		return 0;
	event = &slot->event;
	event->path_length = slot->path.length;
	event->target_length = slot->target.length;
	event->executable_length = slot->executable.length;
	event->parent_length = slot->parent.length;
	event->time_ns = bpf_ktime_get_boot_ns();
	event->sequence = sequence_next();
	count(COUNT_EMITTED);
	if (bpf_ringbuf_reserve_dynptr(&events,
				       at + slot->path.length + slot->target.length + slot->executable.length +
					       slot->parent.length,
				       0, &record)) {
		count(COUNT_RING_FULL);
		bpf_ringbuf_discard_dynptr(&record, 0);
		return 0;
	}
	bpf_dynptr_write(&record, 0, event, sizeof(*event), 0);
	at = put_text(&record, at, &slot->path);
	at = put_text(&record, at, &slot->target);
	at = put_text(&record, at, &slot->executable);
	put_text(&record, at, &slot->parent);
	bpf_ringbuf_submit_dynptr(&record, 0);
	return 0;
}

/* An event without texts, for when there is no scratch. */
__noinline int send_bare_event(struct event *event)
{
	if (!event)
		return 0;
	event->time_ns = bpf_ktime_get_boot_ns();
	event->sequence = sequence_next();
	count(COUNT_EMITTED);
	if (bpf_ringbuf_output(&events, event, sizeof(*event), 0))
		count(COUNT_RING_FULL);
	return 0;
}

#endif

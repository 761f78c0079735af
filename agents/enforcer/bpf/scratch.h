/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Memory for one operation: its event, its key, its paths.
 *
 * A program may be preempted, and another task's program may then run on the same CPU; a plain per-CPU buffer would mix
 * their paths. So a slot is claimed by compare-and-swap, several stand ready per CPU, and whoever finds none decides
 * by the posture (never by "allow").
 */
#ifndef SLUICE_SCRATCH_H
#define SLUICE_SCRATCH_H

#include "counters.h"

/* Twice what a path may take: the verifier sees start and length separately, each up to PATH_BYTES. */
#define PATH_BUFFER_BYTES (2 * PATH_BYTES)

/* The object comes in here, as numbers: a global function takes no kernel pointers. */
struct path_text {
	u64 mount;
	u64 dentry;
	u64 task; /* whose executable */
	u64 viewer; /* the mount namespace in which a path counts */
	u32 directory;
	u32 reserved;
	u32 start;
	u32 length;
	u32 parent_length; /* up to and including the slash before the last name */
	u32 resolved;
	char bytes[PATH_BUFFER_BYTES];
};

struct scratch {
	u32 busy;
	u32 reserved;
	struct event event;
	struct rule_key key;
	struct path_text path;
	struct path_text target;
	struct path_text executable;
	struct path_text parent;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SLOTS_PER_CPU); /* times the CPUs: set by the loader */
	__type(key, u32);
	__type(value, struct scratch);
} scratch_slots SEC(".maps");

#define NO_SLOT 0xffffffffU

/* Index of a slot that is now ours, or NO_SLOT. Global, as are other functions here, so that the verifier sees it once. */
__noinline u32 scratch_claim_index(void)
{
	u32 first = bpf_get_smp_processor_id() * SLOTS_PER_CPU;

	for (u32 i = 0; i < SLOTS_PER_CPU; i++) {
		u32 index = first + i;
		struct scratch *slot = bpf_map_lookup_elem(&scratch_slots, &index);

		if (slot && __sync_val_compare_and_swap(&slot->busy, 0, 1) == 0)
			return index;
	}
	count(COUNT_NO_SCRATCH);
	return NO_SLOT;
}

static __always_inline struct scratch *scratch_claim(void)
{
	u32 index = scratch_claim_index();

	return index == NO_SLOT ? NULL : bpf_map_lookup_elem(&scratch_slots, &index);
}

static __always_inline void scratch_release(struct scratch *slot)
{
	__sync_lock_test_and_set(&slot->busy, 0);
}

#endif

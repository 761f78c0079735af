/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Counters of what happened, and the one sequence of a boot. Both survive the loader. */
#ifndef SLUICE_COUNTERS_H
#define SLUICE_COUNTERS_H

#include "kernel.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "abi.h"

#ifndef NULL
#define NULL ((void *)0)
#endif

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, COUNTERS);
	__type(key, u32);
	__type(value, u64);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} sequence SEC(".maps");

static __always_inline void count(u32 counter)
{
	u64 *value = bpf_map_lookup_elem(&counters, &counter);

	if (value)
		__sync_fetch_and_add(value, 1);
}

/* The next number, from 1. */
static __always_inline u64 sequence_next(void)
{
	u32 zero = 0;
	u64 *value = bpf_map_lookup_elem(&sequence, &zero);

	return value ? __sync_fetch_and_add(value, 1) + 1 : 0;
}

#endif

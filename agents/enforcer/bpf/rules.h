/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * What the rules say: one longest-prefix look-up per key (PROTOCOL.md, "Classes and keys").
 *
 * Owns: maps rulesets, rule_names (read). A table is filled before it is swapped in and never changed after.
 */
#ifndef SLUICE_RULES_H
#define SLUICE_RULES_H

#include "scratch.h"

struct rule_table {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, RULES_MAX);
	__uint(key_size, sizeof(struct rule_key));
	__uint(value_size, sizeof(struct rule_value));
};

/* cgroup id of the scope → its rules. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, SCOPES_MAX);
	__type(key, u64);
	__array(values, struct rule_table);
} rulesets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, NAMES_MAX);
	__type(key, struct name_key);
	__type(value, struct rule_name);
} rule_names SEC(".maps");

/* For the loader's successor; the programs do not read it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 2 * SCOPES_MAX);
	__type(key, u32);
	__type(value, struct ruleset_note);
} ruleset_notes SEC(".maps");

struct ruling {
	u32 ruleset;
	u32 rule;
	u8 verdict;
	u8 reserved[3];
};

static __always_inline void take_ruling(struct ruling *ruling, struct rule_value *value, bool deep, bool write)
{
	u8 verdicts = deep ? value->deep : value->direct;

	ruling->verdict = write ? (verdicts >> 2) & 3 : verdicts & 3;
	if (ruling->verdict == VERDICT_NONE)
		return;
	ruling->ruleset = value->ruleset;
	ruling->rule = deep ? value->deep_rule : value->rule;
}

static __always_inline struct rule_value *look_up(void *rules, struct rule_key *key, u8 class, u32 data_bytes)
{
	key->prefix_bits = (RULE_HEAD_BYTES + data_bytes) * 8;
	key->source = 0;
	key->class = class;
	return bpf_map_lookup_elem(rules, key);
}

static __always_inline void rule_by_posture(void *rules, struct rule_key *key, u8 class, bool write,
					    struct ruling *ruling)
{
	struct rule_value *value = look_up(rules, key, class, 0);

	if (value)
		take_ruling(ruling, value, false, write);
}

/* An unresolved path is ruled by the posture. */
static __always_inline void rule_path(void *rules, struct rule_key *key, struct path_text *path, u8 class, bool write,
				      struct ruling *ruling)
{
	u32 bytes = path->length + 1;
	struct rule_value *value;

	if (!path->resolved) {
		rule_by_posture(rules, key, class, write, ruling);
		return;
	}
	bpf_probe_read_kernel(key->data, RULE_DATA_BYTES, &path->bytes[path->start & (PATH_BYTES - 1)]);
	value = look_up(rules, key, class, bytes < RULE_DATA_BYTES ? bytes : RULE_DATA_BYTES);
	if (value)
		take_ruling(ruling, value, value->data_bytes && path->parent_length > value->data_bytes, write);
}

/* The data is one byte. */
static __always_inline void rule_code(void *rules, struct rule_key *key, u8 class, u8 code, struct ruling *ruling)
{
	struct rule_value *value;

	key->data[0] = code;
	value = look_up(rules, key, class, 1);
	if (value)
		take_ruling(ruling, value, false, false);
}

#define ADDRESS_HEAD_BYTES 3
#define ADDRESS_DATA_BYTES (ADDRESS_HEAD_BYTES + 16)

/* `port` in host order. The first of (transport, port), (transport), (any) that is named decides alone. */
static __always_inline void rule_address(void *rules, struct rule_key *key, u8 class, u8 transport, u16 port,
					 const u8 *address, struct ruling *ruling)
{
	struct rule_value *value;

	key->data[0] = transport;
	key->data[1] = port >> 8;
	key->data[2] = port & 0xff;
	__builtin_memcpy(&key->data[ADDRESS_HEAD_BYTES], address, 16);
	value = look_up(rules, key, class, ADDRESS_DATA_BYTES);
	if (!value || value->data_bytes < ADDRESS_HEAD_BYTES) {
		key->data[1] = key->data[2] = 0;
		value = look_up(rules, key, class, ADDRESS_DATA_BYTES);
	}
	if (!value || value->data_bytes < ADDRESS_HEAD_BYTES) {
		key->data[0] = 0;
		value = look_up(rules, key, class, ADDRESS_DATA_BYTES);
	}
	if (value)
		take_ruling(ruling, value, false, false);
}

#endif

// SPDX-License-Identifier: Apache-2.0
/* What is in force, for a successor of whoever put it there. */
#include "loader.h"

#include <bpf/bpf.h>
#include <string.h>

static uint32_t list_names(const struct kernel *kernel, uint32_t ruleset, struct bytes *out)
{
	struct name_key key, next;
	const void *previous = NULL;
	uint32_t count = 0;

	while (!bpf_map_get_next_key(kernel->rule_names, previous, &next)) {
		struct rule_name name;

		if (next.ruleset == ruleset && !bpf_map_lookup_elem(kernel->rule_names, &next, &name)) {
			put_u32(out, next.rule);
			put_u64(out, name.generation);
			put_u8(out, name.severity);
			put_text(out, name.policy_id);
			put_text(out, name.rule_id);
			count++;
		}
		key = next;
		previous = &key;
	}
	return count;
}

void list_scopes(const struct kernel *kernel, struct bytes *out)
{
	size_t count_at = bytes_waiting(out);
	uint64_t key, next;
	const void *previous = NULL;
	uint32_t count = 0;

	put_u32(out, 0);
	while (!bpf_map_get_next_key(kernel->scopes, previous, &next)) {
		struct ruleset_note note = {};
		struct scope scope = {};
		uint32_t ruleset = ruleset_of(kernel, next, &note);
		size_t names_at;

		if (!ruleset)
			memset(&note, 0, sizeof(note));
		bpf_map_lookup_elem(kernel->scopes, &next, &scope);
		put_u64(out, next);
		put_u32(out, scope.flags);
		put_u32(out, ruleset);
		put_u64(out, note.generation);
		put_raw(out, note.token, sizeof(note.token));
		put_u32(out, note.entries);
		names_at = bytes_waiting(out);
		put_u32(out, 0);
		if (ruleset)
			patch_u32(out, names_at, list_names(kernel, ruleset, out));
		count++;
		key = next;
		previous = &key;
	}
	patch_u32(out, count_at, count);
}

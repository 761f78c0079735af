// SPDX-License-Identifier: Apache-2.0
/*
 * Tables of rules and their names.
 *
 * R1 A request is checked wholly before the kernel is touched.
 * R2 Names and note first, then a complete table, then one swap. What fails before the swap is taken back.
 * R3 The names of a replaced table stay for RETIRED_MS: events that name it may still be in the ring.
 */
#include "loader.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RETIRED_MS 30000
#define ENTRIES_MAX RULES_MAX

struct entry {
	struct rule_key key;
	struct rule_value value;
};

struct named {
	uint32_t rule;
	struct rule_name name;
};

struct ruleset {
	struct named *names;
	uint32_t name_count;
	struct entry *entries;
	uint32_t entry_count;
};

static struct retired {
	uint32_t ruleset;
	uint64_t since_ms;
} *retired;
static size_t retired_count;

static int refuse(char *why, int error, const char *reason, uint32_t index)
{
	snprintf(why, WHY_BYTES, "%s (number %u)", reason, index);
	return error;
}

static int compare_names(const void *a, const void *b)
{
	uint32_t left = ((const struct named *)a)->rule, right = ((const struct named *)b)->rule;

	return left < right ? -1 : left > right;
}

static int compare_entries(const void *a, const void *b)
{
	return memcmp(&((const struct entry *)a)->key, &((const struct entry *)b)->key, sizeof(struct rule_key));
}

static bool has_name(const struct ruleset *set, uint32_t rule)
{
	struct named key = { .rule = rule };

	return bsearch(&key, set->names, set->name_count, sizeof(key), compare_names) != NULL;
}

static bool get_limited_text(struct reader *reader, char *to, size_t size)
{
	uint16_t length;
	const char *text = get_text(reader, &length);

	if (length >= size)
		return false;
	memcpy(to, text, length);
	return true;
}

static int read_names(struct reader *reader, struct ruleset *set, char *why)
{
	for (uint32_t i = 0; i < set->name_count; i++) {
		struct named *named = &set->names[i];

		named->rule = get_u32(reader);
		named->name.generation = get_u64(reader);
		named->name.severity = get_u8(reader);
		if (!get_limited_text(reader, named->name.policy_id, sizeof(named->name.policy_id)) ||
		    !get_limited_text(reader, named->name.rule_id, sizeof(named->name.rule_id)))
			return refuse(why, ENAMETOOLONG, "a name is too long", i);
		if (reader->bad || !named->rule)
			return refuse(why, EINVAL, "a name is cut off or of rule 0", i);
	}
	qsort(set->names, set->name_count, sizeof(*set->names), compare_names);
	for (uint32_t i = 1; i < set->name_count; i++)
		if (set->names[i].rule == set->names[i - 1].rule)
			return refuse(why, EEXIST, "two names of one rule", set->names[i].rule);
	return 0;
}

static bool is_address_class(uint8_t class)
{
	return class == CLASS_EGRESS || class == CLASS_INGRESS || class == CLASS_BIND;
}

/* What cannot take effect is refused. */
static const char *fault_of(const struct ruleset *set, const struct entry *entry, uint16_t bits, uint16_t length)
{
	const struct rule_value *value = &entry->value;

	if (entry->key.source)
		return "a source other than 0 cannot be enforced";
	if (entry->key.class == 0 || entry->key.class >= CLASS_COUNT)
		return "an unknown class";
	if (length > RULE_DATA_LIMIT || (bits + 7) / 8 > length)
		return "data longer than 240 bytes, or shorter than the prefix";
	if (is_address_class(entry->key.class) && bits && (bits < 24 || bits > 24 + 128))
		return "an address prefix of less than 24 or more than 152 bits";
	if ((entry->key.class == CLASS_SOCKET || entry->key.class == CLASS_SYSCALL) && bits != 0 && bits != 8)
		return "a code that is not one byte";
	if ((entry->key.class == CLASS_PROCESS || entry->key.class == CLASS_FILE) && bits % 8)
		return "a path that ends within a byte";
	if ((value->direct && !has_name(set, value->rule)) || (value->deep && !has_name(set, value->deep_rule)))
		return "a verdict whose rule has no name";
	return NULL;
}

static int read_entries(struct reader *reader, struct ruleset *set, uint32_t ruleset, char *why)
{
	for (uint32_t i = 0; i < set->entry_count; i++) {
		struct entry *entry = &set->entries[i];
		uint16_t bits, length;
		const char *fault;

		entry->key.source = get_u16(reader);
		entry->key.class = get_u8(reader);
		entry->value.ruleset = ruleset;
		entry->value.direct = get_u8(reader) & 15;
		entry->value.deep = get_u8(reader) & 15;
		get_u8(reader);
		entry->value.rule = get_u32(reader);
		entry->value.deep_rule = get_u32(reader);
		bits = get_u16(reader);
		length = get_u16(reader);
		fault = fault_of(set, entry, bits, length);
		if (fault)
			return refuse(why, EINVAL, fault, i);
		memcpy(entry->key.data, get_raw(reader, length), (bits + 7) / 8);
		if (bits % 8)
			entry->key.data[bits / 8] &= 0xff << (8 - bits % 8);
		entry->key.prefix_bits = RULE_HEAD_BYTES * 8 + bits;
		entry->value.data_bytes = bits / 8;
		if (reader->bad)
			return refuse(why, EINVAL, "an entry is cut off", i);
	}
	qsort(set->entries, set->entry_count, sizeof(*set->entries), compare_entries);
	for (uint32_t i = 1; i < set->entry_count; i++)
		if (!compare_entries(&set->entries[i], &set->entries[i - 1]))
			return refuse(why, EEXIST, "two entries with the same key, in sorted order", i);
	return 0;
}

static int read_ruleset(struct ruleset_request *request, struct ruleset *set, char *why)
{
	size_t waiting = request->rest.end - request->rest.at;
	int error;

	if (request->name_count > waiting || request->entry_count > waiting || request->entry_count > ENTRIES_MAX)
		return refuse(why, E2BIG, "more names or entries than there are", request->entry_count);
	set->name_count = request->name_count;
	set->entry_count = request->entry_count;
	set->names = calloc(set->name_count + 1, sizeof(*set->names));
	set->entries = calloc(set->entry_count + 1, sizeof(*set->entries));
	if (!set->names || !set->entries)
		return refuse(why, ENOMEM, "no memory", 0);
	error = read_names(&request->rest, set, why);
	if (!error)
		error = read_entries(&request->rest, set, request->ruleset, why);
	if (!error && request->rest.at != request->rest.end)
		error = refuse(why, EINVAL, "bytes after the last entry", 0);
	return error;
}

/* A complete table, or a negative errno. */
static int make_table(const struct ruleset *set)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_NO_PREALLOC);
	/* Kernels before 6.12.5 count inner nodes as well. */
	int fd = bpf_map_create(BPF_MAP_TYPE_LPM_TRIE, "rules", sizeof(struct rule_key), sizeof(struct rule_value),
				2 * set->entry_count + 1, &options);

	if (fd < 0)
		return -errno;
	for (uint32_t i = 0; i < set->entry_count; i++) {
		if (bpf_map_update_elem(fd, &set->entries[i].key, &set->entries[i].value, BPF_ANY)) {
			int error = -errno;

			close(fd);
			return error;
		}
	}
	return fd;
}

static int map_id(int fd, uint32_t *id)
{
	struct bpf_map_info info = {};
	uint32_t length = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &length))
		return errno;
	*id = info.id;
	return 0;
}

uint32_t ruleset_of(const struct kernel *kernel, uint64_t cgroup, struct ruleset_note *found)
{
	uint32_t key, next, table;
	const void *previous = NULL;

	if (bpf_map_lookup_elem(kernel->rulesets, &cgroup, &table))
		return 0;
	while (!bpf_map_get_next_key(kernel->ruleset_notes, previous, &next)) {
		if (!bpf_map_lookup_elem(kernel->ruleset_notes, &next, found) && found->cgroup == cgroup &&
		    found->table == table)
			return next;
		key = next;
		previous = &key;
	}
	return 0;
}

static void forget(const struct kernel *kernel, uint32_t ruleset)
{
	struct name_key key, next;
	const void *previous = NULL;

	/* A deleted key is no place to go on from, so the next one is fetched first. */
	while (!bpf_map_get_next_key(kernel->rule_names, previous, &next)) {
		if (previous && key.ruleset == ruleset)
			bpf_map_delete_elem(kernel->rule_names, &key);
		key = next;
		previous = &key;
	}
	if (previous && key.ruleset == ruleset)
		bpf_map_delete_elem(kernel->rule_names, &key);
	bpf_map_delete_elem(kernel->ruleset_notes, &ruleset);
}

static void retire(uint32_t ruleset)
{
	struct retired *more;

	if (!ruleset)
		return;
	more = realloc(retired, (retired_count + 1) * sizeof(*retired));
	if (!more)
		return; /* its names stay until the next loader */
	retired = more;
	retired[retired_count++] = (struct retired){ ruleset, now_ms() };
}

void forget_retired(const struct kernel *kernel)
{
	while (retired_count && now_ms() - retired[0].since_ms >= RETIRED_MS) {
		forget(kernel, retired[0].ruleset);
		memmove(retired, retired + 1, --retired_count * sizeof(*retired));
	}
}

void adopt_retired(const struct kernel *kernel)
{
	uint32_t key, next;
	const void *previous = NULL;

	while (!bpf_map_get_next_key(kernel->ruleset_notes, previous, &next)) {
		struct ruleset_note note, in_force;

		if (!bpf_map_lookup_elem(kernel->ruleset_notes, &next, &note) &&
		    ruleset_of(kernel, note.cgroup, &in_force) != next)
			retire(next);
		key = next;
		previous = &key;
	}
}

static int write_names(const struct kernel *kernel, uint32_t ruleset, const struct ruleset *set)
{
	for (uint32_t i = 0; i < set->name_count; i++) {
		struct name_key key = { ruleset, set->names[i].rule };

		if (bpf_map_update_elem(kernel->rule_names, &key, &set->names[i].name, BPF_ANY))
			return errno;
	}
	return 0;
}

static int swap_in(const struct kernel *kernel, const struct ruleset_request *request, const struct ruleset *set,
		   int table)
{
	struct ruleset_note note = {
		.cgroup = request->cgroup,
		.generation = request->generation,
		.entries = set->entry_count,
	};
	int error = map_id(table, &note.table);

	memcpy(note.token, request->token, sizeof(note.token));
	if (!error && bpf_map_update_elem(kernel->ruleset_notes, &request->ruleset, &note, BPF_NOEXIST))
		error = errno;
	if (!error)
		error = write_names(kernel, request->ruleset, set);
	/* The kernel answers once no program still uses the table before. */
	if (!error && bpf_map_update_elem(kernel->rulesets, &request->cgroup, &table, BPF_ANY))
		error = errno;
	return error;
}

int put_ruleset(const struct kernel *kernel, struct ruleset_request *request, char *why)
{
	struct ruleset_note note;
	struct ruleset set = {};
	struct scope scope;
	uint32_t before;
	int table, error;

	if (!request->ruleset)
		return refuse(why, EINVAL, "ruleset 0", 0);
	if (bpf_map_lookup_elem(kernel->scopes, &request->cgroup, &scope))
		return refuse(why, ENOENT, "no such scope; SCOPE_SET comes first", 0);
	if (!bpf_map_lookup_elem(kernel->ruleset_notes, &request->ruleset, &note))
		return refuse(why, EEXIST, "the ruleset was put before", request->ruleset);
	error = read_ruleset(request, &set, why);
	if (!error) {
		before = ruleset_of(kernel, request->cgroup, &note);
		table = make_table(&set);
		error = table < 0 ? -table : swap_in(kernel, request, &set, table);
		if (table >= 0)
			close(table);
		if (error) {
			forget(kernel, request->ruleset);
			refuse(why, error, strerror(error), request->ruleset);
		} else {
			retire(before);
		}
	}
	free(set.names);
	free(set.entries);
	return error;
}

int remove_ruleset(const struct kernel *kernel, uint64_t cgroup)
{
	struct ruleset_note note;
	uint32_t ruleset = ruleset_of(kernel, cgroup, &note);

	if (bpf_map_delete_elem(kernel->rulesets, &cgroup))
		return errno;
	retire(ruleset);
	return 0;
}

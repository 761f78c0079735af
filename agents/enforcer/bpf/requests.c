// SPDX-License-Identifier: Apache-2.0
/* Requests and their answers. */
#include "loader.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

enum request_type {
	REQUEST_HELLO = 1,
	REQUEST_SCOPE_SET,
	REQUEST_SCOPE_REMOVE,
	REQUEST_RULESET_PUT,
	REQUEST_RULESET_REMOVE,
	REQUEST_LIST,
	REQUEST_STATS,
};

enum answer_type { ANSWER_READY = 129, ANSWER_ACK, ANSWER_LISTED, ANSWER_STATS };

static const char *const class_names[CLASS_COUNT] = {
	[CLASS_PROCESS] = "process", [CLASS_FILE] = "file",	  [CLASS_EGRESS] = "egress", [CLASS_INGRESS] = "ingress",
	[CLASS_SOCKET] = "socket",   [CLASS_SYSCALL] = "syscall", [CLASS_BIND] = "bind",
};

static const char *const counter_names[COUNT_AUDITED] = {
	[COUNT_EMITTED] = "emitted",	     [COUNT_RING_FULL] = "ringFull",	     [COUNT_UNRESOLVED] = "unresolved",
	[COUNT_NO_SCRATCH] = "noScratch",    [COUNT_PATH_TOO_LONG] = "pathTooLong", [COUNT_RENAME_RACES] = "renameRaces",
	[COUNT_NAME_MISSING] = "nameMissing",
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

uint64_t now_ms(void)
{
	return clock_ns(CLOCK_MONOTONIC) / 1000000;
}

static uint64_t sequence_of(const struct kernel *kernel)
{
	uint32_t zero = 0;
	uint64_t value = 0;

	bpf_map_lookup_elem(kernel->sequence, &zero, &value);
	return value;
}

static uint64_t counter_of(const struct kernel *kernel, uint32_t counter)
{
	int cpus = libbpf_num_possible_cpus();
	uint64_t values[cpus], sum = 0;

	if (bpf_map_lookup_elem(kernel->counters, &counter, values))
		return 0;
	for (int cpu = 0; cpu < cpus; cpu++)
		sum += values[cpu];
	return sum;
}

static void acknowledge(struct bytes *out, uint32_t request, int error, const char *why)
{
	size_t frame = begin_frame(out, ANSWER_ACK);

	put_u32(out, request);
	put_u32(out, error);
	put_text(out, error && !*why ? strerror(error) : why);
	end_frame(out, frame);
}

static void greet(struct session *session, uint32_t request)
{
	struct bytes *out = &session->out;
	struct utsname about;
	char boot_id[64] = "";
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
	size_t frame;

	if (file) {
		if (fgets(boot_id, sizeof(boot_id), file))
			boot_id[strcspn(boot_id, "\n")] = 0;
		fclose(file);
	}
	uname(&about);
	session->greeted = true;
	frame = begin_frame(out, ANSWER_READY);
	put_u32(out, request);
	put_u32(out, PROTOCOL);
	put_u32(out, SLUICE_ABI);
	put_u32(out, session->kernel.adopted);
	put_u64(out, sequence_of(&session->kernel));
	put_u64(out, counter_of(&session->kernel, COUNT_RING_FULL));
	put_u64(out, clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_BOOTTIME));
	put_text(out, boot_id);
	put_text(out, about.release);
	put_text(out, session->kernel.missing_hooks);
	end_frame(out, frame);
}

static int set_scope(const struct kernel *kernel, struct reader *payload)
{
	uint64_t cgroup = get_u64(payload);
	struct scope scope = { .flags = get_u32(payload) };

	if (payload->bad || !cgroup || (scope.flags & ~(SCOPE_REPORT | SCOPE_HOST)))
		return EINVAL;
	return bpf_map_update_elem(kernel->scopes, &cgroup, &scope, BPF_ANY) ? errno : 0;
}

static int remove_scope(const struct kernel *kernel, struct reader *payload)
{
	uint64_t cgroup = get_u64(payload);

	if (payload->bad)
		return EINVAL;
	if (bpf_map_delete_elem(kernel->scopes, &cgroup))
		return errno;
	remove_ruleset(kernel, cgroup);
	return 0;
}

static int put_rules(const struct kernel *kernel, struct reader *payload, char *why)
{
	struct ruleset_request request = { .cgroup = get_u64(payload) };

	request.ruleset = get_u32(payload);
	request.generation = get_u64(payload);
	memcpy(request.token, get_raw(payload, sizeof(request.token)), sizeof(request.token));
	request.name_count = get_u32(payload);
	request.entry_count = get_u32(payload);
	request.rest = *payload;
	return payload->bad ? EINVAL : put_ruleset(kernel, &request, why);
}

static void list(struct session *session, uint32_t request)
{
	size_t frame = begin_frame(&session->out, ANSWER_LISTED);

	put_u32(&session->out, request);
	list_scopes(&session->kernel, &session->out);
	end_frame(&session->out, frame);
}

static void put_counter(struct session *session, const char *prefix, const char *name, uint32_t counter)
{
	char text[64];

	snprintf(text, sizeof(text), "%s%s", prefix, name);
	put_text(&session->out, text);
	put_u64(&session->out, counter_of(&session->kernel, counter));
}

static void tell_stats(struct session *session, uint32_t request)
{
	const struct kernel *kernel = &session->kernel;
	struct bytes *out = &session->out;
	uint64_t sequence = sequence_of(kernel);
	uint64_t ring_full = counter_of(kernel, COUNT_RING_FULL);
	bool drained = session->drain_ring(session);
	size_t frame = begin_frame(out, ANSWER_STATS);

	put_u32(out, request);
	put_u32(out, drained);
	put_u64(out, sequence);
	put_u64(out, ring_full);
	put_u32(out, COUNT_AUDITED + 2 * (CLASS_COUNT - 1));
	for (uint32_t counter = 0; counter < COUNT_AUDITED; counter++)
		put_counter(session, "", counter_names[counter], counter);
	for (uint32_t class = 1; class < CLASS_COUNT; class++) {
		put_counter(session, "audited.", class_names[class], COUNT_AUDITED + class);
		put_counter(session, "denied.", class_names[class], COUNT_DENIED + class);
	}
	end_frame(out, frame);
}

static int change(const struct kernel *kernel, uint8_t type, struct reader *payload, char *why)
{
	switch (type) {
	case REQUEST_SCOPE_SET:
		return set_scope(kernel, payload);
	case REQUEST_SCOPE_REMOVE:
		return remove_scope(kernel, payload);
	case REQUEST_RULESET_PUT:
		return put_rules(kernel, payload, why);
	case REQUEST_RULESET_REMOVE:
		return remove_ruleset(kernel, get_u64(payload));
	}
	return ENOSYS;
}

void handle_request(struct session *session, uint8_t type, struct reader *payload)
{
	uint32_t request = get_u32(payload);
	char why[WHY_BYTES] = "";

	if (payload->bad)
		die(EXIT_FRAME, "a frame of type %u without a request number", type);
	if (type == REQUEST_HELLO) {
		if (get_u32(payload) == PROTOCOL)
			greet(session, request);
		else
			acknowledge(&session->out, request, EPROTONOSUPPORT, "this loader speaks protocol 1");
	} else if (!session->greeted) {
		acknowledge(&session->out, request, EPROTO, "HELLO comes first");
	} else if (type == REQUEST_LIST) {
		list(session, request);
	} else if (type == REQUEST_STATS) {
		tell_stats(session, request);
	} else {
		int error = change(&session->kernel, type, payload, why);

		acknowledge(&session->out, request, error, why);
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the loader share. PROTOCOL.md says what the frames mean. */
#ifndef SLUICE_LOADER_H
#define SLUICE_LOADER_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"

#define PROTOCOL 1

enum exit_code {
	EXIT_OTHER = 1,
	EXIT_USAGE = 2,
	EXIT_VERSION = 3,
	EXIT_KERNEL = 4,
	EXIT_PERMISSION = 5,
	EXIT_BUSY = 6,
	EXIT_FRAME = 7,
};

/* Prints one line on stderr and exits. */
void die(int code, const char *format, ...) __attribute__((noreturn, format(printf, 2, 3)));

/* frames.c: bytes in and out. */

struct bytes {
	uint8_t *data;
	size_t start;
	size_t end;
	size_t capacity;
};

/* Reads what is there. False at the end of the input. */
bool fill_from(struct bytes *in, int fd);
/* Writes what the other side takes. False when it is gone. */
bool drain_to(struct bytes *out, int fd);

static inline size_t bytes_waiting(const struct bytes *bytes)
{
	return bytes->end - bytes->start;
}

/* A frame being read. After a read past its end `bad` is set and zeroes are returned. */
struct reader {
	const uint8_t *at;
	const uint8_t *end;
	bool bad;
};

/* Takes the next whole frame out of `in`. False: not there yet. Dies on one that cannot be right. */
bool next_frame(struct bytes *in, uint8_t *type, struct reader *payload);

uint8_t get_u8(struct reader *reader);
uint16_t get_u16(struct reader *reader);
uint32_t get_u32(struct reader *reader);
uint64_t get_u64(struct reader *reader);
const uint8_t *get_raw(struct reader *reader, size_t length);
const char *get_text(struct reader *reader, uint16_t *length);

/* Returns where the frame begins, for end_frame. */
size_t begin_frame(struct bytes *out, uint8_t type);
void end_frame(struct bytes *out, size_t begin);
void put_raw(struct bytes *out, const void *data, size_t length);
void put_u8(struct bytes *out, uint8_t value);
void put_u32(struct bytes *out, uint32_t value);
void put_u64(struct bytes *out, uint64_t value);
void put_text(struct bytes *out, const char *text);
void patch_u32(struct bytes *out, size_t at, uint32_t value);

/* pins.c: the kernel objects, loaded or adopted. */

struct kernel {
	int scopes;
	int rulesets;
	int rule_names;
	int ruleset_notes;
	int counters;
	int sequence;
	int events;
	bool adopted;
	char missing_hooks[sizeof(((struct pinned_version *)0)->missing_hooks)];
};

struct kernel open_kernel(const char *pins, uint32_t ring_bytes);
void remove_pins(const char *pins);
/* Keeps CAP_BPF and CAP_PERFMON, and gives up all else for good. */
void drop_privileges(void);

/* rulesets.c: tables of rules and their names. Each returns 0 or an errno, with a reason in `why`. */

#define WHY_BYTES 160

struct ruleset_request {
	uint64_t cgroup;
	uint32_t ruleset;
	uint64_t generation;
	uint8_t token[32];
	uint32_t name_count;
	uint32_t entry_count;
	struct reader rest; /* names, then entries */
};

int put_ruleset(const struct kernel *kernel, struct ruleset_request *request, char *why);
int remove_ruleset(const struct kernel *kernel, uint64_t cgroup);
/* Forgets the names of rulesets that were replaced long enough ago. */
void forget_retired(const struct kernel *kernel);
/* Takes up those that a predecessor replaced and did not forget. */
void adopt_retired(const struct kernel *kernel);
/* The ruleset in force for a scope, and its note; 0 when there is none. */
uint32_t ruleset_of(const struct kernel *kernel, uint64_t cgroup, struct ruleset_note *found);

/* listing.c: the payload of LISTED after the request. */

void list_scopes(const struct kernel *kernel, struct bytes *out);

/* requests.c */

struct session {
	struct kernel kernel;
	struct bytes in;
	struct bytes out;
	bool greeted;
	/* Reads the ring until it is empty, or until too much waits on stdout (false). Puts the events into `out`. */
	bool (*drain_ring)(struct session *session);
	void *ring;
};

void handle_request(struct session *session, uint8_t type, struct reader *payload);

/* layout.c */

void print_layout(void);

uint64_t now_ms(void);

#endif

// SPDX-License-Identifier: Apache-2.0
/* Where the fields of an event lie, as the compiler laid them out. */
#include "loader.h"

#include <stdio.h>

struct field {
	const char *name;
	size_t offset;
	size_t bytes;
};

#define FIELD(name) { #name, offsetof(struct event, name), sizeof(((struct event *)0)->name) }

static const struct field fields[] = {
	FIELD(sequence),      FIELD(time_ns),	    FIELD(scope),	  FIELD(cgroup),	   FIELD(generation),
	FIELD(pid),	      FIELD(tid),	    FIELD(ppid),	  FIELD(uid),		   FIELD(gid),
	FIELD(ruleset),	      FIELD(rule),	    FIELD(target_pid),	  FIELD(class),		   FIELD(op),
	FIELD(verdict),	      FIELD(access),	    FIELD(flags),	  FIELD(transport),	   FIELD(family),
	FIELD(local_port),    FIELD(remote_port),   FIELD(path_length),	  FIELD(target_length),	   FIELD(executable_length),
	FIELD(parent_length), FIELD(args_length),   FIELD(local_address), FIELD(remote_address),   FIELD(comm),
};

void print_layout(void)
{
	size_t count = sizeof(fields) / sizeof(fields[0]);

	printf("{\"protocol\":%d,\"abi\":%d,\"eventBytes\":%zu,\"fields\":{", PROTOCOL, SLUICE_ABI, sizeof(struct event));
	for (size_t i = 0; i < count; i++)
		printf("%s\"%s\":{\"offset\":%zu,\"bytes\":%zu}", i ? "," : "", fields[i].name, fields[i].offset,
		       fields[i].bytes);
	printf("}}\n");
}

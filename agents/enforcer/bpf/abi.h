/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * What the kernel programs and the loader share: map keys and values, the event, codes.
 *
 * Owns: the layouts. PROTOCOL.md describes those that leave the loader. A change of any of them raises SLUICE_ABI.
 */
#ifndef SLUICE_ABI_H
#define SLUICE_ABI_H

#define SLUICE_ABI 1

#define SCOPES_MAX 4096
#define RULES_MAX 65536
#define NAMES_MAX 262144
#define SLOTS_PER_CPU 4
#define SCOPE_LEVELS 32

/* A key of the table of rules holds at most 256 bytes after its length: source, class, then data. */
#define RULE_HEAD_BYTES 3
#define RULE_DATA_BYTES 253
#define RULE_DATA_LIMIT 240

#define PATH_BYTES 4096

enum rule_class {
	CLASS_PROCESS = 1,
	CLASS_FILE = 2,
	CLASS_EGRESS = 3,
	CLASS_INGRESS = 4,
	CLASS_SOCKET = 5,
	CLASS_SYSCALL = 6,
	CLASS_BIND = 7,
	CLASS_COUNT = 8,
};

enum verdict { VERDICT_NONE = 0, VERDICT_ALLOW = 1, VERDICT_AUDIT = 2, VERDICT_DENY = 3 };

enum file_op {
	FILE_OPEN = 1,
	FILE_CREATE,
	FILE_TRUNCATE,
	FILE_UNLINK,
	FILE_RENAME,
	FILE_LINK,
	FILE_SYMLINK,
	FILE_MKDIR,
	FILE_RMDIR,
	FILE_MKNOD,
	FILE_CHMOD,
	FILE_CHOWN,
};

enum process_op { PROCESS_EXEC = 1 };
enum egress_op { EGRESS_CONNECT = 1, EGRESS_SEND = 2 };
enum ingress_op { INGRESS_REQUEST = 1, INGRESS_ACCEPT = 2 };
enum bind_op { BIND_BIND = 1, BIND_LISTEN = 2 };
enum socket_op { SOCKET_SOCKET = 1 };
enum syscall_op { OP_PTRACE = 1, OP_MOUNT, OP_UMOUNT, OP_PIVOT_ROOT, OP_MODULE, OP_BPF };

enum transport {
	TRANSPORT_OTHER,
	TRANSPORT_TCP,
	TRANSPORT_UDP,
	TRANSPORT_SCTP,
	TRANSPORT_ICMP,
	TRANSPORT_ICMPV6,
	TRANSPORT_RAW,
	TRANSPORT_UNIX,
	TRANSPORT_PACKET,
};

enum access {
	ACCESS_READ = 1,
	ACCESS_WRITE = 2,
	ACCESS_CREATED = 4,
	ACCESS_DIRECTORY = 8,
	ACCESS_APPEND = 16,
	ACCESS_TRUNCATE = 32,
};

enum event_flag {
	EVENT_UNRESOLVED = 1,
	EVENT_TARGET_UNRESOLVED = 2,
	EVENT_EXECUTABLE_UNRESOLVED = 4,
	EVENT_PARENT_UNRESOLVED = 8,
	EVENT_EXEMPT = 16,
	EVENT_NO_SCRATCH = 32,
};

enum scope_flag { SCOPE_REPORT = 1, SCOPE_HOST = 2 };

enum counter {
	COUNT_EMITTED,
	COUNT_RING_FULL,
	COUNT_UNRESOLVED,
	COUNT_NO_SCRATCH,
	COUNT_PATH_TOO_LONG,
	COUNT_RENAME_RACES,
	COUNT_NAME_MISSING,
	COUNT_AUDITED,
	COUNT_DENIED = COUNT_AUDITED + CLASS_COUNT,
	COUNTERS = COUNT_DENIED + CLASS_COUNT,
};

struct scope {
	__u32 flags;
	__u32 reserved;
};

struct rule_key {
	__u32 prefix_bits;
	__u16 source;
	__u8 class;
	__u8 data[RULE_DATA_BYTES];
};

/* Two verdicts in each of `direct` and `deep`: bits 0-1 for reading, bits 2-3 for writing. */
struct rule_value {
	__u32 ruleset;
	__u32 rule;
	__u32 deep_rule;
	__u16 data_bytes; /* whole bytes of data in the prefix */
	__u8 direct;
	__u8 deep;
};

struct name_key {
	__u32 ruleset;
	__u32 rule;
};

struct rule_name {
	__u64 generation;
	__u8 severity;
	__u8 reserved[7];
	char policy_id[256];
	char rule_id[96];
};

/* What the loader notes of a ruleset, for its successor. Written before the table is swapped in. */
struct ruleset_note {
	__u64 cgroup;
	__u64 generation;
	__u32 table; /* id of the map; the ruleset is in force while the scope's entry names this map */
	__u32 entries;
	__u8 token[32];
};

struct pinned_version {
	__u32 abi;
	__u32 complete; /* 1 once everything is attached and pinned */
	char missing_hooks[248];
};

struct event {
	__u64 sequence;
	__u64 time_ns;
	__u64 scope;
	__u64 cgroup;
	__u64 generation;
	__u32 pid;
	__u32 tid;
	__u32 ppid;
	__u32 uid;
	__u32 gid;
	__u32 ruleset;
	__u32 rule;
	__u32 target_pid;
	__u8 class;
	__u8 op;
	__u8 verdict;
	__u8 access;
	__u16 flags;
	__u8 transport;
	__u8 family;
	__u16 local_port;
	__u16 remote_port;
	__u16 path_length;
	__u16 target_length;
	__u16 executable_length;
	__u16 parent_length;
	__u16 args_length;
	__u16 reserved;
	__u8 local_address[16];
	__u8 remote_address[16];
	char comm[16];
};

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * The parts of the kernel's types that the programs read. Offsets come from the running kernel's BTF at load time
 * (CO-RE), so only names and types must be right here, and building needs no kernel at hand.
 */
#ifndef SLUICE_KERNEL_H
#define SLUICE_KERNEL_H

#include <linux/types.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s64 s64;

#include <linux/bpf.h>

#ifndef true
typedef _Bool bool;
#define true 1
#define false 0
#endif

#define EACCES 13
#define EINVAL 22

#define AF_UNSPEC 0
#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define AF_NETLINK 16
#define AF_PACKET 17

#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define SOCK_RAW 3
#define SOCK_SEQPACKET 5

#define S_IFMT 0170000
#define S_IFREG 0100000
#define S_IFDIR 0040000

#define O_TRUNC 01000
#define O_APPEND 02000
#define O_TMPFILE_BIT 020000000

#define FMODE_WRITE 0x2
#define FMODE_READ 0x1
#define FMODE_EXEC_FLAG 0x20 /* __FMODE_EXEC, which stands in f_flags */
#define FMODE_CREATED 0x100000
#define FMODE_NOACCOUNT 0x20000000 /* a file that a file system opened for itself */

#define MSG_FASTOPEN 0x20000000
#define PTRACE_MODE_ATTACH 2
#define CLONE_THREAD 0x10000
#define READING_MODULE 2 /* of kernel_read_file_id and kernel_load_data_id */

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct kernfs_node {
	u64 id;
};

struct cgroup {
	int level;
	struct kernfs_node *kn;
	struct cgroup *ancestors[];
};

struct css_set {
	struct cgroup *dfl_cgrp;
};

struct ns_common {
	unsigned int inum;
};

struct mnt_namespace {
	struct ns_common ns;
};

struct nsproxy {
	struct mnt_namespace *mnt_ns;
};

struct qstr {
	union {
		struct {
			u32 hash;
			u32 len;
		};
		u64 hash_len;
	};
	const unsigned char *name;
};

struct hlist_bl_node {
	struct hlist_bl_node *next, **pprev;
};

struct inode {
	unsigned short i_mode;
};

struct super_block {
	unsigned long s_magic;
};

struct pid;

/* Of an entry of a process under /proc; its pid is null for every other entry. */
struct proc_inode {
	struct pid *pid;
	struct inode vfs_inode;
};

typedef struct seqcount {
	unsigned int sequence;
} seqcount_t;

typedef struct seqcount_spinlock {
	seqcount_t seqcount;
} seqcount_spinlock_t;

struct dentry {
	seqcount_spinlock_t d_seq;
	struct hlist_bl_node d_hash;
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
	struct super_block *d_sb;
};

struct vfsmount {
	struct dentry *mnt_root;
};

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
	struct mnt_namespace *mnt_ns;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct file {
	unsigned int f_mode;
	unsigned int f_flags;
	struct path f_path;
};

struct mm_struct {
	struct file *exe_file;
};

struct signal_struct {
	struct pid *pids[4]; /* of a thread, the process, its group, its session */
};

struct task_struct {
	int pid;
	int tgid;
	struct mm_struct *mm;
	struct nsproxy *nsproxy;
	struct css_set *cgroups;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct signal_struct *signal;
};

struct linux_binprm {
	struct file *file;
};


struct in6_addr {
	union {
		u8 u6_addr8[16];
	} in6_u;
};

struct sock_common {
	u32 skc_daddr;
	u32 skc_rcv_saddr;
	u16 skc_dport;
	u16 skc_num;
	unsigned short skc_family;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
};

struct sock_cgroup_data {
	struct cgroup *cgroup;
};

struct sock {
	struct sock_common __sk_common;
	u16 sk_type;
	u16 sk_protocol;
	struct sock_cgroup_data sk_cgrp_data;
};

struct request_sock {
	struct sock_common __req_common;
};

struct socket {
	struct sock *sk;
};

struct msghdr {
	void *msg_name;
	int msg_namelen;
	unsigned int msg_flags;
};

typedef struct {
	u32 val;
} kuid_t;

typedef struct {
	u32 val;
} kgid_t;

#pragma clang attribute pop

struct super_block;
struct sk_buff;
struct proto_accept_arg;

/* The layouts of the system call interface, the same on every kernel. */
struct sockaddr {
	u16 sa_family;
	char sa_data[14];
};

struct sockaddr_in {
	u16 sin_family;
	u16 sin_port;
	u32 sin_addr;
};

struct sockaddr_in6 {
	u16 sin6_family;
	u16 sin6_port;
	u32 sin6_flowinfo;
	u8 sin6_addr[16];
};

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Hooks of the enforcer: wiring only.
 *
 * Maps read: scopes, rulesets, rule_names, entering. Written: events, counters, sequence, entering, scratch_slots.
 * Verdict: operation.h (the course), rules.h (the look-up), file.h, network.h, syscall.h (the keys).
 * Counters: counters.h. Protocol: PROTOCOL.md.
 */
#include "kernel.h"

#include "file.h"
#include "network.h"
#include "syscall.h"

char LICENSE[] SEC("license") = "GPL";

/* Read and written by the loader alone. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct pinned_version);
} version SEC(".maps");

/* At its beginning: the tracepoint of the same name comes when a process that moves itself is already there. */
SEC("fentry/cgroup_attach_task")
int BPF_PROG(on_cgroup_attach, struct cgroup *to, struct task_struct *task)
{
	runtime_moves(task);
	return 0;
}

SEC("tp_btf/task_newtask")
int BPF_PROG(on_fork, struct task_struct *child, unsigned long flags)
{
	if (!(flags & CLONE_THREAD))
		runtime_forked(child);
	return 0;
}

SEC("lsm/bprm_committed_creds")
int BPF_PROG(on_executed, struct linux_binprm *bprm)
{
	runtime_executed(bprm->file);
	return 0;
}

SEC("lsm/bprm_check_security")
int BPF_PROG(on_exec, struct linux_binprm *bprm)
{
	return execute(bprm->file);
}

SEC("lsm/file_open")
int BPF_PROG(on_open, struct file *file)
{
	return open_file(file);
}

SEC("lsm/path_mknod")
int BPF_PROG(on_mknod, const struct path *dir, struct dentry *dentry, unsigned short mode)
{
	bool regular = !(mode & S_IFMT) || (mode & S_IFMT) == S_IFREG;

	return change(regular ? FILE_CREATE : FILE_MKNOD, dir, dentry, false);
}

SEC("lsm/path_truncate")
int BPF_PROG(on_truncate, const struct path *path)
{
	return change_at(FILE_TRUNCATE, path);
}

SEC("lsm/path_chmod")
int BPF_PROG(on_chmod, const struct path *path)
{
	return change_at(FILE_CHMOD, path);
}

SEC("lsm/path_chown")
int BPF_PROG(on_chown, const struct path *path)
{
	return change_at(FILE_CHOWN, path);
}

SEC("lsm/path_unlink")
int BPF_PROG(on_unlink, const struct path *dir, struct dentry *dentry)
{
	return change(FILE_UNLINK, dir, dentry, false);
}

SEC("lsm/path_mkdir")
int BPF_PROG(on_mkdir, const struct path *dir, struct dentry *dentry)
{
	return change(FILE_MKDIR, dir, dentry, true);
}

SEC("lsm/path_rmdir")
int BPF_PROG(on_rmdir, const struct path *dir, struct dentry *dentry)
{
	return change(FILE_RMDIR, dir, dentry, true);
}

SEC("lsm/path_symlink")
int BPF_PROG(on_symlink, const struct path *dir, struct dentry *dentry, const char *old_name)
{
	return link_text(dir, dentry, old_name);
}

SEC("lsm/path_link")
int BPF_PROG(on_link, struct dentry *old_dentry, const struct path *new_dir, struct dentry *new_dentry)
{
	struct two_names names = { new_dir, old_dentry, new_dir, new_dentry }; /* a link stays within its mount */

	return give_name(FILE_LINK, &names);
}

SEC("lsm/path_rename")
int BPF_PROG(on_rename, const struct path *old_dir, struct dentry *old_dentry, const struct path *new_dir,
	     struct dentry *new_dentry)
{
	struct two_names names = { old_dir, old_dentry, new_dir, new_dentry };

	return give_name(FILE_RENAME, &names);
}

SEC("lsm/socket_create")
int BPF_PROG(on_socket, int family, int type, int protocol, int kern)
{
	return kern ? 0 : create_socket(family, type, protocol);
}

SEC("lsm/socket_bind")
int BPF_PROG(on_bind, struct socket *sock, struct sockaddr *address, int length)
{
	return bind_socket(sock, address, length);
}

SEC("lsm/socket_listen")
int BPF_PROG(on_listen, struct socket *sock)
{
	return tell_socket(CLASS_BIND, BIND_LISTEN, BPF_CORE_READ(sock, sk));
}

SEC("lsm/socket_connect")
int BPF_PROG(on_connect, struct socket *sock, struct sockaddr *address, int length)
{
	return connect_socket(sock, address, length);
}

SEC("lsm/socket_sendmsg")
int BPF_PROG(on_sendmsg, struct socket *sock, struct msghdr *msg)
{
	return send_message(sock, msg);
}

SEC("lsm/inet_conn_request")
int BPF_PROG(on_connection_request, struct sock *listener, struct sk_buff *skb, struct request_sock *request)
{
	return admit_connection(listener, request);
}

SEC("fexit/inet_csk_accept")
int on_accept(void *ctx)
{
	u64 accepted = 0;

	bpf_get_func_ret(ctx, &accepted);
	return accepted ? tell_socket(CLASS_INGRESS, INGRESS_ACCEPT, (struct sock *)accepted) : 0;
}

SEC("lsm/ptrace_access_check")
int BPF_PROG(on_ptrace, struct task_struct *tracee, unsigned int mode)
{
	return mode & PTRACE_MODE_ATTACH ? trace(tracee) : 0;
}

SEC("lsm/ptrace_traceme")
int BPF_PROG(on_traceme, struct task_struct *parent)
{
	return trace(bpf_get_current_task_btf());
}

SEC("lsm/sb_mount")
int BPF_PROG(on_mount, const char *source, const struct path *path)
{
	return privileged(OP_MOUNT, path, source);
}

SEC("lsm/move_mount")
int BPF_PROG(on_move_mount, const struct path *from, const struct path *to)
{
	return privileged(OP_MOUNT, to, NULL);
}

SEC("lsm/sb_umount")
int BPF_PROG(on_umount, struct vfsmount *mnt)
{
	return privileged(OP_UMOUNT, NULL, NULL);
}

SEC("lsm/sb_pivotroot")
int BPF_PROG(on_pivot_root, const struct path *old_path, const struct path *new_path)
{
	return privileged(OP_PIVOT_ROOT, new_path, NULL);
}

SEC("lsm/kernel_read_file")
int BPF_PROG(on_read_file, struct file *file, int id)
{
	return id == READING_MODULE ? privileged(OP_MODULE, NULL, NULL) : 0;
}

SEC("lsm/kernel_load_data")
int BPF_PROG(on_load_data, int id)
{
	return id == READING_MODULE ? privileged(OP_MODULE, NULL, NULL) : 0;
}

SEC("lsm/bpf")
int BPF_PROG(on_bpf, int command)
{
	return privileged(OP_BPF, NULL, NULL);
}

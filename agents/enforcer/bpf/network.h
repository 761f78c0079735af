/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Sockets: creating, binding, listening, connecting, sending to an address, being connected to.
 *
 * Verdict: EGRESS, INGRESS and BIND by transport, port and address; SOCKET by transport. Maps: those of operation.h.
 * N1 A family counts: a unix stream is no TCP. AF_UNIX and AF_NETLINK never leave the kernel and are not ruled; any
 *    other family falls under SOCKET.
 * N2 Each way to name a peer is covered: connect, sendto, TCP fast open, AF_UNSPEC where the kernel reads it as AF_INET.
 */
#ifndef SLUICE_NETWORK_H
#define SLUICE_NETWORK_H

#include "operation.h"

static __always_inline u8 transport_of(u16 family, u16 type, u16 protocol)
{
	if (family == AF_UNIX)
		return TRANSPORT_UNIX;
	if (family == AF_PACKET)
		return TRANSPORT_PACKET;
	if (family != AF_INET && family != AF_INET6)
		return TRANSPORT_OTHER;
	if (type == SOCK_RAW)
		return TRANSPORT_RAW;
	switch (protocol) {
	case 0:
		return type == SOCK_STREAM ? TRANSPORT_TCP : type == SOCK_DGRAM ? TRANSPORT_UDP : TRANSPORT_SCTP;
	case 6: /* TCP */
	case 262: /* MPTCP */
		return TRANSPORT_TCP;
	case 17: /* UDP */
	case 136: /* UDP-Lite */
		return TRANSPORT_UDP;
	case 132:
		return TRANSPORT_SCTP;
	case 1:
		return TRANSPORT_ICMP;
	case 58:
		return TRANSPORT_ICMPV6;
	}
	return TRANSPORT_OTHER;
}

static __always_inline u8 transport_of_sock(struct sock *sk)
{
	return transport_of(BPF_CORE_READ(sk, __sk_common.skc_family), BPF_CORE_READ(sk, sk_type),
			    BPF_CORE_READ(sk, sk_protocol));
}

static __always_inline void map_ipv4(u8 *address, u32 ipv4)
{
	__builtin_memset(address, 0, 10);
	address[10] = address[11] = 0xff;
	__builtin_memcpy(address + 12, &ipv4, 4);
}

/* Both ends of a socket or of a request for one, as far as they are known. */
static __always_inline void read_ends(struct event *event, struct sock_common *common)
{
	u16 family = BPF_CORE_READ(common, skc_family);

	event->local_port = BPF_CORE_READ(common, skc_num);
	event->remote_port = __builtin_bswap16(BPF_CORE_READ(common, skc_dport));
	if (family == AF_INET) {
		map_ipv4(event->local_address, BPF_CORE_READ(common, skc_rcv_saddr));
		map_ipv4(event->remote_address, BPF_CORE_READ(common, skc_daddr));
	} else if (family == AF_INET6) {
		bpf_core_read(event->local_address, 16, &common->skc_v6_rcv_saddr);
		bpf_core_read(event->remote_address, 16, &common->skc_v6_daddr);
	}
}

/* Host order. False: the kernel will refuse such an address, or it is none of IP. */
static __always_inline bool read_address(const void *from, int length, u16 family, u16 *port, u8 *address)
{
	union {
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} given = {};

	if (family == AF_INET) {
		if (length < 16 || bpf_probe_read_kernel(&given.v4, 8, from))
			return false;
		*port = __builtin_bswap16(given.v4.sin_port);
		map_ipv4(address, given.v4.sin_addr);
		return true;
	}
	if (family == AF_INET6) {
		if (length < 24 || bpf_probe_read_kernel(&given.v6, 24, from))
			return false;
		*port = __builtin_bswap16(given.v6.sin6_port);
		__builtin_memcpy(address, given.v6.sin6_addr, 16);
		return true;
	}
	return false;
}

static __always_inline u16 family_of_address(const void *from, int length)
{
	u16 family = AF_UNSPEC;

	if (length >= (int)sizeof(family))
		bpf_probe_read_kernel(&family, sizeof(family), from);
	return family;
}

/* Connecting to "any" means this host. */
static __always_inline void any_is_loopback(u8 *address)
{
	u32 *words = (u32 *)address;

	if (words[0] || words[1] || words[3])
		return;
	if (words[2] == 0)
		address[15] = 1;
	else if (words[2] == __builtin_bswap32(0xffff)) {
		address[12] = 127;
		address[15] = 1;
	}
}

struct named_peer {
	const void *address;
	int length;
	u16 family;
};

static __noinline void reach(struct operation *op, struct sock *sk, struct named_peer *peer)
{
	struct event *event = &op->slot->event;
	u16 port = 0;

	event->transport = transport_of_sock(sk);
	event->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	event->local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
	read_address(peer->address, peer->length, peer->family, &port, event->remote_address);
	any_is_loopback(event->remote_address);
	event->remote_port = port;
	if (op->rules)
		rule_address(op->rules, &op->slot->key, CLASS_EGRESS, event->transport, port, event->remote_address,
			     &op->ruling);
}

static __always_inline bool is_peer(struct named_peer *peer)
{
	return (peer->family == AF_INET && peer->length >= 16) || (peer->family == AF_INET6 && peer->length >= 24);
}

static __always_inline int connect_socket(struct socket *sock, struct sockaddr *address, int length)
{
	struct named_peer peer = { address, length, family_of_address(address, length) };
	struct operation op;

	if (!is_peer(&peer)) /* AF_UNSPEC dissolves a connection */
		return 0;
	if (!begin(&op, CLASS_EGRESS, EGRESS_CONNECT))
		return answer(&op);
	reach(&op, BPF_CORE_READ(sock, sk), &peer);
	return finish(&op);
}

static __always_inline int send_message(struct socket *sock, struct msghdr *msg)
{
	struct named_peer peer = { BPF_CORE_READ(msg, msg_name), BPF_CORE_READ(msg, msg_namelen), AF_UNSPEC };
	struct sock *sk = BPF_CORE_READ(sock, sk);
	struct operation op;

	if (!peer.address)
		return 0;
	if (BPF_CORE_READ(sk, sk_type) == SOCK_STREAM && !(BPF_CORE_READ(msg, msg_flags) & MSG_FASTOPEN))
		return 0;
	peer.family = family_of_address(peer.address, peer.length);
	if (peer.family == AF_UNSPEC && BPF_CORE_READ(sk, __sk_common.skc_family) == AF_INET)
		peer.family = AF_INET;
	if (!is_peer(&peer))
		return 0;
	if (!begin(&op, CLASS_EGRESS, EGRESS_SEND))
		return answer(&op);
	reach(&op, sk, &peer);
	return finish(&op);
}

static __always_inline int bind_socket(struct socket *sock, struct sockaddr *address, int length)
{
	struct named_peer own = { address, length, family_of_address(address, length) };
	struct sock *sk = BPF_CORE_READ(sock, sk);
	struct operation op;
	struct event *event;
	u16 port = 0;

	if (own.family == AF_UNSPEC && BPF_CORE_READ(sk, __sk_common.skc_family) == AF_INET)
		own.family = AF_INET;
	if (!is_peer(&own))
		return 0;
	if (!begin(&op, CLASS_BIND, BIND_BIND))
		return answer(&op);
	event = &op.slot->event;
	event->transport = transport_of_sock(sk);
	event->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	read_address(own.address, own.length, own.family, &port, event->local_address);
	event->local_port = port;
	if (op.rules)
		rule_address(op.rules, &op.slot->key, CLASS_BIND, event->transport, port, event->local_address, &op.ruling);
	return finish(&op);
}

static __always_inline int tell_socket(u8 class, u8 what, struct sock *sk)
{
	u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);
	struct operation op;

	if (family != AF_INET && family != AF_INET6)
		return 0;
	if (!begin(&op, class, what))
		return 0;
	op.slot->event.transport = transport_of_sock(sk);
	op.slot->event.family = family;
	read_ends(&op.slot->event, &sk->__sk_common);
	finish(&op);
	return 0;
}

static __always_inline int create_socket(int family, int type, int protocol)
{
	struct operation op;

	if (family == AF_UNIX || family == AF_NETLINK)
		return 0;
	if (!begin(&op, CLASS_SOCKET, SOCKET_SOCKET))
		return answer(&op);
	op.slot->event.transport = transport_of(family, type, protocol);
	op.slot->event.family = family;
	if (op.rules)
		rule_code(op.rules, &op.slot->key, CLASS_SOCKET, op.slot->event.transport, &op.ruling);
	return finish(&op);
}

/* In softirq: the current task is anybody, the scope is the listening socket's. Told only when it is not let through. */
static __always_inline int admit_connection(struct sock *listener, struct request_sock *request)
{
	struct cgroup *cgroup = BPF_CORE_READ(listener, sk_cgrp_data.cgroup);
	struct operation op = {};
	struct event *event;

	op.scope = cgroup ? scope_of_cgroup(cgroup, &op.scope_flags) : 0;
	if (!op.scope)
		return 0;
	op.scope_flags &= ~SCOPE_REPORT;
	if (!begin_in(&op, CLASS_INGRESS, INGRESS_REQUEST))
		return answer(&op);
	event = &op.slot->event;
	event->cgroup = cgroup_id(cgroup);
	event->transport = transport_of_sock(listener);
	event->family = BPF_CORE_READ(listener, __sk_common.skc_family);
	read_ends(event, &request->__req_common);
	if (op.rules)
		rule_address(op.rules, &op.slot->key, CLASS_INGRESS, event->transport, event->local_port,
			     event->remote_address, &op.ruling);
	return finish_as(&op, false);
}

#endif

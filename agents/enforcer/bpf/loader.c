// SPDX-License-Identifier: Apache-2.0
/*
 * sluice-loader: holds the privileges, serves frames on stdin and stdout (PROTOCOL.md).
 *
 * Owns: the command line, the loop, the batching of events.
 * L1 It never blocks on stdout: when too much waits there the ring is left to fill, and the kernel counts what it drops.
 * L2 It ends without touching what is pinned.
 */
#include "loader.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EVENTS 133
#define BATCH_BYTES (64 << 10)
#define BATCH_MS 20
#define WAITING_BYTES (1 << 20)
#define TICK_MS 1000

struct batch {
	struct bytes events;
	uint32_t count;
	uint64_t since_ms;
};

static struct batch batch;
static volatile sig_atomic_t ended;

void die(int code, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("sluice-loader: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
	exit(code);
}

static int say_warnings(enum libbpf_print_level level, const char *format, va_list arguments)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, arguments) : 0;
}

static void end(int signal)
{
	(void)signal;
	ended = 1;
}

static void flush_batch(struct bytes *out)
{
	size_t frame;

	if (!batch.count)
		return;
	frame = begin_frame(out, EVENTS);
	put_u32(out, batch.count);
	put_raw(out, batch.events.data + batch.events.start, bytes_waiting(&batch.events));
	end_frame(out, frame);
	batch.count = 0;
	batch.events.start = batch.events.end = 0;
}

/* The record is taken in any case; the answer only says whether to go on. */
static int take_event(void *context, void *data, size_t size)
{
	struct session *session = context;

	if (!batch.count)
		batch.since_ms = now_ms();
	put_u32(&batch.events, size);
	put_raw(&batch.events, data, size);
	batch.count++;
	if (bytes_waiting(&batch.events) >= BATCH_BYTES)
		flush_batch(&session->out);
	return bytes_waiting(&session->out) >= WAITING_BYTES ? -EAGAIN : 0;
}

static bool drain_ring(struct session *session)
{
	bool drained = bytes_waiting(&session->out) < WAITING_BYTES && ring_buffer__consume(session->ring) >= 0;

	flush_batch(&session->out);
	return drained;
}

static void serve_requests(struct session *session)
{
	struct reader payload;
	uint8_t type;

	while (next_frame(&session->in, &type, &payload))
		handle_request(session, type, &payload);
}

/* While a batch fills up the ring is not watched: it is emptied when the batch's time has come. */
static int wait_ms(const struct session *session)
{
	int64_t left = batch.since_ms + BATCH_MS - now_ms();

	if (!batch.count)
		return TICK_MS;
	return bytes_waiting(&session->out) >= WAITING_BYTES ? TICK_MS : left > 0 ? left : 0;
}

static void serve(struct session *session)
{
	while (!ended) {
		bool full = bytes_waiting(&session->out) >= WAITING_BYTES;
		struct pollfd fds[] = {
			{ .fd = STDIN_FILENO, .events = POLLIN },
			{ .fd = bytes_waiting(&session->out) ? STDOUT_FILENO : -1, .events = POLLOUT },
			{ .fd = full || batch.count ? -1 : ring_buffer__epoll_fd(session->ring), .events = POLLIN },
		};

		if (poll(fds, 3, wait_ms(session)) < 0 && errno != EINTR)
			die(EXIT_OTHER, "poll: %s", strerror(errno));
		if (!full && !batch.count)
			ring_buffer__consume(session->ring);
		else if (!full && wait_ms(session) == 0)
			drain_ring(session);
		if (fds[0].revents) {
			if (!fill_from(&session->in, STDIN_FILENO))
				return;
			serve_requests(session);
		}
		if (!drain_to(&session->out, STDOUT_FILENO))
			return;
		forget_retired(&session->kernel);
	}
}

static int usage(void)
{
	fputs("usage: sluice-loader [--pins DIR] [--ring-bytes N] | [--pins DIR] --remove | --layout\n", stderr);
	return EXIT_USAGE;
}

static uint32_t ring_bytes_of(const char *text)
{
	char *rest;
	unsigned long bytes = strtoul(text, &rest, 10);

	if (*rest || bytes < 4096 || bytes > (1UL << 30) || (bytes & (bytes - 1)))
		die(EXIT_USAGE, "--ring-bytes %s: a power of two from 4096 to 1073741824 is needed", text);
	return bytes;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "pins", required_argument, NULL, 'p' }, { "ring-bytes", required_argument, NULL, 'r' },
		{ "remove", no_argument, NULL, 'x' },	  { "layout", no_argument, NULL, 'l' },
		{},
	};
	struct session session = { .drain_ring = drain_ring };
	const char *pins = "/sys/fs/bpf/sluice";
	uint32_t ring_bytes = 16 << 20;
	bool remove_them = false;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'p')
			pins = optarg;
		else if (option == 'r')
			ring_bytes = ring_bytes_of(optarg);
		else if (option == 'x')
			remove_them = true;
		else if (option == 'l')
			return print_layout(), 0;
		else
			return usage();
	}
	if (optind < argc)
		return usage();
	libbpf_set_print(say_warnings);
	if (remove_them)
		return remove_pins(pins), 0;
	session.kernel = open_kernel(pins, ring_bytes);
	session.ring = ring_buffer__new(session.kernel.events, take_event, &session, NULL);
	if (!session.ring)
		die(EXIT_OTHER, "cannot map the ring: %s", strerror(errno));
	adopt_retired(&session.kernel);
	drop_privileges();
	sigaction(SIGTERM, &(struct sigaction){ .sa_handler = end }, NULL);
	sigaction(SIGINT, &(struct sigaction){ .sa_handler = end }, NULL);
	sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	fcntl(STDOUT_FILENO, F_SETFL, fcntl(STDOUT_FILENO, F_GETFL) | O_NONBLOCK);
	serve(&session);
	return 0;
}

// SPDX-License-Identifier: Apache-2.0
/* Bytes in and out, and the frames in them. The machine is little-endian: bpf and libbpf are built for the host. */
#include "loader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FRAME_MAX (16U << 20)
#define READ_BYTES 65536

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "frames are written as the machine holds them");

static void make_room(struct bytes *bytes, size_t length)
{
	size_t waiting = bytes_waiting(bytes);
	size_t capacity = bytes->capacity ? bytes->capacity : READ_BYTES;

	if (bytes->end + length <= bytes->capacity)
		return;
	if (bytes->start) {
		memmove(bytes->data, bytes->data + bytes->start, waiting);
		bytes->start = 0;
		bytes->end = waiting;
	}
	while (capacity < waiting + length)
		capacity *= 2;
	if (capacity == bytes->capacity)
		return;
	bytes->data = realloc(bytes->data, capacity);
	if (!bytes->data)
		die(EXIT_OTHER, "no memory for %zu bytes", capacity);
	bytes->capacity = capacity;
}

bool fill_from(struct bytes *in, int fd)
{
	ssize_t got;

	make_room(in, READ_BYTES);
	got = read(fd, in->data + in->end, READ_BYTES);
	if (got < 0)
		return errno == EINTR || errno == EAGAIN;
	in->end += got;
	return got > 0;
}

bool drain_to(struct bytes *out, int fd)
{
	while (bytes_waiting(out)) {
		ssize_t took = write(fd, out->data + out->start, bytes_waiting(out));

		if (took < 0)
			return errno == EINTR || errno == EAGAIN;
		out->start += took;
	}
	out->start = out->end = 0;
	return true;
}

bool next_frame(struct bytes *in, uint8_t *type, struct reader *payload)
{
	const uint8_t *at = in->data + in->start;
	uint32_t length;

	if (bytes_waiting(in) < sizeof(length))
		return false;
	memcpy(&length, at, sizeof(length));
	if (length == 0 || length > FRAME_MAX)
		die(EXIT_FRAME, "a frame of %u bytes; 1 to %u are possible", length, FRAME_MAX);
	if (bytes_waiting(in) < sizeof(length) + length)
		return false;
	*type = at[sizeof(length)];
	payload->at = at + sizeof(length) + 1;
	payload->end = at + sizeof(length) + length;
	payload->bad = false;
	in->start += sizeof(length) + length;
	return true;
}

const uint8_t *get_raw(struct reader *reader, size_t length)
{
	static const uint8_t zeroes[65536];
	const uint8_t *at = reader->at;

	if ((size_t)(reader->end - at) < length) {
		reader->bad = true;
		reader->at = reader->end;
		return zeroes;
	}
	reader->at += length;
	return at;
}

#define GET(name, type)                                                \
	type name(struct reader *reader)                               \
	{                                                              \
		type value;                                            \
		memcpy(&value, get_raw(reader, sizeof(value)), sizeof(value)); \
		return value;                                          \
	}

GET(get_u8, uint8_t)
GET(get_u16, uint16_t)
GET(get_u32, uint32_t)
GET(get_u64, uint64_t)

const char *get_text(struct reader *reader, uint16_t *length)
{
	*length = get_u16(reader);
	return (const char *)get_raw(reader, *length);
}

void put_raw(struct bytes *out, const void *data, size_t length)
{
	make_room(out, length);
	memcpy(out->data + out->end, data, length);
	out->end += length;
}

void put_u8(struct bytes *out, uint8_t value)
{
	put_raw(out, &value, sizeof(value));
}

void put_u32(struct bytes *out, uint32_t value)
{
	put_raw(out, &value, sizeof(value));
}

void put_u64(struct bytes *out, uint64_t value)
{
	put_raw(out, &value, sizeof(value));
}

void put_text(struct bytes *out, const char *text)
{
	uint16_t length = strlen(text);

	put_raw(out, &length, sizeof(length));
	put_raw(out, text, length);
}

/* Positions count from `start`: room may be made in between. */
size_t begin_frame(struct bytes *out, uint8_t type)
{
	size_t begin = bytes_waiting(out);

	put_u32(out, 0);
	put_u8(out, type);
	return begin;
}

void patch_u32(struct bytes *out, size_t at, uint32_t value)
{
	memcpy(out->data + out->start + at, &value, sizeof(value));
}

void end_frame(struct bytes *out, size_t begin)
{
	patch_u32(out, begin, bytes_waiting(out) - begin - sizeof(uint32_t));
}

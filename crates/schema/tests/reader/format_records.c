/* Formats records by format texts, with libtraceevent.
 *
 * Input: any number of (u32 length, format text, u32 length, record), little endian; a text of length 0 stands for the
 * one before. Output: one line a record. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <event-parse.h>
#include <trace-seq.h>

static char *block(uint32_t *length)
{
	char *bytes;

	if (fread(length, sizeof(*length), 1, stdin) != 1)
		return NULL;
	bytes = calloc(1, *length + 1);
	if (!bytes || fread(bytes, 1, *length, stdin) != *length) {
		fprintf(stderr, "input is cut\n");
		exit(1);
	}
	return bytes;
}

static struct tep_handle *parse(const char *text, uint32_t length)
{
	struct tep_handle *tep = tep_alloc();
	enum tep_errno error;

	tep_set_long_size(tep, sizeof(long));
	tep_set_file_bigendian(tep, TEP_LITTLE_ENDIAN);
	error = tep_parse_event(tep, text, length, "syscribe");
	if (error) {
		fprintf(stderr, "format refused (%d):\n%s\n", error, text);
		exit(1);
	}
	return tep;
}

int main(void)
{
	struct tep_handle *tep = NULL;
	uint32_t length;
	char *text;

	while ((text = block(&length))) {
		struct tep_record record = { 0 };
		struct trace_seq seq;

		if (length) {
			tep_free(tep);
			tep = parse(text, length);
		}
		free(text);
		record.data = block(&length);
		record.size = length;
		trace_seq_init(&seq);
		tep_print_event(tep, &seq, &record, "%d %s %s", TEP_PRINT_PID, TEP_PRINT_NAME, TEP_PRINT_INFO);
		trace_seq_terminate(&seq);
		puts(seq.buffer);
		trace_seq_destroy(&seq);
		free(record.data);
	}
	tep_free(tep);
	return 0;
}

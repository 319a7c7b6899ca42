/*
 * Timers and asynchronous I/O on one port: a file is copied by requests that
 * are always eight at a time under way, one timer says now and then how far it
 * is, another would give up. All of it is one loop around port_getn.
 *
 *   cc timers-and-aio.c $(pkg-config --cflags --libs port)
 */
#include <port.h>

#include <aio.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEPTH = 8, BLOCK = 16384, BLOCKS = 256 };

/* A block on its way: read from one file, then written to the other. */
struct block {
	struct aiocb cb;
	port_notify_t notify;
	char data[BLOCK];
};

static int port, from, to;

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void read_block(struct block *block, int number)
{
	memset(&block->cb, 0, sizeof(block->cb));
	block->notify.portnfy_port = port;
	block->notify.portnfy_user = block;
	block->cb.aio_fildes = from;
	block->cb.aio_buf = block->data;
	block->cb.aio_nbytes = BLOCK;
	block->cb.aio_offset = (off_t)number * BLOCK;
	block->cb.aio_sigevent.sigev_notify = SIGEV_PORT;
	block->cb.aio_sigevent.sigev_value.sival_ptr = &block->notify;
	if (aio_read(&block->cb) != 0)
		fail("aio_read");
}

static timer_t start(long ns, int periodic, const char *name)
{
	port_notify_t notify = { port, (void *)name };
	struct sigevent event = { .sigev_notify = SIGEV_PORT };
	struct itimerspec times = { { 0, 0 }, { ns / 1000000000, ns % 1000000000 } };
	timer_t timer;

	event.sigev_value.sival_ptr = &notify;
	if (periodic)
		times.it_interval = times.it_value;
	if (timer_create(CLOCK_HIGHRES, &event, &timer) != 0 ||
	    timer_settime(timer, 0, &times, NULL) != 0)
		fail("timer_create");
	return timer;
}

static int new_file(void)
{
	FILE *file = tmpfile();
	if (file == NULL)
		fail("tmpfile");
	return fileno(file);
}

int main(void)
{
	static struct block blocks[DEPTH];
	static char pattern[BLOCK], seen[BLOCK];
	int next = 0, done = 0, ticks = 0, same = 1, i;
	timer_t progress, limit;

	port = port_create();
	if (port < 0)
		fail("port_create");
	from = new_file();
	to = new_file();
	for (i = 0; i < BLOCKS; i++) {
		memset(pattern, i, BLOCK);
		if (write(from, pattern, BLOCK) != BLOCK)
			fail("write");
	}

	progress = start(1000000, 1, "progress");
	limit = start(60000000000, 0, "limit");
	while (next < DEPTH)
		read_block(&blocks[next], next), next++;
	while (done < BLOCKS || ticks == 0) {
		port_event_t list[DEPTH + 2];
		unsigned int n = 1, k;
		if (port_getn(port, list, DEPTH + 2, &n, NULL) != 0)
			fail("port_getn");
		for (k = 0; k < n; k++) {
			struct block *block = list[k].portev_user;
			if (list[k].portev_source == PORT_SOURCE_TIMER) {
				if (list[k].portev_object == (uintptr_t)limit)
					errno = ETIMEDOUT, fail("copy");
				ticks += list[k].portev_events; /* how often since the last time */
				continue;
			}
			if (aio_return(&block->cb) != BLOCK)
				fail("aio_return");
			if (list[k].portev_events == AIOAREAD) {
				block->cb.aio_fildes = to;
				if (aio_write(&block->cb) != 0)
					fail("aio_write");
				continue;
			}
			done++;
			if (next < BLOCKS)
				read_block(block, next++);
		}
	}
	if (timer_delete(progress) != 0 || timer_delete(limit) != 0)
		fail("timer_delete");

	for (i = 0; i < BLOCKS; i++) {
		memset(pattern, i, BLOCK);
		same &= pread(to, seen, BLOCK, (off_t)i * BLOCK) == BLOCK;
		same &= memcmp(pattern, seen, BLOCK) == 0;
	}
	printf("%d blocks copied, %s\n", done, same ? "all the same" : "and damaged");
	printf("the progress timer ticked: %s\n", ticks > 0 ? "yes" : "no");
	return close(port);
}

/*
 * Prints:
 * 256 blocks copied, all the same
 * the progress timer ticked: yes
 */

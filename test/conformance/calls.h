/* calls.h - every call with a port argument, made on one descriptor. */
#ifndef CONFORMANCE_CALLS_H
#define CONFORMANCE_CALLS_H

#include "harness.h"

static inline void expect_all_calls_fail(int port, int err)
{
	int fd = STDERR_FILENO, error = -7;
	unsigned int n = 1;
	port_event_t pe, before;
	memset(&pe, 0x5a, sizeof(pe));
	before = pe;
	FAILS(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd, POLLIN, NULL), err);
	FAILS(port_dissociate(port, PORT_SOURCE_FD, (uintptr_t)fd), err);
	FAILS(port_send(port, 1, NULL), err);
	FAILS(port_get(port, &pe, NULL), err);
	FAILS(port_get(port, &pe, NOWAIT), err);
	FAILS(port_getn(port, &pe, 1, &n, NULL), err);
	EQ(n, 1);
	FAILS(port_getn(port, NULL, 0, &n, NULL), err);
	EQ(n, 1);
	FAILS(port_alert(port, PORT_ALERT_SET, 1, NULL), err);
	FAILS(port_alert(port, PORT_ALERT_SET, 0, NULL), err);
	EQ(port_sendn(&port, &error, 1, 1, NULL), 0);
	EQ(error, err);
	EQ(memcmp(&pe, &before, sizeof(pe)), 0);
}

#endif

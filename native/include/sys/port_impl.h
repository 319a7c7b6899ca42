/*
 * sys/port_impl.h - numbers that illumos keeps beside <sys/port.h>.
 *
 * Programs include it for PORT_MAX_LIST. The call numbers are of a system call
 * that does not exist here (contract 1.13, 1.14).
 */
#ifndef EVENT_PORTS_SYS_PORT_IMPL_H
#define EVENT_PORTS_SYS_PORT_IMPL_H

#include <sys/port.h>

/* Entries that one pass of port_sendn(3C) takes (2.7.6). */
#define PORT_MAX_LIST 8192

/* Ports of a process, events of a port (12.1). */
#define PORT_DEFAULT_PORTS 8192
#define PORT_MAX_PORTS 65536
#define PORT_DEFAULT_EVENTS 65536
#define PORT_MAX_EVENTS 0x7fffffff

/* Codes of the private system call of illumos. */
#define PORT_CREATE 0
#define PORT_ASSOCIATE 1
#define PORT_DISSOCIATE 2
#define PORT_SEND 3
#define PORT_SENDN 4
#define PORT_GET 5
#define PORT_GETN 6
#define PORT_ALERT 7
#define PORT_DISPATCH 8
#define PORT_SYS_NOPORT 0x100
#define PORT_SYS_NOSHARE 0x200
#define PORT_CODE_MASK 0xff
#define PORT_SHARE_EVENT 0x01

/* What PORT_SOURCE_FILE may be asked for (2.2.2). */
#define FILE_EVENTS_MASK \
	(FILE_ACCESS | FILE_MODIFIED | FILE_ATTRIB | FILE_TRUNC | FILE_NOFOLLOW)

#endif /* EVENT_PORTS_SYS_PORT_IMPL_H */

/* Section 1: names, values, layout. */
#include "harness.h"

#include <siginfo.h>
#include <sys/port_impl.h>
#include <sys/siginfo.h>

CASE("1.1", "source_numbers")
{
	EQ(PORT_SOURCE_AIO, 1);
	EQ(PORT_SOURCE_TIMER, 2);
	EQ(PORT_SOURCE_USER, 3);
	EQ(PORT_SOURCE_FD, 4);
	EQ(PORT_SOURCE_ALERT, 5);
	EQ(PORT_SOURCE_MQ, 6);
	EQ(PORT_SOURCE_FILE, 7);
}

CASE("1.2", "port_event_layout")
{
	EQ(offsetof(port_event_t, portev_events), 0);
	EQ(offsetof(port_event_t, portev_source), 4);
	EQ(offsetof(port_event_t, portev_pad), 6);
	EQ(offsetof(port_event_t, portev_object), 8);
	EQ(offsetof(port_event_t, portev_user), 8 + sizeof(uintptr_t));
	EQ(sizeof(port_event_t), sizeof(void *) == 8 ? 24 : 16);
	EQ(sizeof(((port_event_t *)0)->portev_events), sizeof(int));
	EQ(sizeof(((port_event_t *)0)->portev_source), sizeof(unsigned short));
	EQ(sizeof(((port_event_t *)0)->portev_object), sizeof(uintptr_t));
}

CASE("1.3", "pad_is_zero")
{
	int port = new_port(), fd[2];
	port_event_t pe;
	new_pipe(fd);
	OK(port_send(port, 1, NULL));
	pe = take(port); /* take() fills the event with ones before */
	EQ(pe.portev_pad, 0);
	write_byte(fd[1]);
	OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd[0], POLLIN, NULL));
	pe = take(port);
	EQ(pe.portev_pad, 0);
	OK(port_alert(port, PORT_ALERT_SET, 1, NULL));
	pe = take(port);
	EQ(pe.portev_pad, 0);
}

CASE("1.4", "port_notify_layout")
{
	EQ(offsetof(port_notify_t, portnfy_port), 0);
	EQ(offsetof(port_notify_t, portnfy_user), sizeof(void *));
	EQ(sizeof(port_notify_t), 2 * sizeof(void *));
}

CASE("1.5", "file_obj_layout")
{
	EQ(offsetof(file_obj_t, fo_atime), 0);
	EQ(offsetof(file_obj_t, fo_mtime), sizeof(timestruc_t));
	EQ(offsetof(file_obj_t, fo_ctime), 2 * sizeof(timestruc_t));
	EQ(sizeof(((file_obj_t *)0)->fo_pad), 3 * sizeof(uintptr_t));
	if (sizeof(void *) == 8) {
		EQ(sizeof(file_obj_t), 80);
		EQ(offsetof(file_obj_t, fo_name), 72);
	}
}

CASE("1.6", "alert_flags")
{
	EQ(PORT_ALERT_SET, 0x01);
	EQ(PORT_ALERT_UPDATE, 0x02);
	EQ(PORT_ALERT_INVALID, 0x03);
}

CASE("1.7 1.8", "file_event_bits")
{
	EQ(FILE_ACCESS, 0x1);
	EQ(FILE_MODIFIED, 0x2);
	EQ(FILE_ATTRIB, 0x4);
	EQ(FILE_TRUNC, 0x100000);
	EQ(FILE_NOFOLLOW, 0x10000000);
	EQ(FILE_DELETE, 0x10);
	EQ(FILE_RENAME_TO, 0x20);
	EQ(FILE_RENAME_FROM, 0x40);
	EQ(UNMOUNTED, 0x20000000);
	EQ(MOUNTEDOVER, 0x40000000);
	EQ(FILE_EXCEPTION, 0x60000070);
}

CASE("1.9 1.10", "poll_bits_in_common")
{
	EQ(POLLIN, 0x1);
	EQ(POLLPRI, 0x2);
	EQ(POLLOUT, 0x4);
	EQ(POLLERR, 0x8);
	EQ(POLLHUP, 0x10);
	EQ(POLLNVAL, 0x20);
	EQ(POLLRDNORM, 0x40);
	EQ(POLLNORM, POLLRDNORM);
	EQ(POLLRDBAND, 0x80);
}

CASE("1.10 1.15", "platform_numbers")
{
#if defined(__linux__)
	EQ(POLLWRNORM, 0x100);
	EQ(POLLWRBAND, 0x200);
	EQ(EBADFD, 77);
#else
	EQ(POLLWRNORM, POLLOUT);
	EQ(POLLWRBAND, 0x100);
	EQ(EBADFD, 81);
#endif
	EQ(ETIME, 62);
}

CASE("1.11", "sigev_port_is_its_own_value")
{
	TRUE(SIGEV_PORT != SIGEV_NONE);
	TRUE(SIGEV_PORT != SIGEV_SIGNAL);
	TRUE(SIGEV_PORT != SIGEV_THREAD);
#if defined(SIGEV_THREAD_ID)
	TRUE(SIGEV_PORT != SIGEV_THREAD_ID);
#endif
}

#if defined(__linux__)
#define TIMEOUT_T const struct timespec
#else
#define TIMEOUT_T struct timespec
#endif

CASE("1.16", "prototypes")
{
	int (*create)(void) = port_create;
	int (*associate)(int, int, uintptr_t, int, void *) = port_associate;
	int (*dissociate)(int, int, uintptr_t) = port_dissociate;
	int (*send)(int, int, void *) = port_send;
	int (*sendn)(int *, int *, uint_t, int, void *) = port_sendn;
	int (*get)(int, port_event_t *, TIMEOUT_T *) = port_get;
	int (*getn)(int, port_event_t *, uint_t, uint_t *, TIMEOUT_T *) = port_getn;
	int (*alert)(int, int, int, void *) = port_alert;
	TRUE(create != NULL && associate != NULL && dissociate != NULL);
	TRUE(send != NULL && sendn != NULL && get != NULL && getn != NULL);
	TRUE(alert != NULL);
}

CASE("1.17", "solaris_types")
{
	timestruc_t stamp = { 1, 2 };
	timespec_t *same = &stamp;
	itimerspec_t setting = { { 0, 0 }, { 3, 4 } };
	struct itimerspec *same_setting = &setting;
	EQ(sizeof(uchar_t), sizeof(unsigned char));
	EQ(sizeof(ushort_t), sizeof(unsigned short));
	EQ(sizeof(uint_t), sizeof(unsigned int));
	EQ(sizeof(ulong_t), sizeof(unsigned long));
	EQ(same->tv_nsec, 2);
	EQ(same_setting->it_value.tv_nsec, 4);
}

CASE("1.13 1.14", "numbers_of_port_impl")
{
	EQ(PORT_MAX_LIST, 8192);
	EQ(PORT_DEFAULT_PORTS, 8192);
	EQ(PORT_MAX_PORTS, 65536);
	EQ(PORT_DEFAULT_EVENTS, 65536);
	EQ(PORT_MAX_EVENTS, 0x7fffffff);
	EQ(PORT_CREATE, 0);
	EQ(PORT_ASSOCIATE, 1);
	EQ(PORT_DISSOCIATE, 2);
	EQ(PORT_SEND, 3);
	EQ(PORT_SENDN, 4);
	EQ(PORT_GET, 5);
	EQ(PORT_GETN, 6);
	EQ(PORT_ALERT, 7);
	EQ(PORT_DISPATCH, 8);
	EQ(PORT_SYS_NOPORT, 0x100);
	EQ(PORT_SYS_NOSHARE, 0x200);
	EQ(PORT_CODE_MASK, 0xff);
	EQ(PORT_SHARE_EVENT, 0x01);
}

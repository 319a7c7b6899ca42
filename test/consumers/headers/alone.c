/*
 * <port.h> alone, in the strictest mode of each language: what illumos sources
 * take for granted is there, sources and flags are macros.
 */
#include <port.h>

#if !defined(PORT_SOURCE_AIO) || !defined(PORT_SOURCE_TIMER) || !defined(PORT_SOURCE_USER) || \
	!defined(PORT_SOURCE_FD) || !defined(PORT_SOURCE_ALERT) || !defined(PORT_SOURCE_MQ) || \
	!defined(PORT_SOURCE_FILE)
#error "a source is no macro"
#endif
#if !defined(PORT_ALERT_SET) || !defined(PORT_ALERT_UPDATE) || !defined(SIGEV_PORT) || \
	!defined(FILE_ACCESS) || !defined(FILE_MODIFIED) || !defined(FILE_ATTRIB) || \
	!defined(FILE_TRUNC) || !defined(FILE_NOFOLLOW) || !defined(FILE_DELETE) || \
	!defined(FILE_RENAME_TO) || !defined(FILE_RENAME_FROM) || !defined(UNMOUNTED) || \
	!defined(MOUNTEDOVER) || !defined(FILE_EXCEPTION)
#error "a flag is no macro"
#endif
#if !defined(POLLIN) || !defined(POLLPRI) || !defined(POLLOUT) || !defined(POLLERR) || \
	!defined(POLLHUP) || !defined(POLLNVAL) || !defined(POLLRDNORM) || !defined(POLLNORM) || \
	!defined(POLLWRNORM) || !defined(POLLRDBAND) || !defined(POLLWRBAND)
#error "a poll bit is missing"
#endif

uchar_t a_uchar;
ushort_t a_ushort;
uint_t a_uint;
ulong_t a_ulong;
timespec_t a_timespec;
timestruc_t a_timestruc;
itimerspec_t an_itimerspec;
uintptr_t a_uintptr;
struct timespec a_struct_timespec;
struct itimerspec a_struct_itimerspec;
struct sigevent a_struct_sigevent;
void **a_pointer = &a_struct_sigevent.sigev_value.sival_ptr;
int *a_number = &a_struct_sigevent.sigev_value.sival_int;
struct port_event a_struct_event;
struct port_notify a_struct_notify;
struct file_obj a_struct_file;
port_event_t an_event;
port_notify_t a_notify;
file_obj_t a_file;
timer_t a_timer;
clockid_t a_clock;

int (*create)(void) = port_create;
int (*associate)(int, int, uintptr_t, int, void *) = port_associate;
int (*dissociate)(int, int, uintptr_t) = port_dissociate;
int (*send)(int, int, void *) = port_send;
int (*sendn)(int[], int[], uint_t, int, void *) = port_sendn;
int (*get)(int, port_event_t *, const timespec_t *) = port_get;
int (*getn)(int, port_event_t[], uint_t, uint_t *, const timespec_t *) = port_getn;
int (*alert)(int, int, int, void *) = port_alert;

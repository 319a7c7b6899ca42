// PORT_DEBUG: a line for each call, as the Node package has it (docs/porting.md).
//
//   event-ports MILLISECONDS PROCESS/THREAD CALL(ARGUMENTS) = RESULT or -ERRNO
//
// The environment is read at the first call. Unset, a call costs one branch: it asks due(),
// and if that is so has its twin here tell of it, which makes the call once more. A line is
// one write(2) of a buffer on the stack: no lock, no allocation, so also in a signal handler
// and a forked child. errno is the call's.
#pragma once
#include <atomic>
#include <cstdint>
#include <ctime>
#include <port_linux.h>

struct aiocb;

namespace evp::capi::trace {

enum State : uint8_t { OFF, UNREAD, READING, ON };
extern std::atomic<uint8_t> state;
bool wanted(const char* name);

// Whether this call is to be told of. Not when it is its twin that calls.
inline bool due(const char* name) {
	return state.load(std::memory_order_relaxed) != OFF && wanted(name);
}

// The twins. Not by the names of the calls, which port.h may turn into others.
int told_create();
int told_create_limit(unsigned limit, int cloexec);
int told_close(int port);
int told_fd_close(int fd);
int told_ticket(int port);
int told_attach(int ticket);
int told_associate(int port, int source, uintptr_t object, int events, void* user);
int told_associate_list(int port, port_assoc_t* list, unsigned count);
int told_dissociate(int port, int source, uintptr_t object);
int told_send(int port, int events, void* user);
int told_sendn(int* ports, int* errors, unsigned count, int events, void* user);
int told_get(int port, port_event_t* event, const timespec* timeout);
int told_getn(int port, port_event_t* list, unsigned max, unsigned* nget, const timespec* timeout);
int told_alert(int port, int flags, int events, void* user);
int told_dispatch(int port, int flags, int source, int events, uintptr_t object, void* user);
int told_timer_create(clockid_t clock, sigevent* event, timer_t* timer);
int told_timer_settime(timer_t timer, int flags, const itimerspec* value, itimerspec* old);
int told_timer_delete(timer_t timer);
int told_aio_read(::aiocb* request);
int told_aio_write(::aiocb* request);
int told_aio_fsync(int op, ::aiocb* request);
int told_aio_cancel(int fd, ::aiocb* request);
int told_lio_listio(int mode, ::aiocb* const* list, int count, sigevent* event);
int told_mq_notify(int queue, const sigevent* event);

} // namespace evp::capi::trace

// mq_notify and mq_close in front of libc's (mq.cpp).

#include "capi/wrap.hpp"

#include <mqueue.h>
#include <port_linux.h>

REAL(int, mq_notify, mqd_t, const struct sigevent*);
REAL(int, mq_close, mqd_t);

extern "C" int event_ports_libc_mq_notify(mqd_t queue, const struct sigevent* event) {
	return real_mq_notify(queue, event);
}
extern "C" int event_ports_libc_mq_close(mqd_t queue) { return real_mq_close(queue); }

PUBLIC int WRAP(mq_notify)(mqd_t queue, const struct sigevent* event) { return port_mq_notify(queue, event); }
PUBLIC int WRAP(mq_close)(mqd_t queue) { return port_mq_close(queue); }

#include "sys/worker.hpp"

#include "sys/signals.hpp"

#include <new>
#include <pthread.h>

namespace evp::sys {

namespace {

struct Start {
	void (*run)(void*);
	void* argument;
};

void* begin(void* given) {
	Start start = *static_cast<Start*>(given);
	delete static_cast<Start*>(given);
	pthread_setname_np(pthread_self(), "port-aio");
	start.run(start.argument);
	return nullptr;
}

} // namespace

bool start_worker(void (*run)(void*), void* argument) {
	auto* start = new (std::nothrow) Start{run, argument};
	if (!start) return false;
	pthread_attr_t attributes;
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, 256 * 1024);
	pthread_t thread;
	int rc;
	{
		SignalsBlocked inherited;
		rc = pthread_create(&thread, &attributes, begin, start);
	}
	pthread_attr_destroy(&attributes);
	if (rc != 0) delete start;
	return rc == 0;
}

} // namespace evp::sys

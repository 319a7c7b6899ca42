/* Not this system's process files; and the clock, which illumos has in <sys/time.h>. */
#pragma once
#include <stddef.h>
#include <time.h>

typedef struct {
	size_t pr_rssize;
} psinfo_t;
typedef unsigned long long hrtime_t;

static inline hrtime_t gethrtime(void) {
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

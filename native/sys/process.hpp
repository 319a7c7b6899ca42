// Small facts of the process: environment, credentials, wall clock, other processes.
#pragma once
#include "sys/fd.hpp"
#include "sys/result.hpp"
#include "sys/thread.hpp"

#include <cstdint>

namespace evp::sys {

// A decimal number of the environment within [least, most], else `otherwise`.
uint32_t environment_number(const char* name, uint32_t least, uint32_t most, uint32_t otherwise);

// Whether the environment gives a name this value.
bool environment_is(const char* name, const char* value);

// kernel.io_uring_disabled forbids it to this process, or may.
bool uring_disabled();

uint32_t user_id();
uint32_t group_id();
uint64_t realtime_ns();
uint64_t pid_space();   // inode of this process's pid namespace, 0 if it can't be read
int32_t process_id(); // getpid by system call: right in a vfork child too

// Clock ticks since boot at which a process started, 0 if it can't be read; whether
// all of its threads have ended; how many there are.
uint64_t start_time_of(int32_t pid, bool* zombie, uint32_t* threads = nullptr);

// A process and copies of its descriptors, where the system lets this one look into it
// (pidfd_open(2), pidfd_getfd(2)); -1 where not.
UniqueFd process_handle(int32_t pid);
UniqueFd descriptor_of(int process, int fd);

// Whether a descriptor is the same open file here and there: 1, 0 (also where the process is gone, or
// has closed it), or -1 if that can't be told (kcmp(2) is missing, or refused).
int same_open_file(int32_t pid, int fd);

// Whether the process named by pid and start time is gone. A process that can't
// be looked at counts as alive.
bool process_dead(int32_t pid, uint64_t start_time);

// Whether a process has no such thread (any more); whether it is stopped, or can't be
// told to run.
bool thread_gone(int32_t pid, uint32_t tid);
bool thread_stopped(int32_t pid, uint32_t tid);

// Whether a process that is seen from here lives in this pid namespace, and not in one below; false where
// that can't be told.
bool shares_pid_space(int32_t pid);

} // namespace evp::sys

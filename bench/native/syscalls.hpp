// syscalls.hpp - how many system calls a piece of single-threaded work makes: a forked child does
// it under ptrace. Exact, and needs no privilege; where ptrace is denied the figure is left out.
#pragma once

#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <functional>
#include <optional>

#include "harness.hpp"

namespace bench {

namespace detail {

// A call that no work makes: it fails at once, and the tracer knows it by its argument.
constexpr uint64_t mark_argument = 0xffff'4d41'524bu;

inline void mark() { syscall(SYS_getpgid, mark_argument); }

[[noreturn]] inline void traced_child(const std::function<void(void (*)())> &work) {
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (ptrace(PTRACE_TRACEME, 0, 0, 0) != 0)
		_exit(1);
	raise(SIGSTOP);
	try {
		work(mark);
	} catch (...) {
		_exit(1);
	}
	_exit(0);
}

} // namespace detail

// work(mark) calls mark() before and after the part that counts.
inline std::optional<uint64_t> count_syscalls(const std::function<void(void (*)())> &work) {
	const pid_t child = fork();
	if (child == 0)
		detail::traced_child(work);
	int status = 0;
	if (child < 0 || waitpid(child, &status, 0) != child || !WIFSTOPPED(status))
		return std::nullopt;
	ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);

	uint64_t count = 0;
	int marks = 0;
	int signal_number = 0;
	while (marks < 2 && ptrace(PTRACE_SYSCALL, child, 0, signal_number) == 0) {
		if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status))
			return std::nullopt; // the work failed
		const int stop = WSTOPSIG(status);
		signal_number = stop == (SIGTRAP | 0x80) ? 0 : stop;
		if (signal_number)
			continue;
		__ptrace_syscall_info info{};
		ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof info, &info);
		if (info.op != PTRACE_SYSCALL_INFO_ENTRY)
			continue;
		if (info.entry.nr == SYS_getpgid && info.entry.args[0] == detail::mark_argument)
			marks++;
		else if (marks == 1)
			count++;
	}
	// What the child would tear down now doesn't count, and is slow under ptrace.
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	return count;
}

// Adds "syscalls", per event.
inline void add_syscalls(Figures &figures, size_t events,
    const std::function<void(void (*)())> &work) {
	if (const auto count = count_syscalls(work))
		figures["syscalls"] = static_cast<double>(*count) / static_cast<double>(events);
}

} // namespace bench

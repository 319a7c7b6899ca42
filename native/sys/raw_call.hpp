// A system call where it stands: what lies on the path of every event does without libc's
// wrapper and errno. Numbers are the caller's to know, <sys/syscall.h>.
#pragma once
#include <cerrno>
#include <unistd.h>

namespace evp::sys {

// What the kernel answers: negative, an errno.
inline long raw_call(long number, long a, long b, long c, long d, long e = 0, long f = 0) {
#if defined(__x86_64__)
	long answer = number;
	register long r10 asm("r10") = d;
	register long r8 asm("r8") = e;
	register long r9 asm("r9") = f;
	asm volatile("syscall"
	             : "+a"(answer)
	             : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
	             : "rcx", "r11", "memory");
	return answer;
#elif defined(__aarch64__)
	register long x8 asm("x8") = number;
	register long x0 asm("x0") = a;
	register long x1 asm("x1") = b;
	register long x2 asm("x2") = c;
	register long x3 asm("x3") = d;
	register long x4 asm("x4") = e;
	register long x5 asm("x5") = f;
	asm volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
	return x0;
#else
	long answer = syscall(number, a, b, c, d, e, f);
	return answer >= 0 ? answer : -errno;
#endif
}

inline long raw_address(const void* where) { return reinterpret_cast<long>(where); }

} // namespace evp::sys
